//! The source at work on its fake: what a person would miss if it were wrong.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use kopi_feed::{Note, SourceMessage};
use kopi_model::wire::ErrorCode;
use kopi_model::{BuildStatus as S, Coverage, Event, Item, Verb};

use super::setup::{Desk, office, push, run_to_the_end, seen, states};
use crate::drone::fake::{FakeRepo, FakeUser, NewBuild, Right, StreamKnobs};

const API: &str = "ihealth/api";

#[tokio::test(start_paused = true)]
async fn lists_everything_before_it_says_that_it_is_live() {
    let drone = office();
    let mut desk = Desk::at(drone.router()).await;
    desk.watch();
    let messages = desk.until_live().await;
    let server = Note::Server {
        dialect: "0.8".into(),
        version: Some("0.8.9".into()),
    };
    assert!(
        matches!(&messages[0], SourceMessage::Note(note) if *note == server),
        "{messages:?}"
    );
    assert!(matches!(messages.last(), Some(SourceMessage::Note(Note::Streaming))));
    let items = seen(&messages);
    let ids: Vec<&str> = items.iter().map(|item| item.id().as_str()).collect();
    let expected = [
        "repo:drone/ihealth/api",
        "repo:drone/ihealth/web",
        "build:drone/ihealth/web#1",
        "agents:drone/",
    ];
    assert_eq!(ids, expected);
    let coverages: Vec<(String, Coverage)> = messages
        .iter()
        .filter_map(|message| match message {
            SourceMessage::Event(Event::Init { scope, coverage }) => Some((scope.as_str().to_owned(), *coverage)),
            _ => None,
        })
        .collect();
    let expected = [
        ("repos".to_owned(), Coverage::Complete),
        ("feed".to_owned(), Coverage::Newest(1)),
        ("queue".to_owned(), Coverage::Complete),
    ];
    assert_eq!(coverages, expected);
}

