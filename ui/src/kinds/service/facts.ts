/**
 * What a service's row says: containers in the order of hosts, new apart from old; one sentence on its state; since when.
 * Pure but for the words. Refuses: calling unknown ok; a state without the server's own word within reach.
 */
import { instant, m } from "../../i18n";
import type { MarkName } from "../../kit";
import type { Container, Service, Task } from "../../wire";
import { isLeftOpen } from "../line";
import { detailWords } from "../plan";
import { liveMark, tagOf } from "../status";

/** Containers of the current generation, and those of others. */
export interface Generations {
  now: Container[];
  old: Container[];
}

export function generationsOf(
  service: Service,
  containers: readonly Container[],
  hostName: (id: string) => string,
): Generations {
  const primary = containers.filter((one) => !one.sidekick);
  const byHost = (a: Container, b: Container) =>
    hostName(a.host ?? "").localeCompare(hostName(b.host ?? "")) ||
    a.name.localeCompare(b.name, "en", { numeric: true });
  const isNow = (one: Container) => !service.version || !one.version || one.version === service.version;
  return {
    now: primary.filter(isNow).sort(byHost),
    old: primary.filter((one) => !isNow(one)).sort(byHost),
  };
}

/** `1.17.4` strong behind a quiet `ihealth/bp-sync:`; the registry's host goes to the hover. */
export function imageParts(image: string): { name: string; tag: string } {
  const bare = image.replace(/@sha256:[0-9a-f]+$/, "");
  const tag = tagOf(image);
  const name = bare.endsWith(`:${tag}`) ? bare.slice(0, -tag.length - 1) : bare;
  const parts = name.split("/");
  const short = parts.length > 1 && /[.:]/.test(parts[0] ?? "") ? parts.slice(1).join("/") : name;
  return { name: short, tag };
}

/** Hosts a service answers on, as its labels say (Traefik), else its published ports; empty: inside only. */
export function reachedAt(service: Service): string {
  const rule = Object.entries(service.labels).find(([name]) => name.endsWith("frontend.rule"))?.[1];
  const host = rule ? /Host:\s*([^;,\s]+)/.exec(rule)?.[1] : undefined;
  return host ?? service.endpoints[0] ?? "";
}

/** When what runs now began to. */
export function sinceOf(service: Service, generations: Generations): number | null {
  const starts = generations.now
    .map((one) => instant(one.started_at) ?? instant(one.created_at))
    .filter((at): at is number => at !== null);
  return starts.length > 0 ? Math.max(...starts) : instant(service.created_at);
}

/** Beside the dots. */
export function countWords(service: Service, { now, old }: Generations): string {
  const up = now.filter((one) => one.status === "ok").length;
  const wanted = service.global ? now.length : (service.scale ?? now.length);
  if (service.status === "stopped") return m.env_count_stopped();
  if (service.phase === "running") return m.env_count_new({ n: up, all: wanted });
  if (old.length > 0) return m.env_count_old({ n: now.length, old: old.length });
  if (up < Math.max(wanted, now.length)) return m.env_count_of({ n: up, all: Math.max(wanted, now.length) });
  return String(now.length);
}

export type Tone = "" | "run" | "warn" | "bad" | "ask";

/** A mark and a sentence. */
export interface ServiceState {
  mark: MarkName | null;
  tone: Tone;
  words: string;
}

/** The task a row tells of: what is under way, or ended badly and was not seen. */
export function taskToTell(tasks: readonly Task[], id: string): Task | undefined {
  const ours = tasks.filter((task) => task.target === id);
  return (
    ours.find((task) => ["held", "sending", "watching", "finishing"].includes(task.state.is)) ??
    ours.find((task) => ["failed", "unknown", "refused"].includes(task.state.is)) ??
    ours.find((task) => task.state.is === "done")
  );
}

