//! `kopi serve`: who may come in, what a page may read, and that it may only look unless told otherwise (design § 3).

use futures_util::{SinkExt, StreamExt};
use kopi_model::wire::{Act, Answer, ErrorCode, Frame, Hello, PROTOCOL, Query, Request, RequestBody};
use kopi_model::{Item, Order, Verb};
use reqwest::StatusCode;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{LONGEST, Serving, desk};

/// The page's socket.
struct Page(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Page {
    async fn open(serving: &Serving, token: Option<&str>, protocol: u32) -> Self {
        let address = format!("{}/socket", serving.address.replace("http:", "ws:"));
        let mut request = address.into_client_request().unwrap();
        request.headers_mut().insert("origin", serving.address.parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut page = Self(socket);
        let hello = Hello {
            protocol,
            version: "0.1.0".into(),
            face: "browser".into(),
            token: token.map(str::to_owned),
            core: None,
            may_act: true,
        };
        page.send(0, RequestBody::Hello(hello)).await;
        page
    }

    async fn send(&mut self, id: u64, body: RequestBody) {
        let text = serde_json::to_string(&Request { id, body }).unwrap();
        self.0.send(Message::text(text)).await.unwrap();
    }

    async fn message(&mut self) -> Message {
        let next = tokio::time::timeout(LONGEST, self.0.next()).await;
        next.expect("the page is answered")
            .expect("the socket is open")
            .unwrap()
    }

    async fn frame(&mut self) -> Frame {
        loop {
            match self.message().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn answer(&mut self, id: u64, body: RequestBody) -> Result<Answer, ErrorCode> {
        self.send(id, body).await;
        loop {
            if let Frame::Answer { id: of, result } = self.frame().await
                && of == id
            {
                return result.map_err(|error| error.code);
            }
        }
    }

    /// The code with which the socket is closed.
    async fn closed(&mut self) -> u16 {
        match self.message().await {
            Message::Close(Some(frame)) => frame.code.into(),
            other => panic!("{other:?}"),
        }
    }

    /// A redeploy of api in dev, once it is known.
    async fn order(&mut self) -> Order {
        self.send(1, RequestBody::Subscribe).await;
        loop {
            let items = match self.frame().await {
                Frame::Snapshot(snapshot) => {
                    self.send(2, RequestBody::Ack { rev: snapshot.rev }).await;
                    snapshot.items
                }
                Frame::Patch(patch) => {
                    self.send(2, RequestBody::Ack { rev: patch.rev }).await;
                    patch.upserts
                }
                _ => continue,
            };
            let api = items.iter().find_map(|item| match item.as_ref() {
                Item::Service(service) if service.name == "api" && service.image.contains("dev-") => {
                    Some(service.id.clone())
                }
                _ => None,
            });
            if let Some(target) = api {
                return Order {
                    target,
                    verb: Verb::Redeploy,
                    tag: None,
                    scale: None,
                    environment: None,
                    strategy: None,
                    based_on: None,
                };
            }
        }
    }

    async fn run(&mut self) -> Result<Answer, ErrorCode> {
        let order = self.order().await;
        let plan = match self
            .answer(3, RequestBody::Query(Query::Plan { order: order.clone() }))
            .await
        {
            Ok(Answer::Plan(plan)) => plan,
            other => panic!("{other:?}"),
        };
        let act = Act::Run {
            order,
            token: plan.token,
            hold: false,
        };
        self.answer(4, RequestBody::Act(act)).await
    }
}

/// The one-time token against a session token.
async fn sign_in(serving: &Serving) -> Result<String, StatusCode> {
    let answer = reqwest::Client::new()
        .post(format!("{}/session", serving.address))
        .header("origin", &serving.address)
        .json(&serde_json::json!({ "token": serving.token }))
        .send()
        .await
        .unwrap();
    if answer.status() != StatusCode::OK {
        return Err(answer.status());
    }
    let said: serde_json::Value = answer.json().await.unwrap();
    Ok(said["token"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_page_comes_in_and_it_may_only_look() {
    let desk = desk(0, 0.0).await;
    let serving = desk.serve(&[]).await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&serving.opener).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the token is this user's alone");
    }
    let client = reqwest::Client::new();
    let get = async |path: &str, header: (&str, &str)| {
        let ask = client
            .get(format!("{}{path}", serving.address))
            .header(header.0, header.1);
        ask.send().await.unwrap()
    };
    let port = serving.address.rsplit(':').next().unwrap();
    for host in [
        "kopi.example.com".to_owned(),
        format!("kopi.example.com:{port}"),
        "127.0.0.1:1".to_owned(),
    ] {
        for path in ["/", "/socket", "/session"] {
            assert_eq!(get(path, ("host", &host)).await.status(), 421, "{host}{path}");
        }
    }
    for origin in ["http://kopi.example.com", "null", "https://127.0.0.1"] {
        assert_eq!(get("/", ("origin", origin)).await.status(), 403, "{origin}");
    }
    let page = get("/", ("origin", &serving.address)).await;
    let header = |name: &str| {
        page.headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(
        header("content-security-policy").contains("default-src 'self'"),
        "{:?}",
        page.headers()
    );
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
    assert!(header("set-cookie").is_empty() && header("access-control-allow-origin").is_empty());
    let bare = client
        .post(format!("{}/session", serving.address))
        .json(&serde_json::json!({ "token": serving.token }));
    assert_eq!(
        bare.send().await.unwrap().status(),
        403,
        "a request without Origin is no page's"
    );

    assert_eq!(Page::open(&serving, None, PROTOCOL).await.closed().await, 1008);
    let once = serving.token.clone();
    assert_eq!(
        Page::open(&serving, Some(&once), PROTOCOL).await.closed().await,
        1008,
        "it opens a session only"
    );
    let session = sign_in(&serving).await.unwrap();
    assert_eq!(sign_in(&serving).await, Err(StatusCode::UNAUTHORIZED), "once");
    assert_eq!(
        Page::open(&serving, Some(&session), PROTOCOL + 1).await.closed().await,
        1008
    );

    let mut page = Page::open(&serving, Some(&session), PROTOCOL).await;
    match page.frame().await {
        Frame::Hello(hello) => assert!(!hello.may_act),
        other => panic!("{other:?}"),
    }
    assert_eq!(page.run().await, Err(ErrorCode::NotAllowedHere));
    assert_eq!(
        page.answer(5, RequestBody::Query(Query::Found)).await,
        Err(ErrorCode::NotAllowedHere)
    );

    // A second one attaches to the first one's core, which trusts its user: the page still may only look.
    let attached = desk.serve(&[]).await;
    let session = sign_in(&attached).await.unwrap();
    let mut page = Page::open(&attached, Some(&session), PROTOCOL).await;
    match page.frame().await {
        Frame::Hello(hello) => assert!(!hello.may_act),
        other => panic!("{other:?}"),
    }
    assert_eq!(page.run().await, Err(ErrorCode::NotAllowedHere));
    for query in [Query::Found, Query::ConfigCheck] {
        assert_eq!(
            page.answer(6, RequestBody::Query(query)).await,
            Err(ErrorCode::NotAllowedHere)
        );
    }
    assert!(desk.writes().is_empty(), "{:?}", desk.writes());
    desk.office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_was_allowed_to_acts() {
    let desk = desk(0, 60.0).await;
    let serving = desk.serve(&["--allow-actions"]).await;
    let session = sign_in(&serving).await.unwrap();
    let mut page = Page::open(&serving, Some(&session), PROTOCOL).await;
    match page.frame().await {
        Frame::Hello(hello) => assert!(hello.may_act),
        other => panic!("{other:?}"),
    }
    let Ok(Answer::Task(task)) = page.run().await else {
        panic!("the page acts")
    };
    let entry = super::until("the order is carried out", || async {
        let journal = desk.kopi(&["journal", "--json"]).await.with(0);
        let entry = journal["entries"][0].clone();
        (entry["result"] == "done").then_some(entry)
    })
    .await;
    assert_eq!((&entry["id"], &entry["via"]), (&task.into(), &"browser".into()));
    assert!(
        desk.writes().iter().any(|write| write.contains("action=upgrade")),
        "{:?}",
        desk.writes()
    );
    desk.office.stop().await;
}
