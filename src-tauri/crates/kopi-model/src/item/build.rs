//! What a build server or a forge reports: repositories, builds with steps, the queue, commits.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{BuildStatus, ConnectionName, ItemId, Scope};

/// One run of a pipeline (`apis/drone.md §§ 3.3, 4.3`). Native id: `owner/repo#number`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Build {
    /// `build:connection/owner/repo#number`.
    pub id: ItemId,
    /// The connection it came from.
    pub connection: ConnectionName,
    /// The listing it belongs to.
    pub scope: Scope,
    /// `owner/name`.
    pub repo: String,
    /// The server's number, counted per repository.
    pub number: u64,
    /// Restarted or promoted from this number.
    pub parent: Option<u64>,
    /// Normalised.
    pub status: BuildStatus,
    /// The server's own word.
    pub server_status: String,
    /// `push`, `pull_request`, `tag`, `deploy`, `cron`, `manual` …: normalised where known, else the server's word.
    pub event: String,
    /// Branch; of a pull request the base branch.
    pub branch: String,
    /// Full git ref.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// Full commit sha, lower case.
    pub sha: String,
    /// Login of the author.
    pub author: String,
    /// Name to show when the server knows one.
    pub author_name: Option<String>,
    /// Who pushed or clicked, when that is someone else.
    pub sender: Option<String>,
    /// First line of the commit message.
    pub subject: String,
    /// The whole message, at most 2,000 characters.
    pub message: String,
    /// Deploy target (`deploy_to`) of a deployment or promotion.
    pub environment: Option<String>,
    /// The server's word on why nothing ran (configuration or compile error).
    pub error: Option<String>,
    /// Who approved or declined.
    pub reviewed_by: Option<String>,
    /// Queued.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub created_at: Option<Timestamp>,
    /// Picked up.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub started_at: Option<Timestamp>,
    /// Ended.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub finished_at: Option<Timestamp>,
    /// The build's page, http(s) only.
    pub url: Option<String>,
    /// Steps in order; empty while unknown (a feed row) or before there are any.
    pub steps: Vec<Step>,
    /// True once the server told the steps: an empty list is then a fact.
    pub steps_known: bool,
}

/// One step of a build; with a matrix the axis stands in `group`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Step {
    /// What the log is asked by: 0.8 `pid`, 1.x `stage/step`.
    pub key: String,
    /// Its name in the pipeline file.
    pub name: String,
    /// Matrix axis or stage, when there is more than one.
    pub group: Option<String>,
    /// Normalised.
    pub status: BuildStatus,
    /// The server's own word.
    pub server_status: String,
    /// As the process returned it; known only when it ended.
    pub exit_code: Option<i32>,
    /// Engine problems in the server's words.
    pub error: Option<String>,
    /// A detached service that runs beside the steps.
    pub is_service: bool,
    /// Agent it runs on.
    pub machine: Option<String>,
    /// Begun.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub started_at: Option<Timestamp>,
    /// Ended.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub finished_at: Option<Timestamp>,
}

/// A repository as the build server knows it. Native id: `owner/repo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Repo {
    /// `repo:connection/owner/name`.
    pub id: ItemId,
    /// The connection it came from.
    pub connection: ConnectionName,
    /// The listing it belongs to.
    pub scope: Scope,
    /// `owner/name`.
    pub name: String,
    /// The server builds it.
    pub active: bool,
    /// Builds of strangers wait for approval.
    pub gated: bool,
    /// Branch that counts as main.
    pub default_branch: Option<String>,
    /// Its page, http(s) only.
    pub url: Option<String>,
}

/// The build server's queue and agents. Native id: empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Agents {
    /// `agents:connection/`.
    pub id: ItemId,
    /// The connection it came from.
    pub connection: ConnectionName,
    /// The listing it belongs to.
    pub scope: Scope,
    /// Jobs that wait; none if the server does not tell.
    pub pending: Option<u32>,
    /// Jobs that run.
    pub running: Option<u32>,
    /// Agent slots with nothing to do.
    pub idle: Option<u32>,
}

/// A commit or pull request as a forge reports it. Native id: `owner/repo@sha`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Change {
    /// `change:connection/owner/repo@sha`.
    pub id: ItemId,
    /// The connection it came from.
    pub connection: ConnectionName,
    /// The listing it belongs to.
    pub scope: Scope,
    /// `owner/name`.
    pub repo: String,
    /// Full sha.
    pub sha: String,
    /// Branch it was seen on.
    pub branch: String,
    /// Login of the author.
    pub author: String,
    /// First line of the message.
    pub subject: String,
    /// When it was pushed or committed.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub at: Option<Timestamp>,
    /// Its page.
    pub url: Option<String>,
}
