//! Cattle's rows in its own terms: projects, stacks, services, containers, hosts, logs, keys. No rule lives here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Lines of a container's log that are kept.
const LOG_LINES: usize = 2_000;

/// How long things take. Every duration is in the world's time (what `tick` is given), except the last two.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// A container is made.
    pub create: Duration,
    /// An image is pulled that the host does not have, or must look for again.
    pub pull: Duration,
    /// A container starts.
    pub start: Duration,
    /// A started container passes its first health checks.
    pub healthy: Duration,
    /// A container stops.
    pub stop: Duration,
    /// A container is removed.
    pub remove: Duration,
    /// Between two tries of a failing upgrade (a real server: 11–15 s).
    pub retry: Duration,
    /// A silent host is called `reconnecting` (a real server: 55 s).
    pub reconnecting: Duration,
    /// A silent host is called `disconnected` (a real server: 265 s).
    pub disconnected: Duration,
    /// A service moves on after its containers are where it wants them.
    pub settle: Duration,
    /// Changes are collected that long before they are pushed; in real time.
    pub coalesce: Duration,
    /// Between pings of the live stream; in real time.
    pub ping: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            create: Duration::from_millis(300),
            pull: Duration::from_secs(5),
            start: Duration::from_secs(1),
            healthy: Duration::from_secs(6),
            stop: Duration::from_secs(1),
            remove: Duration::from_millis(300),
            retry: Duration::from_secs(12),
            reconnecting: Duration::from_secs(55),
            disconnected: Duration::from_secs(265),
            settle: Duration::from_millis(300),
            coalesce: Duration::from_secs(1),
            ping: Duration::from_secs(5),
        }
    }
}

/// What is wrong with an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not exist: hosts try to pull it for ever.
    CannotPull,
    /// It does not start, and says this.
    WontStart(String),
    /// It starts and never passes its health check.
    NeverHealthy,
    /// It stops again that long after each start.
    Crashes(Duration),
}

/// What a key's owner may do (`apis/rancher.md § 1.2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but memberships.
    Member,
    /// Looks only.
    Readonly,
}

/// Whose key it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Holder {
    /// An environment's own.
    Environment(u32),
    /// A person: role by environment.
    Account {
        /// The server's id, `1a10`.
        id: u32,
        /// Full name.
        name: String,
        /// Sees every environment.
        admin: bool,
        /// Memberships.
        roles: BTreeMap<u32, Role>,
    },
}

/// An access key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) access: String,
    pub(super) secret: String,
    pub(super) holder: Holder,
    pub(super) active: bool,
}

/// Kinds of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Project,
    Stack,
    Service,
    Container,
    Host,
    ServiceLog,
    AuditLog,
}

impl Kind {
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Project => "1a",
            Self::Stack => "1st",
            Self::Service => "1s",
            Self::Container => "1i",
            Self::Host => "1h",
            Self::ServiceLog => "1sl",
            Self::AuditLog => "1al",
        }
    }

    /// The server's id, `1s23`.
    pub(super) fn id(self, number: u32) -> String {
        format!("{}{number}", self.prefix())
    }
}

/// The number of an id; its prefix is not checked, as on the real server (`§ 1.1`).
pub(super) fn number_of(id: &str) -> Option<u32> {
    let rest = id.strip_prefix('1')?;
    let digits = rest.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    (digits.len() < rest.len()).then(|| digits.parse().ok()).flatten()
}

/// `transitioning` and its message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Transition {
    #[default]
    No,
    Yes(String),
    Error(String),
}

impl Transition {
    pub(super) fn busy() -> Self {
        Self::Yes("In Progress".into())
    }
}

#[derive(Clone, Debug)]
pub(super) struct Project {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) orchestration: String,
    pub(super) created: Timestamp,
    pub(super) uuid: String,
}

#[derive(Clone, Debug)]
pub(super) struct Stack {
    pub(super) id: u32,
    pub(super) project: u32,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) group: Option<String>,
    pub(super) system: bool,
    pub(super) state: &'static str,
    pub(super) created: Timestamp,
    pub(super) uuid: String,
    pub(super) removed: Option<Timestamp>,
}

/// What the server is doing to a service.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Process {
    Register,
    Activate,
    Deactivate,
    Update,
    Upgrade,
    Finish,
    Rollback,
    Cancel,
    Restart {
        batch: usize,
        interval: Duration,
        left: Vec<u32>,
        under_way: Vec<u32>,
    },
    Remove,
}

#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) id: u32,
    pub(super) project: u32,
    pub(super) stack: u32,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) description: Option<String>,
    pub(super) state: &'static str,
    pub(super) transition: Transition,
    pub(super) scale: u32,
    pub(super) current_scale: u32,
    pub(super) launch: Map<String, Value>,
    pub(super) secondaries: Vec<Value>,
    pub(super) upgrade: Value,
    pub(super) retain_ip: bool,
    pub(super) system: bool,
    pub(super) start_on_create: bool,
    /// Members that only this kind of service has, as they go out.
    pub(super) extra: Map<String, Value>,
    pub(super) create_index: u32,
    pub(super) created: Timestamp,
    pub(super) uuid: String,
    pub(super) removed: Option<Timestamp>,
    pub(super) process: Option<Process>,
    /// Looked at again then.
    pub(super) wake: Option<Timestamp>,
    /// Batches begun in this upgrade or roll back.
    pub(super) batches: u32,
    /// The pause after a batch ends then.
    pub(super) pause_until: Option<Timestamp>,
    /// A failed run is tried again then.
    pub(super) retry_at: Option<Timestamp>,
    /// The log row of the operation under way, and its transaction.
    pub(super) operation: Option<(u32, String)>,
}

