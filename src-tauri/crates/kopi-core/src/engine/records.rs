//! What the core remembers beyond its life, as it sees it. `kopi-store` keeps it on disk; [`NoRecords`] keeps nothing,
//! for a reading of the servers that is over at once and for a store that cannot be used.

use jiff::Timestamp;
use kopi_feed::source::BoxFuture;
use kopi_model::wire::{ApiError, DeployRecord, JournalEntry, NoticeRecord};
use kopi_model::{Build, ConnectionName, ItemId};
pub use kopi_store::{Batch, CachedWorld as Cached, HistoryAsk, OpenEntry};

/// History, journal, inbox and cache. Every method may fail as `ErrorCode::Store`.
pub trait Records: Send + Sync {
    /// Writes a batch.
    fn record(&self, batch: Batch) -> BoxFuture<'_, Result<(), ApiError>>;
    /// The cache.
    fn load_cache(&self) -> BoxFuture<'_, Result<Cached, ApiError>>;
    /// Builds, newest first.
    fn history(&self, ask: HistoryAsk) -> BoxFuture<'_, Result<Vec<Build>, ApiError>>;
    /// Deploys, newest first.
    fn deploys(&self, service: Option<ItemId>, limit: u32) -> BoxFuture<'_, Result<Vec<DeployRecord>, ApiError>>;
    /// A deploy began or ended: one row for a service and a beginning.
    fn put_deploy(&self, deploy: DeployRecord) -> BoxFuture<'_, Result<(), ApiError>>;
    /// Journal, newest first.
    fn journal(&self, before: Option<i64>, limit: u32) -> BoxFuture<'_, Result<Vec<JournalEntry>, ApiError>>;
    /// Writes the intent (its `id` is ignored) and gives its number, on disk before it returns.
    fn begin_journal(&self, entry: JournalEntry, memory: Option<String>) -> BoxFuture<'_, Result<i64, ApiError>>;
    /// Writes result, detail, end and memory of an entry.
    fn update_journal(&self, entry: JournalEntry, memory: Option<String>) -> BoxFuture<'_, Result<(), ApiError>>;
    /// Entries that are not over.
    fn open_journal(&self) -> BoxFuture<'_, Result<Vec<OpenEntry>, ApiError>>;
    /// Notices, newest first.
    fn notices(&self, limit: u32) -> BoxFuture<'_, Result<Vec<NoticeRecord>, ApiError>>;
    /// Keeps a notice.
    fn put_notice(&self, notice: NoticeRecord) -> BoxFuture<'_, Result<(), ApiError>>;
    /// True the first time this key is asked for, false for ever after.
    fn take_notice_key(&self, key: String, at: Timestamp) -> BoxFuture<'_, Result<bool, ApiError>>;
    /// Forgets the cache of a connection that is no longer configured.
    fn forget_connection(&self, name: ConnectionName) -> BoxFuture<'_, Result<(), ApiError>>;
    /// Something small kept by name.
    fn kept(&self, name: &'static str) -> BoxFuture<'_, Result<Option<String>, ApiError>>;
    /// Keeps it, or (none) forgets it.
    fn keep(&self, name: &'static str, value: Option<String>) -> BoxFuture<'_, Result<(), ApiError>>;
    /// Drops what is older than so many days or makes the database larger than so many megabytes.
    fn prune(&self, now: Timestamp, keep_days: u32, keep_megabytes: u32) -> BoxFuture<'_, Result<(), ApiError>>;
    /// What the person must know of the store (`store_set_aside …`, `store_newer`).
    fn note(&self) -> Option<String> {
        None
    }
    /// The core ends: what is open is closed in order.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRecords;

impl Records for NoRecords {
    fn record(&self, _: Batch) -> BoxFuture<'_, Result<(), ApiError>> {
        ready(())
    }
    fn load_cache(&self) -> BoxFuture<'_, Result<Cached, ApiError>> {
        ready(Cached::default())
    }
    fn history(&self, _: HistoryAsk) -> BoxFuture<'_, Result<Vec<Build>, ApiError>> {
        ready(Vec::new())
    }
    fn deploys(&self, _: Option<ItemId>, _: u32) -> BoxFuture<'_, Result<Vec<DeployRecord>, ApiError>> {
        ready(Vec::new())
    }
    fn put_deploy(&self, _: DeployRecord) -> BoxFuture<'_, Result<(), ApiError>> {
        ready(())
    }
    fn journal(&self, _: Option<i64>, _: u32) -> BoxFuture<'_, Result<Vec<JournalEntry>, ApiError>> {
        ready(Vec::new())
    }
    fn begin_journal(&self, _: JournalEntry, _: Option<String>) -> BoxFuture<'_, Result<i64, ApiError>> {
        Box::pin(async {
            Err(ApiError::new(
                kopi_model::wire::ErrorCode::Store,
                "write the intent to the journal: there is no store",
            )
            .hint("nothing is done that could not be written down first"))
        })
    }
    fn update_journal(&self, _: JournalEntry, _: Option<String>) -> BoxFuture<'_, Result<(), ApiError>> {
        ready(())
    }
    fn open_journal(&self) -> BoxFuture<'_, Result<Vec<OpenEntry>, ApiError>> {
        ready(Vec::new())
    }
    fn notices(&self, _: u32) -> BoxFuture<'_, Result<Vec<NoticeRecord>, ApiError>> {
        ready(Vec::new())
    }
    fn put_notice(&self, _: NoticeRecord) -> BoxFuture<'_, Result<(), ApiError>> {
        ready(())
    }
    fn take_notice_key(&self, _: String, _: Timestamp) -> BoxFuture<'_, Result<bool, ApiError>> {
        ready(true)
    }
    fn forget_connection(&self, _: ConnectionName) -> BoxFuture<'_, Result<(), ApiError>> {
        ready(())
    }
    fn kept(&self, _: &'static str) -> BoxFuture<'_, Result<Option<String>, ApiError>> {
        ready(None)
    }
    fn keep(&self, _: &'static str, _: Option<String>) -> BoxFuture<'_, Result<(), ApiError>> {
        ready(())
    }
    fn prune(&self, _: Timestamp, _: u32, _: u32) -> BoxFuture<'_, Result<(), ApiError>> {
        ready(())
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, ApiError>> {
    Box::pin(std::future::ready(Ok(value)))
}
