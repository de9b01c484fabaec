//! Fills the fakes with the world as it stands when the day begins: Drone with its past, Rancher with what runs. What
//! is half-done in the story is half-done by Rancher's own rules: the upgrade is ordered and time passes.
//!
//! Refuses: states that the servers could not have come to.

mod cattle;
mod drone;

use std::collections::BTreeMap;

pub use cattle::{KeyPair, Keys, found, pace, seed_cattle};
pub use drone::{seed_drone, token_of};

/// Where things are at the fakes: ids by name.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Projects by environment's name.
    pub projects: BTreeMap<String, String>,
    hosts: BTreeMap<(String, String), String>,
    /// Keys made.
    pub keys: Keys,
}

impl Places {
    /// A host's id by its environment's name and its own.
    pub fn host(&self, environment: &str, host: &str) -> Option<String> {
        self.hosts.get(&(environment.to_owned(), host.to_owned())).cloned()
    }

    /// Environment's name by project id.
    pub fn environment(&self, project: &str) -> Option<&str> {
        let mut all = self.projects.iter();
        all.find(|(_, id)| *id == project).map(|(name, _)| name.as_str())
    }
}
