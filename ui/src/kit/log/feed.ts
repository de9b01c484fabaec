// What the log view asks of whoever brings the lines. Refuses: knowing where they come from.

import type { LogBook } from "./book";

/** Where a log stands. */
export type FeedState =
  /** Asked for, nothing came yet. */
  | { is: "opening" }
  /** Lines come. */
  | { is: "live" }
  /** All of it is here. */
  | { is: "complete" }
  /** The server has none. */
  | { is: "none" }
  /** It broke, in the server's words. What came before is kept. */
  | { is: "failed"; words: string };

/** A log being read. `version` is reactive and goes up with every batch; the book itself is not. */
export interface LogFeed {
  readonly book: LogBook;
  readonly version: number;
  readonly state: FeedState;
  /** Everything written before it was opened is here. */
  readonly caughtUp: boolean;
  /** Lines a second over the last seconds; 0 while nothing is known. */
  readonly rate: number;
  /** When the last line came, milliseconds since the epoch. */
  readonly lastAt: number | null;
  /** Asks again after a failure. */
  again(): void;
}