#[tokio::test(start_paused = true)]
async fn a_build_goes_red_step_by_step() {
    let drone = office();
    let mut desk = Desk::at(drone.router()).await;
    desk.watch();
    desk.until_live().await;
    let number = push(&drone, API);
    run_to_the_end(&drone, API, number, 2);
    let builds = desk.builds_until(|build| build.status == S::Failed).await;
    let course: Vec<_> = builds.iter().map(states).collect();
    assert_eq!(course.first(), Some(&(S::Waiting, vec![S::Waiting; 3])));
    assert_eq!(
        course.last(),
        Some(&(S::Failed, vec![S::Passed, S::Failed, S::Skipped]))
    );
    let ranks: Vec<u8> = builds.iter().map(|build| build.status.rank()).collect();
    assert!(ranks.is_sorted(), "{course:?}");
    let red = builds.last().unwrap();
    assert_eq!(red.id.as_str(), "build:drone/ihealth/api#1");
    assert_eq!(
        (red.subject.as_str(), red.author.as_str(), red.branch.as_str()),
        ("fix: 血糖仪同步", "sunyue", "develop")
    );
    assert_eq!(red.steps[1].exit_code, Some(2));
    assert_eq!(red.url.as_deref().unwrap(), format!("{}ihealth/api/1", desk.served.url));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_build_is_never_told_as_failed() {
    let drone = office();
    let mut desk = Desk::at(drone.router()).await;
    desk.watch();
    desk.until_live().await;
    let number = push(&drone, API);
    drone.start_proc(API, number, 1, "agent-1");
    drone.start_proc(API, number, 2, "agent-1");
    desk.builds_until(|build| build.status == S::Running && build.steps[0].status == S::Running)
        .await;
    desk.act(Verb::Cancel, "build:drone/ihealth/api#1").await.unwrap();
    drone.end_proc(API, number, 1, 0);
    let builds = desk.builds_until(|build| build.status.is_final()).await;
    let last = builds.last().unwrap();
    assert_eq!(states(last), (S::Cancelled, vec![S::Passed, S::Skipped, S::Skipped]));
    assert_eq!(last.server_status, "failure", "the server's own word stays");
    assert!(builds.iter().all(|build| build.status != S::Failed));
}

#[tokio::test(start_paused = true)]
async fn what_happened_while_away_is_found_at_the_reconnect() {
    let drone = office();
    let old = push(&drone, API);
    drone.start_proc(API, old, 1, "agent-1");
    let mut desk = Desk::at(drone.router()).await;
    desk.watch();
    desk.until_live().await;
    drone.cut_streams();
    let error = desk.broke().await;
    assert!(error.ended && !error.stops(), "{error:?}");
    // The older build ends behind the back of a newer one that hides it, and a third one is made.
    run_to_the_end(&drone, API, old, 0);
    for pid in 2..=4 {
        drone.start_proc(API, old, pid, "agent-1");
        drone.end_proc(API, old, pid, 0);
    }
    drone.end_proc(API, old, 1, 0);
    push(&drone, API);
    desk.watch();
    let items = seen(&desk.until_live().await);
    let builds: Vec<(u64, S)> = items
        .iter()
        .filter_map(|item| match item {
            Item::Build(build) if build.repo == API => Some((build.number, build.status)),
            _ => None,
        })
        .collect();
    assert_eq!(builds, [(2, S::Waiting), (1, S::Passed)]);
}

#[tokio::test(start_paused = true)]
async fn blocked_builds_are_found_without_a_frame_and_approval_is_followed() {
    let drone = office();
    let mut desk = Desk::at(drone.router()).await;
    desk.watch();
    desk.until_live().await;
    let build = NewBuild {
        blocked: true,
        ..NewBuild::push("release", &"b2".repeat(20), "stranger", "feat: x", ["git", "deploy"])
    };
    drone.push_build(API, build).unwrap();
    let blocked = desk.next_build().await;
    assert_eq!(
        (blocked.status, blocked.steps_known, blocked.steps.len()),
        (S::Blocked, true, 0)
    );
    desk.act(Verb::Approve, blocked.id.as_str()).await.unwrap();
    let builds = desk
        .builds_until(|build| build.status == S::Waiting && !build.steps.is_empty())
        .await;
    assert_eq!(builds.last().unwrap().reviewed_by.as_deref(), Some("guotuo"));
}

#[tokio::test(start_paused = true)]
async fn a_build_that_does_not_compile_is_found_with_its_words() {
    let drone = office();
    let mut desk = Desk::at(drone.router()).await;
    desk.watch();
    desk.until_live().await;
    let build = NewBuild {
        compile_error: Some("yaml: line 7: did not find expected key".into()),
        ..NewBuild::push("develop", &"c3".repeat(20), "sunyue", "ci", ["git"])
    };
    drone.push_build(API, build).unwrap();
    let builds = desk.builds_until(|build| build.error.is_some()).await;
    let last = builds.last().unwrap();
    assert_eq!(last.status, S::Errored);
    assert_eq!(last.error.as_deref(), Some("yaml: line 7: did not find expected key"));
}

/// Requests in the tenth minute of silence.
async fn requests_a_minute(repos: usize, running: u64) -> usize {
    let drone = office();
    for index in 0..repos {
        drone.add_repo(FakeRepo::new(&format!("ihealth/more-{index}"), "https://github.com"));
    }
    for _ in 0..running {
        let number = push(&drone, API);
        drone.start_proc(API, number, 1, "agent-1");
    }
    let mut desk = Desk::at(drone.router()).await;
    desk.watch();
    desk.until_live().await;
    let mut most = 0;
    for _ in 0..10 {
        desk.served.faults.forget();
        let minute = tokio::time::Instant::now() + Duration::from_mins(1);
        while tokio::time::timeout_at(minute, desk.next()).await.is_ok() {}
        most = most.max(desk.served.faults.seen().len());
    }
    most
}

#[tokio::test(start_paused = true)]
async fn silence_costs_few_requests_however_many_repositories_there_are() {
    let few = requests_a_minute(0, 0).await;
    let many = requests_a_minute(500, 0).await;
    assert_eq!(few, many);
    assert!(few <= 5, "{few}");
    let busy = requests_a_minute(0, 12).await;
    assert!(busy <= 20, "{busy} with 12 builds that do not end");
}

#[tokio::test(start_paused = true)]
async fn lost_doubled_and_swapped_frames_end_in_the_truth() {
    let drone = office();
    drone.set_knobs(StreamKnobs {
        drop_every: 5,
        double_every: 3,
        swap_every: 2,
        ..StreamKnobs::default()
    });
    let mut desk = Desk::at(drone.router()).await;
    desk.watch();
    desk.until_live().await;
    let number = push(&drone, API);
    run_to_the_end(&drone, API, number, 0);
    let builds = desk
        .builds_until(|build| states(build) == (S::Passed, vec![S::Passed; 3]))
        .await;
    let ranks: Vec<u8> = builds.iter().map(|build| build.status.rank()).collect();
    assert!(ranks.is_sorted(), "{ranks:?}");
}

#[tokio::test(start_paused = true)]
async fn a_repository_enabled_later_is_heard() {
    let drone = office();
    let mut desk = Desk::at(drone.router()).await;
    drone.add_repo(FakeRepo {
        active: false,
        ..FakeRepo::new("ihealth/new", "https://github.com")
    });
    desk.watch();
    desk.until_live().await;
    desk.act(Verb::Enable, "repo:drone/ihealth/new").await.unwrap();
    desk.look_again.notify_one();
    // The stream shows only what was there when it was opened.
    desk.until_live().await;
    push(&drone, "ihealth/new");
    let builds = desk.builds_until(|build| build.repo == "ihealth/new").await;
    assert_eq!(builds.last().unwrap().status, S::Waiting);
}

#[tokio::test(start_paused = true)]
async fn without_a_stream_it_polls_and_says_so() {
    let drone = office();
    let no_stream = Router::new()
        .route(
            "/stream/events",
            get(|| async { axum::response::Html("<html></html>") }),
        )
        .fallback_service(drone.router());
    let mut desk = Desk::at(no_stream).await;
    desk.watch();
    let messages = desk.until_live().await;
    assert!(
        matches!(
            messages.last(),
            Some(SourceMessage::Note(Note::Polling { every_s: 30 }))
        ),
        "{messages:?}"
    );
    let number = push(&drone, API);
    run_to_the_end(&drone, API, number, 1);
    let build = desk.builds_until(|build| build.repo == API).await.pop().unwrap();
    assert_eq!(
        states(&build),
        (S::Failed, vec![S::Passed, S::Failed, S::Skipped]),
        "the changed build was read"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_a_dead_stream() {
    let drone = office();
    drone.set_knobs(StreamKnobs {
        ping_every: Duration::from_hours(1),
        ..StreamKnobs::default()
    });
    let mut desk = Desk::at(drone.router()).await;
    desk.watch();
    desk.until_live().await;
    assert_eq!(desk.broke().await.code, ErrorCode::StreamSilent);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_token_stops_although_the_stream_would_open() {
    let drone = office();
    let mut desk = Desk::at(drone.router()).await;
    drone.add_user(FakeUser {
        login: "guotuo".into(),
        token: "another".into(),
        ..FakeUser::default()
    });
    desk.watch();
    let error = desk.broke().await;
    assert!(error.stops(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn who_may_not_see_the_queue_is_told_nothing_of_it() {
    let drone = office();
    drone.add_user(FakeUser {
        login: "guotuo".into(),
        token: super::setup::TOKEN.into(),
        everywhere: Some(Right::Pull),
        ..FakeUser::default()
    });
    let mut desk = Desk::at(drone.router()).await;
    desk.watch();
    let items = seen(&desk.until_live().await);
    let agents = items.iter().find_map(|item| match item {
        Item::Agents(agents) => Some((agents.pending, agents.running, agents.idle)),
        _ => None,
    });
    assert_eq!(agents, Some((None, None, None)));
    assert!(
        desk.served
            .faults
            .seen()
            .iter()
            .all(|seen| !seen.path.contains("queue"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_build_is_not_a_build_that_is_gone() {
    let drone = office();
    for _ in 0..2 {
        let number = push(&drone, API);
        drone.start_proc(API, number, 1, "agent-1");
    }
    let mut desk = Desk::at(drone.router()).await;
    desk.watch();
    desk.until_live().await;
    assert!(drone.delete_build(API, 1));
    loop {
        if let SourceMessage::Event(Event::Gone(id)) = desk.next().await {
            assert_eq!(id.as_str(), "build:drone/ihealth/api#1");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_members_of_the_family_are_recognised_and_refused() {
    let version = |body: &'static str| Router::new().route("/version", get(move || async move { body }));
    for (router, expected) in [
        (
            version(r#"{"version":"2.11.1"}"#),
            "Drone 2.11.1 is recognised but not spoken yet",
        ),
        (
            version(r#"{"source":"https://github.com/woodpecker-ci/woodpecker","version":"3.17.0"}"#),
            "Woodpecker 3.17.0 is recognised but not spoken yet",
        ),
    ] {
        let mut desk = Desk::at(router).await;
        desk.watch();
        let error = desk.broke().await;
        assert_eq!((error.code, error.what.as_str()), (ErrorCode::NotSupported, expected));
        let report = kopi_feed::Source::probe(&*desk.source, desk.cx()).await;
        assert!(
            !report.ok && report.dialect.is_some() && report.server_version.is_some(),
            "{report:?}"
        );
        let asked = desk.served.faults.seen();
        assert!(
            asked.iter().all(|seen| seen.path == "/version"),
            "no token leaves: {asked:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_probe_says_who_one_is_and_does_not_guess_rights() {
    let drone = office();
    let desk = Desk::at(drone.router()).await;
    let report = kopi_feed::Source::probe(&*desk.source, desk.cx()).await;
    assert!(report.ok, "{report:?}");
    assert_eq!(report.user.as_deref(), Some("guotuo"));
    assert_eq!(
        (report.dialect.as_deref(), report.server_version.as_deref()),
        (Some("0.8"), Some("0.8.9"))
    );
    assert_eq!(report.may, ["read", "admin", "act?"]);
}

#[test]
fn the_settings_have_words_in_both_languages() {
    let kind = crate::drone::kind();
    let token = kind.fields.iter().find(|field| field.name == "token").unwrap();
    assert_eq!(token.label, ["Token", "令牌"]);
    assert!(token.help.iter().all(|help| help.contains("{url}/account/token")));
    assert!(kind.icon.contains("currentColor"));
}
