//! What a client may ask: actions and PUT, with the server's checks in the server's words
//! (`apis/rancher.md §§ 4.3, 5, 6.1, 6.3`).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::world::{AfterStop, Process, Service, Step, Transition, World, is_global, later, number_of};

/// A refusal: HTTP status, code, message, field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: Option<String>,
    pub(super) field: Option<String>,
}

impl Refusal {
    pub(super) fn invalid(code: &'static str, field: &str) -> Self {
        Self {
            status: 422,
            code,
            message: None,
            field: Some(field.into()),
        }
    }

    pub(super) fn plain(status: u16, code: &'static str) -> Self {
        Self {
            status,
            code,
            message: Some(code.into()),
            field: None,
        }
    }

    fn worded(code: &'static str, message: &str) -> Self {
        Self {
            status: 422,
            code,
            message: Some(message.into()),
            field: None,
        }
    }
}

const LINKS: [&str; 3] = ["removeservicelink", "addservicelink", "setservicelinks"];
const SERVICE_ACTIONS: [&str; 13] = [
    "upgrade",
    "restart",
    "update",
    "remove",
    "deactivate",
    "activate",
    "rollback",
    "cancelupgrade",
    "continueupgrade",
    "finishupgrade",
    "removeservicelink",
    "addservicelink",
    "setservicelinks",
];
const CONTAINER_ACTIONS: [&str; 10] = [
    "restart", "start", "stop", "update", "migrate", "logs", "execute", "proxy", "remove", "error",
];
const HOST_ACTIONS: [&str; 9] = [
    "upgrade",
    "evacuate",
    "provision",
    "dockersocket",
    "activate",
    "update",
    "delete",
    "remove",
    "deactivate",
];

/// Actions a service lists in its state (`§ 4.3`, recordings).
pub(super) fn service_actions(service: &Service) -> Vec<&'static str> {
    let own: &[&str] = match service.state {
        "active" => &["upgrade", "restart", "update", "remove", "deactivate"],
        "inactive" => &["upgrade", "activate", "update", "remove"],
        "activating" | "updating-active" => &["upgrade", "update", "remove", "deactivate"],
        "updating-inactive" => &["deactivate", "remove"],
        "upgrading" => &["rollback", "update", "remove", "cancelupgrade"],
        "upgraded" => &["finishupgrade", "remove", "rollback"],
        "canceled-upgrade" => &["continueupgrade", "remove", "rollback"],
        "finishing-upgrade" => &["cancelupgrade", "update", "remove"],
        "rolling-back" | "canceling-upgrade" => &["update", "remove"],
        "restarting" => &["activate", "deactivate", "remove"],
        "registering" | "deactivating" => &["remove"],
        _ => &[],
    };
    let links: &[&str] = if service.kind == "externalService" { &[] } else { &LINKS };
    own.iter().chain(links).copied().collect()
}

/// Actions a container lists.
pub(super) fn container_actions(step: Step) -> &'static [&'static str] {
    match step {
        Step::Running => &["restart", "update", "stop", "migrate", "logs", "execute", "proxy"],
        Step::Stopped => &["start", "update", "error", "remove", "logs"],
        Step::Stopping => &["logs"],
        Step::Pulling | Step::Starting | Step::Restarting => &["stop"],
        Step::Requested | Step::Creating => &["error", "remove", "start", "stop"],
        Step::Error => &["remove"],
        Step::Removed => &["purge"],
        Step::Erroring | Step::Removing => &[],
    }
}

/// Actions a host lists.
pub(super) fn host_actions(state: &str) -> &'static [&'static str] {
    match state {
        "active" => &["upgrade", "evacuate", "dockersocket", "update", "delete", "deactivate"],
        "inactive" => &[
            "upgrade",
            "evacuate",
            "provision",
            "dockersocket",
            "activate",
            "update",
            "delete",
            "remove",
        ],
        _ => &[],
    }
}

fn check(action: &str, known: &[&str], offered: &[&str]) -> Result<(), Refusal> {
    if !known.contains(&action) {
        return Err(Refusal::invalid("InvalidAction", "action"));
    }
    if !offered.contains(&action) {
        return Err(Refusal::invalid("ActionNotAvailable", "action"));
    }
    Ok(())
}

