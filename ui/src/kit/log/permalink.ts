// A link to a line: the tail `<step>:L1191` of `#/builds/<id>/<step>:L1191`, and what is shown of it, `#218/unit:L1191`.
// Refuses: a tail it cannot read (it becomes a step without a line).

/** A place in a build's logs. */
export interface LogPlace {
  step: string;
  /** Number of the line. */
  line: number | null;
}

/** Reads a tail, already decoded. */
export function readPlace(tail: string): LogPlace {
  const match = /^(.*):L(\d{1,9})$/.exec(tail);
  return match === null
    ? { step: tail, line: null }
    : { step: match[1] ?? "", line: Number.parseInt(match[2] ?? "", 10) };
}

/** Writes it, not yet encoded. */
export function writePlace(place: LogPlace): string {
  return place.line === null ? place.step : `${place.step}:L${String(place.line)}`;
}