export function serviceState(
  service: Service,
  generations: Generations,
  task: Task | undefined,
): ServiceState {
  const { now } = generations;
  const up = now.filter((one) => one.status === "ok").length;
  const all = service.global ? now.length : (service.scale ?? now.length);
  const progress = { n: task?.done ?? up, all: task?.all ?? all };
  switch (task?.state.is) {
    case "held":
      return { mark: "waiting", tone: "run", words: m.env_state_held() };
    case "sending":
      return { mark: "working", tone: "run", words: m.env_state_sending() };
    case "watching":
      return { mark: "working", tone: "run", words: watchedWords(task, progress) };
    case "finishing":
      return { mark: "working", tone: "run", words: m.env_state_finishing() };
    case "failed":
      return { mark: "failed", tone: "bad", words: detailWords(task.detail) || m.env_state_task_failed() };
    case "unknown":
      return { mark: "unknown", tone: "warn", words: m.env_state_task_unknown() };
  }
  if (service.phase === "awaits_finish")
    return { mark: "degraded", tone: "warn", words: m.env_state_left_open() };
  if (service.phase === "cancelled")
    return { mark: "degraded", tone: "warn", words: m.env_state_stopped_half() };
  if (service.phase === "running")
    return { mark: "working", tone: "run", words: m.env_state_upgrading(progress) };
  if (service.phase === "rolling_back")
    return { mark: "working", tone: "run", words: m.env_state_rolling_back() };
  if (service.phase === "finishing") return { mark: "working", tone: "run", words: m.env_state_finishing() };
  const restarts = Math.max(0, ...now.map((one) => (one.start_count ?? 1) - 1));
  const sick = now.find((one) => one.status === "failed" || one.status === "degraded");
  switch (service.status) {
    case "failed":
      return {
        mark: "failed",
        tone: "bad",
        words: service.message || sick?.message || m.env_state_down({ n: up, all }),
      };
    case "degraded":
      if (restarts >= 3 && sick)
        return { mark: "failed", tone: "bad", words: m.env_state_restarted({ n: restarts }) };
      return {
        mark: "degraded",
        tone: "warn",
        words: service.message || sick?.message || m.env_state_of({ n: up, all }),
      };
    case "working":
      return {
        mark: "working",
        tone: "run",
        words: changingWords(service),
      };
    case "stopped":
      return { mark: null, tone: "", words: m.env_state_stopped() };
    case "unknown":
      return { mark: "unknown", tone: "", words: m.env_state_unknown({ state: service.server_state }) };
    default:
      if (task?.state.is === "done") return { mark: "passed", tone: "", words: m.env_state_done() };
      return { mark: null, tone: "", words: healthWords(service) };
  }
}

function watchedWords(task: Task, progress: { n: number; all: number }): string {
  switch (task.verb) {
    case "rollback":
      return m.env_state_rolling_back_of(progress);
    case "finish":
      return m.env_state_finishing();
    case "redeploy":
    case "upgrade":
      return m.env_state_upgrading(progress);
    default:
      return m.env_state_changing_of(progress);
  }
}

/** The server's message, unless it says less than its state does. */
function changingWords(service: Service): string {
  const said = service.message && !/^in progress\W*$/i.test(service.message) ? service.message : "";
  return said || m.env_state_changing({ state: service.server_state });
}

/** A quiet row says what "ok" rests on. */
function healthWords(service: Service): string {
  if (service.service_kind === "external" || service.service_kind === "alias")
    return m.env_state_points_out();
  if (!service.has_health_check) return m.env_state_no_check();
  return service.health ? m.env_state_health({ health: service.health }) : service.server_state;
}

/** Sidekicks are dots of their own, after the copy they go with. */
export function dotLabel(container: Container, host: string): string {
  const words = [container.name, host, container.server_state];
  if (container.health && container.health !== container.server_state) words.push(container.health);
  if (container.message) words.push(container.message);
  return words.filter(Boolean).join(" · ");
}

/** The row stands out: something to decide or to look at. */
export function isHalf(service: Service): boolean {
  return isLeftOpen(service);
}

export function containerMark(container: Container): MarkName {
  return liveMark(container.status);
}
