//! The life of containers and hosts: requested → creating → starting → running, and what goes wrong on the way
//! (`apis/rancher.md §§ 4.1, 6.4`).

use serde_json::{Map, Value};

use super::world::{AfterStop, Container, Fault, Kind, Step, Transition, World, later, text};

impl World {
    /// Asks for a container of a service's configuration. It goes on by itself.
    pub(super) fn request_container(
        &mut self,
        service: u32,
        configuration: &str,
        unit: &str,
        index: u32,
        wanted_host: Option<u32>,
    ) -> Option<u32> {
        let row = self.services.get(&service)?;
        let (_, launch) = row
            .configurations()
            .into_iter()
            .find(|(name, _)| name == configuration)?;
        let launch = launch.clone();
        let stack_name = self
            .stacks
            .get(&row.stack)
            .map(|stack| stack.name.clone())
            .unwrap_or_default();
        let name = if configuration.is_empty() {
            format!("{stack_name}-{}-{index}", row.name)
        } else {
            format!("{stack_name}-{}-{configuration}-{index}", row.name)
        };
        let project = row.project;
        let id = self.next(Kind::Container);
        let uuid = self.uuid();
        let docker_id = format!(
            "{:016x}{:016x}{:016x}{:016x}",
            self.random(),
            self.random(),
            self.random(),
            self.random()
        );
        let container = Container {
            id,
            project,
            name,
            service: Some(service),
            also: Vec::new(),
            host: None,
            wanted_host,
            step: Step::Requested,
            health: None,
            transition: Transition::busy(),
            progress: None,
            configuration: configuration.into(),
            launch,
            unit: unit.into(),
            index,
            marked: false,
            address: None,
            docker_id,
            created: self.now,
            first_running: None,
            start_count: 0,
            uuid,
            removed: None,
            due: None,
            after_stop: AfterStop::Stay,
            log: std::collections::VecDeque::new(),
            log_first: 1,
        };
        self.containers.insert(id, container);
        self.members.entry(service).or_default().insert(id);
        self.due(id, self.pace.create / 3);
        self.touch_container(id);
        self.log(
            service,
            "service.instance.create",
            "Creating extra service instance",
            Some(id),
        );
        Some(id)
    }

    /// Takes a container one step on, when its time has come.
    pub(super) fn advance_container(&mut self, id: u32) {
        let now = self.now;
        let Some(container) = self.containers.get_mut(&id) else {
            return;
        };
        if container.due.is_none_or(|due| due > now) {
            return;
        }
        container.due = None;
        let step = container.step;
        // Where nobody listens, nothing happens: the stored state stays (`§ 4.1`).
        let host_silent = container
            .host
            .and_then(|host| self.hosts.get(&host))
            .is_some_and(|host| host.silent_since.is_some());
        if host_silent && !matches!(step, Step::Requested | Step::Erroring | Step::Error) {
            self.advance_on_silent_host(id, step);
            return;
        }
        match step {
            Step::Requested => {
                self.set_step(id, Step::Creating, "In Progress");
                self.due(id, self.pace.create);
            }
            Step::Creating => self.allocate(id),
            Step::Pulling => self.pulled(id),
            Step::Starting | Step::Restarting => self.started(id),
            Step::Running => self.running_on(id),
            Step::Stopping => self.stopped(id),
            Step::Erroring => self.set_failed(id),
            Step::Removing => self.removed(id),
            Step::Stopped | Step::Error | Step::Removed => {}
        }
    }

    fn advance_on_silent_host(&mut self, id: u32, step: Step) {
        let has_check = self.containers.get(&id).is_some_and(Container::has_check);
        if step == Step::Running && has_check {
            // Other hosts check it and no longer reach it.
            self.set_health(id, Some("unhealthy"));
        } else if step != Step::Running {
            self.due(id, std::time::Duration::from_secs(5));
        }
    }

    pub(super) fn set_step(&mut self, id: u32, step: Step, message: &str) {
        if let Some(container) = self.containers.get_mut(&id) {
            container.step = step;
            container.transition = match step {
                Step::Running | Step::Stopped | Step::Removed => Transition::No,
                _ => Transition::Yes(message.into()),
            };
        }
        self.touch_container(id);
    }

    pub(super) fn set_health(&mut self, id: u32, health: Option<&'static str>) {
        if let Some(container) = self.containers.get_mut(&id)
            && container.health != health
        {
            container.health = health;
            self.touch_container(id);
        }
    }

    fn allocate(&mut self, id: u32) {
        match self.host_for(id) {
            Ok(host) => {
                let image = self.containers.get(&id).map(Container::image).unwrap_or_default();
                let pull = self.must_pull(id, host, &image);
                if let Some(container) = self.containers.get_mut(&id) {
                    container.host = Some(host);
                    container.progress = Some(50);
                }
                if pull {
                    let plain = image.trim_start_matches("docker:");
                    self.set_step(id, Step::Pulling, &format!("Pulling image {plain}"));
                    self.due(id, self.pace.pull);
                } else {
                    self.set_step(id, Step::Starting, "Networking");
                    self.due(id, self.pace.start);
                }
            }
            Err(reason) => self.fail_container(id, &reason),
        }
    }

