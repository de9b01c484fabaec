/** The sentence over a build, and the facts under it. Pure but for the words. */
import { ageInSentence, clockTime, countdown, duration, instant, m } from "../../i18n";
import { tookMs } from "../../live";
import type { Build } from "../../wire";
import { firstBroken } from "../line";
import { environmentLabel, isBroken } from "../status";
import { buildName, runningStepOf } from "./facts";
import type { Usual } from "./usual.svelte";

/** Three strengths: the fact, the figure that moves, what stands round it. */
export interface Headline {
  fact: string;
  moving: string;
  quiet: string;
}

export function headlineOf(build: Build, usual: Usual | null, now: number): Headline {
  const name = buildName(build);
  const took = tookMs(build);
  const after = took === null ? "" : m.build_after({ took: duration(took) });
  switch (build.status) {
    case "running": {
      const step = runningStepOf(build);
      const fact = step ? m.build_runs_step({ name, step: step.name }) : m.build_runs({ name });
      const began = instant(build.started_at);
      if (usual === null || began === null)
        return {
          fact,
          moving: "",
          quiet: began === null ? "" : m.build_since_ago({ age: ageInSentence(now - began) }),
        };
      const left = usual.median - (now - began);
      return {
        fact,
        moving:
          left >= 0
            ? m.build_about_left({ left: countdown(left) })
            : m.build_over({ over: countdown(-left) }),
        quiet: "",
      };
    }
    case "waiting":
      return { fact: m.build_waits({ name }), moving: "", quiet: sinceWords(build, now) };
    case "blocked":
      return {
        fact: build.environment
          ? m.build_blocked_env({ name, environment: environmentLabel(build.environment) })
          : m.build_blocked({ name }),
        moving: "",
        quiet: sinceWords(build, now),
      };
    case "passed":
      return { fact: m.build_passed({ name }), moving: "", quiet: after };
    case "failed": {
      const step = firstBroken(build);
      return {
        fact: step ? m.build_failed_in({ name, step: step.name }) : m.build_failed({ name }),
        moving: "",
        quiet: after,
      };
    }
    case "errored":
      return {
        fact: m.build_errored({ name }),
        moving: "",
        quiet: build.error ?? firstBroken(build)?.error ?? after,
      };
    case "cancelled":
      return { fact: m.build_cancelled({ name }), moving: "", quiet: after };
    case "declined":
      return {
        fact: m.build_declined({ name }),
        moving: "",
        quiet: build.reviewed_by ? m.build_by({ who: build.reviewed_by }) : "",
      };
    case "skipped":
      return { fact: m.build_skipped({ name }), moving: "", quiet: "" };
    default:
      return { fact: m.build_unknown({ name }), moving: "", quiet: build.server_status };
  }
}

function sinceWords(build: Build, now: number): string {
  const since = instant(build.created_at);
  return since === null ? "" : m.build_for({ age: ageInSentence(now - since) });
}

/** `14:03, 6 minutes ago`. */
export function whenSentence(build: Build, now: number): string {
  const at = instant(build.started_at) ?? instant(build.created_at);
  if (at === null) return "";
  return m.build_when({ time: clockTime(at, now), age: ageInSentence(now - at) });
}

/** `first failure after 19 passed`, `3rd failure in a row`, `11th green in a row`; empty when there is nothing to say. */
export function streakWords(build: Build, runs: readonly Build[]): string {
  const before = runs.filter(
    (run) =>
      run.branch === build.branch &&
      run.number < build.number &&
      (run.status === "passed" || isBroken(run.status)),
  );
  if (before.length < 2) return "";
  const broke = isBroken(build.status);
  const count = (same: (run: Build) => boolean) => {
    const end = before.findIndex((run) => !same(run));
    return end < 0 ? before.length : end;
  };
  if (broke) {
    const failures = count((run) => isBroken(run.status));
    if (failures > 0) return m.build_streak_failed({ n: failures + 1 });
    const passes = count((run) => run.status === "passed");
    return passes > 0 ? m.build_first_failure({ n: passes }) : "";
  }
  const passes = count((run) => run.status === "passed");
  if (build.status === "passed")
    return passes === 0
      ? m.build_fixed({ n: count((run) => isBroken(run.status)) })
      : passes >= 4
        ? m.build_streak_passed({ n: passes + 1 })
        : "";
  return build.status === "running" && passes >= 4 ? m.build_streak_if({ n: passes + 1 }) : "";
}
