//! The frames themselves. On a byte stream each is one line of JSON ended by `\n`; on a WebSocket one text message.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Act, Answer, ApiError, ConnectionHealth, LogAsk, LogLine, Query, Task};
use crate::{Item, ItemId};

/// Version of the frames. Faces and core of different versions say so instead of guessing.
pub const PROTOCOL: u32 = 1;

/// First frame of either side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Hello {
    /// [`PROTOCOL`] of the sender.
    pub protocol: u32,
    /// Program version, `0.1.0`.
    pub version: String,
    /// `window`, `browser`, `cli`, `tray`; from the core: `core`.
    pub face: String,
    /// Session token, where the host asks for one (browser).
    #[serde(default)]
    pub token: Option<String>,
    /// From the core: changes when the core was restarted, so that a face knows its copy is old.
    #[serde(default)]
    pub core: Option<String>,
    /// From the core: this face may act.
    #[serde(default)]
    pub may_act: bool,
}

/// A face asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Request {
    /// Chosen by the face; the answer carries it.
    #[cfg_attr(test, ts(type = "number"))]
    pub id: u64,
    /// What.
    pub body: RequestBody,
}

/// What a face may send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RequestBody {
    /// First frame.
    Hello(Hello),
    /// Reads.
    Query(Query),
    /// Changes something.
    Act(Act),
    /// Send a snapshot, then patches.
    Subscribe,
    /// The patch up to this revision was applied: the next may leave.
    Ack {
        /// Of the last applied patch or snapshot.
        #[cfg_attr(test, ts(type = "number"))]
        rev: u64,
    },
    /// Nothing is pumped to a hidden face; shown again it gets a snapshot.
    Visible {
        /// Shown.
        visible: bool,
    },
    /// Open a log; its lines come as [`Frame::Log`] with this request's id, until closed.
    OpenLog(LogAsk),
    /// Close the log opened by that request.
    CloseLog {
        /// The request that opened it.
        #[cfg_attr(test, ts(type = "number"))]
        opened: u64,
    },
}

/// What the core sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Frame {
    /// First frame.
    Hello(Hello),
    /// Answer to a request.
    Answer {
        /// The request's.
        #[cfg_attr(test, ts(type = "number"))]
        id: u64,
        /// What was asked for, or why not.
        result: Result<Answer, ApiError>,
    },
    /// The whole picture.
    Snapshot(Snapshot),
    /// What changed.
    Patch(Patch),
    /// Lines of an open log.
    Log(LogFrame),
    /// Bring this item up (a click on a notice, a deep link, a second start without one).
    Show {
        /// Which; none: just come to the front.
        item: Option<ItemId>,
        /// With its log.
        log: bool,
    },
    /// The core goes away on purpose (quit, update).
    Bye {
        /// Why, a message key.
        why: String,
    },
}

/// The whole picture at one revision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Snapshot {
    /// Revision.
    #[cfg_attr(test, ts(type = "number"))]
    pub rev: u64,
    /// All live items, derived lines included.
    pub items: Vec<Arc<Item>>,
    /// All connections.
    pub connections: Vec<ConnectionHealth>,
    /// Orders under way or just ended.
    pub tasks: Vec<Task>,
    /// True until the first answer of any server: what is shown comes from the cache.
    pub from_cache: bool,
}

/// What changed between two revisions. Whole items, no field diffs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Patch {
    /// Applies to this revision only; a face with another asks for a snapshot.
    #[cfg_attr(test, ts(type = "number"))]
    pub base: u64,
    /// Leads to this one.
    #[cfg_attr(test, ts(type = "number"))]
    pub rev: u64,
    /// New or changed items.
    pub upserts: Vec<Arc<Item>>,
    /// Gone items.
    pub gone: Vec<ItemId>,
    /// Changed connections.
    pub connections: Vec<ConnectionHealth>,
    /// Connections that are no longer configured.
    pub connections_gone: Vec<crate::ConnectionName>,
    /// All tasks, when any changed.
    pub tasks: Option<Vec<Task>>,
}

/// Lines of an open log. A face keeps at most what fits its ring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct LogFrame {
    /// The request that opened it.
    #[cfg_attr(test, ts(type = "number"))]
    pub id: u64,
    /// Lines in order; numbers are the log's own, from 1, without holes unless `gap`.
    pub lines: Vec<LogLine>,
    /// Lines were lost before these.
    pub gap: bool,
    /// True once everything written so far was sent: from here on lines are live.
    pub caught_up: bool,
    /// Nothing more will come; none while it goes on.
    pub ended: Option<LogEnd>,
}

/// Why a log ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum LogEnd {
    /// All of it was read.
    Complete,
    /// The server has none (yet): the step did not start, or its log was purged.
    None,
    /// Reading failed.
    Failed {
        /// In words.
        error: ApiError,
    },
}
