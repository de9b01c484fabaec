/**
 * The chapter of the story that the build and environment pages need in full: the feed of the day, three builds with
 * steps and logs, and production with its stacks, hosts and a half-finished upgrade. For tests and pictures only.
 */
import type { Fixture } from "../host/fixture";
import mavenLines from "../kit/log/fixtures/maven-unit.json";
import type {
  Build,
  BuildStatus,
  Container,
  Environment,
  Host,
  Item,
  LogAsk,
  LogLine,
  Order,
  Plan,
  Service,
  Stack,
  Step,
  Task,
} from "../wire";
import { ago, build, connection, emptySnapshot, NOW, service } from "./story";

const MINUTE = 60_000;
const iso = (at: number) => new Date(at).toISOString();
const clock = (text: string) => Date.parse(`2026-11-24T${text}+08:00`);

const PEOPLE: Record<string, [string, string]> = {
  林: ["linhao", "林浩"],
  陈: ["chenjing", "陈静"],
  赵: ["zhaomin", "赵敏"],
  周: ["zhouhang", "周航"],
  李: ["lixiang", "李想"],
  孙: ["sunyue", "孙悦"],
  徐: ["xuan", "徐安"],
  吴: ["wuyang", "吴扬"],
};

type Told = [
  repo: string,
  number: number,
  who: string,
  subject: string,
  status: BuildStatus,
  ended: string,
  took: number,
  more?: Partial<Build>,
];

const pull = (n: number): Partial<Build> => ({ event: "pull_request", ref: `refs/pull/${n}/head` });

const FEED: Told[] = [
  [
    "api",
    1042,
    "林",
    "release: 2.14.0 支持多设备绑定",
    "blocked",
    "13:57",
    0,
    { environment: "production", branch: "master", event: "deployment" },
  ],
  ["web", 877, "陈", "feat(首页): 新增近 30 天血压趋势图", "running", "14:05", 0, { sha: "4d9b3c7e11" }],
  ["device-hub", 145, "赵", "feat: 支持设备批量解绑", "running", "14:06", 0, pull(88)],
  ["ota-server", 61, "周", "fix: 校验失败时保留旧固件", "waiting", "14:07", 0, pull(31)],
  ["user-center", 391, "李", "chore: bump spring-boot 2.1.18 → 2.3.12", "waiting", "14:08", 0],
  ["bp-sync", 412, "林", "fix: Omron 设备时区导致的重复上报", "passed", "14:08", 188, { environment: "dev" }],
  ["glucose-sync", 218, "孙", "fix: 血糖单位 mmol/L 换算误差", "failed", "14:05", 108, { sha: "c41f8a0d2b" }],
  ["api", 1047, "徐", "refactor: 抽出设备绑定的领域服务", "passed", "13:45", 200],
  ["report-worker", 187, "赵", "perf: PDF 报告改为流式渲染", "passed", "13:28", 242],
  ["bp-sync", 405, "吴", "release: 1.17.4", "passed", "13:25", 191, { branch: "master" }],
  [
    "ota-server",
    60,
    "周",
    "fix: 校验失败时保留旧固件",
    "errored",
    "13:22",
    95,
    { ...pull(31), error: "drone-agent-04 went away" },
  ],
  ["gateway", 569, "周", "test: contract tests against api 2.14", "passed", "13:09", 157],
  ["gateway", 563, "周", "feat: split /m/* to the mobile BFF", "passed", "13:04", 161, { branch: "master" }],
  ["open-api", 76, "徐", "feat: partner webhooks v2", "declined", "12:40", 0, { reviewed_by: "徐安" }],
  ["web", 875, "孙", "fix: 趋势图在 Safari 12 下不显示单位", "passed", "12:08", 304, pull(412)],
  ["notify", 301, "吴", "feat: WeCom template cards for alerts", "passed", "12:07", 115],
  ["glucose-sync", 217, "孙", "feat: 血糖趋势按餐次分组", "passed", "12:05", 124],
  ["web", 873, "陈", "wip: 趋势图联调", "cancelled", "12:02", 60],
  ["api", 1039, "林", "fix: token refresh race on iOS 12", "passed", "11:12", 211, { branch: "release" }],
  ["web", 872, "孙", "fix: 趋势图在 Safari 12 下不显示单位", "failed", "10:52", 66, pull(412)],
  ["web", 869, "陈", "release: 3.7.2", "passed", "09:58", 312, { branch: "master" }],
  ["device-hub", 144, "赵", "feat: MQTT 5 shared subscriptions", "passed", "09:02", 400],
];

