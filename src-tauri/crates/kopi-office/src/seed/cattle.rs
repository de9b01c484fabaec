//! Rancher as it stands when the day begins. Everything is made and upgraded at its own time in the past, oldest first,
//! and the fake's own engine does the rest.

use std::time::Duration;

use jiff::SignedDuration;
use kopi_sources::rancher::fake::{FakeCattle, NewHost, NewService, Pace, Role};
use serde_json::{Value, json};

use super::Places;
use crate::chance::Chance;
use crate::clock::OfficeClock;
use crate::world::{DESK, EnvironmentPlan, Place, ServicePlan, Standing, World, people};

/// The first stone: older than every service.
const FOUNDED_S: i64 = -130 * 86_400;
/// How long before its last upgrade a service was made.
const BEFORE_S: i64 = 10 * 86_400;
/// An upgrade of the past is over after this.
const UPGRADE_S: i64 = 90;
/// A slow restart by hand goes on for so long after the start.
const SLOW_RESTART: Duration = Duration::from_mins(4);

/// An API key pair. Made up: these servers hold nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPair {
    /// User name.
    pub access: String,
    /// Password.
    pub secret: String,
}

/// The keys there are.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// An account's: sees every environment.
    pub account: KeyPair,
    /// An account's that may only look.
    pub readonly: KeyPair,
    /// An environment's own, by its name.
    pub environments: Vec<(String, KeyPair)>,
}

/// The office's pace: nearly a real server's, but a host that is silent is missed sooner, so that two minutes away show
/// (`office.md`, 8:00).
pub fn pace() -> Pace {
    Pace {
        reconnecting: Duration::from_secs(20),
        disconnected: Duration::from_mins(1),
        ..Pace::default()
    }
}

/// A fake Rancher with its engine wound back to the founding.
pub fn found(clock: &OfficeClock, seed: u64) -> FakeCattle {
    FakeCattle::new(clock.at(SignedDuration::from_secs(FOUNDED_S)), pace(), seed)
}

/// What was done to a service, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    Make,
    Try,
    RollBack,
    Upgrade,
    Settle,
    Stop,
    RestartSlowly,
}

struct Planned<'a> {
    environment: &'a EnvironmentPlan,
    stack: &'a str,
    service: &'a ServicePlan,
    id: Option<String>,
}

/// Fills the fake Rancher, from its founding to the start of the day.
pub fn seed_cattle(cattle: &FakeCattle, world: &World, clock: &OfficeClock, chance: Chance) -> Places {
    let mut places = found_environments(cattle, world);
    places.keys = make_keys(cattle, &places, chance);
    let mut stacks = std::collections::BTreeMap::new();
    let mut planned: Vec<Planned<'_>> = Vec::new();
    let mut deeds: Vec<(i64, usize, Deed)> = Vec::new();
    for (environment, stack, service) in world.services() {
        let key = (environment.name.to_owned(), stack.name.clone());
        if !stacks.contains_key(&key)
            && let Some(project) = places.projects.get(environment.name)
        {
            stacks.insert(key, cattle.create_stack(project, &stack.name, false));
        }
        let index = planned.len();
        planned.push(Planned {
            environment,
            stack: &stack.name,
            service,
            id: None,
        });
        deeds.extend(deeds_of(service).into_iter().map(|(at, deed)| (at, index, deed)));
    }
    deeds.sort_unstable();
    for (at, index, deed) in deeds {
        cattle.tick(clock.at(SignedDuration::from_secs(at)));
        let planned = &mut planned[index];
        if deed == Deed::Make {
            let stack = stacks.get(&(planned.environment.name.to_owned(), planned.stack.to_owned()));
            planned.id = stack.and_then(|stack| cattle.create_service(stack, &new_service(planned.service)));
        }
        if let Some(id) = &planned.id {
            do_to(cattle, &places, planned.environment.name, planned.service, id, deed);
        }
    }
    for environment in &world.environments {
        for host in &environment.hosts {
            if let Some(id) = places.host(environment.name, &host.name) {
                cattle.set_host_load(&id, f64::from(host.cpu), f64::from(host.memory), 38.0);
            }
        }
    }
    places
}

fn found_environments(cattle: &FakeCattle, world: &World) -> Places {
    let mut places = Places::default();
    for environment in &world.environments {
        let project = cattle.create_project(environment.name);
        for host in &environment.hosts {
            let mut new = NewHost::new(&host.name, &host.address);
            new.memory_mb = host.memory_mb;
            let id = cattle.create_host(&project, &new);
            places
                .hosts
                .insert((environment.name.to_owned(), host.name.clone()), id);
        }
        places.projects.insert(environment.name.to_owned(), project);
    }
    places
}

