//! What a user would miss: history after a restart, an intent after a crash, words instead of a broken start.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kopi_model::wire::{DeployRecord, JournalEntry, NoticeRecord};
use kopi_model::{Build, BuildStatus, Item, ItemId, Service, Verb};

use crate::{Batch, HistoryAsk, Opened, Store, StoreError};

const WRITER: &str = "KOPI_STORE_TEST_WRITER";

fn now() -> Timestamp {
    "2026-11-25T09:00:00Z".parse().unwrap()
}

fn hours_ago(hours: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_hours(hours)).unwrap()
}

fn build(number: u64, branch: &str, created_at: Timestamp) -> Build {
    Build {
        id: ItemId::from(format!("build:drone/ihealth/web#{number}")),
        connection: "drone".into(),
        repo: "ihealth/web".into(),
        branch: branch.into(),
        number,
        status: BuildStatus::Passed,
        created_at: Some(created_at),
        started_at: Some(created_at),
        finished_at: created_at
            .checked_add(SignedDuration::from_secs(i64::try_from(number).unwrap()))
            .ok(),
        ..Build::default()
    }
}

fn builds(builds: impl IntoIterator<Item = Build>) -> Batch {
    Batch {
        builds: builds.into_iter().map(|build| Arc::new(Item::Build(build))).collect(),
        ..Batch::default()
    }
}

fn intent() -> JournalEntry {
    JournalEntry {
        id: 0,
        at: now(),
        who: "bo".into(),
        via: "window".into(),
        verb: Verb::Redeploy,
        target: "service:rancher/1s47".into(),
        target_name: "web/api".into(),
        plan: None,
        result: "sent".into(),
        detail: None,
        undone_by: None,
        ended_at: None,
    }
}

fn deploy(started_at: Timestamp) -> DeployRecord {
    DeployRecord {
        service: "service:rancher/1s47".into(),
        service_name: "web/api".into(),
        environment_name: "Production".into(),
        from: Some("web:1".into()),
        to: "web:2".into(),
        started_at,
        ended_at: None,
        result: None,
        by: None,
        journal: None,
    }
}

async fn open(path: &Path) -> Store {
    Store::open(path, now()).await.unwrap().0
}

#[tokio::test]
async fn the_history_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/kopi.db");
    let (store, opened) = Store::open(&path, now()).await.unwrap();
    assert_eq!(opened, Opened::Fresh);
    let batch = builds((1..=9).map(|number| {
        build(
            number,
            if number % 2 == 0 { "dev" } else { "master" },
            hours_ago(20 - number as i64),
        )
    }));
    store.record(&batch).await.unwrap();
    let corrected = Build {
        status: BuildStatus::Failed,
        ..build(9, "master", hours_ago(11))
    };
    store.record(&builds([corrected.clone()])).await.unwrap();
    store.close().await.unwrap();

    let (store, opened) = Store::open(&path, now()).await.unwrap();
    assert_eq!(opened, Opened::Existing);
    let numbers = async |ask: HistoryAsk| {
        let found = store.history(&ask).await.unwrap();
        found.iter().map(|build| build.number).collect::<Vec<_>>()
    };
    let all = HistoryAsk {
        limit: 500,
        ..HistoryAsk::default()
    };
    assert_eq!(numbers(all.clone()).await, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(
        numbers(HistoryAsk {
            before: Some(hours_ago(15)),
            limit: 2,
            ..all.clone()
        })
        .await,
        [4, 3]
    );
    assert_eq!(
        numbers(HistoryAsk {
            branch: Some("dev".into()),
            ..all.clone()
        })
        .await,
        [8, 6, 4, 2]
    );
    assert_eq!(
        numbers(HistoryAsk {
            repo: Some("other".into()),
            ..all.clone()
        })
        .await,
        Vec::<u64>::new()
    );
    let master = HistoryAsk {
        repo: Some("ihealth/web".into()),
        branch: Some("master".into()),
        ..all
    };
    assert_eq!(store.history(&master).await.unwrap()[0], corrected);
    assert_eq!(
        store.usually_takes("ihealth/web", "master").await.unwrap(),
        Some(5),
        "of 1 3 5 7; 9 failed"
    );
    assert_eq!(store.usually_takes("ihealth/web", "none").await.unwrap(), None);
}

