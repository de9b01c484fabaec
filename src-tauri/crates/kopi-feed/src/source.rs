//! What a source is (design § 5).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use kopi_model::wire::{LogAsk, LogLine, ProbeReport, ServiceEvent};
use kopi_model::{Build, ConnectionName, Event, Item, ItemId, Order, Receipt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{Clock, FeedError, Meter, Secret};

/// A boxed future, so that the trait is object-safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The code that speaks to one kind of server, made for one connection. Every method takes a fresh [`Cx`].
pub trait Source: Send + Sync {
    /// Lists, then listens, until something breaks. Never retries, never sleeps to recover: the engine does both, for
    /// every source alike. Says `Init … InitDone` for every scope it lists, also when it lists again.
    fn watch(&self, cx: Cx, out: Outbox) -> BoxFuture<'_, Result<Infallible, FeedError>>;

    /// Carries out one order: at most one writing request that matters, never repeated.
    fn act(&self, cx: Cx, order: Order) -> BoxFuture<'_, Result<Receipt, FeedError>>;

    /// "Test connection": few requests, says who one is and what one may.
    fn probe(&self, cx: Cx) -> BoxFuture<'_, ProbeReport>;

    /// Reads something a view asks for, beyond what is watched.
    fn read(&self, cx: Cx, what: Read) -> BoxFuture<'_, Result<ReadAnswer, FeedError>>;

    /// Sends the lines of a log until it ends, the taker goes away or `cx.stop` fires.
    fn log(&self, cx: Cx, ask: LogAsk, out: LogOutbox) -> BoxFuture<'_, Result<(), FeedError>>;

    /// The requests an order would send, method and path without secrets, for the plan ("POST /v2-beta/…?action=upgrade").
    fn requests(&self, order: &Order) -> Vec<String>;

    /// Counts of what it asks, where it counts.
    fn meter(&self) -> Option<Arc<Meter>> {
        None
    }
}

/// What a view may ask a source to read.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// This item anew, with all that a listing leaves out (a build's steps).
    Item(ItemId),
    /// The server's own events of a service.
    ServiceEvents(ItemId),
    /// Builds of a repository below a number, newest first, one page.
    Builds {
        /// `owner/name`.
        repo: String,
        /// Below this number; none: from the newest.
        below: Option<u64>,
    },
}

/// What came.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is documented on its question")]
pub enum ReadAnswer {
    Item(Box<Item>),
    ServiceEvents(Vec<ServiceEvent>),
    Builds(Vec<Build>),
}

/// What a source works with: made by the engine for each call.
#[derive(Clone)]
pub struct Cx {
    /// The connection's name, for ids.
    pub connection: ConnectionName,
    /// Fires when the connection is removed, changed or Kopi ends.
    pub stop: CancellationToken,
    /// Fires (is notified) when a person or the system asks to look again now: after "try now", a wake, an own order.
    pub look_again: Arc<tokio::sync::Notify>,
    /// The clock.
    pub clock: Clock,
    /// Someone can see or be told: polls may slow down while false.
    pub attended: tokio::sync::watch::Receiver<bool>,
}

/// Beside its events a source says how it goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// What the server is.
    Server {
        /// `0.8`, `1.6`.
        dialect: String,
        /// Its version.
        version: Option<String>,
    },
    /// The credential is this person's: their login, by which the server's items name them.
    SignedInAs(String),
    /// The stream is open and listings are in: live.
    Streaming,
    /// No stream (now): asked every so many seconds.
    Polling {
        /// Period.
        every_s: u32,
    },
    /// The stream dropped messages or was away: what is listed next is history, not news, if the gap was long.
    Gap,
    /// Something to warn of all the time, a message key.
    Warning(String),
}

/// What goes into the core's one inbox.
#[derive(Debug)]
pub enum SourceMessage {
    /// An event.
    Event(Event),
    /// A note.
    Note(Note),
}

