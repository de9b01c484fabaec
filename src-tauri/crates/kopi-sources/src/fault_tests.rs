//! Every fault, felt by the real client: the right reason, in words; nothing sent twice.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, Sse};
use axum::routing::{get, post};
use futures_util::StreamExt;
use http::Method;
use kopi_feed::{
    Auth, Client, ClientSettings, FeedError, GetOptions, Limits, Secret, SseItem, SseOptions, WriteOptions, Writer,
    WsItem, WsOptions,
};
use kopi_model::wire::ErrorCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use crate::fault::{Fault, FaultSwitch, serve};

const TOKEN: &str = "very-secret-token";

struct Server {
    address: SocketAddr,
    faults: FaultSwitch,
    _stop: DropGuard,
}

async fn start() -> Server {
    kopi_feed::install_provider();
    let router = Router::new()
        .route(
            "/api/user",
            get(|| async { axum::Json(json!({"login": "octo", "numbers": (0..100).collect::<Vec<_>>()})) }),
        )
        .route("/api/build", post(|| async { axum::Json(json!({"number": 7})) }))
        .route(
            "/echo",
            get(|headers: http::HeaderMap| async move {
                (
                    http::StatusCode::IM_A_TEAPOT,
                    format!("you sent {:?}", headers.get("authorization")),
                )
            }),
        )
        .route(
            "/away",
            get(|| async { axum::response::Redirect::temporary("http://elsewhere.company.com/api/user?token=x") }),
        )
        .route(
            "/near",
            get(|| async { axum::response::Redirect::temporary("/api/user") }),
        )
        .route(
            "/round",
            get(|| async { axum::response::Redirect::temporary("/round") }),
        )
        .route(
            "/stream",
            get(|| async {
                let events =
                    futures_util::stream::iter([Event::default().comment("ping"), Event::default().data("{}")])
                        .map(Ok::<_, std::convert::Infallible>);
                Sse::new(events.chain(futures_util::stream::pending()))
            }),
        )
        .route(
            "/short",
            get(|| async {
                Sse::new(futures_util::stream::iter([Ok::<_, std::convert::Infallible>(
                    Event::default().event("error").data("eof"),
                )]))
            }),
        )
        .route(
            "/socket",
            get(|upgrade: axum::extract::WebSocketUpgrade| async {
                upgrade.on_upgrade(|mut socket| async move {
                    let _ = socket.send(axum::extract::ws::Message::text("hello")).await;
                    let _ = socket.recv().await;
                })
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let faults = FaultSwitch::new();
    tokio::spawn(serve(router, listener, faults.clone(), stop.clone()));
    Server {
        address,
        faults,
        _stop: stop.drop_guard(),
    }
}

impl Server {
    fn settings(&self) -> ClientSettings {
        let base = Url::parse(&format!("http://{}", self.address)).unwrap();
        let mut settings = ClientSettings::new(base, Auth::Bearer(Secret::new(TOKEN)));
        settings.limits = Limits {
            connect: Duration::from_millis(400),
            total: Duration::from_millis(600),
            body: 1024 * 1024,
        };
        settings
    }

    fn client(&self) -> Client {
        Client::new(&self.settings()).unwrap()
    }

    fn writer(&self) -> Writer {
        Writer::new(&self.settings()).unwrap()
    }
}

fn check(error: &FeedError, code: ErrorCode) {
    assert_eq!(error.code, code, "{error:?}");
    let shown = format!("{error:?} {error}");
    assert!(!shown.contains(TOKEN), "{shown}");
    assert!(!error.what.ends_with('.'), "{error}");
}

#[tokio::test]
async fn every_fault_has_its_reason_and_recovers_by_itself() {
    let server = start().await;
    let client = server.client();
    let expected = [
        (Fault::Refuse, ErrorCode::Refused),
        (Fault::Reset, ErrorCode::Reset),
        (Fault::Hang, ErrorCode::Timeout),
        (Fault::SlowDrip, ErrorCode::Timeout),
        (Fault::Truncate, ErrorCode::Truncated),
        (Fault::Html, ErrorCode::NotJson),
        (Fault::Unauthorized, ErrorCode::Unauthorized),
        (Fault::Forbidden, ErrorCode::Forbidden),
        (Fault::RateLimited, ErrorCode::RateLimited),
        (Fault::ServerError, ErrorCode::ServerError),
        (Fault::Oversized, ErrorCode::TooLarge),
        (Fault::BadTls, ErrorCode::Tls),
    ];
    for (fault, code) in expected {
        server.faults.set(Some(fault));
        // The accept loop needs a turn to close its port.
        tokio::task::yield_now().await;
        let error = client.get_json::<Value>("/api/user").await.unwrap_err();
        check(&error, code);
        assert!(
            error.hint.is_some() || code == ErrorCode::ServerError,
            "{fault}: {error:?}"
        );
        if fault == Fault::RateLimited {
            assert!(error.retry_at.is_some());
            assert_eq!(error.words.as_deref(), Some("API rate limit exceeded"));
        }
        if fault == Fault::Html {
            assert!(error.what.contains("Sign in to Company SSO"), "{error}");
        }
        server.faults.set(None);
        let mut tries = 0;
        while let Err(error) = client.get_json::<Value>("/api/user").await {
            tries += 1;
            assert!(tries < 50, "{fault} did not mend: {error}");
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(client.meter().beats().first(), Some(&false));
    assert_eq!(client.meter().beats().last(), Some(&true));
}

#[tokio::test]
async fn nothing_is_written_twice() {
    let server = start().await;
    let writer = server.writer();
    let body = json!({"x": 1});
    writer
        .send(Method::POST, "/api/build", Some(&body), WriteOptions::default())
        .await
        .unwrap();
    for (fault, sent) in [
        (Fault::Reset, kopi_feed::Sent::Maybe),
        (Fault::Hang, kopi_feed::Sent::Maybe),
        (Fault::ServerError, kopi_feed::Sent::Answered),
        (Fault::Truncate, kopi_feed::Sent::Answered),
        (Fault::Refuse, kopi_feed::Sent::No),
    ] {
        server.faults.set(Some(fault));
        tokio::task::yield_now().await;
        server.faults.forget();
        let error = writer
            .send(Method::POST, "/api/build", Some(&body), WriteOptions::default())
            .await
            .unwrap_err();
        assert_eq!(error.sent, sent, "{fault}: {error:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let posts = server.faults.seen().iter().filter(|seen| seen.method == "POST").count();
        assert_eq!(posts, usize::from(fault != Fault::Refuse), "{fault}");
    }
}

#[tokio::test]
async fn no_redirect_leaves_the_host() {
    let server = start().await;
    let client = server.client();
    let error = client.get("/away").await.unwrap_err();
    check(&error, ErrorCode::RedirectedAway);
    assert!(error.what.contains("http://elsewhere.company.com/api/user"), "{error}");
    assert!(client.get("/near").await.is_ok());
    assert!(client.get("/round").await.is_err());
    let posted = server
        .writer()
        .send(Method::POST, "/near", None, WriteOptions::default())
        .await
        .unwrap_err();
    check(&posted, ErrorCode::UnexpectedAnswer);
}

#[tokio::test]
async fn the_servers_words_come_without_our_token() {
    let server = start().await;
    let error = server.client().get("/echo?access_token=abc").await.unwrap_err();
    check(&error, ErrorCode::UnexpectedAnswer);
    assert_eq!(error.request, "GET /echo?access_token=…");
    assert!(error.words.unwrap().starts_with("you sent"));
    let landmark = GetOptions {
        landmark: true,
        ..GetOptions::default()
    };
    check(
        &server.client().get_with("/nowhere", landmark).await.unwrap_err(),
        ErrorCode::WrongBasePath,
    );
    check(&server.client().get("/nowhere").await.unwrap_err(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_stream_is_read_until_it_falls_silent_or_ends() {
    let server = start().await;
    let client = server.client();
    let options = SseOptions {
        idle: Duration::from_millis(200),
        ..SseOptions::default()
    };
    let mut stream = client.sse("/stream", options.clone()).await.unwrap();
    assert_eq!(stream.next().await.unwrap(), SseItem::Comment("ping".into()));
    assert!(matches!(stream.next().await.unwrap(), SseItem::Message { data, .. } if data == "{}"));
    check(&stream.next().await.unwrap_err(), ErrorCode::StreamSilent);
    check(&stream.next().await.unwrap_err(), ErrorCode::StreamSilent);

    let mut short = client.sse("/short", options.clone()).await.unwrap();
    assert!(matches!(short.next().await.unwrap(), SseItem::Message { event, .. } if event == "error"));
    assert!(short.next().await.unwrap_err().ended);

    let mut cut = client.sse("/stream", options.clone()).await.unwrap();
    cut.next().await.unwrap();
    cut.next().await.unwrap();
    server.faults.set(Some(Fault::Reset));
    let error = cut.next().await.unwrap_err();
    check(&error, ErrorCode::Reset);
    assert!(!error.ended);

    server.faults.set(Some(Fault::Html));
    check(
        &client.sse("/stream", options.clone()).await.unwrap_err(),
        ErrorCode::NotJson,
    );
    server.faults.set(Some(Fault::Unauthorized));
    check(
        &client.sse("/stream", options.clone()).await.unwrap_err(),
        ErrorCode::Unauthorized,
    );
    server.faults.set(None);
    check(
        &client.sse("/api/user", options).await.unwrap_err(),
        ErrorCode::UnexpectedAnswer,
    );
}

#[tokio::test]
async fn a_socket_is_read_until_it_falls_silent_or_breaks() {
    let server = start().await;
    let client = server.client();
    let options = WsOptions {
        idle: Duration::from_millis(200),
        ..WsOptions::default()
    };
    let mut socket = client.websocket("/socket", options.clone()).await.unwrap();
    assert_eq!(socket.next().await.unwrap(), WsItem::Text("hello".into()));
    check(&socket.next().await.unwrap_err(), ErrorCode::StreamSilent);

    let mut closed = client.websocket("/socket", options.clone()).await.unwrap();
    closed.next().await.unwrap();
    closed.send("bye").await.unwrap();
    assert!(matches!(closed.next().await, Err(error) if error.code == ErrorCode::Reset));

    let mut cut = client.websocket("/socket", options.clone()).await.unwrap();
    cut.next().await.unwrap();
    server.faults.set(Some(Fault::Hang));
    check(&cut.next().await.unwrap_err(), ErrorCode::StreamSilent);
    for (fault, code) in [
        (Fault::Unauthorized, ErrorCode::Unauthorized),
        (Fault::Forbidden, ErrorCode::Forbidden),
        (Fault::Html, ErrorCode::NotJson),
        (Fault::ServerError, ErrorCode::ServerError),
    ] {
        server.faults.set(Some(fault));
        check(&client.websocket("/socket", options.clone()).await.unwrap_err(), code);
    }
    server.faults.set(None);
    check(
        &client.websocket("/nowhere", options.clone()).await.unwrap_err(),
        ErrorCode::NotFound,
    );
    check(
        &client.websocket("/api/user", options).await.unwrap_err(),
        ErrorCode::UnexpectedAnswer,
    );
}
