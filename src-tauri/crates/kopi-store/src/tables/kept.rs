//! Small things kept over restarts by name: what is muted, until when focus lasts.

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use crate::StoreError;

pub(crate) const CREATE: &str = "
CREATE TABLE kept (
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) WITHOUT ROWID;
";

pub(crate) async fn get(connection: &mut SqliteConnection, name: &str) -> Result<Option<String>, StoreError> {
    let failed = StoreError::of("read what is kept");
    let row = sqlx::query("SELECT value FROM kept WHERE name = ?")
        .bind(name)
        .fetch_optional(connection)
        .await
        .map_err(&failed)?;
    row.map(|row| row.try_get(0).map_err(&failed)).transpose()
}

pub(crate) async fn put(connection: &mut SqliteConnection, name: &str, value: Option<&str>) -> Result<(), StoreError> {
    let query = match value {
        Some(value) => sqlx::query(
            "INSERT INTO kept (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value),
        None => sqlx::query("DELETE FROM kept WHERE name = ?").bind(name),
    };
    query
        .execute(connection)
        .await
        .map_err(StoreError::of("write what is kept"))?;
    Ok(())
}
