//! The fake's engine follows the real server's timelines (`apis/rancher.md §§ 6.2–6.4, 19.8`).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::rancher::fake::{FakeCattle, Fault, NewHost, NewService, Pace};

fn start() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().expect("a test's date")
}

struct Office {
    cattle: FakeCattle,
    now: Timestamp,
    project: String,
    service: String,
    hosts: Vec<String>,
}

fn office(service: &NewService) -> Office {
    let cattle = FakeCattle::new(start(), Pace::default(), 7);
    let project = cattle.create_project("staging");
    let hosts =
        (1..=3).map(|n| cattle.create_host(&project, &NewHost::new(&format!("stg-0{n}"), &format!("10.42.0.{n}"))));
    let hosts = hosts.collect();
    let stack = cattle.create_stack(&project, "shop", false);
    let service = cattle.create_service(&stack, service).expect("the stack is there");
    Office {
        cattle,
        now: start(),
        project,
        service,
        hosts,
    }
}

impl Office {
    fn pass(&mut self, seconds: f64) {
        self.now = self
            .now
            .checked_add(Duration::from_secs_f64(seconds))
            .expect("a test's time");
        self.cattle.tick(self.now);
    }

    fn state(&self) -> String {
        self.cattle.service(&self.service).expect("the service is there").state
    }

    /// `name state generation-is-new` of every container.
    fn containers(&self) -> Vec<String> {
        let version = self
            .cattle
            .service(&self.service)
            .expect("the service is there")
            .version;
        let all = self.cattle.containers_of(&self.service).into_iter();
        all.map(|row| {
            format!(
                "{} {} {}",
                row.name,
                row.state,
                if row.version == version { "new" } else { "old" }
            )
        })
        .collect()
    }

    fn upgrade(&self, image: &str, start_first: bool) {
        let interval = Duration::from_secs(2);
        self.cattle
            .upgrade(&self.service, image, 1, interval, start_first)
            .expect("it is accepted");
    }
}

#[test]
fn an_upgrade_keeps_the_old_ones_until_it_is_finished() {
    let mut office = office(&NewService::new("web", "r.example.org/web:1").scale(2).checked(8080));
    assert_eq!(
        office.containers(),
        ["shop-web-1 running new", "shop-web-2 running new"]
    );
    office.upgrade("r.example.org/web:2", true);
    assert_eq!(office.state(), "upgrading");
    office.pass(1.0);
    let during = office.containers();
    assert_eq!(
        during.iter().filter(|row| row.ends_with("running old")).count(),
        2,
        "start-first: {during:?}"
    );
    office.pass(120.0);
    assert_eq!(office.state(), "upgraded");
    assert_eq!(
        office.containers(),
        [
            "shop-web-1 stopped old",
            "shop-web-2 stopped old",
            "shop-web-1 running new",
            "shop-web-2 running new"
        ]
    );
    let refused = office
        .cattle
        .order(&office.service, "upgrade", &json!({}))
        .expect_err("finish first");
    assert!(refused.starts_with("422 ActionNotAvailable"), "{refused}");
    office
        .cattle
        .order(&office.service, "finishupgrade", &json!(null))
        .expect("it is offered");
    office.pass(10.0);
    assert_eq!(office.state(), "active");
    assert_eq!(
        office.containers(),
        ["shop-web-1 running new", "shop-web-2 running new"]
    );
}

#[test]
fn stop_first_stops_before_it_starts() {
    let mut office = office(&NewService::new("web", "r.example.org/web:1"));
    office.upgrade("r.example.org/web:2", false);
    office.pass(2.0);
    assert!(
        office.containers().contains(&"shop-web-1 stopped old".to_owned()),
        "{:?}",
        office.containers()
    );
    office.pass(30.0);
    assert_eq!(office.state(), "upgraded");
}

#[test]
fn a_missing_image_hangs_for_ever_with_new_containers_and_a_roll_back_cures_it() {
    let mut office = office(&NewService::new("web", "r.example.org/web:1").scale(2));
    office.cattle.break_image("r.example.org/web:9", Fault::CannotPull);
    office.upgrade("r.example.org/web:9", true);
    office.pass(10.0);
    let service = office.cattle.service(&office.service).expect("there");
    let error = service.error.expect("it says what is wrong");
    assert!(
        error.starts_with("Failed to allocate instance [container:1i") && error.contains("failed to pull"),
        "{error}"
    );
    let first = office
        .cattle
        .containers_of(&office.service)
        .last()
        .expect("a new one")
        .id
        .clone();
    office.pass(200.0);
    assert_eq!(office.state(), "upgrading");
    let later = office
        .cattle
        .containers_of(&office.service)
        .last()
        .expect("a new one")
        .id
        .clone();
    assert_ne!(first, later, "every round makes a new container");
    assert_eq!(
        office
            .containers()
            .iter()
            .filter(|row| row.contains("running old"))
            .count(),
        2
    );
    office
        .cattle
        .order(&office.service, "rollback", &json!({}))
        .expect("offered while upgrading");
    office.pass(30.0);
    assert_eq!(office.state(), "active");
    assert_eq!(
        office.containers(),
        ["shop-web-1 running new", "shop-web-2 running new"]
    );
    let service = office.cattle.service(&office.service).expect("there");
    assert_eq!(
        (service.image.as_str(), service.version.as_str()),
        ("r.example.org/web:1", "0")
    );
}

