//! Repositories: what they are written in, who owns them, what stands in their pipeline file, and which builds of the
//! past everybody remembers (`office.md`, `look/mock/board.html`, `builds.html`).
//!
//! Refuses: servers. This is a table.

/// The forge's organisation, also the registry's project.
pub const OWNER: &str = "ihealth";
/// Where images are pushed.
pub const REGISTRY: &str = "harbor.company.com";

/// What a repository is written in: decides its steps and what they print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Craft {
    /// Maven.
    Java,
    /// npm.
    Node,
    /// Go modules.
    Go,
}

/// How a deploy step waits for Rancher (`apis/rancher.md § 6.6`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// Waits and finishes the upgrade.
    Always,
    /// Production is upgraded and left open.
    NotInProduction,
}

/// A repository.
#[derive(Clone, Debug, PartialEq)]
pub struct RepoPlan {
    /// Name without owner.
    pub name: String,
    /// Written in.
    pub craft: Craft,
    /// Logins of those who push to it, the owner first.
    pub owners: Vec<&'static str>,
    /// The stack its services live in.
    pub stack: String,
    /// Drone builds it.
    pub active: bool,
    /// Pushes to master wait for approval.
    pub gated: bool,
    /// How its deploys wait.
    pub confirm: Confirm,
    /// Usual length of a build with its deploy, seconds.
    pub usual_s: u32,
    /// Branches that are lines of the Board; everything else are pull requests.
    pub branches: Vec<&'static str>,
    /// The next build's number on the first day.
    pub next_number: u64,
    /// How many builds of the past are known.
    pub past: u64,
}

impl RepoPlan {
    /// `ihealth/name`.
    pub fn full_name(&self) -> String {
        format!("{OWNER}/{}", self.name)
    }

    /// Image reference with this tag.
    pub fn image(&self, tag: &str) -> String {
        image(&self.name, tag)
    }

    /// `stack/service`, as the deploy step names it.
    pub fn service(&self) -> String {
        format!("{}/{}", self.stack, self.name)
    }
}

/// `harbor.company.com/ihealth/name:tag`.
pub fn image(name: &str, tag: &str) -> String {
    format!("{REGISTRY}/{OWNER}/{name}:{tag}")
}

/// The environment a branch is deployed to.
pub fn environment_of(branch: &str) -> Option<&'static str> {
    match branch {
        "develop" => Some("dev"),
        "release" => Some("staging"),
        "master" => Some("production"),
        _ => None,
    }
}

