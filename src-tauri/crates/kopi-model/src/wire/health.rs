//! The state of connections and of orders under way.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ApiError;
use crate::{ConnectionName, ItemId, Scope, Verb};

/// How a connection does (`cli.md`, connection).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// Its stream is open.
    Live,
    /// Asked regularly.
    Polling,
    /// Failed, will be tried again at `retry_at`.
    Retrying,
    /// Credentials were refused: nothing is asked until they change.
    SignedOut,
    /// Switched off in the configuration.
    Off,
    /// Will not be tried again by itself.
    Failed,
    /// First try under way.
    #[default]
    Starting,
}

/// A connection as faces see it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct ConnectionHealth {
    /// Its name in `kopi.toml`.
    pub name: ConnectionName,
    /// Kind of server, `drone`.
    pub kind: String,
    /// What to show, `Drone`.
    pub label: String,
    /// Dialect found by the probe, `0.8`, `1.6`.
    pub dialect: Option<String>,
    /// The server's version.
    pub server_version: Option<String>,
    /// Base address, without user or secret.
    pub url: String,
    /// State.
    pub state: ConnectionState,
    /// In that state since.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub since: Option<Timestamp>,
    /// Next try.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub retry_at: Option<Timestamp>,
    /// Last time anything was read well.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub last_good_at: Option<Timestamp>,
    /// Tries since it fell.
    pub tries: u32,
    /// Last failure; cleared when it works again.
    pub error: Option<ApiError>,
    /// Event seen to patch sent, milliseconds, of the last 5 minutes.
    pub latency_p50_ms: Option<u32>,
    /// Same, 95th percentile.
    pub latency_p95_ms: Option<u32>,
    /// Requests sent in the last full minute.
    pub requests_per_minute: u32,
    /// Asked every so many seconds beside or instead of a stream.
    pub poll_s: Option<u32>,
    /// The last 30 asks: true answered well.
    pub beats: Vec<bool>,
    /// Its listings.
    pub scopes: Vec<ScopeHealth>,
    /// Things to warn of all the time, message keys (`plain_secret`, `read_only`, `insecure_http`).
    pub warnings: Vec<String>,
    /// Kopi must not act through it.
    pub read_only: bool,
}

/// A listing: items of a stale one are shown as of `as_of`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct ScopeHealth {
    /// Which.
    pub scope: Scope,
    /// Last read well.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub as_of: Option<Timestamp>,
    /// Its items are stale: the last listing failed, the connection is down, or the picture is from the cache.
    pub stale: bool,
}

/// Where an order stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum TaskState {
    /// Nothing has left yet: `Undo` stops it for free.
    Held {
        /// Leaves then.
        #[cfg_attr(test, ts(as = "String"))]
        until: Timestamp,
    },
    /// The request is on its way.
    Sending,
    /// Accepted; the live model is watched for the effect.
    Watching,
    /// All up; finishing the upgrade.
    Finishing,
    /// The effect is real.
    Done,
    /// It is not, and will not be by itself. The way back is offered.
    Failed,
    /// The connection was lost after the request was sent, or Kopi died: nobody knows.
    Unknown,
    /// Refused by us or by the server.
    Refused,
    /// Taken back in time.
    Undone,
    /// Somebody else changed the same thing: no longer ours to judge.
    Superseded,
}

/// An order under way, or ended less than 10 minutes ago.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Task {
    /// Its journal entry; negative for a deploy that somebody else made and Kopi watches.
    #[cfg_attr(test, ts(type = "number"))]
    pub id: i64,
    /// On what.
    pub target: ItemId,
    /// `stack/service` or `owner/repo#n`.
    pub target_name: String,
    /// Which verb.
    pub verb: Verb,
    /// State.
    pub state: TaskState,
    /// From what.
    pub from: Option<String>,
    /// To what.
    pub to: Option<String>,
    /// Up so far.
    pub done: Option<u32>,
    /// Of so many.
    pub all: Option<u32>,
    /// What is wrong or awaited, the server's words.
    pub detail: Option<String>,
    /// Verbs offered now (`Rollback`, `Finish`, `Cancel`).
    pub offers: Vec<Verb>,
    /// Who: `me`, or the build that did it.
    pub by: String,
    /// Asked for.
    #[cfg_attr(test, ts(as = "String"))]
    pub started_at: Timestamp,
    /// Last change of state.
    #[cfg_attr(test, ts(as = "String"))]
    pub changed_at: Timestamp,
}
