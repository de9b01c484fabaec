//! The main job on real input: the source pointed at the recorded answers and frames of a real Cattle server.

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::Message;
use axum::extract::{Path, State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kopi_model::item::UpgradePhase;
use kopi_model::{Item, LiveStatus};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc;

use super::bench::{Company, Picture};

type Frames = Arc<Mutex<mpsc::Receiver<&'static str>>>;

async fn list(Path((_, collection)): Path<(String, String)>) -> Response {
    let body = match collection.as_str() {
        "stacks" => include_str!("../fixtures/stacks-list.json"),
        "services" => include_str!("../fixtures/services-list.json"),
        "containers" => include_str!("../fixtures/containers-list.json"),
        "hosts" => include_str!("../fixtures/hosts-list.json"),
        _ => return http::StatusCode::NOT_FOUND.into_response(),
    };
    ([("content-type", "application/json; charset=utf-8")], body).into_response()
}

async fn subscribe(State(frames): State<Frames>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |mut socket| async move {
        let mut frames = frames.lock().await;
        while let Some(frame) = frames.recv().await {
            if socket.send(Message::Text(frame.into())).await.is_err() {
                return;
            }
        }
        // All is told; the socket stays open.
        while socket.recv().await.is_some() {}
    })
}

/// A picture of the replayed server, and where its frames are put.
async fn replay() -> (Picture, mpsc::Sender<&'static str>, Company) {
    let (sender, receiver) = mpsc::channel(64);
    let frames: Frames = Arc::new(Mutex::new(receiver));
    let json = [
        ("content-type", "application/json; charset=utf-8"),
        ("x-rancher-version", "v1.6.30"),
    ];
    let projects = async move || {
        let all: serde_json::Value =
            serde_json::from_str(include_str!("../fixtures/projects-admin-key.json")).expect("a fixture");
        let own = serde_json::json!({"type": "collection", "data": [all["data"][0]]});
        (json, own.to_string()).into_response()
    };
    let schema = || async { axum::Json(serde_json::json!({"id": "service", "resourceActions": {"upgrade": {}}})) };
    let router = Router::new()
        .route("/v2-beta/projects", get(projects))
        .route("/v2-beta/projects/1a5/schemas/service", get(schema))
        .route("/v2-beta/projects/1a5/subscribe", get(subscribe))
        .route("/v2-beta/projects/{project}/{collection}", get(list))
        .with_state(frames);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let company = Company::start().await;
    let mut settings = company.settings_for("key");
    settings.url = format!("http://{}/v2-beta/projects/1a5", listener.local_addr().expect("bound"))
        .parse()
        .expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let source = (crate::rancher::kind().make)(&settings).expect("usable");
    let mut picture = Picture::of(&source);
    picture.until_listed().await;
    (picture, sender, company)
}

async fn tell(
    picture: &mut Picture,
    frames: &mpsc::Sender<&'static str>,
    recording: &'static str,
    service: &str,
) -> Vec<String> {
    for frame in recording.lines() {
        frames.send(frame).await.expect("the server is there");
    }
    picture
        .until("the recording is told", |picture| {
            let told = picture.told.iter().any(|told| told.contains("upgrading"));
            let row = picture.service(service);
            told && row.phase == UpgradePhase::None && row.status == LiveStatus::Ok
        })
        .await;
    std::mem::take(&mut picture.told)
}

#[tokio::test]
async fn the_recorded_server_shows_all_it_has() {
    let (picture, _frames, _company) = replay().await;
    let count = |test: fn(&Item) -> bool| picture.items.values().filter(|item| test(item)).count();
    assert_eq!(count(|item| matches!(item, Item::Environment(_))), 1);
    assert_eq!(count(|item| matches!(item, Item::Stack(_))), 2);
    assert_eq!(count(|item| matches!(item, Item::Host(_))), 3);
    assert_eq!(count(|item| matches!(item, Item::Container(_))), 18);
    assert_eq!(count(|item| matches!(item, Item::Service(_))), 15);
    let web = picture.service("1s2");
    assert_eq!(
        (web.stack_name.as_str(), web.name.as_str(), web.status),
        ("shop", "web", LiveStatus::Ok)
    );
    assert_eq!(picture.containers_of("1s2").len(), 2);
}

#[tokio::test]
async fn a_recorded_upgrade_and_its_finish() {
    let (mut picture, frames, _company) = replay().await;
    let story = tell(
        &mut picture,
        &frames,
        include_str!("../fixtures/subscribe-upgrade-and-finish.jsonl"),
        "1s2",
    )
    .await;
    let own: Vec<&String> = story.iter().filter(|told| told.contains("rancher/1s2 ")).collect();
    insta::assert_debug_snapshot!(own);
    assert_eq!(picture.service("1s2").image, "registry.example.org/shop/web:1.5.0");
    let gone = |id: &str| {
        story.contains(&format!("gone container:rancher/{id}"))
            || !picture.items.contains_key(&format!("container:rancher/{id}"))
    };
    assert!(gone("1i1"), "{story:#?}");
}

#[tokio::test]
async fn a_recorded_upgrade_that_fails_is_cancelled_and_rolled_back() {
    let (mut picture, frames, _company) = replay().await;
    let story = tell(
        &mut picture,
        &frames,
        include_str!("../fixtures/subscribe-failing-upgrade-cancel-rollback.jsonl"),
        "1s6",
    )
    .await;
    let own: Vec<&String> = story.iter().filter(|told| told.contains("rancher/1s6 ")).collect();
    insta::assert_debug_snapshot!(own);
    let cart = picture.service("1s6");
    assert_eq!(
        (cart.image.as_str(), cart.previous.as_ref()),
        ("registry.example.org/shop/cart:1.0.0", None)
    );
}
