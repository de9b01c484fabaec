//! The tables, and the steps that lead from one form of the file to the next.
//!
//! Refuses: changing a step that was released; a new form is a new step.

pub(crate) mod builds;
pub(crate) mod cache;
pub(crate) mod deploys;
pub(crate) mod journal;
pub(crate) mod kept;
pub(crate) mod notices;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// Newest form.
pub(crate) const FORM: u32 = MIGRATIONS.len() as u32;

/// Step `n` leads from form `n` to `n + 1`; its last part writes the number.
pub(crate) const MIGRATIONS: &[&[&str]] = &[&[
    builds::CREATE,
    deploys::CREATE,
    journal::CREATE,
    cache::CREATE,
    notices::CREATE,
    kept::CREATE,
    "PRAGMA application_id = 1802465385; PRAGMA user_version = 1;",
]];

/// At most so many rows are ever read at once.
pub(crate) const MOST: u32 = 500;

pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

pub(crate) fn to_json<T: Serialize>(value: &T, attempt: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|cause| StoreError::Form { attempt, cause })
}

/// Rows of an older Kopi that cannot be read any more are left out: history is worth less than a start.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Option<T> {
    match serde_json::from_str(text) {
        Ok(value) => Some(value),
        Err(error) => {
            tracing::debug!(%error, "a stored row cannot be read and is left out");
            None
        }
    }
}
