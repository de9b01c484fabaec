//! What loop, takers, sessions and actions share, and how the engine is started.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use kopi_feed::{Clock, Cx, Source, SourceKind};
use kopi_model::wire::{ApiError, ErrorCode};
use kopi_model::{ConnectionName, ItemId, load_cache, set_line_rules};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::input::{INBOX, Input};
use super::keep::Waiting;
use super::machine::Machine;
use super::records::Records;
use super::settings::CoreSettings;
use super::slots::Slots;
use super::state::{QuietFor, State};
use super::surroundings::{Desk, Teller};
use super::tell::{Decided, QUEUE};
use super::{keep, run, tell};

/// The name under which mutes and focus are kept.
const QUIET: &str = "quiet";

/// What a core is made of.
pub struct CoreParts {
    /// The configuration.
    pub settings: CoreSettings,
    /// Kinds of sources there are.
    pub kinds: Vec<SourceKind>,
    /// What it remembers.
    pub records: Arc<dyn Records>,
    /// Who shows notices.
    pub teller: Arc<dyn Teller>,
    /// What only the host can do.
    pub desk: Arc<dyn Desk>,
    /// Time, chance and network.
    pub machine: Machine,
}

/// What loop, takers, sessions and actions share.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) inbox: mpsc::Sender<Input>,
    pub(crate) waiting: Arc<Waiting>,
    /// Services that somebody else may be deploying.
    pub(crate) deploys: mpsc::Sender<ItemId>,
    pub(crate) slots: Slots,
    pub(crate) notices: mpsc::Sender<Decided>,
    /// `State::rev` after each turn of the loop.
    pub(crate) changed: watch::Sender<u64>,
    pub(crate) attended: watch::Sender<bool>,
    pub(crate) settings: ArcSwap<CoreSettings>,
    pub(crate) kinds: Vec<SourceKind>,
    pub(crate) records: Arc<dyn Records>,
    pub(crate) teller: Arc<dyn Teller>,
    pub(crate) desk: Arc<dyn Desk>,
    pub(crate) machine: Machine,
    /// Fires when the core ends, on purpose or by a fault of its loop.
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// Another one each start.
    pub(crate) id: String,
    next_session: AtomicU64,
}

/// Loads the cache, so that the first picture is there at once, then starts loop, takers and every source. Gives also the
/// services that somebody else may be deploying, for whoever watches those.
pub(crate) async fn start(parts: CoreParts) -> (Arc<Shared>, mpsc::Receiver<ItemId>) {
    let now = parts.machine.clock.now();
    let (inbox, inputs) = mpsc::channel(INBOX);
    let (notices, decided) = mpsc::channel(QUEUE);
    let (deploys, others) = mpsc::channel(QUEUE);
    let mut state = State::default();
    match parts.records.load_cache().await {
        Ok(cached) => {
            state.from_cache = !cached.items.is_empty();
            load_cache(&mut state.model, cached.items, &cached.scopes, now);
        }
        Err(error) => tracing::warn!(%error.message, "the cache could not be read"),
    }
    set_line_rules(&mut state.model, parts.settings.lines.clone(), now);
    if let Ok(Some(text)) = parts.records.kept(QUIET).await
        && let Ok(quiet) = serde_json::from_str::<QuietFor>(&text)
    {
        state.quiet = quiet;
    }
    let id = format!("{:016x}", ((parts.machine.chance)() * 2_f64.powi(52)) as u64);
    let shared = Arc::new(Shared {
        state: Mutex::new(state),
        inbox,
        waiting: Arc::default(),
        deploys,
        slots: Slots::default(),
        notices,
        changed: watch::Sender::new(0),
        attended: watch::Sender::new(true),
        settings: ArcSwap::from_pointee(parts.settings),
        kinds: parts.kinds,
        records: parts.records,
        teller: parts.teller,
        desk: parts.desk,
        machine: parts.machine,
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
        id,
        next_session: AtomicU64::new(1),
    });
    let stop = shared.stop.clone();
    shared
        .tasks
        .spawn(keep::keep(shared.waiting.clone(), shared.records.clone(), stop.clone()));
    shared.tasks.spawn(tell::tell(shared.clone(), decided, stop));
    let changes = run::apply_settings(&shared, now);
    shared.waiting.take_in(&changes, Vec::new());
    shared.tasks.spawn(run::run(shared.clone(), inputs));
    (shared, others)
}

impl Shared {
    /// What is known. Never held over an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an input into the inbox.
    pub(crate) async fn put(&self, input: Input) -> Result<(), ApiError> {
        self.inbox.send(input).await.map_err(|_| core_gone())
    }

    /// Returns when everything put before was taken in.
    pub(crate) async fn settled(&self) -> Result<(), ApiError> {
        let (sender, receiver) = oneshot::channel();
        self.put(Input::Settled(sender)).await?;
        receiver.await.map_err(|_| core_gone())
    }

    /// Keeps what is muted and focus over a restart.
    pub(crate) fn keep_quiet(self: &Arc<Self>) {
        let text = serde_json::to_string(&self.state().quiet).ok();
        let shared = self.clone();
        self.tasks.spawn(async move {
            if let Err(error) = shared.records.keep(QUIET, text).await {
                tracing::warn!(%error.message, "what is muted could not be kept");
            }
        });
    }

    /// The number of a new session.
    pub(crate) fn next_session(&self) -> u64 {
        self.next_session.fetch_add(1, Ordering::Relaxed)
    }

    /// The clock.
    pub(crate) fn clock(&self) -> &Clock {
        &self.machine.clock
    }

    /// The source of a connection and what to call it with.
    pub(crate) fn source(&self, name: &ConnectionName) -> Result<(Arc<dyn Source>, Cx), ApiError> {
        let state = self.state();
        let connection = state
            .connections
            .get(name)
            .ok_or_else(|| ApiError::new(ErrorCode::NoSuchConnection, format!("there is no connection {name}")))?;
        let source = connection.usable()?.clone();
        let mut cx = connection.cx.clone();
        cx.stop = connection.stop.child_token();
        Ok((source, cx))
    }

    /// The source of an item.
    pub(crate) fn source_of(&self, id: &ItemId) -> Result<(Arc<dyn Source>, Cx), ApiError> {
        let name = id
            .connection()
            .ok_or_else(|| ApiError::new(ErrorCode::NoSuchItem, format!("{id} is not the id of an item")))?;
        self.source(&name)
    }
}

/// The core has ended.
pub(crate) fn core_gone() -> ApiError {
    ApiError::new(ErrorCode::CoreGone, "the core has ended")
}
