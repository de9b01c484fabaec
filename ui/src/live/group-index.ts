/**
 * Ids grouped by a key and kept in step with the items one at a time, so that one change costs one group.
 * Refuses: knowing what the items mean; the caller says the keys and the order inside a group.
 */
import { SvelteMap } from "svelte/reactivity";

export class GroupIndex<T extends { id: string }> {
  #groups = new SvelteMap<string, readonly string[]>();
  #keysOf = new Map<string, readonly string[]>();

  constructor(
    private readonly keys: (item: T) => readonly string[],
    private readonly before?: (a: string, b: string) => number,
  ) {}

  /** The ids of a group; reading it inside an effect follows that group alone. */
  of(key: string): readonly string[] {
    return this.#groups.get(key) ?? [];
  }

  put(item: T): void {
    const now = this.keys(item);
    const then = this.#keysOf.get(item.id) ?? [];
    for (const key of then) if (!now.includes(key)) this.#remove(key, item.id);
    for (const key of now) if (!then.includes(key)) this.#add(key, item.id);
    this.#keysOf.set(item.id, now);
  }

  drop(id: string): void {
    for (const key of this.#keysOf.get(id) ?? []) this.#remove(key, id);
    this.#keysOf.delete(id);
  }

  #add(key: string, id: string): void {
    const group = [...(this.#groups.get(key) ?? []), id];
    if (this.before) group.sort(this.before);
    this.#groups.set(key, group);
  }

  #remove(key: string, id: string): void {
    const group = (this.#groups.get(key) ?? []).filter((other) => other !== id);
    if (group.length > 0) this.#groups.set(key, group);
    else this.#groups.delete(key);
  }
}
