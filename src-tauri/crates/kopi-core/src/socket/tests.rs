//! One host, many faces, and what happens when the host dies.

use std::sync::Arc;
use std::time::Duration;

use kopi_model::wire::{Answer, ErrorCode, Frame, Query};
use kopi_model::{BuildStatus, Item};

use super::{attach, host, take_lock};
use crate::socket::LockError;
use crate::testing::{bench, build, scripted};
use crate::{Face, Paths};

fn home() -> (tempfile::TempDir, Paths) {
    let folder = tempfile::tempdir().unwrap();
    let paths = Paths::in_home(folder.path());
    (folder, paths)
}

#[tokio::test]
async fn a_face_attaches_asks_and_is_kept_up_to_date() {
    let (_folder, paths) = home();
    let (server, connection) = scripted("drone");
    server.lists(vec![build("drone", 1, BuildStatus::Running)]);
    let bench = bench(vec![connection], Arc::default()).await;
    let hosted = host(&bench.core, &paths, take_lock(&paths).unwrap()).unwrap();
    let (client, mut frames) = attach(&paths, "cli").await.unwrap();
    assert!(client.hello().may_act);
    let about = client.query(Query::About).await.unwrap();
    assert!(matches!(about, Answer::About(about) if !about.first_run));
    client.subscribe().await.unwrap();
    let Some(Frame::Snapshot(snapshot)) = frames.next().await else {
        panic!("a snapshot first");
    };
    client.acknowledge(snapshot.rev).await.unwrap();
    server.upsert(build("drone", 1, BuildStatus::Passed));
    let mut rev = snapshot.rev;
    let passed = loop {
        let Some(Frame::Patch(patch)) = frames.next().await else {
            panic!("patches then");
        };
        assert_eq!(patch.base, rev, "no patch is missed");
        rev = patch.rev;
        client.acknowledge(rev).await.unwrap();
        let status = patch.upserts.iter().find_map(|item| match item.as_ref() {
            Item::Build(build) if build.status == BuildStatus::Passed => Some(build.number),
            _ => None,
        });
        if let Some(number) = status {
            break number;
        }
    };
    assert_eq!(passed, 1);
    bench.core.stop("quit").await;
    assert!(matches!(frames.next().await, Some(Frame::Bye { .. })));
    assert!(frames.next().await.is_none());
    assert_eq!(client.query(Query::About).await.unwrap_err().code, ErrorCode::CoreGone);
    drop(hosted);
}

#[tokio::test]
async fn a_second_host_is_refused_and_a_dead_one_leaves_no_trace() {
    let (_folder, paths) = home();
    let first = take_lock(&paths).unwrap();
    let refused = take_lock(&paths).unwrap_err();
    assert!(matches!(refused, LockError::Held { process } if process == std::process::id().to_string()));
    drop(first);
    // A socket file that a killed core left behind.
    std::fs::write(paths.socket(), "").unwrap();
    assert_eq!(attach(&paths, "cli").await.err().unwrap().code, ErrorCode::CoreGone);
    let bench = bench(Vec::new(), Arc::default()).await;
    let _hosted = host(&bench.core, &paths, take_lock(&paths).unwrap()).unwrap();
    attach(&paths, "cli").await.unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(paths.socket()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_dead_core_is_noticed_at_once() {
    let (_folder, paths) = home();
    let bench = bench(Vec::new(), Arc::default()).await;
    let hosted = host(&bench.core, &paths, take_lock(&paths).unwrap()).unwrap();
    let (client, _frames) = attach(&paths, "window").await.unwrap();
    client.heartbeat().await.unwrap();
    drop(hosted);
    tokio::time::timeout(Duration::from_secs(2), client.gone().cancelled())
        .await
        .expect("noticed within 2 s");
}

#[tokio::test]
async fn another_version_is_told_how_to_be_cured() {
    use interprocess::local_socket::tokio::{Stream, prelude::*};
    use kopi_model::wire::{Hello, PROTOCOL, Request, RequestBody};

    let (_folder, paths) = home();
    let bench = bench(Vec::new(), Arc::default()).await;
    let _hosted = host(&bench.core, &paths, take_lock(&paths).unwrap()).unwrap();
    let stream = Stream::connect(super::host::name_of(&paths).unwrap()).await.unwrap();
    let body = RequestBody::Hello(Hello {
        protocol: PROTOCOL + 1,
        version: "9.0.0".into(),
        face: "window".into(),
        token: None,
        core: None,
        may_act: false,
    });
    super::lines::write(&mut &stream, &Request { id: 7, body })
        .await
        .unwrap();
    let mut reader = super::lines::Reader::new(&stream, 10_000);
    let Some(Frame::Answer {
        id: 7,
        result: Err(error),
    }) = reader.next::<Frame>().await.unwrap()
    else {
        panic!("an error");
    };
    assert_eq!(error.code, ErrorCode::VersionMismatch);
    assert!(error.message.contains("9.0.0") && error.hint.is_some());
}

#[tokio::test]
async fn a_frame_over_the_limit_ends_the_talk_and_not_the_core() {
    use interprocess::local_socket::tokio::{Stream, prelude::*};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (_folder, paths) = home();
    let bench = bench(Vec::new(), Arc::default()).await;
    let _hosted = host(&bench.core, &paths, take_lock(&paths).unwrap()).unwrap();
    let stream = Stream::connect(super::host::name_of(&paths).unwrap()).await.unwrap();
    let flood = vec![b'x'; super::lines::MOST_IN + 64];
    (&stream).write_all(&flood).await.ok();
    let mut rest = Vec::new();
    (&stream).read_to_end(&mut rest).await.ok();
    assert!(String::from_utf8_lossy(&rest).contains("too_large") || rest.is_empty());
    let (client, _frames) = attach(&paths, "cli").await.unwrap();
    client.query(Query::About).await.unwrap();
    drop(bench.core.session(Face::looking("browser")));
}