type ToldStep = [name: string, status: BuildStatus, from: number, to: number];
const FAILED: ToldStep[] = [
  ["clone", "passed", 0, 2],
  ["restore-cache", "passed", 2, 8],
  ["compile", "passed", 8, 46],
  ["lint", "passed", 46, 67],
  ["unit", "failed", 46, 104],
  ["publish", "skipped", 0, 0],
  ["deploy-dev", "skipped", 0, 0],
  ["notify-wecom", "passed", 105, 108],
];
const RUNNING: ToldStep[] = [
  ["clone", "passed", 0, 3],
  ["install", "passed", 3, 51],
  ["lint", "passed", 51, 73],
  ["unit", "passed", 51, 92],
  ["build", "passed", 92, 140],
  ["e2e", "running", 140, 0],
  ["publish", "waiting", 0, 0],
  ["deploy-dev", "waiting", 0, 0],
];
/** What the same steps took before. */
const USUAL: ToldStep[] = [
  ["clone", "passed", 0, 3],
  ["install", "passed", 3, 51],
  ["lint", "passed", 51, 73],
  ["unit", "passed", 51, 92],
  ["build", "passed", 92, 140],
  ["e2e", "passed", 140, 230],
  ["publish", "passed", 230, 257],
  ["deploy-dev", "passed", 257, 302],
];

function stepsOf(told: readonly ToldStep[], base: number): Step[] {
  return told.map(([name, status, from, to], at) => ({
    key: String(at + 2),
    name,
    status,
    server_status: status === "passed" ? "success" : status === "failed" ? "failure" : status,
    is_service: false,
    exit_code: status === "passed" ? 0 : status === "failed" ? 1 : null,
    machine: "drone-agent-03",
    started_at: status === "skipped" || status === "waiting" ? null : iso(base + from * 1000),
    finished_at: ["skipped", "waiting", "running"].includes(status) ? null : iso(base + to * 1000),
  }));
}

function beside(name: string, key: string, from: number, to: number | null): Step {
  return {
    key,
    name,
    status: to === null ? "running" : "passed",
    server_status: to === null ? "running" : "success",
    is_service: true,
    started_at: iso(from),
    finished_at: to === null ? null : iso(to),
  };
}

function buildOf([repo, number, who, subject, status, ended, took, more = {}]: Told): Build {
  const [author, name] = PEOPLE[who] ?? ["", ""];
  const open = status === "running" || status === "waiting" || status === "blocked";
  const at = clock(`${ended}:30`);
  const began = repo === "web" && number === 877 ? NOW - 212_000 : open ? at : at - took * 1000;
  let steps: Step[] = [];
  if (repo === "glucose-sync" && number === 218)
    steps = [
      ...stepsOf(FAILED, began),
      beside("mysql:5.7", "11", began + 2000, began + 108_000),
      beside("redis:3.2", "12", began + 2000, began + 108_000),
    ];
  else if (number === 877)
    steps = [...stepsOf(RUNNING, began), beside("api-mock", "11", began + 51_000, null)];
  else if (number === 145)
    steps = stepsOf(
      [
        ["clone", "passed", 0, 3],
        ["install", "passed", 3, 40],
        ["unit", "passed", 40, 90],
        ["integration", "running", 90, 0],
        ["build", "waiting", 0, 0],
        ["publish", "waiting", 0, 0],
        ["deploy-dev", "waiting", 0, 0],
      ],
      began,
    );
  else if (status === "failed")
    steps = stepsOf(
      [
        ["clone", "passed", 0, 3],
        ["lint", "failed", 3, took],
      ],
      began,
    );
  else if (status === "passed")
    steps = stepsOf(
      [
        ["clone", "passed", 0, 3],
        ["build", "passed", 3, took - 30],
        ["publish", "passed", took - 30, took],
      ],
      began,
    );
  return build({
    repo: `ihealth/${repo}`,
    number,
    status,
    server_status: status === "passed" ? "success" : status === "failed" ? "failure" : status,
    branch: "develop",
    author,
    author_name: name,
    subject,
    message: subject,
    created_at: iso(open ? at : began - 5000),
    started_at: status === "waiting" || status === "blocked" || status === "declined" ? null : iso(began),
    finished_at: open ? null : iso(at),
    steps,
    ...more,
  });
}

