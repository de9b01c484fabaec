import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FixtureHost } from "../../host/fixture";
import type { LogAsk, LogFrame } from "../../wire";
import { LogStream } from "./feed.svelte";

const ASK: LogAsk = { item: "build:drone/ihealth/web#877", step: "3", follow: true };

/** A host that sends frames by hand. */
class HandHost extends FixtureHost {
  listeners: ((frame: LogFrame) => void)[] = [];
  closed = 0;
  override openLog(_: LogAsk, listener: (frame: LogFrame) => void): () => void {
    this.listeners.push(listener);
    return () => (this.closed += 1);
  }
  frame(frame: Partial<LogFrame>): void {
    this.listeners.at(-1)?.({ id: 1, lines: [], gap: false, caught_up: false, ...frame });
  }
}

const line = (number: number) => ({ number, text: `line ${number}` });

describe("a live log", () => {
  let host: HandHost;
  beforeEach(() => {
    vi.useFakeTimers();
    host = new HandHost();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it("shows the first lines at once and the next ones in batches", () => {
    const log = new LogStream(host, ASK);
    log.start();
    expect(log.state.is).toBe("opening");
    host.frame({ lines: [line(1)], caught_up: true });
    expect(log.version).toBe(1);
    host.frame({ lines: [line(2)] });
    host.frame({ lines: [line(3)] });
    expect(log.version).toBe(1);
    vi.advanceTimersByTime(150);
    expect(log.version).toBe(2);
    expect(log.book.lines.map((one) => one.number)).toEqual([1, 2, 3]);
  });

  it("ends, fails, and tells what it is", () => {
    const log = new LogStream(host, ASK);
    log.start();
    host.frame({ lines: [line(1)], ended: { why: "complete" } });
    expect([log.state.is, log.caughtUp, log.book.lines.length]).toEqual(["complete", true, 1]);
    const other = new LogStream(host, ASK);
    other.start();
    host.frame({
      ended: { why: "failed", error: { code: "timeout", message: "read the log: no answer in 10 s" } },
    });
    expect(other.state).toEqual({ is: "failed", words: "read the log: no answer in 10 s" });
    other.again();
    host.frame({ lines: [line(1)], ended: { why: "complete" } });
    expect(other.state.is).toBe("complete");
  });

  it("reads nothing while hidden, and goes on without doubling", () => {
    const log = new LogStream(host, ASK);
    const stop = log.start();
    host.frame({ lines: [line(1), line(2)], caught_up: true });
    const state = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    document.dispatchEvent(new Event("visibilitychange"));
    expect(host.closed).toBe(1);
    state.mockReturnValue("visible");
    document.dispatchEvent(new Event("visibilitychange"));
    expect(host.listeners.length).toBe(2);
    host.frame({ lines: [line(1), line(2), line(3)], caught_up: true });
    vi.advanceTimersByTime(200);
    expect(log.book.lines.length).toBe(3);
    stop();
    expect(host.closed).toBe(2);
  });
});
