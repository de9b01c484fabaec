/**
 * A host without a core, for component tests and for pictures (`vite build --mode fixture`). Not in any shipped build.
 * It holds a snapshot and answers what it was given; what it does not know it refuses.
 */
import type { Act, Answer, LogAsk, LogFrame, Query, Snapshot } from "../wire";
import { HostError, type Capabilities, type Host, type LinkState, type ModelFrame } from "./host";

export interface Fixture {
  snapshot?: Snapshot | null;
  link?: LinkState;
  answer?: (query: Query) => Answer | undefined;
  act?: (act: Act) => Answer | undefined;
  log?: (ask: LogAsk) => Omit<LogFrame, "id">[];
}

export const OPEN: LinkState = {
  is: "open",
  hello: { protocol: 1, version: "0.1.0", face: "core", core: "fixture", may_act: true },
};

export class FixtureHost implements Host {
  readonly capabilities: Capabilities = {
    face: "window",
    openExternal: (url) => this.opened.push(url),
  };
  /** What was asked of it, for tests. */
  readonly acts: Act[] = [];
  readonly opened: string[] = [];
  readonly acked: number[] = [];
  resyncs = 0;
  #listeners = new Set<(frame: ModelFrame) => void>();
  #links = new Set<(state: LinkState) => void>();

  constructor(readonly fixture: Fixture = {}) {}

  /** The story of the mock-ups; `?state=…` in the address picks another one. */
  static async fromLocation(): Promise<FixtureHost> {
    const { storyOf } = await import("../testing/story");
    return new FixtureHost(storyOf(new URLSearchParams(location.search)));
  }

  /** Sends a frame as the core would. */
  send(frame: ModelFrame): void {
    for (const listener of this.#listeners) listener(frame);
  }

  setLink(state: LinkState): void {
    for (const listener of this.#links) listener(state);
  }

  async query(query: Query): Promise<Answer> {
    const answer = this.fixture.answer?.(query);
    if (!answer) throw new HostError({ code: "not_supported", message: `no fixture for ${query.what}` });
    return answer;
  }

  async act(act: Act): Promise<Answer> {
    this.acts.push(act);
    return this.fixture.act?.(act) ?? { is: "done" };
  }

  subscribe(listener: (frame: ModelFrame) => void): () => void {
    this.#listeners.add(listener);
    if (this.fixture.snapshot) listener({ type: "snapshot", ...this.fixture.snapshot });
    return () => this.#listeners.delete(listener);
  }

  onLink(listener: (state: LinkState) => void): () => void {
    this.#links.add(listener);
    listener(this.fixture.link ?? OPEN);
    return () => this.#links.delete(listener);
  }

  ack(rev: number): void {
    this.acked.push(rev);
  }

  resync(): void {
    this.resyncs += 1;
  }

  visible(): void {}

  openLog(ask: LogAsk, listener: (frame: LogFrame) => void): () => void {
    let open = true;
    void (async () => {
      for (const frame of this.fixture.log?.(ask) ?? [
        { lines: [], gap: false, caught_up: true, ended: { why: "none" as const } },
      ]) {
        await Promise.resolve();
        if (open) listener({ id: 1, ...frame });
      }
    })();
    return () => (open = false);
  }
}
