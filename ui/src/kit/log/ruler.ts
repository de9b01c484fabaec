// The ruler at the log's right edge: where errors and warnings stand, in parts of the whole height.
// Refuses: more marks than a screen has pixels; those that would lie on one another become one, the louder.

import type { LogBook } from "./book";
import type { Places } from "./places";
import { rowOfLine, type RowList } from "./rows";

/** A mark of the ruler. */
export interface RulerMark {
  /** 0 the top, 1 the foot. */
  at: number;
  level: "warn" | "error";
  /** Number of the line. */
  number: number;
}

/** Marks of all loud lines; `pixels` is the ruler's height. */
export function rulerMarks(book: LogBook, rows: RowList, places: Places, pixels: number): RulerMark[] {
  const total = Math.max(1, places.total());
  const slots = Math.max(1, Math.floor(pixels / 3));
  const marks = new Map<number, RulerMark>();
  book.lines.forEach((line, index) => {
    if (line.level === "") return;
    const at = places.top(rowOfLine(rows, book, index)) / total;
    const slot = Math.floor(at * slots);
    const there = marks.get(slot);
    if (there === undefined || (there.level === "warn" && line.level === "error"))
      marks.set(slot, { at, level: line.level, number: line.number });
  });
  return [...marks.values()].sort((one, other) => one.at - other.at);
}