fn repo(
    name: &str,
    craft: Craft,
    owners: &[&'static str],
    stack: &str,
    usual_s: u32,
    branches: &[&'static str],
    (next_number, past): (u64, u64),
) -> RepoPlan {
    RepoPlan {
        name: name.to_owned(),
        craft,
        owners: owners.to_vec(),
        stack: stack.to_owned(),
        active: true,
        gated: false,
        confirm: Confirm::Always,
        usual_s,
        branches: branches.to_vec(),
        next_number,
        past,
    }
}

/// The repositories of the company as the plot knows it.
pub fn team() -> Vec<RepoPlan> {
    const DEV: &str = "develop";
    const STAGING: &str = "release";
    const PRODUCTION: &str = "master";
    let mut repos = vec![
        repo(
            "api",
            Craft::Java,
            &["linhao", "xuan"],
            "core",
            220,
            &[DEV, STAGING, PRODUCTION],
            (1042, 48),
        ),
        repo(
            "web",
            Craft::Node,
            &["chenjing", "sunyue"],
            "web",
            302,
            &[DEV, STAGING, PRODUCTION],
            (877, 52),
        ),
        repo(
            "glucose-sync",
            Craft::Java,
            &["sunyue"],
            "device",
            124,
            &[DEV, PRODUCTION],
            (218, 38),
        ),
        repo(
            "bp-sync",
            Craft::Java,
            &["linhao", "wuyang"],
            "device",
            188,
            &[DEV, PRODUCTION],
            (412, 40),
        ),
        repo(
            "gateway",
            Craft::Go,
            &["zhouhang"],
            "core",
            157,
            &[DEV, PRODUCTION],
            (570, 36),
        ),
        repo(
            "notify",
            Craft::Go,
            &["wuyang"],
            "core",
            113,
            &[STAGING, PRODUCTION],
            (302, 14),
        ),
        repo(
            "report-worker",
            Craft::Java,
            &["zhaomin"],
            "device",
            242,
            &[PRODUCTION],
            (188, 10),
        ),
        repo(
            "user-center",
            Craft::Java,
            &["lixiang"],
            "core",
            168,
            &[STAGING, PRODUCTION],
            (391, 12),
        ),
        repo(
            "device-hub",
            Craft::Java,
            &["zhaomin"],
            "device",
            400,
            &[DEV, PRODUCTION],
            (145, 18),
        ),
        repo(
            "admin-web",
            Craft::Node,
            &["lixiang"],
            "web",
            139,
            &[DEV, PRODUCTION],
            (513, 30),
        ),
        repo("open-api", Craft::Go, &["xuan"], "web", 128, &[PRODUCTION], (79, 4)),
        repo(
            "ota-server",
            Craft::Go,
            &["zhouhang"],
            "device",
            107,
            &[PRODUCTION],
            (61, 4),
        ),
        repo("wechat-h5", Craft::Node, &["chenjing"], "web", 118, &[], (41, 0)),
        repo("scheduler", Craft::Java, &["zhaomin"], "core", 150, &[], (64, 0)),
        repo("mysql-backup", Craft::Go, &["zhouhang"], "infra", 64, &[], (12, 0)),
    ];
    for repo in &mut repos {
        match repo.name.as_str() {
            "api" => repo.gated = true,
            "bp-sync" => repo.confirm = Confirm::NotInProduction,
            // Built by hand on somebody's machine, which is why nothing on the Board follows them.
            "wechat-h5" | "scheduler" | "mysql-backup" => repo.active = false,
            _ => {}
        }
    }
    repos
}

/// How a remembered build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Well.
    Passed,
    /// In this step.
    Failed(&'static str),
    /// A newer push or a person stopped it.
    Cancelled,
    /// The agent went away.
    AgentLost(&'static str),
    /// Somebody said no.
    Declined(&'static str),
}

/// A build of the past that the mock-ups show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Remembered {
    /// Repository.
    pub repo: &'static str,
    /// Its number.
    pub number: u64,
    /// Branch; of a pull request its base.
    pub branch: &'static str,
    /// Pull request's number.
    pub pull: Option<u32>,
    /// Login.
    pub author: &'static str,
    /// First digits of the sha.
    pub sha: &'static str,
    /// Commit message.
    pub message: &'static str,
    /// Minutes before the start at which it ended.
    pub ago_min: i64,
    /// How long it ran, seconds.
    pub took_s: i64,
    /// How it ended.
    pub ended: Ended,
    /// Version it published, where that is not named after the sha.
    pub tag: Option<&'static str>,
}

const DAY: i64 = 24 * 60;

type Row = (
    &'static str,
    u64,
    &'static str,
    Option<u32>,
    &'static str,
    &'static str,
    &'static str,
    i64,
    i64,
    Ended,
    Option<&'static str>,
);

#[rustfmt::skip]
const REMEMBERED: &[Row] = &[
    ("api", 1019, "master", None, "linhao", "5c0d77e", "release: 2.13.4", 6 * DAY, 221, Ended::Passed, Some("2.13.4")),
    ("api", 1039, "release", None, "linhao", "31c9e05", "fix: token refresh race on iOS 12", 172, 211, Ended::Passed, Some("2.14.0-rc.3")),
    ("api", 1040, "develop", None, "xuan", "4e8c1b2", "feat: 一个账号绑定多台血压计", 131, 207, Ended::Passed, None),
    ("api", 1041, "develop", None, "xuan", "a7713fd", "refactor: 抽出设备绑定的领域服务", 19, 200, Ended::Passed, None),
    ("web", 855, "master", None, "chenjing", "2c91b7d", "release: 3.7.0", 5 * DAY, 309, Ended::Passed, Some("3.7.0")),
    ("web", 862, "master", None, "chenjing", "b4410ea", "release: 3.7.1", 20 * 60 + 12, 305, Ended::Passed, Some("3.7.1")),
    ("web", 869, "master", None, "chenjing", "8a0f14c", "release: 3.7.2", 246, 312, Ended::Passed, Some("3.7.2")),
    ("web", 870, "develop", None, "chenjing", "1f0e2b8", "feat(首页): 最近一次测量移到首屏", 200, 298, Ended::Passed, None),
    ("web", 872, "develop", Some(412), "sunyue", "8e51c04", "fix: 趋势图在 Safari 12 下不显示单位", 192, 92, Ended::Failed("lint"), None),
    ("web", 873, "develop", None, "chenjing", "e70ab53", "wip: 趋势图联调", 135, 121, Ended::Cancelled, None),
    ("web", 874, "release", None, "sunyue", "d6e2a91", "fix: 趋势图在 Safari 12 下不显示单位", 128, 298, Ended::Passed, Some("3.8.0-rc.1")),
    ("web", 875, "develop", Some(412), "sunyue", "d6e2a91", "fix: 趋势图在 Safari 12 下不显示单位", 116, 304, Ended::Passed, None),
    ("web", 876, "develop", Some(414), "chenjing", "93d01ac", "test: 趋势图接口契约", 71, 296, Ended::Passed, None),
    ("glucose-sync", 188, "develop", None, "sunyue", "0b7f1d4", "feat: 血糖趋势接口加餐次字段", 12 * DAY, 117, Ended::Failed("unit"), None),
    ("glucose-sync", 209, "master", None, "sunyue", "5512b7e", "feat: 支持三诺 GA-6 血糖仪", 2 * DAY, 122, Ended::Passed, Some("1.22.0")),
    ("glucose-sync", 217, "develop", None, "sunyue", "a41c9e2", "feat: 血糖趋势按餐次分组", 119, 124, Ended::Passed, None),
    ("bp-sync", 388, "master", None, "wuyang", "6a2f9b1", "release: 1.17.3", 18 * DAY, 190, Ended::Passed, Some("1.17.3")),
    ("bp-sync", 405, "master", None, "wuyang", "19fd0c3", "release: 1.17.4", 38, 191, Ended::Passed, Some("1.17.4")),
    ("bp-sync", 411, "develop", None, "linhao", "77e4d01", "refactor: 上报时间统一成 UTC", 12, 186, Ended::Passed, None),
    ("gateway", 563, "master", None, "zhouhang", "77d20ce", "feat: split /m/* to the mobile BFF", 62, 161, Ended::Passed, Some("1.31.0")),
    ("gateway", 569, "develop", None, "zhouhang", "c90b4e2", "test: contract tests against api 2.14", 55, 157, Ended::Passed, None),
    ("notify", 296, "master", None, "wuyang", "66e81da", "fix: 短信签名缺失时降级到推送", 9 * DAY, 111, Ended::Passed, Some("1.8.1")),
    ("notify", 298, "release", None, "wuyang", "3d20f7c", "feat: digest of quiet hours", 3 * DAY, 112, Ended::Passed, Some("1.8.2")),
    ("notify", 301, "release", None, "wuyang", "e5a1172", "feat: WeCom template cards for alerts", 117, 115, Ended::Passed, Some("1.8.3")),
    ("report-worker", 181, "master", None, "zhaomin", "7e40d2c", "fix: 报告页眉缺少机构名称", 12 * DAY, 238, Ended::Passed, Some("0.9.11")),
    ("report-worker", 187, "master", None, "zhaomin", "b03e6f9", "perf: PDF 报告改为流式渲染", 36, 242, Ended::Passed, Some("0.9.12")),
    ("user-center", 388, "master", None, "lixiang", "e1f6b02", "hotfix: 注销账号后清除设备令牌", 6 * DAY, 168, Ended::Passed, Some("3.1.9")),
    ("user-center", 389, "release", None, "lixiang", "c0ffa21", "fix", DAY, 171, Ended::Passed, Some("3.2.0")),
    ("user-center", 390, "release", Some(207), "lixiang", "f2280d4", "chore: bump spring-boot 2.1.18 → 2.3.12", 151, 166, Ended::Passed, None),
    ("device-hub", 139, "master", None, "zhaomin", "2b94ce0", "fix: 离线设备心跳误判", 11 * DAY, 382, Ended::Passed, Some("0.31.5")),
    ("device-hub", 144, "develop", None, "zhaomin", "f01d7b8", "feat: MQTT 5 shared subscriptions", 302, 400, Ended::Passed, None),
    ("admin-web", 498, "master", None, "lixiang", "7cd05aa", "release: 2.3.0", 21 * 60, 145, Ended::Passed, Some("2.3.0")),
    ("admin-web", 512, "develop", None, "lixiang", "98a3f1d", "style: 表格密度切换与列宽记忆", 6 * 60, 139, Ended::Passed, None),
    ("open-api", 77, "master", None, "xuan", "40bd6c5", "docs: rate limits for partner hospitals", 20 * DAY, 12, Ended::Passed, Some("0.6.2")),
    ("open-api", 78, "master", Some(19), "xuan", "1b6e3f0", "feat: partner webhooks v2", 84, 0, Ended::Declined("xuan"), None),
    ("ota-server", 58, "master", None, "zhouhang", "bb17e94", "feat: 断点续传与 SHA-256 校验", 34 * DAY, 107, Ended::Passed, Some("1.4.0")),
    ("ota-server", 60, "master", Some(31), "zhouhang", "30f7ad9", "fix: 校验失败时保留旧固件", 42, 74, Ended::AgentLost("drone-agent-04 went away"), None),
];

/// The builds of the past that everybody remembers, as the mock-ups show them.
pub fn remembered() -> Vec<Remembered> {
    REMEMBERED
        .iter()
        .map(
            |&(repo, number, branch, pull, author, sha, message, ago_min, took_s, ended, tag)| Remembered {
                repo,
                number,
                branch,
                pull,
                author,
                sha,
                message,
                ago_min,
                took_s,
                ended,
                tag,
            },
        )
        .collect()
}
