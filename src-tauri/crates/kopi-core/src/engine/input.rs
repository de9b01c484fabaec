//! What can get into the loop: one closed list, one bounded inbox, one reader.

use jiff::Timestamp;
use kopi_feed::{FeedError, SourceMessage};
use kopi_model::ConnectionName;
use kopi_model::wire::Task;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::settings::CoreSettings;

/// How many inputs wait at most; then those who send wait.
pub(crate) const INBOX: usize = 1024;

/// One input.
#[derive(Debug)]
pub(crate) enum Input {
    /// A source's run began, or went on to say something, or fell.
    Source {
        /// Which connection.
        connection: ConnectionName,
        /// Which run of it: what an older run left behind is dropped.
        run: u64,
        /// What.
        said: Said,
    },
    /// A few seconds passed.
    Tick,
    /// An order that changes what the core itself keeps.
    Act(ActInput),
    /// The configuration is another.
    Settings(Box<CoreSettings>, oneshot::Sender<()>),
    /// Everything sent before this was taken in.
    Settled(oneshot::Sender<()>),
}

/// What comes from a source's task.
#[derive(Debug)]
pub(crate) enum Said {
    /// `watch` was called.
    Began,
    /// It said this.
    Message(SourceMessage, Instant),
    /// `watch` ended.
    Fell {
        /// Why.
        error: Box<FeedError>,
        /// Next try; none: only when asked.
        retry_at: Option<Timestamp>,
        /// Failures in a row.
        tries: u32,
    },
}

/// What the core keeps besides the model.
#[derive(Debug)]
pub(crate) enum ActInput {
    /// A task is new or stands otherwise.
    Task(Box<Task>),
    /// The person has seen its end.
    Dismiss(i64),
    /// Try it now; none: all.
    TryNow(Option<ConnectionName>),
    /// No notices of it until then.
    Mute(String, Option<Timestamp>),
    /// Focus until.
    Focus(Option<Timestamp>),
}
