/** Mounts a component as the app would: with a session on a fixture host, marks and keys in place. */
import { render } from "@testing-library/svelte";
import type { Component } from "svelte";

import { type Fixture, FixtureHost } from "../host/fixture";
import { setLanguage } from "../i18n";
import { now } from "../live";
import { router } from "../route/route.svelte";
import Harness from "./Harness.svelte";
import { answers, NOW } from "./story";

export interface Mounted {
  host: FixtureHost;
  container: HTMLElement;
}

/** Mounts `view` and waits until the session has its settings. */
export async function mountView<P extends Record<string, unknown>>(
  view: Component<P>,
  fixture: Fixture,
  options: { hash?: string; props?: Partial<P> } = {},
): Promise<Mounted> {
  now.fix(NOW);
  setLanguage("en");
  router.go(options.hash ?? "#/board");
  const host = new FixtureHost({ answer: answers(), ...fixture });
  const { container } = render(Harness, {
    props: { host, view: view as unknown as Component<Record<string, unknown>>, props: options.props ?? {} },
  });
  await new Promise((resolve) => setTimeout(resolve));
  return { host, container };
}

/** Presses a key as a person would, with nothing focused. */
export function press(key: string, init: KeyboardEventInit = {}): void {
  window.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init }));
}
