//! What every source must do, whatever it speaks (design § 5). A source's tests call [`run`] with a [`Bench`] made of
//! its own fake, and demand that no complaint comes back:
//!
//! ```text
//! #[tokio::test(start_paused = true)]
//! async fn conforms() {
//!     assert_eq!(conformance::run(|| async { DroneBench::start().await }).await, Vec::<String>::new());
//! }
//! ```
//!
//! Meant for a paused clock on a runtime of one thread: hours of silence pass in no time.
//!
//! Refuses: knowing any server. Complaints are values, so that a test shows all of them at once.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt::{Debug, Write};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kopi_feed::source::BoxFuture;
use kopi_feed::{Clock, ConnectionSettings, Cx, FeedError, Note, Outbox, Sent, Source, SourceKind, SourceMessage};
use kopi_model::wire::{ErrorCode, ProbeReport};
use kopi_model::{ConnectionName, Event, Item, ItemId, Order, Scope};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::fault::{Fault, FaultSwitch};

/// Longer than any limit, pause or watchdog of a source.
const PATIENCE: Duration = Duration::from_mins(15);
/// A stopped watch must be gone by then.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A source and its fake, started anew for each demand.
pub trait Bench: Send + Sync {
    /// The kind under test.
    fn kind(&self) -> SourceKind;
    /// A connection to the fake, with secrets.
    fn settings(&self) -> ConnectionSettings;
    /// The switch of the server the connection leads to.
    fn faults(&self) -> FaultSwitch;
    /// Changes one item on the server, as its users would; the source must tell.
    fn change_something(&self) -> BoxFuture<'_, ()>;
    /// An order that the fake accepts in its first state.
    fn order(&self) -> Order;
}

/// Holds a source against all demands; no complaint is a pass.
pub async fn run<B: Bench, F: Future<Output = B>>(start: impl Fn() -> F) -> Vec<String> {
    let mut complaints = Complaints::default();
    lists_and_hears(&start().await, &mut complaints).await;
    stops(&start().await, &mut complaints).await;
    acts(&start().await, &mut complaints).await;
    probes(&start().await, &mut complaints).await;
    for fault in Fault::ALL {
        fails_cold(&start().await, fault, &mut complaints).await;
        fails_warm(&start().await, fault, &mut complaints).await;
        refuses_probe(&start().await, fault, &mut complaints).await;
    }
    for fault in [
        Fault::Reset,
        Fault::Hang,
        Fault::Truncate,
        Fault::Html,
        Fault::ServerError,
        Fault::RateLimited,
    ] {
        writes_once(&start().await, fault, &mut complaints).await;
    }
    complaints.0
}

#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn demand(&mut self, holds: bool, complaint: impl FnOnce() -> String) {
        if !holds {
            self.0.push(complaint());
        }
    }
}

/// The codes an error may have when a server is broken in this way before anything was asked.
fn codes(fault: Fault) -> &'static [ErrorCode] {
    use ErrorCode as C;
    match fault {
        Fault::Refuse => &[C::Refused],
        Fault::Reset => &[C::Reset],
        Fault::Hang | Fault::SlowDrip => &[C::Timeout, C::StreamSilent],
        // A stream that breaks off is a reset.
        Fault::Truncate => &[C::Truncated, C::Reset, C::UnexpectedAnswer],
        Fault::Html => &[C::NotJson],
        Fault::Unauthorized => &[C::Unauthorized],
        Fault::Forbidden => &[C::Forbidden],
        Fault::RateLimited => &[C::RateLimited],
        Fault::ServerError => &[C::ServerError],
        // JSON where a stream was due is refused before its size is known.
        Fault::Oversized => &[C::TooLarge, C::UnexpectedAnswer],
        Fault::BadTls => &[C::Tls],
    }
}

async fn lists_and_hears(bench: &dyn Bench, complaints: &mut Complaints) {
    let mut watched = match Watched::start(bench) {
        Ok(watched) => watched,
        Err(error) => return complaints.0.push(format!("cannot be made: {error}")),
    };
    if !watched.until_listed(complaints).await {
        return complaints.0.push(format!(
            "list: no complete listing came: {}",
            watched.how_it_ended().await
        ));
    }
    let story = &watched.story;
    complaints.demand(!story.seen.is_empty(), || {
        "list: nothing was listed; the fake must hold something".into()
    });
    complaints.demand(story.gone.is_empty(), || {
        format!("list: gone at the first listing: {:?}", story.gone)
    });
    bench.change_something().await;
    let heard = watched.until(|story| story.upserts > 0, complaints).await;
    complaints.demand(heard, || {
        "listen: a change on the server did not become an Upsert".into()
    });
    watched.check_secrets(complaints);
}

