//! Orders: what is sent, what comes of it, and how a refusal is said.

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use kopi_feed::{Read, ReadAnswer, Sent, Source};
use kopi_model::wire::ErrorCode;
use kopi_model::{BuildStatus as S, Item, Verb};

use super::setup::{Desk, STEPS, office, order, push, run_to_the_end};
use crate::drone::fake::{ClientAction, Did, FakeAxis, FakeDrone, NewBuild};

const API: &str = "ihealth/api";
const WEB_1: &str = "build:drone/ihealth/web#1";

fn written(desk: &Desk) -> Vec<String> {
    let seen = desk.served.faults.seen();
    seen.iter()
        .filter(|seen| seen.method != "GET")
        .map(|seen| format!("{} {}", seen.method, seen.path))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_restart_makes_a_new_build_and_names_it() {
    let drone = office();
    let mut actions = drone.actions();
    let desk = Desk::at(drone.router()).await;
    let receipt = desk.act(Verb::Restart, WEB_1).await.unwrap();
    assert_eq!(receipt.made.unwrap().as_str(), "build:drone/ihealth/web#2");
    assert_eq!(written(&desk), desk.source.requests(&order(Verb::Restart, WEB_1)));
    let action = ClientAction {
        by: "guotuo".into(),
        repo: "ihealth/web".into(),
        did: Did::Restart {
            number: 2,
            parent: 1,
            environment: None,
        },
    };
    assert_eq!(actions.try_recv().unwrap(), action);
}

#[tokio::test(start_paused = true)]
async fn a_promotion_deploys_the_very_build() {
    let drone = office();
    let desk = Desk::at(drone.router()).await;
    let mut promote = order(Verb::Promote, WEB_1);
    promote.environment = Some("staging & 测试".into());
    let receipt = desk.source.act(desk.cx(), promote.clone()).await.unwrap();
    let made = drone.build("ihealth/web", 2).unwrap();
    assert_eq!(
        (made.event.as_str(), made.deploy_to.as_str(), made.parent),
        ("deployment", "staging & 测试", 1)
    );
    assert_eq!(receipt.server_state.as_deref(), Some("pending"));
    assert_eq!(written(&desk), desk.source.requests(&promote));
    promote.environment = None;
    let error = desk.source.act(desk.cx(), promote).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidRequest);
    assert_eq!(written(&desk).len(), 1, "nothing was sent without an environment");
}