/** Earlier runs of a repository, as the history keeps them. */
function earlier(
  repo: string,
  from: number,
  count: number,
  seconds: number,
  failedAt: readonly number[],
): Build[] {
  return Array.from({ length: count }, (_, at) => {
    const number = from - at - 1;
    const began = NOW - (at + 1) * 9.4 * 60 * MINUTE;
    const failed = failedAt.includes(number);
    const took = failed ? seconds * 0.5 : seconds + ((number * 7919) % 31) - 15;
    return build({
      repo: `ihealth/${repo}`,
      number,
      status: failed ? "failed" : "passed",
      server_status: failed ? "failure" : "success",
      created_at: iso(began - 4000),
      started_at: iso(began),
      finished_at: iso(began + took * 1000),
      subject: "chore: 例行更新依赖",
      steps: repo === "web" && !failed ? stepsOf(USUAL, began) : [],
    });
  });
}

const history = (): Build[] => [
  ...earlier("web", 877, 40, 302, [840, 860]).filter((one) => ![875, 873, 872, 869].includes(one.number)),
  ...earlier("glucose-sync", 218, 30, 120, [199]).filter((one) => one.number !== 217),
  ...earlier("device-hub", 145, 12, 400, []).filter((one) => one.number !== 144),
];

const ENVIRONMENTS: [string, string][] = [
  ["dev", "1a7"],
  ["staging", "1a8"],
  ["production", "1a5"],
];

type ToldService = [
  stack: string,
  name: string,
  copies: number,
  image: string,
  host: string,
  age: number,
  more?: Partial<Service>,
];
const DAY = 24 * 60;
const SERVICES: ToldService[] = [
  ["core", "api", 4, "ihealth/api:2.13.4", "api.company.com", 6 * DAY],
  ["core", "gateway", 3, "ihealth/gateway:1.31.0", "m.company.com", 62],
  ["core", "user-center", 3, "ihealth/user-center:3.1.9", "user.company.com", 6 * DAY],
  ["core", "notify", 2, "ihealth/notify:1.8.1", "notify.company.com", 9 * DAY],
  ["core", "scheduler", 4, "ihealth/scheduler:2.2.7", "", 16 * DAY],
  [
    "device",
    "bp-sync",
    3,
    "ihealth/bp-sync:1.17.4",
    "bp.company.com",
    38,
    {
      phase: "awaits_finish",
      status: "working",
      server_state: "upgraded",
      previous: { image: "harbor.company.com/ihealth/bp-sync:1.17.3", version: "v0" },
      offers: ["finish", "rollback"],
    },
  ],
  ["device", "glucose-sync", 3, "ihealth/glucose-sync:1.22.0", "glucose.company.com", 2 * DAY],
  ["device", "device-hub", 4, "ihealth/device-hub:0.31.5", "hub.company.com", 11 * DAY],
  ["device", "ota-server", 2, "ihealth/ota-server:1.4.0", "ota.company.com", 34 * DAY],
  [
    "device",
    "report-worker",
    2,
    "ihealth/report-worker:0.9.12",
    "",
    2,
    { status: "degraded", health: "degraded", server_state: "active" },
  ],
  ["web", "web", 3, "ihealth/web:3.7.2", "www.company.com", 4 * 60],
  ["web", "admin-web", 2, "ihealth/admin-web:2.3.0", "admin.company.com", 21 * 60],
  ["web", "open-api", 2, "ihealth/open-api:0.6.2", "open.company.com", 20 * DAY],
  ["web", "wechat-h5", 2, "ihealth/wechat-h5:latest", "h5.company.com", 47 * DAY],
  ["infra", "redis", 2, "redis:3.2.12", "", 120 * DAY, { has_health_check: false }],
  [
    "infra",
    "rabbitmq",
    3,
    "rabbitmq:3.6.16",
    "",
    120 * DAY,
    { status: "working", server_state: "restarting" },
  ],
  [
    "infra",
    "mysql-backup",
    1,
    "ihealth/mysql-backup:1.0.3",
    "",
    2 * DAY,
    { status: "stopped", server_state: "inactive", offers: ["start"] },
  ],
  ["network-services", "metadata", 2, "rancher/metadata:v0.9.5", "", 200 * DAY, { system: true }],
  ["healthcheck", "healthcheck", 2, "rancher/healthcheck:v0.3.3", "", 200 * DAY, { system: true }],
];