async fn stops(bench: &dyn Bench, complaints: &mut Complaints) {
    let Ok(mut watched) = Watched::start(bench) else { return };
    watched.until_listed(complaints).await;
    watched.stop.cancel();
    let ended = timeout(STOP_WITHIN, &mut watched.watch).await;
    complaints.demand(ended.is_ok(), || {
        "stop: the watch goes on after its stop token fired".into()
    });
}

async fn acts(bench: &dyn Bench, complaints: &mut Complaints) {
    let Ok(source) = make(bench) else { return };
    let order = bench.order();
    complaints.demand(!source.requests(&order).is_empty(), || {
        "act: the plan would show no request".into()
    });
    let (cx, _attended) = context(bench);
    match timeout(PATIENCE, source.act(cx, order)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => complaints
            .0
            .push(format!("act: the order was not carried out: {error:?}")),
        Err(_) => complaints.0.push("act: no end".into()),
    }
    let written = writes(bench);
    complaints.demand(!written.is_empty(), || "act: nothing was written".into());
}

async fn probes(bench: &dyn Bench, complaints: &mut Complaints) {
    let Some(report) = probe(bench, complaints).await else {
        return;
    };
    complaints.demand(report.ok && report.error.is_none(), || format!("probe: {report:?}"));
    complaints.demand(report.dialect.is_some(), || "probe: no dialect".into());
    complaints.demand(report.kind == bench.kind().word, || {
        format!("probe: kind {:?}", report.kind)
    });
    complaints.demand(writes(bench).is_empty(), || "probe: it wrote".into());
}

async fn refuses_probe(bench: &dyn Bench, fault: Fault, complaints: &mut Complaints) {
    bench.faults().set(Some(fault));
    settle().await;
    let Some(report) = probe(bench, complaints).await else {
        return;
    };
    let code = report.error.as_ref().map(|error| error.code);
    complaints.demand(
        !report.ok && code.is_some_and(|code| codes(fault).contains(&code)),
        || format!("{fault}: the probe says {:?}", report.error),
    );
    no_secrets(bench, &report, &format!("{fault}: probe"), complaints);
}

/// The server was broken before the source came.
async fn fails_cold(bench: &dyn Bench, fault: Fault, complaints: &mut Complaints) {
    bench.faults().set(Some(fault));
    settle().await;
    let Ok(mut watched) = Watched::start(bench) else { return };
    watched.until(|story| !story.failed.is_empty(), complaints).await;
    let story = &watched.story;
    complaints.demand(story.done.is_empty(), || {
        format!("{fault}: a listing was called complete: {:?}", story.done)
    });
    complaints.demand(story.gone.is_empty(), || {
        format!("{fault}: called gone: {:?}", story.gone)
    });
    if story.failed.is_empty() || fault == Fault::Unauthorized {
        let ended = watched.ended(complaints).await;
        match &ended {
            Some(error) => {
                complaints.demand(codes(fault).contains(&error.code), || {
                    format!("{fault}: the wrong reason: {error:?}")
                });
                complaints.demand(error.stops() == (fault == Fault::Unauthorized), || {
                    format!("{fault}: stops: {error:?}")
                });
                complaints.demand(fault != Fault::RateLimited || error.retry_at.is_some(), || {
                    format!("{fault}: the server said when to come back: {error:?}")
                });
                no_secrets(bench, error, &format!("{fault}: error"), complaints);
            }
            None => complaints.0.push(format!(
                "{fault}: neither an error nor a failed listing within 15 minutes"
            )),
        }
    }
    watched.check_secrets(complaints);
}

