/**
 * The story the mock-ups tell, as a snapshot: Tuesday 24 November, 14:09. For tests and pictures only.
 * `?state=loading|empty|stale|well|first-run` picks another chapter, `?n=500` makes it large.
 */
import type { Fixture } from "../host/fixture";
import { now } from "../live/now.svelte";
import type {
  Build,
  BuildStatus,
  ConnectionHealth,
  Container,
  Environment,
  Item,
  Line,
  LiveStatus,
  Service,
  Settings,
  Snapshot,
  Step,
} from "../wire";
import { ABOUT, answers, SETTINGS } from "./story-answers";
import { ago, MINUTE, NOW } from "./story-clock";
import { ENV_IDS, H, LINES, PEOPLE, STACKS, type Told } from "./story-lines";
import { longLog, someTasks, workFixture } from "./work";

export { ABOUT, answers, SETTINGS } from "./story-answers";
export { ago, NOW } from "./story-clock";

export function emptySnapshot(): Snapshot {
  return { rev: 1, items: [], connections: [], tasks: [], from_cache: false };
}

export function connection(name: string, change: Partial<ConnectionHealth> = {}): ConnectionHealth {
  return {
    name,
    kind: name,
    label: name[0]!.toUpperCase() + name.slice(1),
    url: `https://${name}.company.com`,
    state: "live",
    since: ago(120 * MINUTE),
    last_good_at: ago(14_000),
    tries: 0,
    error: null,
    latency_p50_ms: 400,
    latency_p95_ms: 1200,
    requests_per_minute: 20,
    poll_s: 30,
    beats: Array.from({ length: 30 }, () => true),
    scopes: [],
    warnings: [],
    read_only: false,
    ...change,
  };
}

/** Drone as in `board-states`: it stopped answering at 13:52. */
export function failing(): ConnectionHealth {
  return connection("drone", {
    state: "retrying",
    since: ago(17 * MINUTE),
    last_good_at: new Date(NOW - 17 * MINUTE + 8000).toISOString(),
    retry_at: new Date(NOW + 8000).toISOString(),
    tries: 17,
    error: {
      code: "server_error",
      message: "reading the feed: 502 bad gateway",
      request: "GET /api/user/repos?all=true&flush=false",
      status: 502,
      words:
        "502 Bad Gateway: upstream prematurely closed connection\nwhile reading response header from upstream",
      hint: null,
      retry_at: null,
    },
    beats: Array.from({ length: 30 }, (_, at) => at < 13),
    scopes: [{ scope: "feed", as_of: ago(17 * MINUTE), stale: true }],
  });
}

export function step(
  name: string,
  status: BuildStatus,
  from: number,
  to: number,
  base: number,
  exit?: number,
): Step {
  return {
    key: name,
    name,
    status,
    server_status: status,
    is_service: false,
    exit_code: exit ?? (status === "passed" ? 0 : null),
    started_at: status === "skipped" ? null : new Date(base + from * 1000).toISOString(),
    finished_at:
      status === "skipped" || status === "running" ? null : new Date(base + to * 1000).toISOString(),
  };
}

export function build(told: Partial<Build> & { repo: string; number: number }): Build {
  return {
    id: `build:drone/${told.repo}#${told.number}`,
    connection: "drone",
    scope: "feed",
    status: "passed",
    server_status: "success",
    event: "push",
    branch: "develop",
    ref: "refs/heads/develop",
    sha: "c41f8a0d2b7e4b1f9c3a5d6e7f8091a2b3c4d5e6",
    author: "sunyue",
    author_name: "孙悦",
    subject: "fix: 血糖单位 mmol/L 换算误差",
    message: "",
    created_at: ago(10 * MINUTE),
    started_at: ago(9 * MINUTE),
    finished_at: ago(7 * MINUTE),
    url: `https://drone.company.com/${told.repo}/${told.number}`,
    steps: [],
    steps_known: true,
    ...told,
  };
}

export function service(told: Partial<Service> & { name: string }): Service {
  return {
    id: `service:rancher/1s-${told.name}`,
    connection: "rancher",
    scope: "environment:1a5",
    environment: "environment:rancher/1a5",
    stack: "stack:rancher/1st1",
    stack_name: "core",
    service_kind: "service",
    system: false,
    status: "ok",
    server_state: "active",
    failing: false,
    image: `harbor.company.com/ihealth/${told.name}:1.0.0`,
    version: "v1",
    sidekicks: [],
    scale: 2,
    global: false,
    has_health_check: true,
    labels: {},
    offers: ["redeploy", "upgrade", "restart", "scale", "stop"],
    phase: "none",
    endpoints: [],
    ...told,
  };
}

