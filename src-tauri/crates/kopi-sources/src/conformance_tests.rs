//! The suite itself: a well-behaved source passes, and each kind of misbehaviour is found.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event as Pushed, KeepAlive, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::StreamExt;
use kopi_feed::source::BoxFuture;
use kopi_feed::{
    Auth, Client, ClientSettings, ConnectionSettings, Cx, FeedError, LogOutbox, Note, Outbox, Read, ReadAnswer, Secret,
    Source, SourceKind, SseItem, SseOptions, TlsSettings, WriteOptions, Writer,
};
use kopi_model::wire::{ErrorCode, LogAsk, ProbeReport};
use kopi_model::{Build, Coverage, Event, Item, ItemId, ItemKind, Order, Receipt, Scope, Verb};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::conformance::{self, Bench};
use crate::fault::{FaultSwitch, serve};

/// How the specimen misbehaves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Vice {
    None,
    CallsGoneWhenAListingFails,
    WritesTwice,
    IgnoresStop,
    TellsItsToken,
    Panics,
    NeverListens,
}

static VICE: Mutex<Vice> = Mutex::new(Vice::None);

struct Specimen {
    client: Client,
    writer: Writer,
    settings: ConnectionSettings,
    vice: Vice,
}

fn make(settings: &ConnectionSettings) -> Result<Arc<dyn Source>, FeedError> {
    let client = ClientSettings::of(settings, Auth::Bearer(settings.secrets["token"].clone()));
    Ok(Arc::new(Specimen {
        client: Client::new(&client)?,
        writer: Writer::new(&client)?,
        settings: settings.clone(),
        vice: *VICE.lock().unwrap_or_else(PoisonError::into_inner),
    }))
}

impl Specimen {
    async fn list(&self, out: &Outbox) -> Result<(), FeedError> {
        let scope = Scope::from("feed");
        let coverage = Coverage::Complete;
        let init = Event::Init {
            scope: scope.clone(),
            coverage,
        };
        let numbers: Vec<u64> = self.client.get_json("/list").await?;
        out.event(init).await?;
        for number in numbers {
            out.event(Event::Seen(Box::new(self.build(number)))).await?;
        }
        out.event(Event::InitDone(scope)).await
    }

    fn build(&self, number: u64) -> Item {
        let subject = match self.vice {
            Vice::TellsItsToken => format!("with {}", self.settings.secrets["token"].expose()),
            _ => "fix".into(),
        };
        Item::Build(Build {
            id: ItemId::new(ItemKind::Build, &self.settings.name, &format!("a/b#{number}")),
            connection: self.settings.name.clone(),
            scope: "feed".into(),
            number,
            subject,
            ..Build::default()
        })
    }

