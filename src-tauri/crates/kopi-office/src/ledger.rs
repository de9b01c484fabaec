//! The office's own books: every push and what became of it, every image and the commit in it. Kept beside the servers,
//! never read from them, so that `GET /truth` can be held against what they answer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kopi_model::BuildStatus;
use serde::Serialize;

/// A build, by repository and number.
pub type BuildKey = (String, u64);

/// What became of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// The build server took it.
    Delivered,
    /// The build server refused it: nothing builds.
    Refused,
    /// The repository is not built.
    Inactive,
}

/// A push.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PushRecord {
    /// `ihealth/web`.
    pub repo: String,
    /// Branch.
    pub branch: String,
    /// Sha.
    pub sha: String,
    /// Login.
    pub author: String,
    /// Message.
    pub message: String,
    /// When.
    pub at: Timestamp,
    /// What became of the hook.
    pub hook: Hook,
    /// The build it made.
    pub number: Option<u64>,
}

/// A build.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BuildRecord {
    /// `ihealth/web`.
    pub repo: String,
    /// Number.
    pub number: u64,
    /// Restarted or promoted from.
    pub parent: Option<u64>,
    /// The server's event word.
    pub event: String,
    /// Branch.
    pub branch: String,
    /// Sha.
    pub sha: String,
    /// Login.
    pub author: String,
    /// Message.
    pub message: String,
    /// Kopi's word.
    pub status: BuildStatus,
    /// Step that failed.
    pub failed_step: Option<String>,
    /// Deploy target.
    pub environment: Option<String>,
    /// Version it is to publish, where that is not named after the sha.
    pub version: Option<String>,
    /// Image it published.
    pub image: Option<String>,
    /// Queued.
    pub created_at: Timestamp,
    /// Picked up.
    pub started_at: Option<Timestamp>,
    /// Ended.
    pub finished_at: Option<Timestamp>,
}

/// What an image was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageRecord {
    /// `ihealth/web`.
    pub repo: String,
    /// Sha.
    pub sha: String,
    /// Build's number.
    pub number: u64,
}

/// A deploy that a build asked for, or a person's act that the office has heard of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeedRecord {
    /// When.
    pub at: Timestamp,
    /// `build ihealth/web#877`, or a person's name.
    pub by: String,
    /// What, in the server's words.
    pub what: String,
    /// To what.
    pub target: String,
    /// What came of it.
    pub result: String,
}

/// Deeds that are kept.
const DEEDS_KEPT: usize = 2_000;

/// The books.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Pushes, oldest first.
    pub pushes: Vec<PushRecord>,
    /// Builds.
    pub builds: BTreeMap<BuildKey, BuildRecord>,
    /// Images by reference.
    pub images: BTreeMap<String, ImageRecord>,
    /// Deploys and acts, oldest first.
    pub deeds: Vec<DeedRecord>,
    /// Commits that are wrong, and the step that says so.
    pub wrong: BTreeMap<(String, String), String>,
}

impl Ledger {
    /// Changes a build's record.
    pub fn change(&mut self, repo: &str, number: u64, change: impl FnOnce(&mut BuildRecord)) {
        if let Some(record) = self.builds.get_mut(&(repo.to_owned(), number)) {
            change(record);
        }
    }

    /// Notes a deed.
    pub fn note(&mut self, deed: DeedRecord) {
        if self.deeds.len() >= DEEDS_KEPT {
            self.deeds.drain(..DEEDS_KEPT / 4);
        }
        self.deeds.push(deed);
    }
}
