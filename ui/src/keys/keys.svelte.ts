/**
 * One map of keys. A view lays its scope on top while it is mounted; the sheet shows what is bound right now.
 * Keys rest while a dialog is open and while one types, except `Esc` and chords with Ctrl or Cmd.
 */
import { untrack } from "svelte";

export type Weight = "plan" | "undo" | "now";

export interface Binding {
  /** `j`, `G`, `Enter`, `Escape`, `mod+k` (Ctrl or Cmd). */
  keys: readonly string[];
  /** What it does, in words. */
  label: () => string;
  run: () => void;
  /** What comes before the deed, for the sheet. */
  weight?: Weight;
  /** Does nothing now: the key goes on to the scope beneath. */
  when?: () => boolean;
  /** Works while one types or while a dialog is open. */
  always?: boolean;
  /** One of a row of keys whose first stands in the sheet for all. */
  hidden?: boolean;
}

export interface Scope {
  /** Group in the sheet: here, everywhere, lists, logs. */
  title: () => string;
  place: "here" | "everywhere" | "lists" | "logs";
  bindings: readonly Binding[];
}

export class Keys {
  #scopes = $state.raw<readonly Scope[]>([]);
  #paused = 0;

  /** What is bound now, topmost first. */
  get scopes(): readonly Scope[] {
    return this.#scopes;
  }

  /** Lays a scope on top; returns how to take it away. For `$effect(() => keys.bind(…))`. */
  bind(scope: Scope): () => void {
    // An effect that binds must not follow what it changes.
    untrack(() => (this.#scopes = [scope, ...this.#scopes]));
    return () => untrack(() => (this.#scopes = this.#scopes.filter((other) => other !== scope)));
  }

  /** Keys rest until the returned function is called. */
  pause(): () => void {
    this.#paused += 1;
    let done = false;
    return () => {
      if (!done) this.#paused -= 1;
      done = true;
    };
  }

  get paused(): boolean {
    return this.#paused > 0;
  }

  handle(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    const name = nameOf(event);
    const typing = isTyping(event.target);
    for (const scope of this.#scopes) {
      for (const binding of scope.bindings) {
        if (!binding.keys.includes(name)) continue;
        if ((this.paused || typing) && !binding.always) continue;
        if (binding.when && !binding.when()) continue;
        event.preventDefault();
        binding.run();
        return;
      }
    }
  }
}

/** `mod+k` for Ctrl or Cmd with K; a shifted letter is its capital. */
export function nameOf(event: KeyboardEvent): string {
  const chord = event.ctrlKey || event.metaKey;
  if (event.altKey) return `alt+${event.key}`;
  return chord ? `mod+${event.key.toLowerCase()}` : event.key === " " ? "Space" : event.key;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

const isMac = typeof navigator !== "undefined" && /Mac/.test(navigator.platform);

/** How a key is printed on its cap. */
export function cap(key: string): string {
  const printed: Record<string, string> = {
    Enter: "↵",
    Escape: "Esc",
    ArrowUp: "↑",
    ArrowDown: "↓",
    ArrowLeft: "←",
    ArrowRight: "→",
    Space: "space",
  };
  if (key.startsWith("mod+"))
    return (isMac ? "⌘" : "Ctrl+") + (printed[key.slice(4)] ?? key.slice(4).toUpperCase());
  if (/^[A-Z]$/.test(key) && key !== "G") return `⇧${key}`;
  return printed[key] ?? key;
}

export const keys = new Keys();
