//! History of builds: the newest report of each.

use jiff::Timestamp;
use kopi_model::{Build, BuildStatus};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::{MOST, from_json, micros, to_json};
use crate::StoreError;

pub(crate) const CREATE: &str = "
CREATE TABLE builds (
    id TEXT PRIMARY KEY NOT NULL,
    connection TEXT NOT NULL,
    repo TEXT NOT NULL,
    branch TEXT NOT NULL,
    number INTEGER NOT NULL,
    status TEXT NOT NULL,
    at INTEGER NOT NULL,
    finished_at INTEGER,
    seconds INTEGER,
    json TEXT NOT NULL
);
CREATE INDEX builds_by_time ON builds (at DESC);
CREATE INDEX builds_by_repo ON builds (repo, at DESC);
CREATE INDEX builds_by_line ON builds (repo, branch, at DESC);
";

/// Which builds of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryAsk {
    /// `owner/name`; none: all.
    pub repo: Option<String>,
    /// Branch; none: all.
    pub branch: Option<String>,
    /// Begun before this.
    pub before: Option<Timestamp>,
    /// At most; never more than 500.
    pub limit: u32,
}

pub(crate) async fn put(connection: &mut SqliteConnection, build: &Build) -> Result<(), StoreError> {
    let attempt = "write a build";
    let at = build.created_at.or(build.started_at).or(build.finished_at);
    let seconds = build
        .started_at
        .zip(build.finished_at)
        .map(|(from, to)| to.as_second() - from.as_second());
    sqlx::query(
        "INSERT INTO builds (id, connection, repo, branch, number, status, at, finished_at, seconds, json)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET repo = excluded.repo, branch = excluded.branch, number = excluded.number,
             status = excluded.status, at = excluded.at, finished_at = excluded.finished_at,
             seconds = excluded.seconds, json = excluded.json",
    )
    .bind(build.id.as_str())
    .bind(build.connection.as_str())
    .bind(&build.repo)
    .bind(&build.branch)
    .bind(i64::try_from(build.number).unwrap_or(i64::MAX))
    .bind(word(build.status))
    .bind(at.map_or(0, micros))
    .bind(build.finished_at.map(micros))
    .bind(seconds.filter(|seconds| *seconds >= 0))
    .bind(to_json(build, attempt)?)
    .execute(connection)
    .await
    .map_err(StoreError::of(attempt))?;
    Ok(())
}

/// Newest first.
pub(crate) async fn history(connection: &mut SqliteConnection, ask: &HistoryAsk) -> Result<Vec<Build>, StoreError> {
    let before = ask.before.map_or(i64::MAX, micros);
    let limit = ask.limit.min(MOST);
    // One statement a case, each with its index.
    let query = match (&ask.repo, &ask.branch) {
        (Some(repo), Some(branch)) => sqlx::query(
            "SELECT json FROM builds WHERE repo = ? AND branch = ? AND at < ? ORDER BY at DESC, number DESC LIMIT ?",
        )
        .bind(repo)
        .bind(branch),
        (Some(repo), None) => {
            sqlx::query("SELECT json FROM builds WHERE repo = ? AND at < ? ORDER BY at DESC, number DESC LIMIT ?")
                .bind(repo)
        }
        (None, Some(branch)) => {
            sqlx::query("SELECT json FROM builds WHERE branch = ? AND at < ? ORDER BY at DESC, number DESC LIMIT ?")
                .bind(branch)
        }
        (None, None) => sqlx::query("SELECT json FROM builds WHERE at < ? ORDER BY at DESC, number DESC LIMIT ?"),
    };
    let failed = StoreError::of("read the history");
    let rows = query
        .bind(before)
        .bind(limit)
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

/// Seconds the newest passed builds of a line took, newest first.
pub(crate) async fn durations(
    connection: &mut SqliteConnection,
    repo: &str,
    branch: &str,
    limit: u32,
) -> Result<Vec<u32>, StoreError> {
    let failed = StoreError::of("read how long builds take");
    let rows = sqlx::query(
        "SELECT seconds FROM builds WHERE repo = ? AND branch = ? AND status = 'passed' AND seconds IS NOT NULL
         ORDER BY at DESC LIMIT ?",
    )
    .bind(repo)
    .bind(branch)
    .bind(limit.min(MOST))
    .fetch_all(connection)
    .await
    .map_err(&failed)?;
    rows.iter()
        .map(|row| row.try_get::<u32, _>(0).map_err(&failed))
        .collect()
}

pub(crate) async fn prune(connection: &mut SqliteConnection, before: Timestamp) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM builds WHERE at < ?")
        .bind(micros(before))
        .execute(connection)
        .await
        .map_err(StoreError::of("prune the history"))?;
    Ok(())
}

/// Drops the oldest tenth. False when there was nothing left to drop.
pub(crate) async fn drop_oldest(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "DELETE FROM builds WHERE id IN
         (SELECT id FROM builds ORDER BY at LIMIT (SELECT MAX(1, COUNT(*) / 10) FROM builds))",
    )
    .execute(connection)
    .await
    .map_err(StoreError::of("prune the history"))?;
    Ok(done.rows_affected() > 0)
}

fn word(status: BuildStatus) -> &'static str {
    match status {
        BuildStatus::Waiting => "waiting",
        BuildStatus::Running => "running",
        BuildStatus::Passed => "passed",
        BuildStatus::Failed => "failed",
        BuildStatus::Errored => "errored",
        BuildStatus::Cancelled => "cancelled",
        BuildStatus::Blocked => "blocked",
        BuildStatus::Declined => "declined",
        BuildStatus::Skipped => "skipped",
        BuildStatus::Unknown => "unknown",
    }
}
