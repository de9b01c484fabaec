//! The alphabet between a source and the engine (design § 5): list, then listen.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Item, ItemId};

/// One listing of a connection: `feed`, `environment:1a5`, `repo:ihealth/web`. An item belongs to exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(transparent)]
#[cfg_attr(test, ts(type = "string"))]
pub struct Scope(Arc<str>);

impl Scope {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Scope {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Scope {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self("".into())
    }
}

/// How much of its scope a listing covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Coverage {
    /// Everything: what is not named is gone.
    Complete,
    /// The newest so many: beyond them nothing is gone. Nothing of a `Newest` scope is ever gone by silence.
    Newest(usize),
    /// Everything since then; older items are not gone.
    Since(Timestamp),
}

/// What a source says. Between `Init` and `InitDone` of one scope come its `Seen`; an `Upsert` that arrives in between
/// beats an older `Seen` of the same item.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A listing begins.
    Init {
        /// Which.
        scope: Scope,
        /// How much of it.
        coverage: Coverage,
    },
    /// Named by the listing under way.
    Seen(Box<Item>),
    /// The listing ended well.
    InitDone(Scope),
    /// The listing could not be read: its items are stale, never gone. The watch goes on.
    InitFailed {
        /// Which.
        scope: Scope,
        /// Why, for the source bar (already worded, no secrets).
        why: String,
    },
    /// Changed, or new.
    Upsert(Box<Item>),
    /// Known to be gone.
    Gone(ItemId),
}

/// Whether a change may be told to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Happened while nobody watched: history and one digest, no single notices.
    CatchUp,
    /// Happened now.
    Live,
}
