//! Bytes of a Cattle server → items (`apis/rancher.md § 3`). Reads fields one by one from loose JSON, so that a null, a
//! number written as text, an unknown member or an unknown state costs one field and never the item or the list.
//!
//! Refuses: environment variables and answers of stacks (they hold secrets and are never copied), links (rebased by the
//! caller or made here), judging across resources (`shelf.rs` does: hosts that are away, names of stacks).

use std::collections::BTreeMap;

use jiff::Timestamp;
use kopi_model::item::{HostLoad, PreviousVersion, ServiceKind, Sidekick, UpgradeFacts, UpgradePhase};
use kopi_model::wire::ServiceEvent;
use kopi_model::{ConnectionName, Container, Environment, Host, ItemId, ItemKind, Scope, Service, Stack, Verb};
use serde_json::Value;
use url::Url;

use super::states;

/// Longest name, state or image that is kept, characters.
const NAME_LIMIT: usize = 300;
/// Longest message that is kept, characters.
const MESSAGE_LIMIT: usize = 2_000;
/// Most labels, offers, sidekicks or endpoints that are kept of one resource.
const LIST_LIMIT: usize = 200;

const START_ONCE: &str = "io.rancher.container.start_once";
const GLOBAL: &str = "io.rancher.scheduler.global";
const LAUNCH_CONFIG: &str = "io.rancher.service.launch.config";
const PRIMARY: &str = "io.rancher.service.primary.launch.config";

/// Where resources come from: what every item of one environment shares.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Connection.
    pub(super) connection: ConnectionName,
    /// Base address without `/v2-beta`, ends in a slash.
    pub(super) base: Url,
    /// The server's id of the environment, `1a5`.
    pub(super) project: String,
}

impl Place {
    /// The id of the environment's item.
    pub(super) fn environment(&self) -> ItemId {
        ItemId::new(ItemKind::Environment, &self.connection, &self.project)
    }

    /// The scope of everything inside it.
    pub(super) fn scope(&self) -> Scope {
        scope_of(&self.project)
    }

    fn id(&self, kind: ItemKind, native: &str) -> ItemId {
        ItemId::new(kind, &self.connection, native)
    }

    fn page(&self, tail: &str) -> Option<String> {
        let path = format!("env/{}{tail}", self.project);
        self.base.join(&path).ok().map(String::from)
    }
}

/// `environment:1a5`.
pub(super) fn scope_of(project: &str) -> Scope {
    Scope::from(format!("environment:{project}"))
}

/// A text member, cleaned and cut; none when absent, null, empty or not text.
pub(super) fn text(value: &Value, member: &str, limit: usize) -> Option<String> {
    let cleaned = match value.get(member)? {
        Value::String(text) => kopi_feed::text::clean(text, limit),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!cleaned.is_empty()).then_some(cleaned)
}

fn name(value: &Value, member: &str) -> Option<String> {
    text(value, member, NAME_LIMIT)
}

fn word(value: &Value, member: &str) -> String {
    name(value, member).unwrap_or_default()
}

