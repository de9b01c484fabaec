/**
 * What the palette offers, and how typed words find it: English, 中文 or pinyin initials of our own words, in any order;
 * a sha finds its build. Pure but for the words. Refuses: running anything; a verb opens its plan.
 */
import { ageInCell, instant, m } from "../i18n";
import { firstBroken } from "../kinds/line";
import { buildMark, environmentLabel, liveMark, repoName, tagOf } from "../kinds/status";
import type { IconName, MarkName } from "../kit";
import type { Session } from "../live";
import { hrefOf, hrefOfItem } from "../route/route.svelte";
import type { Build, Line, Service, Verb } from "../wire";
import { RAIL } from "./views";

export interface Entry {
  id: string;
  group: "do" | "views" | "lines" | "builds" | "services" | "settings";
  icon?: IconName;
  mark?: MarkName;
  title: string;
  of: string;
  end: string;
  key?: string;
  /** Everything typed words may match, lower case. */
  words: string;
  go: { href: string } | { ask: Verb; target: string } | { act: "quit" | "try" };
}

export interface Found {
  group: Entry["group"];
  all: number;
  entries: Entry[];
}

const MOST = 6;

/** Words in both languages and pinyin, so that either finds the verb. */
const VERBS: { verb: Verb; word: () => string; words: string; icon: IconName; key: string }[] = [
  {
    verb: "redeploy",
    word: m.verb_redeploy,
    words: "redeploy 重新部署 chongxin bushu cxbs",
    icon: "redo",
    key: "d",
  },
  {
    verb: "rollback",
    word: m.verb_rollback,
    words: "roll back rollback 退回 tuihui th",
    icon: "undo",
    key: "b",
  },
  { verb: "finish", word: m.verb_finish, words: "finish 收尾 shouwei sw", icon: "check", key: "f" },
  {
    verb: "restart",
    word: m.verb_restart,
    words: "restart 重启 重新启动 chongqi cq",
    icon: "play",
    key: "R",
  },
  { verb: "approve", word: m.verb_approve, words: "approve 批准 pizhun pz", icon: "check", key: "a" },
  { verb: "cancel", word: m.verb_cancel, words: "cancel stop 取消 quxiao qx", icon: "close", key: "" },
];

export function words(query: string): string[] {
  return query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
}

function hits(entry: Entry, typed: readonly string[]): boolean {
  return typed.every((word) => entry.words.includes(word));
}

/** The groups that match, each with how many there are in all: no silent cap. */
export function find(session: Session, query: string, now: number): Found[] {
  const typed = words(query);
  const groups: [Entry["group"], Entry[]][] = [
    ["do", typed.length > 0 ? verbs(session, typed) : []],
    ["views", views()],
    ["lines", [...session.live.lines.values()].map((line) => ofLine(session, line, now))],
    [
      "services",
      typed.length > 0 ? [...session.live.services.values()].map((one) => ofService(session, one)) : [],
    ],
    ["builds", typed.length > 0 ? builds(session, typed, now) : []],
    ["settings", typed.length > 0 ? settings() : []],
  ];
  return groups
    .map(([group, all]) => ({ group, all: all.length, entries: all.filter((entry) => hits(entry, typed)) }))
    .filter((one) => one.entries.length > 0)
    .map((one) => ({ ...one, entries: one.entries.slice(0, MOST) }));
}

function views(): Entry[] {
  return RAIL.map((view, at) => ({
    id: `view-${view.name}`,
    group: "views",
    icon: view.icon,
    title: view.title(),
    of: "",
    end: "",
    key: String(at + 1),
    words: `${view.name} ${m_both(view.title)}`,
    go: { href: hrefOf(view.name) },
  }));
}

/** A word of ours in both languages, lower case. */
function m_both(
  word: (parts?: Record<string, never>, options?: { locale?: "en" | "zh-CN" }) => string,
): string {
  return `${word({}, { locale: "en" })} ${word({}, { locale: "zh-CN" })}`.toLowerCase();
}

/** Verbs the servers offer now, on what the other words name. */
function verbs(session: Session, typed: readonly string[]): Entry[] {
  const wanted = VERBS.filter((one) => typed.some((word) => one.words.includes(word)));
  if (wanted.length === 0) return [];
  const entries: Entry[] = [];
  for (const service of session.live.services.values()) {
    for (const one of wanted) {
      if (!service.offers.includes(one.verb)) continue;
      const place = environmentName(session, service);
      entries.push({
        id: `${one.verb}-${service.id}`,
        group: "do",
        icon: one.icon,
        title: m.palette_verb({ verb: one.word(), name: service.name }),
        of: `${place} · ${tagOf(service.image)}`,
        end: "",
        key: one.key,
        words: `${one.words} ${wordsOfService(session, service)}`,
        go: { ask: one.verb, target: service.id },
      });
    }
  }
  for (const build of session.live.builds.values()) {
    for (const one of wanted) {
      if (!fitsBuild(one.verb, build)) continue;
      entries.push({
        id: `${one.verb}-${build.id}`,
        group: "do",
        icon: one.verb === "restart" ? "builds" : one.icon,
        title: m.palette_verb({
          verb: one.verb === "restart" ? m.verb_restart_build() : one.word(),
          name: `${repoName(build.repo)} #${build.number}`,
        }),
        of: `${build.branch} · ${build.subject}`,
        end: "",
        key: one.key,
        words: `${one.words} ${wordsOfBuild(build)}`,
        go: { ask: one.verb, target: build.id },
      });
    }
  }
  return entries;
}

