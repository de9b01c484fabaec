//! One picture a state, and the whole menu read as a person reads it.

use std::sync::{Arc, LazyLock};

use jiff::tz::TimeZone;
use kopi_model::item::{Line, LineGroup};
use kopi_model::wire::{ConnectionHealth, ConnectionState, DeployRecord, Snapshot};
use kopi_model::{Build, BuildStatus, Item};

use super::*;

const NOW: &str = "2026-11-20T06:20:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn build(repo: &str, number: u64, status: BuildStatus, author: &str) -> Build {
    Build {
        id: format!("build:drone/{repo}#{number}").into(),
        connection: "drone".into(),
        repo: repo.into(),
        number,
        status,
        author: author.into(),
        branch: "develop".into(),
        created_at: Some(at("2026-11-20T06:08:00Z")),
        started_at: Some(at("2026-11-20T06:18:00Z")),
        finished_at: status.is_final().then(|| at("2026-11-20T06:14:00Z")),
        ..Build::default()
    }
}

/// A line with its newest build.
fn with_line(build: Build) -> Vec<Arc<Item>> {
    let group = match build.status {
        BuildStatus::Passed => LineGroup::Quiet,
        BuildStatus::Running | BuildStatus::Waiting => LineGroup::Moving,
        _ => LineGroup::Wrong,
    };
    let line = Line {
        id: format!("line:kopi/{}@develop", build.repo).into(),
        repo: build.repo.clone(),
        branch: "develop".into(),
        build: Some(build.id.clone()),
        group,
        asks: build.status == BuildStatus::Blocked,
        ..Line::default()
    };
    vec![Arc::new(Item::Build(build)), Arc::new(Item::Line(line))]
}

fn snapshot(items: Vec<Vec<Arc<Item>>>, state: ConnectionState) -> Snapshot {
    Snapshot {
        items: items.into_iter().flatten().collect(),
        connections: vec![ConnectionHealth {
            name: "drone".into(),
            label: "Drone".into(),
            state,
            ..ConnectionHealth::default()
        }],
        ..Snapshot::default()
    }
}

static ZONE: TimeZone = TimeZone::UTC;
static ME: LazyLock<Vec<String>> = LazyLock::new(|| vec!["sunyue".to_owned()]);

fn derive<'a>(snapshot: &'a Snapshot, change: impl FnOnce(&mut TraySight<'a>)) -> TrayModel {
    let mut sight = TraySight {
        snapshot,
        deploys: &[],
        me: &ME,
        muted: &[],
        focus_until: None,
        badge: false,
        lang: Lang::En,
        zone: &ZONE,
        now: at(NOW),
    };
    change(&mut sight);
    TrayModel::derive(&sight)
}

fn icon(snapshot: &Snapshot) -> TrayIcon {
    derive(snapshot, |_| {}).icon
}

#[test]
fn the_first_that_holds() {
    let live = ConnectionState::Live;
    let passed = || with_line(build("acme/gateway", 12, BuildStatus::Passed, "linhao"));
    let mine = with_line(build("acme/web", 877, BuildStatus::Failed, "sunyue"));
    assert_eq!(icon(&snapshot(vec![mine, passed()], live)), TrayIcon::NeedsYou);
    let asks = with_line(build("acme/api", 3, BuildStatus::Blocked, "linhao"));
    assert_eq!(icon(&snapshot(vec![asks, passed()], live)), TrayIcon::NeedsYou);
    let others = with_line(build("acme/web", 877, BuildStatus::Errored, "linhao"));
    assert_eq!(
        icon(&snapshot(vec![others.clone(), passed()], live)),
        TrayIcon::Acknowledged
    );
    let runs = with_line(build("acme/web", 877, BuildStatus::Running, "sunyue"));
    assert_eq!(icon(&snapshot(vec![runs, passed()], live)), TrayIcon::Working);
    let theirs = with_line(build("acme/web", 877, BuildStatus::Running, "linhao"));
    assert_eq!(icon(&snapshot(vec![theirs, passed()], live)), TrayIcon::Well);
    assert_eq!(icon(&snapshot(vec![passed()], live)), TrayIcon::Well);
    let focused = derive(&snapshot(vec![passed()], live), |sight| {
        sight.focus_until = Some(at("2026-11-20T07:00:00Z"));
    });
    assert_eq!(focused.icon, TrayIcon::Focus);
    assert_eq!(
        icon(&snapshot(vec![passed()], ConnectionState::Failed)),
        TrayIcon::Offline
    );
    // With nobody named at this desk, what is broken is everybody's.
    let unnamed = derive(&snapshot(vec![others], live), |sight| sight.me = &[]);
    assert_eq!(unnamed.icon, TrayIcon::NeedsYou);
}