#[tokio::test(start_paused = true)]
async fn cancelling_stops_each_running_axis() {
    let drone = office();
    let axis = |version: &str| FakeAxis {
        environ: [("GO_VERSION".to_owned(), version.to_owned())].into(),
        steps: STEPS.map(String::from).to_vec(),
    };
    let build = NewBuild {
        axes: vec![axis("1.8"), axis("1.9"), axis("1.10")],
        ..NewBuild::push("develop", &"d4".repeat(20), "sunyue", "matrix", STEPS)
    };
    let number = drone.push_build(API, build).unwrap();
    drone.start_proc(API, number, 1, "agent-1");
    drone.start_proc(API, number, 3, "agent-2");
    let desk = Desk::at(drone.router()).await;
    desk.act(Verb::Cancel, "build:drone/ihealth/api#1").await.unwrap();
    let paths = [
        "DELETE /api/repos/ihealth/api/builds/1/1",
        "DELETE /api/repos/ihealth/api/builds/1/3",
    ];
    assert_eq!(written(&desk), paths);
    let item = desk
        .source
        .read(desk.cx(), Read::Item("build:drone/ihealth/api#1".into()))
        .await
        .unwrap();
    let ReadAnswer::Item(item) = item else {
        panic!("{item:?}")
    };
    let Item::Build(build) = *item else { panic!("{item:?}") };
    assert_eq!(build.steps.len(), 9);
    assert_eq!(build.steps[0].group.as_deref(), Some("GO_VERSION=1.8"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_cancelled_is_said_and_nothing_is_sent() {
    let drone = office();
    push(&drone, API);
    let blocked = NewBuild {
        blocked: true,
        ..NewBuild::push("develop", "e5", "sunyue", "x", STEPS)
    };
    drone.push_build(API, blocked).unwrap();
    let desk = Desk::at(drone.router()).await;
    for (target, code, hint) in [
        (
            "build:drone/ihealth/api#1",
            ErrorCode::ActionNotAvailable,
            "cannot cancel a build that has not started",
        ),
        ("build:drone/ihealth/api#2", ErrorCode::ActionNotAvailable, "decline it"),
        (WEB_1, ErrorCode::Conflict, ""),
        ("build:drone/ihealth/web#77", ErrorCode::ServerError, ""),
    ] {
        let error = desk.act(Verb::Cancel, target).await.unwrap_err();
        assert_eq!(error.code, code, "{target}: {error:?}");
        assert!(error.hint.unwrap_or_default().contains(hint), "{target}");
        assert_ne!(error.sent, Sent::Maybe, "{target}");
    }
    assert_eq!(written(&desk), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_apart() {
    let drone = office();
    let desk = Desk::at(drone.router()).await;
    let error = desk.act(Verb::Approve, WEB_1).await.unwrap_err();
    assert_eq!((error.code, error.sent), (ErrorCode::Conflict, Sent::Answered));
    assert_eq!(
        error.words.as_deref(),
        Some("cannot decline a build with status success"),
        "the server's own words"
    );
    let error = desk.act(Verb::Enable, "repo:drone/ihealth/web").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    let error = desk.act(Verb::Redeploy, WEB_1).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ActionNotAvailable);
    let error = desk.act(Verb::Restart, "build:drone/ihealth/nope#1").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(
        error.hint.unwrap().contains("right to push"),
        "404 is also what a missing right looks like"
    );
    for evil in [
        "build:drone/../../admin#1",
        "build:drone/a/b#x",
        "service:drone/1s1",
        "repo:drone/a/../b",
    ] {
        assert_eq!(
            desk.act(Verb::Restart, evil).await.unwrap_err().code,
            ErrorCode::NoSuchItem,
            "{evil}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn enabling_and_disabling_switch_the_repository() {
    let drone = office();
    let desk = Desk::at(drone.router()).await;
    desk.act(Verb::Disable, "repo:drone/ihealth/web").await.unwrap();
    assert!(!drone.repo("ihealth/web").unwrap().active);
    desk.act(Verb::Enable, "repo:drone/ihealth/web").await.unwrap();
    assert!(drone.repo("ihealth/web").unwrap().active);
    assert_eq!(
        written(&desk),
        ["DELETE /api/repos/ihealth/web", "POST /api/repos/ihealth/web"]
    );
}

/// A Drone that answers a restart after so many seconds.
fn slow(drone: &FakeDrone, seconds: u64) -> Router {
    let behind = drone.clone();
    let restart = move || async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let number = push(&behind, API);
        let body = format!(r#"{{"id":1,"number":{number},"status":"pending","procs":[]}}"#);
        (
            axum::http::StatusCode::ACCEPTED,
            [("content-type", "application/json; charset=utf-8")],
            body,
        )
    };
    Router::new()
        .route("/api/repos/ihealth/api/builds/1", post(restart))
        .fallback_service(drone.router())
}

#[tokio::test(start_paused = true)]
async fn a_restart_may_take_over_a_minute_and_beyond_that_nobody_knows() {
    let desk = Desk::at(slow(&office(), 80)).await;
    let receipt = desk.act(Verb::Restart, "build:drone/ihealth/api#1").await.unwrap();
    assert!(receipt.made.is_some());
    let desk = Desk::at(slow(&office(), 500)).await;
    let error = desk.act(Verb::Restart, "build:drone/ihealth/api#1").await.unwrap_err();
    assert_eq!((error.code, error.sent), (ErrorCode::Timeout, Sent::Maybe));
    assert_eq!(written(&desk).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn older_builds_are_paged_below_a_number() {
    let drone = office();
    for _ in 0..130 {
        let number = push(&drone, API);
        run_to_the_end(&drone, API, number, 0);
    }
    for gone in [78, 79, 80, 81] {
        drone.delete_build(API, gone);
    }
    let desk = Desk::at(drone.router()).await;
    let read = async |below: Option<u64>| {
        let what = Read::Builds {
            repo: API.into(),
            below,
        };
        match desk.source.read(desk.cx(), what).await.unwrap() {
            ReadAnswer::Builds(builds) => builds,
            other => panic!("{other:?}"),
        }
    };
    let mut numbers: Vec<u64> = Vec::new();
    let mut below = None;
    loop {
        let page = read(below).await;
        let Some(last) = page.last() else { break };
        assert!(page.iter().all(|build| build.status == S::Passed && !build.steps_known));
        below = Some(last.number);
        numbers.extend(page.iter().map(|build| build.number));
    }
    let expected: Vec<u64> = (1..=130).rev().filter(|number| !(78..=81).contains(number)).collect();
    assert_eq!(numbers, expected, "each once, none left out");
}
