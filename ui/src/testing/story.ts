/**
 * The story the mock-ups tell, as a snapshot: Tuesday 24 November, 14:09. For tests and pictures only.
 * `?state=loading|empty|stale|well|first-run` picks another chapter, `?n=500` makes it large.
 */
import type { Fixture } from "../host/fixture";
import { now } from "../live/now.svelte";
import type {
  About,
  Answer,
  Build,
  BuildStatus,
  ConnectionHealth,
  Container,
  Environment,
  Item,
  KindInfo,
  Line,
  LineGroup,
  LiveStatus,
  NoticeRecord,
  Query,
  Service,
  Settings,
  Snapshot,
  Step,
  UpgradePhase,
} from "../wire";
import { longLog, someTasks, workFixture } from "./work";

export const NOW = Date.parse("2026-11-24T14:09:00+08:00");
const MINUTE = 60_000;

export function ago(ms: number): string {
  return new Date(NOW - ms).toISOString();
}

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

const PEOPLE: Record<string, string> = {
  linhao: "林浩",
  sunyue: "孙悦",
  zhouhang: "周航",
  zhaomin: "赵敏",
  chenjing: "陈静",
  wuyang: "吴扬",
  xuan: "徐安",
  lixiang: "李想",
};

interface Told {
  repo: string;
  branch: string;
  env: string;
  by: string;
  subject: string;
  sha: string;
  n: number;
  took: number;
  tag: string;
  up?: number;
  all: number;
  age: number;
  status?: BuildStatus;
  service?: LiveStatus;
  phase?: UpgradePhase;
  group?: LineGroup;
  restarts?: number;
  runs?: number;
}

