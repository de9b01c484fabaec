/**
 * What both hosts share: who waits for which answer, who reads which log.
 * Refuses: sockets, channels, retries.
 */
import type { Answer, ApiError, Frame, LogFrame } from "../wire";
import { HostError, type LinkState, type ModelFrame } from "./host";

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: HostError): void;
}

export class FrameDesk {
  #nextId = 1;
  #waiting = new Map<number, Waiting>();
  #logs = new Map<number, (frame: LogFrame) => void>();
  #listeners = new Set<(frame: ModelFrame) => void>();
  #links = new Set<(state: LinkState) => void>();
  #link: LinkState = { is: "connecting" };

  nextId(): number {
    return this.#nextId++;
  }

  wait(id: number): Promise<Answer> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  settle(id: number, result: { Ok: Answer } | { Err: ApiError }): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    if ("Ok" in result) waiting.resolve(result.Ok);
    else waiting.reject(new HostError(result.Err));
  }

  /** The line is gone: whoever waits is told so, open logs say that they ended. */
  failAll(message: string): void {
    const error: ApiError = { code: "core_gone", message };
    for (const waiting of this.#waiting.values()) waiting.reject(new HostError(error));
    this.#waiting.clear();
    for (const [id, listener] of this.#logs)
      listener({ id, lines: [], gap: false, caught_up: true, ended: { why: "failed", error } });
    this.#logs.clear();
  }

  addLog(id: number, listener: (frame: LogFrame) => void): void {
    this.#logs.set(id, listener);
  }

  removeLog(id: number): boolean {
    return this.#logs.delete(id);
  }

  addListener(listener: (frame: ModelFrame) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  addLink(listener: (state: LinkState) => void): () => void {
    this.#links.add(listener);
    listener(this.#link);
    return () => this.#links.delete(listener);
  }

  setLink(state: LinkState): void {
    this.#link = state;
    for (const listener of this.#links) listener(state);
  }

  get link(): LinkState {
    return this.#link;
  }

  /** Hands a frame to whom it belongs. A hello is the host's own affair. */
  take(frame: Frame): void {
    switch (frame.type) {
      case "hello":
        return;
      case "answer":
        this.settle(frame.id, frame.result);
        return;
      case "log": {
        this.#logs.get(frame.id)?.(frame);
        if (frame.ended) this.#logs.delete(frame.id);
        return;
      }
      default:
        for (const listener of this.#listeners) listener(frame);
    }
  }
}
