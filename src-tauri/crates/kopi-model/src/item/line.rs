//! A delivery line, derived by the model (`link`), never reported by a source.

use serde::{Deserialize, Serialize};

use crate::{ConnectionName, ItemId, Scope};

/// Why a line's service is thought to be the one that runs this repository's branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum LineLink {
    /// Written in `kopi.toml`.
    Configured,
    /// The service runs an image whose tag names a commit or number of this branch's builds.
    SeenRunning {
        /// The build that made it.
        build: ItemId,
    },
    /// Same name and an environment that fits the branch: a guess, shown as one.
    SameName,
}

/// Where a line stands on the Board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum LineGroup {
    /// Something to look at, or waiting for a person.
    Wrong,
    /// On its way.
    Moving,
    /// Nothing to say.
    #[default]
    Quiet,
}

/// A repository and branch, the build that is newest on it and the service that runs it. Native id: `owner/repo@branch`
/// with `/connection:environment` behind it when a service is linked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Line {
    /// `line:kopi/owner/repo@branch`.
    pub id: ItemId,
    /// Always `kopi`.
    pub connection: ConnectionName,
    /// Always `lines`.
    pub scope: Scope,
    /// `owner/name`.
    pub repo: String,
    /// Branch.
    pub branch: String,
    /// Environment of the linked service.
    pub environment: Option<ItemId>,
    /// That environment's name.
    pub environment_name: Option<String>,
    /// That environment is production.
    pub production: bool,
    /// Newest build of the branch (pull requests do not count).
    pub build: Option<ItemId>,
    /// Newest build of the branch that passed: what should be running.
    pub passed: Option<ItemId>,
    /// Service that runs it.
    pub service: Option<ItemId>,
    /// Why that service.
    pub link: Option<LineLink>,
    /// Group on the Board.
    pub group: LineGroup,
    /// Waits for a person.
    pub asks: bool,
}