export function line(told: Partial<Line> & { repo: string }): Line {
  const branch = told.branch ?? "develop";
  return {
    id: `line:kopi/${told.repo}@${branch}`,
    connection: "kopi",
    scope: "lines",
    branch,
    environment: null,
    environment_name: null,
    production: false,
    build: null,
    passed: null,
    service: null,
    link: null,
    group: "quiet",
    asks: false,
    ...told,
  };
}

function itemsOf(told: Told, at: number): Item[] {
  const repo = `ihealth/${told.repo}`;
  const status = told.status ?? "passed";
  const env = ENV_IDS[told.env]!;
  const ended = NOW - (told.age + 2) * MINUTE - (told.status === "failed" ? -told.age + 6 : 0) * MINUTE;
  const began = status === "running" ? NOW - 214_000 : ended - told.took * 1000;
  const steps =
    status === "failed"
      ? [
          step("clone", "passed", 0, 2, began),
          step("restore-cache", "passed", 2, 8, began),
          step("compile", "passed", 8, 46, began),
          step("lint", "passed", 46, 67, began),
          step("unit", "failed", 46, 104, began, 1),
          step("publish", "skipped", 0, 0, began),
          step("deploy-dev", "skipped", 0, 0, began),
          step("notify-wecom", "passed", 104, 107, began),
        ]
      : [
          step("clone", "passed", 0, 2, began),
          step("build", status === "running" ? "running" : "passed", 2, told.took, began),
        ];
  const aBuild = build({
    repo,
    number: told.n,
    status,
    server_status: status === "passed" ? "success" : status === "failed" ? "failure" : status,
    branch: told.branch,
    sha: told.sha + "0".repeat(33),
    author: told.by,
    author_name: PEOPLE[told.by],
    subject: told.subject,
    created_at: new Date(began - 4000).toISOString(),
    started_at:
      status === "waiting" || status === "blocked" || status === "skipped"
        ? null
        : new Date(began).toISOString(),
    finished_at: ["running", "waiting", "blocked"].includes(status) ? null : new Date(ended).toISOString(),
    steps: status === "waiting" || status === "blocked" || status === "skipped" ? [] : steps,
  });
  const earlier = [1, 2, 3].map((back) =>
    build({
      ...aBuild,
      id: `build:drone/${repo}#${told.n - back}`,
      number: told.n - back,
      status: "passed",
      server_status: "success",
      branch: told.branch,
      created_at: new Date(began - back * 3 * H * MINUTE).toISOString(),
      started_at: new Date(began - back * 3 * H * MINUTE).toISOString(),
      finished_at: new Date(began - back * 3 * H * MINUTE + (told.took || 304) * 1000).toISOString(),
      subject: "chore: 例行更新依赖",
    }),
  );
  const passed = status === "passed" ? aBuild : earlier[0]!;
  const aService = service({
    name: told.repo,
    id: `service:rancher/1s${40 + at}`,
    scope: `environment:${env}`,
    environment: `environment:rancher/${env}`,
    stack: `stack:rancher/1st-${env}-${STACKS[told.repo] ?? "device"}`,
    stack_name: STACKS[told.repo] ?? "device",
    status: told.service ?? "ok",
    server_state:
      told.phase === "awaits_finish" ? "upgraded" : told.phase === "running" ? "upgrading" : "active",
    health: told.service === "degraded" ? "degraded" : "healthy",
    image: `harbor.company.com/ihealth/${told.repo}:${told.tag}`,
    scale: told.all,
    phase: told.phase ?? "none",
    previous: told.phase ? { image: `harbor.company.com/ihealth/${told.repo}:1.17.3`, version: "v0" } : null,
    offers:
      told.phase === "awaits_finish"
        ? ["finish", "rollback"]
        : ["redeploy", "upgrade", "restart", "scale", "stop"],
  });
  const containers = Array.from({ length: told.all }, (_, copy): Item => {
    const status: LiveStatus =
      copy < (told.up ?? told.all) ? "ok" : told.phase === "running" ? "working" : "failed";
    return {
      kind: "container",
      ...({
        id: `container:rancher/1i${at}${copy}`,
        connection: "rancher",
        scope: aService.scope,
        environment: aService.environment,
        services: [aService.id],
        host: `host:rancher/1h${(copy % 3) + 1}`,
        name: `${told.repo}-${copy + 1}`,
        status,
        server_state: status === "ok" ? "running" : "restarting",
        image: aService.image,
        version: "v1",
        address: `10.42.${12 + at}.${66 + copy}`,
        start_count: told.restarts && copy === told.all - 1 ? told.restarts + 1 : 1,
        system: false,
        labels: {},
        offers: ["restart"],
        created_at: ago(told.age * MINUTE),
        started_at: ago(told.age * MINUTE),
      } satisfies Container),
    };
  });
  const aLine = line({
    id: `line:kopi/${repo}@${told.branch}/rancher:${env}`,
    repo,
    branch: told.branch,
    environment: aService.environment,
    environment_name: told.env,
    production: told.env === "production",
    build: aBuild.id,
    passed: passed.id,
    service: aService.id,
    link: { by: "seen_running", build: told.runs ? `build:drone/${repo}#${told.runs}` : passed.id },
    group: told.group ?? "quiet",
    asks: status === "blocked",
  });
  return [
    { kind: "build", ...aBuild },
    ...earlier.map((one): Item => ({ kind: "build", ...one })),
    { kind: "service", ...aService },
    ...containers,
    { kind: "line", ...aLine },
  ];
}

