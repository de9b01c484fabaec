//! Recorded answers of a real Cattle become items; bad ones cost a field, never a crash.

use kopi_model::item::{ServiceKind, UpgradePhase};
use kopi_model::{Item, LiveStatus, Verb};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::rancher::frame::{self, Heard};
use crate::rancher::parse::{self, Place};
use crate::rancher::shelf::{Shelf, Shelved};

fn place() -> Place {
    Place {
        connection: "rancher".into(),
        base: "https://rancher.company.com/".parse().expect("an address"),
        project: "1a5".into(),
    }
}

fn rows(list: &str) -> Vec<Value> {
    let list: Value = serde_json::from_str(list).expect("a fixture");
    list["data"].as_array().expect("a collection").clone()
}

/// The recorded body of that name.
fn recorded(name: &str) -> Value {
    let quoted = format!("\"name\":\"{name}\",");
    let line = include_str!("../fixtures/session.jsonl")
        .lines()
        .find(|line| line.starts_with(&format!("{{{quoted}")));
    let line: Value = serde_json::from_str(line.unwrap_or_else(|| panic!("no {name}"))).expect("a fixture");
    line["json"].clone()
}

fn filled() -> Shelf {
    let mut shelf = Shelf::new(place());
    for (kind, list) in [
        (Shelved::Host, include_str!("../fixtures/hosts-list.json")),
        (Shelved::Stack, include_str!("../fixtures/stacks-list.json")),
        (Shelved::Service, include_str!("../fixtures/services-list.json")),
        (Shelved::Container, include_str!("../fixtures/containers-list.json")),
    ] {
        shelf.take_list(kind, &rows(list), Instant::now());
    }
    shelf
}

