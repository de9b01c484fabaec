/**
 * Bars of steps on the time of the build: filled where it happened, outlined where it is expected.
 * Pure. Refuses: drawing a guess as a fact.
 */
import { instant } from "../../i18n";
import type { Build, Step } from "../../wire";

/** Shares of the whole, 0 to 1. */
export interface Bar {
  from: number;
  width: number;
}

export interface StepBars {
  step: Step;
  done: Bar | null;
  /** What is still expected of it. */
  next: Bar | null;
  /** How long it took or takes, milliseconds. */
  took: number | null;
  /** How long it is expected to take; only while it has not ended. */
  expected: number | null;
}

export interface BuildBars {
  steps: StepBars[];
  /** Length of the axis, milliseconds. */
  whole: number;
  /** Where the present stands; none when the build has ended. */
  now: number | null;
}

/** Bars at an instant. `usual` is the usual duration of each step by name. */
export function barsOf(
  build: Build,
  usual: ReadonlyMap<string, number>,
  median: number | null,
  present: number,
): BuildBars {
  const began = instant(build.started_at) ?? earliest(build.steps);
  const ended = instant(build.finished_at);
  if (began === null)
    return {
      steps: build.steps.map((step) => ({
        step,
        done: null,
        next: null,
        took: null,
        expected: usual.get(step.name) ?? null,
      })),
      whole: 0,
      now: null,
    };
  const elapsed = Math.max(1, (ended ?? present) - began);
  const pending =
    ended !== null
      ? []
      : build.steps.filter(
          (step) => !step.is_service && (step.status === "waiting" || step.status === "running"),
        );
  const ahead = pending.reduce(
    (sum, step) => sum + Math.max(0, (usual.get(step.name) ?? 0) - sinceStart(step, present)),
    0,
  );
  const whole = ended !== null ? elapsed : Math.max(elapsed + ahead, median ?? 0, elapsed * 1.02);
  let cursor = elapsed;
  const steps = build.steps.map((step) => {
    const from = instant(step.started_at);
    const to =
      instant(step.finished_at) ?? (step.status === "running" || step.is_service ? began + elapsed : null);
    const took = from !== null && to !== null ? Math.max(0, to - from) : null;
    const done =
      from !== null && took !== null ? { from: (from - began) / whole, width: took / whole } : null;
    let next: Bar | null = null;
    let expected: number | null = null;
    if (pending.includes(step)) {
      expected = usual.get(step.name) ?? null;
      const rest = Math.max(0, (expected ?? 0) - sinceStart(step, present));
      if (expected !== null && rest > 0) {
        next = { from: cursor / whole, width: rest / whole };
        cursor += rest;
      }
    }
    return { step, done: clip(done), next: clip(next), took, expected };
  });
  return { steps, whole, now: ended === null ? elapsed / whole : null };
}

function sinceStart(step: Step, present: number): number {
  const began = instant(step.started_at);
  return step.status === "running" && began !== null ? Math.max(0, present - began) : 0;
}

function earliest(steps: readonly Step[]): number | null {
  const starts = steps.map((step) => instant(step.started_at)).filter((at): at is number => at !== null);
  return starts.length > 0 ? Math.min(...starts) : null;
}

function clip(bar: Bar | null): Bar | null {
  if (bar === null) return null;
  const from = Math.max(0, Math.min(1, bar.from));
  return { from, width: Math.max(0, Math.min(1 - from, bar.width)) };
}
