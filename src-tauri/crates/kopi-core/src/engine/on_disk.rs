//! The records that last: `kopi-store` as the core sees it.

use std::path::Path;

use jiff::Timestamp;
use kopi_feed::source::BoxFuture;
use kopi_model::wire::{ApiError, DeployRecord, JournalEntry, NoticeRecord};
use kopi_model::{Build, ConnectionName, ItemId};
use kopi_store::{Opened, Store};

use super::records::{Batch, Cached, HistoryAsk, OpenEntry, Records};

/// History, journal, inbox and cache in one SQLite file.
pub struct StoreRecords {
    store: Store,
    note: Option<String>,
}

impl StoreRecords {
    /// Opens the file. A damaged one is set aside, which [`Records::note`] then tells.
    ///
    /// # Errors
    /// `StoreNewer`: a newer Kopi wrote it, it was left untouched. `Store`: folder or file cannot be used.
    pub async fn open(path: &Path, now: Timestamp) -> Result<Self, ApiError> {
        let (store, opened) = Store::open(path, now).await?;
        let note = match opened {
            Opened::SetAside { to } => Some(format!("store_set_aside {}", to.display())),
            Opened::Fresh | Opened::Existing => None,
        };
        Ok(Self { store, note })
    }
}

impl Records for StoreRecords {
    fn record(&self, batch: Batch) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async move { Ok(self.store.record(&batch).await?) })
    }

    fn load_cache(&self) -> BoxFuture<'_, Result<Cached, ApiError>> {
        Box::pin(async { Ok(self.store.load_cache().await?) })
    }

    fn history(&self, ask: HistoryAsk) -> BoxFuture<'_, Result<Vec<Build>, ApiError>> {
        Box::pin(async move { Ok(self.store.history(&ask).await?) })
    }

    fn deploys(&self, service: Option<ItemId>, limit: u32) -> BoxFuture<'_, Result<Vec<DeployRecord>, ApiError>> {
        Box::pin(async move { Ok(self.store.deploys(service.as_ref(), limit).await?) })
    }

    fn put_deploy(&self, deploy: DeployRecord) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async move { Ok(self.store.put_deploy(&deploy).await?) })
    }

    fn journal(&self, before: Option<i64>, limit: u32) -> BoxFuture<'_, Result<Vec<JournalEntry>, ApiError>> {
        Box::pin(async move { Ok(self.store.journal(before, limit).await?) })
    }

    fn begin_journal(&self, entry: JournalEntry, memory: Option<String>) -> BoxFuture<'_, Result<i64, ApiError>> {
        Box::pin(async move { Ok(self.store.begin_journal(&entry, memory.as_deref()).await?) })
    }

    fn update_journal(&self, entry: JournalEntry, memory: Option<String>) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async move {
            self.store.update_journal(&entry, memory.as_deref()).await?;
            Ok(())
        })
    }

    fn open_journal(&self) -> BoxFuture<'_, Result<Vec<OpenEntry>, ApiError>> {
        Box::pin(async { Ok(self.store.open_journal().await?) })
    }

    fn notices(&self, limit: u32) -> BoxFuture<'_, Result<Vec<NoticeRecord>, ApiError>> {
        Box::pin(async move { Ok(self.store.notices(limit).await?) })
    }

    fn put_notice(&self, notice: NoticeRecord) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async move { Ok(self.store.record_notice(&notice).await?) })
    }

    fn take_notice_key(&self, key: String, at: Timestamp) -> BoxFuture<'_, Result<bool, ApiError>> {
        Box::pin(async move { Ok(self.store.take_notice_key(&key, at).await?) })
    }

    fn forget_connection(&self, name: ConnectionName) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async move { Ok(self.store.forget_connection(&name).await?) })
    }

    fn kept(&self, name: &'static str) -> BoxFuture<'_, Result<Option<String>, ApiError>> {
        Box::pin(async move { Ok(self.store.kept(name).await?) })
    }

    fn keep(&self, name: &'static str, value: Option<String>) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async move { Ok(self.store.keep(name, value.as_deref()).await?) })
    }

    fn prune(&self, now: Timestamp, keep_days: u32, keep_megabytes: u32) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async move { Ok(self.store.prune(now, keep_days, keep_megabytes).await?) })
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Err(error) = self.store.close().await {
                tracing::warn!(%error, "the store did not close in order");
            }
        })
    }
}
