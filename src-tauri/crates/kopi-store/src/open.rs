//! Opening the file: the form is brought up to date, a newer one is refused untouched, a damaged one set aside.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, Row};

use crate::StoreError;
use crate::error::is_damage;
use crate::tables::{FORM, MIGRATIONS};

/// How the file was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// There was none.
    Fresh,
    /// It was there and whole.
    Existing,
    /// It was damaged: it is here now, and a new one was begun.
    SetAside {
        /// The damaged file's new place.
        to: PathBuf,
    },
}

/// Up to this size the file is always read through at the start (some 0.1 s); above only when Kopi died.
const ALWAYS_CHECKED: u64 = 50 * 1024 * 1024;

/// One connection for what may be lost in a power cut, one whose writes are on disk when they return.
pub(crate) struct Pair {
    pub(crate) fast: SqliteConnection,
    pub(crate) safe: SqliteConnection,
}

pub(crate) async fn open(path: &Path, now: Timestamp) -> Result<(Pair, Opened), StoreError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(file("make the folder", folder))?;
    }
    let found = look(path)?;
    if found == Found::Damaged || marker(path).exists() {
        return begin_anew(path, now).await;
    }
    match connect(path).await {
        Ok(pair) => Ok((
            pair,
            if found == Found::Nothing {
                Opened::Fresh
            } else {
                Opened::Existing
            },
        )),
        Err(StoreError::Damaged { .. }) => begin_anew(path, now).await,
        Err(other) => Err(other),
    }
}

/// Remembers over the end of the process that the file is damaged.
pub(crate) fn mark_damaged(path: &Path) {
    // When even this cannot be written, the next start finds the damage by itself or not at all.
    let _ = std::fs::write(
        marker(path),
        b"found damaged while in use; set aside at the next start\n",
    );
}

#[derive(PartialEq)]
enum Found {
    Nothing,
    Whole,
    Damaged,
}

/// Reads the head of the file without SQLite, so that a newer one stays as it is, byte for byte.
fn look(path: &Path) -> Result<Found, StoreError> {
    let mut head = [0; 100];
    let mut file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            create_private(path)?;
            return Ok(Found::Nothing);
        }
        opened => opened.map_err(self::file("open", path))?,
    };
    let length = file.metadata().map_err(self::file("open", path))?.len();
    if length == 0 {
        return Ok(Found::Nothing);
    }
    if file.read_exact(&mut head).is_err() || !is_head(&head) {
        return Ok(Found::Damaged);
    }
    let form = u32::from_be_bytes([head[60], head[61], head[62], head[63]]);
    if form > FORM {
        return Err(newer(path, form));
    }
    Ok(Found::Whole)
}

/// The words at the beginning, and the three fractions that are the same in every SQLite file: else a file of garbage
/// might be taken for one of a newer Kopi, and refused for ever.
fn is_head(head: &[u8; 100]) -> bool {
    head.starts_with(b"SQLite format 3\0") && head[21..24] == [64, 32, 32]
}

#[cfg(unix)]
fn create_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map(drop).map_err(file("make", path))
}

#[cfg(not(unix))]
fn create_private(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

async fn connect(path: &Path) -> Result<Pair, StoreError> {
    let died = beside(path, "-wal").metadata().is_ok_and(|wal| wal.len() > 0);
    let size = path.metadata().map(|file| file.len()).unwrap_or_default();
    let mut fast = one(path, SqliteSynchronous::Normal).await?;
    let form = form_of(&mut fast).await?;
    if form > FORM {
        return Err(newer(path, form));
    }
    if size > 0 && (died || size <= ALWAYS_CHECKED) {
        check(&mut fast).await?;
    }
    migrate(&mut fast, form).await?;
    let safe = one(path, SqliteSynchronous::Full).await?;
    Ok(Pair { fast, safe })
}

async fn one(path: &Path, synchronous: SqliteSynchronous) -> Result<SqliteConnection, StoreError> {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(Duration::from_secs(5))
        // Kilobytes: a quiet agent should weigh little.
        .pragma("cache_size", "-1024")
        .disable_statement_logging()
        .connect()
        .await
        .map_err(StoreError::of("open the database"))
}

async fn form_of(connection: &mut SqliteConnection) -> Result<u32, StoreError> {
    let failed = StoreError::of("read the form of the database");
    let row = connection.fetch_one("PRAGMA user_version").await.map_err(&failed)?;
    row.try_get::<u32, _>(0).map_err(failed)
}

async fn check(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let attempt = "check the database";
    let row = connection
        .fetch_one("PRAGMA quick_check(1)")
        .await
        .map_err(StoreError::of(attempt))?;
    let verdict: String = row.try_get(0).map_err(StoreError::of(attempt))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(StoreError::Damaged { attempt })
    }
}

/// Each step and its number are written together: a kill in between leaves the old form.
async fn migrate(connection: &mut SqliteConnection, form: u32) -> Result<(), StoreError> {
    for step in MIGRATIONS.iter().skip(form as usize) {
        let failed = StoreError::of("bring the database up to date");
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        for part in *step {
            sqlx::raw_sql(*part).execute(&mut *transaction).await.map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)?;
    }
    Ok(())
}

async fn begin_anew(path: &Path, now: Timestamp) -> Result<(Pair, Opened), StoreError> {
    let to = set_aside(path, now)?;
    create_private(path)?;
    let pair = connect(path).await?;
    tracing::warn!(to = %to.display(), "the database was damaged and has been set aside");
    Ok((pair, Opened::SetAside { to }))
}

fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, StoreError> {
    let day = now.strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
    let mut to = beside(path, &format!(".damaged-{day}"));
    let mut more = 1;
    while to.exists() {
        more += 1;
        to = beside(path, &format!(".damaged-{day}-{more}"));
    }
    std::fs::rename(path, &to).map_err(file("set aside the damaged database", path))?;
    for tail in ["-wal", "-shm"] {
        let from = beside(path, tail);
        if from.exists() {
            // Left behind it would be taken for the new file's.
            std::fs::rename(&from, beside(&to, tail)).map_err(file("set aside", &from))?;
        }
    }
    let marker = marker(path);
    if marker.exists() {
        std::fs::remove_file(&marker).map_err(file("remove", &marker))?;
    }
    Ok(to)
}

fn marker(path: &Path) -> PathBuf {
    beside(path, ".is-damaged")
}

fn beside(path: &Path, tail: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(tail);
    name.into()
}

fn newer(path: &Path, found: u32) -> StoreError {
    StoreError::Newer {
        path: path.display().to_string(),
        found,
        known: FORM,
    }
}

fn file(attempt: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.display().to_string();
    move |cause| StoreError::File { attempt, path, cause }
}

/// So that a run-time failure can be told from damage where the path is at hand.
pub(crate) fn note_damage(path: &Path, error: &StoreError) {
    let damaged = match error {
        StoreError::Damaged { .. } => true,
        StoreError::Database { cause, .. } => is_damage(cause),
        _ => false,
    };
    if damaged {
        mark_damaged(path);
    }
}
