/**
 * Which lines the board shows, in which group and order. Pure. Wrong first (who waits for a person on top), then
 * moving (soonest first), then quiet by repository, so that it never jumps. Refuses: sorting by last change.
 */
import { instant } from "../../i18n";
import { type Edge, edgeOf, type LineFacts, newestStart } from "../../kinds/line";
import type { Build, Container, Line, LineGroup, Service } from "../../wire";

export interface Choice {
  /** Environment's name; empty: all. */
  environment: string;
  mine: boolean;
  onlyWrong: boolean;
  filter: string;
}

/** A line with what sorting and filtering need of its build and service. */
export interface BoardLine {
  line: Line;
  build: Build | undefined;
  service: Service | undefined;
  edge: Edge;
  group: LineGroup;
}

const EDGE_ORDER: Record<Edge, number> = { ask: 0, bad: 1, warn: 2, "": 3 };
const GROUPS: readonly LineGroup[] = ["wrong", "moving", "quiet"];

export function boardLine(
  line: Line,
  build: Build | undefined,
  service: Service | undefined,
  held?: LineGroup,
): BoardLine {
  return { line, build, service, edge: edgeOf(line, build, service), group: held ?? line.group };
}

export function matches(one: BoardLine, choice: Choice, isMine: (author: string) => boolean): boolean {
  if (choice.environment !== "" && one.line.environment_name !== choice.environment) return false;
  if (choice.mine && !(one.build && isMine(one.build.author))) return false;
  if (choice.onlyWrong && one.group !== "wrong") return false;
  return matchesFilter(one, choice.filter);
}

/** Every word must be found; `branch:`, `repo:`, `env:` and `by:` look in one place. */
export function matchesFilter({ line, build }: BoardLine, filter: string): boolean {
  const places: Record<string, string> = {
    repo: line.repo,
    branch: line.branch,
    env: line.environment_name ?? "",
    by: build ? `${build.author} ${build.author_name ?? ""}` : "",
    rest: build ? `${build.subject} ${build.sha} #${build.number}` : "",
  };
  const everywhere = Object.values(places).join(" ").toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "")
    .every((word) => {
      const [, place, text] = /^(repo|branch|env|by):(.*)$/.exec(word) ?? [];
      return place ? (places[place] ?? "").toLowerCase().includes(text ?? "") : everywhere.includes(word);
    });
}

/** When a moving line is likely to be through; what has no estimate comes last. */
function dueAt(one: BoardLine, usualOf: (repo: string) => number | null): number {
  const began = instant(one.build?.started_at);
  if (one.build?.status === "running" && began !== null) return began + (usualOf(one.line.repo) ?? 3_600_000);
  if (one.build?.status === "waiting") return Number.MAX_SAFE_INTEGER;
  return 0;
}

function byName(a: BoardLine, b: BoardLine): number {
  return (
    lastPart(a.line.repo).localeCompare(lastPart(b.line.repo)) ||
    a.line.branch.localeCompare(b.line.branch) ||
    a.line.id.localeCompare(b.line.id)
  );
}

function lastPart(repo: string): string {
  return repo.slice(repo.lastIndexOf("/") + 1);
}

export function grouped(
  lines: readonly BoardLine[],
  usualOf: (repo: string) => number | null,
): { group: LineGroup; lines: BoardLine[] }[] {
  return GROUPS.map((group) => {
    const inside = lines.filter((one) => one.group === group);
    if (group === "wrong") inside.sort((a, b) => EDGE_ORDER[a.edge] - EDGE_ORDER[b.edge] || byName(a, b));
    else if (group === "moving") {
      const due = new Map(inside.map((one) => [one.line.id, dueAt(one, usualOf)]));
      inside.sort((a, b) => (due.get(a.line.id) ?? 0) - (due.get(b.line.id) ?? 0) || byName(a, b));
    } else inside.sort(byName);
    return { group, lines: inside };
  }).filter((one) => one.lines.length > 0);
}

/** Since when a wrong line is wrong, milliseconds; `null` when nobody knows. */
export function wrongSince(
  { build, service, edge }: BoardLine,
  containersOf: (service: Service) => readonly Container[],
): number | null {
  if (edge === "ask") return instant(build?.created_at);
  if (build?.status === "failed" || build?.status === "errored")
    return instant(build.finished_at ?? build.created_at);
  return service ? instant(newestStart(containersOf(service))) : null;
}

export type { LineFacts };
