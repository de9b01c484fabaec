//! Answers and errors.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::settings::{CheckedLine, Settings};
use crate::{Build, ConnectionName, Item, ItemId, Plan, Verb};

/// Why something could not be done. One table maps code to words and button, in each face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is worded in ui/messages and in kopi-notify's table")]
pub enum ErrorCode {
    // Why a call to a server failed (kopi-feed decides).
    Dns,
    Refused,
    Reset,
    Tls,
    Timeout,
    Unauthorized,
    Forbidden,
    NotFound,
    WrongBasePath,
    RateLimited,
    ServerError,
    NotJson,
    Truncated,
    TooLarge,
    RedirectedAway,
    Proxy,
    UnexpectedAnswer,
    StreamSilent,
    // Why an order was not carried out.
    ActionNotAvailable,
    Conflict,
    InvalidRequest,
    ReadOnly,
    PlanOutdated,
    NotConfirmed,
    AlreadyRunning,
    OutcomeUnknown,
    NotSupported,
    // About Kopi itself.
    NoSuchItem,
    NoSuchConnection,
    Config,
    Secret,
    Store,
    StoreNewer,
    VersionMismatch,
    CoreGone,
    NotAllowedHere,
    BadRequest,
    Internal,
}

/// An error as faces get it. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct ApiError {
    /// For the table.
    pub code: ErrorCode,
    /// What was tried and what came, English, lower case, for logs and `--json`.
    pub message: String,
    /// What helps, English.
    #[serde(default)]
    pub hint: Option<String>,
    /// Next try, when there will be one.
    #[serde(default)]
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub retry_at: Option<Timestamp>,
    /// The request, `GET /api/user`, without secrets.
    #[serde(default)]
    pub request: Option<String>,
    /// HTTP status, when one came.
    #[serde(default)]
    pub status: Option<u16>,
    /// The server's own words, whole up to 2,000 characters, as they came.
    #[serde(default)]
    pub words: Option<String>,
}

impl ApiError {
    /// With code and message only.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            retry_at: None,
            request: None,
            status: None,
            words: None,
        }
    }

    /// With a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct LogLine {
    /// Number from 1.
    #[cfg_attr(test, ts(type = "number"))]
    pub number: u64,
    /// Step it belongs to, when the log has several.
    #[serde(default)]
    pub step: Option<String>,
    /// Seconds since the step began, where told.
    #[serde(default)]
    pub at_s: Option<u32>,
    /// Exactly as the server gave it, without the line end; ANSI colours included.
    pub text: String,
}

/// The server's own event of a service (`apis/rancher.md § 3.7`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct ServiceEvent {
    /// When.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub at: Option<Timestamp>,
    /// Ended; none while it runs.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub ended_at: Option<Timestamp>,
    /// The server's kind, `service.upgrade.exception`.
    pub kind: String,
    /// It says so itself.
    pub is_error: bool,
    /// Its words.
    pub text: String,
}

/// A line of the action journal (`cli.md`, journal).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct JournalEntry {
    /// Counts up.
    #[cfg_attr(test, ts(type = "number"))]
    pub id: i64,
    /// Intent written.
    #[cfg_attr(test, ts(as = "String"))]
    pub at: Timestamp,
    /// Login of the person at this desk.
    pub who: String,
    /// `window`, `tray`, `notification`, `cli`.
    pub via: String,
    /// Verb.
    pub verb: Verb,
    /// On what.
    pub target: ItemId,
    /// Its name then.
    pub target_name: String,
    /// The plan that was confirmed.
    pub plan: Option<Plan>,
    /// `held`, `sent`, `watching`, `done`, `failed`, `unknown`, `refused`, `undone`, `superseded`.
    pub result: String,
    /// In words.
    pub detail: Option<String>,
    /// Entry that undid it.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub undone_by: Option<i64>,
    /// Ended.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub ended_at: Option<Timestamp>,
}

/// A deploy in the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct DeployRecord {
    /// Service.
    pub service: ItemId,
    /// `stack/service`.
    pub service_name: String,
    /// Environment's name.
    pub environment_name: String,
    /// From image.
    pub from: Option<String>,
    /// To image.
    pub to: String,
    /// Began.
    #[cfg_attr(test, ts(as = "String"))]
    pub started_at: Timestamp,
    /// Ended.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub ended_at: Option<Timestamp>,
    /// `live`, `left_open`, `rolled_back`, `failed`, `superseded`; none while under way.
    pub result: Option<String>,
    /// Who: `me`, a build's id, or unknown.
    pub by: Option<String>,
    /// Journal entry, when it was us.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub journal: Option<i64>,
}

