/** The kinds of notices one can switch, in the order of a change's life, with their words. */
import { m } from "../../i18n";

type Said = (parts?: Record<string, never>, options?: { locale?: "en" | "zh-CN" }) => string;

export interface NoticeKind {
  event: string;
  name: () => string;
  what: () => string;
  remark?: () => string;
  /** An example, in either language. */
  title: Said;
  body: Said;
}

export const NOTICE_KINDS: readonly NoticeKind[] = [
  {
    event: "started",
    name: m.notice_started,
    what: m.notice_started_what,
    title: m.example_started,
    body: m.example_started_body,
  },
  {
    event: "passed",
    name: m.notice_passed,
    what: m.notice_passed_what,
    title: m.example_passed,
    body: m.example_passed_body,
  },
  {
    event: "broken",
    name: m.notice_broken,
    what: m.notice_broken_what,
    remark: m.notice_main_for_all,
    title: m.example_broken,
    body: m.example_broken_body,
  },
  {
    event: "still_broken",
    name: m.notice_still_broken,
    what: m.notice_still_broken_what,
    title: m.example_still_broken,
    body: m.example_still_broken_body,
  },
  {
    event: "fixed",
    name: m.notice_fixed,
    what: m.notice_fixed_what,
    title: m.example_fixed,
    body: m.example_fixed_body,
  },
  {
    event: "deployed",
    name: m.notice_deployed,
    what: m.notice_deployed_what,
    title: m.example_deployed,
    body: m.example_deployed_body,
  },
  {
    event: "deploy_failed",
    name: m.notice_deploy_failed,
    what: m.notice_deploy_failed_what,
    title: m.example_deploy_failed,
    body: m.example_deploy_failed_body,
  },
  {
    event: "left_open",
    name: m.notice_left_open,
    what: m.notice_left_open_what,
    title: m.example_left_open,
    body: m.example_left_open_body,
  },
  {
    event: "waiting",
    name: m.notice_waiting,
    what: m.notice_waiting_what,
    title: m.example_waiting,
    body: m.example_waiting_body,
  },
];