#[test]
fn nothing_watched_is_never_well() {
    let nothing = derive(&Snapshot::default(), |_| {});
    assert_eq!(nothing.icon, TrayIcon::Offline);
    assert_eq!(nothing.tooltip, "Kopi: nothing is watched yet");
    let empty = derive(&snapshot(vec![], ConnectionState::Live), |_| {});
    assert_eq!(empty.icon, TrayIcon::Offline);
}

#[test]
fn a_short_outage_does_not_flicker() {
    let mut picture = snapshot(
        vec![with_line(build("acme/gateway", 12, BuildStatus::Passed, "linhao"))],
        ConnectionState::Retrying,
    );
    picture.connections[0].last_good_at = Some(at("2026-11-20T06:19:10Z"));
    assert_eq!(icon(&picture), TrayIcon::Well);
    picture.connections[0].last_good_at = Some(at("2026-11-20T06:10:00Z"));
    assert_eq!(icon(&picture), TrayIcon::Offline);
}

/// The menu as text.
fn read(entries: &[Entry], indent: &str) -> String {
    entries
        .iter()
        .map(|entry| match entry {
            Entry::Fact { mark, text } => format!("{indent}({}) {text}\n", mark_name(*mark)),
            Entry::Separator => format!("{indent}--\n"),
            Entry::Click { mark, text, end, .. } => format!(
                "{indent}{}{text}{}\n",
                mark.map_or(String::new(), |mark| format!("[{}] ", mark_name(Some(mark)))),
                end.as_ref().map_or(String::new(), |end| format!(" | {end}"))
            ),
            Entry::More { text, entries } => {
                format!("{indent}{text} >\n{}", read(entries, &format!("{indent}    ")))
            }
        })
        .collect()
}

fn mark_name(mark: Option<Mark>) -> String {
    mark.map_or("-".into(), |mark| format!("{mark:?}").to_lowercase())
}

fn full() -> Snapshot {
    let mut picture = snapshot(
        vec![
            with_line(build("acme/api", 1042, BuildStatus::Blocked, "linhao")),
            with_line(build("acme/glucose-sync", 218, BuildStatus::Failed, "sunyue")),
            with_line(build("acme/web", 877, BuildStatus::Running, "linhao")),
            with_line(build("acme/gateway", 131, BuildStatus::Passed, "linhao")),
            vec![Arc::new(Item::Build(Build {
                started_at: Some(at("2026-11-20T05:00:00Z")),
                finished_at: Some(at("2026-11-20T05:03:30Z")),
                ..build("acme/web", 876, BuildStatus::Passed, "linhao")
            }))],
        ],
        ConnectionState::Live,
    );
    picture.connections.push(ConnectionHealth {
        name: "elk".into(),
        label: "ELK".into(),
        state: ConnectionState::Retrying,
        retry_at: Some(at("2026-11-20T06:20:12Z")),
        ..ConnectionHealth::default()
    });
    picture
}

fn whole_menu(lang: Lang) -> String {
    let deploy = |service: &str, to: &str| DeployRecord {
        service: format!("service:rancher/{service}").into(),
        service_name: format!("health/{service}"),
        environment_name: "staging".into(),
        from: None,
        to: to.into(),
        started_at: at(NOW),
        ended_at: None,
        result: Some("live".into()),
        by: None,
        journal: None,
    };
    let deploys = [
        deploy("api", "harbor/health/api:2.14.0"),
        deploy("api", "harbor/health/api:2.13.0"),
    ];
    let muted = [("acme/noisy".to_owned(), at("2026-11-20T07:00:00Z"))];
    let picture = full();
    let model = derive(&picture, |sight| {
        sight.deploys = &deploys;
        sight.muted = &muted;
        sight.lang = lang;
    });
    format!("{:?}\n{}\n{}", model.icon, model.tooltip, read(&model.menu, ""))
}

#[test]
fn english_menu() {
    insta::assert_snapshot!(whole_menu(Lang::En));
}

#[test]
fn chinese_menu() {
    insta::assert_snapshot!(whole_menu(Lang::Zh));
}
