//! Notices of the past, and which facts were told: once per fact, over restarts too.

use jiff::Timestamp;
use kopi_model::wire::NoticeRecord;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::{MOST, from_json, micros, to_json};
use crate::StoreError;

pub(crate) const CREATE: &str = "
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    json TEXT NOT NULL
);
CREATE TABLE notice_keys (
    key TEXT PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;
";

pub(crate) async fn put(connection: &mut SqliteConnection, notice: &NoticeRecord) -> Result<(), StoreError> {
    let attempt = "write a notice";
    sqlx::query("INSERT INTO notices (at, json) VALUES (?, ?)")
        .bind(micros(notice.at))
        .bind(to_json(notice, attempt)?)
        .execute(connection)
        .await
        .map_err(StoreError::of(attempt))?;
    Ok(())
}

/// Newest first.
pub(crate) async fn list(connection: &mut SqliteConnection, limit: u32) -> Result<Vec<NoticeRecord>, StoreError> {
    let failed = StoreError::of("read the notices");
    let rows = sqlx::query("SELECT json FROM notices ORDER BY id DESC LIMIT ?")
        .bind(limit.min(MOST))
        .fetch_all(connection)
        .await
        .map_err(&failed)?;
    rows.iter()
        .filter_map(|row| {
            row.try_get::<String, _>(0)
                .map(|json| from_json(&json))
                .map_err(&failed)
                .transpose()
        })
        .collect()
}

/// True the first time.
pub(crate) async fn take_key(connection: &mut SqliteConnection, key: &str, at: Timestamp) -> Result<bool, StoreError> {
    let done = sqlx::query("INSERT INTO notice_keys (key, at) VALUES (?, ?) ON CONFLICT (key) DO NOTHING")
        .bind(key)
        .bind(micros(at))
        .execute(connection)
        .await
        .map_err(StoreError::of("write what was told"))?;
    Ok(done.rows_affected() > 0)
}

/// Keys live longer than notices: an old build that is listed again must not be told again.
pub(crate) async fn prune(
    connection: &mut SqliteConnection,
    before: Timestamp,
    keys_before: Timestamp,
) -> Result<(), StoreError> {
    let failed = StoreError::of("prune the notices");
    sqlx::query("DELETE FROM notices WHERE at < ?")
        .bind(micros(before))
        .execute(&mut *connection)
        .await
        .map_err(&failed)?;
    sqlx::query("DELETE FROM notice_keys WHERE at < ?")
        .bind(micros(keys_before))
        .execute(connection)
        .await
        .map_err(&failed)?;
    Ok(())
}