impl World {
    /// An action on a service.
    pub(super) fn service_action(&mut self, id: u32, action: &str, body: &Value) -> Result<(), Refusal> {
        let service = self.services.get(&id).ok_or_else(|| Refusal::plain(404, "Not Found"))?;
        check(action, &SERVICE_ACTIONS, &service_actions(service))?;
        let (state, process, event, text) = match action {
            "upgrade" => return self.upgrade(id, body),
            "rollback" => return self.roll_back(id),
            "restart" => return self.begin_restart(id, body),
            "update" => return self.put_service(id, body),
            "finishupgrade" => (
                "finishing-upgrade",
                Process::Finish,
                "service.finishupgrade",
                "Finishing upgrade",
            ),
            "continueupgrade" => ("upgrading", Process::Upgrade, "service.upgrade", "Upgrading service"),
            "cancelupgrade" => (
                "canceling-upgrade",
                Process::Cancel,
                "service.cancelupgrade",
                "Canceling upgrade",
            ),
            "activate" => (
                "activating",
                Process::Activate,
                "service.activate",
                "Activating service",
            ),
            "deactivate" => (
                "deactivating",
                Process::Deactivate,
                "service.deactivate",
                "Deactivating service",
            ),
            "remove" => ("removing", Process::Remove, "service.remove", "Removing service"),
            _ => return Ok(()),
        };
        self.begin(id, state, process, event, text);
        Ok(())
    }

    fn begin(&mut self, id: u32, state: &'static str, process: Process, event: &str, text: &str) {
        self.begin_log(id, event, text);
        if let Some(service) = self.services.get_mut(&id) {
            service.state = state;
            service.transition = Transition::busy();
            service.process = Some(process);
            service.retry_at = None;
            service.pause_until = None;
            service.batches = 0;
        }
        let soon = later(self.now, self.pace.settle);
        self.wake(id, soon);
        self.touch_service(id);
    }

    fn upgrade(&mut self, id: u32, body: &Value) -> Result<(), Refusal> {
        let strategy = body.get("inServiceStrategy").filter(|strategy| !strategy.is_null());
        let other = body.get("toServiceStrategy").filter(|strategy| !strategy.is_null());
        let Some(strategy) = strategy else {
            return match other {
                None => Err(Refusal::invalid("MissingRequired", "Upgrade strategy needs to be set")),
                Some(other) => self.upgrade_to_service(id, other),
            };
        };
        let launch = strategy.get("launchConfig").and_then(Value::as_object);
        let secondaries = strategy.get("secondaryLaunchConfigs").and_then(Value::as_array);
        let batch = limited(strategy, "batchSize", 1)?;
        let interval = limited(strategy, "intervalMillis", 100)?;
        let start_first = strategy.get("startFirst").and_then(Value::as_bool);
        let service = self.services.get(&id).ok_or_else(|| Refusal::plain(404, "Not Found"))?;
        let nothing = launch.is_none() && secondaries.is_none_or(Vec::is_empty);
        if launch.is_none() && service.kind == "loadBalancerService" {
            return Err(Refusal::invalid(
                "InvalidOption",
                "LaunchConfig is required for load balancer service",
            ));
        }
        if nothing {
            return Err(Refusal::invalid(
                "InvalidOption",
                "LaunchConfig/secondaryLaunchConfigs need to be specified for inService strategy",
            ));
        }
        if start_first == Some(true) && service.retain_ip {
            return Err(Refusal::invalid(
                "InvalidOption",
                "StartFirst option can't be used for service with retainIp field set",
            ));
        }
        if let Some(launch) = launch {
            check_image(launch)?;
            check_ports(launch)?;
            if is_global(launch) != service.is_global() {
                return Err(Refusal::invalid(
                    "InvalidOption",
                    "Switching from global scale to fixed (and vice versa)",
                ));
            }
        }
        for secondary in secondaries.into_iter().flatten().filter_map(Value::as_object) {
            check_image(secondary)?;
        }
        let (launch, secondaries) = (launch.cloned(), secondaries.cloned().unwrap_or_default());
        self.set_upgrade(
            id,
            launch,
            &secondaries,
            batch.unwrap_or(1),
            interval.unwrap_or(2_000),
            start_first,
        );
        self.begin(
            id,
            "upgrading",
            Process::Upgrade,
            "service.upgrade",
            "Upgrading service",
        );
        Ok(())
    }