const H = 60;
const D = 24 * H;
const LINES: Told[] = [
  {
    repo: "api",
    branch: "master",
    env: "production",
    by: "linhao",
    subject: "release: 2.14.0 支持多设备绑定",
    sha: "9be07d1",
    n: 1042,
    took: 220,
    tag: "2.13.4",
    all: 4,
    age: 12,
    status: "blocked",
    group: "wrong",
  },
  {
    repo: "glucose-sync",
    branch: "develop",
    env: "dev",
    by: "sunyue",
    subject: "fix: 血糖单位 mmol/L 换算误差",
    sha: "c41f8a0",
    n: 218,
    took: 108,
    tag: "dev-a41c9e2",
    all: 2,
    age: 2 * H,
    status: "failed",
    group: "wrong",
  },
  {
    repo: "report-worker",
    branch: "master",
    env: "production",
    by: "zhaomin",
    subject: "perf: PDF 报告改为流式渲染",
    sha: "b03e6f9",
    n: 187,
    took: 242,
    tag: "0.9.12",
    up: 1,
    all: 2,
    age: 41,
    service: "degraded",
    group: "wrong",
    restarts: 8,
  },
  {
    repo: "bp-sync",
    branch: "master",
    env: "production",
    by: "wuyang",
    subject: "release: 1.17.4",
    sha: "19fd0c3",
    n: 405,
    took: 191,
    tag: "1.17.4",
    all: 3,
    age: 38,
    service: "working",
    phase: "awaits_finish",
    group: "wrong",
  },
  {
    repo: "web",
    branch: "develop",
    env: "dev",
    by: "chenjing",
    subject: "feat(首页): 新增近 30 天血压趋势图",
    sha: "4d9b3c7",
    n: 877,
    took: 0,
    tag: "dev-1f0e2b8",
    all: 2,
    age: 3 * H,
    status: "running",
    group: "moving",
  },
  {
    repo: "bp-sync",
    branch: "develop",
    env: "dev",
    by: "linhao",
    subject: "fix: Omron 设备时区导致的重复上报",
    sha: "0ac57be",
    n: 412,
    took: 188,
    tag: "dev-0ac57be",
    up: 1,
    all: 2,
    age: 0.23,
    service: "working",
    phase: "running",
    group: "moving",
  },
  {
    repo: "user-center",
    branch: "release",
    env: "staging",
    by: "lixiang",
    subject: "chore: bump spring-boot 2.1.18 → 2.3.12",
    sha: "f2280d4",
    n: 391,
    took: 0,
    tag: "3.2.0",
    all: 2,
    age: D,
    status: "waiting",
    group: "moving",
  },
  {
    repo: "api",
    branch: "develop",
    env: "dev",
    by: "xuan",
    subject: "refactor: 抽出设备绑定的领域服务",
    sha: "a7713fd",
    n: 1047,
    took: 200,
    tag: "dev-a7713fd",
    all: 2,
    age: 22,
  },
  {
    repo: "api",
    branch: "release",
    env: "staging",
    by: "linhao",
    subject: "fix: token refresh race on iOS 12",
    sha: "31c9e05",
    n: 1039,
    took: 211,
    tag: "2.14.0-rc.3",
    all: 2,
    age: 3 * H,
  },
  {
    repo: "web",
    branch: "master",
    env: "production",
    by: "chenjing",
    subject: "release: 3.7.2",
    sha: "8a0f14c",
    n: 869,
    took: 312,
    tag: "3.7.2",
    all: 3,
    age: 4 * H,
  },
  {
    repo: "web",
    branch: "release",
    env: "staging",
    by: "sunyue",
    subject: "fix: 趋势图在 Safari 12 下不显示单位",
    sha: "d6e2a91",
    n: 874,
    took: 298,
    tag: "3.8.0-rc.1",
    all: 2,
    age: 5 * H,
  },
  {
    repo: "glucose-sync",
    branch: "master",
    env: "production",
    by: "sunyue",
    subject: "feat: 支持三诺 GA-6 血糖仪",
    sha: "5512b7e",
    n: 209,
    took: 122,
    tag: "1.22.0",
    all: 3,
    age: 2 * D,
  },
  {
    repo: "gateway",
    branch: "develop",
    env: "dev",
    by: "zhouhang",
    subject: "test: contract tests against api 2.14",
    sha: "c90b4e2",
    n: 569,
    took: 157,
    tag: "dev-c90b4e2",
    all: 1,
    age: H,
  },
  {
    repo: "gateway",
    branch: "master",
    env: "production",
    by: "zhouhang",
    subject: "feat: split /m/* to the mobile BFF",
    sha: "77d20ce",
    n: 563,
    took: 161,
    tag: "1.31.0",
    all: 3,
    age: H,
  },
  {
    repo: "notify",
    branch: "master",
    env: "production",
    by: "wuyang",
    subject: "fix: 短信签名缺失时降级到推送",
    sha: "66e81da",
    n: 296,
    took: 111,
    tag: "1.8.1",
    all: 2,
    age: 9 * D,
  },
  {
    repo: "notify",
    branch: "release",
    env: "staging",
    by: "wuyang",
    subject: "feat: WeCom template cards for alerts",
    sha: "e5a1172",
    n: 301,
    took: 115,
    tag: "1.8.2",
    all: 2,
    age: 2 * H,
    runs: 298,
  },
  {
    repo: "device-hub",
    branch: "develop",
    env: "dev",
    by: "zhaomin",
    subject: "feat: MQTT 5 shared subscriptions",
    sha: "f01d7b8",
    n: 144,
    took: 400,
    tag: "dev-f01d7b8",
    all: 2,
    age: 5 * H,
  },
  {
    repo: "device-hub",
    branch: "master",
    env: "production",
    by: "zhaomin",
    subject: "fix: 离线设备心跳误判",
    sha: "2b94ce0",
    n: 139,
    took: 382,
    tag: "0.31.5",
    all: 4,
    age: 11 * D,
  },
  {
    repo: "admin-web",
    branch: "develop",
    env: "dev",
    by: "lixiang",
    subject: "style: 表格密度切换与列宽记忆",
    sha: "98a3f1d",
    n: 512,
    took: 139,
    tag: "dev-98a3f1d",
    all: 1,
    age: 6 * H,
  },
  {
    repo: "admin-web",
    branch: "master",
    env: "production",
    by: "lixiang",
    subject: "release: 2.3.0",
    sha: "7cd05aa",
    n: 498,
    took: 145,
    tag: "2.3.0",
    all: 2,
    age: 21 * H,
  },
  {
    repo: "user-center",
    branch: "master",
    env: "production",
    by: "lixiang",
    subject: "hotfix: 注销账号后清除设备令牌",
    sha: "e1f6b02",
    n: 388,
    took: 168,
    tag: "3.1.9",
    all: 3,
    age: 6 * D,
  },
  {
    repo: "open-api",
    branch: "master",
    env: "production",
    by: "xuan",
    subject: "docs: rate limits for partner hospitals",
    sha: "40bd6c5",
    n: 77,
    took: 0,
    tag: "0.6.2",
    all: 2,
    age: 20 * D,
    status: "skipped",
  },
  {
    repo: "ota-server",
    branch: "master",
    env: "production",
    by: "zhouhang",
    subject: "feat: 断点续传与 SHA-256 校验",
    sha: "bb17e94",
    n: 58,
    took: 107,
    tag: "1.4.0",
    all: 2,
    age: 34 * D,
  },
];