/// The server breaks while the source listens; then it is mended, and the source started again sees what was there.
async fn fails_warm(bench: &dyn Bench, fault: Fault, complaints: &mut Complaints) {
    let Ok(mut watched) = Watched::start(bench) else { return };
    if !watched.until_listed(complaints).await {
        return;
    }
    let before = watched.story.seen.clone();
    bench.faults().set(Some(fault));
    settle().await;
    watched.look_again.notify_one();
    watched.until(|story| !story.failed.is_empty(), complaints).await;
    let noticed = !watched.story.failed.is_empty() || watched.ended(complaints).await.is_some();
    complaints.demand(noticed, || {
        format!("{fault}: not noticed within 15 minutes while listening")
    });
    complaints.demand(watched.story.gone.is_empty(), || {
        format!("{fault}: called gone: {:?}", watched.story.gone)
    });
    watched.check_secrets(complaints);
    drop(watched);

    bench.faults().set(None);
    settle().await;
    let Ok(mut again) = Watched::start(bench) else { return };
    let listed = again.until_listed(complaints).await;
    complaints.demand(listed, || format!("{fault}: mended, but no listing"));
    let lost: Vec<&ItemId> = before.difference(&again.story.seen).collect();
    complaints.demand(!listed || lost.is_empty(), || {
        format!("{fault}: lost over the failure: {lost:?}")
    });
}

async fn writes_once(bench: &dyn Bench, fault: Fault, complaints: &mut Complaints) {
    let Ok(source) = make(bench) else { return };
    bench.faults().set_writes(Some(fault));
    let (cx, _attended) = context(bench);
    let answer = timeout(PATIENCE, source.act(cx, bench.order())).await;
    // Whoever repeats does so by and by.
    tokio::time::sleep(Duration::from_mins(1)).await;
    let written = writes(bench);
    complaints.demand(written.len() == 1, || {
        format!("{fault}: written {} times: {written:?}", written.len())
    });
    match answer {
        Ok(Err(error)) => {
            let expected = match fault {
                Fault::Reset | Fault::Hang => Sent::Maybe,
                _ => Sent::Answered,
            };
            complaints.demand(error.sent == expected, || {
                format!("{fault}: the order was sent? {error:?}")
            });
            no_secrets(bench, &error, &format!("{fault}: order"), complaints);
        }
        // An order whose answer is not read further (a web page with 200 cannot be told from a bare "ok") may pass.
        Ok(Ok(receipt)) => complaints.demand(fault == Fault::Truncate, || {
            format!("{fault}: taken for done: {receipt:?}")
        }),
        Err(_) => complaints.0.push(format!("{fault}: the order has no end")),
    }
}

async fn probe(bench: &dyn Bench, complaints: &mut Complaints) -> Option<ProbeReport> {
    let source = make(bench).ok()?;
    let (cx, _attended) = context(bench);
    let report = timeout(PATIENCE, source.probe(cx)).await.ok();
    complaints.demand(report.is_some(), || "probe: no end".into());
    report
}

fn make(bench: &dyn Bench) -> Result<Arc<dyn Source>, FeedError> {
    (bench.kind().make)(&bench.settings())
}

/// Requests that were no reading.
fn writes(bench: &dyn Bench) -> Vec<String> {
    let seen = bench.faults().seen();
    let written = seen
        .into_iter()
        .filter(|seen| !matches!(seen.method.as_str(), "GET" | "HEAD" | "OPTIONS"));
    written.map(|seen| format!("{} {}", seen.method, seen.path)).collect()
}

/// Servers get a turn to feel the switch.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn context(bench: &dyn Bench) -> (Cx, watch::Sender<bool>) {
    let (attended, receiver) = watch::channel(true);
    let cx = Cx {
        connection: bench.settings().name,
        stop: CancellationToken::new(),
        look_again: Arc::new(Notify::new()),
        clock: Clock::tokio(Timestamp::now()),
        attended: receiver,
    };
    (cx, attended)
}

fn no_secrets(bench: &dyn Bench, shown: &impl Debug, place: &str, complaints: &mut Complaints) {
    let text = format!("{shown:?}");
    for (field, secret) in bench.settings().secrets {
        complaints.demand(!text.contains(secret.expose()), || {
            format!("{place} shows the secret {field}")
        });
    }
}

/// What a watch has said so far.
#[derive(Debug, Default)]
struct Story {
    begun: BTreeSet<Scope>,
    done: BTreeSet<Scope>,
    failed: Vec<String>,
    seen: BTreeSet<ItemId>,
    gone: Vec<ItemId>,
    upserts: usize,
    settled: bool,
    texts: String,
}