    fn set_upgrade(
        &mut self,
        id: u32,
        launch: Option<Map<String, Value>>,
        sent: &[Value],
        batch: i64,
        interval: i64,
        start_first: Option<bool>,
    ) {
        let version = self.uuid();
        let Some(service) = self.services.get_mut(&id) else {
            return;
        };
        let previous = Value::Object(service.launch.clone());
        let name = service.name.clone();
        let primary = launch.is_some();
        if let Some(mut launch) = launch {
            launch.insert("type".into(), "launchConfig".into());
            launch.insert("version".into(), version.clone().into());
            service.launch = launch;
        }
        let named = |config: &Value| config.get("name").and_then(Value::as_str).map(str::to_owned);
        let mut replaced = Vec::new();
        let mut before = Vec::new();
        let mut next = Vec::new();
        for old in &service.secondaries {
            let new = sent.iter().find(|config| named(config) == named(old));
            // Left out, yet bound to the primary: replaced with it (`§ 6.1`).
            let bound = primary && is_bound(old, &name);
            let Some(mut config) = new.or(bound.then_some(old)).cloned() else {
                next.push(old.clone());
                continue;
            };
            if config.get("imageUuid").and_then(Value::as_str) == Some("rancher/none") {
                before.push(old.clone());
                continue;
            }
            config["version"] = version.clone().into();
            before.push(old.clone());
            replaced.push(config.clone());
            next.push(config);
        }
        for config in sent {
            if !service.secondaries.iter().any(|old| named(old) == named(config)) {
                let mut config = config.clone();
                config["version"] = version.clone().into();
                replaced.push(config.clone());
                next.push(config);
            }
        }
        service.secondaries = next;
        service.upgrade = json!({
            "type": "serviceUpgrade",
            "inServiceStrategy": {
                "type": "inServiceUpgradeStrategy",
                "batchSize": batch,
                "intervalMillis": interval,
                "launchConfig": if primary { Value::Object(service.launch.clone()) } else { Value::Null },
                "previousLaunchConfig": if primary { previous } else { Value::Null },
                "previousSecondaryLaunchConfigs": before,
                "secondaryLaunchConfigs": replaced,
                "startFirst": start_first.unwrap_or(false),
            },
            "toServiceStrategy": Value::Null,
        });
    }

    /// Only what the real server accepts at once is spoken: an unknown target is refused, an empty strategy does nothing.
    fn upgrade_to_service(&mut self, id: u32, strategy: &Value) -> Result<(), Refusal> {
        match strategy.get("toServiceId").and_then(Value::as_str) {
            Some(target) if number_of(target).is_none_or(|target| !self.services.contains_key(&target)) => {
                Err(Refusal::invalid("InvalidReference", "toServiceId"))
            }
            Some(_) => Err(Refusal::worded(
                "NotSupported",
                "this server's stand-in does not move copies between services",
            )),
            None => {
                self.begin(
                    id,
                    "upgrading",
                    Process::Upgrade,
                    "service.upgrade",
                    "Upgrading service",
                );
                Ok(())
            }
        }
    }

    fn roll_back(&mut self, id: u32) -> Result<(), Refusal> {
        let service = self
            .services
            .get_mut(&id)
            .ok_or_else(|| Refusal::plain(404, "Not Found"))?;
        let strategy = service.upgrade.get("inServiceStrategy").cloned().unwrap_or(Value::Null);
        if let Some(previous) = strategy.get("previousLaunchConfig").and_then(Value::as_object) {
            service.launch.clone_from(previous);
        }
        let before = strategy.get("previousSecondaryLaunchConfigs").and_then(Value::as_array);
        for old in before.into_iter().flatten() {
            let same = |config: &&mut Value| config.get("name") == old.get("name");
            match service.secondaries.iter_mut().find(same) {
                Some(config) => *config = old.clone(),
                None => service.secondaries.push(old.clone()),
            }
        }
        self.begin(
            id,
            "rolling-back",
            Process::Rollback,
            "service.rollback",
            "Rolling back",
        );
        self.retry(id);
        Ok(())
    }

    fn begin_restart(&mut self, id: u32, body: &Value) -> Result<(), Refusal> {
        let Some(strategy) = body
            .get("rollingRestartStrategy")
            .filter(|strategy| !strategy.is_null())
        else {
            return Err(Refusal::invalid("MissingRequired", "rollingRestartStrategy"));
        };
        let batch = limited(strategy, "batchSize", 1)?.unwrap_or(1);
        let interval = limited(strategy, "intervalMillis", 100)?.unwrap_or(2_000);
        let left = self
            .members
            .get(&id)
            .into_iter()
            .flatten()
            .copied()
            .filter(|container| {
                self.containers
                    .get(container)
                    .is_some_and(|container| container.step == Step::Running && !container.marked)
            });
        let process = Process::Restart {
            batch: usize::try_from(batch).unwrap_or(1),
            interval: Duration::from_millis(u64::try_from(interval).unwrap_or(2_000)),
            left: left.collect(),
            under_way: Vec::new(),
        };
        self.begin(id, "restarting", process, "service.restart", "Restarting service");
        Ok(())
    }

