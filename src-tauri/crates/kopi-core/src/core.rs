//! The core as a thing to hold: started once, shared by every session, stopped on purpose.

use std::sync::Arc;
use std::time::Duration;

use kopi_feed::SourceKind;
use kopi_model::wire::{ApiError, Frame, Snapshot};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::actions;
use crate::api::{Face, Frames, Session};
use crate::engine::{self, CoreParts, CoreSettings, Input, Machine, NoDesk, NoRecords, Shared, Silent, core_gone};

/// How long what runs may take to end.
const GOODBYE: Duration = Duration::from_secs(3);

/// The one core.
pub struct Core;

/// A started core. Cheap to clone; the core ends with [`CoreHandle::stop`], not with the last handle.
#[derive(Clone)]
pub struct CoreHandle(pub(crate) Arc<Shared>);

impl Core {
    /// Starts it: the picture of the cache is there at once, then every source is watched and what was under way when
    /// Kopi ended is picked up.
    pub async fn start(parts: CoreParts) -> CoreHandle {
        let (shared, others) = engine::start(parts).await;
        shared.tasks.spawn(actions::watch_others(shared.clone(), others));
        shared.tasks.spawn(actions::resume(shared.clone()));
        CoreHandle(shared)
    }
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
        let id = self.0.next_session();
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

/// Lists every server once and stops, for a command that finds no core running. What could not be read within `longest`
/// is missing; its connection says why.
pub async fn read_once(
    settings: CoreSettings,
    kinds: Vec<SourceKind>,
    machine: Machine,
    longest: Duration,
) -> Snapshot {
    let core = Core::start(CoreParts {
        settings,
        kinds,
        records: Arc::new(NoRecords),
        teller: Arc::new(Silent),
        desk: Arc::new(NoDesk),
        machine,
    })
    .await;
    core.settled(longest).await;
    let picture = core.picture();
    core.stop("read_once").await;
    picture
}
