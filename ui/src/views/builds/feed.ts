/** The feed's rows: groups in the order of what a person must see, each build once. Pure. */
import { instant } from "../../i18n";
import { fits, groupOf, happenedAt, isMainBranch, isPull, type BuildGroup } from "../../kinds/build";
import { isBroken } from "../../kinds/status";
import type { Build } from "../../wire";

export type FeedTab = "all" | "mine" | "main" | "pulls";

export interface FeedAsk {
  tab: FeedTab;
  filter: string;
  onlyWrong: boolean;
}

export interface FeedContext {
  now: number;
  isMine: (author: string) => boolean;
  defaultBranch: (build: Build) => string | null | undefined;
  /** Milliseconds until a running build usually ends. */
  left: (build: Build) => number | null;
}

export type FeedItem =
  | { kind: "head"; group: BuildGroup; count: number; day: string | null; builds: readonly Build[] }
  | { kind: "build"; build: Build; queue: number | null };

/** Whether a build stands under a tab. */
export function inTab(build: Build, tab: FeedTab, context: FeedContext): boolean {
  switch (tab) {
    case "mine":
      return context.isMine(build.author) || (build.sender ? context.isMine(build.sender) : false);
    case "main":
      return isMainBranch(build, context.defaultBranch(build));
    case "pulls":
      return isPull(build);
    default:
      return true;
  }
}

export function isWrong(build: Build): boolean {
  return isBroken(build.status) || build.status === "blocked" || build.status === "unknown";
}

/** Rows with their heads; `hidden` counts what filter and switches leave out. */
export function feedOf(
  builds: readonly Build[],
  ask: FeedAsk,
  context: FeedContext,
): { rows: FeedItem[]; hidden: number; shown: Build[] } {
  const groups: Record<BuildGroup, Build[]> = { asks: [], running: [], queue: [], today: [], earlier: [] };
  const shown: Build[] = [];
  let hidden = 0;
  for (const build of builds) {
    if (!inTab(build, ask.tab, context)) continue;
    if ((ask.onlyWrong && !isWrong(build)) || !fits(build, ask.filter)) {
      hidden += 1;
      continue;
    }
    shown.push(build);
    groups[groupOf(build, context.now)].push(build);
  }
  const queued = (build: Build) => instant(build.created_at) ?? 0;
  const newest = (a: Build, b: Build) => happenedAt(b) - happenedAt(a) || b.number - a.number;
  groups.asks.sort((a, b) => queued(a) - queued(b));
  const left = new Map(
    groups.running.map((build) => [build, context.left(build) ?? Number.MAX_SAFE_INTEGER]),
  );
  groups.running.sort((a, b) => (left.get(a) ?? 0) - (left.get(b) ?? 0) || queued(a) - queued(b));
  groups.queue.sort((a, b) => queued(a) - queued(b));
  groups.today.sort(newest);
  groups.earlier.sort(newest);

  const rows: FeedItem[] = [];
  for (const group of ["asks", "running", "queue", "today"] as const) {
    const list = groups[group];
    if (list.length === 0) continue;
    rows.push({ kind: "head", group, count: list.length, day: null, builds: list });
    list.forEach((build, at) =>
      rows.push({ kind: "build", build, queue: group === "queue" ? at + 1 : null }),
    );
  }
  pushDays(rows, groups.earlier);
  return { rows, hidden, shown };
}

function pushDays(rows: FeedItem[], earlier: readonly Build[]): void {
  let day = "";
  let list: Build[] = [];
  const close = () => {
    if (list.length === 0) return;
    rows.push({ kind: "head", group: "earlier", count: list.length, day, builds: list });
    for (const build of list) rows.push({ kind: "build", build, queue: null });
  };
  for (const build of earlier) {
    const its = dayOf(happenedAt(build));
    if (its !== day) {
      close();
      day = its;
      list = [];
    }
    list.push(build);
  }
  close();
}

/** `2026-11-23`, of the place one is in. */
export function dayOf(at: number): string {
  const then = new Date(at);
  return `${String(then.getFullYear())}-${String(then.getMonth() + 1).padStart(2, "0")}-${String(then.getDate()).padStart(2, "0")}`;
}

/** How many ended in each way, in a fixed order. */
export function tally(builds: readonly Build[]): [Build["status"], number][] {
  const order: Build["status"][] = [
    "passed",
    "failed",
    "errored",
    "declined",
    "cancelled",
    "skipped",
    "unknown",
  ];
  const counts = new Map<Build["status"], number>();
  for (const build of builds) counts.set(build.status, (counts.get(build.status) ?? 0) + 1);
  return order.flatMap((status) => (counts.has(status) ? [[status, counts.get(status) ?? 0]] : []));
}