const ENV_IDS: Record<string, string> = { dev: "1a7", staging: "1a8", production: "1a5" };
const STACKS: Record<string, string> = {
  api: "core",
  gateway: "core",
  "user-center": "core",
  notify: "core",
  web: "web",
  "admin-web": "web",
  "open-api": "web",
};

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

export const SETTINGS: Settings = {
  language: "en",
  theme: "light",
  density: "regular",
  colour_blind: false,
  me: ["linhao"],
  finish_upgrades: true,
  notices: ["passed", "broken", "still_broken", "fixed", "deployed", "deploy_failed", "left_open", "waiting"],
  mine_loud_only: true,
  quiet_hours: "22:00-08:00",
  tray_badges: false,
  keep_days: 180,
  keep_megabytes: 200,
  connections: [
    {
      name: "drone",
      kind: "drone",
      url: "https://drone.company.com",
      secrets: [["token", "keychain"]],
      fields: [],
      read_only: false,
      enabled: true,
    },
    {
      name: "rancher",
      kind: "rancher",
      url: "https://rancher.company.com",
      secrets: [["secret_key", "env RANCHER_SECRET_KEY"]],
      fields: [["access_key", "9F1D64B0C2A77E31"]],
      read_only: false,
      enabled: true,
    },
  ],
};

export const ABOUT: About = {
  version: "0.1.0",
  first_run: false,
  demo: false,
  config_path: "~/.config/kopi/kopi.toml",
  autostart: true,
  tray: true,
  notice_buttons: true,
  me: ["linhao"],
  muted: [],
};

