//! What comes into being: by the office, whole and running, or by a client's POST, step by step.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Map, Value, json};

use super::verbs::{Refusal, check_image, check_ports};
use super::world::{
    AfterStop, Container, Host, Kind, Process, Project, Service, Stack, Step, Transition, World, later, number_of, text,
};
use super::{NewHost, NewService};

/// A project.
pub(super) fn project(world: &mut World, name: &str, orchestration: &str) -> u32 {
    let id = world.next(Kind::Project);
    let uuid = world.uuid();
    let created = world.now;
    world.projects.insert(
        id,
        Project {
            id,
            name: name.into(),
            orchestration: orchestration.into(),
            created,
            uuid,
        },
    );
    world.touch(Kind::Project, id);
    id
}

/// A stack, active at once.
pub(super) fn stack(world: &mut World, project: u32, name: &str, system: bool) -> u32 {
    let id = world.next(Kind::Stack);
    let uuid = world.uuid();
    let stack = Stack {
        id,
        project,
        name: name.into(),
        description: None,
        group: None,
        system,
        state: "active",
        created: world.now,
        uuid,
        removed: None,
    };
    world.stacks.insert(id, stack);
    world.touch(Kind::Stack, id);
    id
}

/// A host, active at once.
pub(super) fn host(world: &mut World, project: u32, new: &NewHost) -> u32 {
    let id = world.next(Kind::Host);
    let uuid = world.uuid();
    let host = Host {
        id,
        project,
        name: new.name.clone(),
        address: new.address.clone(),
        labels: map(&new.labels),
        state: "active",
        agent_state: None,
        silent_since: None,
        images: BTreeSet::new(),
        cores: new.cores,
        memory_mb: new.memory_mb,
        cpu_percent: 12.0,
        memory_percent: 45.0,
        disk_percent: 38.0,
        created: world.now,
        uuid,
        removed: None,
        simulated: false,
    };
    world.hosts.insert(id, host);
    world.touch(Kind::Host, id);
    id
}

fn map(pairs: &[(String, String)]) -> Map<String, Value> {
    pairs
        .iter()
        .map(|(key, value)| (key.clone(), value.clone().into()))
        .collect()
}

/// Members that every configuration has on a real server.
fn launch(kind: &str, image: &str) -> Map<String, Value> {
    let value = json!({
        "type": kind, "imageUuid": format!("docker:{}", image.trim_start_matches("docker:")), "instanceTriggeredStop": "stop",
        "kind": "container", "networkMode": "managed", "privileged": false, "publishAllPorts": false, "readOnly": false,
        "runInit": false, "startOnCreate": true, "stdinOpen": true, "system": false, "tty": true, "version": "0", "vcpu": 1,
        "drainTimeoutMs": 0,
    });
    value.as_object().cloned().unwrap_or_default()
}

fn health_check(port: u16) -> Value {
    json!({
        "type": "instanceHealthCheck", "healthyThreshold": 2, "initializingTimeout": 60_000, "interval": 2_000, "name": null,
        "port": port, "recreateOnQuorumStrategyConfig": null, "reinitializingTimeout": 60_000,
        "requestLine": "GET /health HTTP/1.0", "responseTimeout": 2_000, "strategy": "recreate", "unhealthyThreshold": 3,
    })
}

fn blank(world: &mut World, project: u32, stack: u32, name: &str) -> Service {
    let id = world.next(Kind::Service);
    let uuid = world.uuid();
    Service {
        id,
        project,
        stack,
        name: name.into(),
        kind: "service".into(),
        description: None,
        state: "active",
        transition: Transition::No,
        scale: 1,
        current_scale: 0,
        launch: Map::new(),
        secondaries: Vec::new(),
        upgrade: Value::Null,
        retain_ip: false,
        system: false,
        start_on_create: true,
        extra: Map::new(),
        create_index: 0,
        created: world.now,
        uuid,
        removed: None,
        process: None,
        wake: None,
        batches: 0,
        pause_until: None,
        retry_at: None,
        operation: None,
    }
}

