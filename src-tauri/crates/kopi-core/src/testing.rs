//! A source that does what a test says, records in memory, a teller that remembers: what the core's own tests run on.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kopi_feed::source::BoxFuture;
use kopi_feed::{
    Clock, ConnectionSettings, Cx, FeedError, LogChunk, LogOutbox, Note, Outbox, Read, ReadAnswer, Source, SourceKind,
    TlsSettings,
};
use kopi_model::item::UpgradePhase;
use kopi_model::wire::{ApiError, DeployRecord, ErrorCode, JournalEntry, LogAsk, NoticeRecord, ProbeReport};
use kopi_model::{
    Build, BuildStatus, ConnectionName, Container, Coverage, Environment, Event, Item, ItemId, ItemKind, LiveStatus,
    Notice, Order, Receipt, Service, Verb,
};
use kopi_notify::Worded;
use tokio::sync::{Notify, mpsc};

use crate::engine::{Batch, Cached, HistoryAsk, NoDesk, OpenEntry, Records, Teller};
use crate::{Core, CoreConnection, CoreHandle, CoreParts, CoreSettings, Machine};

/// What a scripted server does next.
#[derive(Debug)]
pub(crate) enum Move {
    Say(Event),
    Note(Note),
    Fall(FeedError),
    Panic,
}

/// A scripted server.
#[derive(Default)]
pub(crate) struct Script {
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Default)]
struct Inner {
    listing: Vec<Item>,
    moves: VecDeque<Move>,
    refuse: Option<FeedError>,
    runs: u32,
    orders: Vec<Order>,
    receipts: VecDeque<Result<Receipt, FeedError>>,
    log: Vec<LogChunk>,
    attended: Option<tokio::sync::watch::Receiver<bool>>,
}

static SCRIPTS: Mutex<Option<HashMap<String, Arc<Script>>>> = Mutex::new(None);

impl Script {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a listing names from now on.
    pub(crate) fn lists(&self, items: Vec<Item>) {
        self.inner().listing = items;
    }

    /// What a listing would name now.
    pub(crate) fn listing(&self) -> Vec<Item> {
        self.inner().listing.clone()
    }

    /// Does this as soon as it is watched.
    pub(crate) fn then(&self, next: Move) {
        self.inner().moves.push_back(next);
        self.wake.notify_one();
    }

    /// An item is new or changed, also for later listings.
    pub(crate) fn upsert(&self, item: Item) {
        let mut inner = self.inner();
        inner.listing.retain(|known| known.id() != item.id());
        inner.listing.push(item.clone());
        drop(inner);
        self.then(Move::Say(Event::Upsert(Box::new(item))));
    }

    /// Fails every watch from now on, or no longer.
    pub(crate) fn refuses(&self, error: Option<FeedError>) {
        self.inner().refuse = error;
    }

    /// How often it was watched.
    pub(crate) fn runs(&self) -> u32 {
        self.inner().runs
    }

    /// Its watch was told that somebody looks.
    pub(crate) fn is_attended(&self) -> bool {
        self.inner()
            .attended
            .as_ref()
            .is_some_and(|attended| *attended.borrow())
    }

    /// What it was ordered.
    pub(crate) fn orders(&self) -> Vec<Order> {
        self.inner().orders.clone()
    }

    /// Answers the next order so.
    pub(crate) fn answers(&self, receipt: Result<Receipt, FeedError>) {
        self.inner().receipts.push_back(receipt);
    }

    /// Its log.
    pub(crate) fn logs(&self, chunks: Vec<LogChunk>) {
        self.inner().log = chunks;
    }
}

struct ScriptedSource(Arc<Script>);