#[tokio::test]
async fn the_cache_holds_what_was_live_and_forgets_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("kopi.db")).await;
    let service = |id: &str, name: &str| {
        Arc::new(Item::Service(Service {
            id: id.into(),
            connection: "rancher".into(),
            name: name.into(),
            ..Service::default()
        }))
    };
    let batch = Batch {
        cache_upserts: vec![
            service("service:rancher/1s1", "old"),
            service("service:rancher/1s2", "web"),
        ],
        scopes: vec![("rancher".into(), "environment:1a5".into(), hours_ago(1))],
        ..Batch::default()
    };
    store.record(&batch).await.unwrap();
    let batch = Batch {
        cache_upserts: vec![service("service:rancher/1s2", "web, renamed")],
        cache_gone: vec!["service:rancher/1s1".into()],
        scopes: vec![("rancher".into(), "environment:1a5".into(), now())],
        ..Batch::default()
    };
    store.record(&batch).await.unwrap();
    let world = store.load_cache().await.unwrap();
    assert_eq!(
        world.items,
        [service("service:rancher/1s2", "web, renamed").as_ref().clone()]
    );
    assert_eq!(world.scopes, [("rancher".into(), "environment:1a5".into(), now())]);
    store.forget_connection(&"rancher".into()).await.unwrap();
    assert_eq!(store.load_cache().await.unwrap(), crate::CachedWorld::default());
}

#[tokio::test]
async fn journal_deploys_and_notices_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("kopi.db")).await;
    let first = store.begin_journal(&intent(), Some("{\"held\":1}")).await.unwrap();
    let second = store.begin_journal(&intent(), None).await.unwrap();
    assert!(second > first);
    let open_now = store.open_journal().await.unwrap();
    assert_eq!(open_now[0].memory.as_deref(), Some("{\"held\":1}"));
    assert_eq!(
        open_now.iter().map(|open| open.entry.id).collect::<Vec<_>>(),
        [first, second]
    );
    let done = JournalEntry {
        id: first,
        result: "done".into(),
        ended_at: Some(now()),
        ..intent()
    };
    assert!(store.update_journal(&done, None).await.unwrap());
    assert!(
        !store
            .update_journal(&JournalEntry { id: 99, ..done.clone() }, None)
            .await
            .unwrap()
    );
    assert_eq!(store.open_journal().await.unwrap().len(), 1);
    assert_eq!(store.journal(Some(second), 10).await.unwrap(), [done]);

    store.put_deploy(&deploy(hours_ago(2))).await.unwrap();
    store.put_deploy(&deploy(hours_ago(1))).await.unwrap();
    let ended = DeployRecord {
        ended_at: Some(now()),
        result: Some("live".into()),
        ..deploy(hours_ago(2))
    };
    store.put_deploy(&ended).await.unwrap();
    assert_eq!(store.open_deploys().await.unwrap(), [deploy(hours_ago(1))]);
    let service = ItemId::from("service:rancher/1s47");
    assert_eq!(
        store.deploys(Some(&service), 10).await.unwrap(),
        [deploy(hours_ago(1)), ended]
    );
    assert_eq!(
        store.deploys(Some(&"service:rancher/1s1".into()), 10).await.unwrap(),
        []
    );

    assert!(store.take_notice_key("broken web#7", now()).await.unwrap());
    assert!(!store.take_notice_key("broken web#7", now()).await.unwrap());
    let notice = NoticeRecord {
        at: now(),
        event: "broken".into(),
        item: None,
        title: "web".into(),
        body: "broke".into(),
        held_back: Some("focus".into()),
    };
    store.record_notice(&notice).await.unwrap();
    assert_eq!(store.notices(10).await.unwrap(), [notice]);
    store.keep("focus_until", Some("tomorrow")).await.unwrap();
    assert_eq!(store.kept("focus_until").await.unwrap().as_deref(), Some("tomorrow"));
    store.keep("focus_until", None).await.unwrap();
    assert_eq!(store.kept("focus_until").await.unwrap(), None);
}

#[tokio::test]
async fn a_database_of_a_newer_kopi_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kopi.db");
    open(&path).await.close().await.unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let error = Store::open(&path, now()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("newer Kopi"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing was made beside it"
    );
}

#[tokio::test]
async fn a_damaged_database_is_set_aside_and_life_goes_on() {
    for damage in [
        "not a database at all, and long enough to be looked at ",
        "",
        "SQLite format 3\0",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kopi.db");
        let bytes = match damage {
            // Pages in the middle are gone, the head is whole.
            "" => {
                let store = open(&path).await;
                store
                    .record(&builds((0..200).map(|number| build(number, "master", now()))))
                    .await
                    .unwrap();
                store.close().await.unwrap();
                let mut bytes = std::fs::read(&path).unwrap();
                let middle = bytes.len() / 4;
                bytes[middle..middle * 3].fill(0x5a);
                bytes
            }
            text => text.repeat(30).into_bytes(),
        };
        std::fs::write(&path, &bytes).unwrap();
        let (store, opened) = Store::open(&path, now()).await.unwrap();
        let Opened::SetAside { to } = opened else {
            panic!("{damage:?}: {opened:?}")
        };
        assert_eq!(to.file_name().unwrap(), "kopi.db.damaged-2026-11-25T09-00-00Z");
        // SQLite may count an opening in the file's head (100 bytes); what is damaged and what is whole stays as it was.
        let kept = std::fs::read(&to).unwrap();
        assert_eq!(kept.len(), bytes.len(), "{damage:?}");
        assert!(kept[100..] == bytes[100..], "{damage:?}");
        store.begin_journal(&intent(), None).await.unwrap();
        store.close().await.unwrap();
        assert_eq!(Store::open(&path, now()).await.unwrap().1, Opened::Existing);
    }
}