const HOSTS: [string, number, number, LiveHost?][] = [
  ["prod-01", 44, 61],
  ["prod-02", 52, 66],
  ["prod-03", 38, 58],
  ["prod-04", 47, 91],
  ["prod-05", 41, 63],
  ["prod-06", 29, 55],
  ["prod-07", 35, 72],
];
type LiveHost = Partial<Host>;

const PROD = "environment:rancher/1a5";
const SCOPE = "environment:1a5";
const image = (short: string) => (short.startsWith("ihealth/") ? `harbor.company.com/${short}` : short);

function environmentItems(): Item[] {
  const environments = ENVIRONMENTS.map(([name, id]): Item => ({
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
      url: `https://rancher.company.com/env/${id}`,
    } satisfies Environment),
  }));
  const stacks = [...new Set(SERVICES.map(([stack]) => stack))].map((name): Item => ({
    kind: "stack",
    ...({
      id: `stack:rancher/1st-${name}`,
      connection: "rancher",
      scope: SCOPE,
      environment: PROD,
      name,
      system: name === "network-services" || name === "healthcheck",
      status: "ok",
      server_state: "active",
    } satisfies Stack),
  }));
  const hosts = HOSTS.map(([name, cpu, memory], at): Item => ({
    kind: "host",
    ...({
      id: `host:rancher/1h${at + 1}`,
      connection: "rancher",
      scope: SCOPE,
      environment: PROD,
      name,
      status: "ok",
      server_state: "active",
      address: `10.0.3.${11 + at}`,
      labels: {},
      load: { cpu_percent: cpu, memory_percent: memory, disk_percent: 40 },
      system_text: "Ubuntu 16.04, Docker 17.03",
    } satisfies Host),
  }));
  return [
    ...environments,
    ...stacks,
    ...hosts,
    ...SERVICES.flatMap((told, at) => serviceItems(told, at)),
    ...smallEnvironments(),
  ];
}

