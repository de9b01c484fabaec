//! The store as the core uses it. Cheap to clone; every call waits its turn at one of two connections.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kopi_model::wire::{DeployRecord, JournalEntry, NoticeRecord};
use kopi_model::{Build, ConnectionName, Item, ItemId};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor, Row};
use tokio::sync::Mutex;

use crate::StoreError;
use crate::open::{self, Opened, Pair};
use crate::tables::builds::{self, HistoryAsk};
use crate::tables::cache::{self, Batch, CachedWorld};
use crate::tables::journal::{self, OpenEntry};
use crate::tables::{deploys, kept, notices};

/// What was told is remembered for so many days at least.
const KEYS_DAYS: i64 = 400;
/// Newest passed builds that make "usually takes".
const USUAL_BUILDS: u32 = 40;

/// The store.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    path: PathBuf,
    fast: Mutex<Option<SqliteConnection>>,
    safe: Mutex<Option<SqliteConnection>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Store")
            .field("path", &self.0.path)
            .finish_non_exhaustive()
    }
}

/// Runs a function of a table on a connection; damage found on the way is marked for the next start.
macro_rules! on {
    ($self:ident.$connection:ident, $table:ident::$function:ident($($argument:expr),*)) => {{
        let mut turn = $self.0.$connection.lock().await;
        let connection = turn.as_mut().ok_or(StoreError::Closed)?;
        $self.marked($table::$function(connection $(, $argument)*).await)
    }};
}

impl Store {
    /// Opens the file, or makes it. `now` dates the name of a damaged one.
    ///
    /// # Errors
    /// [`StoreError::Newer`]: the file is left untouched. Else the folder or the file cannot be used.
    pub async fn open(path: &Path, now: Timestamp) -> Result<(Self, Opened), StoreError> {
        let (Pair { fast, safe }, opened) = open::open(path, now).await?;
        let inner = Inner {
            path: path.to_owned(),
            fast: Mutex::new(Some(fast)),
            safe: Mutex::new(Some(safe)),
        };
        Ok((Self(Arc::new(inner)), opened))
    }

    /// Writes a batch in one transaction: all of it or nothing.
    ///
    /// # Errors
    /// The database cannot be written; so for all that follow.
    pub async fn record(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut turn = self.0.fast.lock().await;
        let connection = turn.as_mut().ok_or(StoreError::Closed)?;
        self.marked(write(connection, batch).await)
    }