/// A service whose containers run and are healthy already.
pub(super) fn service(world: &mut World, stack: u32, new: &NewService) -> Option<u32> {
    let project = world.stacks.get(&stack)?.project;
    let mut service = blank(world, project, stack, &new.name);
    service.kind = new.kind.word().into();
    service.scale = new.scale;
    service.system = world.stacks.get(&stack).is_some_and(|stack| stack.system);
    let mut config = launch("launchConfig", &new.image);
    let mut labels = map(&new.labels);
    if new.global {
        labels.insert("io.rancher.scheduler.global".into(), "true".into());
    }
    if !new.sidekicks.is_empty() {
        let names: Vec<&str> = new.sidekicks.iter().map(|(name, _)| name.as_str()).collect();
        labels.insert("io.rancher.sidekicks".into(), names.join(",").into());
    }
    config.insert("labels".into(), labels.into());
    if !new.environment.is_empty() {
        config.insert("environment".into(), map(&new.environment).into());
    }
    if !new.ports.is_empty() {
        config.insert("ports".into(), new.ports.clone().into());
    }
    if let Some(port) = new.health_check {
        config.insert("healthCheck".into(), health_check(port));
    }
    service.secondaries = new
        .sidekicks
        .iter()
        .map(|(name, image)| {
            let mut config = launch("secondaryLaunchConfig", image);
            config.insert("name".into(), name.clone().into());
            config.insert("networkLaunchConfig".into(), new.name.clone().into());
            config.insert("networkMode".into(), "container".into());
            config.into()
        })
        .collect();
    service.launch = if new.kind.has_containers() {
        config
    } else {
        json!({"type": "launchConfig"}).as_object().cloned().unwrap_or_default()
    };
    if let Some(hostname) = &new.hostname {
        service.extra.insert("hostname".into(), hostname.clone().into());
    }
    let id = service.id;
    world.services.insert(id, service);
    settle_containers(world, id);
    world.touch_service(id);
    Some(id)
}

/// Makes all containers a service should have, running, without letting time pass.
fn settle_containers(world: &mut World, service: u32) {
    let Some(row) = world.services.get(&service).cloned() else {
        return;
    };
    if !row.has_containers() {
        return;
    }
    let hosts: Vec<u32> = world
        .hosts
        .values()
        .filter(|host| host.project == row.project && host.state == "active" && host.removed.is_none())
        .map(|host| host.id)
        .collect();
    let count = if row.is_global() { hosts.len() as u32 } else { row.scale };
    let offset = world.random() as usize;
    for index in 1..=count {
        let unit = world.uuid();
        let host = hosts.get((index as usize + offset) % hosts.len().max(1)).copied();
        for (configuration, launch) in row.configurations() {
            let (configuration, launch) = (configuration.clone(), launch.clone());
            let wanted = row.is_global().then_some(host).flatten();
            let Some(id) = world.request_container(service, &configuration, &unit, index, wanted) else {
                continue;
            };
            let (high, low) = (world.random() % 250 + 1, world.random() % 250 + 1);
            let now = world.now;
            if let Some(container) = world.containers.get_mut(&id) {
                container.host = host;
                container.step = Step::Running;
                container.transition = Transition::No;
                container.start_count = 1;
                container.first_running = Some(now);
                container.address = Some(format!("10.42.{high}.{low}"));
                container.health = launch
                    .get("healthCheck")
                    .filter(|check| check.is_object())
                    .map(|_| "healthy");
                container.due = None;
            }
            world.busy_containers.remove(&id);
            if let Some(host) = host.and_then(|host| world.hosts.get_mut(&host)) {
                host.images.insert(text(&launch, "imageUuid"));
            }
            world.touch_container(id);
        }
    }
    if let Some(row) = world.services.get_mut(&service) {
        row.create_index = count;
        row.current_scale = count;
    }
}

fn check_name(name: Option<&Value>) -> Result<String, Refusal> {
    let name = name.and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::invalid("MissingRequired", "name"))?;
    if name.len() > 63 {
        return Err(Refusal::invalid("MaxLengthExceeded", "name"));
    }
    let fine = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !fine || name.starts_with('-') || name.ends_with('-') {
        return Err(Refusal::invalid("InvalidCharacters", "name"));
    }
    Ok(name.to_owned())
}

/// POST on stacks.
pub(super) fn stack_from(world: &mut World, project: u32, body: &Value) -> Result<u32, Refusal> {
    let name = check_name(body.get("name"))?;
    let taken = world
        .stacks
        .values()
        .any(|stack| stack.project == project && stack.removed.is_none() && stack.name == name);
    if taken {
        return Err(Refusal::invalid("NotUnique", "name"));
    }
    let id = stack(world, project, &name, false);
    let ready = later(world.now, world.pace.settle);
    world.silences.insert(ready);
    if let Some(row) = world.stacks.get_mut(&id) {
        row.state = "activating";
        row.description = body.get("description").and_then(Value::as_str).map(str::to_owned);
        row.group = body.get("group").and_then(Value::as_str).map(str::to_owned);
    }
    Ok(id)
}