impl Service {
    pub(super) fn has_containers(&self) -> bool {
        let own_image = self.launch.get("imageUuid").and_then(Value::as_str);
        matches!(self.kind.as_str(), "service" | "loadBalancerService")
            && own_image.is_some_and(|image| !image.starts_with("docker:rancher/none"))
    }

    pub(super) fn is_global(&self) -> bool {
        is_global(&self.launch)
    }

    /// `(configuration's name, its JSON)`: the primary has an empty name.
    pub(super) fn configurations(&self) -> Vec<(String, &Map<String, Value>)> {
        let mut all = vec![(String::new(), &self.launch)];
        all.extend(self.secondaries.iter().filter_map(|config| {
            let config = config.as_object()?;
            Some((config.get("name")?.as_str()?.to_owned(), config))
        }));
        all
    }

    pub(super) fn version_of(&self, configuration: &str) -> Option<String> {
        let mut all = self.configurations().into_iter();
        let (_, config) = all.find(|(name, _)| name == configuration)?;
        Some(text(config, "version"))
    }
}

pub(super) fn is_global(launch: &Map<String, Value>) -> bool {
    let labels = launch.get("labels").and_then(Value::as_object);
    labels
        .and_then(|labels| labels.get("io.rancher.scheduler.global"))
        .and_then(Value::as_str)
        == Some("true")
}

pub(super) fn text(map: &Map<String, Value>, member: &str) -> String {
    map.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Where a container is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Requested,
    Creating,
    Pulling,
    Starting,
    Running,
    Restarting,
    Stopping,
    Stopped,
    Erroring,
    Error,
    Removing,
    Removed,
}

impl Step {
    pub(super) fn state(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Creating => "creating",
            Self::Pulling | Self::Starting => "starting",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Erroring => "erroring",
            Self::Error => "error",
            Self::Removing => "removing",
            Self::Removed => "removed",
        }
    }
}

/// What happens once a container has stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum AfterStop {
    #[default]
    Stay,
    Start,
    Remove,
}

#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) id: u32,
    pub(super) project: u32,
    pub(super) name: String,
    pub(super) service: Option<u32>,
    pub(super) also: Vec<u32>,
    pub(super) host: Option<u32>,
    pub(super) wanted_host: Option<u32>,
    pub(super) step: Step,
    pub(super) health: Option<&'static str>,
    pub(super) transition: Transition,
    pub(super) progress: Option<u8>,
    pub(super) configuration: String,
    pub(super) launch: Map<String, Value>,
    pub(super) unit: String,
    pub(super) index: u32,
    /// Replaced by an upgrade: no longer counted, kept for a roll back.
    pub(super) marked: bool,
    pub(super) address: Option<String>,
    pub(super) docker_id: String,
    pub(super) created: Timestamp,
    pub(super) first_running: Option<Timestamp>,
    pub(super) start_count: u32,
    pub(super) uuid: String,
    pub(super) removed: Option<Timestamp>,
    pub(super) due: Option<Timestamp>,
    pub(super) after_stop: AfterStop,
    pub(super) log: VecDeque<String>,
    pub(super) log_first: u64,
}

impl Container {
    pub(super) fn version(&self) -> String {
        text(&self.launch, "version")
    }

    pub(super) fn image(&self) -> String {
        text(&self.launch, "imageUuid")
    }

    pub(super) fn has_check(&self) -> bool {
        self.launch.get("healthCheck").is_some_and(Value::is_object)
    }

    /// Counts for its service (`§ 4.1`).
    pub(super) fn is_good(&self) -> bool {
        self.step == Step::Running && matches!(self.health, None | Some("healthy" | "updating-healthy"))
    }

    pub(super) fn write_log(&mut self, line: String) {
        self.log.push_back(line);
        if self.log.len() > LOG_LINES {
            self.log.pop_front();
            self.log_first += 1;
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) id: u32,
    pub(super) project: u32,
    pub(super) name: String,
    pub(super) address: String,
    pub(super) labels: Map<String, Value>,
    pub(super) state: &'static str,
    pub(super) agent_state: Option<&'static str>,
    pub(super) silent_since: Option<Timestamp>,
    pub(super) images: BTreeSet<String>,
    pub(super) cores: u32,
    pub(super) memory_mb: u32,
    pub(super) cpu_percent: f64,
    pub(super) memory_percent: f64,
    pub(super) disk_percent: f64,
    pub(super) created: Timestamp,
    pub(super) uuid: String,
    pub(super) removed: Option<Timestamp>,
    pub(super) simulated: bool,
}

#[derive(Clone, Debug)]
pub(super) struct ServiceLog {
    pub(super) id: u32,
    pub(super) project: u32,
    pub(super) service: u32,
    pub(super) container: Option<u32>,
    pub(super) event: String,
    pub(super) description: String,
    pub(super) error: bool,
    pub(super) sub: bool,
    pub(super) transaction: String,
    pub(super) created: Timestamp,
    pub(super) ended: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(super) struct AuditLog {
    pub(super) id: u32,
    pub(super) project: u32,
    pub(super) event: String,
    pub(super) resource_type: String,
    pub(super) resource_id: String,
    pub(super) by: String,
    pub(super) status: u16,
    pub(super) request: Option<String>,
    pub(super) response: Option<String>,
    pub(super) created: Timestamp,
}

/// `at` plus `after`; stays where it is at the end of time.
pub(super) fn later(at: Timestamp, after: Duration) -> Timestamp {
    at.checked_add(after).unwrap_or(at)
}
