/**
 * The client's copy of the model, as values: what a snapshot is, and what a patch makes of it.
 * Pure; the store does the same in place and is tested against this. Refuses: any reactivity, any clock.
 */
import type { ConnectionHealth, ConnectionName, Item, ItemId, Patch, Snapshot, Task } from "../wire";

/** The model at one revision. */
export interface LiveState {
  readonly rev: number;
  readonly items: ReadonlyMap<ItemId, Item>;
  readonly connections: ReadonlyMap<ConnectionName, ConnectionHealth>;
  readonly tasks: readonly Task[];
  /** Shown from the cache: no server has answered yet. */
  readonly fromCache: boolean;
}

export const EMPTY: LiveState = {
  rev: 0,
  items: new Map(),
  connections: new Map(),
  tasks: [],
  fromCache: true,
};

export function fromSnapshot(snapshot: Snapshot): LiveState {
  return {
    rev: snapshot.rev,
    items: new Map(snapshot.items.map((item) => [item.id, item])),
    connections: new Map(snapshot.connections.map((connection) => [connection.name, connection])),
    tasks: snapshot.tasks,
    fromCache: snapshot.from_cache,
  };
}

/** The state after a patch; `null` when it was made for another revision, and a snapshot must be asked for. */
export function apply(state: LiveState, patch: Patch): LiveState | null {
  if (patch.base !== state.rev) return null;
  const items = new Map(state.items);
  for (const id of patch.gone) items.delete(id);
  for (const item of patch.upserts) items.set(item.id, item);
  const connections = new Map(state.connections);
  for (const name of patch.connections_gone) connections.delete(name);
  for (const connection of patch.connections) connections.set(connection.name, connection);
  return {
    rev: patch.rev,
    items,
    connections,
    tasks: patch.tasks ?? state.tasks,
    fromCache: state.fromCache && !patch.connections.some(hasAnswered),
  };
}

/** A server that answered ends "from the cache". */
export function hasAnswered(connection: ConnectionHealth): boolean {
  return connection.state === "live" || connection.state === "polling";
}
