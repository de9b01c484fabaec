/** States of builds and living things as marks and words. One table each; what is not known stays unknown. */
import { m } from "../../i18n";
import type { MarkName } from "../../kit";
import type { BuildStatus, LiveStatus } from "../../wire";

/** The words a screen reader and a hover say for a mark. */
export const MARK_WORDS: Record<MarkName, () => string> = {
  blocked: m.mark_blocked,
  cancelled: m.mark_cancelled,
  declined: m.mark_declined,
  degraded: m.mark_degraded,
  errored: m.mark_errored,
  failed: m.mark_failed,
  none: m.mark_none,
  ok: m.mark_ok,
  passed: m.mark_passed,
  polling: m.mark_polling,
  running: m.mark_running,
  skipped: m.mark_skipped,
  stale: m.mark_stale,
  stopped: m.mark_stopped,
  unknown: m.mark_unknown,
  waiting: m.mark_waiting,
  working: m.mark_working,
};

/** Every build status is a mark of the same name. */
export function buildMark(status: BuildStatus): MarkName {
  return status in MARK_WORDS ? status : "unknown";
}

/** Every live status is a mark of the same name. */
export function liveMark(status: LiveStatus): MarkName {
  return status in MARK_WORDS ? status : "unknown";
}

/** What a mark says on hover, with the server's own word behind it. */
export function markLabel(mark: MarkName, serverWord?: string | null): string {
  const word = MARK_WORDS[mark]();
  return serverWord && serverWord !== mark ? m.mark_with_server_word({ word, server: serverWord }) : word;
}

/** Will not change any more. */
export function isFinal(status: BuildStatus): boolean {
  return ["passed", "failed", "errored", "cancelled", "declined", "skipped"].includes(status);
}

/** Failed or errored. */
export function isBroken(status: BuildStatus): boolean {
  return status === "failed" || status === "errored";
}
