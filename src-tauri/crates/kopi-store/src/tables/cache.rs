//! The live items of the last run, so that a start shows the picture before any server answers.

use std::sync::Arc;

use jiff::Timestamp;
use kopi_model::{ConnectionName, Item, ItemId, Scope};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::{from_json, micros, to_json};
use crate::StoreError;

pub(crate) const CREATE: &str = "
CREATE TABLE cache (
    id TEXT PRIMARY KEY NOT NULL,
    connection TEXT NOT NULL,
    json TEXT NOT NULL
);
CREATE INDEX cache_by_connection ON cache (connection);
CREATE TABLE cache_scopes (
    connection TEXT NOT NULL,
    scope TEXT NOT NULL,
    as_of INTEGER NOT NULL,
    PRIMARY KEY (connection, scope)
);
";

/// What a few changes of the model mean for the store. Written in one transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Builds for the history; other items are passed over.
    pub builds: Vec<Arc<Item>>,
    /// Items for the cache.
    pub cache_upserts: Vec<Arc<Item>>,
    /// Items that leave the cache.
    pub cache_gone: Vec<ItemId>,
    /// Scopes and when they were listed well.
    pub scopes: Vec<(ConnectionName, Scope, Timestamp)>,
}

/// What the cache remembers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CachedWorld {
    /// Items.
    pub items: Vec<Item>,
    /// Scopes and when they were listed well.
    pub scopes: Vec<(ConnectionName, Scope, Timestamp)>,
}

pub(crate) async fn put(connection: &mut SqliteConnection, item: &Item) -> Result<(), StoreError> {
    let attempt = "write to the cache";
    sqlx::query(
        "INSERT INTO cache (id, connection, json) VALUES (?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET json = excluded.json",
    )
    .bind(item.id().as_str())
    .bind(item.connection().as_str())
    .bind(to_json(item, attempt)?)
    .execute(connection)
    .await
    .map_err(StoreError::of(attempt))?;
    Ok(())
}

pub(crate) async fn remove(connection: &mut SqliteConnection, id: &ItemId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM cache WHERE id = ?")
        .bind(id.as_str())
        .execute(connection)
        .await
        .map_err(StoreError::of("remove from the cache"))?;
    Ok(())
}

pub(crate) async fn put_scope(
    connection: &mut SqliteConnection,
    (name, scope, as_of): &(ConnectionName, Scope, Timestamp),
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO cache_scopes (connection, scope, as_of) VALUES (?, ?, ?)
         ON CONFLICT (connection, scope) DO UPDATE SET as_of = excluded.as_of",
    )
    .bind(name.as_str())
    .bind(scope.as_str())
    .bind(micros(*as_of))
    .execute(connection)
    .await
    .map_err(StoreError::of("write to the cache"))?;
    Ok(())
}

pub(crate) async fn load(connection: &mut SqliteConnection) -> Result<CachedWorld, StoreError> {
    let failed = StoreError::of("read the cache");
    let mut world = CachedWorld::default();
    for row in sqlx::query("SELECT json FROM cache")
        .fetch_all(&mut *connection)
        .await
        .map_err(&failed)?
    {
        let json: String = row.try_get(0).map_err(&failed)?;
        world.items.extend(from_json::<Item>(&json));
    }
    let rows = sqlx::query("SELECT connection, scope, as_of FROM cache_scopes")
        .fetch_all(connection)
        .await
        .map_err(&failed)?;
    for row in rows {
        let name: String = row.try_get(0).map_err(&failed)?;
        let scope: String = row.try_get(1).map_err(&failed)?;
        let as_of: i64 = row.try_get(2).map_err(&failed)?;
        if let Ok(as_of) = Timestamp::from_microsecond(as_of) {
            world.scopes.push((name.into(), scope.into(), as_of));
        }
    }
    Ok(world)
}

/// A connection is no longer configured.
pub(crate) async fn forget(connection: &mut SqliteConnection, name: &ConnectionName) -> Result<(), StoreError> {
    let failed = StoreError::of("forget a connection");
    sqlx::query("DELETE FROM cache WHERE connection = ?")
        .bind(name.as_str())
        .execute(&mut *connection)
        .await
        .map_err(&failed)?;
    sqlx::query("DELETE FROM cache_scopes WHERE connection = ?")
        .bind(name.as_str())
        .execute(connection)
        .await
        .map_err(&failed)?;
    Ok(())
}
