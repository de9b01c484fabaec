//! A world taken over from the lists of a real server, with its ids: so that the fake can be asked what the real one was
//! asked. Tests only.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::world::{
    AfterStop, Container, Host, Kind, Project, Service, Stack, Step, Transition, World, number_of, text,
};
use super::{FakeCattle, Pace};

fn rows(list: &str) -> Vec<Map<String, Value>> {
    let list: Value = serde_json::from_str(list).expect("a fixture");
    let rows = list["data"].as_array().expect("a collection").iter();
    rows.map(|row| row.as_object().expect("a row").clone()).collect()
}

fn id(row: &Map<String, Value>, member: &str) -> u32 {
    number_of(&text(row, member)).unwrap_or(0)
}

fn date(row: &Map<String, Value>, member: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(row.get(&format!("{member}TS"))?.as_i64()?).ok()
}

fn state(row: &Map<String, Value>) -> &'static str {
    match text(row, "state").as_str() {
        "active" => "active",
        "inactive" => "inactive",
        "activating" => "activating",
        other => panic!("{other}"),
    }
}

/// The world of these lists at that time.
pub(in crate::rancher) fn world_of(
    now: Timestamp,
    pace: Pace,
    [projects, stacks, services, containers, hosts]: [&str; 5],
) -> FakeCattle {
    let cattle = FakeCattle::new(now, pace, 1);
    let mut world = cattle.lock();
    for row in rows(projects) {
        let id = id(&row, "id");
        world.reserve(Kind::Project, id);
        let project = Project {
            id,
            name: text(&row, "name"),
            orchestration: text(&row, "orchestration"),
            created: date(&row, "created").unwrap_or(now),
            uuid: text(&row, "uuid"),
        };
        world.projects.insert(id, project);
    }
    for row in rows(stacks) {
        let id = id(&row, "id");
        world.reserve(Kind::Stack, id);
        let stack = Stack {
            id,
            project: self::id(&row, "accountId"),
            name: text(&row, "name"),
            description: row["description"].as_str().map(str::to_owned),
            group: row["group"].as_str().map(str::to_owned),
            system: row["system"] == true,
            state: "active",
            created: date(&row, "created").unwrap_or(now),
            uuid: text(&row, "uuid"),
            removed: None,
        };
        world.stacks.insert(id, stack);
    }
    for row in rows(services) {
        add_service(&mut world, &row, now);
    }
    for row in rows(hosts) {
        let id = id(&row, "id");
        world.reserve(Kind::Host, id);
        let host = Host {
            id,
            project: self::id(&row, "accountId"),
            name: text(&row, "name"),
            address: text(&row, "agentIpAddress"),
            labels: Map::new(),
            state: state(&row),
            agent_state: None,
            silent_since: None,
            images: BTreeSet::new(),
            cores: 1,
            memory_mb: 1,
            cpu_percent: 0.0,
            memory_percent: 0.0,
            disk_percent: 0.0,
            created: date(&row, "created").unwrap_or(now),
            uuid: text(&row, "uuid"),
            removed: None,
            simulated: true,
        };
        world.hosts.insert(id, host);
    }
    for row in rows(containers) {
        add_container(&mut world, &row, now);
    }
    drop(world);
    cattle
}

fn add_service(world: &mut World, row: &Map<String, Value>, now: Timestamp) {
    let id = id(row, "id");
    world.reserve(Kind::Service, id);
    let kind = text(row, "type");
    let own: &[&str] = match kind.as_str() {
        "externalService" => &["hostname", "externalIpAddresses"],
        "loadBalancerService" => &["lbConfig", "linkedServices"],
        "dnsService" => &["linkedServices"],
        "networkDriverService" => &["networkDriver", "selectorContainer"],
        _ => &["selectorContainer", "selectorLink", "linkedServices"],
    };
    let extra = own
        .iter()
        .filter_map(|member| Some(((*member).to_owned(), row.get(*member)?.clone())));
    let service = Service {
        id,
        project: self::id(row, "accountId"),
        stack: self::id(row, "stackId"),
        name: text(row, "name"),
        description: row["description"].as_str().map(str::to_owned),
        state: state(row),
        transition: Transition::No,
        scale: row.get("scale").and_then(Value::as_u64).unwrap_or(1) as u32,
        current_scale: row.get("currentScale").and_then(Value::as_u64).unwrap_or(0) as u32,
        launch: row["launchConfig"].as_object().cloned().unwrap_or_default(),
        secondaries: row["secondaryLaunchConfigs"].as_array().cloned().unwrap_or_default(),
        upgrade: Value::Null,
        retain_ip: false,
        system: row["system"] == true,
        start_on_create: row["startOnCreate"] == true,
        extra: extra.collect(),
        kind,
        create_index: row.get("createIndex").and_then(Value::as_u64).unwrap_or(0) as u32,
        created: date(row, "created").unwrap_or(now),
        uuid: text(row, "uuid"),
        removed: None,
        process: None,
        wake: None,
        batches: 0,
        pause_until: None,
        retry_at: None,
        operation: None,
    };
    world.services.insert(id, service);
}

fn add_container(world: &mut World, row: &Map<String, Value>, now: Timestamp) {
    let id = id(row, "id");
    world.reserve(Kind::Container, id);
    let services: Vec<u32> = row["serviceIds"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|id| number_of(id.as_str()?))
        .collect();
    let labels = row["labels"].as_object().cloned().unwrap_or_default();
    let config = text(&labels, "io.rancher.service.launch.config");
    let configuration = if config.starts_with("io.rancher") {
        String::new()
    } else {
        config
    };
    let own = services.first().and_then(|service| world.services.get(service));
    let launch = own.and_then(|service| {
        let mut all = service.configurations().into_iter();
        all.find(|(name, _)| *name == configuration)
            .map(|(_, config)| config.clone())
    });
    let name = text(row, "name");
    let index = name
        .rsplit('-')
        .next()
        .and_then(|index| index.parse().ok())
        .unwrap_or(1);
    let step = match text(row, "state").as_str() {
        "running" => Step::Running,
        "stopped" => Step::Stopped,
        "error" => Step::Error,
        other => panic!("{other}"),
    };
    let container = Container {
        id,
        project: self::id(row, "accountId"),
        name,
        service: services.first().copied(),
        also: services.iter().skip(1).copied().collect(),
        host: number_of(&text(row, "hostId")),
        wanted_host: None,
        step,
        health: match row["healthState"].as_str() {
            Some("healthy") => Some("healthy"),
            Some("initializing") => Some("initializing"),
            _ => None,
        },
        transition: Transition::No,
        progress: None,
        configuration,
        launch: launch.unwrap_or_default(),
        unit: text(row, "deploymentUnitUuid"),
        index,
        marked: false,
        address: row["primaryIpAddress"].as_str().map(str::to_owned),
        docker_id: text(row, "externalId"),
        created: date(row, "created").unwrap_or(now),
        first_running: date(row, "firstRunning"),
        start_count: row["startCount"].as_u64().unwrap_or(0) as u32,
        uuid: text(row, "uuid"),
        removed: None,
        due: None,
        after_stop: AfterStop::Stay,
        log: VecDeque::new(),
        log_first: 1,
    };
    if let Some(service) = container.service {
        world.members.entry(service).or_default().insert(id);
    }
    let image = container.image();
    world.containers.insert(id, container);
    for host in world.hosts.values_mut() {
        host.images.insert(image.clone());
    }
}