    fn must_pull(&self, id: u32, host: u32, image: &str) -> bool {
        let always = self.containers.get(&id).is_some_and(|container| {
            let labels = container.launch.get("labels").and_then(Value::as_object);
            labels.is_some_and(|labels| text(labels, "io.rancher.container.pull_image") == "always")
        });
        always || self.hosts.get(&host).is_none_or(|host| !host.images.contains(image))
    }

    /// The host with the fewest containers that may take it (`§ 6.4`, no host fits).
    fn host_for(&self, id: u32) -> Result<u32, String> {
        let container = self.containers.get(&id).ok_or("no such container")?;
        let ports = host_ports(&container.launch);
        let sidekick_host = self
            .containers
            .values()
            .find(|other| other.unit == container.unit && other.id != id && other.host.is_some())
            .and_then(|other| other.host);
        let usable = self.hosts.values().filter(|host| {
            host.project == container.project
                && host.removed.is_none()
                && host.state == "active"
                && host.agent_state.is_none()
                && host.silent_since.is_none()
                && container
                    .wanted_host
                    .or(sidekick_host)
                    .is_none_or(|wanted| wanted == host.id)
                && fits_labels(&container.launch, &host.labels)
        });
        let candidates: Vec<u32> = usable.map(|host| host.id).collect();
        if candidates.is_empty() {
            return Err("Allocation failed: No healthy hosts with sufficient resources available".into());
        }
        let taken = |host: u32| {
            let others = self.containers.values().filter(move |other| {
                other.host == Some(host)
                    && other.id != id
                    && !matches!(other.step, Step::Stopped | Step::Error | Step::Removed)
            });
            others
                .flat_map(|other| host_ports(&other.launch))
                .any(|port| ports.contains(&port))
        };
        let free = candidates.into_iter().filter(|host| ports.is_empty() || !taken(*host));
        let load = |host: &u32| {
            let on_it = self
                .containers
                .values()
                .filter(|other| other.host == Some(*host) && other.removed.is_none());
            (on_it.count(), *host)
        };
        free.min_by_key(load)
            .ok_or_else(|| format!("Allocation failed: host needs ports {} available", ports.join(", ")))
    }

    fn pulled(&mut self, id: u32) {
        let Some(container) = self.containers.get(&id) else {
            return;
        };
        let image = container.image();
        let host = container.host;
        let plain = image.trim_start_matches("docker:").to_owned();
        if self.faults.get(&plain) == Some(&Fault::CannotPull) {
            let reason =
                format!("Image [{plain}] failed to pull: Error response from daemon: manifest for {plain} not found");
            self.fail_container(id, &reason);
            return;
        }
        if let Some(host) = host.and_then(|host| self.hosts.get_mut(&host)) {
            host.images.insert(image);
        }
        self.set_step(id, Step::Starting, "Starting");
        self.due(id, self.pace.start);
    }

    fn started(&mut self, id: u32) {
        let Some(container) = self.containers.get(&id) else {
            return;
        };
        let plain = container.image().trim_start_matches("docker:").to_owned();
        let fault = self.faults.get(&plain).cloned();
        // What the server's own simulator is told by a label (recordings).
        let told = container
            .launch
            .get("labels")
            .and_then(Value::as_object)
            .is_some_and(|labels| text(labels, "compute.instance.activate::fail") == "true");
        if told {
            self.fail_container(id, "Failing [compute.instance.activate]");
            return;
        }
        if let Some(Fault::WontStart(reason)) = &fault {
            self.fail_container(id, reason);
            return;
        }
        let (high, low) = (self.random() % 250 + 1, self.random() % 250 + 1);
        let now = self.now;
        let Some(container) = self.containers.get_mut(&id) else {
            return;
        };
        let again = container.start_count > 0;
        container.start_count += 1;
        container.first_running.get_or_insert(now);
        container.address.get_or_insert_with(|| format!("10.42.{high}.{low}"));
        container.progress = None;
        container.after_stop = AfterStop::Stay;
        let has_check = container.has_check();
        container.health = has_check.then_some(if again { "reinitializing" } else { "initializing" });
        self.set_step(id, Step::Running, "");
        match fault {
            Some(Fault::Crashes(after)) => self.due(id, after),
            Some(Fault::NeverHealthy) => {}
            _ if has_check => self.due(id, self.pace.healthy),
            _ => {}
        }
    }

    fn running_on(&mut self, id: u32) {
        let Some(container) = self.containers.get(&id) else {
            return;
        };
        let plain = container.image().trim_start_matches("docker:").to_owned();
        match self.faults.get(&plain) {
            Some(Fault::Crashes(_)) => self.crash(id),
            Some(Fault::NeverHealthy) => {}
            _ if container.has_check() => self.set_health(id, Some("healthy")),
            _ => {}
        }
    }

