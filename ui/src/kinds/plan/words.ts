/**
 * The words of plans and tasks. The keys and their parts are the core's (`kopi-core/src/actions/keys.rs`); a key of a
 * newer core is shown as it is, with its parts, rather than left out: nobody confirms what was not shown.
 */
import { m } from "../../i18n";
import type { Plan, PlanStep, Task, Verb } from "../../wire";
import { environmentLabel, tagOf } from "../status";

type Parts = Record<string, string>;
type Word = (parts: Parts) => string;

const part = (parts: Parts, name: string) => parts[name] ?? "?";
const count = (parts: Parts, name = "count") => Number(parts[name] ?? 0);

const pauseWords = (seconds: string) => (seconds === "0" ? "" : m.plan_pause({ n: seconds }));
const batchWords = (batch: string) =>
  batch === "1" ? m.plan_one_at_a_time() : m.plan_at_a_time({ n: batch });

const WORDS: Record<string, Word> = {
  plan_pull: (p) => m.plan_pull({ image: part(p, "image"), n: count(p, "hosts") }),
  plan_replace: (p) =>
    p.order === "start_first"
      ? m.plan_replace_start_first({
          n: count(p),
          batch: batchWords(part(p, "batch")),
          pause: pauseWords(part(p, "pause_s")),
        })
      : m.plan_replace_stop_first({
          n: count(p),
          batch: batchWords(part(p, "batch")),
          pause: pauseWords(part(p, "pause_s")),
        }),
  plan_keep_old: (p) => m.plan_keep_old({ n: count(p) }),
  plan_watch: (p) => m.plan_watch({ n: count(p, "minutes") }),
  plan_finish: () => m.plan_finish(),
  plan_finish_by_hand: () => m.plan_finish_by_hand(),
  plan_remove_old: (p) => m.plan_remove_old({ n: count(p) }),
  plan_restore_old: (p) => m.plan_restore_old({ image: part(p, "image") }),
  plan_cancel_upgrade: () => m.plan_cancel_upgrade(),
  plan_scale: (p) => m.plan_scale({ from: part(p, "from"), to: part(p, "to") }),
  plan_start: (p) => m.plan_start({ n: count(p) }),
  plan_stop: (p) => m.plan_stop({ n: count(p) }),
  plan_restart: (p) => m.plan_restart({ n: count(p) }),
  plan_build_again: (p) => m.plan_build_again({ number: part(p, "number"), branch: part(p, "branch") }),
  plan_build_cancel: (p) => m.plan_build_cancel({ number: part(p, "number") }),
  plan_build_approve: (p) => m.plan_build_approve({ number: part(p, "number") }),
  plan_build_decline: (p) => m.plan_build_decline({ number: part(p, "number") }),
  plan_promote: (p) =>
    m.plan_promote({ number: part(p, "number"), environment: environmentLabel(part(p, "environment")) }),
  plan_repo_enable: (p) => m.plan_repo_enable({ repo: part(p, "repo") }),
  plan_repo_disable: (p) => m.plan_repo_disable({ repo: part(p, "repo") }),
  untouched_services: (p) => m.plan_untouched_services({ n: count(p), stack: part(p, "stack") }),
  untouched_configuration: () => m.plan_untouched_configuration(),
  untouched_other_builds: () => m.plan_untouched_builds(),
  untouched_containers: () => m.plan_untouched_containers(),
  risk_gap: () => m.plan_risk_gap(),
  risk_moving_tag: (p) => m.plan_risk_moving_tag({ tag: part(p, "tag") }),
  risk_no_health_check: () => m.plan_risk_no_health_check(),
  risk_start_first_ports: (p) => m.plan_risk_ports({ ports: part(p, "ports") }),
  risk_starts_stopped: () => m.plan_risk_starts_stopped(),
  risk_not_well_now: (p) => m.plan_risk_not_well({ state: part(p, "state") }),
  risk_same_tag: (p) => m.plan_risk_same_tag({ tag: part(p, "tag") }),
  risk_nothing_left: () => m.plan_risk_nothing_left(),
  risk_restart_gap: () => m.plan_risk_restart_gap(),
  refused_read_only: (p) => m.plan_refused_read_only({ connection: part(p, "connection") }),
  refused_key_reads_only: (p) =>
    m.plan_refused_key({ environment: environmentLabel(part(p, "environment")) }),
  refused_connection_down: (p) => m.plan_refused_down({ connection: part(p, "connection") }),
  refused_upgraded: (p) => m.plan_refused_upgraded({ state: part(p, "state") }),
  refused_upgrading: (p) => m.plan_refused_upgrading({ state: part(p, "state") }),
  refused_upgrade_cancelled: (p) => m.plan_refused_cancelled({ state: part(p, "state") }),
  refused_no_upgrade: () => m.plan_refused_no_upgrade(),
  refused_kind: (p) => m.plan_refused_kind({ kind: part(p, "kind") }),
  refused_not_offered: (p) => m.plan_refused_not_offered({ state: part(p, "state") }),
  refused_already_running: (p) => m.plan_refused_running({ verb: verbWord(part(p, "verb") as Verb) }),
  refused_already_so: (p) => m.plan_refused_already({ state: part(p, "state") }),
};