#[test]
fn a_roll_back_from_upgraded_starts_the_old_ones_again() {
    let mut office = office(
        &NewService::new("api", "r.example.org/api:1")
            .scale(3)
            .sidekick("nginx", "nginx:1"),
    );
    let before: Vec<String> = office
        .cattle
        .containers_of(&office.service)
        .into_iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(before.len(), 6);
    office.upgrade("r.example.org/api:2", true);
    office.pass(120.0);
    assert_eq!(office.state(), "upgraded");
    assert_eq!(office.containers().len(), 12);
    office
        .cattle
        .order(&office.service, "rollback", &json!({}))
        .expect("offered");
    office.pass(60.0);
    assert_eq!(office.state(), "active");
    let after: Vec<String> = office
        .cattle
        .containers_of(&office.service)
        .into_iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(before, after);
}

#[test]
fn cancel_stops_half_way_and_continue_goes_on() {
    let mut office = office(&NewService::new("web", "r.example.org/web:1").scale(2));
    office
        .cattle
        .upgrade(&office.service, "r.example.org/web:2", 1, Duration::from_secs(30), true)
        .expect("accepted");
    office.pass(15.0);
    office
        .cattle
        .order(&office.service, "cancelupgrade", &json!(null))
        .expect("offered");
    office.pass(1.0);
    assert_eq!(office.state(), "canceled-upgrade");
    assert!(
        office
            .cattle
            .order(&office.service, "finishupgrade", &json!(null))
            .is_err()
    );
    office
        .cattle
        .order(&office.service, "continueupgrade", &json!(null))
        .expect("offered");
    office.pass(60.0);
    assert_eq!(office.state(), "upgraded");
}

#[test]
fn scale_restart_stop_and_start_go_their_way() {
    let mut office = office(&NewService::new("web", "r.example.org/web:1").scale(2));
    office
        .cattle
        .order(&office.service, "update", &json!({"scale": 4}))
        .expect("accepted");
    assert_eq!(office.state(), "updating-active");
    office.pass(20.0);
    assert_eq!((office.state().as_str(), office.containers().len()), ("active", 4));
    office
        .cattle
        .order(&office.service, "update", &json!({"scale": 1}))
        .expect("accepted");
    office.pass(20.0);
    assert_eq!((office.state().as_str(), office.containers().len()), ("active", 1));
    office
        .cattle
        .order(&office.service, "restart", &json!({"rollingRestartStrategy": {}}))
        .expect("accepted");
    office.pass(0.5);
    assert_eq!(office.state(), "restarting");
    office.pass(20.0);
    assert_eq!(
        (office.state().as_str(), office.containers()),
        ("active", vec!["shop-web-1 running new".to_owned()])
    );
    office
        .cattle
        .order(&office.service, "deactivate", &json!(null))
        .expect("accepted");
    office.pass(10.0);
    assert_eq!(
        (office.state().as_str(), office.containers()),
        ("inactive", vec!["shop-web-1 stopped new".to_owned()])
    );
    office
        .cattle
        .order(&office.service, "activate", &json!(null))
        .expect("accepted");
    office.pass(10.0);
    assert_eq!(
        (office.state().as_str(), office.containers()),
        ("active", vec!["shop-web-1 running new".to_owned()])
    );
}

#[test]
fn a_crash_is_mended_and_a_lost_hosts_checked_containers_move() {
    let mut office = office(&NewService::new("web", "r.example.org/web:1").scale(1).checked(80));
    let first = office.cattle.containers_of(&office.service)[0].clone();
    office.cattle.crash_container(&first.id);
    assert_eq!(office.containers(), ["shop-web-1 stopped new"]);
    office.pass(10.0);
    assert_eq!(office.containers(), ["shop-web-1 running new"]);
    let host = first.host.expect("it is on a host");
    office.cattle.host_down(&host);
    office.pass(60.0);
    let state = |office: &Office| {
        office
            .cattle
            .hosts()
            .into_iter()
            .find(|row| row.id == host)
            .expect("there")
            .state
    };
    assert_eq!(state(&office), "reconnecting");
    let moved = office.cattle.containers_of(&office.service);
    assert!(
        moved.iter().any(|row| row.host.as_deref() != Some(&host) && row.good),
        "{moved:?}"
    );
    office.pass(300.0);
    assert_eq!(state(&office), "disconnected");
    office.cattle.host_up(&host);
    office.pass(30.0);
    assert_eq!(state(&office), "active");
    assert_eq!(office.cattle.containers_of(&office.service).len(), 1);
    assert!(office.hosts.contains(&host) && !office.project.is_empty());
}
