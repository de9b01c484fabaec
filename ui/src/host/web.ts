/**
 * The page of `kopi serve`: one WebSocket to its own origin. The one-time token of the URL's fragment is exchanged
 * once (`POST session`) for a session token, which lives in this tab only and travels only in the first frame.
 * Refuses: cookies, tokens in URLs that leave the page, repeating an act after a lost socket.
 */
import type { Act, Answer, Frame, LogAsk, LogFrame, Query, RequestBody } from "../wire";
import { FrameDesk } from "./frames";
import { type Host, HostError, type LinkState, type ModelFrame, PROTOCOL } from "./host";

const KEEP = "kopi-session";
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;

export class WebHost implements Host {
  readonly capabilities = {
    face: "browser" as const,
    openExternal: (url: string) => {
      if (/^https?:\/\//.test(url)) window.open(url, "_blank", "noopener,noreferrer");
    },
  };
  #desk = new FrameDesk();
  #socket: WebSocket | null = null;
  #wait = FIRST_WAIT_MS;
  #visible = true;

  static async connect(): Promise<WebHost> {
    const host = new WebHost();
    await host.#exchange();
    host.#open();
    return host;
  }

  async #exchange(): Promise<void> {
    const once = /(?:^#|&)token=([^&]+)/.exec(location.hash)?.[1];
    if (!once) return;
    history.replaceState(null, "", `${location.pathname}${location.search}#/board`);
    try {
      const answer = await fetch("session", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ token: decodeURIComponent(once) }),
      });
      if (!answer.ok) return;
      const body: unknown = await answer.json();
      if (typeof body === "object" && body !== null && "token" in body && typeof body.token === "string")
        sessionStorage.setItem(KEEP, body.token);
    } catch {
      // The socket says in a moment that nobody is there.
    }
  }

  #open(): void {
    const address = new URL("socket", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.hash = "";
    const socket = new WebSocket(address);
    this.#socket = socket;
    if (this.#desk.link.is !== "lost") this.#desk.setLink({ is: "connecting" });
    socket.onopen = () => {
      this.#send({
        type: "hello",
        protocol: PROTOCOL,
        version: __KOPI_VERSION__,
        face: "browser",
        token: sessionStorage.getItem(KEEP),
        may_act: false,
      });
    };
    socket.onmessage = (event: MessageEvent<string>) => this.#take(JSON.parse(event.data) as Frame);
    socket.onclose = (event) => this.#lost(event.code, event.reason);
  }

  #take(frame: Frame): void {
    if (frame.type === "hello") {
      if (frame.protocol !== PROTOCOL) return this.#desk.setLink({ is: "mismatch", hello: frame });
      this.#wait = FIRST_WAIT_MS;
      this.#desk.setLink({ is: "open", hello: frame });
      if (!this.#visible) this.#send({ type: "visible", visible: false });
      if (this.#desk.hasListeners) this.#send({ type: "subscribe" });
      return;
    }
    this.#desk.take(frame);
  }

  #lost(code: number, reason: string): void {
    this.#socket = null;
    this.#desk.failAll(reason || "the core has gone");
    // 1008: the host refuses this page. Asking again would not help.
    if (code === 1008) return this.#desk.setLink({ is: "refused", why: reason });
    if (this.#desk.link.is === "mismatch") return;
    this.#desk.setLink({ is: "lost", retryAt: Date.now() + this.#wait, why: reason });
    setTimeout(() => this.#open(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }

  #send(body: RequestBody): number | null {
    if (this.#socket?.readyState !== WebSocket.OPEN) return null;
    const id = this.#desk.nextId();
    this.#socket.send(JSON.stringify({ id, body }));
    return id;
  }

  #ask(body: RequestBody): Promise<Answer> {
    const id = this.#send(body);
    if (id === null)
      return Promise.reject(new HostError({ code: "core_gone", message: "the core has gone" }));
    return this.#desk.wait(id);
  }

  query(query: Query): Promise<Answer> {
    return this.#ask({ type: "query", ...query });
  }

  act(act: Act): Promise<Answer> {
    return this.#ask({ type: "act", ...act });
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
    this.#visible = visible;
    this.#send({ type: "visible", visible });
  }

  openLog(ask: LogAsk, listener: (frame: LogFrame) => void): () => void {
    const id = this.#send({ type: "open_log", ...ask });
    if (id === null) {
      const error = { code: "core_gone" as const, message: "the core has gone" };
      listener({ id: 0, lines: [], gap: false, caught_up: true, ended: { why: "failed", error } });
      return () => {};
    }
    this.#desk.addLog(id, listener);
    return () => {
      if (this.#desk.removeLog(id)) this.#send({ type: "close_log", opened: id });
    };
  }
}
