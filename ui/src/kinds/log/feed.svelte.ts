/**
 * A log as the core sends it, in batches the page can bear: the first at once, then one every 150 ms. Nothing is read
 * while the page is hidden; shown again it is opened anew, and lines that are already here are left out.
 * Refuses: keeping more than the book's limits.
 */
import { asApiError, type Host } from "../../host";
import { LogBook, type FeedState, type GivenLine, type LogFeed } from "../../kit/log";
import type { LogAsk, LogFrame } from "../../wire";

const BATCH_MS = 150;
const RATE_MS = 5000;

export class LogStream implements LogFeed {
  readonly book = new LogBook();
  version = $state(0);
  state = $state.raw<FeedState>({ is: "opening" });
  caughtUp = $state(false);
  rate = $state(0);
  lastAt = $state<number | null>(null);
  #waiting: { lines: GivenLine[]; gap: boolean }[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #arrived: { at: number; lines: number }[] = [];
  #close: (() => void) | null = null;
  #ended = false;
  #host: Host;
  #ask: LogAsk;
  #clock: () => number;

  constructor(host: Host, ask: LogAsk, clock: () => number = Date.now) {
    this.#host = host;
    this.#ask = ask;
    this.#clock = clock;
  }

  /** Opens it; the returned function closes it for good. */
  start(): () => void {
    const seen = () => {
      if (document.visibilityState === "hidden") this.#stop();
      else if (!this.#ended && this.#close === null) this.#open();
    };
    document.addEventListener("visibilitychange", seen);
    if (document.visibilityState !== "hidden") this.#open();
    return () => {
      document.removeEventListener("visibilitychange", seen);
      this.#ended = true;
      this.#stop();
    };
  }

  again(): void {
    this.#stop();
    this.#ended = false;
    this.state = { is: "opening" };
    this.#open();
  }

  #open(): void {
    let early = false;
    const close = this.#host.openLog(this.#ask, (frame) => {
      early = true;
      this.#take(frame);
    });
    // A host that fails at once has already said so, and there is nothing to close.
    if (early && this.#ended) close();
    else this.#close = close;
  }

  #stop(): void {
    this.#flush();
    this.#close?.();
    this.#close = null;
  }

  #take(frame: LogFrame): void {
    if (frame.lines.length > 0 || frame.gap) this.#waiting.push({ lines: frame.lines, gap: frame.gap });
    const first = this.book.lines.length === 0;
    if (frame.ended) {
      this.#ended = true;
      this.#flush();
      this.caughtUp = true;
      this.#close = null;
      if (frame.ended.why === "complete") this.state = { is: "complete" };
      else if (frame.ended.why === "none") this.state = { is: "none" };
      else {
        const error = asApiError(frame.ended.error);
        this.state = { is: "failed", words: error.words ?? error.message };
      }
      return;
    }
    if (this.state.is !== "live") this.state = { is: "live" };
    if (first || (frame.caught_up && !this.caughtUp)) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
    if (frame.caught_up) this.caughtUp = true;
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    let lines = 0;
    for (const part of waiting) {
      this.book.append(part.lines, part.gap);
      lines += part.lines.length;
    }
    this.#measure(lines);
    this.version += 1;
  }

  /** Only what comes live counts; what was there before came all at once. */
  #measure(lines: number): void {
    if (!this.caughtUp || lines === 0) return;
    const at = this.#clock();
    this.#arrived = [...this.#arrived.filter((one) => at - one.at < RATE_MS), { at, lines }];
    const since = this.#arrived[0]?.at ?? at;
    const all = this.#arrived.reduce((sum, one) => sum + one.lines, 0);
    this.rate = all / Math.max(1, (at - since) / 1000);
    this.lastAt = at;
  }
}