#[tokio::test]
async fn pruning_keeps_what_is_young_small_enough_or_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("kopi.db")).await;
    let days_ago = |days: i64| hours_ago(days * 24);
    let old = JournalEntry {
        at: days_ago(300),
        ..intent()
    };
    let over = store
        .begin_journal(
            &JournalEntry {
                ended_at: Some(now()),
                ..old.clone()
            },
            None,
        )
        .await
        .unwrap();
    let under_way = store.begin_journal(&old, None).await.unwrap();
    store.put_deploy(&deploy(days_ago(300))).await.unwrap();
    store.take_notice_key("old fact", days_ago(300)).await.unwrap();
    store
        .record(&builds([
            build(1, "master", days_ago(200)),
            build(2, "master", days_ago(100)),
        ]))
        .await
        .unwrap();
    store.prune(now(), 180, 200).await.unwrap();
    let all = HistoryAsk {
        limit: 500,
        ..HistoryAsk::default()
    };
    assert_eq!(
        store
            .history(&all)
            .await
            .unwrap()
            .iter()
            .map(|build| build.number)
            .collect::<Vec<_>>(),
        [2]
    );
    assert_eq!(
        store
            .journal(None, 9)
            .await
            .unwrap()
            .iter()
            .map(|entry| entry.id)
            .collect::<Vec<_>>(),
        [under_way]
    );
    assert!(over < under_way);
    assert_eq!(store.open_deploys().await.unwrap().len(), 1);
    assert!(
        !store.take_notice_key("old fact", now()).await.unwrap(),
        "told once is told for good"
    );

    let long = |number| Build {
        message: "x".repeat(2_000),
        ..build(number, "dev", hours_ago(2_000 - number as i64))
    };
    store.record(&builds((10..1_500).map(long))).await.unwrap();
    assert!(store.size().await.unwrap() > 2 * 1024 * 1024);
    store.prune(now(), 180, 2).await.unwrap();
    assert!(store.size().await.unwrap() <= 2 * 1024 * 1024);
    assert!(
        std::fs::metadata(folder.path().join("kopi.db")).unwrap().len() < 3 * 1024 * 1024,
        "the file shrinks too"
    );
    assert_eq!(store.history(&all).await.unwrap()[0].number, 1_499, "the newest stay");
}

/// The process that is killed; does nothing when the tests run.
#[tokio::test]
async fn writer_process() {
    let Ok(path) = std::env::var(WRITER) else { return };
    let store = open(Path::new(&path)).await;
    for round in 0.. {
        let id = store.begin_journal(&intent(), None).await.unwrap();
        // Past the harness, which would hold it back.
        let mut out = std::io::stdout().lock();
        writeln!(out, "begun {id}").unwrap();
        out.flush().unwrap();
        drop(out);
        store
            .record(&builds(
                (0..20).map(|number| build(round * 20 + number, "master", now())),
            ))
            .await
            .unwrap();
        store
            .update_journal(
                &JournalEntry {
                    id,
                    result: "watching".into(),
                    ..intent()
                },
                None,
            )
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn killed_fifty_times_no_intent_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kopi.db");
    let mut begun = Vec::new();
    for round in 0_u64..50 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::writer_process", "--nocapture"])
            .env(WRITER, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Different moments of a write, the same ones in every run.
        std::thread::sleep(std::time::Duration::from_millis(20 + round * 37 % 71));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        begun.extend(
            text.lines()
                .filter_map(|line| line.rsplit_once("begun ")?.1.parse::<i64>().ok()),
        );
        let (store, opened) = Store::open(&path, now()).await.unwrap();
        assert!(!matches!(opened, Opened::SetAside { .. }), "round {round}");
        let known: Vec<i64> = store
            .open_journal()
            .await
            .unwrap()
            .iter()
            .map(|open| open.entry.id)
            .collect();
        let lost: Vec<&i64> = begun.iter().filter(|id| !known.contains(id)).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?}");
        let builds = store
            .history(&HistoryAsk {
                limit: 500,
                ..HistoryAsk::default()
            })
            .await
            .unwrap();
        assert!(
            builds.len() == 500 || builds.len() % 20 == 0,
            "a batch is whole or not there: {}",
            builds.len()
        );
    }
    assert!(begun.len() >= 50, "the writer hardly wrote: {}", begun.len());
}
