//! What can go wrong with the store.

use kopi_model::wire::{ApiError, ErrorCode};

/// Why something could not be remembered or recalled.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A newer Kopi has written the file; it was left alone.
    #[error("open the database {path}: it was written by a newer Kopi (form {found}, this one knows {known})")]
    Newer {
        /// Where.
        path: String,
        /// Form of the file.
        found: u32,
        /// Newest form known here.
        known: u32,
    },
    /// The file is damaged; the next start sets it aside.
    #[error("{attempt}: the database is damaged")]
    Damaged {
        /// What was attempted.
        attempt: &'static str,
    },
    /// It was closed: Kopi is on its way out.
    #[error("use the database: it is closed")]
    Closed,
    /// Disk, rights, lock.
    #[error("{attempt}: {cause}")]
    Database {
        /// What was attempted.
        attempt: &'static str,
        /// What SQLite says.
        cause: sqlx::Error,
    },
    /// The folder or file cannot be used.
    #[error("{attempt} {path}: {cause}")]
    File {
        /// What was attempted.
        attempt: &'static str,
        /// Which file.
        path: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Something cannot be written as JSON; never seen.
    #[error("{attempt}: {cause}")]
    Form {
        /// What was attempted.
        attempt: &'static str,
        /// Why.
        cause: serde_json::Error,
    },
}

impl StoreError {
    /// With SQLite's verdict that the file is damaged told apart.
    pub(crate) fn of(attempt: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |cause| {
            if is_damage(&cause) {
                Self::Damaged { attempt }
            } else {
                Self::Database { attempt, cause }
            }
        }
    }
}

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`, with their extended forms (the low byte is the primary code).
pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    let code = error
        .code()
        .and_then(|code| code.parse::<u32>().ok())
        .unwrap_or_default();
    matches!(code & 0xff, 11 | 26)
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let (code, hint) = match &error {
            StoreError::Newer { .. } => (
                ErrorCode::StoreNewer,
                "install the newer Kopi again, or move the database away; it was not touched",
            ),
            StoreError::Damaged { .. } => (
                ErrorCode::Store,
                "start Kopi again: the damaged file is then set aside and a new one begun",
            ),
            StoreError::Closed => (ErrorCode::Store, "Kopi is ending"),
            StoreError::Database { .. } | StoreError::File { .. } => {
                (ErrorCode::Store, "is the disk full, may Kopi write there?")
            }
            StoreError::Form { .. } => (ErrorCode::Internal, "please report this"),
        };
        Self::new(code, error.to_string().to_lowercase()).hint(hint)
    }
}