function serviceItems([stack, name, copies, short, host, age, more = {}]: ToldService, at: number): Item[] {
  const made = service({
    name,
    id: `service:rancher/1s${42 + at}`,
    scope: SCOPE,
    environment: PROD,
    stack: `stack:rancher/1st-${stack}`,
    stack_name: stack,
    image: image(short),
    version: "v1",
    scale: copies,
    labels: host ? { "traefik.frontend.rule": `Host:${host}` } : {},
    endpoints: [],
    created_at: ago((age + 300 * DAY) * MINUTE),
    upgrade: { batch_size: 1, interval_ms: 2000, start_first: true },
    url: `https://rancher.company.com/env/1a5/apps/stacks/1st-${stack}/services/1s${42 + at}`,
    ...more,
  });
  const container = (copy: number, change: Partial<Container> = {}): Item => ({
    kind: "container",
    ...({
      id: `container:rancher/1i${at}-${copy}`,
      connection: "rancher",
      scope: SCOPE,
      environment: PROD,
      services: [made.id],
      host: `host:rancher/1h${((at + copy * 3) % HOSTS.length) + 1}`,
      name: `${stack}-${name}-${copy + 1}`,
      status: made.status === "stopped" ? "stopped" : "ok",
      server_state: made.status === "stopped" ? "stopped" : "running",
      image: made.image,
      version: "v1",
      docker_id: "3f2a9c",
      address: `10.42.${(at * 37 + copy * 53) % 255}.${(at * 11 + copy * 29) % 250}`,
      start_count: 1,
      system: made.system,
      labels: {},
      created_at: ago(age * MINUTE),
      started_at: ago(age * MINUTE),
      offers: made.status === "stopped" ? ["start"] : ["restart", "stop"],
      ...change,
    } satisfies Container),
  });
  const items: Item[] = [{ kind: "service", ...made }];
  for (let copy = 0; copy < copies; copy += 1) {
    if (name === "report-worker" && copy === 1)
      items.push(
        container(copy, {
          status: "failed",
          server_state: "restarting",
          health: "unhealthy",
          start_count: 9,
          message: "exited with code 137",
        }),
      );
    else if (name === "rabbitmq" && copy === 1)
      items.push(container(copy, { status: "working", server_state: "restarting" }));
    else items.push(container(copy));
  }
  if (name === "bp-sync")
    for (let copy = 3; copy < 6; copy += 1)
      items.push(
        container(copy, {
          status: "stopped",
          server_state: "stopped",
          version: "v0",
          image: made.previous?.image ?? "",
          created_at: ago(18 * DAY * MINUTE),
          offers: ["start"],
        }),
      );
  return items;
}

/** dev and staging hold a few services, so that their tabs have counts. */
function smallEnvironments(): Item[] {
  return ["1a7", "1a8"].flatMap((id, which) => [
    {
      kind: "stack" as const,
      ...({
        id: `stack:rancher/1st-${id}`,
        connection: "rancher",
        scope: `environment:${id}`,
        environment: `environment:rancher/${id}`,
        name: "core",
        system: false,
        status: "ok",
        server_state: "active",
      } satisfies Stack),
    },
    ...["api", "gateway", "web"].map((name, at): Item => ({
      kind: "service",
      ...service({
        name,
        id: `service:rancher/1s${200 + which * 10 + at}`,
        scope: `environment:${id}`,
        environment: `environment:rancher/${id}`,
        stack: `stack:rancher/1st-${id}`,
        image: `harbor.company.com/ihealth/${name}:dev-a7713fd`,
      }),
    })),
  ]);
}

export function workItems(): Item[] {
  const repos = [...new Set(FEED.map(([repo]) => repo))].map((name): Item => ({
    kind: "repo",
    id: `repo:drone/ihealth/${name}`,
    connection: "drone",
    scope: "repos",
    name: `ihealth/${name}`,
    active: true,
    gated: false,
    default_branch: "develop",
  }));
  return [
    ...FEED.map((told): Item => ({ kind: "build", ...buildOf(told) })),
    ...repos,
    {
      kind: "agents",
      id: "agents:drone/",
      connection: "drone",
      scope: "queue",
      pending: 2,
      running: 3,
      idle: 1,
    },
    ...environmentItems(),
  ];
}

const SPECS = ["login/password", "login/refresh", "home/latest", "home/trend-range", "home/share"];

/** The log of a running end-to-end test. */
export function runningLog(): LogLine[] {
  const lines: string[] = [
    "+ npm run lint",
    ...Array.from({ length: 38 }, (_, at) => `  checked src/pages/${at}.vue`),
    "+ npm run build -- --mode production",
  ];
  for (let at = 0; at < 1140; at += 1)
    lines.push(`  dist/static/js/chunk-${at.toString(16)}.js   ${(at % 90) + 2} kB`);
  lines.push(
    "+ npx cypress run --record=false --config video=false",
    "====================================================",
    "  (Run Starting)",
  );
  for (let round = 0; round < 40; round += 1) {
    for (const spec of SPECS) {
      lines.push(`\u001b[90m  Running:  ${spec}.spec.js\u001b[39m`, "  首页最近一次测量");
      for (let test = 0; test < 3; test += 1)
        lines.push(
          `    \u001b[32m✓\u001b[39m 高压超 140 显示为偏高 \u001b[90m(${600 + test * 31}ms)\u001b[39m`,
        );
      lines.push("  \u001b[32m3 passing\u001b[39m \u001b[90m(2s)\u001b[39m");
    }
    if (round === 2)
      lines.push(
        "\u001b[33mconsole.warn\u001b[39m [moment] invalid date from device DC-2081, falling back to receivedAt",
      );
  }
  lines.push(
    "  设备绑定",
    "    \u001b[32m✓\u001b[39m 扫码后跳到型号页 \u001b[90m(733ms)\u001b[39m",
    "    解绑后趋势保留历史",
  );
  return lines.map((text, at) => ({ number: at + 1, at_s: Math.floor(at / 36), text }));
}