export function teamSnapshot(change: Partial<Snapshot> = {}): Snapshot {
  const environments: Item[] = Object.entries(ENV_IDS).map(([name, id]) => ({
    kind: "environment",
    ...({
      id: `environment:rancher/${id}`,
      connection: "rancher",
      scope: "environments",
      name,
      production: name === "production",
      may_act: true,
      orchestration: "cattle",
      status: "ok",
      server_state: "active",
    } satisfies Environment),
  }));
  return {
    rev: 1,
    items: [...environments, ...LINES.flatMap(itemsOf)],
    connections: [
      connection("drone", {
        requests_per_minute: 12,
        scopes: [{ scope: "feed", as_of: ago(14_000), stale: false }],
      }),
      connection("rancher", { requests_per_minute: 9 }),
    ],
    tasks: [],
    from_cache: false,
    ...change,
  };
}

/** So many services and builds: what has to stay smooth. */
export function largeSnapshot(lines: number): Snapshot {
  const items = Array.from({ length: lines }, (_, at) => {
    const told = LINES[(at % 16) + 7]!;
    return itemsOf({ ...told, repo: `${told.repo}-${Math.floor(at / 16)}`, n: told.n + at }, at + 100);
  });
  return teamSnapshot({ items: items.flat() });
}

export function quietSnapshot(): Snapshot {
  return teamSnapshot({
    items: LINES.filter((told) => !told.group).flatMap(itemsOf),
  });
}

/** What the fixture host plays. */
export function storyOf(query: URLSearchParams): Fixture {
  now.fix(NOW);
  const settings: Settings = {
    ...SETTINGS,
    language: query.get("lang") ?? "en",
    theme: query.get("theme") === "dark" ? "dark" : "light",
    density: query.get("density") ?? "regular",
    colour_blind: query.get("status") === "cb",
  };
  const answer = answers(settings, {
    ...ABOUT,
    first_run: query.get("state") === "first-run",
    demo: query.get("state") === "demo",
  });
  const act: Fixture["act"] = (order) => {
    if (order.what === "set") Object.assign(settings, order.settings);
    return { is: "done" };
  };
  switch (query.get("state")) {
    case "loading":
      return { snapshot: null, answer, act };
    case "asking":
      return {
        snapshot: {
          ...emptySnapshot(),
          connections: [
            connection("drone", { state: "starting" }),
            connection("rancher", { state: "starting" }),
          ],
        },
        answer,
        act,
      };
    case "empty":
      return { snapshot: { ...emptySnapshot(), connections: [connection("drone")] }, answer, act };
    case "first-run":
      return { snapshot: emptySnapshot(), answer, act };
    case "stale":
      return { snapshot: teamSnapshot({ connections: [failing(), connection("rancher")] }), answer, act };
    case "well":
      return { snapshot: quietSnapshot(), answer, act };
    case "work": {
      const work = workFixture({ answer, act }, query.get("tasks") === null ? [] : someTasks());
      const lines = Number(query.get("lines") ?? 0);
      return lines > 0 ? { ...work, log: () => longLog(lines) } : work;
    }
    case "large":
      return { snapshot: largeSnapshot(Number(query.get("n") ?? 500)), answer, act };
    default:
      return { snapshot: teamSnapshot(), answer, act };
  }
}
