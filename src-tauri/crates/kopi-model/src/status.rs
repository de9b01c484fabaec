//! The one normalised set of states that the whole program uses (design § 2).
//!
//! Refuses: guessing. Whatever a server says that is not known becomes `Unknown`, and unknown is never ok.

use serde::{Deserialize, Serialize};

/// Status of a build or of one of its steps (`apis/drone.md § 3.1` maps each server's words).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum BuildStatus {
    /// Queued, nothing in it yet.
    Waiting,
    /// Under way.
    Running,
    /// Ended well.
    Passed,
    /// The code is wrong.
    Failed,
    /// The machinery is wrong, not the code.
    Errored,
    /// Somebody stopped it.
    Cancelled,
    /// Waits for a person.
    Blocked,
    /// A person said no.
    Declined,
    /// Passed by on purpose.
    Skipped,
    /// The server said something we do not know.
    #[default]
    Unknown,
}

impl BuildStatus {
    /// Will not change any more (a server may still correct one final status to another).
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Passed | Self::Failed | Self::Errored | Self::Cancelled | Self::Declined | Self::Skipped
        )
    }

    /// Failed or errored.
    pub fn is_broken(self) -> bool {
        matches!(self, Self::Failed | Self::Errored)
    }

    /// Order of progress, for merging answers that arrive out of order (`apis/drone.md § 8.3` rule 5).
    pub fn rank(self) -> u8 {
        match self {
            Self::Unknown | Self::Blocked => 0,
            Self::Waiting => 1,
            Self::Running => 2,
            _ => 3,
        }
    }
}

/// Status of a living thing: service, container, host, stack, environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum LiveStatus {
    /// Alive and whole.
    Ok,
    /// Between two states.
    Working,
    /// Alive, not whole.
    Degraded,
    /// Broken.
    Failed,
    /// Not alive, on purpose.
    Stopped,
    /// Cannot tell.
    #[default]
    Unknown,
}
