//! Cattle's state: rows, counters, what changed. No rule lives here (`engine.rs`, `verbs.rs`), no JSON of the wire
//! (`render.rs`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

pub(super) use super::rows::{
    AfterStop, AuditLog, Container, Host, Key, Kind, Process, Project, Service, ServiceLog, Stack, Step, Transition,
    is_global, later, number_of, text,
};
pub use super::rows::{Fault, Holder, Pace, Role};

/// Removed rows that are kept for reading by id.
const REMOVED_KEPT: usize = 3_000;
/// Service log rows that are kept (the real server keeps a day).
const SERVICE_LOGS_KEPT: usize = 20_000;

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
    /// Silent hosts and new stacks are looked at then.
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
    #[cfg(test)]
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
        let Some(container) = self.containers.get(&number) else {
            return;
        };
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
            let Some((kind, number)) = self.removed_rows.pop_front() else {
                return;
            };
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
        let Some((project, operation)) = self
            .services
            .get(&service)
            .map(|service| (service.project, service.operation.clone()))
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
        let Some(row) = self.services.get_mut(&service) else {
            return;
        };
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
        let Some((id, _)) = self
            .services
            .get_mut(&service)
            .and_then(|service| service.operation.take())
        else {
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