/** The log of a unit test that failed, as in the mock-up, with what stands before it. */
export function failedLog(): LogLine[] {
  const lines: LogLine[] = [];
  const push = (text: string, at: number) => lines.push({ number: lines.length + 1, at_s: at, text });
  push("+ java -version && mvn -v", 0);
  for (let at = 0; at < 9; at += 1) push(`openjdk version "1.8.0_232" ${at}`, 0);
  push("+ mvn -B -o dependency:resolve", 1);
  for (let at = 0; at < 214; at += 1)
    push(`\u001b[34m[INFO]\u001b[0m    com.ihealth:lib-${at}:jar:1.0.${at}:compile`, 2);
  push("+ mvn -B -o test -pl glucose-core,glucose-api -Dgroups=unit", 10);
  for (let at = 0; at < 956; at += 1)
    push(
      `\u001b[34m[INFO]\u001b[0m Tests run: ${at % 40}, Failures: 0, Errors: 0, Skipped: 0 - in com.ihealth.glucose.Case${at}`,
      10 + Math.floor(at / 30),
    );
  for (const line of mavenLines) {
    push(line.text, line.at_s - 46);
    if (line.number === 1193 || line.number === 1214)
      for (let at = 0; at < 18; at += 1)
        push(`    at org.junit.jupiter.engine.Node${at}.run(Node.java:${at + 10})`, line.at_s - 46);
  }
  return lines;
}

export function workLog(ask: LogAsk): ReturnType<NonNullable<Fixture["log"]>> {
  if (ask.item.endsWith("#218") && ask.step === "6")
    return [{ lines: failedLog(), gap: false, caught_up: true, ended: { why: "complete" } }];
  if (ask.item.endsWith("#877") && ask.step === "7")
    return [{ lines: runningLog(), gap: false, caught_up: true, ended: null }];
  return [
    {
      lines: [
        "+ git init",
        "Initialized empty Git repository in /drone/src/.git/",
        "+ git fetch origin",
        "done",
      ].map((text, at) => ({ number: at + 1, at_s: at, text })),
      gap: false,
      caught_up: true,
      ended: { why: "complete" },
    },
  ];
}

/** A plan as the core makes it for a redeploy. */
export function redeployPlan(order: Order, change: Partial<Plan> = {}): Plan {
  const report = order.target === "service:rancher/1s51";
  const image = report
    ? "harbor.company.com/ihealth/report-worker:0.9.12"
    : "harbor.company.com/ihealth/api:2.13.4";
  return {
    token: "t1",
    order: { ...order, strategy: { batch_size: 1, interval_ms: 2000, start_first: true }, based_on: "v1" },
    danger: "costly",
    target_name: report ? "device/report-worker" : "core/api",
    environment_name: "production",
    production: true,
    from: image,
    to: order.tag ? image.replace(/:[^:]+$/, `:${order.tag}`) : image,
    containers: 2,
    steps: [
      {
        message: "plan_pull",
        parts: [
          ["image", image],
          ["hosts", "2"],
        ],
        request: "POST /v2-beta/projects/1a5/services/1s51?action=upgrade",
      },
      {
        message: "plan_replace",
        parts: [
          ["count", "2"],
          ["batch", "1"],
          ["order", "start_first"],
          ["pause_s", "2"],
        ],
      },
      { message: "plan_keep_old", parts: [["count", "2"]] },
      { message: "plan_watch", parts: [["minutes", "10"]] },
      { message: "plan_finish", parts: [] },
    ],
    untouched: [
      {
        message: "untouched_services",
        parts: [
          ["count", "4"],
          ["stack", "device"],
        ],
      },
      { message: "untouched_configuration", parts: [] },
    ],
    risks: [{ message: "risk_not_well_now", parts: [["state", "degraded"]] }],
    refused: null,
    instead: [],
    made_at: iso(NOW),
    ...change,
  };
}