impl Source for ScriptedSource {
    fn watch(&self, cx: Cx, out: Outbox) -> BoxFuture<'_, Result<Infallible, FeedError>> {
        Box::pin(async move {
            let (listing, refuse) = {
                let mut inner = self.0.inner();
                inner.runs += 1;
                inner.attended = Some(cx.attended.clone());
                (inner.listing.clone(), inner.refuse.clone())
            };
            if let Some(error) = refuse {
                return Err(error);
            }
            let scope = kopi_model::Scope::from("all");
            out.event(Event::Init {
                scope: scope.clone(),
                coverage: Coverage::Complete,
            })
            .await?;
            for item in listing {
                out.event(Event::Seen(Box::new(item))).await?;
            }
            out.event(Event::InitDone(scope)).await?;
            out.note(Note::Streaming).await?;
            loop {
                let next = self.0.inner().moves.pop_front();
                match next {
                    Some(Move::Say(event)) => out.event(event).await?,
                    Some(Move::Note(note)) => out.note(note).await?,
                    Some(Move::Fall(error)) => return Err(error),
                    Some(Move::Panic) => panic!("scripted"),
                    None => tokio::select! {
                        () = self.0.wake.notified() => {}
                        () = cx.stop.cancelled() => return Err(FeedError::new(ErrorCode::CoreGone, "watch", "stopped")),
                    },
                }
            }
        })
    }

    fn act(&self, _: Cx, order: Order) -> BoxFuture<'_, Result<Receipt, FeedError>> {
        let mut inner = self.0.inner();
        inner.orders.push(order);
        let receipt = inner.receipts.pop_front().unwrap_or_else(|| Ok(Receipt::default()));
        Box::pin(async move { receipt })
    }

    fn probe(&self, _: Cx) -> BoxFuture<'_, ProbeReport> {
        Box::pin(async {
            ProbeReport {
                ok: true,
                ..ProbeReport::default()
            }
        })
    }

    fn read(&self, _: Cx, what: Read) -> BoxFuture<'_, Result<ReadAnswer, FeedError>> {
        let listing = self.0.inner().listing.clone();
        Box::pin(async move {
            match what {
                Read::Item(id) => listing
                    .into_iter()
                    .find(|item| *item.id() == id)
                    .map(|item| ReadAnswer::Item(Box::new(item)))
                    .ok_or_else(|| FeedError::new(ErrorCode::NotFound, "GET item", "404")),
                Read::ServiceEvents(_) => Ok(ReadAnswer::ServiceEvents(Vec::new())),
                Read::Builds { .. } => Ok(ReadAnswer::Builds(Vec::new())),
            }
        })
    }

    fn log(&self, _: Cx, _: LogAsk, out: LogOutbox) -> BoxFuture<'_, Result<(), FeedError>> {
        let log = self.0.inner().log.clone();
        Box::pin(async move {
            for chunk in log {
                if !out.send(chunk).await {
                    break;
                }
            }
            Ok(())
        })
    }

    fn requests(&self, order: &Order) -> Vec<String> {
        vec![format!("POST /{}?action={:?}", order.target.native(), order.verb).to_lowercase()]
    }
}

/// The kind of scripted servers.
pub(crate) fn kind() -> SourceKind {
    SourceKind {
        word: "scripted",
        label: ["Scripted", "剧本"],
        icon: "",
        fields: &[],
        make: |settings| {
            let scripts = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
            let script = settings.fields.get("script").and_then(|key| scripts.as_ref()?.get(key));
            script
                .map(|script| Arc::new(ScriptedSource(script.clone())) as Arc<dyn Source>)
                .ok_or_else(|| FeedError::new(ErrorCode::Config, "make", "no such script"))
        },
    }
}

/// A scripted server and the connection to it.
pub(crate) fn scripted(name: &str) -> (Arc<Script>, CoreConnection) {
    let script = Arc::new(Script::default());
    let mut scripts = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
    let scripts = scripts.get_or_insert_default();
    let key = scripts.len().to_string();
    scripts.insert(key.clone(), script.clone());
    let connection = CoreConnection::new(ConnectionSettings {
        name: name.into(),
        kind: "scripted".into(),
        url: "http://127.0.0.1:1/".parse().unwrap(),
        fields: BTreeMap::from([("script".to_owned(), key)]),
        secrets: BTreeMap::new(),
        tls: TlsSettings::default(),
        production: Vec::new(),
    });
    (script, connection)
}

/// Records in memory.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) batches: Mutex<Vec<Batch>>,
    pub(crate) journal: Mutex<Vec<OpenEntry>>,
    pub(crate) deploys: Mutex<Vec<DeployRecord>>,
    pub(crate) notices: Mutex<Vec<NoticeRecord>>,
    pub(crate) cached: Mutex<Cached>,
    /// When it was pruned.
    pub(crate) pruned: Mutex<Vec<Timestamp>>,
    /// How often it was closed.
    pub(crate) closed: Mutex<u32>,
    keys: Mutex<Vec<String>>,
    kept: Mutex<HashMap<&'static str, String>>,
}