fn items(shelf: &Shelf) -> Vec<Item> {
    let events = shelf.listing().into_iter();
    events
        .filter_map(|event| match event {
            kopi_model::Event::Seen(item) => Some(*item),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_real_environment() {
    let items = items(&filled());
    let picked: Vec<&Item> = items
        .iter()
        .filter(|item| match item {
            Item::Container(row) => ["1i1", "1i4", "1i6", "1i18"].contains(&row.id.native()),
            Item::Service(row) => {
                ["1s1", "1s2", "1s4", "1s5", "1s10", "1s11", "1s13", "1s15", "1s16"].contains(&row.id.native())
            }
            Item::Host(row) => row.id.native() == "1h1",
            _ => true,
        })
        .collect();
    assert_eq!(
        items.len(),
        3 + 2 + rows(include_str!("../fixtures/services-list.json")).len() + 18
    );
    insta::assert_json_snapshot!(picked);
}

#[test]
fn real_projects() {
    let base = place().base;
    let projects = rows(include_str!("../fixtures/projects-admin-key.json"));
    let production = ["Staging".to_owned()];
    let found: Vec<_> = projects
        .iter()
        .filter_map(|row| parse::environment(&"rancher".into(), &base, row, Some(true), &production))
        .collect();
    insta::assert_json_snapshot!(found);
}

#[test]
fn every_recorded_state_of_a_service_has_its_status() {
    let lines: Vec<String> = [
        "service-inactive",
        "service-activating",
        "service-active",
        "service-active-readonly-key",
        "upgrade-stopfirst-202",
        "upgrade-stopfirst-get-later",
        "service-upgraded",
        "service-finishing",
        "service-after-finish",
        "service-upgraded-sidekick",
        "service-rolling-back",
        "service-after-rollback",
        "service-canceling",
        "service-canceled",
        "service-upgrading-error",
        "service-canceled-after-failing",
        "service-active-after-failing",
        "scale-up-get-at-once",
        "service-restarting",
        "deactivate-202",
        "service-deactivated",
        "service-healthcheck-initializing",
        "service-healthcheck-unhealthy",
        "service-upgrading-initializing",
        "service-mail-stuck-upgrading",
        "service-get-startonce",
        "service-no-host-fits",
        "service-removed",
    ]
    .into_iter()
    .map(|name| match parse::service(&place(), &recorded(name)) {
        None => format!("{name}: gone"),
        Some(row) => format!(
            "{name}: {:?} {:?} failing={} health={:?} image={} previous={:?} offers={:?} message={:?}",
            row.status,
            row.phase,
            row.failing,
            row.health,
            row.image,
            row.previous.map(|previous| previous.image),
            row.offers,
            row.message
        ),
    })
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_was_replaced_is_told_only_while_it_is_true() {
    let previous = |value: &Value| {
        parse::service(&place(), value)
            .expect("a service")
            .previous
            .map(|row| row.image)
    };
    let upgraded = recorded("service-upgraded");
    assert_eq!(
        previous(&upgraded).as_deref(),
        Some("registry.example.org/shop/web:1.4.2")
    );
    assert_eq!(
        previous(&recorded("service-after-rollback")),
        None,
        "it is what runs now"
    );
    let mut accepted = upgraded;
    accepted["launchConfig"]["version"] = "of a third upgrade".into();
    assert_eq!(previous(&accepted), None, "the upgrade that is shown is an older one");
}

#[test]
fn recorded_service_events_keep_what_a_person_needs() {
    let rows = recorded("servicelogs-failing-all");
    let events: Vec<_> = rows["data"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(parse::service_event)
        .collect();
    insta::assert_json_snapshot!(events);
}

#[tokio::test]
async fn bad_input_costs_a_field_and_nothing_else() {
    let service = recorded("service-active");
    let with = |member: &str, value: Value| {
        let mut changed = service.clone();
        changed[member] = value;
        parse::service(&place(), &changed)
    };
    let unknown = with("state", json!("sublimating")).expect("still shown");
    assert_eq!(
        (unknown.status, unknown.server_state.as_str()),
        (LiveStatus::Unknown, "sublimating")
    );
    assert_eq!(
        with("scale", json!("2")).expect("shown").scale,
        Some(2),
        "numbers as strings"
    );
    assert_eq!(with("scale", json!(-4)).expect("shown").scale, None);
    assert_eq!(with("healthState", json!(null)).expect("shown").status, LiveStatus::Ok);
    assert_eq!(
        with("healthState", json!("glowing")).expect("shown").status,
        LiveStatus::Unknown
    );
    let markup = with("name", json!("<b>web</b>\u{0007}\u{202e}x\r\ny")).expect("shown");
    assert!(markup.name.starts_with("<b>web</b>") && !markup.name.contains(['\u{0007}', '\u{202e}', '\n']));
    assert_eq!(
        with("createdTS", json!(i64::MAX))
            .and_then(|row| row.created_at)
            .map(|at| at.to_string())
            .as_deref(),
        Some("2026-11-24T22:24:13Z")
    );
    let long = with("transitioningMessage", json!("x".repeat(5_000_000))).expect("shown");
    assert!(long.message.expect("kept").chars().count() <= 2_001);
    for member in service.as_object().expect("a row").keys().filter(|key| *key != "id") {
        for value in [
            json!(null),
            json!([]),
            json!({}),
            json!(7),
            json!("7"),
            json!(true),
            json!([null, {"a": []}]),
        ] {
            assert!(
                with(member, value.clone()).is_some() || member == "state",
                "{member} {value}"
            );
        }
    }
    assert!(with("id", json!("../../etc")).is_none() && with("id", json!(null)).is_none());
    let mut shelf = filled();
    let count = items(&shelf).len();
    let mut twice = rows(include_str!("../fixtures/services-list.json"));
    let mut later = twice[1].clone();
    later["state"] = "inactive".into();
    twice.push(later);
    twice.push(json!("no row"));
    twice.push(json!({"id": null}));
    shelf.take_list(Shelved::Service, &twice, Instant::now());
    assert_eq!(items(&shelf).len(), count, "duplicated ids are one item");
}

#[tokio::test]
async fn what_was_heard_after_a_list_was_asked_for_is_newer_than_the_list() {
    let mut shelf = filled();
    let sent = Instant::now();
    let mut upgrading = recorded("upgrade-stopfirst-202");
    let events = shelf.hear(Shelved::Service, "1s2", Some(&upgrading), Instant::now());
    assert_eq!(events.len(), 1);
    assert_eq!(
        shelf.hear(Shelved::Service, "1s2", Some(&upgrading), Instant::now()),
        [],
        "said twice is said once"
    );
    let gone = shelf.hear(
        Shelved::Container,
        "1i1",
        Some(&json!({"id": "1i1", "state": "removed"})),
        Instant::now(),
    );
    assert!(matches!(gone.as_slice(), [kopi_model::Event::Gone(_)]));
    shelf.take_list(
        Shelved::Service,
        &rows(include_str!("../fixtures/services-list.json")),
        sent,
    );
    shelf.take_list(
        Shelved::Container,
        &rows(include_str!("../fixtures/containers-list.json")),
        sent,
    );
    let items = items(&shelf);
    let web = items.iter().find_map(|item| match item {
        Item::Service(row) if row.id.native() == "1s2" => Some(row),
        _ => None,
    });
    assert_eq!(web.expect("there").phase, UpgradePhase::Running);
    assert!(
        !items.iter().any(|item| item.id().native() == "1i1"),
        "removed stays removed"
    );
    upgrading["state"] = "removed".into();
    let gone = shelf.hear(Shelved::Service, "1s2", Some(&upgrading), Instant::now());
    assert!(matches!(gone.as_slice(), [kopi_model::Event::Gone(_)]));
}

#[tokio::test]
async fn load_moves_in_steps_and_noise_is_no_change() {
    let mut shelf = filled();
    let host = |cpu: f64| {
        let mut host = rows(include_str!("../fixtures/hosts-list.json"))[0].clone();
        host["info"] = json!({"cpuInfo": {"cpuCoresPercentages": [cpu, cpu]},
            "memoryInfo": {"memTotal": "1000", "memAvailable": 400.0}, "diskInfo": {"mountPoints": {"/a": {"percentUsed": 59.4}}},
            "osInfo": {"operatingSystem": "Ubuntu 16.04", "dockerVersion": "Docker version 17.03.2-ce, build f5ec1e2"}});
        host
    };
    let shown = |events: Vec<kopi_model::Event>| match events.into_iter().next() {
        Some(kopi_model::Event::Upsert(item)) => match *item {
            Item::Host(host) => Some((
                host.load.cpu_percent,
                host.load.memory_percent,
                host.load.disk_percent,
                host.system_text,
            )),
            _ => None,
        },
        _ => None,
    };
    let first = shown(shelf.hear(Shelved::Host, "1h1", Some(&host(20.4)), Instant::now()));
    assert_eq!(
        first,
        Some((
            Some(20),
            Some(60),
            Some(59),
            Some("Ubuntu 16.04, Docker 17.03.2-ce".into())
        ))
    );
    for cpu in [21.0, 24.4, 16.0, 19.9] {
        assert_eq!(
            shelf.hear(Shelved::Host, "1h1", Some(&host(cpu)), Instant::now()),
            [],
            "{cpu}"
        );
    }
    let moved = shown(shelf.hear(Shelved::Host, "1h1", Some(&host(25.0)), Instant::now()));
    assert_eq!(moved.and_then(|moved| moved.0), Some(25));
}

#[test]
fn frames_are_sorted_before_they_are_parsed() {
    let mut heard = (0, 0);
    for line in include_str!("../fixtures/subscribe-upgrade-and-finish.jsonl").lines() {
        match frame::read(line) {
            Heard::Noise => heard.0 += 1,
            Heard::Resource(..) => heard.1 += 1,
            other => panic!("{other:?} {line:.200}"),
        }
    }
    assert!(heard.0 > 5 && heard.1 > 30, "{heard:?}");
    assert_eq!(frame::read(r#"{"name":"logout"}"#), Heard::Logout);
    assert_eq!(
        frame::read(r#"{"name":"resource.change","resourceType":"volume","data":{"#),
        Heard::Unreadable
    );
    let empty = r#"{"name":"resource.change","resourceType":"container","resourceId":"1i7","data":{"resource":null}}"#;
    assert_eq!(frame::read(empty), Heard::Doubt(Shelved::Container, "1i7".into()));
    let other =
        r#"{"name":"resource.change","resourceType":"container","resourceId":"1i7","data":{"resource":{"id":"1i8"}}}"#;
    assert_eq!(frame::read(other), Heard::Doubt(Shelved::Container, "1i7".into()));
    assert_eq!(frame::read("<html>"), Heard::Unreadable);
}

#[test]
fn an_external_service_is_never_offered_an_upgrade() {
    let row = parse::service(&place(), &recorded("service-get-external")).expect("shown");
    assert_eq!((row.service_kind, row.status), (ServiceKind::External, LiveStatus::Ok));
    assert!(!row.offers.contains(&Verb::Upgrade));
    let stuck = parse::service(&place(), &recorded("service-mail-stuck-upgrading")).expect("shown");
    assert_eq!((stuck.status, stuck.offers), (LiveStatus::Failed, vec![Verb::Cancel]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// A recorded frame with bytes changed, cut or doubled anywhere: read or refused, never a panic.
    #[test]
    fn mutated_frames_never_panic(line in 0..50_usize, at in 0.0..1.0_f64, byte in any::<u8>(), cut in 0..40_usize) {
        let mut lines = include_str!("../fixtures/subscribe-upgrade-and-finish.jsonl").lines();
        let mut bytes = lines.nth(line).unwrap_or("{}").as_bytes().to_vec();
        let index = ((bytes.len() as f64 * at) as usize).min(bytes.len().saturating_sub(1));
        bytes[index] = byte;
        bytes.drain(index..(index + cut).min(bytes.len()));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Heard::Resource(kind, id, resource) = frame::read(&text) {
            let mut shelf = Shelf::new(place());
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async { shelf.hear(kind, &id, Some(&resource), Instant::now()) });
        }
    }
}
