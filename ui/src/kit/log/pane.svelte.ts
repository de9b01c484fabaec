/**
 * What a person does with an open log: search, folds, wrap, the linked line, a chosen range. The rows follow from it.
 * Refuses: pixels; where things stand on the screen is the body's.
 */
import { plainText } from "./ansi";
import { type LogBook, type Section } from "./book";
import type { LogFeed } from "./feed";
import { buildRows, isOpen, sectionKey, type RowChoices, type RowList } from "./rows";
import { LogSearch, NO_SEARCH, type SearchAsk } from "./search";

/** How the step goes, from outside. */
export interface StepState {
  running: boolean;
  failed: boolean;
  /** A last row says how it ended. */
  ended: boolean;
}

export class LogPane {
  readonly feed: LogFeed;
  wrap = $state(false);
  times = $state(true);
  /** At the end and staying there. */
  follow = $state(true);
  /** Number of the last line that was in sight when following ended. */
  pausedAt = $state(0);
  /** Number of the line one is at: linked, found, or the first error. */
  line = $state<number | null>(null);
  /** Other end of a chosen range. */
  rangeEnd = $state<number | null>(null);
  ask = $state.raw<SearchAsk>(NO_SEARCH);
  step = $state.raw<StepState>({ running: false, failed: false, ended: false });
  #open = $state.raw<ReadonlyMap<number, boolean>>(new Map());
  #unfolded = $state.raw<ReadonlySet<number>>(new Set());

  constructor(feed: LogFeed) {
    this.feed = feed;
  }

  readonly choices: RowChoices = $derived({ ...this.step, open: this.#open, unfolded: this.#unfolded });
  readonly rows: RowList = $derived.by(() => {
    void this.feed.version;
    return buildRows(this.book, this.choices);
  });
  readonly search = $derived(new LogSearch(this.ask));
  /** How many lines match, so far. */
  readonly hits: number = $derived.by(() => {
    void this.feed.version;
    this.search.update(this.book);
    return this.search.hits.length;
  });
  /** New lines since following ended. */
  readonly unseen: number = $derived.by(() => {
    void this.feed.version;
    return this.follow ? 0 : Math.max(0, (this.book.lines.at(-1)?.number ?? 0) - this.pausedAt);
  });

  get book(): LogBook {
    return this.feed.book;
  }

  isOpen(section: number): boolean {
    return isOpen(this.book, section, this.choices);
  }

  toggle(section: number): void {
    const there = this.book.sections[section];
    if (there) this.#choose(there, !this.isOpen(section));
  }

  unfold(number: number): void {
    this.#unfolded = new Set([...this.#unfolded, number]);
  }

  /** Makes sure that a line has a row of its own. False when the line is not kept. */
  reveal(number: number): boolean {
    const index = this.book.indexOf(number);
    if (index < 0) return false;
    const at = this.book.sectionOf(index);
    const section = this.book.sections[at];
    if (section && section.head !== index && !this.isOpen(at)) this.#choose(section, true);
    for (let row = 0; row < this.rows.length; row += 1) {
      const { kind, at: from, count } = this.rows.row(row);
      if ((kind === 2 || kind === 3) && from <= index && index < from + count) {
        this.unfold(this.book.lines[from]?.number ?? 0);
        break;
      }
    }
    return true;
  }

  /** Number of the next error behind the line one is at, round the end; none without errors. */
  nextError(): number | null {
    const from = this.line === null ? -1 : this.book.indexOf(this.line);
    const current = from >= 0 && this.book.lines[from]?.level === "error";
    const first = this.book.firstError();
    if (first < 0) return null;
    if (!current) return this.book.lines[first]?.number ?? null;
    for (let index = from + 1; index < this.book.lines.length; index += 1)
      if (this.book.lines[index]?.level === "error") return this.book.lines[index]?.number ?? null;
    return this.book.lines[first]?.number ?? null;
  }

  /** Chooses a line, or with `extend` all from the last one up to it. */
  choose(number: number, extend: boolean): void {
    if (extend && this.line !== null) this.rangeEnd = number;
    else {
      this.line = number;
      this.rangeEnd = null;
    }
  }

  isChosen(number: number): boolean {
    if (this.line === null || this.rangeEnd === null) return false;
    return number >= Math.min(this.line, this.rangeEnd) && number <= Math.max(this.line, this.rangeEnd);
  }

  /** The chosen lines, else all, as text; with how many they are. */
  text(): { text: string; lines: number } {
    const lines =
      this.rangeEnd === null ? this.book.lines : this.book.lines.filter((line) => this.isChosen(line.number));
    return { text: lines.map((line) => `${plainText(line.text)}\n`).join(""), lines: lines.length };
  }

  #choose(section: Section, open: boolean): void {
    this.#open = new Map([...this.#open, [sectionKey(this.book, section), open]]);
  }
}
