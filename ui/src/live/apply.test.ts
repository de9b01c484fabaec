import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Build, Container, Item, Patch, Service, Snapshot } from "../wire";
import { apply, EMPTY, fromSnapshot } from "./apply";
import { Live } from "./live.svelte";

const build = (number: number, repo: string): Item => ({
  kind: "build",
  ...({
    id: `build:drone/${repo}#${number}`,
    connection: "drone",
    scope: "feed",
    repo,
    number,
    status: "passed",
    steps: [],
    steps_known: true,
  } as unknown as Build),
});
const service = (n: number, environment: string): Item => ({
  kind: "service",
  ...({
    id: `service:r/1s${n}`,
    connection: "r",
    scope: "e",
    environment,
    stack: `stack:r/${n % 3}`,
  } as Service),
});
const container = (n: number, services: string[]): Item => ({
  kind: "container",
  ...({
    id: `container:r/1i${n}`,
    connection: "r",
    scope: "e",
    services,
    environment: "e",
  } as unknown as Container),
});

const anyItem = fc.oneof(
  fc.tuple(fc.nat(20), fc.constantFrom("a/x", "a/y")).map(([number, repo]) => build(number, repo)),
  fc.tuple(fc.nat(9), fc.constantFrom("environment:r/1", "environment:r/2")).map(([n, e]) => service(n, e)),
  fc.tuple(fc.nat(9), fc.uniqueArray(fc.nat(4), { maxLength: 3 })).map(([n, s]) =>
    container(
      n,
      s.map((one) => `service:r/1s${one}`),
    ),
  ),
);
const change = fc.record({
  upserts: fc.array(anyItem, { maxLength: 6 }),
  gone: fc.array(anyItem, { maxLength: 3 }),
});

function naive(items: Map<string, Item>, upserts: Item[], gone: string[]): Map<string, Item> {
  const kept = [...items.values()].filter((item) => !gone.includes(item.id));
  const result = new Map(kept.map((item) => [item.id, item]));
  upserts.forEach((item) => result.set(item.id, item));
  return result;
}

describe("patches", () => {
  test("the store, the pure function and a naive model agree after any run of patches", () => {
    fc.assert(
      fc.property(
        fc.array(anyItem, { maxLength: 12 }),
        fc.array(change, { maxLength: 8 }),
        (first, changes) => {
          const snapshot: Snapshot = { rev: 1, items: first, connections: [], tasks: [], from_cache: false };
          let state = fromSnapshot(snapshot);
          let model = naive(new Map(), first, []);
          const live = new Live();
          live.replace(snapshot);
          changes.forEach(({ upserts, gone }, at) => {
            const ids = gone.map((item) => item.id).filter((id) => !upserts.some((item) => item.id === id));
            const patch: Patch = {
              base: at + 1,
              rev: at + 2,
              upserts,
              gone: ids,
              connections: [],
              connections_gone: [],
              tasks: null,
            };
            state = apply(state, patch)!;
            model = naive(model, upserts, ids);
            expect(live.apply(patch)).toBe(true);
          });
          expect([...state.items.keys()].sort()).toEqual([...model.keys()].sort());
          for (const [id, item] of model) expect(live.item(id)).toEqual(item);
          const builds = [...model.values()].filter((item) => item.kind === "build");
          expect(live.builds.size).toBe(builds.length);
          for (const repo of ["a/x", "a/y"]) {
            const numbers = live.buildsByRepo.of(repo).map((id) => live.builds.get(id)!.number);
            expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
            expect(new Set(live.buildsByRepo.of(repo))).toEqual(
              new Set(builds.filter((item) => item.repo === repo).map((item) => item.id)),
            );
          }
          for (let n = 0; n < 5; n += 1) {
            const id = `service:r/1s${n}`;
            const inside = [...model.values()].filter(
              (item) => item.kind === "container" && item.services.includes(id),
            );
            expect(new Set(live.containersByService.of(id))).toEqual(new Set(inside.map((item) => item.id)));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test("a patch for another revision is refused and changes nothing", () => {
    const patch: Patch = {
      base: 7,
      rev: 8,
      upserts: [build(1, "a/x")],
      gone: [],
      connections: [],
      connections_gone: [],
      tasks: null,
    };
    expect(apply(EMPTY, patch)).toBeNull();
    const live = new Live();
    expect(live.apply(patch)).toBe(false);
    expect(live.builds.size).toBe(0);
  });
});
