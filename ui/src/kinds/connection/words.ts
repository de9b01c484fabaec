/** How a connection does, in words: its state, what waits on it and what goes on. One table maps an error to words. */
import { clockTime, countdown, instant, m } from "../../i18n";
import type { MarkName } from "../../kit";
import { type Kind, type Live, now } from "../../live";
import type { ApiError, ConnectionHealth, ErrorCode } from "../../wire";

export type Trouble = "" | "wrong" | "out";

/** Needs a ground in the source bar. */
export function troubleOf(one: ConnectionHealth): Trouble {
  if (one.state === "retrying") return "wrong";
  return one.state === "signed_out" || one.state === "failed" ? "out" : "";
}

export function sourceMark(one: ConnectionHealth): MarkName {
  const marks: Record<ConnectionHealth["state"], MarkName> = {
    live: "ok",
    polling: "polling",
    retrying: "degraded",
    signed_out: "failed",
    failed: "failed",
    off: "stopped",
    starting: "waiting",
  };
  return marks[one.state] ?? "unknown";
}

/** The short word beside its name. Follows the second while it counts down. */
export function sourceWord(one: ConnectionHealth): string {
  switch (one.state) {
    case "live":
      return m.source_live();
    case "polling":
      return one.poll_s ? m.age_seconds({ n: one.poll_s }) : m.source_asked();
    case "retrying":
      return m.source_retry({ left: untilRetry(one) });
    case "signed_out":
      return m.source_signed_out();
    case "failed":
      return m.source_stopped();
    case "off":
      return m.source_off();
    default:
      return m.source_starting();
  }
}

/** `12 s` until the next try. */
export function untilRetry(one: ConnectionHealth): string {
  const at = instant(one.retry_at);
  return countdown(at === null ? 0 : at - now.second());
}

/** `13:52`, when anything was last read well. */
export function lastGood(one: ConnectionHealth): string | null {
  const at = instant(one.last_good_at);
  return at === null ? null : clockTime(at, now.minute());
}

const CASES: Partial<Record<ErrorCode, (parts: { source: string }) => string>> = {
  dns: m.error_dns,
  refused: m.error_refused,
  reset: m.error_reset,
  tls: m.error_tls,
  timeout: m.error_timeout,
  unauthorized: m.error_unauthorized,
  forbidden: m.error_forbidden,
  not_found: m.error_not_found,
  wrong_base_path: m.error_wrong_base_path,
  rate_limited: m.error_rate_limited,
  server_error: m.error_server_error,
  not_json: m.error_not_json,
  truncated: m.error_truncated,
  too_large: m.error_too_large,
  redirected_away: m.error_redirected_away,
  proxy: m.error_proxy,
  unexpected_answer: m.error_unexpected_answer,
  stream_silent: m.error_stream_silent,
  action_not_available: m.error_action_not_available,
  conflict: m.error_conflict,
  invalid_request: m.error_invalid_request,
  read_only: m.error_read_only,
  plan_outdated: m.error_plan_outdated,
  not_confirmed: m.error_not_confirmed,
  already_running: m.error_already_running,
  outcome_unknown: m.error_outcome_unknown,
  not_supported: m.error_not_supported,
  no_such_item: m.error_no_such_item,
  no_such_connection: m.error_no_such_connection,
  config: m.error_config,
  secret: m.error_secret,
  store: m.error_store,
  store_newer: m.error_store_newer,
  version_mismatch: m.error_version_mismatch,
  core_gone: m.error_core_gone,
  not_allowed_here: m.error_not_allowed_here,
};

/** What an error means, as a fact: "Drone does not answer". */
export function errorWords(error: ApiError, source: string): string {
  return (CASES[error.code] ?? m.error_other)({ source });
}

/** The request and the server's own words, as they came. */
export function errorQuote(error: ApiError): string {
  const first = [error.request, error.status ? `→ ${error.status}` : ""].filter(Boolean).join(" ");
  return [first, error.words ?? error.message].filter(Boolean).join("\n");
}

const KIND_WORDS: [Kind, () => string][] = [
  ["build", m.facts_kind_builds],
  ["repo", m.facts_kind_repos],
  ["service", m.facts_kind_services],
  ["container", m.facts_kind_containers],
  ["host", m.facts_kind_hosts],
];

/** What this connection tells of, and what the others go on telling. */
export function waitsAndGoesOn(live: Live, name: string): { waits: string; goesOn: string } {
  const told: Record<"waits" | "goesOn", string[]> = { waits: [], goesOn: [] };
  for (const [kind, word] of KIND_WORDS) {
    const owners = new Set<string>();
    for (const item of live.kind(kind).values()) owners.add(item.connection);
    if (owners.has(name)) told.waits.push(word());
    else if (owners.size > 0) told.goesOn.push(word());
  }
  const join = (words: string[]) => words.join(m.list_comma());
  return { waits: join(told.waits), goesOn: join(told.goesOn) };
}

/** The facts of this connection as the subject of "… as of 13:52". */
export function factsWord(live: Live, name: string): string {
  for (const build of live.builds.values()) if (build.connection === name) return m.facts_builds();
  for (const service of live.services.values()) if (service.connection === name) return m.facts_services();
  return m.facts_all();
}

/** `Drone, Rancher and 4 more`, for "Asking …". */
export function namesOf(live: Live): string {
  const names = [...live.connections.values()]
    .filter((one) => one.state !== "off")
    .map((one) => one.label || one.name);
  if (names.length <= 3) return names.join(m.list_comma());
  return m.board_asking_more({ names: names.slice(0, 2).join(m.list_comma()), n: names.length - 2 });
}
