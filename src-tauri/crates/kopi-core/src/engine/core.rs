//! The core as a thing to hold: started once, shared by every session, stopped on purpose.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use kopi_feed::{Clock, Cx, Source, SourceKind};
use kopi_model::wire::{ApiError, ErrorCode, Frame, Snapshot};
use kopi_model::{ConnectionName, ItemId, load_cache, set_line_rules};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::input::{INBOX, Input};
use super::keep::Waiting;
use super::machine::Machine;
use super::records::Records;
use super::settings::CoreSettings;
use super::state::{QuietFor, State};
use super::surroundings::{Desk, Teller};
use super::tell::{Decided, QUEUE};
use super::{keep, run, tell};
use crate::actions::{self, Slots};
use crate::api::{Face, Frames, Session};

/// How long what runs may take to end.
const GOODBYE: Duration = Duration::from_secs(3);

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

/// The one core.
pub struct Core;

/// A started core. Cheap to clone; the core ends with [`CoreHandle::stop`], not with the last handle.
#[derive(Clone)]
pub struct CoreHandle(pub(crate) Arc<Shared>);

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

impl Core {
    /// Loads the cache, so that the first picture is there at once, then starts every source.
    pub async fn start(parts: CoreParts) -> CoreHandle {
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
        run::apply_settings(&shared, now);
        shared.tasks.spawn(run::run(shared.clone(), inputs));
        shared.tasks.spawn(actions::watch_others(shared.clone(), others));
        shared.tasks.spawn(actions::resume(shared.clone()));
        CoreHandle(shared)
    }
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

impl CoreHandle {
    /// The configuration is another: what is the same goes on undisturbed.
    ///
    /// # Errors
    /// When the core has ended.
    pub async fn settings_changed(&self, settings: CoreSettings) -> Result<(), ApiError> {
        let (sender, receiver) = oneshot::channel();
        self.0.put(Input::Settings(Box::new(settings), sender)).await?;
        receiver.await.map_err(|_| core_gone())
    }

    /// The configuration that runs.
    pub fn settings(&self) -> Arc<CoreSettings> {
        self.0.settings.load_full()
    }

    /// A face comes: what it says goes in by the session, what it is told comes out by the frames.
    pub fn session(&self, face: Face) -> (Session, Frames) {
        let id = self.0.next_session.fetch_add(1, Ordering::Relaxed);
        Session::open(self.0.clone(), id, face)
    }

    /// The whole picture, for a face in the same process (the tray).
    pub fn picture(&self) -> Snapshot {
        self.0.state().snapshot()
    }

    /// Returns when every connection was read or cannot be read now, at the latest after `longest`.
    pub async fn settled(&self, longest: Duration) {
        let mut changed = self.0.changed.subscribe();
        let all = async {
            while !self.0.state().is_settled() {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = all => {}
            () = self.0.stop.cancelled() => {}
            () = tokio::time::sleep(longest) => {}
        }
    }

    /// Changes whenever anything a face sees did.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Fires when the core ends, on purpose or not.
    pub fn ended(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    /// Says goodbye to the faces, stops every source, writes what waits.
    pub async fn stop(&self, why: &str) {
        self.0.state().tell_faces(&Frame::Bye { why: why.to_owned() }, |_| true);
        self.0.stop.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(GOODBYE, self.0.tasks.wait()).await.is_err() {
            tracing::warn!("something did not end in time");
        }
        self.0.records.close().await;
    }
}
