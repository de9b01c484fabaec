// The lines of one open log: a bounded ring, read once each (level, command head, frame), cut into sections by command.
// Refuses: growing without end. Beyond its limits the oldest lines go, and how many went is told.

import { PLAIN, parseAnsi, plainText, type Style } from "./ansi";
import { frameOf } from "./frames";
import { levelOf, type Level } from "./level";

/** A line as it comes (the wire's `LogLine` fits). */
export interface GivenLine {
  number: number;
  at_s?: number | null;
  text: string;
}

/** A line as it is kept. */
export interface BookLine {
  number: number;
  /** Seconds since the step began; carried on from the line before when the server does not tell. */
  at: number | null;
  /** Exactly as the server gave it. */
  text: string;
  /** Without colours; the very same string where there are none. */
  plain: string;
  level: Level;
  /** Style that the line begins in: a colour that was never switched off goes on. */
  style: Style;
  /** A frame of this library's code; "" for one that names none; null for any other line. */
  library: string | null;
  /** Lines lost right before this one; -1 for an unknown number. */
  lost: number;
}

/** A command and what it wrote. Indices count from the first line kept. */
export interface Section {
  /** Index of the `+ command` line; -1 for what stands before the first command. */
  head: number;
  /** First line of its output. */
  from: number;
  /** Behind its last line. */
  to: number;
  errors: number;
  warnings: number;
  /** Index of the first error; -1 when there is none. */
  firstError: number;
}

/** Limits of a book. */
export interface BookLimits {
  lines: number;
  /** UTF-16 units over all lines. */
  chars: number;
}

/** Room for the longest build seen twice over, and at most some 60 MB. */
export const LIMITS: BookLimits = { lines: 200_000, chars: 24_000_000 };

/** A head is `+ ` and a command: what the shell's trace writes for each command of a step. */
const COMMAND = /^\+ (?=\S)/;

/** The command of a head line, without its `+ `. */
export function commandOf(plain: string): string {
  return plain.replace(COMMAND, "");
}

/** The ring. Not reactive by itself: `version` goes up with every change, and a view reads it again. */
export class LogBook {
  lines: BookLine[] = [];
  sections: Section[] = [];
  /** Lines that went because of the limits. */
  dropped = 0;
  chars = 0;
  errors = 0;
  warnings = 0;
  version = 0;
  private style: Style = PLAIN;

  private readonly limits: BookLimits;

  constructor(limits: BookLimits = LIMITS) {
    this.limits = limits;
  }

  /** Adds lines in order. Those that are already there are left out, so that a log opened again does not double. */
  append(given: readonly GivenLine[], gap = false): void {
    let lost = gap;
    for (const line of given) {
      const last = this.lines.at(-1);
      if (last !== undefined && line.number <= last.number) continue;
      const hole = last === undefined ? 0 : line.number - last.number - 1;
      this.add(line, hole > 0 ? hole : lost ? -1 : 0, last?.at ?? null);
      lost = false;
    }
    if (this.lines.length > this.limits.lines || this.chars > this.limits.chars) this.shed();
    this.version += 1;
  }

  /** Index of the line with that number; -1 when it is not kept. */
  indexOf(number: number): number {
    let low = 0;
    let high = this.lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.lines[middle]?.number ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    return this.lines[low]?.number === number ? low : -1;
  }

  /** Index of the first error; -1 when there is none. */
  firstError(): number {
    return this.sections.find((section) => section.firstError >= 0)?.firstError ?? -1;
  }

  /** Index in `sections` of the one that the line stands in. */
  sectionOf(index: number): number {
    let low = 0;
    let high = this.sections.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const section = this.sections[middle];
      if (section !== undefined && (section.head >= 0 ? section.head : section.from) <= index) low = middle;
      else high = middle - 1;
    }
    return this.sections.length === 0 ? -1 : low;
  }

  /** Everything, as text without colours, ended by a line end. */
  allText(): string {
    return this.lines.map((line) => `${line.plain}\n`).join("");
  }

  private add(given: GivenLine, lost: number, before: number | null): void {
    const plain = plainText(given.text);
    const command = COMMAND.test(plain);
    if (command) this.style = PLAIN;
    const style = this.style;
    if (plain !== given.text) this.style = parseAnsi(given.text, style).end;
    const level = command ? "" : levelOf(plain);
    const frame = level === "" ? frameOf(plain) : null;
    const line: BookLine = {
      number: given.number,
      at: given.at_s ?? before,
      text: given.text,
      plain,
      level,
      style,
      library: frame === null ? null : frame.library,
      lost,
    };
    this.lines.push(line);
    this.chars += given.text.length;
    this.toSection(this.lines.length - 1, command, level);
  }

  private toSection(index: number, command: boolean, level: Level): void {
    let section = this.sections.at(-1);
    if (section === undefined || command) {
      section = {
        head: command ? index : -1,
        from: command ? index + 1 : index,
        to: index + 1,
        errors: 0,
        warnings: 0,
        firstError: -1,
      };
      this.sections.push(section);
    }
    section.to = index + 1;
    if (level === "error") {
      section.errors += 1;
      this.errors += 1;
      if (section.firstError < 0) section.firstError = index;
    } else if (level === "warn") {
      section.warnings += 1;
      this.warnings += 1;
    }
  }

  /** Lets go of the oldest eighth, so that this is rare and each time worth it. */
  private shed(): void {
    let away = Math.max(this.lines.length - this.limits.lines, this.limits.lines >> 3);
    let chars = 0;
    for (let i = 0; i < Math.min(away, this.lines.length); i += 1) chars += this.lines[i]?.text.length ?? 0;
    while (this.chars - chars > this.limits.chars && away < this.lines.length) {
      chars += this.lines[away]?.text.length ?? 0;
      away += 1;
    }
    away = Math.min(away, this.lines.length);
    this.lines = this.lines.slice(away);
    this.dropped += away;
    this.chars -= chars;
    this.sections = [];
    this.errors = 0;
    this.warnings = 0;
    this.lines.forEach((line, index) => {
      this.toSection(index, COMMAND.test(line.plain), line.level);
    });
  }
}
