/** How long a build of a repository usually takes: the median of its last 40 that passed. Pure. */
import { instant } from "../i18n";
import type { Build } from "../wire";

/** Milliseconds a build ran; `null` while it has not ended or was never picked up. */
export function tookMs(build: Build): number | null {
  const began = instant(build.started_at);
  const ended = instant(build.finished_at);
  return began !== null && ended !== null && ended >= began ? ended - began : null;
}

/** The median in milliseconds; `null` with fewer than two to go by. */
export function usualMs(builds: readonly Build[]): number | null {
  const took = builds
    .filter((build) => build.status === "passed")
    .slice(0, 40)
    .map(tookMs)
    .filter((ms): ms is number => ms !== null && ms > 0)
    .sort((a, b) => a - b);
  if (took.length < 2) return null;
  return took[Math.floor(took.length / 2)] ?? null;
}
