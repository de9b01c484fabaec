/** What the story's core answers to queries. */
import type { About, Answer, KindInfo, NoticeRecord, Query, Settings } from "../wire";
import { ago, MINUTE } from "./story-clock";
import { H } from "./story-lines";

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

export const KINDS: KindInfo[] = [
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

export const NOTICES: NoticeRecord[] = [
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
