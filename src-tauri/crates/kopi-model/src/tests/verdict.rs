//! When an upgrade is done, and when it is not (`apis/rancher.md § 6.5`).

use super::*;
use crate::item::PreviousVersion;
use crate::{UpgradeWatch, Verdict, judge};

struct Case {
    world: World,
    api: Service,
    watch: UpgradeWatch,
}

impl Case {
    fn new() -> Self {
        let prod = environment("1a5", "production");
        let api = service("1s1", &prod, "api", "ihealth/api:2");
        let mut world = World::default();
        world.upsert(prod);
        world.upsert(upgrading(&api, "v2"));
        let watch = UpgradeWatch {
            service: api.id.clone(),
            version: "v2".into(),
            began: at(0),
            deadline: at(600),
            failing_since: None,
            failed_containers: std::collections::BTreeSet::new(),
        };
        Self { world, api, watch }
    }

    fn container(&mut self, native: &str, version: &str, status: LiveStatus) -> &mut Self {
        self.world.upsert(container(native, &self.api, version, status));
        self
    }

    fn service(&mut self, change: impl FnOnce(&mut Service)) -> &mut Self {
        let mut service = upgrading(&self.api, "v2");
        change(&mut service);
        self.world.upsert(service);
        self
    }

    fn judge(&mut self, second: i64) -> Verdict {
        judge(&mut self.watch, &self.world.model, at(second))
    }
}

#[test]
fn the_servers_word_alone_is_not_enough() {
    let mut case = Case::new();
    case.container("1i1", "0", LiveStatus::Ok)
        .container("1i2", "v2", LiveStatus::Ok);
    case.service(|service| service.phase = UpgradePhase::AwaitsFinish);
    assert_eq!(
        case.judge(1),
        Verdict::Going {
            done: 1,
            all: 2,
            detail: None
        },
        "upgraded too early is reported in the field"
    );
    case.container("1i3", "v2", LiveStatus::Working);
    assert_eq!(
        case.judge(2),
        Verdict::Going {
            done: 1,
            all: 2,
            detail: None
        }
    );
    case.container("1i3", "v2", LiveStatus::Ok);
    assert!(
        matches!(case.judge(3), Verdict::Going { .. }),
        "an old container still runs"
    );
    case.container("1i1", "0", LiveStatus::Stopped);
    assert_eq!(case.judge(4), Verdict::AwaitsFinish { done: 2, all: 2 });
    case.service(|service| service.phase = UpgradePhase::None);
    assert_eq!(case.judge(5), Verdict::Live { done: 2, all: 2 });
}

#[test]
fn a_failure_is_said_only_when_it_stands() {
    let mut case = Case::new();
    let message = "Bad instance [container:1i9] in state [error]";
    case.service(|service| {
        service.failing = true;
        service.message = Some(message.into());
    });
    assert!(matches!(case.judge(10), Verdict::Going { .. }));
    case.service(|service| service.failing = false);
    assert!(matches!(case.judge(30), Verdict::Going { .. }));
    case.service(|service| {
        service.failing = true;
        service.message = Some(message.into());
    });
    assert!(matches!(case.judge(45), Verdict::Going { .. }), "the count starts anew");
    assert_eq!(
        case.judge(75),
        Verdict::Failing {
            done: 0,
            all: 2,
            reason: message.into()
        }
    );
}

#[test]
fn two_different_failed_containers_are_enough() {
    let mut case = Case::new();
    case.container("1i5", "v2", LiveStatus::Failed);
    assert!(matches!(case.judge(1), Verdict::Going { .. }));
    let api = case.api.clone();
    let second = Container {
        message: Some("failed to pull".into()),
        ..container("1i6", &api, "v2", LiveStatus::Failed)
    };
    case.world.upsert(second);
    assert_eq!(
        case.judge(2),
        Verdict::Failing {
            done: 0,
            all: 2,
            reason: "failed to pull".into()
        }
    );
}

#[test]
fn back_overtaken_stopped_overdue_and_gone() {
    let mut case = Case::new();
    assert!(matches!(case.judge(601), Verdict::Overdue { .. }));
    case.service(|service| service.phase = UpgradePhase::Cancelled);
    assert_eq!(case.judge(2), Verdict::Interrupted);
    case.service(|service| {
        service.version = Some("0".into());
        service.previous = Some(PreviousVersion {
            image: "ihealth/api:1".into(),
            version: Some("0".into()),
        });
    });
    assert_eq!(case.judge(3), Verdict::RolledBack);
    case.service(|service| {
        service.version = Some("v3".into());
        service.previous = Some(PreviousVersion {
            image: "ihealth/api:2".into(),
            version: Some("v2".into()),
        });
    });
    assert_eq!(case.judge(4), Verdict::Superseded);
    let id = case.api.id.clone();
    case.world.take(&rancher(), Event::Gone(id), Origin::Live, at(5));
    assert_eq!(case.judge(6), Verdict::Gone);
}

#[test]
fn a_global_service_wants_one_a_host() {
    let mut case = Case::new();
    for native in ["1h1", "1h2"] {
        let host = crate::Host {
            id: ItemId::new(ItemKind::Host, &rancher(), native),
            connection: rancher(),
            scope: case.api.scope.clone(),
            environment: case.api.environment.clone(),
            status: LiveStatus::Ok,
            ..crate::Host::default()
        };
        case.world.take(
            &rancher(),
            Event::Upsert(Box::new(Item::Host(host))),
            Origin::Live,
            at(0),
        );
    }
    case.container("1i1", "v2", LiveStatus::Ok)
        .container("1i2", "v2", LiveStatus::Working);
    case.service(|service| {
        service.global = true;
        service.scale = None;
        service.phase = UpgradePhase::AwaitsFinish;
    });
    assert_eq!(
        case.judge(1),
        Verdict::Going {
            done: 1,
            all: 2,
            detail: None
        }
    );
    case.container("1i2", "v2", LiveStatus::Ok);
    assert_eq!(case.judge(2), Verdict::AwaitsFinish { done: 2, all: 2 });
}
