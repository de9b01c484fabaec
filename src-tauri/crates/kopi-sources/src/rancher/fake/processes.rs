//! The simpler processes: new stacks and turned hosts settle, services stop, go or restart batch by batch.

use std::time::Duration;

use super::world::{AfterStop, Kind, Process, Step, World, later};

impl World {
    /// A host that was told to become active or inactive is so a moment later.
    pub(super) fn turn_hosts(&mut self) {
        let mut turned = Vec::new();
        for host in self.hosts.values_mut() {
            host.state = match host.state {
                "activating" => "active",
                "deactivating" => "inactive",
                _ => continue,
            };
            turned.push(host.id);
        }
        for id in turned {
            self.touch(Kind::Host, id);
        }
    }

    /// A made stack is active a moment later.
    pub(super) fn activate_stacks(&mut self) {
        let (now, settle) = (self.now, self.pace.settle);
        let ready = |stack: &&super::world::Stack| stack.state == "activating" && later(stack.created, settle) <= now;
        let ready: Vec<u32> = self.stacks.values().filter(ready).map(|stack| stack.id).collect();
        for id in ready {
            if let Some(stack) = self.stacks.get_mut(&id) {
                stack.state = "active";
            }
            self.touch(Kind::Stack, id);
        }
    }

    /// Stops, or removes, all of a service.
    pub(super) fn stop_all(&mut self, id: u32, remove: bool) {
        let members: Vec<u32> = self.members.get(&id).into_iter().flatten().copied().collect();
        let mut waiting = false;
        for container in members {
            let Some(row) = self.containers.get(&container) else {
                continue;
            };
            if row.removed.is_some() || (!remove && matches!(row.step, Step::Stopped | Step::Error)) {
                continue;
            }
            waiting = true;
            if !matches!(row.step, Step::Stopping | Step::Removing | Step::Erroring)
                || (remove && row.step == Step::Erroring)
            {
                self.stop_container(container, if remove { AfterStop::Remove } else { AfterStop::Stay });
            }
        }
        if waiting {
            return;
        }
        if remove {
            self.settle(id, "removed");
            let now = self.now;
            if let Some(service) = self.services.get_mut(&id) {
                service.removed = Some(now);
            }
            self.bury(Kind::Service, id);
        } else {
            self.settle(id, "inactive");
        }
    }

    /// Restarts batch by batch.
    pub(super) fn restart(&mut self, id: u32, batch: usize, interval: Duration, mut left: Vec<u32>, under_way: &[u32]) {
        let now = self.now;
        let ready = under_way
            .iter()
            .filter_map(|container| self.containers.get(container))
            .all(|container| container.step == Step::Running && container.after_stop == AfterStop::Stay);
        if !ready {
            return;
        }
        let pause = self.services.get(&id).and_then(|service| service.pause_until);
        if !under_way.is_empty() && !left.is_empty() {
            match pause {
                None => {
                    let until = later(now, interval);
                    if let Some(service) = self.services.get_mut(&id) {
                        service.pause_until = Some(until);
                    }
                    self.wake(id, until);
                    return;
                }
                Some(until) if until > now => {
                    self.wake(id, until);
                    return;
                }
                Some(_) => {}
            }
        }
        if left.is_empty() {
            self.settle(id, "active");
            return;
        }
        let next: Vec<u32> = left.drain(..batch.min(left.len())).collect();
        for container in &next {
            self.stop_container(*container, AfterStop::Start);
        }
        if let Some(service) = self.services.get_mut(&id) {
            service.pause_until = None;
            service.process = Some(Process::Restart {
                batch,
                interval,
                left,
                under_way: next,
            });
        }
    }
}
