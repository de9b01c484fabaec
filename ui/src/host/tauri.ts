/**
 * The desktop window: three commands and one channel.
 *  - `subscribe { frames }`  hands over the channel that every frame comes through; a reload hands over a new one;
 *  - `query { request }`     `Request` whose body reads: query, subscribe, ack, visible, open_log, close_log;
 *  - `act { request }`       `Request` whose body is an act.
 * Both answer with nothing: answers come as frames, in order with the patches.
 */
import { Channel, invoke } from "@tauri-apps/api/core";

import type { Act, Answer, Frame, LogAsk, LogFrame, Query, RequestBody } from "../wire";
import { FrameDesk } from "./frames";
import { asApiError, type Host, type LinkState, type ModelFrame, PROTOCOL } from "./host";

export class TauriHost implements Host {
  readonly capabilities = {
    face: "window" as const,
    openExternal: (url: string) => {
      if (/^https?:\/\//.test(url)) void invoke("plugin:opener|open_url", { url });
    },
  };
  #desk = new FrameDesk();

  constructor() {
    const frames = new Channel<Frame>();
    frames.onmessage = (frame) => this.#take(frame);
    invoke("subscribe", { frames }).catch((thrown: unknown) => {
      this.#desk.setLink({ is: "lost", retryAt: null, why: asApiError(thrown).message });
    });
  }

  #take(frame: Frame): void {
    if (frame.type === "hello") {
      if (frame.protocol !== PROTOCOL) return this.#desk.setLink({ is: "mismatch", hello: frame });
      this.#desk.setLink({ is: "open", hello: frame });
      if (this.#desk.hasListeners) this.#send({ type: "subscribe" });
      return;
    }
    if (frame.type === "bye") {
      this.#desk.failAll(frame.why);
      this.#desk.setLink({ is: "lost", retryAt: null, why: frame.why });
    }
    this.#desk.take(frame);
  }

  #send(body: RequestBody): number {
    const id = this.#desk.nextId();
    const command = body.type === "act" ? "act" : "query";
    invoke(command, { request: { id, body } }).catch((thrown: unknown) =>
      this.#desk.settle(id, { Err: asApiError(thrown) }),
    );
    return id;
  }

  query(query: Query): Promise<Answer> {
    return this.#desk.wait(this.#send({ type: "query", ...query }));
  }

  act(act: Act): Promise<Answer> {
    return this.#desk.wait(this.#send({ type: "act", ...act }));
  }

  subscribe(listener: (frame: ModelFrame) => void): () => void {
    const stop = this.#desk.addListener(listener);
    if (this.#desk.link.is === "open") this.#send({ type: "subscribe" });
    return stop;
  }

  onLink(listener: (state: LinkState) => void): () => void {
    return this.#desk.addLink(listener);
  }

  ack(rev: number): void {
    this.#send({ type: "ack", rev });
  }

  resync(): void {
    this.#send({ type: "subscribe" });
  }

  visible(visible: boolean): void {
    this.#send({ type: "visible", visible });
  }

  openLog(ask: LogAsk, listener: (frame: LogFrame) => void): () => void {
    const id = this.#send({ type: "open_log", ...ask });
    this.#desk.addLog(id, listener);
    return () => {
      if (this.#desk.removeLog(id)) this.#send({ type: "close_log", opened: id });
    };
  }
}
