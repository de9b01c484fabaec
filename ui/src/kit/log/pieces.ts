// A line's spans with the found places cut out of them, and links of places in our own code.
// Refuses: markup; every piece is text.

import { parseAnsi, type Ink } from "./ansi";
import type { BookLine } from "./book";
import { rangesIn, type Range } from "./search";

/** Text in one style, found or not. */
export interface Piece {
  text: string;
  ink: Ink;
  bold: boolean;
  found: boolean;
}

/** More of a line than this is not drawn; copying and downloading give all of it. */
export const LONGEST_DRAWN = 8000;

/** A line, ready to be drawn. */
export function piecesOf(line: BookLine, pattern: RegExp | null): Piece[] {
  const spans =
    line.plain === line.text && line.style === 0
      ? [{ text: line.plain, ink: "" as Ink, bold: false }]
      : parseAnsi(line.text, line.style).spans;
  const pieces: Piece[] = [];
  const ranges = pattern === null ? [] : rangesIn(pattern, line.plain);
  let at = 0;
  for (const span of spans) {
    if (at >= LONGEST_DRAWN) break;
    const text = at + span.text.length > LONGEST_DRAWN ? span.text.slice(0, LONGEST_DRAWN - at) : span.text;
    cut(text, at, ranges, (part, found) =>
      pieces.push({ text: part, ink: span.ink, bold: span.bold, found }),
    );
    at += text.length;
  }
  return pieces;
}

function cut(
  text: string,
  offset: number,
  ranges: readonly Range[],
  add: (text: string, found: boolean) => void,
): void {
  let from = 0;
  for (const range of ranges) {
    const start = Math.max(0, range.from - offset);
    const end = Math.min(text.length, range.to - offset);
    if (end <= from || start >= text.length) continue;
    if (start > from) add(text.slice(from, start), false);
    add(text.slice(Math.max(start, from), end), true);
    from = end;
  }
  if (from < text.length) add(text.slice(from), false);
}

/** How many columns a text takes: Han, kana, hangul and full width forms take two, tabs eight. */
export function columnsOf(plain: string): number {
  if (/^[\u0020-\u007e]*$/.test(plain)) return plain.length;
  let columns = 0;
  for (const char of plain) {
    const code = char.codePointAt(0) ?? 0;
    if (code === 9) columns += 8 - (columns % 8);
    else if (
      code >= 0x1100 &&
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u.test(
        char,
      )
    )
      columns += 2;
    else if (code >= 0x20) columns += 1;
  }
  return columns;
}

/** A command: what is read first, and the options behind it. */
export function commandParts(command: string): { head: string; rest: string } {
  if (command.length <= 56) return { head: command, rest: "" };
  const at = command.lastIndexOf(" ", 56);
  return at < 16 ? { head: command, rest: "" } : { head: command.slice(0, at), rest: command.slice(at) };
}
