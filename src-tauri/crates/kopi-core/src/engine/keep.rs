//! The taker that writes. Changes gather while the disk is busy, the newest of an item wins: a slow disk delays the
//! history and nothing else, and what waits is bounded by how many items there are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kopi_model::{ConnectionName, Item, ItemId, ModelChange, Scope};
use kopi_store::Batch;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::records::Records;

/// Between two writes.
const REST: Duration = Duration::from_millis(200);
/// After a failed one.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What waits to be written.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pending: Mutex<Pending>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    builds: HashMap<ItemId, Arc<Item>>,
    cache: HashMap<ItemId, Option<Arc<Item>>>,
    scopes: HashMap<(ConnectionName, Scope), Timestamp>,
}

impl Waiting {
    /// Takes changes in; never waits for the disk.
    pub(crate) fn take_in(&self, changes: &[ModelChange], scopes: Vec<(ConnectionName, Scope, Timestamp)>) {
        if changes.is_empty() && scopes.is_empty() {
            return;
        }
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let item = change.after.as_ref().or(change.before.as_ref());
            if matches!(item.map(AsRef::as_ref), Some(Item::Line(_)) | None) {
                continue;
            }
            if let Some(after) = &change.after
                && matches!(after.as_ref(), Item::Build(_))
            {
                pending.builds.insert(change.id.clone(), after.clone());
            }
            pending.cache.insert(change.id.clone(), change.after.clone());
        }
        for (connection, scope, at) in scopes {
            pending.scopes.insert((connection, scope), at);
        }
        drop(pending);
        self.wake.notify_one();
    }

    fn take(&self) -> Option<Batch> {
        let pending = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        if pending.cache.is_empty() && pending.scopes.is_empty() {
            return None;
        }
        let mut batch = Batch {
            builds: pending.builds.into_values().collect(),
            ..Batch::default()
        };
        for (id, item) in pending.cache {
            match item {
                Some(item) => batch.cache_upserts.push(item),
                None => batch.cache_gone.push(id),
            }
        }
        batch.scopes = pending
            .scopes
            .into_iter()
            .map(|((connection, scope), at)| (connection, scope, at))
            .collect();
        Some(batch)
    }

    /// Puts back what could not be written, where nothing newer has come.
    fn put_back(&self, batch: Batch) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for build in batch.builds {
            pending.builds.entry(build.id().clone()).or_insert(build);
        }
        for item in batch.cache_upserts {
            pending.cache.entry(item.id().clone()).or_insert(Some(item));
        }
        for id in batch.cache_gone {
            pending.cache.entry(id).or_insert(None);
        }
        for (connection, scope, at) in batch.scopes {
            pending.scopes.entry((connection, scope)).or_insert(at);
        }
    }
}

/// Writes until stopped, then once more.
pub(crate) async fn keep(waiting: Arc<Waiting>, records: Arc<dyn Records>, stop: CancellationToken) {
    loop {
        let stopping = tokio::select! {
            biased;
            () = stop.cancelled() => true,
            () = waiting.wake.notified() => false,
        };
        let mut rest = REST;
        if let Some(batch) = waiting.take()
            && let Err(error) = records.record(batch.clone()).await
        {
            tracing::warn!(%error.message, "the history could not be written");
            waiting.put_back(batch);
            waiting.wake.notify_one();
            rest = REST_AFTER_FAILURE;
        }
        if stopping {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
}