/// POST on services: `registering`, then on by itself.
pub(super) fn service_from(world: &mut World, project: u32, body: &Value) -> Result<u32, Refusal> {
    let name = check_name(body.get("name"))?;
    let scale = match body.get("scale") {
        None | Some(Value::Null) => 1,
        Some(Value::Number(number)) => {
            let scale = number.as_i64().and_then(|scale| u32::try_from(scale).ok());
            scale.ok_or_else(|| Refusal::invalid("MinLimitExceeded", "scale"))?
        }
        Some(_) => return Err(Refusal::invalid("InvalidFormat", "scale")),
    };
    let stack = body.get("stackId").and_then(Value::as_str);
    let Some(stack) = stack else {
        return Err(Refusal {
            message: Some("stack is not in a valid state".into()),
            ..Refusal::invalid("InvalidState", "stackId")
        });
    };
    let stack = number_of(stack)
        .filter(|stack| {
            world
                .stacks
                .get(stack)
                .is_some_and(|row| row.project == project && row.removed.is_none())
        })
        .ok_or_else(|| Refusal::invalid("InvalidReference", "stackId"))?;
    let config = body
        .get("launchConfig")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if config.get("imageUuid").is_none_or(Value::is_null) && body.get("selectorContainer").is_none_or(Value::is_null) {
        return Err(Refusal::invalid(
            "InvalidOption",
            "Image is required when selectorContainer is not passed in",
        ));
    }
    check_image(&config)?;
    check_ports(&config)?;
    let taken = world
        .services
        .values()
        .any(|row| row.stack == stack && row.removed.is_none() && row.name == name);
    if taken {
        return Err(Refusal::invalid("NotUnique", "name"));
    }
    let mut service = blank(world, project, stack, &name);
    let mut full = launch("launchConfig", &text(&config, "imageUuid"));
    full.extend(config);
    service.launch = full;
    service.secondaries = body
        .get("secondaryLaunchConfigs")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for config in &mut service.secondaries {
        config["version"] = "0".into();
    }
    service.scale = scale;
    service.start_on_create = body.get("startOnCreate").and_then(Value::as_bool).unwrap_or(false);
    service.description = body.get("description").and_then(Value::as_str).map(str::to_owned);
    service.state = "registering";
    service.transition = Transition::busy();
    service.process = Some(Process::Register);
    let id = service.id;
    world.services.insert(id, service);
    let soon = later(world.now, world.pace.settle);
    world.wake(id, soon);
    world.touch_service(id);
    Ok(id)
}

/// A container started by hand, outside any service.
pub(super) fn standalone(world: &mut World, project: u32, name: &str, image: &str, host: Option<u32>) -> u32 {
    let id = world.next(Kind::Container);
    let (uuid, docker_id, unit) = (world.uuid(), world.uuid(), world.uuid());
    let container = Container {
        id,
        project,
        name: name.into(),
        service: None,
        also: Vec::new(),
        host,
        wanted_host: None,
        step: Step::Running,
        health: None,
        transition: Transition::No,
        progress: None,
        configuration: String::new(),
        launch: launch("launchConfig", image),
        unit,
        index: 1,
        marked: false,
        address: None,
        docker_id,
        created: world.now,
        first_running: Some(world.now),
        start_count: 1,
        uuid,
        removed: None,
        due: None,
        after_stop: AfterStop::Stay,
        log: VecDeque::new(),
        log_first: 1,
    };
    world.containers.insert(id, container);
    world.touch_container(id);
    id
}

/// Actions of stacks that this server speaks.
pub(super) fn stack_action(world: &mut World, id: u32, action: &str) -> Result<(), Refusal> {
    const KNOWN: [&str; 10] = [
        "activateservices",
        "deactivateservices",
        "exportconfig",
        "addoutputs",
        "upgrade",
        "update",
        "finishupgrade",
        "cancelupgrade",
        "rollback",
        "remove",
    ];
    if !KNOWN.contains(&action) {
        return Err(Refusal::invalid("InvalidAction", "action"));
    }
    let services: Vec<u32> = world
        .services
        .values()
        .filter(|row| row.stack == id && row.removed.is_none())
        .map(|row| row.id)
        .collect();
    match action {
        "activateservices" | "deactivateservices" => {
            for service in services {
                // A service that is not in the right state stays as it is, as on the real server.
                let _skipped = world.service_action(service, action.trim_end_matches("services"), &Value::Null);
            }
            Ok(())
        }
        "remove" => {
            for service in services {
                world.service_action(service, "remove", &Value::Null)?;
            }
            let now = world.now;
            if let Some(stack) = world.stacks.get_mut(&id) {
                stack.state = "removed";
                stack.removed = Some(now);
            }
            world.touch(Kind::Stack, id);
            world.bury(Kind::Stack, id);
            Ok(())
        }
        _ => Err(Refusal::invalid("ActionNotAvailable", "action")),
    }
}

/// PUT on a stack.
pub(super) fn put_stack(world: &mut World, id: u32, body: &Value) -> Result<(), Refusal> {
    let stack = world
        .stacks
        .get_mut(&id)
        .ok_or_else(|| Refusal::plain(404, "Not Found"))?;
    if stack.removed.is_some() {
        return Err(Refusal::plain(409, "Conflict"));
    }
    if let Some(description) = body.get("description").and_then(Value::as_str) {
        stack.description = Some(description.to_owned());
    }
    if let Some(group) = body.get("group").and_then(Value::as_str) {
        stack.group = Some(group.to_owned());
    }
    if let Some(name) = body.get("name").and_then(Value::as_str) {
        name.clone_into(&mut stack.name);
    }
    world.touch(Kind::Stack, id);
    Ok(())
}