/// A whole number, also when written as text.
pub(super) fn number(value: &Value, member: &str) -> Option<i64> {
    match value.get(member)? {
        Value::Number(number) => number.as_i64().or_else(|| {
            number
                .as_f64()
                .filter(|float| float.is_finite())
                .map(|float| float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn count(value: &Value, member: &str) -> Option<u32> {
    number(value, member).and_then(|number| u32::try_from(number).ok())
}

fn truth(value: &Value, member: &str) -> bool {
    match value.get(member) {
        Some(Value::Bool(truth)) => *truth,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// A date: the `…TS` twin in milliseconds first, else the ISO text.
fn date(value: &Value, member: &str) -> Option<Timestamp> {
    number(value, &format!("{member}TS"))
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .or_else(|| value.get(member)?.as_str()?.parse().ok())
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// An id that can be put into an item's id and into a path: `1s23`. Anything else is not one.
pub(super) fn native_id(value: &Value, member: &str) -> Option<String> {
    let id = text(value, member, 64)?;
    id.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(id)
}

/// Whether the server lists this action for this key, now.
pub(super) fn lists(value: &Value, action: &str) -> bool {
    let actions = value.get("actions").or_else(|| value.get("actionLinks"));
    actions.is_some_and(|actions| actions.get(action).is_some())
}

/// What a service may be told, from what the server lists. External and alias services list `upgrade` and hang in it for
/// ever (`§ 4.3`); `update` is listed while an upgrade runs and would end it half-way.
fn service_offers(value: &Value, kind: ServiceKind, state: &str, global: bool) -> Vec<Verb> {
    let deployable = matches!(kind, ServiceKind::Service | ServiceKind::LoadBalancer);
    let scalable = deployable && !global && matches!(state, "active" | "inactive" | "activating" | "updating-active");
    let table = [
        (Verb::Redeploy, "upgrade", deployable),
        (Verb::Upgrade, "upgrade", deployable),
        (Verb::Finish, "finishupgrade", deployable),
        (Verb::Rollback, "rollback", deployable),
        (Verb::Cancel, "cancelupgrade", kind != ServiceKind::Other),
        (Verb::Restart, "restart", deployable),
        (Verb::Start, "activate", kind != ServiceKind::Other),
        (Verb::Stop, "deactivate", kind != ServiceKind::Other),
        (Verb::Scale, "update", scalable),
    ];
    let offered = table
        .into_iter()
        .filter(|(_, action, sensible)| *sensible && lists(value, action));
    offered.map(|(verb, ..)| verb).collect()
}

fn container_offers(value: &Value) -> Vec<Verb> {
    let table = [(Verb::Restart, "restart"), (Verb::Start, "start"), (Verb::Stop, "stop")];
    let offered = table.into_iter().filter(|(_, action)| lists(value, action));
    offered.map(|(verb, _)| verb).collect()
}

fn phase(state: &str) -> UpgradePhase {
    match state {
        "upgrading" => UpgradePhase::Running,
        "upgraded" => UpgradePhase::AwaitsFinish,
        "canceling-upgrade" | "canceled-upgrade" => UpgradePhase::Cancelled,
        "rolling-back" => UpgradePhase::RollingBack,
        "finishing-upgrade" => UpgradePhase::Finishing,
        _ => UpgradePhase::None,
    }
}

fn labels(value: &Value) -> BTreeMap<String, String> {
    let Some(map) = value.get("labels").and_then(Value::as_object) else {
        return BTreeMap::new();
    };
    map.iter()
        .take(LIST_LIMIT)
        .filter_map(|(key, label)| {
            let label = match label {
                Value::String(text) => kopi_feed::text::clean(text, MESSAGE_LIMIT),
                Value::Bool(_) | Value::Number(_) => label.to_string(),
                _ => return None,
            };
            Some((kopi_feed::text::clean(key, NAME_LIMIT), label))
        })
        .collect()
}

/// `docker:host/repo:tag` → `host/repo:tag`.
fn image(value: &Value) -> String {
    let full = word(value, "imageUuid");
    full.strip_prefix("docker:").map_or(full.clone(), str::to_owned)
}

/// A project. `None`: gone, or not usable.
pub(super) fn environment(
    connection: &ConnectionName,
    base: &Url,
    value: &Value,
    may_act: Option<bool>,
    production: &[String],
) -> Option<Environment> {
    let native = native_id(value, "id")?;
    let state = word(value, "state");
    if states::is_gone(&state) {
        return None;
    }
    let name = word(value, "name");
    let place = Place {
        connection: connection.clone(),
        base: base.clone(),
        project: native.clone(),
    };
    Some(Environment {
        id: place.environment(),
        connection: connection.clone(),
        scope: Scope::from("environments"),
        production: is_production(&native, &name, production),
        name,
        may_act,
        orchestration: self::name(value, "orchestration"),
        status: states::of_environment(&state),
        server_state: state,
        url: place.page(""),
    })
}

/// Set by a person, or the name says so.
fn is_production(native: &str, name: &str, listed: &[String]) -> bool {
    listed.iter().any(|one| one == native || one == name)
        || name.to_lowercase().starts_with("prod")
        || name.starts_with("生产")
}

/// A stack. `None`: gone, or not usable.
pub(super) fn stack(place: &Place, value: &Value) -> Option<Stack> {
    let native = native_id(value, "id")?;
    let state = word(value, "state");
    if states::is_gone(&state) {
        return None;
    }
    Some(Stack {
        id: place.id(ItemKind::Stack, &native),
        connection: place.connection.clone(),
        scope: place.scope(),
        environment: place.environment(),
        name: word(value, "name"),
        system: truth(value, "system"),
        status: states::of_stack(&state, &word(value, "transitioning")),
        server_state: state,
        message: text(value, "transitioningMessage", MESSAGE_LIMIT),
        url: place.page(&format!("/apps/stacks/{native}")),
    })
}

fn service_kind(value: &Value) -> ServiceKind {
    let kind = name(value, "type").or_else(|| name(value, "kind")).unwrap_or_default();
    match kind.as_str() {
        "service" if has_selector(value) => ServiceKind::Selector,
        "service" => ServiceKind::Service,
        "loadBalancerService" => ServiceKind::LoadBalancer,
        "externalService" => ServiceKind::External,
        "dnsService" => ServiceKind::Alias,
        _ => ServiceKind::Other,
    }
}

/// A selector service starts nothing itself: it has no image of its own (`docker:rancher/none`).
fn has_selector(value: &Value) -> bool {
    let own = value.get("launchConfig").map(image).unwrap_or_default();
    name(value, "selectorContainer").is_some() && (own.is_empty() || own.starts_with("rancher/none"))
}

/// A service; its stack's name is filled in by the shelf. `None`: gone, or not usable.
pub(super) fn service(place: &Place, value: &Value) -> Option<Service> {
    let native = native_id(value, "id")?;
    let state = word(value, "state");
    if states::is_gone(&state) {
        return None;
    }
    let kind = service_kind(value);
    let shapeless = matches!(kind, ServiceKind::External | ServiceKind::Alias);
    let launch = value.get("launchConfig").unwrap_or(&Value::Null);
    let labels = labels(launch);
    let global = labels.get(GLOBAL).is_some_and(|label| label == "true");
    let transitioning = word(value, "transitioning");
    let health = if shapeless { None } else { name(value, "healthState") };
    let stack = native_id(value, "stackId").unwrap_or_default();
    let (previous, upgrade) = upgrade(value, name(launch, "version").as_deref());
    let (offers, phase) = (service_offers(value, kind, &state, global), phase(&state));
    Some(Service {
        id: place.id(ItemKind::Service, &native),
        connection: place.connection.clone(),
        scope: place.scope(),
        environment: place.environment(),
        url: place.page(&format!("/apps/stacks/{stack}/services/{native}/containers")),
        stack: place.id(ItemKind::Stack, &stack),
        stack_name: String::new(),
        name: word(value, "name"),
        service_kind: kind,
        system: truth(value, "system"),
        status: states::of_service(&state, &transitioning, health.as_deref(), shapeless),
        server_state: state,
        health,
        message: text(value, "transitioningMessage", MESSAGE_LIMIT),
        failing: transitioning == "error",
        image: image(launch),
        version: name(launch, "version"),
        sidekicks: list(value, "secondaryLaunchConfigs")
            .iter()
            .take(LIST_LIMIT)
            .filter_map(sidekick)
            .collect(),
        scale: if global || shapeless {
            None
        } else {
            count(value, "scale")
        },
        global,
        has_health_check: launch.get("healthCheck").is_some_and(Value::is_object),
        previous,
        upgrade,
        labels,
        offers,
        phase,
        endpoints: endpoints(value),
        created_at: date(value, "created"),
    })
}

fn sidekick(value: &Value) -> Option<Sidekick> {
    Some(Sidekick {
        name: name(value, "name")?,
        image: image(value),
        version: name(value, "version"),
    })
}

/// What the last upgrade replaced, and how. The `upgrade` member stays after a roll back, and right after a new upgrade was
/// accepted it still shows the one before: it counts only when it leads to the configuration that is set now (`§ 6.1`).
fn upgrade(value: &Value, version: Option<&str>) -> (Option<PreviousVersion>, Option<UpgradeFacts>) {
    let Some(strategy) = value
        .get("upgrade")
        .and_then(|upgrade| upgrade.get("inServiceStrategy"))
        .filter(|strategy| strategy.is_object())
    else {
        return (None, None);
    };
    let facts = UpgradeFacts {
        batch_size: count(strategy, "batchSize").unwrap_or(1),
        interval_ms: number(strategy, "intervalMillis")
            .and_then(|millis| u64::try_from(millis).ok())
            .unwrap_or(2_000),
        start_first: truth(strategy, "startFirst"),
    };
    let previous = strategy.get("previousLaunchConfig").filter(|config| config.is_object());
    let target = strategy.get("launchConfig").and_then(|config| name(config, "version"));
    let previous = previous.filter(|previous| {
        let rolled_back = version.is_some() && name(previous, "version").as_deref() == version;
        let leads_here = target.is_none() || target.as_deref() == version;
        leads_here && !rolled_back && !image(previous).is_empty()
    });
    let previous = previous.map(|config| PreviousVersion {
        image: image(config),
        version: name(config, "version"),
    });
    (previous, Some(facts))
}

fn endpoints(value: &Value) -> Vec<String> {
    let mut endpoints: Vec<String> = list(value, "publicEndpoints")
        .iter()
        .take(LIST_LIMIT)
        .filter_map(|endpoint| {
            let address = name(endpoint, "ipAddress")?;
            let port = u16::try_from(number(endpoint, "port")?).ok()?;
            let bracketed = if address.contains(':') {
                format!("[{address}]")
            } else {
                address
            };
            Some(format!("{bracketed}:{port}"))
        })
        .collect();
    // The server's order changes from answer to answer: that is no change.
    endpoints.sort_unstable();
    endpoints.dedup();
    endpoints
}

/// A container, with the status it would have if its host could be believed. `None`: gone, or not usable.
pub(super) fn container(place: &Place, value: &Value) -> Option<Container> {
    let native = native_id(value, "id")?;
    let state = word(value, "state");
    if states::is_gone(&state) {
        return None;
    }
    let labels = labels(value);
    let health = name(value, "healthState");
    let start_count = count(value, "startCount");
    let start_once = labels.get(START_ONCE).is_some_and(|label| label == "true");
    let services = list(value, "serviceIds").iter().take(LIST_LIMIT).filter_map(|id| {
        let id = id.as_str()?;
        id.bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
            .then(|| place.id(ItemKind::Service, id))
    });
    let status = states::of_container(
        &state,
        &word(value, "transitioning"),
        health.as_deref(),
        start_once,
        start_count.unwrap_or(0),
    );
    Some(Container {
        id: place.id(ItemKind::Container, &native),
        connection: place.connection.clone(),
        scope: place.scope(),
        environment: place.environment(),
        services: services.collect(),
        host: native_id(value, "hostId").map(|id| place.id(ItemKind::Host, &id)),
        name: word(value, "name"),
        sidekick: labels.get(LAUNCH_CONFIG).filter(|config| *config != PRIMARY).cloned(),
        status,
        server_state: state,
        health,
        message: text(value, "transitioningMessage", MESSAGE_LIMIT),
        image: image(value),
        version: name(value, "version"),
        unit: name(value, "deploymentUnitUuid"),
        docker_id: name(value, "externalId"),
        address: name(value, "primaryIpAddress"),
        start_count,
        system: truth(value, "system"),
        labels,
        created_at: date(value, "created"),
        started_at: date(value, "firstRunning"),
        offers: container_offers(value),
    })
}

/// A host; its load is not damped yet. `None`: gone, or not usable.
pub(super) fn host(place: &Place, value: &Value) -> Option<Host> {
    let native = native_id(value, "id")?;
    let state = word(value, "state");
    if states::is_gone(&state) {
        return None;
    }
    let info = value.get("info").unwrap_or(&Value::Null);
    Some(Host {
        id: place.id(ItemKind::Host, &native),
        connection: place.connection.clone(),
        scope: place.scope(),
        environment: place.environment(),
        name: name(value, "name")
            .or_else(|| name(value, "hostname"))
            .unwrap_or_else(|| native.clone()),
        status: states::of_host(&state),
        server_state: state,
        address: name(value, "agentIpAddress"),
        labels: labels(value),
        load: load(info),
        system_text: system_text(info.get("osInfo").unwrap_or(&Value::Null)),
    })
}

fn percent(part: f64) -> Option<u8> {
    part.is_finite().then(|| part.round().clamp(0.0, 100.0) as u8)
}

fn float(value: &Value, member: &str) -> Option<f64> {
    match value.get(member)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn load(info: &Value) -> HostLoad {
    let cores: Vec<f64> = info
        .get("cpuInfo")
        .map(|cpu| {
            list(cpu, "cpuCoresPercentages")
                .iter()
                .filter_map(Value::as_f64)
                .collect()
        })
        .unwrap_or_default();
    let memory = info.get("memoryInfo").unwrap_or(&Value::Null);
    let free = float(memory, "memAvailable").or_else(|| float(memory, "memFree"));
    let disks = info
        .get("diskInfo")
        .and_then(|disks| disks.get("mountPoints"))
        .and_then(Value::as_object);
    HostLoad {
        cpu_percent: (!cores.is_empty())
            .then(|| cores.iter().sum::<f64>() / cores.len() as f64)
            .and_then(percent),
        memory_percent: float(memory, "memTotal")
            .filter(|total| *total > 0.0)
            .zip(free)
            .and_then(|(total, free)| percent((total - free) / total * 100.0)),
        disk_percent: disks.and_then(|points| {
            let used = points
                .values()
                .filter_map(|point| percent(float(point, "percentUsed")?));
            used.max()
        }),
    }
}

/// "Ubuntu 16.04, Docker 17.03.2-ce".
fn system_text(os: &Value) -> Option<String> {
    let system = name(os, "operatingSystem");
    let docker = name(os, "dockerVersion").map(|full| {
        let version = full.strip_prefix("Docker version ").unwrap_or(&full);
        format!("Docker {}", version.split(',').next().unwrap_or(version))
    });
    match (system, docker) {
        (Some(system), Some(docker)) => Some(format!("{system}, {docker}")),
        (one, other) => one.or(other),
    }
}

/// A row of the service log (`§ 3.7`). The counting rows (`….info`, "Requested: 2, Created: 2 …") are left out.
pub(super) fn service_event(value: &Value) -> Option<ServiceEvent> {
    let kind = name(value, "eventType")?;
    let is_error = word(value, "level") == "error";
    if kind.rsplit('.').next() == Some("info") && !is_error {
        return None;
    }
    Some(ServiceEvent {
        at: date(value, "created"),
        ended_at: date(value, "endTime"),
        kind,
        is_error,
        text: text(value, "description", MESSAGE_LIMIT).unwrap_or_default(),
    })
}