/// A watch under way.
struct Watched<'a> {
    bench: &'a dyn Bench,
    stop: CancellationToken,
    look_again: Arc<Notify>,
    watch: JoinHandle<Result<Infallible, FeedError>>,
    inbox: mpsc::Receiver<(ConnectionName, SourceMessage)>,
    story: Story,
    _attended: watch::Sender<bool>,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl<'a> Watched<'a> {
    fn start(bench: &'a dyn Bench) -> Result<Self, FeedError> {
        let source = make(bench)?;
        let (cx, attended) = context(bench);
        let (stop, look_again) = (cx.stop.clone(), cx.look_again.clone());
        let (sender, inbox) = mpsc::channel(64);
        let out = Outbox::new(cx.connection.clone(), sender);
        Ok(Self {
            bench,
            stop,
            look_again,
            watch: tokio::spawn(async move { source.watch(cx, out).await }),
            inbox,
            story: Story::default(),
            _attended: attended,
        })
    }

    /// All listings that were begun are complete, and the source says how it goes on.
    async fn until_listed(&mut self, complaints: &mut Complaints) -> bool {
        self.until(
            |story| story.settled && !story.begun.is_empty() && story.begun == story.done,
            complaints,
        )
        .await
    }

    async fn until(&mut self, enough: impl Fn(&Story) -> bool, complaints: &mut Complaints) -> bool {
        let reading = async {
            while !enough(&self.story) {
                match self.inbox.recv().await {
                    Some((_, message)) => self.story.take(&message, self.bench, complaints),
                    None => return false,
                }
            }
            true
        };
        timeout(PATIENCE, reading).await.unwrap_or(false)
    }

    async fn ended(&mut self, complaints: &mut Complaints) -> Option<FeedError> {
        let draining = async { while self.inbox.recv().await.is_some() {} };
        let waiting = async { tokio::join!(&mut self.watch, draining).0 };
        match timeout(PATIENCE, waiting).await.ok()? {
            Ok(Ok(never)) => match never {},
            Ok(Err(error)) => Some(error),
            Err(error) => {
                complaints.demand(!error.is_panic(), || "the watch panicked".into());
                None
            }
        }
    }

    async fn how_it_ended(&mut self) -> String {
        let mut none = Complaints::default();
        let error = self.ended(&mut none).await;
        format!("{error:?} {:?} {:?}", none.0, self.story.failed)
    }

    fn check_secrets(&self, complaints: &mut Complaints) {
        for (field, secret) in self.bench.settings().secrets {
            let shown = self.story.texts.contains(secret.expose());
            complaints.demand(!shown, || format!("an event shows the secret {field}"));
        }
    }
}

impl Story {
    fn take(&mut self, message: &SourceMessage, bench: &dyn Bench, complaints: &mut Complaints) {
        // Enough to find a secret, not a memory of everything.
        if self.texts.len() < 4_000_000 {
            // Writing to a string cannot fail.
            let _ = write!(self.texts, "{message:?}");
        }
        let event = match message {
            SourceMessage::Note(Note::Streaming | Note::Polling { .. }) => {
                self.settled = true;
                return;
            }
            SourceMessage::Note(_) => return,
            SourceMessage::Event(event) => event,
        };
        match event {
            Event::Init { scope, .. } => {
                self.begun.insert(scope.clone());
                self.done.remove(scope);
            }
            Event::Seen(item) => {
                let open = self.begun.contains(item.scope()) && !self.done.contains(item.scope());
                complaints.demand(open, || format!("{} was seen outside of its listing", item.id()));
                self.named(item, bench, complaints);
            }
            Event::InitDone(scope) => {
                complaints.demand(self.begun.contains(scope), || {
                    format!("{scope:?} ended without a beginning")
                });
                self.done.insert(scope.clone());
            }
            Event::InitFailed { scope, why } => self.failed.push(format!("{scope:?}: {why}")),
            Event::Upsert(item) => {
                self.upserts += 1;
                self.named(item, bench, complaints);
            }
            Event::Gone(id) => self.gone.push(id.clone()),
        }
    }

    fn named(&mut self, item: &Item, bench: &dyn Bench, complaints: &mut Complaints) {
        let name = bench.settings().name;
        let own = item.connection() == &name
            && item.id().connection().as_ref() == Some(&name)
            && item.id().kind() == Some(item.kind());
        complaints.demand(own, || {
            format!("{} is not named as a {:?} of {name}", item.id(), item.kind())
        });
        self.seen.insert(item.id().clone());
    }
}
