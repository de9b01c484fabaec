//! Every fault of a server, felt by the whole core through the real sources: nothing is lost or invented, the source bar
//! says what, since when and when the next try is, and it comes back by itself with what happened meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use kopi_model::wire::{Act, ConnectionHealth, ConnectionState, ErrorCode, Snapshot};
use kopi_model::{Item, ItemId, Timestamp};
use kopi_office::{Fault, Wanted};
use tokio::task::JoinSet;

use crate::flow::{Scene, scene};

fn code_of(fault: Fault) -> ErrorCode {
    match fault {
        Fault::Refuse => ErrorCode::Refused,
        Fault::Reset => ErrorCode::Reset,
        Fault::Hang | Fault::SlowDrip => ErrorCode::Timeout,
        Fault::Truncate => ErrorCode::Truncated,
        Fault::Html => ErrorCode::NotJson,
        Fault::Unauthorized => ErrorCode::Unauthorized,
        Fault::Forbidden => ErrorCode::Forbidden,
        Fault::RateLimited => ErrorCode::RateLimited,
        Fault::ServerError => ErrorCode::ServerError,
        Fault::Oversized => ErrorCode::TooLarge,
        Fault::BadTls => ErrorCode::Tls,
    }
}

fn items(picture: &Snapshot) -> BTreeMap<ItemId, Item> {
    picture
        .items
        .iter()
        .map(|item| (item.id().clone(), item.as_ref().clone()))
        .collect()
}

fn set(scene: &Scene, fault: Option<Fault>) {
    for server in kopi_office::office::SERVERS {
        scene.office.handle().set_fault(server, fault).unwrap();
    }
}

/// Both connections are so.
async fn both(scene: &Scene, what: &str, is_so: impl Fn(&ConnectionHealth) -> bool) -> Snapshot {
    scene
        .until(what, |picture| {
            picture.connections.iter().all(&is_so).then(|| picture.clone())
        })
        .await
}

fn check_down(health: &ConnectionHealth, fault: Fault, broke_at: Timestamp) {
    let seen = format!("{fault}: {health:#?}");
    let error = health.error.as_ref().unwrap();
    assert!(!error.message.is_empty(), "{seen}");
    assert!(health.since.is_some_and(|since| since >= broke_at), "{seen}");
    assert!(health.last_good_at.is_some_and(|at| Some(at) <= health.since), "{seen}");
    assert!(!health.scopes.is_empty(), "{seen}");
    assert!(
        health.scopes.iter().all(|scope| scope.stale && scope.as_of.is_some()),
        "{seen}"
    );
    if fault == Fault::Unauthorized {
        let stands = (health.state, health.retry_at);
        assert_eq!(stands, (ConnectionState::SignedOut, None), "{seen}");
    } else {
        assert_eq!(health.state, ConnectionState::Retrying, "{seen}");
        assert!(health.retry_at.is_some_and(|at| Some(at) >= health.since), "{seen}");
    }
    if fault == Fault::RateLimited {
        let wait = health.retry_at.unwrap().duration_since(health.since.unwrap());
        assert!(wait.as_secs() >= 25, "waits as told: {seen}");
    }
}

async fn goes_and_comes(fault: Fault) {
    // On orders only: what changes between is what the test does.
    let mut scene = scene(0.0).await;
    let before = items(&scene.core.picture());
    assert!(before.len() > 50, "{}", before.len());
    let (repo, branch) = before
        .values()
        .find_map(|item| match item {
            // `api` waits for a person on its main branch.
            Item::Build(build) if build.event == "push" && !build.repo.ends_with("/api") => {
                Some((build.repo.clone(), build.branch.clone()))
            }
            _ => None,
        })
        .unwrap();
    let broke_at = Timestamp::now();
    if fault == Fault::Hang {
        // A stream that falls silent is noticed by its watchdog alone, in 15 and 75 s: here both are cut first.
        set(&scene, Some(Fault::Reset));
        both(&scene, "cut", |health| health.state == ConnectionState::Retrying).await;
    }
    set(&scene, Some(fault));
    let down = both(&scene, &format!("{fault}: its reason"), |health| {
        health.error.as_ref().is_some_and(|error| error.code == code_of(fault))
    })
    .await;
    for health in &down.connections {
        check_down(health, fault, broke_at);
    }
    assert_eq!(items(&down), before, "{fault}: the picture stands");
    let pushed = scene
        .office
        .handle()
        .push(Wanted {
            repo,
            branch,
            author: "sunyue".into(),
            message: "Pushed while nobody could hear it".into(),
            ..Wanted::default()
        })
        .await
        .unwrap();
    assert_eq!(items(&scene.core.picture()), before, "{fault}: nothing is invented");
    let mended_at = Timestamp::now();
    set(&scene, None);
    if matches!(fault, Fault::Unauthorized | Fault::RateLimited) {
        // The one waits for a person or other settings, the other as long as it was told: here the person says try now.
        scene.session.act(Act::TryNow { connection: None }).await.unwrap();
    }
    let up = both(&scene, &format!("{fault}: live again"), |health| {
        health.state == ConnectionState::Live
            && health
                .scopes
                .iter()
                .all(|scope| !scope.stale && scope.as_of.is_some_and(|at| at >= mended_at))
    })
    .await;
    for health in &up.connections {
        assert!(
            health.error.is_none() && health.retry_at.is_none() && health.tries == 0,
            "{fault}: {health:#?}"
        );
    }
    let after = items(&up);
    let lost: Vec<_> = before.keys().filter(|id| !after.contains_key(id)).collect();
    assert!(lost.is_empty(), "{fault}: lost {lost:?}");
    let new: Vec<_> = after.iter().filter(|(id, _)| !before.contains_key(id)).collect();
    assert!(
        matches!(new.as_slice(), [(_, Item::Build(build))] if build.sha == pushed.sha),
        "{fault}: the push and nothing else: {new:#?}"
    );
    assert!(
        scene
            .told
            .try_recv()
            .is_err_and(|error| error == tokio::sync::mpsc::error::TryRecvError::Empty),
        "{fault}: a broken connection is no notice"
    );
    scene.core.stop("test").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_said_keeps_the_picture_and_goes_by_itself() {
    let began = std::time::Instant::now();
    let mut all = JoinSet::new();
    for fault in Fault::ALL {
        all.spawn(goes_and_comes(fault));
    }
    while let Some(ended) = all.join_next().await {
        if let Err(error) = ended {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    assert!(began.elapsed() < Duration::from_mins(1));
}