/// A notice that was shown, or held back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct NoticeRecord {
    /// When.
    #[cfg_attr(test, ts(as = "String"))]
    pub at: Timestamp,
    /// `broken`, `fixed`, …
    pub event: String,
    /// What it is about.
    pub item: Option<ItemId>,
    /// As shown.
    pub title: String,
    /// As shown.
    pub body: String,
    /// Why it was not shown (`muted`, `focus`, `quiet`), if so.
    pub held_back: Option<String>,
}

/// What "test connection" found (`cli.md`, probe).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct ProbeReport {
    /// It works.
    pub ok: bool,
    /// Kind.
    pub kind: String,
    /// `0.8`, `1.6`.
    pub dialect: Option<String>,
    /// Server's version.
    pub server_version: Option<String>,
    /// Who the credential is.
    pub user: Option<String>,
    /// `read`, `act`.
    pub may: Vec<String>,
    /// What it offers to choose from (environments: id and name).
    pub choices: Vec<(String, String)>,
    /// Milliseconds.
    pub took_ms: u32,
    /// Why not.
    pub error: Option<ApiError>,
}

/// A connection found on this machine; offered, never taken silently.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Found {
    /// For `NewConnection::found`.
    pub id: String,
    /// Kind.
    pub kind: String,
    /// Address.
    pub url: String,
    /// Where, `DRONE_SERVER and DRONE_TOKEN` or `~/.rancher/cli.json`.
    pub place: String,
    /// It holds what is needed to sign in.
    pub complete: bool,
}

/// How a setting of a connection is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum KindFieldType {
    /// Text.
    Text,
    /// Goes to the keychain.
    Secret,
    /// Comma-separated.
    List,
}

/// A setting of a kind of server, beside name and address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct KindField {
    /// In `kopi.toml`.
    pub name: String,
    /// How it is typed.
    pub is: KindFieldType,
    /// Needed.
    pub required: bool,
    /// Label, English and Chinese.
    pub label: (String, String),
    /// One sentence, English and Chinese.
    pub help: (String, String),
}

/// A kind of server that can be connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct KindInfo {
    /// In `kopi.toml`, `drone`.
    pub word: String,
    /// Name, English and Chinese.
    pub label: (String, String),
    /// Its settings.
    pub fields: Vec<KindField>,
}

/// Kopi itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct About {
    /// Program version.
    pub version: String,
    /// Nothing is configured: show the first-run page.
    pub first_run: bool,
    /// The demo office is on.
    pub demo: bool,
    /// Configuration file.
    pub config_path: String,
    /// Something is wrong with it; the last good one runs.
    pub config_error: Option<ApiError>,
    /// Starts with the session.
    pub autostart: bool,
    /// There is a tray host to show the icon; none while unknown.
    pub tray: Option<bool>,
    /// The desktop shows buttons on notices.
    pub notice_buttons: Option<bool>,
    /// Something happened to the store that the person must know (`store_set_aside`, with the file's name).
    pub store_note: Option<String>,
    /// Login of the person at this desk.
    pub me: Vec<String>,
    /// Focus until.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub focus_until: Option<Timestamp>,
    /// Muted subjects.
    #[cfg_attr(test, ts(as = "Vec<(String, String)>"))]
    pub muted: Vec<(String, Timestamp)>,
}

/// Answers, by query or act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "is", content = "value", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented on its query")]
pub enum Answer {
    Done,
    About(Box<About>),
    Item(Box<Item>),
    Builds(Vec<Build>),
    Deploys(Vec<DeployRecord>),
    ServiceEvents(Vec<ServiceEvent>),
    Journal(Vec<JournalEntry>),
    Notices(Vec<NoticeRecord>),
    Plan(Box<Plan>),
    Settings(Box<Settings>),
    Kinds(Vec<KindInfo>),
    Found(Vec<Found>),
    Probe(Box<ProbeReport>),
    ConfigCheck(Vec<CheckedLine>),
    /// A task began: its id.
    Task(#[cfg_attr(test, ts(type = "number"))] i64),
    /// Connections were added under these names.
    Added(Vec<ConnectionName>),
}