function fitsBuild(verb: Verb, build: Build): boolean {
  if (verb === "approve") return build.status === "blocked";
  if (verb === "cancel") return build.status === "running" || build.status === "waiting";
  return verb === "restart" && ["failed", "errored", "cancelled", "passed"].includes(build.status);
}

function environmentName(session: Session, service: Service): string {
  return session.live.environments.get(service.environment)?.name ?? "";
}

function wordsOfService(session: Session, service: Service): string {
  const name = environmentName(session, service);
  return `${service.stack_name}/${service.name} ${name} ${environmentLabel(name)} ${service.image}`.toLowerCase();
}

function wordsOfBuild(build: Build): string {
  return `${build.repo} #${build.number} ${build.branch} ${build.subject} ${build.author} ${build.author_name ?? ""} ${build.sha}`.toLowerCase();
}

function ofLine(session: Session, line: Line, now: number): Entry {
  const build = line.build ? session.live.builds.get(line.build) : undefined;
  const service = line.service ? session.live.services.get(line.service) : undefined;
  const at = instant(build?.finished_at ?? build?.created_at);
  const env = line.environment_name ?? "";
  const broken = build ? firstBroken(build) : undefined;
  const fact = build ? `#${build.number}${broken ? ` ${broken.name}` : ""}` : "";
  return {
    id: line.id,
    group: "lines",
    mark:
      build && build.status !== "passed"
        ? buildMark(build.status)
        : service
          ? liveMark(service.status)
          : "none",
    title: `${repoName(line.repo)} ${line.branch}`,
    of: [environmentLabel(env), fact, service ? tagOf(service.image) : ""].filter(Boolean).join(" · "),
    end: at === null ? "" : ageInCell(now - at),
    words:
      `${line.repo} ${line.branch} ${env} ${environmentLabel(env)} ${build ? wordsOfBuild(build) : ""}`.toLowerCase(),
    go: { href: hrefOfItem(line.id) },
  };
}

function ofService(session: Session, service: Service): Entry {
  return {
    id: service.id,
    group: "services",
    mark: liveMark(service.status),
    title: `${service.stack_name}/${service.name}`,
    of: `${environmentLabel(environmentName(session, service))} · ${tagOf(service.image)}`,
    end: service.server_state,
    words: wordsOfService(session, service),
    go: { href: hrefOfItem(service.id, service.environment) },
  };
}

function builds(session: Session, typed: readonly string[], now: number): Entry[] {
  return [...session.live.builds.values()]
    .sort((a, b) => (b.created_at ?? "").localeCompare(a.created_at ?? ""))
    .map((build) => {
      const at = instant(build.finished_at ?? build.created_at);
      // A sha is pasted whole or in part, from seven digits on.
      const bySha = typed.some((word) => /^[0-9a-f]{7,40}$/.test(word) && build.sha.startsWith(word));
      return {
        id: build.id,
        group: "builds",
        mark: buildMark(build.status),
        title: `${repoName(build.repo)} #${build.number}`,
        of: `${build.branch} · ${bySha ? `${build.sha.slice(0, 7)} · ` : ""}${build.subject}`,
        end: at === null ? "" : ageInCell(now - at),
        words: wordsOfBuild(build),
        go: { href: hrefOfItem(build.id) },
      } satisfies Entry;
    });
}

function settings(): Entry[] {
  const entry = (id: string, icon: IconName, word: Parameters<typeof m_both>[0], go: Entry["go"]): Entry => ({
    id: `settings-${id}`,
    group: "settings",
    icon,
    title: word(),
    of: "",
    end: "",
    words: m_both(word),
    go,
  });
  return [
    entry("notifications", "inbox", m.palette_notices, { href: hrefOf("settings", "notifications") }),
    entry("connections", "routes", m.palette_connections, { href: hrefOf("settings", "connections") }),
    entry("appearance", "moon", m.palette_appearance, { href: hrefOf("settings", "appearance") }),
    entry("me", "board", m.palette_desk, { href: hrefOf("settings", "me") }),
    entry("try", "redo", m.keys_try, { act: "try" }),
    entry("quit", "close", m.palette_quit, { act: "quit" }),
  ];
}