    /// Everything the cache holds.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn load_cache(&self) -> Result<CachedWorld, StoreError> {
        on!(self.fast, cache::load())
    }

    /// Drops what the cache holds of a connection that is no longer configured.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn forget_connection(&self, name: &ConnectionName) -> Result<(), StoreError> {
        on!(self.fast, cache::forget(name))
    }

    /// Builds, newest first, at most 500.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn history(&self, ask: &HistoryAsk) -> Result<Vec<Build>, StoreError> {
        on!(self.fast, builds::history(ask))
    }

    /// Seconds the newest passed builds of a line took, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn durations(&self, repo: &str, branch: &str, limit: u32) -> Result<Vec<u32>, StoreError> {
        on!(self.fast, builds::durations(repo, branch, limit))
    }

    /// What a build of this line usually takes: the median of the last 40 that passed, seconds.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn usually_takes(&self, repo: &str, branch: &str) -> Result<Option<u32>, StoreError> {
        let mut seconds = self.durations(repo, branch, USUAL_BUILDS).await?;
        seconds.sort_unstable();
        Ok(seconds.get(seconds.len() / 2).copied())
    }

    /// Deploys, newest first, at most 500.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn deploys(&self, service: Option<&ItemId>, limit: u32) -> Result<Vec<DeployRecord>, StoreError> {
        on!(self.fast, deploys::list(service, limit))
    }

    /// A deploy began, or ended: one row for a service and a beginning.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn put_deploy(&self, deploy: &DeployRecord) -> Result<(), StoreError> {
        on!(self.fast, deploys::put(deploy))
    }

    /// Deploys under way, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn open_deploys(&self) -> Result<Vec<DeployRecord>, StoreError> {
        on!(self.fast, deploys::open())
    }

    /// Writes an intent (its `id` is ignored) and gives its number. It is on disk when this returns.
    ///
    /// # Errors
    /// It could not be written: the request must not leave.
    pub async fn begin_journal(&self, entry: &JournalEntry, memory: Option<&str>) -> Result<i64, StoreError> {
        on!(self.safe, journal::begin(entry, memory))
    }

    /// Writes result, detail, end and memory of an entry. It is on disk when this returns. False: there is none.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn update_journal(&self, entry: &JournalEntry, memory: Option<&str>) -> Result<bool, StoreError> {
        on!(self.safe, journal::update(entry, memory))
    }

    /// Journal, newest first, ids below `before`, at most 500.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn journal(&self, before: Option<i64>, limit: u32) -> Result<Vec<JournalEntry>, StoreError> {
        on!(self.fast, journal::list(before, limit))
    }

    /// Entries without an end, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn open_journal(&self) -> Result<Vec<OpenEntry>, StoreError> {
        on!(self.fast, journal::open())
    }

    /// Notices, newest first, at most 500.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn notices(&self, limit: u32) -> Result<Vec<NoticeRecord>, StoreError> {
        on!(self.fast, notices::list(limit))
    }

    /// Keeps a notice.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn record_notice(&self, notice: &NoticeRecord) -> Result<(), StoreError> {
        on!(self.fast, notices::put(notice))
    }

    /// True the first time this key is asked for, false ever after, over restarts too.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn take_notice_key(&self, key: &str, now: Timestamp) -> Result<bool, StoreError> {
        on!(self.fast, notices::take_key(key, now))
    }

    /// Something small kept by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn kept(&self, name: &str) -> Result<Option<String>, StoreError> {
        on!(self.fast, kept::get(name))
    }

    /// Keeps it, or (none) forgets it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn keep(&self, name: &str, value: Option<&str>) -> Result<(), StoreError> {
        on!(self.fast, kept::put(name, value))
    }

    /// Drops what is older than so many days, then the oldest builds until the file is below so many megabytes. What
    /// is under way stays.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn prune(&self, now: Timestamp, keep_days: u32, keep_megabytes: u32) -> Result<(), StoreError> {
        let mut turn = self.0.fast.lock().await;
        let connection = turn.as_mut().ok_or(StoreError::Closed)?;
        self.marked(prune(connection, now, keep_days, keep_megabytes).await)
    }

    /// Bytes the database takes, without what is free inside.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn size(&self) -> Result<u64, StoreError> {
        let mut turn = self.0.fast.lock().await;
        let connection = turn.as_mut().ok_or(StoreError::Closed)?;
        self.marked(size(connection).await)
    }

    /// Ends both connections and folds the write-ahead log into the file. Whoever calls later gets an error.
    ///
    /// # Errors
    /// The log could not be folded in; nothing is lost, the next start does it.
    pub async fn close(&self) -> Result<(), StoreError> {
        for connection in [&self.0.safe, &self.0.fast] {
            if let Some(connection) = connection.lock().await.take() {
                connection.close().await.map_err(StoreError::of("close the database"))?;
            }
        }
        Ok(())
    }

    fn marked<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        result.inspect_err(|error| open::note_damage(&self.0.path, error))
    }
}

async fn write(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    let failed = StoreError::of("write a batch");
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
    for item in &batch.builds {
        if let Item::Build(build) = item.as_ref() {
            builds::put(&mut transaction, build).await?;
        }
    }
    for item in &batch.cache_upserts {
        cache::put(&mut transaction, item).await?;
    }
    for id in &batch.cache_gone {
        cache::remove(&mut transaction, id).await?;
    }
    for scope in &batch.scopes {
        cache::put_scope(&mut transaction, scope).await?;
    }
    transaction.commit().await.map_err(failed)
}

async fn prune(
    connection: &mut SqliteConnection,
    now: Timestamp,
    keep_days: u32,
    keep_megabytes: u32,
) -> Result<(), StoreError> {
    let days = |days: i64| {
        now.checked_sub(SignedDuration::from_hours(days * 24))
            .unwrap_or(Timestamp::MIN)
    };
    let before = days(i64::from(keep_days));
    builds::prune(connection, before).await?;
    deploys::prune(connection, before).await?;
    journal::prune(connection, before).await?;
    notices::prune(connection, before, days(i64::from(keep_days).max(KEYS_DAYS))).await?;
    let limit = u64::from(keep_megabytes) * 1024 * 1024;
    while size(connection).await? > limit {
        if !builds::drop_oldest(connection).await? {
            break;
        }
    }
    let failed = StoreError::of("shrink the database");
    // Stepped to its end, or it frees one page only.
    connection
        .fetch_all("PRAGMA incremental_vacuum")
        .await
        .map_err(&failed)?;
    connection
        .fetch_all("PRAGMA wal_checkpoint(TRUNCATE)")
        .await
        .map_err(&failed)?;
    Ok(())
}

async fn size(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let failed = StoreError::of("measure the database");
    let row = connection
        .fetch_one(
            "SELECT (page_count - freelist_count) * page_size
             FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
        )
        .await
        .map_err(&failed)?;
    let bytes: i64 = row.try_get(0).map_err(failed)?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}