fn now_ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, ApiError>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Records for Memory {
    fn record(&self, batch: Batch) -> BoxFuture<'_, Result<(), ApiError>> {
        self.batches.lock().unwrap().push(batch);
        now_ready(())
    }
    fn load_cache(&self) -> BoxFuture<'_, Result<Cached, ApiError>> {
        now_ready(self.cached.lock().unwrap().clone())
    }
    fn history(&self, _: HistoryAsk) -> BoxFuture<'_, Result<Vec<Build>, ApiError>> {
        let batches = self.batches.lock().unwrap();
        let builds = batches
            .iter()
            .flat_map(|batch| &batch.builds)
            .filter_map(|item| match item.as_ref() {
                Item::Build(build) => Some(build.clone()),
                _ => None,
            })
            .collect();
        now_ready(builds)
    }
    fn deploys(&self, _: Option<ItemId>, _: u32) -> BoxFuture<'_, Result<Vec<DeployRecord>, ApiError>> {
        now_ready(self.deploys.lock().unwrap().clone())
    }
    fn put_deploy(&self, deploy: DeployRecord) -> BoxFuture<'_, Result<(), ApiError>> {
        let mut deploys = self.deploys.lock().unwrap();
        deploys.retain(|known| (&known.service, known.started_at) != (&deploy.service, deploy.started_at));
        deploys.push(deploy);
        now_ready(())
    }
    fn journal(&self, _: Option<i64>, _: u32) -> BoxFuture<'_, Result<Vec<JournalEntry>, ApiError>> {
        let journal = self.journal.lock().unwrap();
        now_ready(journal.iter().map(|open| open.entry.clone()).collect())
    }
    fn begin_journal(&self, mut entry: JournalEntry, memory: Option<String>) -> BoxFuture<'_, Result<i64, ApiError>> {
        let mut journal = self.journal.lock().unwrap();
        let id = journal.len() as i64 + 1;
        entry.id = id;
        journal.push(OpenEntry { entry, memory });
        now_ready(id)
    }
    fn update_journal(&self, entry: JournalEntry, memory: Option<String>) -> BoxFuture<'_, Result<(), ApiError>> {
        let mut journal = self.journal.lock().unwrap();
        if let Some(open) = journal.iter_mut().find(|open| open.entry.id == entry.id) {
            *open = OpenEntry { entry, memory };
        }
        now_ready(())
    }
    fn open_journal(&self) -> BoxFuture<'_, Result<Vec<OpenEntry>, ApiError>> {
        let journal = self.journal.lock().unwrap();
        now_ready(
            journal
                .iter()
                .filter(|open| open.entry.ended_at.is_none())
                .cloned()
                .collect(),
        )
    }
    fn notices(&self, _: u32) -> BoxFuture<'_, Result<Vec<NoticeRecord>, ApiError>> {
        now_ready(self.notices.lock().unwrap().clone())
    }
    fn put_notice(&self, notice: NoticeRecord) -> BoxFuture<'_, Result<(), ApiError>> {
        self.notices.lock().unwrap().push(notice);
        now_ready(())
    }
    fn take_notice_key(&self, key: String, _: Timestamp) -> BoxFuture<'_, Result<bool, ApiError>> {
        let mut keys = self.keys.lock().unwrap();
        let is_new = !keys.contains(&key);
        keys.push(key);
        now_ready(is_new)
    }
    fn forget_connection(&self, _: ConnectionName) -> BoxFuture<'_, Result<(), ApiError>> {
        now_ready(())
    }
    fn kept(&self, name: &'static str) -> BoxFuture<'_, Result<Option<String>, ApiError>> {
        now_ready(self.kept.lock().unwrap().get(name).cloned())
    }
    fn keep(&self, name: &'static str, value: Option<String>) -> BoxFuture<'_, Result<(), ApiError>> {
        let mut kept = self.kept.lock().unwrap();
        match value {
            Some(value) => drop(kept.insert(name, value)),
            None => drop(kept.remove(name)),
        }
        now_ready(())
    }
    fn prune(&self, now: Timestamp, _: u32, _: u32) -> BoxFuture<'_, Result<(), ApiError>> {
        self.pruned.lock().unwrap().push(now);
        now_ready(())
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        *self.closed.lock().unwrap() += 1;
        Box::pin(std::future::ready(()))
    }
}

/// Hands every notice to the test.
pub(crate) struct Told(mpsc::UnboundedSender<Notice>);

impl Teller for Told {
    fn tell(&self, _: Worded, notice: Notice) -> BoxFuture<'_, ()> {
        self.0.send(notice).ok();
        Box::pin(async {})
    }
}

/// A core under test.
pub(crate) struct Bench {
    pub(crate) core: CoreHandle,
    pub(crate) records: Arc<Memory>,
    pub(crate) told: mpsc::UnboundedReceiver<Notice>,
    pub(crate) network: Arc<std::sync::atomic::AtomicU64>,
}

/// The time at which every test begins.
pub(crate) fn start_time() -> Timestamp {
    "2026-11-25T08:00:00Z".parse().unwrap()
}

/// Starts a core on these connections.
pub(crate) async fn bench(connections: Vec<CoreConnection>, records: Arc<Memory>) -> Bench {
    let settings = CoreSettings {
        connections,
        ..CoreSettings::default()
    };
    bench_with(settings, records).await
}

/// Starts a core on these settings; every kind of notice about everything is on.
pub(crate) async fn bench_with(mut settings: CoreSettings, records: Arc<Memory>) -> Bench {
    settings.settings.mine_loud_only = false;
    bench_as_set(settings, records).await
}

