/** The story the mock-ups tell, as a snapshot: Tuesday 24 November, 14:09. For tests and pictures only. */
import type { Fixture } from "../host/fixture";
import type { Snapshot } from "../wire";

export function storyOf(_query: URLSearchParams): Fixture {
  return { snapshot: emptySnapshot() };
}

export function emptySnapshot(): Snapshot {
  return { rev: 1, items: [], connections: [], tasks: [], from_cache: false };
}
