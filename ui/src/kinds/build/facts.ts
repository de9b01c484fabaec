/**
 * What a build's row says, and in which group it stands. Pure but for the words.
 * Refuses: hiding a build whose state is not known; it stands among the finished with its server's word.
 */
import { clockTime, duration, instant, m } from "../../i18n";
import { tookMs } from "../../live";
import type { Build, Step } from "../../wire";
import { failureWords, firstBroken } from "../line";
import { environmentLabel, repoName } from "../status";

export type BuildGroup = "asks" | "running" | "queue" | "today" | "earlier";

/** When it happened, as far as it did: ended, else begun, else queued. */
export function happenedAt(build: Build): number {
  return instant(build.finished_at) ?? instant(build.started_at) ?? instant(build.created_at) ?? 0;
}

export function groupOf(build: Build, now: number): BuildGroup {
  if (build.status === "blocked") return "asks";
  if (build.status === "running") return "running";
  if (build.status === "waiting") return "queue";
  return new Date(happenedAt(build)).toDateString() === new Date(now).toDateString() ? "today" : "earlier";
}

/** `PR 88`, `v1.2.0`; empty for a plain push. */
export function refWords(build: Build): string {
  const pull = pullOf(build);
  if (pull !== null) return m.builds_pull({ n: pull });
  const tag = /^refs\/tags\/(.+)$/.exec(build.ref)?.[1];
  return tag ?? "";
}

/** Number of the pull request; none for anything else. */
export function pullOf(build: Build): string | null {
  return /^refs\/(?:pull|pull-requests|merge-requests)\/(\d+)\//.exec(build.ref)?.[1] ?? null;
}

export function isPull(build: Build): boolean {
  return build.event === "pull_request" || pullOf(build) !== null;
}

/** A branch that more than its author looks at. */
export function isMainBranch(build: Build, defaultBranch: string | null | undefined): boolean {
  if (isPull(build)) return false;
  return (
    build.branch === defaultBranch ||
    /^(master|main|trunk|develop|dev|staging|production|release([/-].*)?)$/i.test(build.branch)
  );
}

/** Steps that are not services. */
export function properSteps(build: Build): Step[] {
  return build.steps.filter((step) => !step.is_service);
}

/**
 * The step that runs: of several the one begun last. Servers that do not tell services apart (Drone 0.8) list a
 * database as a step that runs from the beginning.
 */
export function runningStepOf(build: Build): Step | undefined {
  let latest: Step | undefined;
  for (const step of properSteps(build))
    if (step.status === "running" && (!latest || (step.started_at ?? "") >= (latest.started_at ?? "")))
      latest = step;
  return latest;
}

/** The step one looks at first: the running one, the broken one, else the last that ran. */
export function stepToShow(build: Build): Step | undefined {
  const steps = properSteps(build);
  return (
    runningStepOf(build) ??
    firstBroken(build) ??
    [...steps].reverse().find((step) => step.started_at) ??
    steps[0]
  );
}

/** The one fact of a row. */
export function factWords(build: Build, queue: number | null): string {
  switch (build.status) {
    case "blocked":
      return build.environment
        ? m.builds_waits_for_env({ environment: environmentLabel(build.environment) })
        : m.builds_waits();
    case "running":
      return runningStep(build);
    case "waiting":
      return queue === null ? m.station_in_queue() : m.station_queue({ n: queue });
    case "passed": {
      const took = tookMs(build);
      const words = took === null ? m.mark_passed() : duration(took);
      return build.environment
        ? m.builds_took_to({ took: words, environment: environmentLabel(build.environment) })
        : words;
    }
    case "failed":
      return failureWords(build);
    case "errored":
      return build.error ?? firstBroken(build)?.error ?? m.station_errored();
    case "declined":
      return build.reviewed_by ? m.station_declined_by({ who: build.reviewed_by }) : m.station_declined();
    case "cancelled":
      return m.station_cancelled();
    case "skipped":
      return m.station_skipped();
    default:
      return m.station_cannot_tell({ state: build.server_status });
  }
}

/** `e2e, 6 of 8`. */
export function runningStep(build: Build): string {
  const steps = properSteps(build);
  const first = runningStepOf(build);
  if (!first) return m.mark_running();
  const n = steps.indexOf(first) + 1;
  return m.builds_step_of({ step: first.name, n, all: steps.length });
}

/** Time of a finished build; the group's head tells the day. */
export function whenWords(build: Build): string {
  const at = happenedAt(build);
  return at === 0 ? "" : clockTime(at, at);
}

/** Everything a filter looks at, in lower case. */
export function haystack(build: Build): string {
  return [
    build.repo,
    `#${String(build.number)}`,
    build.branch,
    build.author,
    build.author_name ?? "",
    build.subject,
    build.sha,
    build.status,
    build.server_status,
    build.environment ?? "",
    refWords(build),
  ]
    .join("\u0000")
    .toLowerCase();
}

/** Each word of the filter is somewhere in it. */
export function fits(build: Build, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const hay = haystack(build);
  return words.every((word) => hay.includes(word));
}

/** `web #877`. */
export function buildName(build: Build): string {
  return `${repoName(build.repo)} #${String(build.number)}`;
}