/// Starts a core on exactly these settings.
pub(crate) async fn bench_as_set(settings: CoreSettings, records: Arc<Memory>) -> Bench {
    let (sender, told) = mpsc::unbounded_channel();
    let network = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let seen = network.clone();
    let core = Core::start(CoreParts {
        settings,
        kinds: vec![kind()],
        records: records.clone(),
        teller: Arc::new(Told(sender)),
        desk: Arc::new(NoDesk),
        machine: Machine {
            clock: Clock::tokio(start_time()),
            chance: Arc::new(|| 0.5),
            network: Arc::new(move || seen.load(std::sync::atomic::Ordering::Relaxed)),
            zone: jiff::tz::TimeZone::UTC,
            locale: None,
            user: "linhao".to_owned(),
        },
    })
    .await;
    Bench {
        core,
        records,
        told,
        network,
    }
}

impl Bench {
    /// Waits until what the core shows is so; panics when an hour of its clock pass.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl FnMut(&kopi_model::wire::Snapshot) -> bool) {
        let mut changed = self.core.changed();
        let wait = async {
            while !is_so(&self.core.picture()) {
                changed.changed().await.expect("the core lives");
            }
        };
        let in_time = tokio::time::timeout(std::time::Duration::from_hours(1), wait).await;
        assert!(
            in_time.is_ok(),
            "never came: {what}; {:#?}",
            self.core.picture().connections
        );
    }
}

/// A build of `ihealth/web` on `dev`.
pub(crate) fn build(connection: &str, number: u64, status: BuildStatus) -> Item {
    let connection = ConnectionName::from(connection);
    let at = |minutes: i64| {
        let from_start = jiff::SignedDuration::from_mins(number as i64 * 10 - 10_000 + minutes);
        start_time().checked_add(from_start).ok()
    };
    Item::Build(Build {
        id: ItemId::new(ItemKind::Build, &connection, &format!("ihealth/web#{number}")),
        connection,
        scope: "all".into(),
        repo: "ihealth/web".into(),
        number,
        status,
        branch: "dev".into(),
        event: "push".into(),
        author: "sunyue".into(),
        created_at: at(0),
        started_at: at(1),
        finished_at: if status.is_final() { at(4) } else { None },
        ..Build::default()
    })
}

/// A service of two copies in environment `dev` (or `prod`), as it stands between upgrades.
pub(crate) fn service(version: &str, image: &str, phase: UpgradePhase) -> Service {
    let connection = ConnectionName::from("rancher");
    let offers = match phase {
        UpgradePhase::None => vec![Verb::Redeploy, Verb::Upgrade, Verb::Scale, Verb::Restart, Verb::Stop],
        UpgradePhase::Running => vec![Verb::Rollback, Verb::Cancel],
        UpgradePhase::AwaitsFinish => vec![Verb::Finish, Verb::Rollback],
        UpgradePhase::Cancelled => vec![Verb::Rollback],
        _ => Vec::new(),
    };
    Service {
        id: ItemId::new(ItemKind::Service, &connection, "1s47"),
        environment: ItemId::new(ItemKind::Environment, &connection, "1a5"),
        stack: ItemId::new(ItemKind::Stack, &connection, "1st4"),
        connection,
        scope: "all".into(),
        stack_name: "web".into(),
        name: "api".into(),
        status: if phase == UpgradePhase::None {
            LiveStatus::Ok
        } else {
            LiveStatus::Working
        },
        server_state: format!("{phase:?}").to_lowercase(),
        image: image.into(),
        version: Some(version.into()),
        scale: Some(2),
        offers,
        phase,
        ..Service::default()
    }
}

/// One of its containers.
pub(crate) fn container(number: u32, version: &str, status: LiveStatus) -> Item {
    let connection = ConnectionName::from("rancher");
    Item::Container(Container {
        id: ItemId::new(ItemKind::Container, &connection, &format!("1i{number}")),
        environment: ItemId::new(ItemKind::Environment, &connection, "1a5"),
        services: vec![ItemId::new(ItemKind::Service, &connection, "1s47")],
        host: Some(ItemId::new(ItemKind::Host, &connection, &format!("1h{}", number % 2))),
        connection,
        scope: "all".into(),
        name: format!("web-api-{number}"),
        status,
        version: Some(version.into()),
        ..Container::default()
    })
}

/// The environment they live in.
pub(crate) fn environment(production: bool) -> Item {
    let connection = ConnectionName::from("rancher");
    Item::Environment(Environment {
        id: ItemId::new(ItemKind::Environment, &connection, "1a5"),
        connection,
        scope: "all".into(),
        name: if production { "prod" } else { "dev" }.into(),
        production,
        may_act: Some(true),
        ..Environment::default()
    })
}

/// An order without arguments.
pub(crate) fn order(verb: Verb) -> Order {
    Order {
        target: ItemId::from("service:rancher/1s47"),
        verb,
        tag: None,
        scale: None,
        environment: None,
        strategy: None,
        based_on: None,
    }
}
