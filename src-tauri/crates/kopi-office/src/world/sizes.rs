//! The three sizes. `team` is the story; `small` is cut out of it; `large` adds the apps of a hundred clinics.

use super::fleet::{self, ServicePlan, StackPlan, Standing};
use super::repos::{self, Confirm, Craft, OWNER, RepoPlan, image};
use super::{EnvironmentPlan, Size, World};

/// Services in `large`.
pub const LARGE_SERVICES: usize = 500;
/// Builds known in `large` when the day begins.
pub const LARGE_BUILDS: usize = 5_000;
/// Repositories that stay in `small`, each with the branches that stay.
const SMALL: [(&str, &str); 3] = [("bp-sync", "develop"), ("glucose-sync", "develop"), ("api", "master")];
/// Clinics a stack, so that no stack is endless.
const CLINICS_A_STACK: usize = 15;

/// The world of a size.
pub fn world(size: Size) -> World {
    let mut world = World {
        size,
        repos: repos::team(),
        environments: fleet::team(),
    };
    match size {
        Size::Team => {}
        Size::Small => cut(&mut world),
        Size::Large => grow(&mut world),
    }
    world
}

fn cut(world: &mut World) {
    world
        .repos
        .retain(|repo| SMALL.iter().any(|(name, _)| repo.name == *name));
    for repo in &mut world.repos {
        let name = repo.name.clone();
        repo.branches.retain(|branch| SMALL.contains(&(name.as_str(), *branch)));
    }
    for environment in &mut world.environments {
        for stack in &mut environment.stacks {
            stack
                .services
                .retain(|service| SMALL.iter().any(|(name, _)| service.name == *name));
        }
        environment.stacks.retain(|stack| !stack.services.is_empty());
    }
}

fn grow(world: &mut World) {
    let story = world.services().count();
    let builds: u64 = world
        .repos
        .iter()
        .filter(|repo| repo.active)
        .map(|repo| repo.past)
        .sum();
    let environments = world.environments.len().max(1);
    let missing = LARGE_SERVICES.saturating_sub(story);
    let clinics = missing.div_ceil(environments);
    let missing_builds = (LARGE_BUILDS as u64).saturating_sub(builds);
    let mut left = missing;
    for clinic in 0..clinics {
        let share = missing_builds / clinics as u64 + u64::from((clinic as u64) < missing_builds % clinics as u64);
        let repo = clinic_repo(clinic, share);
        for environment in &mut world.environments {
            if left == 0 {
                break;
            }
            left -= 1;
            add_clinic(environment, &repo);
        }
        world.repos.push(repo);
    }
}

fn clinic_repo(clinic: usize, past: u64) -> RepoPlan {
    let crafts = [Craft::Java, Craft::Node, Craft::Go];
    let owner = super::PEOPLE[clinic % super::PEOPLE.len()].login;
    RepoPlan {
        name: format!("clinic-{:03}", clinic + 1),
        craft: crafts[clinic % crafts.len()],
        owners: vec![owner],
        stack: format!("clinics-{:02}", clinic / CLINICS_A_STACK + 1),
        active: true,
        gated: false,
        confirm: Confirm::Always,
        usual_s: 90 + (clinic as u32 * 7) % 120,
        branches: vec!["develop"],
        next_number: past + 1,
        past,
    }
}

fn add_clinic(environment: &mut EnvironmentPlan, repo: &RepoPlan) {
    let tag = match environment.name {
        "dev" => "dev-0000000",
        "staging" => "1.1.0-rc.1",
        _ => "1.0.0",
    };
    let service = ServicePlan {
        name: repo.name.clone(),
        image: image(&repo.name, tag),
        scale: 1,
        global: false,
        port: Some(8080),
        checked: true,
        reached_at: Some(format!("{}.{}.{OWNER}.company.com", repo.name, environment.name)),
        sidekicks: Vec::new(),
        variables: Vec::new(),
        labels: Vec::new(),
        up_min: 3 * 24 * 60,
        before: None,
        tried: None,
        standing: Standing::Running,
        places: Vec::new(),
    };
    match environment.stacks.iter_mut().find(|stack| stack.name == repo.stack) {
        Some(stack) => stack.services.push(service),
        None => environment.stacks.push(StackPlan {
            name: repo.stack.clone(),
            description: "apps of clinics",
            services: vec![service],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{LARGE_BUILDS, LARGE_SERVICES};
    use crate::world::{Size, World};

    fn counts(size: Size) -> (usize, usize) {
        let world = World::new(size);
        (world.lines().count(), world.services().count())
    }

    #[test]
    fn sizes_have_the_promised_counts() {
        assert_eq!(counts(Size::Small).0, 3);
        assert_eq!(counts(Size::Team), (23, 63));
        assert_eq!(counts(Size::Large).1, LARGE_SERVICES);
        let past: u64 = World::new(Size::Large)
            .repos
            .iter()
            .filter(|repo| repo.active)
            .map(|repo| repo.past)
            .sum();
        assert_eq!(past, LARGE_BUILDS as u64);
    }

    #[test]
    fn environments_are_those_of_the_story() {
        let world = World::new(Size::Team);
        let each: Vec<(&str, usize, usize)> = world
            .environments
            .iter()
            .map(|environment| {
                let services = environment.stacks.iter().map(|stack| stack.services.len()).sum();
                (environment.name, services, environment.hosts.len())
            })
            .collect();
        assert_eq!(each, [("dev", 24, 2), ("staging", 19, 3), ("production", 20, 7)]);
    }

    #[test]
    fn every_line_has_its_service() {
        for size in [Size::Small, Size::Team, Size::Large] {
            let world = World::new(size);
            for (repo, branch) in world.lines() {
                let environment = crate::world::repos::environment_of(branch).unwrap();
                assert!(
                    world.services().any(|(at, stack, service)| at.name == environment
                        && stack.name == repo.stack
                        && service.name == repo.name),
                    "{}@{branch}",
                    repo.name
                );
            }
        }
    }
}
