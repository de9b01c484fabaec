/**
 * What builds of a repository usually take, from the live ones and the history, asked for once a repository.
 * Refuses: a figure from fewer than two runs.
 */
import { SvelteMap } from "svelte/reactivity";

import { expectAnswer } from "../../host";
import { instant } from "../../i18n";
import { tookMs, type Session } from "../../live";
import type { Build } from "../../wire";
import { buildsOf } from "../line";

/** A median and what nine in ten stayed below, milliseconds. */
export interface Usual {
  median: number;
  nineInTen: number;
  /** Runs it is made of. */
  runs: number;
}

const MOST = 40;

/** Median and nine-in-ten of some durations; none of fewer than two. */
export function usualOf(durations: readonly number[]): Usual | null {
  const took = durations.filter((ms) => ms > 0).sort((a, b) => a - b);
  if (took.length < 2) return null;
  return {
    median: took[Math.floor(took.length / 2)] ?? 0,
    nineInTen: took[Math.min(took.length - 1, Math.ceil(took.length * 0.9) - 1)] ?? 0,
    runs: took.length,
  };
}

/** Runs of a repository, newest first, each once. */
export function mergeRuns(live: readonly Build[], history: readonly Build[]): Build[] {
  const seen = new Map<string, Build>();
  for (const build of history) seen.set(build.id, build);
  for (const build of live) seen.set(build.id, build);
  return [...seen.values()].sort((a, b) => b.number - a.number);
}

/** Of the branch where it has enough runs, else of the whole repository. */
export function usualFor(runs: readonly Build[], build: Build): Usual | null {
  const passed = runs.filter((run) => run.status === "passed" && run.id !== build.id);
  const same = passed.filter((run) => run.branch === build.branch && run.event === build.event);
  const durations = (some: readonly Build[]) => some.slice(0, MOST).map((run) => tookMs(run) ?? 0);
  return (same.length >= 5 ? usualOf(durations(same)) : null) ?? usualOf(durations(passed));
}

/** Usual duration of each step by name, milliseconds. */
export function usualSteps(runs: readonly Build[]): Map<string, number> {
  const took = new Map<string, number[]>();
  for (const run of runs.slice(0, 60)) {
    for (const step of run.steps) {
      if (step.status !== "passed") continue;
      const began = instant(step.started_at);
      const ended = instant(step.finished_at);
      if (began === null || ended === null) continue;
      took.set(step.name, [...(took.get(step.name) ?? []), ended - began]);
    }
  }
  const usual = new Map<string, number>();
  for (const [name, list] of took) {
    list.sort((a, b) => a - b);
    usual.set(name, list[Math.floor(list.length / 2)] ?? 0);
  }
  return usual;
}

/** One for a session: what the history said, by repository. */
export class Runs {
  #session: Session;
  #history = new SvelteMap<string, readonly Build[]>();
  #asked = new Set<string>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Runs of a repository: the live ones now, the history as soon as it answers. */
  of(repo: string): Build[] {
    this.#ask(repo);
    return mergeRuns(buildsOf(this.#session.live, repo), this.#history.get(repo) ?? []);
  }

  usual(build: Build): Usual | null {
    return usualFor(this.of(build.repo), build);
  }

  /** Milliseconds until a running build usually ends; below zero when it is late; none when nobody can tell. */
  left(build: Build, now: number): number | null {
    const began = instant(build.started_at);
    const usual = this.usual(build);
    return build.status !== "running" || began === null || usual === null
      ? null
      : usual.median - (now - began);
  }

  #ask(repo: string): void {
    if (this.#asked.has(repo)) return;
    this.#asked.add(repo);
    void this.#session
      .query({ what: "history", repo, branch: null, before: null, limit: 100 })
      .then((answer) => this.#history.set(repo, expectAnswer(answer, "builds")))
      .catch(() => {
        // Without a history the live builds must do; asked again when the view opens anew.
      });
  }
}

const BY_SESSION = new WeakMap<Session, Runs>();

/** The session's runs. */
export function runsOf(session: Session): Runs {
  let runs = BY_SESSION.get(session);
  if (!runs) {
    runs = new Runs(session);
    BY_SESSION.set(session, runs);
  }
  return runs;
}
