//! Tests of the pure functions, with builders for items that say only what a test is about.

mod decide;
mod link;
mod reduce;
mod verdict;

use jiff::{SignedDuration, Timestamp};

use crate::item::UpgradePhase;
use crate::{
    Build, BuildStatus, ConnectionName, Container, Environment, Event, Item, ItemId, ItemKind, LiveStatus, Model,
    ModelChange, Origin, Scope, Service,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

fn drone() -> ConnectionName {
    "drone".into()
}

fn rancher() -> ConnectionName {
    "rancher".into()
}

fn build(repo: &str, number: u64, branch: &str, status: BuildStatus) -> Build {
    Build {
        id: ItemId::new(ItemKind::Build, &drone(), &format!("{repo}#{number}")),
        connection: drone(),
        scope: "feed".into(),
        repo: repo.into(),
        number,
        status,
        event: "push".into(),
        branch: branch.into(),
        sha: format!("{number:0>4}c0ffee0123456789abcdef0123456789abcd"),
        author: "sunyue".into(),
        created_at: Some(at(number as i64 * 100)),
        started_at: Some(at(number as i64 * 100 + 2)),
        finished_at: status.is_final().then(|| at(number as i64 * 100 + 62)),
        ..Build::default()
    }
}

fn environment(native: &str, name: &str) -> Environment {
    Environment {
        id: ItemId::new(ItemKind::Environment, &rancher(), native),
        connection: rancher(),
        scope: "environments".into(),
        name: name.into(),
        production: name.starts_with("prod"),
        ..Environment::default()
    }
}

fn service(native: &str, environment: &Environment, name: &str, image: &str) -> Service {
    Service {
        id: ItemId::new(ItemKind::Service, &rancher(), native),
        connection: rancher(),
        scope: Scope::from(format!("environment:{}", environment.id.native())),
        environment: environment.id.clone(),
        stack_name: "core".into(),
        name: name.into(),
        status: LiveStatus::Ok,
        image: image.into(),
        version: Some("0".into()),
        scale: Some(2),
        ..Service::default()
    }
}

fn container(native: &str, service: &Service, version: &str, status: LiveStatus) -> Container {
    Container {
        id: ItemId::new(ItemKind::Container, &rancher(), native),
        connection: rancher(),
        scope: service.scope.clone(),
        environment: service.environment.clone(),
        services: vec![service.id.clone()],
        status,
        version: Some(version.into()),
        ..Container::default()
    }
}

/// The live model under test, with events taken in as they would come.
#[derive(Default)]
struct World {
    model: Model,
}

impl World {
    fn take(&mut self, connection: &ConnectionName, event: Event, origin: Origin, now: Timestamp) -> Vec<ModelChange> {
        crate::reduce(&mut self.model, connection, event, origin, now)
    }

    fn upsert(&mut self, item: impl Into<Item>) -> Vec<ModelChange> {
        let item = item.into();
        let connection = item.connection().clone();
        self.take(&connection, Event::Upsert(Box::new(item)), Origin::Live, at(0))
    }
}

macro_rules! into_item {
    ($($kind:ident),*) => { $(impl From<$kind> for Item {
        fn from(item: $kind) -> Self {
            Self::$kind(item)
        }
    })* };
}
into_item!(Build, Container, Environment, Service);

fn upgrading(service: &Service, version: &str) -> Service {
    Service {
        version: Some(version.into()),
        phase: UpgradePhase::Running,
        status: LiveStatus::Working,
        ..service.clone()
    }
}
