//! Cattle's state in its own terms: rows, counters, what changed. No rule lives here (`engine.rs`, `verbs.rs`), no JSON
//! of the wire (`render.rs`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Lines of a container's log that are kept.
const LOG_LINES: usize = 2_000;
/// Removed rows that are kept for reading by id.
const REMOVED_KEPT: usize = 3_000;
/// Service log rows that are kept (the real server keeps a day).
const SERVICE_LOGS_KEPT: usize = 20_000;

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
    labels.and_then(|labels| labels.get("io.rancher.scheduler.global")).and_then(Value::as_str) == Some("true")
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

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) pace: Pace,
    pub(super) access_control: bool,
    pub(super) version: String,
    pub(super) keys: Vec<Key>,
    pub(super) projects: BTreeMap<u32, Project>,
    pub(super) stacks: BTreeMap<u32, Stack>,
    pub(super) services: BTreeMap<u32, Service>,
    pub(super) containers: BTreeMap<u32, Container>,
    pub(super) hosts: BTreeMap<u32, Host>,
    pub(super) service_logs: BTreeMap<u32, ServiceLog>,
    pub(super) audit_logs: BTreeMap<u32, AuditLog>,
    /// By image without `docker:`.
    pub(super) faults: BTreeMap<String, Fault>,
    /// Containers by service, removed ones left out.
    pub(super) members: BTreeMap<u32, BTreeSet<u32>>,
    /// Services with something under way.
    pub(super) busy_services: BTreeSet<u32>,
    /// Containers with a `due`.
    pub(super) busy_containers: BTreeSet<u32>,
    /// Silence of hosts is looked at then.
    pub(super) silences: BTreeSet<Timestamp>,
    last: BTreeMap<Kind, u32>,
    chance: u64,
    /// Counts every change.
    pub(super) sequence: u64,
    changed: BTreeMap<u64, (Kind, u32)>,
    changed_at: BTreeMap<(Kind, u32), u64>,
    removed_rows: VecDeque<(Kind, u32)>,
}

impl World {
    pub(super) fn new(now: Timestamp, pace: Pace, seed: u64) -> Self {
        Self {
            now,
            pace,
            access_control: true,
            version: "v1.6.30".into(),
            keys: Vec::new(),
            projects: BTreeMap::new(),
            stacks: BTreeMap::new(),
            services: BTreeMap::new(),
            containers: BTreeMap::new(),
            hosts: BTreeMap::new(),
            service_logs: BTreeMap::new(),
            audit_logs: BTreeMap::new(),
            faults: BTreeMap::new(),
            members: BTreeMap::new(),
            busy_services: BTreeSet::new(),
            busy_containers: BTreeSet::new(),
            silences: BTreeSet::new(),
            last: BTreeMap::from([(Kind::Project, 4)]),
            chance: seed,
            sequence: 0,
            changed: BTreeMap::new(),
            changed_at: BTreeMap::new(),
            removed_rows: VecDeque::new(),
        }
    }

    /// The next free number of a kind.
    pub(super) fn next(&mut self, kind: Kind) -> u32 {
        let last = self.last.entry(kind).or_insert(0);
        *last += 1;
        *last
    }

    /// Numbers up to this one are taken.
    pub(super) fn reserve(&mut self, kind: Kind, number: u32) {
        let last = self.last.entry(kind).or_insert(0);
        *last = (*last).max(number);
    }