export function answers(
  settings: Settings = SETTINGS,
  about: About = ABOUT,
): (query: Query) => Answer | undefined {
  return (query) => {
    switch (query.what) {
      case "settings":
        return { is: "settings", value: settings };
      case "about":
        return { is: "about", value: about };
      case "notices":
        return { is: "notices", value: NOTICES };
      case "kinds":
        return { is: "kinds", value: KINDS };
      case "found":
        return {
          is: "found",
          value: [
            {
              id: "env-drone",
              kind: "drone",
              url: "https://drone.company.com",
              place: "DRONE_SERVER and DRONE_TOKEN",
              complete: true,
            },
            {
              id: "rancher-cli",
              kind: "rancher",
              url: "https://rancher.company.com",
              place: "~/.rancher/cli.json",
              complete: true,
            },
          ],
        };
      case "probe":
        return {
          is: "probe",
          value: {
            ok: true,
            kind: query.connection,
            dialect: "0.8",
            server_version: "0.8.10",
            user: "linhao",
            may: ["read", "act"],
            choices: [],
            took_ms: 84,
          },
        };
      case "probe_new":
        return query.connection.kind === "drone"
          ? {
              is: "probe",
              value: {
                ok: true,
                kind: "drone",
                dialect: "0.8",
                server_version: "0.8.10",
                user: "linhao",
                may: ["read", "act"],
                choices: [],
                took_ms: 61,
              },
            }
          : {
              is: "probe",
              value: {
                ok: false,
                kind: "rancher",
                may: [],
                choices: [],
                took_ms: 84,
                error: {
                  code: "unauthorized",
                  message: "reading the projects: 401 unauthorized",
                  request: "GET /v2-beta/projects",
                  status: 401,
                  words: '{"type":"error","status":401,"code":"Unauthorized",\n "message":"Unauthorized"}',
                  hint: "Make a new key under API → Keys; such keys end when the account's password changes.",
                },
              },
            };
      default:
        return undefined;
    }
  };
}

const KINDS: KindInfo[] = [
  {
    word: "drone",
    label: ["Drone", "Drone"],
    fields: [
      {
        name: "token",
        is: "secret",
        required: true,
        label: ["Token", "令牌"],
        help: ["Your account page in Drone shows it.", "Drone 的账户页上有。"],
      },
    ],
  },
  {
    word: "rancher",
    label: ["Rancher", "Rancher"],
    fields: [
      {
        name: "access_key",
        is: "text",
        required: true,
        label: ["Access key", "访问密钥"],
        help: ["User name of an environment API key.", "环境 API 密钥的用户名。"],
      },
      {
        name: "secret_key",
        is: "secret",
        required: true,
        label: ["Secret key", "私密密钥"],
        help: ["Password of that key.", "该密钥的密码。"],
      },
      {
        name: "environments",
        is: "list",
        required: false,
        label: ["Environments", "环境"],
        help: ["Names or ids; empty: all.", "名称或 ID；空为全部。"],
      },
    ],
  },
];

const NOTICES: NoticeRecord[] = [
  {
    at: ago(4 * MINUTE),
    event: "broken",
    item: "build:drone/ihealth/glucose-sync#218",
    title: "glucose-sync is broken",
    body: 'develop #218 by 孙悦: unit, exit 1 after 1m48s. "fix: 血糖单位 mmol/L 换算误差"',
  },
  {
    at: ago(12 * MINUTE),
    event: "waiting",
    item: "build:drone/ihealth/api#1042",
    title: "api 2.14.0 waits for you",
    body: "#1042 built and pushed, to production, for 12 min",
  },
  {
    at: ago(38 * MINUTE),
    event: "left_open",
    item: "service:rancher/1s43",
    title: "bp-sync 1.17.4: upgrade not finished",
    body: "3 new and 3 old for 38 min",
  },
  {
    at: ago(61 * MINUTE),
    event: "deployed",
    item: "service:rancher/1s53",
    title: "Live: gateway 1.31.0",
    body: "3 of 3 containers since 13:08, 1 h 12 min after the merge",
  },
  {
    at: ago(121 * MINUTE),
    event: "fixed",
    item: "build:drone/ihealth/web#875",
    title: "web is fixed",
    body: "#875 passed after 1 h 16 min broken. Thank 孙悦.",
  },
  {
    at: ago(139 * MINUTE),
    event: "passed",
    item: null,
    title: "8 builds passed",
    body: "api, bp-sync, gateway, notify, report-worker",
    held_back: "quiet",
  },
  {
    at: ago(19 * H * MINUTE),
    event: "deploy_failed",
    item: null,
    title: "web 3.7.1 did not get up in production",
    body: "1 of 3, exit 137. 3.7.0 still serves. Back: `b`",
  },
];

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
