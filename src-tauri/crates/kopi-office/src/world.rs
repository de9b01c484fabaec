//! The world: people, repositories, environments, hosts, services, in three sizes (`office.md`).
//!
//! Refuses: time. What happens is [`crate::laws`] and [`crate::plot`].

pub mod fleet;
pub mod people;
pub mod repos;
pub mod sizes;

use serde::{Deserialize, Serialize};

pub use fleet::{EnvironmentPlan, HostPlan, Place, ServicePlan, StackPlan, Standing};
pub use people::{DESK, PEOPLE, Person};
pub use repos::{Craft, RepoPlan};

/// How big the company is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// Three lines.
    Small,
    /// 23 lines, some 60 services: the story.
    #[default]
    Team,
    /// 500 services and 5,000 builds: what the figures are measured on.
    Large,
}

/// Everything there is when the day begins.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// How big.
    pub size: Size,
    /// Repositories.
    pub repos: Vec<RepoPlan>,
    /// Environments.
    pub environments: Vec<EnvironmentPlan>,
}

impl World {
    /// The world of a size.
    pub fn new(size: Size) -> Self {
        sizes::world(size)
    }

    /// A repository by its short or full name.
    pub fn repo(&self, name: &str) -> Option<&RepoPlan> {
        let short = name.strip_prefix("ihealth/").unwrap_or(name);
        self.repos.iter().find(|repo| repo.name == short)
    }

    /// Lines the Board shows on the first day: each branch that is built.
    pub fn lines(&self) -> impl Iterator<Item = (&RepoPlan, &'static str)> {
        self.repos
            .iter()
            .filter(|repo| repo.active)
            .flat_map(|repo| repo.branches.iter().map(move |branch| (repo, *branch)))
    }

    /// All services with their environment and stack.
    pub fn services(&self) -> impl Iterator<Item = (&EnvironmentPlan, &StackPlan, &ServicePlan)> {
        self.environments.iter().flat_map(|environment| {
            environment
                .stacks
                .iter()
                .flat_map(move |stack| stack.services.iter().map(move |service| (environment, stack, service)))
        })
    }
}
