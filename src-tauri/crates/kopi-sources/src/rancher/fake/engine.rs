//! What the server does by itself: brings every service to where its process wants it (`apis/rancher.md §§ 6.2–6.4`).
//!
//! An upgrade, a finish and a roll back are one loop over deployment units (a primary and its sidekicks): *right* units have
//! the versions that are set, *wrong* ones do not, *marked* ones are replaced: kept, not counted.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::world::{AfterStop, Fault, Kind, Process, Step, Transition, World, later};

/// A deployment unit.
#[derive(Clone, Debug)]
struct Unit {
    index: u32,
    marked: bool,
    containers: Vec<u32>,
    host: Option<u32>,
}

/// How far a service is from what its process wants.
#[derive(Debug, PartialEq)]
enum Converged {
    Waiting,
    Done,
    Failed(u32, String),
}

/// What a process asks of the loop.
#[derive(Clone, Copy)]
struct Wish {
    /// Wait for health, not only for running.
    healthy: bool,
    /// Replace units of other versions, batch by batch.
    replace: bool,
    /// New before old.
    start_first: bool,
    /// Stop marked units (their removal comes later).
    stop_marked: bool,
}

impl World {
    /// Lets the time pass to `now`, one event at a time.
    pub(super) fn tick(&mut self, now: Timestamp) {
        for _ in 0..100_000 {
            let next = self.next_event().filter(|next| *next <= now);
            self.now = next.unwrap_or(now).max(self.now);
            self.advance_hosts();
            self.step();
            if next.is_none() {
                return;
            }
        }
        self.now = self.now.max(now);
    }

    fn next_event(&self) -> Option<Timestamp> {
        let containers = self
            .busy_containers
            .iter()
            .filter_map(|id| self.containers.get(id)?.due);
        let services = self.busy_services.iter().filter_map(|id| self.services.get(id)?.wake);
        let silences = self.silences.first().copied();
        containers.chain(services).chain(silences).min()
    }

    fn step(&mut self) {
        let now = self.now;
        if self.silences.first().is_some_and(|at| *at <= now) {
            self.silences.retain(|at| *at > now);
            self.activate_stacks();
            self.turn_hosts();
        }
        let due: Vec<u32> = self.busy_containers.iter().copied().collect();
        let mut concerned = std::collections::BTreeSet::new();
        for id in due {
            let Some(container) = self.containers.get(&id) else {
                self.busy_containers.remove(&id);
                continue;
            };
            if container.due.is_none_or(|due| due > now) {
                continue;
            }
            concerned.extend(container.service);
            self.advance_container(id);
            if self.containers.get(&id).is_none_or(|container| container.due.is_none()) {
                self.busy_containers.remove(&id);
            }
        }
        let woken: Vec<u32> = self.busy_services.iter().copied().collect();
        for id in woken {
            match self.services.get_mut(&id) {
                Some(service) if service.wake.is_some_and(|wake| wake <= now) => {
                    service.wake = None;
                    concerned.insert(id);
                }
                Some(service) if service.wake.is_some() => {}
                _ => drop(self.busy_services.remove(&id)),
            }
        }
        for id in concerned {
            self.advance_service(id);
        }
    }

    fn advance_service(&mut self, id: u32) {
        let Some(service) = self.services.get(&id) else { return };
        if service.retry_at.is_some_and(|retry| retry > self.now) {
            return;
        }
        if service.retry_at.is_some() {
            self.retry(id);
        }
        let Some(process) = self.services.get(&id).and_then(|service| service.process.clone()) else {
            self.maintain(id);
            return;
        };
        match process {
            Process::Register => self.settle(id, "inactive"),
            Process::Cancel => self.settle(id, "canceled-upgrade"),
            Process::Activate | Process::Update => self.bring_to_scale(id),
            Process::Deactivate => self.stop_all(id, false),
            Process::Remove => self.stop_all(id, true),
            Process::Upgrade | Process::Finish | Process::Rollback => self.replace(id, &process),
            Process::Restart {
                batch,
                interval,
                left,
                under_way,
            } => self.restart(id, batch, interval, left, &under_way),
        }
    }

    /// The process is over: the service is in `state`.
    pub(super) fn settle(&mut self, id: u32, state: &'static str) {
        self.end_log(id);
        let count = self.counted(id);
        if let Some(service) = self.services.get_mut(&id) {
            let start = service.process == Some(Process::Register) && service.start_on_create;
            service.process = None;
            service.state = state;
            service.transition = Transition::No;
            service.pause_until = None;
            service.retry_at = None;
            service.batches = 0;
            if state == "active" || state == "inactive" {
                service.current_scale = count;
            }
            if start {
                service.state = "activating";
                service.transition = Transition::busy();
                service.process = Some(Process::Activate);
            }
        }
        self.touch_service(id);
        let again = self.services.get(&id).is_some_and(|service| service.process.is_some());
        if again {
            self.begin_log(id, "service.activate", "Activating service");
            self.wake(id, self.now);
        }
    }

