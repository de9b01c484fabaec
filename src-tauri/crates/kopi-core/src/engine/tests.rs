//! What the engine promises, on a scripted server and a paused clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kopi_feed::FeedError;
use kopi_model::wire::{ConnectionState, ErrorCode};
use kopi_model::{BuildStatus, Item, NoticeEvent};

use crate::testing::{Bench, Memory, Move, bench, build, scripted, start_time};

fn state_of(bench: &Bench, name: &str) -> ConnectionState {
    let picture = bench.core.picture();
    let health = picture.connections.iter().find(|health| health.name.as_str() == name);
    health.expect("a connection").state
}

#[tokio::test(start_paused = true)]
async fn a_build_that_fails_is_told_once_and_written_down() {
    let (server, connection) = scripted("drone");
    server.lists(vec![
        build("drone", 1, BuildStatus::Passed),
        build("drone", 2, BuildStatus::Running),
    ]);
    let mut bench = bench(vec![connection], Arc::default()).await;
    bench
        .until("live", |picture| picture.connections[0].state == ConnectionState::Live)
        .await;
    server.upsert(build("drone", 2, BuildStatus::Failed));
    let notice = bench.told.recv().await.unwrap();
    assert_eq!(notice.event, NoticeEvent::Broken);
    assert_eq!(notice.facts.number, Some(2));
    // The same fact again, and the row in the history.
    server.upsert(build("drone", 2, BuildStatus::Running));
    server.upsert(build("drone", 2, BuildStatus::Failed));
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(bench.told.try_recv().is_err(), "told twice");
    let batches = bench.records.batches.lock().unwrap();
    let rows = batches.iter().flat_map(|batch| &batch.builds);
    let failed = rows.filter(|item| matches!(item.as_ref(), Item::Build(build) if build.status == BuildStatus::Failed));
    assert!(failed.count() >= 1);
}

#[tokio::test(start_paused = true)]
async fn monday_morning_is_one_digest() {
    let (server, connection) = scripted("drone");
    let records = Arc::new(Memory::default());
    {
        let mut cached = records.cached.lock().unwrap();
        cached.items = vec![build("drone", 900, BuildStatus::Passed)];
        let friday = start_time() - jiff::SignedDuration::from_hours(62);
        cached.scopes = vec![("drone".into(), "all".into(), friday)];
    }
    let statuses = [
        BuildStatus::Passed,
        BuildStatus::Failed,
        BuildStatus::Passed,
        BuildStatus::Failed,
    ];
    let numbers = 900..;
    server.lists(
        numbers
            .zip(std::iter::once(BuildStatus::Passed).chain(statuses))
            .map(|(number, status)| build("drone", number, status))
            .collect(),
    );
    let mut bench = bench(vec![connection], records).await;
    assert!(bench.core.picture().from_cache, "the cache is shown before any answer");
    assert_eq!(bench.core.picture().items.len(), 2, "the build and its line");
    let notice = bench.told.recv().await.unwrap();
    assert_eq!(notice.event, NoticeEvent::Digest);
    assert_eq!((notice.facts.passed, notice.facts.broken), (2, 2));
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(bench.told.try_recv().is_err(), "one digest and nothing else");
    assert!(!bench.core.picture().from_cache);
}

