// From lines to rows: which heads, lines, folds and gaps a view shows, and where each of them stands.
// Refuses: hiding an error line behind a fold that was not closed by a person.

import type { BookLine, LogBook, Section } from "./book";

/** What a row is. */
export const RowKind = {
  /** A command's head. `at` is the section. */
  Command: 0,
  /** A line. `at` is its index. */
  Line: 1,
  /** Frames that are not ours. `at` is the first one's index, `count` how many lines. */
  Frames: 2,
  /** Lines before the first error of an open section. `at` is the first one's index. */
  Before: 3,
  /** Lines that were lost. `at` is the index of the line behind the hole, `count` how many, -1 for unknown. */
  Gap: 4,
  /** Lines that the ring let go. */
  Dropped: 5,
  /** How the step ended. */
  End: 6,
} as const;
/** One of them. */
export type RowKind = (typeof RowKind)[keyof typeof RowKind];

/** A row, taken out of the packed list for drawing. */
export interface Row {
  kind: RowKind;
  at: number;
  count: number;
}

/** Heights in pixels (`look.md § 2`: a log line is 19). */
export const LINE_HEIGHT = 19;
/** Of a command's head and of the end. */
export const HEAD_HEIGHT = 24;

/** What a person or the state of the step decided. */
export interface RowChoices {
  /** Sections opened or closed by hand, by the number of their head line (0 for the one before the first command). */
  open: ReadonlyMap<number, boolean>;
  /** Folds opened by hand, by the number of their first line. */
  unfolded: ReadonlySet<number>;
  /** The step goes on: its last command is open. */
  running: boolean;
  /** The step failed: its last command failed. */
  failed: boolean;
  /** How the step ended is known and shown as a last row. */
  ended: boolean;
  /** Nothing is folded (a service's log, a search that only counts lines). */
  flat?: boolean;
}

/** A log shorter than this stays open: folding it would hide everything to save nothing. */
const SHORT = 40;
/** Lines kept in front of the first error when what stands before is folded. */
const CONTEXT = 9;
/** Folding fewer would cost a row to save one. */
const FEWEST_BEFORE = 12;
/** Frames in a row, from which on they are folded. */
const FEWEST_FRAMES = 3;

/** Rows, packed: 100,000 of them are three typed arrays and not 100,000 objects. */
export class RowList {
  length = 0;
  private kinds = new Uint8Array(1024);
  private ats = new Int32Array(1024);
  private counts = new Int32Array(1024);

  push(kind: RowKind, at: number, count = 1): void {
    if (this.length === this.kinds.length) this.grow();
    this.kinds[this.length] = kind;
    this.ats[this.length] = at;
    this.counts[this.length] = count;
    this.length += 1;
  }

  row(index: number): Row {
    return {
      kind: (this.kinds[index] ?? RowKind.Line) as RowKind,
      at: this.ats[index] ?? 0,
      count: this.counts[index] ?? 0,
    };
  }

  kind(index: number): RowKind {
    return (this.kinds[index] ?? RowKind.Line) as RowKind;
  }

  at(index: number): number {
    return this.ats[index] ?? 0;
  }

  count(index: number): number {
    return this.counts[index] ?? 0;
  }

  private grow(): void {
    const size = this.kinds.length * 2;
    const kinds = new Uint8Array(size);
    kinds.set(this.kinds);
    this.kinds = kinds;
    const ats = new Int32Array(size);
    ats.set(this.ats);
    this.ats = ats;
    const counts = new Int32Array(size);
    counts.set(this.counts);
    this.counts = counts;
  }
}

/** The name a section's choice is kept under: its head's line number, which stays when old lines go. */
export function sectionKey(book: LogBook, section: Section): number {
  return section.head < 0 ? 0 : (book.lines[section.head]?.number ?? 0);
}

/** Whether a section is open: a person's word first, then: the running or failed command, and all of a short log. */
export function isOpen(book: LogBook, index: number, choices: RowChoices): boolean {
  const section = book.sections[index];
  if (section === undefined || section.head < 0 || choices.flat === true) return true;
  const chosen = choices.open.get(sectionKey(book, section));
  if (chosen !== undefined) return chosen;
  if (book.lines.length <= SHORT) return true;
  const last = index === book.sections.length - 1;
  return last && (choices.running || choices.failed);
}