    fn counted(&self, id: u32) -> u32 {
        self.units(id).iter().filter(|unit| !unit.marked).count() as u32
    }

    fn units(&self, service: u32) -> Vec<Unit> {
        let mut units: BTreeMap<&str, Unit> = BTreeMap::new();
        for id in self.members.get(&service).into_iter().flatten() {
            let Some(container) = self.containers.get(id) else {
                continue;
            };
            if matches!(container.step, Step::Removing | Step::Removed) || container.after_stop == AfterStop::Remove {
                continue;
            }
            let unit = units.entry(&container.unit).or_insert_with(|| Unit {
                index: container.index,
                marked: container.marked,
                containers: Vec::new(),
                host: container.host,
            });
            unit.containers.push(*id);
            unit.host = unit.host.or(container.host);
        }
        let mut units: Vec<Unit> = units.into_values().collect();
        units.sort_by_key(|unit| (unit.index, unit.containers.first().copied()));
        units
    }

    fn is_right(&self, service: u32, unit: &Unit) -> bool {
        let Some(row) = self.services.get(&service) else {
            return false;
        };
        unit.containers
            .iter()
            .filter_map(|id| self.containers.get(id))
            .all(|container| {
                row.version_of(&container.configuration)
                    .is_some_and(|version| version == container.version())
            })
    }

    fn all(&self, unit: &Unit, test: impl Fn(&super::world::Container) -> bool) -> bool {
        unit.containers
            .iter()
            .filter_map(|id| self.containers.get(id))
            .all(test)
    }

    /// How many units there should be, and on which host each (global services).
    fn wanted(&self, service: u32) -> (usize, Option<Vec<u32>>) {
        let Some(row) = self.services.get(&service) else {
            return (0, None);
        };
        if !row.has_containers() {
            return (0, None);
        }
        if !row.is_global() {
            return (row.scale as usize, None);
        }
        let hosts = self.hosts.values().filter(|host| {
            host.project == row.project
                && host.removed.is_none()
                && host.state == "active"
                && host.agent_state.is_none()
        });
        let hosts: Vec<u32> = hosts.map(|host| host.id).collect();
        (hosts.len(), Some(hosts))
    }

    fn converge(&mut self, id: u32, wish: Wish) -> Converged {
        let units = self.units(id);
        for unit in units.iter().filter(|unit| !unit.marked) {
            let failed = unit.containers.iter().find_map(|container| {
                let row = self.containers.get(container)?;
                match (&row.transition, row.step) {
                    (Transition::Error(reason), Step::Error) => Some((*container, reason.clone())),
                    _ => None,
                }
            });
            if let Some((container, reason)) = failed {
                return Converged::Failed(container, reason);
            }
        }
        if wish.stop_marked && !wish.start_first && !self.stop_marked(id, &units) {
            return Converged::Waiting;
        }
        let (wanted, hosts) = self.wanted(id);
        let counted: Vec<&Unit> = units.iter().filter(|unit| !unit.marked).collect();
        if counted.len() < wanted {
            self.add_units(id, &units, wanted - counted.len(), hosts.as_deref());
            // What was revived may run already and say nothing more.
            let soon = later(self.now, self.pace.settle);
            self.wake(id, soon);
            return Converged::Waiting;
        }
        for unit in counted.iter().skip(wanted) {
            for container in &unit.containers {
                self.stop_container(*container, AfterStop::Remove);
            }
        }
        for unit in &counted {
            for container in unit.containers.clone() {
                self.start_container(container);
            }
        }
        let ready = counted.iter().take(wanted).all(|unit| {
            self.all(unit, |container| {
                container.step == Step::Running && (!wish.healthy || container.is_good())
            })
        });
        if !ready || (wish.stop_marked && !self.stop_marked(id, &units)) {
            return Converged::Waiting;
        }
        if !wish.replace {
            return Converged::Done;
        }
        let wrong: Vec<Unit> = counted
            .iter()
            .filter(|unit| !self.is_right(id, unit))
            .map(|unit| (*unit).clone())
            .collect();
        if wrong.is_empty() {
            return Converged::Done;
        }
        self.mark_batch(id, &wrong)
    }

