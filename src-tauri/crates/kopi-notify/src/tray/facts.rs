//! Gathers from a picture what the tray tells.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use kopi_model::decide::usual_s;
use kopi_model::item::LineGroup;
use kopi_model::wire::{ConnectionHealth, ConnectionState, Task, TaskState};
use kopi_model::{Build, BuildStatus, ConnectionName, Item, ItemId, Line, Service};

use super::TraySight;

/// For how long after its last good answer a connection that retries still counts as answering: the icon must not flicker.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

/// A line with its build.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) line: &'a Line,
    pub(super) build: &'a Build,
    pub(super) service: Option<&'a Service>,
}

impl Told<'_> {
    /// When it came to be as it is, as far as is known.
    pub(super) fn since(&self) -> Option<Timestamp> {
        let build = self.build;
        match build.status {
            BuildStatus::Running => build.started_at.or(build.created_at),
            BuildStatus::Waiting | BuildStatus::Blocked => build.created_at,
            _ => build.finished_at.or(build.started_at).or(build.created_at),
        }
    }
}

/// What there is to tell.
#[derive(Default)]
pub(super) struct Facts<'a> {
    /// Lines that wait for a person.
    pub(super) asking: Vec<Told<'a>>,
    /// Broken lines, newest first.
    pub(super) broken: Vec<Told<'a>>,
    /// Lines that move, newest first, with seconds left where known.
    pub(super) moving: Vec<(Told<'a>, Option<i64>)>,
    /// Lines whose last build passed, newest first.
    pub(super) passed: Vec<Told<'a>>,
    /// Orders under way.
    pub(super) tasks_moving: Vec<&'a Task>,
    /// Orders that failed and were not dismissed.
    pub(super) tasks_failed: Vec<&'a Task>,
    /// Connections that do not answer.
    pub(super) silent: Vec<&'a ConnectionHealth>,
    pub(super) mine_broken: bool,
    pub(super) mine_moves: bool,
    pub(super) focus: bool,
    pub(super) answers: bool,
    pub(super) watches: bool,
}

impl<'a> Facts<'a> {
    /// Something waits for the person at this desk.
    pub(super) fn needs_me(&self) -> bool {
        self.mine_broken || !self.asking.is_empty() || !self.tasks_failed.is_empty()
    }

    pub(super) fn gather(sight: &TraySight<'a>) -> Self {
        let snapshot = sight.snapshot;
        let mut facts = Self {
            focus: sight.focus_until.is_some_and(|until| sight.now < until),
            ..Self::default()
        };
        let mut lines = Vec::new();
        let mut builds: HashMap<&ItemId, &Build> = HashMap::new();
        let mut services: HashMap<&ItemId, &Service> = HashMap::new();
        let mut by_repo: HashMap<(&ConnectionName, &str), BTreeMap<u64, &Build>> = HashMap::new();
        for item in &snapshot.items {
            match item.as_ref() {
                Item::Line(line) => lines.push(line),
                Item::Build(build) => {
                    builds.insert(&build.id, build);
                    by_repo
                        .entry((&build.connection, &build.repo))
                        .or_default()
                        .insert(build.number, build);
                    facts.watches = true;
                }
                Item::Service(service) => {
                    services.insert(&service.id, service);
                    facts.watches = true;
                }
                _ => {}
            }
        }
        for line in lines {
            let Some(build) = line.build.as_ref().and_then(|id| builds.get(id)).copied() else {
                continue;
            };
            let told = Told {
                line,
                build,
                service: line.service.as_ref().and_then(|id| services.get(id)).copied(),
            };
            let mine = is_mine(build, sight.me);
            if line.asks {
                facts.asking.push(told);
            } else if line.group == LineGroup::Wrong {
                facts.mine_broken |= mine;
                facts.broken.push(told);
            } else if line.group == LineGroup::Moving {
                facts.mine_moves |= mine;
                let passed = by_repo.get(&(&build.connection, build.repo.as_str()));
                facts.moving.push((told, left_s(build, passed, sight.now)));
            } else if build.status == BuildStatus::Passed {
                facts.passed.push(told);
            }
        }
        for list in [&mut facts.asking, &mut facts.broken, &mut facts.passed] {
            list.sort_by_key(|told| (std::cmp::Reverse(told.since()), told.line.id.clone()));
            // One build can stand in several lines (one an environment): it is told once.
            list.dedup_by_key(|told| told.build.id.clone());
        }
        facts
            .moving
            .sort_by_key(|(told, left)| (left.unwrap_or(i64::MAX), told.line.id.clone()));
        facts.moving.dedup_by_key(|(told, _)| told.build.id.clone());
        facts.gather_tasks(&snapshot.tasks);
        facts.gather_connections(&snapshot.connections, sight.now);
        facts
    }

    fn gather_tasks(&mut self, tasks: &'a [Task]) {
        for task in tasks {
            match task.state {
                TaskState::Held { .. } | TaskState::Sending | TaskState::Watching | TaskState::Finishing => {
                    self.mine_moves |= task.by == "me";
                    self.tasks_moving.push(task);
                }
                TaskState::Failed | TaskState::Unknown => self.tasks_failed.push(task),
                TaskState::Done | TaskState::Refused | TaskState::Undone | TaskState::Superseded => {}
            }
        }
    }

    fn gather_connections(&mut self, connections: &'a [ConnectionHealth], now: Timestamp) {
        for connection in connections {
            let lately = connection
                .last_good_at
                .is_some_and(|at| now.duration_since(at) < PATIENCE);
            match connection.state {
                ConnectionState::Live | ConnectionState::Polling | ConnectionState::Starting => self.answers = true,
                ConnectionState::Retrying => {
                    self.answers |= lately;
                    self.silent.push(connection);
                }
                ConnectionState::SignedOut | ConnectionState::Failed => self.silent.push(connection),
                ConnectionState::Off => {}
            }
        }
    }
}

fn is_mine(build: &Build, me: &[String]) -> bool {
    let is_me = |login: &str| me.iter().any(|mine| mine.eq_ignore_ascii_case(login));
    me.is_empty() || is_me(&build.author) || build.sender.as_deref().is_some_and(is_me)
}

/// Seconds a running build has left, from what its repository's passed builds usually take; none when it is overdue.
fn left_s(build: &Build, of_repo: Option<&BTreeMap<u64, &Build>>, now: Timestamp) -> Option<i64> {
    if build.status != BuildStatus::Running {
        return None;
    }
    let newest_first: Vec<&Build> = of_repo?.values().rev().copied().collect();
    let left = usual_s(&newest_first)? - now.duration_since(build.started_at?).as_secs();
    (left > 0).then_some(left)
}