    /// PUT on a service: scale, name, description; everything else is taken and dropped (`§ 5`).
    pub(super) fn put_service(&mut self, id: u32, body: &Value) -> Result<(), Refusal> {
        let service = self
            .services
            .get_mut(&id)
            .ok_or_else(|| Refusal::plain(404, "Not Found"))?;
        if service.removed.is_some() || service.state == "removing" {
            return Err(Refusal::plain(409, "Conflict"));
        }
        let scale = match body.get("scale") {
            None | Some(Value::Null) => None,
            Some(Value::Number(number)) => match number.as_i64() {
                Some(scale) if scale >= 0 => u32::try_from(scale).ok(),
                _ => return Err(Refusal::invalid("MinLimitExceeded", "scale")),
            },
            Some(_) => return Err(Refusal::invalid("InvalidFormat", "scale")),
        };
        let mut changed = false;
        for (member, field) in [("name", &mut service.name)] {
            if let Some(new) = body.get(member).and_then(Value::as_str) {
                changed |= *field != new;
                new.clone_into(field);
            }
        }
        if let Some(description) = body.get("description").and_then(Value::as_str) {
            service.description = Some(description.to_owned());
        }
        if let Some(scale) = scale {
            changed |= scale != service.scale;
            service.scale = scale;
        }
        if !changed {
            return Ok(());
        }
        match service.state {
            "active" => self.begin(
                id,
                "updating-active",
                Process::Update,
                "service.update",
                "Updating service",
            ),
            "inactive" => {
                self.begin(
                    id,
                    "updating-inactive",
                    Process::Deactivate,
                    "service.update",
                    "Updating service",
                );
            }
            _ => self.touch_service(id),
        }
        Ok(())
    }

    /// An action on a container; `logs` and `execute` are answered by the router.
    pub(super) fn container_action(&mut self, id: u32, action: &str) -> Result<(), Refusal> {
        let container = self
            .containers
            .get_mut(&id)
            .ok_or_else(|| Refusal::plain(404, "Not Found"))?;
        check(action, &CONTAINER_ACTIONS, container_actions(container.step))?;
        match action {
            "start" => self.start_container(id),
            "stop" => self.stop_container(id, AfterStop::Stay),
            "restart" => {
                self.set_step(id, Step::Restarting, "In Progress");
                let (stop, start) = (self.pace.stop, self.pace.start);
                self.due(id, stop + start);
            }
            "remove" => self.stop_container(id, AfterStop::Remove),
            _ => {}
        }
        Ok(())
    }

    /// An action on a host.
    pub(super) fn host_action(&mut self, id: u32, action: &str) -> Result<(), Refusal> {
        let host = self
            .hosts
            .get_mut(&id)
            .ok_or_else(|| Refusal::plain(404, "Not Found"))?;
        check(action, &HOST_ACTIONS, host_actions(host.state))?;
        match action {
            "activate" => host.state = "activating",
            "deactivate" => host.state = "deactivating",
            _ => {}
        }
        let ready = later(self.now, self.pace.settle);
        self.silences.insert(ready);
        self.touch(super::world::Kind::Host, id);
        Ok(())
    }
}

fn is_bound(config: &Value, primary: &str) -> bool {
    let names_it = |member: &str| match config.get(member) {
        Some(Value::String(name)) => name == primary,
        Some(Value::Array(names)) => names.iter().any(|name| name == primary),
        _ => false,
    };
    names_it("networkLaunchConfig") || names_it("dataVolumesFromLaunchConfigs")
}

fn limited(strategy: &Value, member: &str, least: i64) -> Result<Option<i64>, Refusal> {
    match strategy.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => match number.as_i64() {
            Some(number) if number >= least => Ok(Some(number)),
            _ => Err(Refusal {
                field: Some(member.into()),
                ..Refusal::invalid("MinLimitExceeded", member)
            }),
        },
        Some(_) => Err(Refusal::invalid("InvalidFormat", member)),
    }
}

/// A missing image is accepted, as on the real server; one without `docker:` is not.
pub(super) fn check_image(launch: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(image) = launch.get("imageUuid").and_then(Value::as_str) else {
        return Ok(());
    };
    let plain = image
        .strip_prefix("docker:")
        .or((image == "rancher/none").then_some(image));
    let usable = plain.is_some_and(|plain| !plain.is_empty() && !plain.contains(char::is_whitespace));
    usable
        .then_some(())
        .ok_or_else(|| Refusal::invalid("InvalidReference", "imageUuid"))
}

pub(super) fn check_ports(launch: &Map<String, Value>) -> Result<(), Refusal> {
    let ports = launch
        .get("ports")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    for port in ports {
        let plain = port.split('/').next().unwrap_or(port);
        let mut parts = plain.rsplit(':');
        parts.next();
        if let Some(public) = parts.next()
            && public.parse::<u16>().is_err()
        {
            return Err(Refusal::worded(
                "PortInvalidPublicPort",
                "incorrect public port, valid range is 0-65535",
            ));
        }
    }
    Ok(())
}