    /// Stops what is marked; true when all of it has stopped.
    fn stop_marked(&mut self, id: u32, units: &[Unit]) -> bool {
        let mut all_stopped = true;
        let mut begun = false;
        for unit in units.iter().filter(|unit| unit.marked) {
            for container in unit.containers.clone() {
                let Some(row) = self.containers.get(&container) else {
                    continue;
                };
                if matches!(row.step, Step::Stopped | Step::Error | Step::Erroring) {
                    continue;
                }
                all_stopped = false;
                if row.step != Step::Stopping {
                    begun = true;
                    self.stop_container(container, AfterStop::Stay);
                }
            }
        }
        if begun {
            self.log(id, "service.upgrade.stopping", "Stopping instances", None);
        }
        all_stopped
    }

    fn add_units(&mut self, id: u32, units: &[Unit], missing: usize, hosts: Option<&[u32]>) {
        let mut taken: Vec<u32> = units
            .iter()
            .filter(|unit| !unit.marked)
            .map(|unit| unit.index)
            .collect();
        let mut covered: Vec<Option<u32>> = units.iter().filter(|unit| !unit.marked).map(|unit| unit.host).collect();
        let mut spares: Vec<&Unit> = units
            .iter()
            .filter(|unit| unit.marked && self.is_right(id, unit))
            .collect();
        spares.reverse();
        for _ in 0..missing {
            if let Some(spare) = spares.pop() {
                for container in spare.containers.clone() {
                    if let Some(row) = self.containers.get_mut(&container) {
                        row.marked = false;
                        row.after_stop = if row.step == Step::Stopping {
                            AfterStop::Start
                        } else {
                            AfterStop::Stay
                        };
                    }
                    self.start_container(container);
                    self.touch_container(container);
                }
                taken.push(spare.index);
                continue;
            }
            let index = (1..=u32::MAX).find(|index| !taken.contains(index)).unwrap_or(1);
            taken.push(index);
            let host = hosts.and_then(|hosts| hosts.iter().copied().find(|host| !covered.contains(&Some(*host))));
            covered.push(host);
            let unit = self.uuid();
            let configurations = self.services.get(&id).map(|service| {
                let all = service.configurations().into_iter();
                all.map(|(name, _)| name).collect::<Vec<_>>()
            });
            for configuration in configurations.unwrap_or_default() {
                self.request_container(id, &configuration, &unit, index, host);
            }
        }
    }

    fn mark_batch(&mut self, id: u32, wrong: &[Unit]) -> Converged {
        let now = self.now;
        let Some(service) = self.services.get_mut(&id) else {
            return Converged::Done;
        };
        let strategy = service.upgrade.get("inServiceStrategy").cloned().unwrap_or(Value::Null);
        let member = |name: &str, default: u64| strategy.get(name).and_then(Value::as_u64).unwrap_or(default);
        let interval = Duration::from_millis(member("intervalMillis", 2_000));
        if service.batches > 0 {
            match service.pause_until {
                None => {
                    let until = later(now, interval);
                    service.pause_until = Some(until);
                    self.wake(id, until);
                    let text = format!("Sleeping for {} seconds", interval.as_secs());
                    self.log(id, "service.upgrade.sleep", &text, None);
                    return Converged::Waiting;
                }
                Some(until) if until > now => {
                    self.wake(id, until);
                    return Converged::Waiting;
                }
                Some(_) => service.pause_until = None,
            }
        }
        service.batches += 1;
        let batch = usize::try_from(member("batchSize", 1)).unwrap_or(1).max(1);
        for unit in wrong.iter().take(batch) {
            for container in unit.containers.clone() {
                if let Some(row) = self.containers.get_mut(&container) {
                    row.marked = true;
                }
                self.touch_container(container);
                self.log(id, "service.instance.mark.upgrade", "Mark for upgrade", Some(container));
            }
        }
        self.wake(id, now);
        Converged::Waiting
    }

    /// External and alias services take an upgrade and hang in it for ever (`§ 4.3`).
    fn hangs(&mut self, id: u32) -> bool {
        let shapeless = |kind: &str| matches!(kind, "externalService" | "dnsService");
        let Some(service) = self.services.get_mut(&id).filter(|service| shapeless(&service.kind)) else {
            return false;
        };
        service.transition =
            Transition::Error("java.util.concurrent.ExecutionException: java.lang.NullPointerException".into());
        self.touch_service(id);
        true
    }

    fn replace(&mut self, id: u32, process: &Process) {
        if self.hangs(id) {
            return;
        }
        let start_first = self
            .services
            .get(&id)
            .and_then(|service| service.upgrade.get("inServiceStrategy")?.get("startFirst")?.as_bool())
            .unwrap_or(false);
        let wish = Wish {
            healthy: true,
            replace: true,
            start_first,
            stop_marked: true,
        };
        match self.converge(id, wish) {
            Converged::Waiting => {}
            Converged::Failed(container, reason) => self.fail_run(id, container, &reason),
            Converged::Done if *process == Process::Upgrade => self.settle(id, "upgraded"),
            Converged::Done => {
                let old: Vec<u32> = self
                    .units(id)
                    .into_iter()
                    .filter(|unit| unit.marked)
                    .flat_map(|unit| unit.containers)
                    .collect();
                for container in &old {
                    self.stop_container(*container, AfterStop::Remove);
                }
                self.settle(id, "active");
            }
        }
    }

