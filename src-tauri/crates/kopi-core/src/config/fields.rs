//! Every word that may stand in `kopi.toml`, described once: the reader, the schema and the commented default use it.

/// What may stand behind a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Choice(&'static [&'static str]),
    Flag,
    Number {
        least: u32,
        most: u32,
    },
    Words,
    WordsOf(&'static [&'static str]),
    /// `22:00-08:00`, or empty.
    Hours,
}

/// A word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
    /// One sentence, English and Chinese.
    pub(super) help: [&'static str; 2],
}

const fn known(name: &'static str, kind: Kind, help: [&'static str; 2]) -> Known {
    Known {
        name,
        kind,
        required: false,
        help,
    }
}

const fn required(name: &'static str, kind: Kind, help: [&'static str; 2]) -> Known {
    Known {
        name,
        kind,
        required: true,
        help,
    }
}

/// Kinds of notices, in the order of the settings page.
const NOTICES: &[&str] = &[
    "started",
    "passed",
    "broken",
    "still_broken",
    "fixed",
    "deployed",
    "deploy_failed",
    "left_open",
    "waiting",
];

/// Settings at the top: the fields of `wire::Settings` (a test compares).
pub(super) const SETTINGS: &[Known] = &[
    known(
        "language",
        Kind::Choice(&["", "en", "zh-CN"]),
        ["Language; empty: the system's.", "语言；留空则跟随系统。"],
    ),
    known(
        "theme",
        Kind::Choice(&["system", "light", "dark"]),
        ["Colours.", "主题。"],
    ),
    known(
        "density",
        Kind::Choice(&["compact", "regular", "roomy"]),
        ["How close lines stand.", "行距。"],
    ),
    known(
        "colour_blind",
        Kind::Flag,
        ["Palette that does not rely on red and green.", "不依赖红绿区分的配色。"],
    ),
    known(
        "me",
        Kind::Words,
        ["Logins that are you, on any server.", "你在各服务器上的登录名。"],
    ),
    known(
        "finish_upgrades",
        Kind::Flag,
        [
            "Finish an upgrade by itself once every container is up.",
            "所有容器就绪后自动完成升级。",
        ],
    ),
    known(
        "notices",
        Kind::WordsOf(NOTICES),
        ["Which notices are shown.", "显示哪些通知。"],
    ),
    known(
        "mine_loud_only",
        Kind::Flag,
        [
            "Of other people's builds tell only those of main branches.",
            "他人的构建只通知主分支。",
        ],
    ),
    known(
        "quiet_hours",
        Kind::Hours,
        [
            "No notices between, \"22:00-08:00\"; empty: never quiet.",
            "免打扰时段，如 \"22:00-08:00\"；留空则不启用。",
        ],
    ),
    known(
        "tray_badges",
        Kind::Flag,
        ["Coloured badge on the tray icon.", "托盘图标上的彩色角标。"],
    ),
    known(
        "keep_days",
        Kind::Number { least: 1, most: 3_650 },
        ["Days of history.", "历史保留天数。"],
    ),
    known(
        "keep_megabytes",
        Kind::Number {
            least: 10,
            most: 100_000,
        },
        ["The database stays below so many megabytes.", "数据库大小上限（MB）。"],
    ),
];

/// What every connection has, beside the fields of its kind.
pub(super) const CONNECTION: &[Known] = &[
    required(
        "name",
        Kind::Text,
        [
            "Your name for it: a-z, 0-9, dot, dash, underscore; unique.",
            "自取的名称：a-z、0-9、点、横线、下划线；不可重复。",
        ],
    ),
    required("kind", Kind::Text, ["Kind of server.", "服务器类型。"]),
    required(
        "url",
        Kind::Text,
        [
            "Base address, http:// or https://.",
            "基础地址，以 http:// 或 https:// 开头。",
        ],
    ),
    known(
        "read_only",
        Kind::Flag,
        ["Kopi only looks, never acts.", "只读：Kopi 只查看，不操作。"],
    ),
    known(
        "enabled",
        Kind::Flag,
        ["false: leave it out for now.", "false：暂不使用。"],
    ),
    known(
        "ca_file",
        Kind::Text,
        [
            "PEM file of the authority that signed the server's certificate.",
            "签发服务器证书的 CA（PEM 文件）。",
        ],
    ),
    known(
        "fingerprint",
        Kind::Text,
        [
            "SHA-256 of the server's certificate: only this one is trusted.",
            "服务器证书的 SHA-256 指纹：只信任这一张证书。",
        ],
    ),
    known(
        "production",
        Kind::Words,
        [
            "Environments that are production, by name or id, beside those whose name says so.",
            "属于生产的环境（名称或 ID），名称已表明的除外。",
        ],
    ),
];

/// A delivery line that Kopi cannot find by itself.
pub(super) const LINE: &[Known] = &[
    required("repo", Kind::Text, ["owner/name.", "owner/name。"]),
    required("branch", Kind::Text, ["Branch.", "分支。"]),
    required("service", Kind::Text, ["stack/service.", "stack/service。"]),
    known(
        "environment",
        Kind::Text,
        [
            "Environment's name; none: whichever has that service.",
            "环境名称；不填则为拥有该服务的环境。",
        ],
    ),
];

/// Where a secret may be.
pub(super) const SECRET_PLACES: &[&str] = &["keychain", "env", "file", "command", "plain"];

/// `[a-z0-9][a-z0-9._-]*`
pub(super) fn is_name(text: &str) -> bool {
    let small = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit();
    text.starts_with(small) && text.chars().all(|char| small(char) || matches!(char, '.' | '_' | '-'))
}

/// Empty, or `22:00-08:00`.
pub(super) fn is_hours(text: &str) -> bool {
    let clock = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        let two = |text: &str, below: u32| text.len() == 2 && text.parse::<u32>().is_ok_and(|number| number < below);
        (two(hours, 24) && two(minutes, 60)).then_some(())
    };
    text.is_empty()
        || text
            .split_once('-')
            .is_some_and(|(from, to)| clock(from).and(clock(to)).is_some())
}
