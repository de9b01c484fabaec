/**
 * The live model in the page: one map a kind, so that a row follows its own item and a list its own kind. A patch
 * costs what changed. Refuses: asking servers, wording, sorting for views.
 */
import { SvelteMap } from "svelte/reactivity";

import type { Host, LinkState, ModelFrame } from "../host";
import type {
  Agents,
  Build,
  Change,
  ConnectionHealth,
  Container,
  Environment,
  Host as Machine,
  Image,
  Item,
  Line,
  Patch,
  Repo,
  Scope,
  Service,
  Snapshot,
  Stack,
  Task,
} from "../wire";
import { hasAnswered } from "./apply";
import { GroupIndex } from "./group-index";

/** What each kind's map holds. */
export interface KindMap {
  agents: Agents;
  build: Build;
  change: Change;
  container: Container;
  environment: Environment;
  host: Machine;
  image: Image;
  line: Line;
  repo: Repo;
  service: Service;
  stack: Stack;
}
export type Kind = keyof KindMap;

/** Why a fact is not to be taken as now. */
export interface Staleness {
  stale: boolean;
  /** When it was last known to be true. */
  asOf: string | null;
}
const FRESH: Staleness = { stale: false, asOf: null };

const KINDS: readonly Kind[] = [
  "agents",
  "build",
  "change",
  "container",
  "environment",
  "host",
  "image",
  "line",
  "repo",
  "service",
  "stack",
];

export class Live {
  readonly agents = new SvelteMap<string, Agents>();
  readonly builds = new SvelteMap<string, Build>();
  readonly changes = new SvelteMap<string, Change>();
  readonly containers = new SvelteMap<string, Container>();
  readonly environments = new SvelteMap<string, Environment>();
  readonly hosts = new SvelteMap<string, Machine>();
  readonly images = new SvelteMap<string, Image>();
  readonly lines = new SvelteMap<string, Line>();
  readonly repos = new SvelteMap<string, Repo>();
  readonly services = new SvelteMap<string, Service>();
  readonly stacks = new SvelteMap<string, Stack>();
  readonly connections = new SvelteMap<string, ConnectionHealth>();

  /** Orders under way or just ended, as the core lists them. */
  tasks = $state.raw<readonly Task[]>([]);
  /** A snapshot is in: lists may say that they are empty. */
  ready = $state(false);
  /** What is shown comes from the cache of the last run. */
  fromCache = $state(false);
  /** How the page stands to its core. */
  link = $state.raw<LinkState>({ is: "connecting" });
  /** The item a notice, a deep link or a second start wants shown; the frame takes it and sets it back. */
  show = $state.raw<{ item: string | null; log: boolean } | null>(null);
  /** This face may act (the browser host may be read-only). */
  readonly mayAct = $derived(this.link.is === "open" ? this.link.hello.may_act : false);

  /** Newest build first, by repository (`owner/name`). */
  readonly buildsByRepo = new GroupIndex<Build>(
    (build) => [build.repo],
    (a, b) => (this.builds.get(b)?.number ?? 0) - (this.builds.get(a)?.number ?? 0),
  );
  readonly servicesByEnvironment = new GroupIndex<Service>((service) => [service.environment]);
  readonly servicesByStack = new GroupIndex<Service>((service) => [service.stack]);
  readonly stacksByEnvironment = new GroupIndex<Stack>((stack) => [stack.environment]);
  readonly hostsByEnvironment = new GroupIndex<Machine>((host) => [host.environment]);
  readonly containersByService = new GroupIndex<Container>((container) => container.services);
  readonly containersByHost = new GroupIndex<Container>((container) =>
    container.host ? [container.host] : [],
  );
  readonly linesByService = new GroupIndex<Line>((line) => (line.service ? [line.service] : []));
  readonly linesByRepo = new GroupIndex<Line>((line) => [line.repo]);

