/**
 * What a delivery line's row says: for each station a mark, the one fact that matters and its age; which one cell is
 * tinted; how far the pour line reaches. Pure but for the words, which follow the language.
 * Refuses: calling unknown ok; more than one tinted cell a row.
 */
import { countdown, duration, instant, m } from "../../i18n";
import type { MarkName, Tone } from "../../kit";
import { type Staleness, tookMs } from "../../live";
import type { Build, Container, Line, Service, Step, Task } from "../../wire";
import { buildMark, liveMark, markLabel, tagOf } from "../status";

/** What a row is made of. */
export interface LineFacts {
  line: Line;
  build: Build | undefined;
  /** The build that the running image came from, where known. */
  running: Build | undefined;
  passed: Build | undefined;
  service: Service | undefined;
  containers: readonly Container[];
  task: Task | undefined;
  buildStale: Staleness;
  serviceStale: Staleness;
  /** Usual duration of this repository's builds, milliseconds. */
  usual: number | null;
  /** Place in the queue from 1; `null` when it cannot be told. */
  queue: number | null;
}

export interface Station {
  mark: MarkName;
  markLabel: string;
  fact: string;
  /** In ink-2 between fact and age: the tag. */
  remark?: string;
  /** Since when, for the age. */
  since?: string | null;
  /** Words in the age's place, when it is not an age. */
  note?: string;
  tone?: Tone;
  ahead?: boolean;
  stale?: boolean;
}

export type Edge = "bad" | "warn" | "ask" | "";

export interface LineRowModel {
  build: Station;
  deploy: Station;
  edge: Edge;
  /** Grid line where the pour ends, 3 (commit), 4 (build) or 5 (deploy); none: quiet. */
  pour: { reach: 3 | 4 | 5; tone: Tone } | null;
  /** How much of the running build is done, 0 to 0.95; the bead waits there. */
  share: number | null;
}

/** Where the change is, without words: enough to sort and to count. */
export function edgeOf(line: Line, build: Build | undefined, service: Service | undefined): Edge {
  if (line.asks || build?.status === "blocked") return "ask";
  if (build?.status === "failed" || build?.status === "errored" || service?.status === "failed") return "bad";
  if (service && isLeftOpen(service)) return "warn";
  if (service?.status === "degraded") return "warn";
  return line.group === "wrong" ? "warn" : "";
}

/** An upgrade that waits for a person. */
export function isLeftOpen(service: Service): boolean {
  return service.phase === "awaits_finish" || service.phase === "cancelled";
}

/** The row at an instant. */
export function rowOf(facts: LineFacts, now: number): LineRowModel {
  const { line, build, service } = facts;
  const edge = edgeOf(line, build, service);
  const moving = build?.status === "running" || build?.status === "waiting";
  const stuckInBuild = build !== undefined && ["failed", "errored", "blocked"].includes(build.status);
  const buildStation = stationOfBuild(facts, now);
  const deployStation = stationOfService(facts);

  // One tinted cell: the first station to look at.
  const buildTone: Tone | undefined =
    build?.status === "blocked"
      ? "ask"
      : stuckInBuild
        ? "bad"
        : build?.status === "running"
          ? "run"
          : undefined;
  const serviceTone: Tone | undefined =
    service?.status === "failed"
      ? "bad"
      : service && (isLeftOpen(service) || service.status === "degraded" || deployStation.tone === "warn")
        ? "warn"
        : service?.status === "working"
          ? "run"
          : undefined;
  buildStation.tone = facts.buildStale.stale ? undefined : buildTone;
  const tinted = buildStation.tone !== undefined && buildStation.tone !== "run";
  deployStation.tone =
    facts.serviceStale.stale || (tinted && serviceTone !== undefined) ? undefined : serviceTone;

  const pour = pourOf(edge, moving, stuckInBuild, buildTone, serviceTone);
  deployStation.ahead = pour !== null && pour.reach < 5 && service !== undefined && serviceTone === undefined;
  if (deployStation.ahead && moving && deployStation.remark)
    deployStation.remark = m.station_still({ tag: deployStation.remark });
  return { build: buildStation, deploy: deployStation, edge, pour, share: shareOf(facts, now) };
}

function pourOf(
  edge: Edge,
  moving: boolean,
  stuckInBuild: boolean,
  buildTone: Tone | undefined,
  serviceTone: Tone | undefined,
): LineRowModel["pour"] {
  if (stuckInBuild && edge !== "") return { reach: 4, tone: buildTone ?? "bad" };
  if (moving) return { reach: buildTone === "run" ? 4 : 3, tone: "run" };
  if (serviceTone !== undefined) return { reach: 5, tone: serviceTone };
  return null;
}

function shareOf({ build, usual }: LineFacts, now: number): number | null {
  const began = instant(build?.started_at);
  if (build?.status !== "running" || began === null || usual === null) return null;
  return Math.max(0, Math.min(0.95, (now - began) / usual));
}

