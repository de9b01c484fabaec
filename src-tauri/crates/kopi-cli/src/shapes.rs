//! The JSON shapes of `cli.md`: a promise. Fields are added, never renamed; unknown is `null`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kopi_model::wire::{ConnectionHealth, ConnectionState, JournalEntry, ProbeReport, Snapshot};
use kopi_model::{Build, BuildStatus, Container, Host, Item, ItemId, LiveStatus, Service, Step};
use serde_json::{Value, json};

/// The outer object: version, time, connections, and one more field.
pub(crate) fn outer(now: Timestamp, connections: &[ConnectionHealth], field: &str, value: Value) -> Value {
    let connections: Vec<Value> = connections.iter().map(connection).collect();
    let mut outer = json!({ "version": 1, "at": now, "connections": connections });
    outer[field] = value;
    outer
}

/// `connections[]`.
pub(crate) fn connection(health: &ConnectionHealth) -> Value {
    let state = match health.state {
        ConnectionState::Live => "live",
        ConnectionState::Polling => "polling",
        // The promise knows no "starting": nothing has answered yet, and it is being tried.
        ConnectionState::Retrying | ConnectionState::Starting => "retrying",
        ConnectionState::SignedOut => "signed_out",
        ConnectionState::Off => "off",
        ConnectionState::Failed => "failed",
    };
    json!({
        "name": health.name,
        "kind": health.kind,
        "dialect": health.dialect,
        "server_version": health.server_version,
        "url": health.url,
        "state": state,
        "since": health.since,
        "retry_at": health.retry_at,
        "error": health.error.as_ref().map(|error| json!({ "code": error.code, "message": error.message })),
        "latency_ms": { "p50": health.latency_p50_ms, "p95": health.latency_p95_ms },
        "requests_per_minute": health.requests_per_minute,
    })
}

/// `builds[]`.
pub(crate) fn build(build: &Build) -> Value {
    json!({
        "id": build.id,
        "connection": build.connection,
        "repo": build.repo,
        "number": build.number,
        "status": build.status,
        "server_status": build.server_status,
        "event": text(&build.event),
        "branch": text(&build.branch),
        "ref": text(&build.git_ref),
        "sha": text(&build.sha),
        "author": text(&build.author),
        "message": text(&build.message),
        "started_at": build.started_at,
        "finished_at": build.finished_at,
        "environment": build.environment,
        "url": build.url,
        "steps": build.steps_known.then(|| build.steps.iter().map(step).collect::<Vec<_>>()),
    })
}

fn step(step: &Step) -> Value {
    json!({
        "name": step.name,
        "status": step.status,
        "server_status": step.server_status,
        "exit_code": step.exit_code,
        "started_at": step.started_at,
        "finished_at": step.finished_at,
    })
}

/// Empty is how some servers say "unknown".
fn text(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Items of a snapshot by kind, for look-ups.
pub(crate) struct World<'a> {
    items: BTreeMap<&'a ItemId, &'a Item>,
}

impl<'a> World<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            items: snapshot.items.iter().map(|item| (item.id(), &**item)).collect(),
        }
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = &'a Item> {
        self.items.values().copied()
    }

    pub(crate) fn builds(&self) -> impl Iterator<Item = &'a Build> {
        self.items().filter_map(|item| match item {
            Item::Build(build) => Some(build),
            _ => None,
        })
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &'a Service> {
        self.items().filter_map(|item| match item {
            Item::Service(service) => Some(service),
            _ => None,
        })
    }

    pub(crate) fn hosts(&self) -> impl Iterator<Item = &'a Host> {
        self.items().filter_map(|item| match item {
            Item::Host(host) => Some(host),
            _ => None,
        })
    }

    pub(crate) fn containers_of(&self, service: &ItemId) -> Vec<&'a Container> {
        self.items()
            .filter_map(|item| match item {
                Item::Container(container) if container.services.contains(service) => Some(container),
                _ => None,
            })
            .collect()
    }

    /// Name of an environment or host; none when it is not known.
    pub(crate) fn name_of(&self, id: &ItemId) -> Option<&'a str> {
        match self.items.get(id)? {
            Item::Environment(environment) => Some(&environment.name),
            Item::Host(host) => Some(&host.name),
            Item::Stack(stack) => Some(&stack.name),
            _ => None,
        }
    }

    /// `services[]`.
    pub(crate) fn service(&self, service: &Service, containers: &[&Container]) -> Value {
        json!({
            "id": service.id,
            "connection": service.connection,
            "environment": self.name_of(&service.environment),
            "stack": service.stack_name,
            "name": service.name,
            "status": service.status,
            "server_state": service.server_state,
            "health": service.health,
            "image": text(&service.image),
            "scale": service.scale,
            "started_at": containers.iter().filter_map(|container| container.started_at).max(),
            "url": service.url,
            "labels": service.labels,
            "containers": containers.iter().map(|container| self.container(container)).collect::<Vec<_>>(),
            "version": service.version,
            "previous": service.previous,
            "phase": service.phase,
        })
    }

    fn container(&self, container: &Container) -> Value {
        json!({
            "id": container.id,
            "name": container.name,
            "status": container.status,
            "server_state": container.server_state,
            "health": container.health,
            "address": container.address,
            "host": container.host.as_ref().and_then(|host| self.name_of(host)),
            "image": text(&container.image),
        })
    }

    /// `hosts[]`.
    pub(crate) fn host(&self, host: &Host) -> Value {
        json!({
            "id": host.id,
            "connection": host.connection,
            "environment": self.name_of(&host.environment),
            "name": host.name,
            "status": host.status,
            "server_state": host.server_state,
            "address": host.address,
        })
    }
}

/// `entries[]` of the journal.
pub(crate) fn journal(entry: &JournalEntry) -> Value {
    json!({
        "id": entry.id,
        "at": entry.at,
        "who": entry.who,
        "via": entry.via,
        "verb": entry.verb,
        "target": entry.target,
        "target_name": entry.target_name,
        "plan": entry.plan,
        "result": entry.result,
        "detail": entry.detail,
        "undone_by": entry.undone_by,
        "ended_at": entry.ended_at,
    })
}

/// The answer of `probe`.
pub(crate) fn probe(name: Option<&str>, report: &ProbeReport) -> Value {
    json!({
        "version": 1,
        "name": name,
        "ok": report.ok,
        "kind": report.kind,
        "dialect": report.dialect,
        "server_version": report.server_version,
        "user": report.user,
        "may": report.may,
        "choices": report.choices.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect::<Vec<_>>(),
        "took_ms": report.took_ms,
        "error": report.error,
    })
}

/// Is this worth a person's look, for `status`: wrong, moving, neither, or cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Wrong,
    Moving,
    Fine,
    Unknown,
}

/// Standing of a build that is the newest of its branch.
pub(crate) fn standing_of_build(status: BuildStatus) -> Standing {
    match status {
        BuildStatus::Failed | BuildStatus::Errored | BuildStatus::Blocked => Standing::Wrong,
        BuildStatus::Waiting | BuildStatus::Running => Standing::Moving,
        BuildStatus::Unknown => Standing::Unknown,
        _ => Standing::Fine,
    }
}

/// Standing of a living thing.
pub(crate) fn standing_of_live(status: LiveStatus) -> Standing {
    match status {
        LiveStatus::Failed | LiveStatus::Degraded => Standing::Wrong,
        LiveStatus::Working => Standing::Moving,
        LiveStatus::Ok | LiveStatus::Stopped => Standing::Fine,
        LiveStatus::Unknown => Standing::Unknown,
    }
}