  #rev = 0;
  #host: Host | null = null;
  #maps: { [K in Kind]: SvelteMap<string, KindMap[K]> } = {
    agents: this.agents,
    build: this.builds,
    change: this.changes,
    container: this.containers,
    environment: this.environments,
    host: this.hosts,
    image: this.images,
    line: this.lines,
    repo: this.repos,
    service: this.services,
    stack: this.stacks,
  };
  #indexes: { [K in Kind]?: readonly GroupIndex<KindMap[K]>[] } = {
    build: [this.buildsByRepo],
    service: [this.servicesByEnvironment, this.servicesByStack],
    stack: [this.stacksByEnvironment],
    host: [this.hostsByEnvironment],
    container: [this.containersByService, this.containersByHost],
    line: [this.linesByService, this.linesByRepo],
  };

  get rev(): number {
    return this.#rev;
  }

  /** Follows a host until the returned function is called. */
  follow(host: Host): () => void {
    this.#host = host;
    const stops = [host.onLink((link) => (this.link = link)), host.subscribe((frame) => this.take(frame))];
    return () => stops.forEach((stop) => stop());
  }

  take(frame: ModelFrame): void {
    switch (frame.type) {
      case "snapshot":
        this.replace(frame);
        this.#host?.ack(this.#rev);
        return;
      case "patch":
        if (this.apply(frame)) this.#host?.ack(this.#rev);
        else this.#host?.resync();
        return;
      case "show":
        this.show = { item: frame.item, log: frame.log };
        return;
      case "bye":
        return;
    }
  }

  /** Takes a whole new picture; what is not in it is gone. */
  replace(snapshot: Snapshot): void {
    const named = new Set(snapshot.items.map((item) => item.id));
    for (const kind of KINDS)
      for (const id of [...this.#maps[kind].keys()]) if (!named.has(id)) this.#drop(id);
    for (const item of snapshot.items) this.#put(item);
    const connections = new Set(snapshot.connections.map((connection) => connection.name));
    for (const name of [...this.connections.keys()])
      if (!connections.has(name)) this.connections.delete(name);
    for (const connection of snapshot.connections) this.connections.set(connection.name, connection);
    this.tasks = snapshot.tasks;
    this.fromCache = snapshot.from_cache;
    this.#rev = snapshot.rev;
    this.ready = true;
  }

  /** Applies a patch in place; false when it was made for another revision. */
  apply(patch: Patch): boolean {
    if (patch.base !== this.#rev) return false;
    for (const id of patch.gone) this.#drop(id);
    for (const item of patch.upserts) this.#put(item);
    for (const name of patch.connections_gone) this.connections.delete(name);
    for (const connection of patch.connections) this.connections.set(connection.name, connection);
    if (patch.tasks) this.tasks = patch.tasks;
    if (this.fromCache && patch.connections.some(hasAnswered)) this.fromCache = false;
    this.#rev = patch.rev;
    return true;
  }

  /** Any item by its id. */
  item(id: string): Item | undefined {
    const kind = kindOf(id);
    const found = kind ? this.#maps[kind].get(id) : undefined;
    return found ? ({ kind, ...found } as Item) : undefined;
  }

  /** All items of a kind. */
  kind<K extends Kind>(kind: K): SvelteMap<string, KindMap[K]> {
    return this.#maps[kind];
  }

  /** The tasks on one item. */
  tasksOf(id: string): readonly Task[] {
    return this.tasks.filter((task) => task.target === id);
  }

  /** Whether what a listing told is still true, as far as anyone knows. */
  staleness(connection: string, scope: Scope): Staleness {
    if (connection === "kopi") return FRESH;
    const health = this.connections.get(connection);
    if (!health) return { stale: true, asOf: null };
    const listing = health.scopes.find((one) => one.scope === scope);
    if (listing)
      return listing.stale ? { stale: true, asOf: listing.as_of ?? health.last_good_at ?? null } : FRESH;
    return hasAnswered(health) ? FRESH : { stale: true, asOf: health.last_good_at ?? null };
  }

  #put(item: Item): void {
    const kind = item.kind as Kind;
    const map = this.#maps[kind] as SvelteMap<string, Item> | undefined;
    if (!map) return; // a kind of a newer core
    map.set(item.id, item);
    for (const index of (this.#indexes[kind] ?? []) as readonly GroupIndex<Item>[]) index.put(item);
  }

  #drop(id: string): void {
    const kind = kindOf(id);
    if (!kind) return;
    this.#maps[kind].delete(id);
    for (const index of (this.#indexes[kind] ?? []) as readonly GroupIndex<Item>[]) index.drop(id);
  }
}

/** The kind in an item's id, `build:drone/ihealth/web#877`. */
export function kindOf(id: string): Kind | undefined {
  const word = id.slice(0, id.indexOf(":"));
  return (KINDS as readonly string[]).includes(word) ? (word as Kind) : undefined;
}