    /// Splitmix64: the same seed gives the same ids.
    pub(super) fn random(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn uuid(&mut self) -> String {
        let (high, low) = (self.random(), self.random());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }

    /// Notes a change for the live stream.
    pub(super) fn touch(&mut self, kind: Kind, number: u32) {
        self.sequence += 1;
        if let Some(before) = self.changed_at.insert((kind, number), self.sequence) {
            self.changed.remove(&before);
        }
        self.changed.insert(self.sequence, (kind, number));
    }

    /// A container changed: so did its service, its stack's health and its host's list.
    pub(super) fn touch_container(&mut self, number: u32) {
        self.touch(Kind::Container, number);
        let Some(container) = self.containers.get(&number) else { return };
        let (service, host) = (container.service, container.host);
        if let Some(host) = host {
            self.touch(Kind::Host, host);
        }
        if let Some(service) = service {
            self.touch_service(service);
        }
    }

    pub(super) fn touch_service(&mut self, number: u32) {
        self.touch(Kind::Service, number);
        if let Some(stack) = self.services.get(&number).map(|service| service.stack) {
            self.touch(Kind::Stack, stack);
        }
    }

    /// What changed after `seen`, oldest first.
    pub(super) fn changes_after(&self, seen: u64) -> Vec<(Kind, u32)> {
        self.changed.range(seen + 1..).map(|(_, row)| *row).collect()
    }

    /// A row was removed: it can be read by id for a while, then it is gone.
    pub(super) fn bury(&mut self, kind: Kind, number: u32) {
        self.removed_rows.push_back((kind, number));
        while self.removed_rows.len() > REMOVED_KEPT {
            let Some((kind, number)) = self.removed_rows.pop_front() else { return };
            match kind {
                Kind::Stack => drop(self.stacks.remove(&number)),
                Kind::Service => drop(self.services.remove(&number)),
                Kind::Container => drop(self.containers.remove(&number)),
                Kind::Host => drop(self.hosts.remove(&number)),
                _ => {}
            }
        }
    }

    /// Writes a service log row; the last one an operation leaves open is ended by [`World::end_log`].
    pub(super) fn log(&mut self, service: u32, event: &str, description: &str, container: Option<u32>) -> u32 {
        let Some((project, operation)) =
            self.services.get(&service).map(|service| (service.project, service.operation.clone()))
        else {
            return 0;
        };
        let transaction = match operation {
            Some((_, transaction)) => transaction,
            None => self.uuid(),
        };
        let id = self.next(Kind::ServiceLog);
        let error = event.ends_with("exception") || event.ends_with("delete");
        let row = ServiceLog {
            id,
            project,
            service,
            container,
            event: event.into(),
            description: description.into(),
            error,
            sub: true,
            transaction,
            created: self.now,
            ended: Some(self.now),
        };
        self.service_logs.insert(id, row);
        self.touch(Kind::ServiceLog, id);
        while self.service_logs.len() > SERVICE_LOGS_KEPT {
            self.service_logs.pop_first();
        }
        id
    }

    /// Begins an operation: its row stays open until [`World::end_log`].
    pub(super) fn begin_log(&mut self, service: u32, event: &str, description: &str) {
        self.end_log(service);
        let transaction = self.uuid();
        let Some(row) = self.services.get_mut(&service) else { return };
        row.operation = Some((0, transaction.clone()));
        let id = self.log(service, event, description, None);
        if let Some(log) = self.service_logs.get_mut(&id) {
            log.sub = false;
            log.ended = None;
        }
        if let Some(row) = self.services.get_mut(&service) {
            row.operation = Some((id, transaction));
        }
    }

    /// Ends the operation under way.
    pub(super) fn end_log(&mut self, service: u32) {
        let Some((id, _)) = self.services.get_mut(&service).and_then(|service| service.operation.take()) else {
            return;
        };
        let now = self.now;
        if let Some(log) = self.service_logs.get_mut(&id) {
            log.ended = Some(now);
            self.touch(Kind::ServiceLog, id);
        }
    }

    pub(super) fn due(&mut self, container: u32, after: Duration) {
        let at = later(self.now, after);
        if let Some(row) = self.containers.get_mut(&container) {
            row.due = Some(at);
            self.busy_containers.insert(container);
        }
    }

    pub(super) fn wake(&mut self, service: u32, at: Timestamp) {
        if let Some(row) = self.services.get_mut(&service) {
            row.wake = Some(row.wake.map_or(at, |before| before.min(at)));
            self.busy_services.insert(service);
        }
    }
}

/// `at` plus `after`; stays where it is at the end of time.
pub(super) fn later(at: Timestamp, after: Duration) -> Timestamp {
    at.checked_add(after).unwrap_or(at)
}
