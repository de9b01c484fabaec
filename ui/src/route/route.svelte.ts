/**
 * Where one is: the hash, so that the same page works from a file, in the window and in a browser.
 * `#/builds/<id>?step=3`. Refuses: knowing what a view does with its rest.
 */
import { SvelteURLSearchParams } from "svelte/reactivity";

export type ViewName = "board" | "builds" | "environments" | "inbox" | "settings" | "first-run";
const VIEWS: readonly ViewName[] = ["board", "builds", "environments", "inbox", "settings", "first-run"];

export class Router {
  #hash = $state(typeof location === "undefined" ? "" : location.hash);
  readonly #parsed = $derived(parse(this.#hash));

  constructor() {
    window.addEventListener("hashchange", () => (this.#hash = location.hash));
  }

  get view(): ViewName {
    return this.#parsed.view;
  }
  /** Decoded parts after the view: `#/builds/build%3Adrone…` gives one. */
  get rest(): readonly string[] {
    return this.#parsed.rest;
  }
  get query(): URLSearchParams {
    return this.#parsed.query;
  }

  go(href: string): void {
    location.hash = href;
    this.#hash = location.hash;
  }

  /** Changes the query in place: no new step in the history. */
  setQuery(change: Record<string, string | null>): void {
    const query = new SvelteURLSearchParams(this.#parsed.query);
    for (const [name, value] of Object.entries(change)) {
      if (value === null) query.delete(name);
      else query.set(name, value);
    }
    const path = (this.#hash.split("?")[0] || "#/board") + (query.size > 0 ? `?${query.toString()}` : "");
    history.replaceState(history.state, "", path);
    this.#hash = path;
  }

  back(): void {
    history.back();
  }
  forth(): void {
    history.forward();
  }
}

function parse(hash: string): { view: ViewName; rest: string[]; query: URLSearchParams } {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [first = "", ...rest] = path.split("/");
  const view = (VIEWS as readonly string[]).includes(first) ? (first as ViewName) : "board";
  return { view, rest: rest.map(decode), query: new URLSearchParams(query) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a view. */
export function hrefOf(view: ViewName, ...rest: string[]): string {
  return ["#", view, ...rest.map(encodeURIComponent)].join("/");
}

/** The address that shows an item: a build its page, what lives in an environment that environment. */
export function hrefOfItem(id: string, environment?: string | null, log = false): string {
  const kind = id.slice(0, id.indexOf(":"));
  if (kind === "build") return hrefOf("builds", id) + (log ? "?log=1" : "");
  if (kind === "line") return `${hrefOf("board")}?item=${encodeURIComponent(id)}`;
  if (kind === "environment") return hrefOf("environments", id);
  if (["service", "container", "stack", "host"].includes(kind)) {
    const query = `?item=${encodeURIComponent(id)}${log ? "&log=1" : ""}`;
    return (environment ? hrefOf("environments", environment) : hrefOf("environments")) + query;
  }
  return hrefOf("board");
}

export const router = new Router();
