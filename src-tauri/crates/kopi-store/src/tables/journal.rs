//! The action journal: what was wanted is on disk before the request leaves, so that a crash shows "outcome unknown"
//! instead of nothing.

use jiff::Timestamp;
use kopi_model::wire::JournalEntry;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::{MOST, from_json, micros, to_json};
use crate::StoreError;

pub(crate) const CREATE: &str = "
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    target TEXT NOT NULL,
    result TEXT NOT NULL,
    ended_at INTEGER,
    memory TEXT,
    json TEXT NOT NULL
);
CREATE INDEX journal_open ON journal (id) WHERE ended_at IS NULL;
";

/// An entry that is not over, with what its watch remembers.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenEntry {
    /// The entry.
    pub entry: JournalEntry,
    /// What `update_journal` was last given.
    pub memory: Option<String>,
}

/// Writes the intent; its own `id` is ignored.
pub(crate) async fn begin(
    connection: &mut SqliteConnection,
    entry: &JournalEntry,
    memory: Option<&str>,
) -> Result<i64, StoreError> {
    let attempt = "write the intent to the journal";
    let done =
        sqlx::query("INSERT INTO journal (at, target, result, ended_at, memory, json) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(micros(entry.at))
            .bind(entry.target.as_str())
            .bind(&entry.result)
            .bind(entry.ended_at.map(micros))
            .bind(memory)
            .bind(to_json(entry, attempt)?)
            .execute(connection)
            .await
            .map_err(StoreError::of(attempt))?;
    Ok(done.last_insert_rowid())
}

/// Writes what came of it. False when there is no such entry.
pub(crate) async fn update(
    connection: &mut SqliteConnection,
    entry: &JournalEntry,
    memory: Option<&str>,
) -> Result<bool, StoreError> {
    let attempt = "write the outcome to the journal";
    let done = sqlx::query("UPDATE journal SET result = ?, ended_at = ?, memory = ?, json = ? WHERE id = ?")
        .bind(&entry.result)
        .bind(entry.ended_at.map(micros))
        .bind(memory)
        .bind(to_json(entry, attempt)?)
        .bind(entry.id)
        .execute(connection)
        .await
        .map_err(StoreError::of(attempt))?;
    Ok(done.rows_affected() > 0)
}

/// Newest first, with smaller ids than `before`.
pub(crate) async fn list(
    connection: &mut SqliteConnection,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<JournalEntry>, StoreError> {
    let failed = StoreError::of("read the journal");
    let rows = sqlx::query("SELECT id, json, memory FROM journal WHERE id < ? ORDER BY id DESC LIMIT ?")
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit.min(MOST))
        .fetch_all(connection)
        .await
        .map_err(&failed)?;
    rows.iter()
        .filter_map(|row| read(row).map_err(&failed).transpose())
        .map(|read| Ok(read?.entry))
        .collect()
}

/// Not over, oldest first.
pub(crate) async fn open(connection: &mut SqliteConnection) -> Result<Vec<OpenEntry>, StoreError> {
    let failed = StoreError::of("read what is under way");
    let rows = sqlx::query("SELECT id, json, memory FROM journal WHERE ended_at IS NULL ORDER BY id")
        .fetch_all(connection)
        .await
        .map_err(&failed)?;
    rows.iter()
        .filter_map(|row| read(row).map_err(&failed).transpose())
        .collect()
}

fn read(row: &SqliteRow) -> Result<Option<OpenEntry>, sqlx::Error> {
    let id = row.try_get(0)?;
    let json: String = row.try_get(1)?;
    let memory = row.try_get(2)?;
    Ok(from_json::<JournalEntry>(&json).map(|entry| OpenEntry {
        entry: JournalEntry { id, ..entry },
        memory,
    }))
}

pub(crate) async fn prune(connection: &mut SqliteConnection, before: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM journal WHERE at < ? AND ended_at IS NOT NULL")
        .bind(micros(before))
        .execute(connection)
        .await
        .map_err(StoreError::of("prune the journal"))?;
    Ok(())
}