    fn bring_to_scale(&mut self, id: u32) {
        let wish = Wish {
            healthy: false,
            replace: false,
            start_first: true,
            stop_marked: false,
        };
        match self.converge(id, wish) {
            Converged::Waiting => {}
            Converged::Failed(container, reason) => self.fail_run(id, container, &reason),
            Converged::Done => {
                let inactive = self
                    .services
                    .get(&id)
                    .is_some_and(|service| service.state == "updating-inactive");
                self.settle(id, if inactive { "inactive" } else { "active" });
            }
        }
    }

    /// A settled service still looks after its containers: starts what stopped, replaces what is unhealthy or gone.
    fn maintain(&mut self, id: u32) {
        let Some(service) = self.services.get(&id) else { return };
        if !matches!(service.state, "active" | "upgraded") {
            return;
        }
        let unhealthy: Vec<u32> = self
            .members
            .get(&id)
            .into_iter()
            .flatten()
            .copied()
            .filter(|container| {
                self.containers.get(container).is_some_and(|container| {
                    container.step == Step::Running && !container.marked && container.health == Some("unhealthy")
                })
            })
            .collect();
        for container in unhealthy {
            self.stop_container(container, AfterStop::Remove);
            self.log(
                id,
                "service.instance.delete",
                "Removing unhealthy service instance",
                Some(container),
            );
        }
        let wish = Wish {
            healthy: false,
            replace: false,
            start_first: true,
            stop_marked: false,
        };
        if let Converged::Failed(container, _) = self.converge(id, wish) {
            self.remove_bad(id, container);
            let later = later(self.now, self.pace.retry);
            self.wake(id, later);
        }
    }

    /// The run failed: the service says so, and tries again for ever (`§ 6.4`).
    fn fail_run(&mut self, id: u32, container: u32, reason: &str) {
        let name = Kind::Container.id(container);
        let text = format!(
            "Failed to allocate instance [container:{name}]: Bad instance [container:{name}] in state [error]: {reason}"
        );
        let retry = later(self.now, self.pace.retry);
        let event = match self.services.get(&id).and_then(|service| service.process.clone()) {
            Some(Process::Upgrade) => "service.upgrade.exception",
            Some(Process::Finish) => "service.finishupgrade.exception",
            Some(Process::Rollback) => "service.rollback.exception",
            Some(Process::Update) => "service.update.exception",
            _ => "service.activate.exception",
        };
        self.log(id, event, &text, Some(container));
        if let Some(service) = self.services.get_mut(&id) {
            service.transition = Transition::Error(text);
            service.retry_at = Some(retry);
        }
        self.wake(id, retry);
        self.touch_service(id);
    }

    /// Clears away what failed, so that the next run starts anew.
    pub(super) fn retry(&mut self, id: u32) {
        if let Some(service) = self.services.get_mut(&id) {
            service.retry_at = None;
        }
        for unit in self.units(id) {
            for container in unit.containers {
                if self
                    .containers
                    .get(&container)
                    .is_some_and(|row| row.step == Step::Error)
                {
                    self.remove_bad(id, container);
                }
            }
        }
    }

    /// Removes a unit that has a failed container, all of it: a new one is made with new ids.
    fn remove_bad(&mut self, id: u32, container: u32) {
        let Some(unit) = self.containers.get(&container).map(|row| row.unit.clone()) else {
            return;
        };
        let mates: Vec<u32> = self.members.get(&id).into_iter().flatten().copied().collect();
        for mate in mates {
            if self.containers.get(&mate).is_some_and(|row| row.unit == unit) {
                let reason = match self.containers.get(&mate).map(|row| &row.transition) {
                    Some(Transition::Error(reason)) => reason.clone(),
                    _ => String::new(),
                };
                let text = format!("Removing bad service instance: {reason}");
                self.log(id, "service.instance.delete", &text, Some(mate));
                self.stop_container(mate, AfterStop::Remove);
            }
        }
    }

    /// Puts an image right or wrong. Containers that run are not touched.
    pub(super) fn set_fault(&mut self, image: &str, fault: Option<Fault>) {
        let image = image.trim_start_matches("docker:").to_owned();
        match fault {
            Some(fault) => drop(self.faults.insert(image, fault)),
            None => drop(self.faults.remove(&image)),
        }
    }
}
