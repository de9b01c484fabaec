/**
 * The one interface to the core (design § 3). Everything the page knows or does goes through it.
 * Refuses: any knowledge of the model, any word for people.
 */
import type { Act, Answer, ApiError, Frame, Hello, LogAsk, LogFrame, Query } from "../wire";

/** How the page stands to its core. */
export type LinkState =
  | { is: "connecting" }
  | { is: "open"; hello: Hello }
  | { is: "lost"; retryAt: number | null; why: string }
  | { is: "mismatch"; hello: Hello }
  | { is: "refused"; why: string };

/** The frames a listener sees; answers and logs are taken by who asked. */
export type ModelFrame = Extract<Frame, { type: "snapshot" | "patch" | "show" | "bye" }>;

/** What this face can do beside showing. */
export interface Capabilities {
  /** `window` is the desktop window, `browser` a page of `kopi serve`. */
  face: "window" | "browser";
  /** Opens a page in the person's browser; http(s) only. */
  openExternal(url: string): void;
}

export interface Host {
  readonly capabilities: Capabilities;
  /** Reads. Rejects with {@link HostError}. */
  query(query: Query): Promise<Answer>;
  /** Changes something. Never repeated by itself. Rejects with {@link HostError}. */
  act(act: Act): Promise<Answer>;
  /** Frames of the live model from now on, a snapshot first. Returns how to stop. */
  subscribe(listener: (frame: ModelFrame) => void): () => void;
  /** How the page stands to its core, now and on each change. Returns how to stop. */
  onLink(listener: (state: LinkState) => void): () => void;
  /** The snapshot or patch of this revision was applied: the next patch may leave. */
  ack(rev: number): void;
  /** Asks for a whole new snapshot: a patch did not fit. */
  resync(): void;
  /** Nothing is sent to a hidden page. */
  visible(visible: boolean): void;
  /** Opens a log; its frames come until the returned function is called. */
  openLog(ask: LogAsk, listener: (frame: LogFrame) => void): () => void;
}

/** An `ApiError` as an exception. */
export class HostError extends Error {
  override readonly name = "HostError";
  constructor(readonly error: ApiError) {
    super(error.message);
  }
}

/** Any thrown thing as an `ApiError`, so that faces have one shape to word. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof HostError) return thrown.error;
  if (isApiError(thrown)) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: "internal", message };
}

function isApiError(thrown: unknown): thrown is ApiError {
  return typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown;
}

/** The value of an answer of the expected shape. Throws when the core answered something else. */
export function expectAnswer<K extends Answer["is"]>(
  answer: Answer,
  is: K,
): Extract<Answer, { is: K }> extends { value: infer V } ? V : undefined {
  if (answer.is !== is)
    throw new HostError({ code: "bad_request", message: `asked for ${is}, got ${answer.is}` });
  return (answer as { value?: unknown }).value as never;
}

/** Version of the frames this page speaks (`kopi-model`, `PROTOCOL`). */
export const PROTOCOL = 1;