/// Where a source puts its events. Bounded: when the core is behind, the source waits.
#[derive(Clone)]
pub struct Outbox {
    connection: ConnectionName,
    sender: mpsc::Sender<(ConnectionName, SourceMessage)>,
}

impl Outbox {
    /// For the engine and for tests.
    pub fn new(connection: ConnectionName, sender: mpsc::Sender<(ConnectionName, SourceMessage)>) -> Self {
        Self { connection, sender }
    }

    /// Sends an event; waits while the inbox is full.
    ///
    /// # Errors
    /// When the core is gone.
    pub async fn event(&self, event: Event) -> Result<(), FeedError> {
        self.send(SourceMessage::Event(event)).await
    }

    /// Sends a note.
    ///
    /// # Errors
    /// When the core is gone.
    pub async fn note(&self, note: Note) -> Result<(), FeedError> {
        self.send(SourceMessage::Note(note)).await
    }

    async fn send(&self, message: SourceMessage) -> Result<(), FeedError> {
        self.sender.send((self.connection.clone(), message)).await.map_err(|_| {
            FeedError::new(
                kopi_model::wire::ErrorCode::CoreGone,
                "hand over an event",
                "the core has gone",
            )
        })
    }
}

/// Lines of a log on their way to a view.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogChunk {
    /// In order, numbered by the source from 1.
    pub lines: Vec<LogLine>,
    /// Lines were lost before these.
    pub gap: bool,
    /// Everything written before the log was opened has been sent.
    pub caught_up: bool,
}

/// Where a source puts log lines.
#[derive(Clone)]
pub struct LogOutbox(mpsc::Sender<LogChunk>);

impl LogOutbox {
    /// For the engine and for tests.
    pub fn new(sender: mpsc::Sender<LogChunk>) -> Self {
        Self(sender)
    }

    /// Sends lines; waits while the view is behind. False when the view has gone: stop.
    pub async fn send(&self, chunk: LogChunk) -> bool {
        self.0.send(chunk).await.is_ok()
    }
}

/// TLS of one connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TlsSettings {
    /// PEM file with more roots.
    pub ca_file: Option<std::path::PathBuf>,
    /// SHA-256 of the server's certificate, hex: only this one is accepted.
    pub fingerprint: Option<String>,
}

/// A connection as a source is given it. Secrets are resolved.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    /// Its name.
    pub name: ConnectionName,
    /// Kind.
    pub kind: String,
    /// As typed, user and password already taken out.
    pub url: Url,
    /// Plain fields by name.
    pub fields: BTreeMap<String, String>,
    /// Secret fields by name.
    pub secrets: BTreeMap<String, Secret>,
    /// TLS.
    pub tls: TlsSettings,
    /// Environments (by name or id) that are production, beside those whose name says so.
    pub production: Vec<String>,
}

/// How a field is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// Goes to the keychain.
    Secret,
    /// Comma-separated or array.
    List,
}

/// A settings field of a kind of source.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// In `kopi.toml`.
    pub name: &'static str,
    /// How it is typed.
    pub kind: FieldKind,
    /// Needed.
    pub required: bool,
    /// Label, English and Chinese.
    pub label: [&'static str; 2],
    /// One sentence for the schema and the form, English and Chinese.
    pub help: [&'static str; 2],
}

/// A kind of source: everything the rest of Kopi knows about a folder of `kopi-sources`.
#[derive(Clone, Copy)]
pub struct SourceKind {
    /// In `kopi.toml`, `drone`.
    pub word: &'static str,
    /// Name, English and Chinese.
    pub label: [&'static str; 2],
    /// Icon, SVG with `currentColor`.
    pub icon: &'static str,
    /// Its fields beside `name`, `kind`, `url`.
    pub fields: &'static [Field],
    /// Makes one for a connection; reads no network.
    pub make: fn(&ConnectionSettings) -> Result<Arc<dyn Source>, FeedError>,
}
