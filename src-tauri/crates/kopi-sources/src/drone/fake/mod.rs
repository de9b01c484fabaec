//! A Drone 0.8.10 that answers as the real one does (`apis/drone.md § 4`), for the demo office, for tests and for
//! anybody's client. Ordinary code.
//!
//! [`FakeDrone`] is the server's state and the office's handle on it; [`FakeDrone::router`] is its HTTP side. The office
//! plays hooks and agents:
//!
//! ```text
//! let drone = FakeDrone::new(now);                       // now: Fn() -> Timestamp, the office's clock
//! drone.add_user(FakeUser { login, token, everywhere: Some(Right::Admin), admin: true, .. });
//! drone.add_repo(FakeRepo::new("ihealth/web", "https://github.com"));
//! let number = drone.push_build("ihealth/web", NewBuild::push("develop", sha, "linhao", "fix: x", ["clone", "build"]))?;
//! drone.set_agents(1);                                    // idle slots, for the queue
//! drone.start_proc("ihealth/web", number, 1, "agent-1");  // an agent picks the (only) axis up
//! drone.start_proc("ihealth/web", number, 2, "agent-1");  // its first step begins (pids: axes first, then steps)
//! drone.append_log("ihealth/web", number, 2, "+ git init\n");
//! drone.end_proc("ihealth/web", number, 2, 0);            // a step ends, with its exit code; its log is uploaded
//! drone.end_proc("ihealth/web", number, 1, 0);            // the axis ends; with the last one the build
//! let mut actions = drone.actions();                      // what clients did: the office lets the world react
//! ```
//!
//! Nobody drives it: builds stay where they are, as on a server without agents, and every answer is still true. A
//! cancelled axis is `killed` at once and becomes `failure` when the office (the agent) answers with `end_proc`.
//!
//! Refuses: deciding when anything happens.

mod drive;
mod guard;
mod orders;
mod rest;
mod state;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{broadcast, watch};

pub use drive::NewBuild;
pub use state::{FakeAxis, FakeBuild, FakeLine, FakeProc, FakeRepo, FakeUser, Right};

use state::World;

/// What a client did, after the server's own answer to it: the office lets the world react.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAction {
    /// Login.
    pub by: String,
    /// `owner/name`.
    pub repo: String,
    /// What.
    pub did: Did,
}

/// See [`ClientAction`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    /// A new pending build was made from an older one, as a restart or (with an environment) as a deployment.
    Restart {
        /// The new one.
        number: u64,
        /// The older one.
        parent: u64,
        /// `deploy_to` of the new one.
        environment: Option<String>,
    },
    /// A running axis was told to stop: it is `killed`, the build still `running` until the agent answers ([`FakeDrone::end_proc`]).
    Cancel {
        /// Build.
        number: u64,
        /// The axis.
        pid: u64,
    },
    /// A running build was ended without its agent.
    Kill {
        /// Build.
        number: u64,
    },
    /// A blocked build is now pending.
    Approve {
        /// Build.
        number: u64,
    },
    /// A blocked build was declined.
    Decline {
        /// Build.
        number: u64,
    },
    /// The repository is built from now on.
    Enable,
    /// The repository is no longer built.
    Disable,
    /// The repository's settings were changed.
    Settings,
    /// Stored logs of a build were removed.
    PurgeLogs {
        /// Build.
        number: u64,
    },
}

/// How the streams misbehave, as real networks and the real server's goroutines do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamKnobs {
    /// Silence between two pings; the real server's is 30 s.
    pub ping_every: Duration,
    /// Every so many frames one is lost; 0: none.
    pub drop_every: u32,
    /// Every so many frames one comes twice; 0: none.
    pub double_every: u32,
    /// Every so many frames or log lines two are swapped; 0: none.
    pub swap_every: u32,
}

impl Default for StreamKnobs {
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(30),
            drop_every: 0,
            double_every: 0,
            swap_every: 0,
        }
    }
}

/// One event on its way to the open streams.
#[derive(Clone, Debug)]
struct EventFrame {
    repo: String,
    public: bool,
    json: Arc<str>,
}

struct Shared {
    world: Mutex<World>,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    events: broadcast::Sender<EventFrame>,
    actions: broadcast::Sender<ClientAction>,
    /// Counts up with every log line and every end of an axis: log streams look again.
    log_changes: watch::Sender<u64>,
    /// Counts up when all streams are cut.
    cuts: watch::Sender<u64>,
    knobs: Mutex<StreamKnobs>,
}

/// The fake server. Cheap to clone; all clones are one server.
#[derive(Clone)]
pub struct FakeDrone(Arc<Shared>);

impl std::fmt::Debug for FakeDrone {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("FakeDrone")
    }
}

impl FakeDrone {
    /// An empty server. `now` is the clock of everything it writes down.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let world = World {
            // What v0.8.10 says of itself.
            version: "0.8.9".into(),
            ..World::default()
        };
        Self(Arc::new(Shared {
            world: Mutex::new(world),
            now: Box::new(now),
            events: broadcast::Sender::new(4096),
            actions: broadcast::Sender::new(1024),
            log_changes: watch::Sender::new(0),
            cuts: watch::Sender::new(0),
            knobs: Mutex::new(StreamKnobs::default()),
        }))
    }

    /// What clients do from now on. A taker that is 1,024 actions behind loses the oldest.
    pub fn actions(&self) -> broadcast::Receiver<ClientAction> {
        self.0.actions.subscribe()
    }

    /// Its HTTP side, with every endpoint of `apis/drone.md § 4.1`; an unknown path is the web page, with status 200.
    pub fn router(&self) -> axum::Router {
        rest::router(self.clone())
    }

    /// How the streams misbehave, from the next frame on.
    pub fn set_knobs(&self, knobs: StreamKnobs) {
        *self.0.knobs.lock().unwrap_or_else(PoisonError::into_inner) = knobs;
    }

    /// Ends every open stream, as a proxy does.
    pub fn cut_streams(&self) {
        self.0.cuts.send_modify(|count| *count += 1);
    }

    fn knobs(&self) -> StreamKnobs {
        *self.0.knobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        (self.0.now)()
    }

    fn seconds(&self) -> i64 {
        self.now().as_second()
    }

    fn tell(&self, by: &str, repo: &str, did: Did) {
        // Nobody listens: then nobody reacts, which is fine.
        let _ = self.0.actions.send(ClientAction {
            by: by.into(),
            repo: repo.into(),
            did,
        });
    }
}