    /// It ends by itself.
    pub(super) fn crash(&mut self, id: u32) {
        let Some(container) = self.containers.get(&id) else {
            return;
        };
        if container.step != Step::Running {
            return;
        }
        let service = container.service;
        if let Some(container) = self.containers.get_mut(&id) {
            container.due = None;
        }
        self.set_step(id, Step::Stopped, "");
        if let Some(service) = service {
            let soon = later(self.now, self.pace.settle);
            self.wake(service, soon);
        }
    }

    fn stopped(&mut self, id: u32) {
        let Some(after) = self.containers.get(&id).map(|container| container.after_stop) else {
            return;
        };
        match after {
            AfterStop::Stay => self.set_step(id, Step::Stopped, ""),
            AfterStop::Start => {
                self.set_step(id, Step::Starting, "Starting");
                self.due(id, self.pace.start);
            }
            AfterStop::Remove => {
                self.set_step(id, Step::Removing, "In Progress");
                self.due(id, self.pace.remove);
            }
        }
    }

    fn removed(&mut self, id: u32) {
        let now = self.now;
        self.set_step(id, Step::Removed, "");
        let Some(container) = self.containers.get_mut(&id) else {
            return;
        };
        container.removed = Some(now);
        if let Some(service) = container.service {
            self.members.entry(service).or_default().remove(&id);
        }
        self.bury(Kind::Container, id);
    }

    fn fail_container(&mut self, id: u32, reason: &str) {
        if let Some(container) = self.containers.get_mut(&id) {
            container.step = Step::Erroring;
            container.progress = Some(84);
            container.transition = Transition::Error(reason.into());
        }
        self.touch_container(id);
        self.due(id, self.pace.settle);
    }

    fn set_failed(&mut self, id: u32) {
        if let Some(container) = self.containers.get_mut(&id) {
            container.step = Step::Error;
        }
        self.touch_container(id);
    }

    /// Begins to stop it; says what comes after.
    pub(super) fn stop_container(&mut self, id: u32, after: AfterStop) {
        let Some(container) = self.containers.get_mut(&id) else {
            return;
        };
        container.after_stop = after;
        match container.step {
            Step::Stopped | Step::Error | Step::Erroring if after == AfterStop::Remove => {
                self.set_step(id, Step::Removing, "In Progress");
                self.due(id, self.pace.remove);
            }
            Step::Stopped if after == AfterStop::Start => self.start_container(id),
            Step::Stopped | Step::Error | Step::Erroring | Step::Stopping | Step::Removing | Step::Removed => {}
            _ => {
                self.set_step(id, Step::Stopping, "In Progress");
                self.due(id, self.pace.stop);
            }
        }
    }

    pub(super) fn start_container(&mut self, id: u32) {
        if let Some(container) = self.containers.get_mut(&id)
            && container.step == Step::Stopped
        {
            container.after_stop = AfterStop::Stay;
            self.set_step(id, Step::Starting, "Starting");
            self.due(id, self.pace.start);
        }
    }

    /// The agent's silence is noticed step by step (`§ 4.1`).
    pub(super) fn advance_hosts(&mut self) {
        let (now, pace) = (self.now, self.pace.clone());
        let noticed: Vec<(u32, &'static str)> = self
            .hosts
            .values()
            .filter_map(|host| {
                let since = host.silent_since?;
                let word = if later(since, pace.disconnected) <= now {
                    "disconnected"
                } else if later(since, pace.reconnecting) <= now {
                    "reconnecting"
                } else {
                    return None;
                };
                (host.agent_state != Some(word)).then_some((host.id, word))
            })
            .collect();
        for (id, word) in noticed {
            if let Some(host) = self.hosts.get_mut(&id) {
                host.agent_state = Some(word);
            }
            self.touch(Kind::Host, id);
        }
    }
}

/// Public ports of a configuration, `8081/tcp`.
fn host_ports(launch: &Map<String, Value>) -> Vec<String> {
    let ports = launch.get("ports").and_then(Value::as_array).into_iter().flatten();
    ports
        .filter_map(|port| {
            let (ports, protocol) = port.as_str()?.split_once('/').unwrap_or((port.as_str()?, "tcp"));
            let mut parts = ports.rsplit(':');
            parts.next()?;
            Some(format!("{}/{protocol}", parts.next()?))
        })
        .collect()
}

fn fits_labels(launch: &Map<String, Value>, host: &Map<String, Value>) -> bool {
    let Some(labels) = launch.get("labels").and_then(Value::as_object) else {
        return true;
    };
    let wanted = text(labels, "io.rancher.scheduler.affinity:host_label");
    wanted
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .all(|(key, value)| host.get(key).and_then(Value::as_str) == Some(value))
}
