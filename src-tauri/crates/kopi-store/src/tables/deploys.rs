//! History of deploys: one row for a service and a beginning.

use jiff::Timestamp;
use kopi_model::ItemId;
use kopi_model::wire::DeployRecord;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::{MOST, from_json, micros, to_json};
use crate::StoreError;

pub(crate) const CREATE: &str = "
CREATE TABLE deploys (
    service TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    result TEXT,
    json TEXT NOT NULL,
    PRIMARY KEY (service, started_at)
);
CREATE INDEX deploys_by_time ON deploys (started_at DESC);
";

/// Begins one, or writes its end.
pub(crate) async fn put(connection: &mut SqliteConnection, deploy: &DeployRecord) -> Result<(), StoreError> {
    let attempt = "write a deploy";
    sqlx::query(
        "INSERT INTO deploys (service, started_at, ended_at, result, json) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (service, started_at) DO UPDATE SET ended_at = excluded.ended_at, result = excluded.result,
             json = excluded.json",
    )
    .bind(deploy.service.as_str())
    .bind(micros(deploy.started_at))
    .bind(deploy.ended_at.map(micros))
    .bind(deploy.result.as_deref())
    .bind(to_json(deploy, attempt)?)
    .execute(connection)
    .await
    .map_err(StoreError::of(attempt))?;
    Ok(())
}

/// Newest first.
pub(crate) async fn list(
    connection: &mut SqliteConnection,
    service: Option<&ItemId>,
    limit: u32,
) -> Result<Vec<DeployRecord>, StoreError> {
    let query = match service {
        Some(service) => sqlx::query("SELECT json FROM deploys WHERE service = ? ORDER BY started_at DESC LIMIT ?")
            .bind(service.as_str()),
        None => sqlx::query("SELECT json FROM deploys ORDER BY started_at DESC LIMIT ?"),
    };
    let failed = StoreError::of("read the deploys");
    let rows = query
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

/// Under way, oldest first.
pub(crate) async fn open(connection: &mut SqliteConnection) -> Result<Vec<DeployRecord>, StoreError> {
    let failed = StoreError::of("read the deploys under way");
    let rows = sqlx::query("SELECT json FROM deploys WHERE ended_at IS NULL ORDER BY started_at")
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

pub(crate) async fn prune(connection: &mut SqliteConnection, before: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM deploys WHERE started_at < ? AND ended_at IS NOT NULL")
        .bind(micros(before))
        .execute(connection)
        .await
        .map_err(StoreError::of("prune the deploys"))?;
    Ok(())
}
