/** The sentence under a service that has something to say, and the ways out. Pure but for the words. */
import { ageInSentence, clockTime, duration, instant, m } from "../../i18n";
import type { MarkName } from "../../kit";
import type { Service, Task, Verb } from "../../wire";
import { detailWords } from "../plan";
import { tagOf } from "../status";
import type { Generations } from "./facts";

export interface Say {
  mark: MarkName | null;
  tone: "" | "is-run" | "is-bad" | "is-watch";
  words: string;
  verbs: Verb[];
  /** Shown on a row that is not selected too. */
  loud: boolean;
  /** The person may take it away. */
  dismiss: boolean;
}

export function sayOf(
  service: Service,
  generations: Generations,
  task: Task | undefined,
  hostName: (id: string) => string,
  now: number,
): Say | null {
  const took = task ? duration(now - (instant(task.started_at) ?? now)) : "";
  const by = task && task.by !== "me" ? m.env_by({ who: byName(task.by) }) : "";
  switch (task?.state.is) {
    case "held":
      return { mark: null, tone: "is-run", words: m.env_say_held(), verbs: [], loud: true, dismiss: false };
    case "sending":
    case "watching":
    case "finishing": {
      const waits = generations.now.find((one) => one.status === "working" || one.status === "degraded");
      const facts = [
        by,
        task.from && task.to ? m.env_say_from_to({ from: tagOf(task.from), to: tagOf(task.to) }) : "",
        task.detail && !isEmptyTalk(task.detail)
          ? detailWords(task.detail)
          : waits
            ? m.env_say_waits({
                name: waits.name,
                state: waits.message || waits.health || waits.server_state,
              })
            : "",
        m.env_say_for({ took }),
      ];
      return {
        mark: null,
        tone: "is-run",
        words: facts.filter(Boolean).join(" · "),
        verbs: task.offers.includes("rollback")
          ? ["rollback"]
          : task.offers.filter((verb) => verb === "cancel"),
        loud: true,
        dismiss: false,
      };
    }
    case "failed":
    case "unknown":
    case "refused": {
      const kept = generations.old.length;
      const reason = detailWords(task.detail) || service.message || m.env_state_task_failed();
      const words =
        task.state.is === "unknown"
          ? m.env_say_unknown({ time: clockTime(instant(task.changed_at) ?? now, now) })
          : kept > 0
            ? m.env_say_failed_kept({
                time: clockTime(instant(task.changed_at) ?? now, now),
                reason,
                n: kept,
              })
            : m.env_say_failed({ time: clockTime(instant(task.changed_at) ?? now, now), reason });
      return {
        mark: task.state.is === "unknown" ? "unknown" : "failed",
        tone: "is-bad",
        words,
        verbs: task.offers,
        loud: true,
        dismiss: true,
      };
    }
  }
  if (service.phase === "awaits_finish" || service.phase === "cancelled") {
    const hosts = [...new Set(generations.old.map((one) => hostName(one.host ?? "")).filter(Boolean))];
    const verbs = service.offers.filter((verb) => verb === "finish" || verb === "rollback");
    return {
      mark: null,
      tone: "",
      words:
        service.phase === "cancelled"
          ? m.env_say_half({ now: generations.now.length, old: generations.old.length })
          : hosts.length > 0
            ? m.env_say_open_on({ n: generations.old.length, hosts: shortHosts(hosts) })
            : m.env_say_open({ n: generations.old.length }),
      verbs,
      loud: true,
      dismiss: false,
    };
  }
  if (service.message && service.status !== "ok")
    return { mark: null, tone: "is-watch", words: service.message, verbs: [], loud: false, dismiss: false };
  return null;
}

/** Words of a server that say less than the state beside them. */
export function isEmptyTalk(text: string): boolean {
  return /^in progress\W*$/i.test(text);
}

/** A build by its number, anyone else by name. */
export function byName(by: string): string {
  const build = /^build:([^/]+)\/(?:.*\/)?([^/#]+)#(\d+)$/.exec(by);
  return build ? `${build[2] ?? ""} #${build[3] ?? ""}` : by;
}

/** `prod-02, -03, -06`: the part they share is said once. */
export function shortHosts(hosts: readonly string[]): string {
  const [first = "", ...rest] = hosts;
  const stem = first.replace(/[^-]*$/, "");
  if (stem.length < 2 || !rest.every((host) => host.startsWith(stem))) return hosts.join(", ");
  return [first, ...rest.map((host) => `-${host.slice(stem.length)}`)].join(", ");
}

/** How long an upgrade has been left open, in words; empty when nobody can tell. */
export function openFor(generations: Generations, now: number): string {
  const starts = generations.now
    .map((one) => instant(one.started_at) ?? instant(one.created_at))
    .filter((at): at is number => at !== null);
  return starts.length > 0 ? ageInSentence(now - Math.max(...starts)) : "";
}