    async fn listen(&self, cx: &Cx, out: &Outbox) -> Result<Infallible, FeedError> {
        let mut stream = self.client.sse("/stream", SseOptions::default()).await?;
        self.list(out).await?;
        out.note(Note::Streaming).await?;
        loop {
            tokio::select! {
                () = cx.stop.cancelled(), if self.vice != Vice::IgnoresStop => {
                    return Err(FeedError::new(ErrorCode::CoreGone, "watch", "stopped"));
                }
                () = cx.look_again.notified() => self.list(out).await?,
                item = stream.next() => match item? {
                    SseItem::Message { data, .. } if self.vice != Vice::NeverListens => {
                        let number = data.parse().unwrap_or_default();
                        out.event(Event::Upsert(Box::new(self.build(number)))).await?;
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Source for Specimen {
    fn watch(&self, cx: Cx, out: Outbox) -> BoxFuture<'_, Result<Infallible, FeedError>> {
        Box::pin(async move {
            let ended = self.listen(&cx, &out).await;
            match self.vice {
                Vice::CallsGoneWhenAListingFails => {
                    out.event(Event::Gone(ItemId::from("build:specimen/a/b#1"))).await?;
                }
                Vice::Panics => panic!("on purpose"),
                _ => {}
            }
            ended
        })
    }

    fn act(&self, _: Cx, _: Order) -> BoxFuture<'_, Result<Receipt, FeedError>> {
        Box::pin(async move {
            let send = || {
                self.writer
                    .send(http::Method::POST, "/restart", None, WriteOptions::default())
            };
            let mut reply = send().await;
            if reply.is_err() && self.vice == Vice::WritesTwice {
                reply = send().await;
            }
            reply?.json::<serde_json::Value>()?;
            Ok(Receipt::default())
        })
    }

    fn probe(&self, _: Cx) -> BoxFuture<'_, ProbeReport> {
        Box::pin(async move {
            let listed = self.client.get_json::<Vec<u64>>("/list").await;
            ProbeReport {
                ok: listed.is_ok(),
                kind: "specimen".into(),
                dialect: Some("1".into()),
                error: listed.err().map(Into::into),
                ..ProbeReport::default()
            }
        })
    }

    fn read(&self, _: Cx, _: Read) -> BoxFuture<'_, Result<ReadAnswer, FeedError>> {
        Box::pin(async { Err(FeedError::new(ErrorCode::NotSupported, "read", "nothing to read")) })
    }

    fn log(&self, _: Cx, _: LogAsk, _: LogOutbox) -> BoxFuture<'_, Result<(), FeedError>> {
        Box::pin(async { Ok(()) })
    }

    fn requests(&self, _: &Order) -> Vec<String> {
        vec!["POST /restart".into()]
    }
}

struct SpecimenBench {
    settings: ConnectionSettings,
    faults: FaultSwitch,
    changes: broadcast::Sender<u64>,
    _stop: DropGuard,
}

impl SpecimenBench {
    async fn start() -> Self {
        kopi_feed::install_provider();
        let changes = broadcast::Sender::<u64>::new(8);
        let newest = Arc::new(AtomicU64::new(2));
        let router = Router::new()
            .route(
                "/list",
                get(
                    |State((_, newest)): State<(broadcast::Sender<u64>, Arc<AtomicU64>)>| async move {
                        Json((1..=newest.load(Ordering::Relaxed)).collect::<Vec<_>>())
                    },
                ),
            )
            .route("/restart", post(|| async { Json(serde_json::json!({})) }))
            .route(
                "/stream",
                get(
                    |State((changes, _)): State<(broadcast::Sender<u64>, Arc<AtomicU64>)>| async move {
                        let pushed = futures_util::stream::unfold(changes.subscribe(), |mut changes| async {
                            let number = changes.recv().await.ok()?;
                            Some((Ok::<_, Infallible>(Pushed::default().data(number.to_string())), changes))
                        });
                        Sse::new(pushed.boxed()).keep_alive(KeepAlive::new().interval(Duration::from_secs(30)))
                    },
                ),
            )
            .with_state((changes.clone(), newest));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (faults, stop) = (FaultSwitch::new(), CancellationToken::new());
        tokio::spawn(serve(router, listener, faults.clone(), stop.clone()));
        Self {
            settings: ConnectionSettings {
                name: "specimen".into(),
                kind: "specimen".into(),
                url,
                fields: std::collections::BTreeMap::default(),
                secrets: [("token".into(), Secret::new("a-very-secret-token"))].into(),
                tls: TlsSettings::default(),
                production: Vec::new(),
            },
            faults,
            changes,
            _stop: stop.drop_guard(),
        }
    }
}

impl Bench for SpecimenBench {
    fn kind(&self) -> SourceKind {
        SourceKind {
            word: "specimen",
            label: ["Specimen", "样本"],
            icon: "<svg/>",
            fields: &[],
            make,
        }
    }

    fn settings(&self) -> ConnectionSettings {
        self.settings.clone()
    }

    fn faults(&self) -> FaultSwitch {
        self.faults.clone()
    }

    fn change_something(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let _ = self.changes.send(7);
        })
    }

    fn order(&self) -> Order {
        Order {
            target: "build:specimen/a/b#1".into(),
            verb: Verb::Restart,
            tag: None,
            scale: None,
            environment: None,
            strategy: None,
            based_on: None,
        }
    }
}

/// One test, one after the other: the vice is chosen where no argument reaches.
#[tokio::test(start_paused = true)]
async fn the_good_pass_and_each_vice_is_found() {
    let expected = [
        (Vice::None, None),
        (Vice::CallsGoneWhenAListingFails, Some("called gone")),
        (Vice::WritesTwice, Some("written 2 times")),
        (Vice::IgnoresStop, Some("goes on after its stop token")),
        (Vice::TellsItsToken, Some("shows the secret token")),
        (Vice::Panics, Some("panicked")),
        (Vice::NeverListens, Some("did not become an Upsert")),
    ];
    for (vice, complaint) in expected {
        *VICE.lock().unwrap() = vice;
        let complaints = conformance::run(SpecimenBench::start).await;
        match complaint {
            None => assert_eq!(complaints, Vec::<String>::new()),
            Some(text) => assert!(
                complaints.iter().any(|found| found.contains(text)),
                "{vice:?}: {complaints:#?}"
            ),
        }
    }
}
