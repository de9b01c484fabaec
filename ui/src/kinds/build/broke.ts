/**
 * What broke, out of the log of a failed step: the places in our code that an error names, each with its line.
 * Refuses: more than a handful, and places in libraries.
 */
import type { LogBook } from "../../kit/log";
import { frameOf } from "../../kit/log/frames";

/** One thing that broke. */
export interface Broken {
  /** `GlucoseUnitTest.java:48`; none when the log names no place. */
  place: string | null;
  /** What is said of it. */
  words: string;
  /** Number of the line. */
  line: number;
}

const MOST = 4;
/** An error and the frame that belongs to it stand this close. */
const NEAR = 40;

const COMPILER =
  /^\s*(?:\[ERROR\]\s+)?([\w@./\\-]+\.\w{1,6})[:([](\d+)(?:[,:]\d+)?[\])]?\s*:?\s*(?:error[^:]*:?\s*)?(.*)$/i;

export function whatBroke(book: LogBook): Broken[] {
  const found: Broken[] = [];
  const places = new Set<string>();
  for (let at = Math.max(0, book.firstError()); at < book.lines.length && found.length < MOST; at += 1) {
    const line = book.lines[at];
    if (line?.level !== "error") continue;
    const compiler = COMPILER.exec(line.plain);
    const place = compiler ? `${fileOf(compiler[1] ?? "")}:${compiler[2] ?? ""}` : ownFrame(book, at);
    if (place === null || places.has(place)) continue;
    places.add(place);
    found.push({ place, words: compiler?.[3]?.trim() || said(book, at), line: line.number });
  }
  if (found.length > 0) return found;
  const first = book.lines[book.firstError()];
  return first ? [{ place: null, words: tidy(first.plain), line: first.number }] : [];
}

function fileOf(path: string): string {
  return path.replace(/^.*[\\/]/, "");
}

/** The first frame of ours behind an error, before the next error. */
function ownFrame(book: LogBook, error: number): string | null {
  for (let at = error + 1; at < Math.min(book.lines.length, error + NEAR); at += 1) {
    const line = book.lines[at];
    if (!line || line.level === "error") {
      // "Caused by" and the exception's own line belong to the same error.
      if (line && /^\s*(?:Caused by|(?:[\w$]+\.)*\w*(?:Error|Exception))/.test(line.plain)) continue;
      return null;
    }
    const frame = frameOf(line.plain);
    if (frame?.place && frame.library === null) return frame.place;
  }
  return null;
}

/** The words of an error: the exception's message right under it where there is one, else its own. */
function said(book: LogBook, error: number): string {
  const next = book.lines[error + 1]?.plain ?? "";
  const exception = /^(?:[\w$]+\.)*\w*(?:Error|Exception|Failure)\w*:\s*(.+)$/.exec(next.trim());
  return tidy(exception?.[1] ?? book.lines[error]?.plain ?? "");
}

function tidy(plain: string): string {
  return plain
    .replace(/^\s*(?:\[?ERROR\]?|npm ERR!|error:?|✗|✖|×)\s*/i, "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 160);
}