/** All rows. */
export function buildRows(book: LogBook, choices: RowChoices): RowList {
  const rows = new RowList();
  if (book.dropped > 0) rows.push(RowKind.Dropped, 0, book.dropped);
  book.sections.forEach((section, index) => {
    if (section.head >= 0) {
      pushGap(rows, book, section.head);
      if (choices.flat === true) rows.push(RowKind.Line, section.head);
      else rows.push(RowKind.Command, index, section.to - section.from);
    }
    if (isOpen(book, index, choices)) pushBody(rows, book, section, index, choices);
  });
  if (choices.ended) rows.push(RowKind.End, 0);
  return rows;
}

function pushBody(rows: RowList, book: LogBook, section: Section, index: number, choices: RowChoices): void {
  const failing = choices.failed && index === book.sections.length - 1;
  let at = section.from;
  const before = section.firstError - CONTEXT - section.from;
  if (failing && section.head >= 0 && before >= FEWEST_BEFORE && !isUnfolded(book, at, choices)) {
    rows.push(RowKind.Before, at, before);
    at += before;
  }
  while (at < section.to) {
    pushGap(rows, book, at);
    const frames = choices.flat === true ? 0 : foreignFrames(book, at, section.to);
    if (frames >= FEWEST_FRAMES && !isUnfolded(book, at, choices)) {
      rows.push(RowKind.Frames, at, frames);
      at += frames;
    } else {
      rows.push(RowKind.Line, at);
      at += 1;
    }
  }
}

function isUnfolded(book: LogBook, at: number, choices: RowChoices): boolean {
  return choices.unfolded.has(book.lines[at]?.number ?? 0);
}

function pushGap(rows: RowList, book: LogBook, at: number): void {
  const lost = book.lines[at]?.lost ?? 0;
  if (lost !== 0) rows.push(RowKind.Gap, at, lost);
}

/** How many lines from here on are frames of others; a Python frame takes the source line under it along. */
function foreignFrames(book: LogBook, from: number, to: number): number {
  // A run that began earlier was either folded whole or opened whole: never begin one in its middle.
  if (from > 0 && isForeign(book.lines[from - 1])) return 0;
  let at = from;
  while (at < to && isForeign(book.lines[at])) {
    const python = /^\s*File "/.test(book.lines[at]?.plain ?? "");
    at += 1;
    if (python && at < to && /^\s{4}/.test(book.lines[at]?.plain ?? "") && book.lines[at]?.library === null)
      at += 1;
    if ((book.lines[at]?.lost ?? 0) !== 0) break;
  }
  return at - from;
}

function isForeign(line: BookLine | undefined): boolean {
  return line?.library !== undefined && line.library !== null;
}

/** The libraries of a fold, the most frequent first, at most three. */
export function librariesOf(book: LogBook, from: number, count: number): string[] {
  const seen = new Map<string, number>();
  for (let at = from; at < from + count; at += 1) {
    const library = book.lines[at]?.library;
    if (library !== undefined && library !== null && library !== "")
      seen.set(library, (seen.get(library) ?? 0) + 1);
  }
  return [...seen.entries()]
    .sort((one, other) => other[1] - one[1])
    .slice(0, 3)
    .map(([name]) => name);
}

/** Index of the row that shows this line, be it in a fold or under a closed head; -1 when there is none. */
export function rowOfLine(rows: RowList, book: LogBook, line: number): number {
  let low = 0;
  let high = rows.length - 1;
  let best = -1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (firstLineOf(rows, book, middle) <= line) {
      best = middle;
      low = middle + 1;
    } else high = middle - 1;
  }
  // A gap row stands before the line that it names.
  while (best >= 0 && best + 1 < rows.length && rows.kind(best) === RowKind.Gap) best += 1;
  return best;
}

/** The first line a row stands for. */
export function firstLineOf(rows: RowList, book: LogBook, row: number): number {
  switch (rows.kind(row)) {
    case RowKind.Command: {
      return book.sections[rows.at(row)]?.head ?? 0;
    }
    case RowKind.Dropped: {
      return -1;
    }
    case RowKind.End: {
      return book.lines.length;
    }
    default: {
      return rows.at(row);
    }
  }
}