const DETAILS: Record<string, () => string> = {
  task_awaits_finish: m.task_awaits_finish,
  task_rolled_back: m.task_rolled_back,
  task_superseded: m.task_superseded,
  task_interrupted: m.task_interrupted,
  task_gone: m.task_gone,
  task_overdue: m.task_overdue,
  task_connection_down: m.task_connection_down,
  task_never_arrived: m.task_never_arrived,
  task_outcome_unknown: m.task_outcome_unknown,
  task_plan_changed: m.task_plan_changed,
  task_not_sent: m.task_not_sent,
  task_no_effect: m.task_no_effect,
};

/** Every key that can be worded, for the test that compares them with the core's list. */
export const KNOWN_KEYS: readonly string[] = [...Object.keys(WORDS), ...Object.keys(DETAILS)];

/** One step, risk, reason … in words. */
export function stepWords(step: PlanStep): string {
  const parts: Parts = Object.fromEntries(step.parts);
  const word = WORDS[step.message];
  if (word) return word(parts);
  const told = step.parts.map(([name, value]) => `${name} ${value}`).join(", ");
  return told === "" ? step.message : `${step.message} (${told})`;
}

/** What a task says of itself: our words for our keys, else the server's as they are. */
export function detailWords(detail: string | null | undefined): string {
  if (!detail) return "";
  return DETAILS[detail]?.() ?? detail;
}

const VERBS: Record<Verb, () => string> = {
  restart: m.verb_restart,
  cancel: m.verb_cancel,
  approve: m.verb_approve,
  decline: m.verb_decline,
  promote: m.verb_promote,
  enable: m.verb_enable,
  disable: m.verb_disable,
  redeploy: m.verb_redeploy,
  upgrade: m.verb_upgrade,
  finish: m.verb_finish,
  rollback: m.verb_rollback,
  scale: m.verb_scale,
  start: m.verb_start,
  stop: m.verb_stop,
};

/** A verb alone. On a build, restart and cancel are said differently. */
export function verbWord(verb: Verb, target = ""): string {
  if (target.startsWith("build:") && verb === "restart") return m.verb_restart_build();
  if (target.startsWith("build:") && verb === "cancel") return m.verb_cancel_build();
  return VERBS[verb]();
}

/** What the button says: the verb and the thing, "Redeploy 0.9.11". */
export function buttonWords(plan: Plan): string {
  const { verb, target } = plan.order;
  switch (verb) {
    case "redeploy":
      return m.plan_do_redeploy({ tag: tagOf(plan.to ?? plan.from ?? "") });
    case "upgrade":
      return m.plan_do_upgrade({ tag: plan.order.tag ?? tagOf(plan.to ?? "") });
    case "rollback":
      return plan.to ? m.plan_do_rollback({ tag: tagOf(plan.to) }) : verbWord(verb);
    case "finish":
      return m.plan_do_finish({ tag: tagOf(plan.from ?? "") });
    case "scale":
      return m.plan_do_scale({ n: plan.to ?? "" });
    case "promote":
      return m.plan_do_promote({ environment: environmentLabel(plan.order.environment ?? "") });
    default:
      return m.plan_do({ verb: verbWord(verb, target), name: shortName(plan.target_name) });
  }
}

/** `report-worker` of `device/report-worker`, `web #877` of `ihealth/web#877`. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1).replace(/#(\d+)$/, " #$1");
}

/** The dialog's title: "Redeploy report-worker in production". */
export function titleWords(plan: Plan): string {
  const verb = verbWord(plan.order.verb, plan.order.target);
  const name = shortName(plan.target_name);
  return plan.environment_name
    ? m.plan_title_in({ verb, name, environment: environmentLabel(plan.environment_name) })
    : m.plan_title({ verb, name });
}

/** What a task does, on its row and in the bar. */
export function taskWords(task: Task): string {
  const name = shortName(task.target_name);
  const verb = verbWord(task.verb, task.target);
  switch (task.state.is) {
    case "held":
      return m.task_held({ verb, name });
    case "sending":
      return m.task_sending({ verb, name });
    case "watching":
      return typeof task.done === "number" && typeof task.all === "number"
        ? m.task_watching_of({ verb, name, done: task.done, all: task.all })
        : m.task_watching({ verb, name });
    case "finishing":
      return m.task_finishing({ name });
    case "done":
      return m.task_done({ verb, name });
    case "failed":
      return m.task_failed({ verb, name });
    case "unknown":
      return m.task_unknown({ verb, name });
    case "refused":
      return m.task_refused({ verb, name });
    case "undone":
      return m.task_undone({ verb, name });
    default:
      return m.task_superseded_of({ verb, name });
  }
}
