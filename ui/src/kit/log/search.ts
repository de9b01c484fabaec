// Finding lines: as text or as a pattern, with or without case, or those that do not match.
// Refuses: throwing at a half-typed pattern; it is a state, shown in the field.

import type { LogBook } from "./book";

/** What is looked for. */
export interface SearchAsk {
  text: string;
  regex: boolean;
  matchCase: boolean;
  not: boolean;
}

/** Nothing. */
export const NO_SEARCH: SearchAsk = { text: "", regex: false, matchCase: false, not: false };

/** Where in a line. */
export interface Range {
  from: number;
  to: number;
}

/** A line longer than this is searched only so far: patterns that go back and forth must not stop the page. */
const LONGEST = 4000;
/** More marks than this in one line are no help. */
const MOST_MARKS = 200;

/** Makes the pattern; a text says why it cannot. */
export function compileSearch(ask: SearchAsk): RegExp | string | null {
  if (ask.text === "") return null;
  try {
    const source = ask.regex ? ask.text : ask.text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
    return new RegExp(source, ask.matchCase ? "gu" : "giu");
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Ranges of a line that match, none of them empty. */
export function rangesIn(pattern: RegExp, plain: string): Range[] {
  const ranges: Range[] = [];
  pattern.lastIndex = 0;
  for (const match of plain.slice(0, LONGEST).matchAll(pattern)) {
    if (match[0] !== "") ranges.push({ from: match.index, to: match.index + match[0].length });
    if (ranges.length >= MOST_MARKS) break;
  }
  return ranges;
}

/** Hits of one search over a book that grows: only new lines are looked at. */
export class LogSearch {
  /** Why the pattern cannot be used. */
  readonly error: string | null;
  readonly pattern: RegExp | null;
  /** Numbers of the lines that match, ascending. */
  hits: number[] = [];
  #seen = 0;

  readonly ask: SearchAsk;

  constructor(ask: SearchAsk = NO_SEARCH) {
    this.ask = ask;
    const compiled = compileSearch(ask);
    this.error = typeof compiled === "string" ? compiled : null;
    this.pattern = typeof compiled === "string" ? null : compiled;
  }

  /** Looks at the lines that came since. True when there are new hits. */
  update(book: LogBook): boolean {
    if (this.pattern === null) return false;
    const before = this.hits.length;
    const first = book.lines[0]?.number ?? 0;
    if ((this.hits[0] ?? first) < first) this.hits = this.hits.filter((number) => number >= first);
    let index = this.#seen < first ? 0 : book.indexOf(this.#seen) + 1;
    for (; index < book.lines.length; index += 1) {
      const line = book.lines[index];
      if (line === undefined) break;
      this.pattern.lastIndex = 0;
      if (
        this.pattern.test(line.plain.length > LONGEST ? line.plain.slice(0, LONGEST) : line.plain) !==
        this.ask.not
      )
        this.hits.push(line.number);
      this.#seen = line.number;
    }
    return this.hits.length !== before;
  }

  /** The next hit behind a line number, round the end; -1 without hits. */
  next(number: number): number {
    return this.hits[this.#below(number + 1)] ?? this.hits[0] ?? -1;
  }

  /** The one before, round the beginning. */
  previous(number: number): number {
    return this.hits[this.#below(number) - 1] ?? this.hits.at(-1) ?? -1;
  }

  /** Which hit that is, from 1; 0 when it is none. */
  rank(number: number): number {
    const at = this.#below(number);
    return this.hits[at] === number ? at + 1 : 0;
  }

  /** How many hits stand below that line number. */
  #below(number: number): number {
    let low = 0;
    let high = this.hits.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.hits[middle] ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
