//! What a face is sent, and when.

use std::sync::Arc;
use std::time::Duration;

use kopi_feed::LogChunk;
use kopi_model::wire::{ConnectionState, Frame, LogAsk, LogEnd, LogLine, Patch, Request, RequestBody};
use kopi_model::{BuildStatus, Item};
use tokio::time::Instant;

use crate::testing::{Bench, Script, bench, build, scripted};
use crate::{Face, Frames, Session};

async fn scene() -> (Arc<Script>, Bench, Session, Frames) {
    let (server, connection) = scripted("drone");
    server.lists(vec![build("drone", 1, BuildStatus::Running)]);
    let bench = bench(vec![connection], Arc::default()).await;
    bench
        .until("live", |picture| picture.connections[0].state == ConnectionState::Live)
        .await;
    // So that figures of the start are behind us.
    tokio::time::sleep(Duration::from_secs(30)).await;
    let (session, frames) = bench.core.session(Face::acting("window"));
    (server, bench, session, frames)
}

async fn say(session: &Session, body: RequestBody) {
    session.handle(Request { id: 9, body }).await;
}

async fn subscribed(session: &Session, frames: &mut Frames) -> u64 {
    say(session, RequestBody::Subscribe).await;
    match frames.next().await {
        Some(Frame::Snapshot(snapshot)) => {
            say(session, RequestBody::Ack { rev: snapshot.rev }).await;
            snapshot.rev
        }
        other => panic!("a snapshot first, not {other:?}"),
    }
}

async fn patch(frames: &mut Frames) -> Patch {
    match tokio::time::timeout(Duration::from_secs(3), frames.next()).await {
        Ok(Some(Frame::Patch(patch))) => patch,
        other => panic!("a patch, not {other:?}"),
    }
}

async fn nothing_for(frames: &mut Frames, time: Duration) {
    let came = tokio::time::timeout(time, frames.next()).await;
    assert!(came.is_err(), "{came:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_change_leaves_at_once_and_the_next_wait_for_the_ack_and_33_ms() {
    let (server, _bench, session, mut frames) = scene().await;
    let rev = subscribed(&session, &mut frames).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = Instant::now();
    server.upsert(build("drone", 2, BuildStatus::Running));
    let first = patch(&mut frames).await;
    assert!(
        asked.elapsed() < Duration::from_millis(5),
        "at once: {:?}",
        asked.elapsed()
    );
    assert_eq!(first.base, rev);
    // Unacknowledged: nothing more, however much changes.
    for number in 3..30 {
        server.upsert(build("drone", number, BuildStatus::Running));
    }
    nothing_for(&mut frames, Duration::from_secs(2)).await;
    say(&session, RequestBody::Ack { rev: first.rev }).await;
    let mut last = first.rev;
    let mut numbers = Vec::new();
    // All of it together, in pieces that follow on each other and stay small.
    while numbers.len() < 27 {
        let patch = patch(&mut frames).await;
        assert_eq!(patch.base, last);
        assert!(serde_json::to_vec(&patch).unwrap().len() < 8192);
        last = patch.rev;
        numbers.extend(patch.upserts.iter().filter_map(|item| match item.as_ref() {
            Item::Build(build) => Some(build.number),
            _ => None,
        }));
    }
    say(&session, RequestBody::Ack { rev: last }).await;
    let asked = Instant::now();
    server.upsert(build("drone", 31, BuildStatus::Running));
    patch(&mut frames).await;
    assert!(
        asked.elapsed() >= Duration::from_millis(30),
        "paced: {:?}",
        asked.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_hidden_face_is_sent_nothing_and_a_picture_when_it_is_shown() {
    let (server, bench, session, mut frames) = scene().await;
    subscribed(&session, &mut frames).await;
    say(&session, RequestBody::Visible { visible: false }).await;
    server.upsert(build("drone", 2, BuildStatus::Running));
    nothing_for(&mut frames, Duration::from_secs(2)).await;
    say(&session, RequestBody::Visible { visible: true }).await;
    let Some(Frame::Snapshot(snapshot)) = frames.next().await else {
        panic!("a snapshot");
    };
    assert_eq!(snapshot.items.len(), bench.core.picture().items.len());
}

#[tokio::test(start_paused = true)]
async fn a_face_with_another_copy_gets_the_picture() {
    let (server, _bench, session, mut frames) = scene().await;
    let rev = subscribed(&session, &mut frames).await;
    say(&session, RequestBody::Ack { rev: rev + 1000 }).await;
    server.upsert(build("drone", 2, BuildStatus::Running));
    assert!(matches!(frames.next().await, Some(Frame::Snapshot(_))));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_session_ends_what_it_opened() {
    let (_server, bench, session, mut frames) = scene().await;
    subscribed(&session, &mut frames).await;
    drop(session);
    while frames.next().await.is_some() {}
    bench.core.stop("quit").await;
    assert!(bench.core.0.tasks.is_empty(), "nothing runs on");
}

fn line(number: u64) -> LogLine {
    LogLine {
        number,
        step: None,
        at_s: None,
        text: format!("line {number}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_comes_whole_in_order_with_its_gap_and_its_end() {
    let (server, _bench, session, mut frames) = scene().await;
    let chunk = |lines: std::ops::Range<u64>| LogChunk {
        lines: lines.map(line).collect(),
        ..LogChunk::default()
    };
    let mut late = chunk(60_000..60_010);
    late.gap = true;
    late.caught_up = true;
    server.logs(vec![chunk(1..30_000), chunk(30_000..50_001), late]);
    let ask = LogAsk {
        item: build("drone", 1, BuildStatus::Running).id().clone(),
        step: None,
        follow: false,
    };
    say(&session, RequestBody::OpenLog(ask)).await;
    let mut next = 1;
    let mut gaps = 0;
    loop {
        let Some(Frame::Log(frame)) = frames.next().await else {
            panic!("log frames");
        };
        assert_eq!(frame.id, 9);
        assert!(frame.lines.len() <= 2000, "bounded");
        if frame.gap {
            gaps += 1;
            next = 60_000;
        }
        for line in &frame.lines {
            assert_eq!(line.number, next);
            next += 1;
        }
        if let Some(ended) = frame.ended {
            assert!(frame.caught_up);
            assert_eq!(ended, LogEnd::Complete);
            break;
        }
    }
    assert_eq!((next, gaps), (60_010, 1));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_not_there_says_so() {
    let (_server, _bench, session, mut frames) = scene().await;
    let ask = |item: &str| LogAsk {
        item: item.into(),
        step: None,
        follow: true,
    };
    say(&session, RequestBody::OpenLog(ask("build:drone/ihealth/web#1"))).await;
    let Some(Frame::Log(frame)) = frames.next().await else {
        panic!("a log frame");
    };
    assert_eq!(frame.ended, Some(LogEnd::None));
    say(&session, RequestBody::OpenLog(ask("build:nowhere/ihealth/web#1"))).await;
    let Some(Frame::Log(frame)) = frames.next().await else {
        panic!("a log frame");
    };
    assert!(matches!(frame.ended, Some(LogEnd::Failed { .. })));
}