/** A redeploy that is watched: one of three is up. */
export function watchedTask(change: Partial<Task> = {}): Task {
  return {
    id: 7,
    target: "service:rancher/1s43",
    target_name: "core/gateway",
    verb: "upgrade",
    state: { is: "watching" },
    from: "harbor.company.com/ihealth/gateway:1.31.0",
    to: "harbor.company.com/ihealth/gateway:1.31.1",
    done: 1,
    all: 3,
    detail: null,
    offers: ["cancel"],
    by: "build:drone/ihealth/gateway#570",
    started_at: ago(24_000),
    changed_at: ago(12_000),
    ...change,
  };
}

/** One of each that a row tells of. */
export function someTasks(): Task[] {
  return [
    watchedTask(),
    watchedTask({
      id: 8,
      target: "service:rancher/1s51",
      target_name: "device/report-worker",
      verb: "redeploy",
      state: { is: "failed" },
      detail: "task_overdue",
      offers: ["rollback"],
      by: "me",
      changed_at: ago(120_000),
    }),
    watchedTask({
      id: 9,
      target: "container:rancher/1i0-1",
      target_name: "core-api-2",
      verb: "restart",
      state: { is: "held", until: new Date(NOW + 3000).toISOString() },
      done: null,
      all: null,
      offers: [],
      by: "me",
    }),
  ];
}

/** A log of that many lines in frames of 2,000, as the core would send it. */
export function longLog(count: number): ReturnType<NonNullable<Fixture["log"]>> {
  const frames = [];
  for (let from = 0; from < count; from += 2000) {
    const lines = Array.from({ length: Math.min(2000, count - from) }, (_, at): LogLine => {
      const number = from + at + 1;
      const text =
        number % 5000 === 1
          ? `+ make part-${number}`
          : number % 97 === 0
            ? `\u001b[33m[WARN]\u001b[0m ${number} slow answer from 10.42.${number % 255}.7`
            : `\u001b[34m[INFO]\u001b[0m Tests run: ${number}, Failures: 0, Errors: 0, Skipped: 0`;
      return { number, at_s: number >> 6, text };
    });
    frames.push({ lines, gap: false, caught_up: from + 2000 >= count, ended: null });
  }
  return frames;
}

/** The fixture, on top of what the story answers. */
export function workFixture(base: Fixture, tasks: readonly Task[] = []): Fixture {
  return {
    ...base,
    snapshot: {
      ...emptySnapshot(),
      items: workItems(),
      tasks: [...tasks],
      connections: [
        connection("drone", {
          requests_per_minute: 12,
          scopes: [{ scope: "feed", as_of: ago(14_000), stale: false }],
        }),
        connection("rancher", { requests_per_minute: 9 }),
      ],
    },
    log: workLog,
    answer: (query) => {
      if (query.what === "history") {
        const some = history().filter(
          (one) =>
            (!query.repo || one.repo === query.repo) &&
            (!query.before || (one.created_at ?? "") < query.before),
        );
        return { is: "builds", value: some.slice(0, query.limit) };
      }
      if (query.what === "plan") return { is: "plan", value: redeployPlan(query.order) };
      if (query.what === "service_events")
        return {
          is: "service_events",
          value: [
            { at: ago(38 * MINUTE), kind: "service.upgraded", is_error: false, text: "Service is upgraded" },
            { at: ago(39 * MINUTE), kind: "service.upgrade.batch", is_error: false, text: "Replaced 1 of 3" },
            {
              at: ago(40 * MINUTE),
              kind: "service.trigger.info",
              is_error: false,
              text: "Service reconciled: Requested: 3, Created: 6, Unhealthy: 0, Bad: 0, Incomplete: 0",
            },
          ],
        };
      return base.answer?.(query);
    },
  };
}