#[tokio::test(start_paused = true)]
async fn a_gap_over_two_minutes_and_a_sleep_are_history_and_a_short_one_is_news() {
    let (server, connection) = scripted("drone");
    server.lists(vec![build("drone", 900, BuildStatus::Passed)]);
    let mut bench = bench(vec![connection], Arc::default()).await;
    bench
        .until("live", |picture| picture.connections[0].state == ConnectionState::Live)
        .await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    // Short: the listing after it is news.
    server.lists(vec![build("drone", 1001, BuildStatus::Failed)]);
    server.then(Move::Fall(FeedError::new(ErrorCode::Reset, "GET /stream", "reset")));
    assert_eq!(bench.told.recv().await.unwrap().event, NoticeEvent::Broken);
    // Long: it is history.
    server.refuses(Some(FeedError::new(ErrorCode::Refused, "GET /", "refused")));
    server.then(Move::Fall(FeedError::new(ErrorCode::Reset, "GET /stream", "reset")));
    tokio::time::sleep(Duration::from_secs(200)).await;
    server.lists(vec![
        build("drone", 1001, BuildStatus::Failed),
        build("drone", 1002, BuildStatus::Failed),
    ]);
    server.refuses(None);
    assert_eq!(bench.told.recv().await.unwrap().event, NoticeEvent::Digest);
    // Sleep: everything is listed anew, and is history.
    let runs = server.runs();
    server.lists(
        (1001..1005)
            .map(|number| build("drone", number, BuildStatus::Failed))
            .collect(),
    );
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!(bench.told.recv().await.unwrap().event, NoticeEvent::Digest);
    assert!(server.runs() > runs, "listed anew");
    assert!(bench.told.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_refused_sign_in_is_not_asked_again_until_someone_says_so() {
    let (server, connection) = scripted("drone");
    server.refuses(Some(FeedError::new(ErrorCode::Unauthorized, "GET /api/user", "401")));
    let bench = bench(vec![connection], Arc::default()).await;
    bench
        .until("signed out", |picture| {
            picture.connections[0].state == ConnectionState::SignedOut
        })
        .await;
    tokio::time::sleep(Duration::from_hours(5)).await;
    tokio::time::advance(Duration::from_hours(1)).await;
    bench.network.store(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(
        server.runs(),
        1,
        "neither time nor a wake nor a network change asks again"
    );
    server.refuses(None);
    let (session, _frames) = bench.core.session(crate::Face::acting("window"));
    session
        .act(kopi_model::wire::Act::TryNow { connection: None })
        .await
        .unwrap();
    bench
        .until("live", |picture| picture.connections[0].state == ConnectionState::Live)
        .await;
}

#[tokio::test(start_paused = true)]
async fn failures_back_off_and_a_network_change_tries_at_once() {
    let (server, connection) = scripted("drone");
    server.refuses(Some(FeedError::new(ErrorCode::Refused, "GET /", "refused")));
    let bench = bench(vec![connection], Arc::default()).await;
    tokio::time::sleep(Duration::from_secs(52)).await;
    // 0, 0.8, 2.4, 5.6, 12, 24.8, 50.4
    assert_eq!(server.runs(), 7);
    let health = bench.core.picture().connections[0].clone();
    assert_eq!((health.state, health.tries), (ConnectionState::Retrying, 7));
    assert!(health.retry_at.unwrap() > start_time());
    assert_eq!(health.error.unwrap().code, ErrorCode::Refused);
    server.refuses(None);
    bench.network.store(7, Ordering::Relaxed);
    tokio::time::sleep(super::run::TICK * 2).await;
    assert_eq!(state_of(&bench, "drone"), ConnectionState::Live);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_that_connections_health_and_nothing_is_lost() {
    let (bad, bad_connection) = scripted("bad");
    let (good, good_connection) = scripted("good");
    bad.lists(vec![build("bad", 1, BuildStatus::Passed)]);
    let bench = bench(vec![bad_connection, good_connection], Arc::default()).await;
    bench
        .until("both live", |picture| {
            picture
                .connections
                .iter()
                .all(|health| health.state == ConnectionState::Live)
        })
        .await;
    bad.then(Move::Panic);
    bench
        .until("fallen", |picture| {
            picture.connections[0].state == ConnectionState::Retrying
        })
        .await;
    let picture = bench.core.picture();
    assert_eq!(picture.connections[0].error.as_ref().unwrap().code, ErrorCode::Internal);
    assert!(picture.connections[0].scopes[0].stale, "old data stays, as stale");
    assert!(picture.items.iter().any(|item| matches!(item.as_ref(), Item::Build(_))));
    good.upsert(build("good", 5, BuildStatus::Running));
    bench
        .until("the other goes on", |picture| {
            picture.items.iter().any(|item| item.connection().as_str() == "good")
        })
        .await;
    bench
        .until("back", |picture| picture.connections[0].state == ConnectionState::Live)
        .await;
}

#[tokio::test(start_paused = true)]
async fn changed_settings_touch_only_what_changed() {
    let (first, first_connection) = scripted("first");
    let (second, second_connection) = scripted("second");
    first.lists(vec![build("first", 1, BuildStatus::Passed)]);
    second.lists(vec![build("second", 1, BuildStatus::Passed)]);
    let bench = bench(
        vec![first_connection.clone(), second_connection.clone()],
        Arc::default(),
    )
    .await;
    bench
        .until("both", |picture| {
            picture
                .connections
                .iter()
                .all(|health| health.state == ConnectionState::Live)
        })
        .await;
    let mut settings = bench.core.settings().as_ref().clone();
    settings.connections = vec![first_connection];
    bench.core.settings_changed(settings).await.unwrap();
    let picture = bench.core.picture();
    assert_eq!(picture.connections.len(), 1);
    assert!(picture.items.iter().all(|item| item.connection().as_str() != "second"));
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(first.runs(), 1, "undisturbed");
}

#[tokio::test(start_paused = true)]
async fn the_history_is_pruned_soon_after_the_start_and_then_every_six_hours_and_closed_at_the_end() {
    let (_, connection) = scripted("drone");
    let bench = bench(vec![connection], Arc::default()).await;
    tokio::time::sleep(Duration::from_hours(25)).await;
    let pruned = bench.records.pruned.lock().unwrap().clone();
    let first = pruned[0].duration_since(start_time());
    assert!(first <= jiff::SignedDuration::from_mins(2), "{first}");
    assert_eq!(pruned.len(), 5);
    assert_eq!(*bench.records.closed.lock().unwrap(), 0);
    bench.core.stop("test").await;
    assert_eq!(*bench.records.closed.lock().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn sources_know_whether_anybody_looks_or_may_be_told() {
    let (server, connection) = scripted("drone");
    let mut settings = crate::CoreSettings {
        connections: vec![connection],
        ..crate::CoreSettings::default()
    };
    let bench = crate::testing::bench_with(settings.clone(), Arc::default()).await;
    let rest = || tokio::time::sleep(super::run::TICK * 2);
    rest().await;
    assert!(server.is_attended(), "notices are on");
    settings.settings.notices.clear();
    bench.core.settings_changed(settings).await.unwrap();
    rest().await;
    assert!(!server.is_attended(), "no notices, no face");
    let (session, _frames) = bench.core.session(crate::Face::looking("window"));
    let body = kopi_model::wire::RequestBody::Subscribe;
    session.handle(kopi_model::wire::Request { id: 1, body }).await;
    rest().await;
    assert!(server.is_attended(), "a window shows it");
}

/// Says who one is, once watched.
fn signs_in(server: &crate::testing::Script, login: &str) {
    server.then(Move::Note(kopi_feed::Note::SignedInAs(login.to_owned())));
}

async fn with_own_things_only() -> (Arc<crate::testing::Script>, Bench, crate::Session) {
    let (server, connection) = scripted("drone");
    server.lists(vec![build("drone", 1, BuildStatus::Passed)]);
    let mut settings = crate::CoreSettings {
        connections: vec![connection],
        ..crate::CoreSettings::default()
    };
    settings.settings.mine_loud_only = true;
    settings.settings.me = Vec::new();
    let bench = crate::testing::bench_as_set(settings, Arc::default()).await;
    bench
        .until("live", |picture| picture.connections[0].state == ConnectionState::Live)
        .await;
    let (session, _) = bench.core.session(crate::Face::acting("window"));
    (server, bench, session)
}

fn by(author: &str, branch: &str, number: u64, status: BuildStatus) -> Item {
    let Item::Build(mut build) = build("drone", number, status) else {
        panic!("a build")
    };
    build.author = author.into();
    build.branch = branch.into();
    Item::Build(build)
}

fn kept(bench: &Bench) -> Vec<(String, Option<String>)> {
    let notices = bench.records.notices.lock().unwrap();
    notices
        .iter()
        .map(|notice| (notice.event.clone(), notice.held_back.clone()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_others_passed_is_kept_and_not_shown_and_the_server_says_who_i_am() {
    let (server, mut bench, session) = with_own_things_only().await;
    server.upsert(by("sunyue", "dev", 2, BuildStatus::Passed));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(bench.told.try_recv().is_err(), "somebody else's");
    assert_eq!(kept(&bench), [("passed".to_owned(), Some("not_mine".to_owned()))]);
    signs_in(&server, "linhao");
    server.upsert(by("LinHao", "feature/x", 3, BuildStatus::Passed));
    let notice = bench.told.recv().await.unwrap();
    assert!(notice.mine && notice.event == NoticeEvent::Passed, "{notice:?}");
    // A feature branch of somebody else's is theirs; their main branch is everybody's.
    server.upsert(by("sunyue", "feature/y", 4, BuildStatus::Failed));
    server.upsert(by("sunyue", "dev", 5, BuildStatus::Failed));
    let notice = bench.told.recv().await.unwrap();
    assert_eq!((notice.facts.number, notice.event), (Some(5), NoticeEvent::Broken));
    let answer = session.query(kopi_model::wire::Query::About).await.unwrap();
    let kopi_model::wire::Answer::About(about) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(about.me, ["linhao"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_muted_or_in_focus_is_kept_and_not_shown_until_its_end() {
    use kopi_model::wire::Act;
    let (server, mut bench, session) = with_own_things_only().await;
    let in_an_hour = Some(start_time() + jiff::SignedDuration::from_hours(1));
    let mute = Act::Mute {
        subject: "ihealth/web".into(),
        until: in_an_hour,
    };
    session.act(mute).await.unwrap();
    server.upsert(by("sunyue", "dev", 2, BuildStatus::Failed));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let unmute = Act::Mute {
        subject: "ihealth/web".into(),
        until: None,
    };
    session.act(unmute).await.unwrap();
    session.act(Act::Focus { until: in_an_hour }).await.unwrap();
    server.upsert(by("sunyue", "dev", 3, BuildStatus::Failed));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(bench.told.try_recv().is_err());
    let held = |why: &str| Some(why.to_owned());
    assert_eq!(
        kept(&bench),
        [
            ("broken".to_owned(), held("muted")),
            ("still_broken".to_owned(), held("focus"))
        ]
    );
    for _ in 0..61 {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    server.upsert(by("sunyue", "dev", 4, BuildStatus::Failed));
    let notice = bench.told.recv().await.unwrap();
    assert_eq!((notice.event, notice.facts.streak), (NoticeEvent::StillBroken, Some(3)));
}

#[tokio::test(start_paused = true)]
async fn a_restart_tells_nothing_twice() {
    let records = Arc::new(Memory::default());
    let (server, connection) = scripted("drone");
    server.lists(vec![build("drone", 900, BuildStatus::Running)]);
    for told in [true, false] {
        let mut bench = bench(vec![connection.clone()], records.clone()).await;
        bench
            .until("live", |picture| picture.connections[0].state == ConnectionState::Live)
            .await;
        // The second time as a stream would that sends old news again.
        server.upsert(build("drone", 900, BuildStatus::Running));
        server.upsert(build("drone", 900, BuildStatus::Failed));
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(bench.told.try_recv().is_ok(), told);
        assert!(bench.told.try_recv().is_err());
        bench.core.stop("restart").await;
    }
}