fn make_keys(cattle: &FakeCattle, places: &Places, chance: Chance) -> Keys {
    let pair = |what: &str| KeyPair {
        access: chance.sha("", &format!("access {what}"))[..20].to_uppercase(),
        secret: chance.sha("", &format!("secret {what}")),
    };
    let name = people::find(DESK).map_or(DESK, |person| person.name);
    let all = |role: Role| {
        places
            .projects
            .values()
            .map(move |project| (project.as_str(), role))
            .collect::<Vec<_>>()
    };
    let keys = Keys {
        account: pair("account"),
        readonly: pair("readonly"),
        environments: places.projects.keys().map(|name| (name.clone(), pair(name))).collect(),
    };
    cattle.account_key(
        "1a101",
        name,
        &all(Role::Owner),
        &keys.account.access,
        &keys.account.secret,
    );
    cattle.account_key(
        "1a102",
        "readonly",
        &all(Role::Readonly),
        &keys.readonly.access,
        &keys.readonly.secret,
    );
    for (environment, key) in &keys.environments {
        if let Some(project) = places.projects.get(environment) {
            cattle.environment_key(project, &key.access, &key.secret);
        }
    }
    keys
}

fn deeds_of(service: &ServicePlan) -> Vec<(i64, Deed)> {
    let mut deeds = last_deeds(service);
    if let Some((_, upgraded, back)) = &service.tried {
        deeds.extend([(-upgraded * 60, Deed::Try), (-back * 60, Deed::RollBack)]);
    }
    deeds
}

fn last_deeds(service: &ServicePlan) -> Vec<(i64, Deed)> {
    let up = -service.up_min * 60;
    let upgraded = |from: i64| {
        vec![
            (up - from, Deed::Make),
            (up - 40, Deed::Upgrade),
            (up - 40 + UPGRADE_S, Deed::Settle),
        ]
    };
    match &service.standing {
        Standing::LeftOpen { .. } => upgraded(18 * 86_400),
        Standing::Stopped { .. } => vec![(up - BEFORE_S, Deed::Make), (up, Deed::Stop)],
        Standing::Restarting { .. } => vec![(up, Deed::Make), (-20, Deed::RestartSlowly)],
        Standing::Running if service.before.is_some() => upgraded(BEFORE_S),
        Standing::Running => vec![(up, Deed::Make)],
    }
}

/// What it ran before, where that is known.
fn first_image(service: &ServicePlan) -> &str {
    match &service.standing {
        Standing::LeftOpen { before, .. } => before,
        _ => service.before.as_deref().unwrap_or(&service.image),
    }
}

fn new_service(service: &ServicePlan) -> NewService {
    let mut new = NewService::new(&service.name, first_image(service)).scale(service.scale);
    if let Some(port) = service.port.filter(|_| service.checked) {
        new = new.checked(port);
    }
    new.labels = service.all_labels();
    new.environment.clone_from(&service.variables);
    new.sidekicks.clone_from(&service.sidekicks);
    new.global = service.global;
    new
}

fn do_to(cattle: &FakeCattle, places: &Places, environment: &str, service: &ServicePlan, id: &str, deed: Deed) {
    let place = |old: bool, at: &[Place]| {
        let mut containers: Vec<_> = cattle
            .containers_of(id)
            .into_iter()
            .filter(|container| container.sidekick.is_none() && container.old == old)
            .collect();
        containers.sort_by(|left, right| left.name.cmp(&right.name));
        for (container, place) in containers.iter().zip(at) {
            if let Some(host) = places.host(environment, &place.host) {
                cattle.place_container(&container.id, &host, &place.address);
            }
        }
    };
    match deed {
        Deed::Make => match &service.standing {
            Standing::LeftOpen { kept, .. } => place(false, kept),
            _ if first_image(service) == service.image => place(false, &service.places),
            _ => {}
        },
        Deed::Upgrade => {
            // All copies at once: how it went is of no interest, only that it went by the server's own rules.
            let whole = cattle.upgrade(
                id,
                &service.image,
                service.scale.max(1),
                Duration::from_millis(100),
                true,
            );
            debug_assert_eq!(whole, Ok(()), "{}", service.name);
        }
        Deed::Try => {
            if let Some((image, ..)) = &service.tried {
                let tried = cattle.upgrade(id, image, service.scale.max(1), Duration::from_millis(100), true);
                debug_assert_eq!(tried, Ok(()), "{}", service.name);
            }
        }
        Deed::RollBack => {
            let back = cattle.order(id, "rollback", &Value::Null);
            debug_assert_eq!(back, Ok(()), "{}", service.name);
        }
        Deed::Settle => {
            place(false, &service.places);
            if !matches!(service.standing, Standing::LeftOpen { .. }) {
                let finished = cattle.order(id, "finishupgrade", &Value::Null);
                debug_assert_eq!(finished, Ok(()), "{}", service.name);
            }
        }
        Deed::Stop => {
            let stopped = cattle.order(id, "deactivate", &Value::Null);
            debug_assert_eq!(stopped, Ok(()), "{}", service.name);
        }
        Deed::RestartSlowly => {
            let interval = u64::try_from(SLOW_RESTART.as_millis()).unwrap_or(2_000);
            let body = json!({"rollingRestartStrategy": {"batchSize": 1, "intervalMillis": interval}});
            let restarted = cattle.order(id, "restart", &body);
            debug_assert_eq!(restarted, Ok(()), "{}", service.name);
        }
    }
}
