/** Puts a part of the page on a stage: a host that answers from a fixture, a session, and the keys. For tests only. */
import { render } from "@testing-library/svelte";
import type { Component } from "svelte";

import { FixtureHost, type Fixture } from "../host/fixture";
import type { Session } from "../live";
import Stage from "./Stage.svelte";

export function stage(
  part: unknown,
  fixture: Fixture,
  given: Record<string, unknown> = {},
): { host: FixtureHost; session: Session; container: HTMLElement } {
  const host = new FixtureHost(fixture);
  let session: Session | undefined;
  const { container } = render(Stage, {
    host,
    part: part as Component<Record<string, unknown>>,
    with: given,
    onsession: (one: Session) => (session = one),
  });
  if (!session) throw new Error("no session");
  return { host, session, container };
}
