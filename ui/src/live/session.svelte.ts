/**
 * What every view needs: the host, the live model, what Kopi says about itself and the settings.
 * Handed down by context, so that a test mounts a view with a host of its own.
 */
import { getContext, setContext } from "svelte";

import { asApiError, expectAnswer, type Host } from "../host";
import { setLanguage } from "../i18n";
import type { About, Act, Answer, ApiError, Order, Plan, Query, Settings, Verb } from "../wire";
import { Live } from "./live.svelte";
import { now } from "./now.svelte";

const KEY = Symbol("session");

export class Session {
  readonly live = new Live();
  about = $state.raw<About | null>(null);
  settings = $state.raw<Settings | null>(null);
  /** The last thing that could not be done, for the line at the foot; taken away by the person. */
  failure = $state.raw<ApiError | null>(null);
  /** A plan that waits for the person, shown by the plan dialog. */
  asked = $state.raw<Order | null>(null);
  #stop: (() => void) | null = null;

  constructor(readonly host: Host) {}

  /** Begins to follow the core. Returns how to stop. */
  start(): () => void {
    const stopLive = this.live.follow(this.host);
    const stopLink = this.host.onLink((link) => {
      if (link.is === "open") void this.refresh();
    });
    const seen = () => this.host.visible(document.visibilityState !== "hidden");
    document.addEventListener("visibilitychange", seen);
    this.#stop = () => {
      stopLive();
      stopLink();
      document.removeEventListener("visibilitychange", seen);
    };
    return this.#stop;
  }

  /** Reads anew what Kopi says about itself. */
  async refresh(): Promise<void> {
    const [about, settings] = await Promise.allSettled([
      this.host.query({ what: "about" }),
      this.host.query({ what: "settings" }),
    ]);
    if (about.status === "fulfilled") this.about = expectAnswer(about.value, "about");
    if (settings.status === "fulfilled") this.take(expectAnswer(settings.value, "settings"));
  }

  /** Shows by the settings: language, theme, density, palette. */
  take(settings: Settings): void {
    this.settings = settings;
    setLanguage(settings.language);
    dress(settings);
  }

  /** Changes settings; what is shown follows at once and comes back when the core refuses. */
  async set(change: Partial<Settings>): Promise<void> {
    const before = this.settings;
    if (!before) return;
    const settings = { ...before, ...change };
    this.take(settings);
    if (!(await this.act({ what: "set", settings }))) this.take(before);
  }

  query(query: Query): Promise<Answer> {
    return this.host.query(query);
  }

  /** Acts; a refusal stands in `failure` and gives `null`. */
  async act(act: Act): Promise<Answer | null> {
    try {
      const answer = await this.host.act(act);
      this.failure = null;
      return answer;
    } catch (thrown) {
      this.failure = asApiError(thrown);
      return null;
    }
  }

  /** Asks for a verb on an item: whoever shows plans takes it from `asked`. */
  ask(verb: Verb, target: string | undefined, more: Partial<Order> = {}): void {
    if (target) this.asked = { target, verb, ...more };
  }

  /** What an order would do. Throws what the core says. */
  async plan(order: Order): Promise<Plan> {
    return expectAnswer(await this.host.query({ what: "plan", order }), "plan");
  }

  /** Logins of the person at this desk. */
  readonly me = $derived(new Set(this.about?.me ?? this.settings?.me ?? []));

  /** It is this person's. */
  isMine(author: string): boolean {
    return this.me.has(author);
  }

  now(): number {
    return now.minute();
  }
}

/** Puts theme, density and palette on the page (`tokens.css`). */
export function dress(settings: Pick<Settings, "theme" | "density" | "colour_blind">): void {
  const root = document.documentElement.dataset;
  const dark =
    settings.theme === "dark" ||
    (settings.theme === "system" && window.matchMedia?.("(prefers-color-scheme: dark)").matches === true);
  root.theme = dark ? "dark" : "light";
  root.density = settings.density || "regular";
  if (settings.colour_blind) root.status = "cb";
  else delete root.status;
  if (window.matchMedia?.("(prefers-contrast: more)").matches) root.contrast = "more";
}

export function setSession(session: Session): Session {
  return setContext(KEY, session);
}

export function getSession(): Session {
  return getContext<Session>(KEY);
}
