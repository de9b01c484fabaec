//! One core a user: a running `kopi serve` is asked first, its death loses nothing, two versions say so.

use kopi_model::wire::{ErrorCode, Frame, Hello, PROTOCOL, Request, RequestBody};
use kopi_office::Fault;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::{LONGEST, desk, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_asks_the_running_core_and_not_the_servers() {
    let desk = desk(45, 0.0).await;
    let alone = desk.kopi(&["services", "--json"]).await.with(0);
    let _serving = desk.serve(&[]).await;
    let told = until("the running core knows", || async {
        let said = desk.kopi(&["services", "--json"]).await;
        let services = said.json()["services"].clone();
        (said.code == 0 && services == alone["services"]).then_some(services)
    })
    .await;
    // Both servers fall silent: what is told now can only come from the core that runs.
    for server in ["drone", "rancher"] {
        desk.office.handle().set_fault(server, Some(Fault::Hang)).unwrap();
    }
    let still = desk.kopi(&["services", "--json"]).await.json();
    assert_eq!(still["services"], told, "at once, from the one that runs");
    let builds = desk
        .kopi(&["builds", "--json", "--repo", "ihealth/glucose-sync"])
        .await
        .json();
    assert_eq!(builds["builds"][0]["number"], 218);
    desk.office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_core_loses_nothing_and_the_next_goes_on_watching() {
    let desk = desk(0, 1.0).await;
    let mut first = desk.serve(&[]).await;
    let accepted = until("the core plans", || async {
        let act = ["redeploy", "core/api", "--environment", "dev", "--json"];
        let said = desk.kopi(&act).await;
        (said.code == 0).then(|| said.json())
    })
    .await;
    assert_eq!(accepted["result"], "accepted");
    first.child.kill().await.unwrap();

    desk.office.handle().set_speed(60.0);
    let _second = desk.serve(&[]).await;
    let entry = until("the redeploy ends", || async {
        let journal = desk.kopi(&["journal", "--json"]).await.with(0);
        let entries = journal["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 1, "no entry is lost, none is written twice: {journal:#}");
        (entries[0]["result"] == "done").then(|| entries[0].clone())
    })
    .await;
    assert_eq!((&entry["id"], &entry["via"]), (&accepted["journal_id"], &"cli".into()));
    let upgrades = desk
        .writes()
        .into_iter()
        .filter(|write| write.contains("action=upgrade"))
        .count();
    assert_eq!(upgrades, 1, "asked once");
    desk.office.stop().await;
}

fn hello(protocol: u32, face: &str) -> Hello {
    Hello {
        protocol,
        version: "9.9.9".into(),
        face: face.into(),
        token: None,
        core: None,
        may_act: true,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_versions_say_so_and_how_to_cure_it() {
    let desk = desk(0, 0.0).await;
    let socket = desk.home.path().join("core.sock");
    let serving = desk.serve(&[]).await;
    let mut stream = BufReader::new(UnixStream::connect(&socket).await.unwrap());
    let body = RequestBody::Hello(hello(PROTOCOL + 1, "window"));
    let line = serde_json::to_string(&Request { id: 7, body }).unwrap();
    stream.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(LONGEST, stream.read_line(&mut answer))
        .await
        .expect("an answer")
        .unwrap();
    match serde_json::from_str(&answer).unwrap() {
        Frame::Answer {
            id: 7,
            result: Err(error),
        } => {
            assert_eq!(error.code, ErrorCode::VersionMismatch);
            assert!(error.message.contains("9.9.9") && error.hint.is_some(), "{error:?}");
        }
        other => panic!("{other:?}"),
    }
    let mut serving = serving;
    serving.child.kill().await.unwrap();

    // And a command that meets a core of another version.
    std::fs::remove_file(&socket).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let other = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.read_line(&mut String::new()).await.unwrap();
        let line = serde_json::to_string(&Frame::Hello(hello(PROTOCOL + 1, "core"))).unwrap();
        stream.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        stream.read_line(&mut String::new()).await.ok();
    });
    let said = desk.kopi(&["status", "--json"]).await.with(2);
    assert_eq!(said["error"]["code"], "version_mismatch");
    assert!(
        said["error"]["hint"].as_str().unwrap().contains("start it again"),
        "{said}"
    );
    other.await.unwrap();
    desk.office.stop().await;
}