function stationOfBuild(facts: LineFacts, now: number): Station {
  const { build, usual, queue, buildStale } = facts;
  if (!build) return { mark: "none", markLabel: markLabel("none"), fact: m.station_no_build() };
  const number = `#${build.number}`;
  const mark = buildStale.stale ? "stale" : buildMark(build.status);
  const label = markLabel(mark, build.server_status);
  const station = (fact: string, rest: Partial<Station> = {}): Station => ({
    mark,
    markLabel: label,
    fact,
    stale: buildStale.stale,
    ...rest,
  });
  switch (build.status) {
    case "waiting":
      return station(number, { note: queue === null ? m.station_in_queue() : m.station_queue({ n: queue }) });
    case "running":
      return station(`${number} ${runningWords(build, usual, now)}`);
    case "passed": {
      const took = tookMs(build);
      return station(number, took === null ? {} : { note: duration(took) });
    }
    case "failed":
      return station(`${number} ${failureWords(build)}`, { since: build.finished_at });
    case "errored":
      return station(`${number} ${build.error ?? firstBroken(build)?.error ?? m.station_errored()}`);
    case "blocked":
      return station(`${number} ${m.station_waits_for_you()}`, { since: build.created_at });
    case "declined":
      return station(
        `${number} ${build.reviewed_by ? m.station_declined_by({ who: build.reviewed_by }) : m.station_declined()}`,
      );
    case "cancelled":
      return station(number, { note: m.station_cancelled() });
    case "skipped":
      return station(number, { note: m.station_skipped() });
    default:
      return station(number, { note: m.station_cannot_tell({ state: build.server_status }) });
  }
}

/** `1m30s left`, by what builds of this repository usually take. */
export function runningWords(build: Build, usual: number | null, now: number): string {
  const began = instant(build.started_at);
  if (began === null) return m.mark_running();
  const elapsed = Math.max(0, now - began);
  if (usual === null) return m.station_elapsed({ elapsed: duration(elapsed) });
  const left = usual - elapsed;
  return left >= 0 ? m.station_left({ left: countdown(left) }) : m.station_over({ over: duration(-left) });
}

/** The step that broke it, when the server told the steps. */
export function firstBroken(build: Build): Step | undefined {
  return build.steps.find((step) => step.status === "failed" || step.status === "errored");
}

/** `unit: exit 1`. */
export function failureWords(build: Build): string {
  const step = firstBroken(build);
  if (!step) return build.error ?? m.station_failed();
  if (typeof step.exit_code === "number")
    return m.station_step_exit({ step: step.name, code: step.exit_code });
  return m.station_step_failed({ step: step.name });
}

/** Containers of a service's own generation that are up, of those that are wanted. */
export function upOf(service: Service, containers: readonly Container[]): { up: number; all: number } {
  const primary = containers.filter((one) => !one.sidekick);
  const current = service.version ? primary.filter((one) => one.version === service.version) : primary;
  const up = current.filter((one) => one.status === "ok").length;
  return { up, all: service.scale ?? Math.max(current.length, up) };
}

function stationOfService(facts: LineFacts): Station {
  const { service, containers, serviceStale, task, line } = facts;
  if (!service) return { mark: "none", markLabel: markLabel("none"), fact: m.station_no_service() };
  const { up, all } = upOf(service, containers);
  const tag = tagOf(service.image);
  const mark = serviceStale.stale ? "stale" : isLeftOpen(service) ? "degraded" : liveMark(service.status);
  const base: Station = {
    mark,
    markLabel: markLabel(mark, service.server_state),
    fact: `${up}/${all}`,
    remark: tag,
    since: newestStart(containers) ?? service.created_at,
    stale: serviceStale.stale,
  };
  if (service.phase === "awaits_finish") return { ...base, fact: m.station_not_finished() };
  if (service.phase === "cancelled") return { ...base, fact: m.station_upgrade_stopped() };
  switch (service.status) {
    case "working":
      return { ...base, fact: changingWords(service, up, all), since: task?.started_at ?? base.since };
    case "failed":
      return { ...base, fact: m.station_down({ up, all }) };
    case "stopped":
      return { ...base, fact: m.station_stopped() };
    case "unknown":
      return { ...base, fact: m.station_cannot_tell({ state: service.server_state }), since: null };
    default:
      return { ...base, ...restarts(containers), ...driftOf(line, facts, tag) };
  }
}

function changingWords(service: Service, up: number, all: number): string {
  switch (service.phase) {
    case "running":
      return m.station_upgrading({ up, all });
    case "rolling_back":
      return m.station_rolling_back({ up, all });
    case "finishing":
      return m.station_finishing({ up, all });
    default:
      return m.station_changing({ up, all, state: service.server_state });
  }
}

/** The running build is known and is not the newest that passed: "runs 1.8.2, not #412". */
function driftOf(line: Line, facts: LineFacts, tag: string): Partial<Station> {
  if (line.link?.by !== "seen_running" || !facts.passed || !line.passed) return {};
  if (line.link.build === line.passed || !facts.running) return {};
  return { remark: m.station_runs_not({ runs: tag, newest: `#${facts.passed.number}` }), since: null };
}

function restarts(containers: readonly Container[]): Partial<Station> {
  const most = Math.max(0, ...containers.map((one) => (one.start_count ?? 1) - 1));
  return most >= 3 ? { note: m.station_restarted({ n: most }) } : {};
}

/** When the newest of them began, RFC 3339; `null` when nobody knows. */
export function newestStart(containers: readonly Container[]): string | null {
  let newest: string | null = null;
  for (const one of containers) {
    const at = one.started_at ?? one.created_at ?? null;
    if (at !== null && (newest === null || at > newest)) newest = at;
  }
  return newest;
}
