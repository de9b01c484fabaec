//! Rows → the JSON that goes out. Skeletons with every member a real answer has, in its order, are in `shapes/`.

use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::health;
use super::render_rows;
use super::verbs;
use super::world::{Container, Host, Kind, Project, Role, Service, Stack, Step, Transition, World};

/// How the caller came in: decides links, dialect and what is hidden.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// `http://host:port`.
    pub(super) origin: String,
    /// `v2-beta` or `v1`.
    pub(super) dialect: &'static str,
    /// The project in the path.
    pub(super) project: Option<u32>,
    /// The caller's role there.
    pub(super) role: Role,
    /// `X-API-Action-Links` was sent.
    pub(super) action_links: bool,
}

impl View {
    /// `http://host/v2-beta` with the project, when it was in the path.
    pub(super) fn prefix(&self) -> String {
        let root = format!("{}/{}", self.origin, self.dialect);
        match self.project {
            Some(project) => format!("{root}/projects/{}", Kind::Project.id(project)),
            None => root,
        }
    }
}

fn shapes() -> &'static Map<String, Value> {
    static SHAPES: OnceLock<Map<String, Value>> = OnceLock::new();
    SHAPES.get_or_init(|| serde_json::from_str(include_str!("shapes/resources.json")).unwrap_or_default())
}

fn shape(kind: &str) -> Map<String, Value> {
    let shapes = shapes();
    let fallback = || shapes.get("service");
    shapes
        .get(kind)
        .or_else(fallback)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

/// `2026-11-24T22:24:47Z`.
pub(super) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An answer in the making.
pub(super) struct Row {
    pub(super) out: Map<String, Value>,
}

impl Row {
    pub(super) fn new(kind: &str, view: &View, collection: &str, id: &str, actions: &[&str]) -> Self {
        let mut out = shape(kind);
        let own = format!("{}/{collection}/{id}", view.prefix());
        if let Some(Value::Object(links)) = out.get_mut("links") {
            for (_, link) in links.iter_mut() {
                *link = format!("{own}{}", link.as_str().unwrap_or_default()).into();
            }
        }
        let allowed = actions
            .iter()
            .filter(|action| view.role != Role::Readonly || (**action == "logs" && kind == "container"));
        let actions: Map<String, Value> = allowed
            .map(|action| ((*action).to_owned(), format!("{own}/?action={action}").into()))
            .collect();
        if view.action_links {
            out.shift_remove("actions");
            out.insert("actionLinks".into(), actions.into());
        } else {
            out.insert("actions".into(), actions.into());
        }
        out.insert("id".into(), id.into());
        Self { out }
    }

    pub(super) fn set(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.out.insert(member.into(), value.into());
        self
    }

    pub(super) fn date(self, member: &str, at: Option<Timestamp>) -> Self {
        if let Some(at) = at {
            return self
                .set(member, iso(at))
                .set(&format!("{member}TS"), at.as_millisecond());
        }
        let mut row = self.set(member, Value::Null);
        row.out.shift_remove(&format!("{member}TS"));
        row
    }

    fn transition(self, transition: &Transition, progress: Option<u8>) -> Self {
        let (word, message) = match transition {
            Transition::No => ("no", Value::Null),
            Transition::Yes(message) => ("yes", message.clone().into()),
            Transition::Error(message) => ("error", message.clone().into()),
        };
        self.set("transitioning", word)
            .set("transitioningMessage", message)
            .set("transitioningProgress", progress.map_or(Value::Null, Value::from))
    }

    pub(super) fn done(self) -> Value {
        Value::Object(self.out)
    }
}

fn ids_or_null(kind: Kind, numbers: impl Iterator<Item = u32>) -> Value {
    let ids: Vec<Value> = numbers.map(|number| kind.id(number).into()).collect();
    if ids.is_empty() { Value::Null } else { ids.into() }
}

/// A project.
pub(super) fn project(world: &World, project: &Project, view: &View, admin: bool, user: bool) -> Value {
    let id = Kind::Project.id(project.id);
    let mut row = Row::new("project", view, "projects", &id, &[]);
    let actions: &[&str] = if admin {
        &[
            "upgrade",
            "update",
            "deactivate",
            "setmembers",
            "delete",
            "defaultNetworkId",
        ]
    } else {
        &["defaultNetworkId"]
    };
    let own = format!("{}/{}/projects/{id}", view.origin, view.dialect);
    let links = shape("project")
        .get("links")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let links: Map<String, Value> = links
        .into_iter()
        .filter(|(name, _)| name != "subscribe" || !user)
        .map(|(name, tail)| {
            let tail = tail
                .as_str()
                .unwrap_or_default()
                .replace("/projects/1a5", &format!("/projects/{id}"));
            (name, format!("{own}{tail}").into())
        })
        .collect();
    let actions: Map<String, Value> = actions
        .iter()
        .map(|action| {
            (
                (*action).to_owned(),
                format!("{own}/?action={}", action.to_lowercase()).into(),
            )
        })
        .collect();
    let mut links = links;
    if user {
        links.insert("userPreferences".into(), format!("{own}/userpreferences").into());
    }
    row.out.insert("links".into(), links.into());
    row.out.insert("actions".into(), actions.into());
    let healthy = world
        .stacks
        .values()
        .filter(|stack| stack.project == project.id && stack.removed.is_none())
        .all(|stack| health::stack_health(world, stack.id) == "healthy");
    row.set("name", project.name.as_str())
        .set("state", "active")
        .set("healthState", if healthy { "healthy" } else { "degraded" })
        .set("orchestration", project.orchestration.as_str())
        .set("uuid", project.uuid.as_str())
        .date("created", Some(project.created))
        .done()
}

/// A stack; `v1` calls it an environment.
pub(super) fn stack(world: &World, stack: &Stack, view: &View) -> Value {
    let actions: &[&str] = match stack.state {
        "active" => &[
            "deactivateservices",
            "activateservices",
            "upgrade",
            "addoutputs",
            "update",
            "exportconfig",
            "remove",
        ],
        "removed" | "removing" => &["deactivateservices", "activateservices", "addoutputs", "exportconfig"],
        _ => &[
            "deactivateservices",
            "activateservices",
            "addoutputs",
            "exportconfig",
            "remove",
            "error",
        ],
    };
    let old = view.dialect == "v1";
    let (collection, kind, id) = if old {
        ("environments", "environment", format!("1e{}", stack.id))
    } else {
        ("stacks", "stack", Kind::Stack.id(stack.id))
    };
    let services = world
        .services
        .values()
        .filter(|service| service.stack == stack.id && service.removed.is_none());
    let busy = if stack.state == "active" {
        Transition::No
    } else {
        Transition::busy()
    };
    let removed = stack.state == "removed";
    Row::new("stack", view, collection, &id, actions)
        .set("type", kind)
        .set("kind", kind)
        .set("baseType", kind)
        .set("name", stack.name.as_str())
        .set("description", stack.description.clone())
        .set("group", stack.group.clone())
        .set("state", stack.state)
        .set("accountId", Kind::Project.id(stack.project))
        .set("system", stack.system)
        .set("healthState", health::stack_health(world, stack.id))
        .set(
            "serviceIds",
            if old {
                Value::Null
            } else {
                ids_or_null(Kind::Service, services.map(|service| service.id))
            },
        )
        .set("uuid", stack.uuid.as_str())
        .date("created", Some(stack.created))
        .date("removed", stack.removed)
        .transition(if removed { &Transition::No } else { &busy }, None)
        .done()
}

fn hide(role: Role, launch: &Map<String, Value>) -> Value {
    let mut launch = launch.clone();
    if role == Role::Readonly {
        launch.shift_remove("environment");
    }
    launch.into()
}

/// A service of any kind.
pub(super) fn service(world: &World, service: &Service, view: &View) -> Value {
    let id = Kind::Service.id(service.id);
    let collection = match service.kind.as_str() {
        "loadBalancerService" => "loadbalancerservices",
        "externalService" => "externalservices",
        "dnsService" => "dnsservices",
        "networkDriverService" => "networkdriverservices",
        _ => "services",
    };
    let members = || {
        let own = world.members.get(&service.id).into_iter().flatten();
        own.filter_map(|id| world.containers.get(id))
            .filter(|container| container.removed.is_none())
    };
    let adopted = world
        .containers
        .values()
        .filter(|container| container.removed.is_none() && container.also.contains(&service.id));
    let instances = ids_or_null(Kind::Container, members().chain(adopted).map(|container| container.id));
    let endpoints: Vec<Value> = members()
        .filter(|container| container.step == Step::Running)
        .flat_map(|container| endpoints(world, container, service.id))
        .collect();
    let actions = verbs::service_actions(service);
    let shapeless = matches!(service.kind.as_str(), "externalService" | "dnsService");
    let secondaries: Vec<Value> = service
        .secondaries
        .iter()
        .filter_map(Value::as_object)
        .map(|config| hide(view.role, config))
        .collect();
    let mut row = Row::new(&service.kind, view, collection, &id, &actions)
        .set("type", service.kind.as_str())
        .set("kind", service.kind.as_str())
        .set("name", service.name.as_str())
        .set("description", service.description.clone())
        .set("state", service.state)
        .set("accountId", Kind::Project.id(service.project))
        .set("stackId", Kind::Stack.id(service.stack))
        .set("healthState", health::health(world, service))
        .set("instanceIds", instances)
        .set("launchConfig", hide(view.role, &service.launch))
        .set("secondaryLaunchConfigs", secondaries)
        .set("system", service.system)
        .set("startOnCreate", service.start_on_create)
        .set("upgrade", service.upgrade.clone())
        .set("uuid", service.uuid.as_str())
        .set("linkedServices", Value::Null)
        .date("created", Some(service.created))
        .date("removed", service.removed)
        .transition(&service.transition, None);
    if !shapeless {
        row = row
            .set("scale", service.scale)
            .set("currentScale", service.current_scale)
            .set(
                "retainIp",
                if service.retain_ip {
                    Value::Bool(true)
                } else {
                    Value::Null
                },
            )
            .set(
                "publicEndpoints",
                if endpoints.is_empty() {
                    Value::Null
                } else {
                    endpoints.into()
                },
            );
    }
    if row.out.contains_key("createIndex") {
        row = row.set(
            "createIndex",
            if service.create_index == 0 {
                Value::Null
            } else {
                service.create_index.into()
            },
        );
    }
    if !matches!(service.kind.as_str(), "service" | "loadBalancerService")
        && let Some(Value::Object(links)) = row.out.get_mut("links")
    {
        links.shift_remove("containerStats");
    }
    for (member, value) in &service.extra {
        row = row.set(member, value.clone());
    }
    if view.dialect == "v1" && service.kind == "service" {
        let stack = format!("1e{}", service.stack);
        let link = format!("{}/environment/{stack}", view.prefix());
        if let Some(Value::Object(links)) = row.out.get_mut("links") {
            links.shift_remove("stack");
            links.insert("environment".into(), link.into());
        }
        row = row.set("environmentId", stack);
    }
    row.done()
}

fn endpoints(world: &World, container: &Container, service: u32) -> Vec<Value> {
    let Some(host) = container.host.and_then(|host| world.hosts.get(&host)) else {
        return Vec::new();
    };
    let ports = container
        .launch
        .get("ports")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    ports
        .filter_map(|port| {
            let mut parts = port.as_str()?.split('/').next()?.rsplit(':');
            parts.next()?;
            let port: u16 = parts.next()?.parse().ok()?;
            Some(json!({
                "type": "publicEndpoint",
                "hostId": Kind::Host.id(host.id),
                "instanceId": Kind::Container.id(container.id),
                "ipAddress": host.address,
                "port": port,
                "serviceId": Kind::Service.id(service),
            }))
        })
        .collect()
}

/// A container.
pub(super) fn container(world: &World, container: &Container, view: &View) -> Value {
    let id = Kind::Container.id(container.id);
    let mut row = Row::new(
        "container",
        view,
        "containers",
        &id,
        verbs::container_actions(container.step),
    )
    .set("name", container.name.as_str())
    .set("state", container.step.state())
    .set("accountId", Kind::Project.id(container.project))
    .set("deploymentUnitUuid", container.unit.as_str())
    .set("createIndex", container.index)
    .set("healthState", container.health)
    .set(
        "healthCheck",
        container.launch.get("healthCheck").cloned().unwrap_or(Value::Null),
    )
    .set("hostId", container.host.map(|host| Kind::Host.id(host)))
    .set("imageUuid", container.image())
    .set("labels", labels(world, container))
    .set(
        "environment",
        container.launch.get("environment").cloned().unwrap_or(Value::Null),
    )
    .set("ports", container.launch.get("ports").cloned().unwrap_or(Value::Null))
    .set("externalId", container.docker_id.as_str())
    .set("primaryIpAddress", container.address.clone())
    .set("startCount", container.start_count)
    .set(
        "serviceIds",
        ids_or_null(
            Kind::Service,
            container.service.into_iter().chain(container.also.iter().copied()),
        ),
    )
    .set("system", false)
    .set("uuid", container.uuid.as_str())
    .set(
        "version",
        if container.service.is_some() {
            container.version().into()
        } else {
            Value::Null
        },
    )
    .date("created", Some(container.created))
    .date("firstRunning", container.first_running)
    .date("removed", container.removed)
    .transition(&container.transition, container.progress);
    let stack = container
        .service
        .and_then(|service| world.services.get(&service))
        .and_then(|service| Some((world.stacks.get(&service.stack)?.name.clone(), service.name.clone())));
    if let Some((stack, service)) = stack {
        let domains = [
            format!("{stack}.rancher.internal"),
            format!("{service}.{stack}.rancher.internal"),
        ];
        row = row.set("dnsSearch", json!([domains[0], domains[1], "rancher.internal"]));
    }
    if view.role == Role::Readonly {
        row.out.shift_remove("environment");
    }
    if container.launch.get("networkMode").and_then(Value::as_str) == Some("container") {
        let own = format!("{}/containers/{id}/networkcontainer", view.prefix());
        if let Some(Value::Object(links)) = row.out.get_mut("links") {
            links.insert("networkContainer".into(), own.into());
        }
    }
    if container.has_check() && container.step == Step::Running {
        let hosts = world
            .hosts
            .values()
            .filter(|host| host.project == container.project)
            .take(3);
        let states: Vec<Value> = hosts
            .map(|host| json!({"hostId": Kind::Host.id(host.id), "healthState": container.health}))
            .collect();
        row = row.set("healthcheckStates", states);
    }
    row.done()
}

fn labels(world: &World, container: &Container) -> Value {
    let mut labels = container
        .launch
        .get("labels")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let Some(service) = container.service.and_then(|service| world.services.get(&service)) else {
        return labels.into();
    };
    let Some(stack) = world.stacks.get(&service.stack) else {
        return labels.into();
    };
    let (config, tail) = if container.configuration.is_empty() {
        ("io.rancher.service.primary.launch.config".to_owned(), String::new())
    } else {
        (container.configuration.clone(), format!("/{}", container.configuration))
    };
    let full = format!("{}/{}{tail}", stack.name, service.name);
    let project = world
        .projects
        .get(&container.project)
        .map(|project| project.uuid.clone())
        .unwrap_or_default();
    for (label, value) in [
        ("io.rancher.service.deployment.unit", container.unit.clone()),
        ("io.rancher.stack_service.name", full.clone()),
        ("io.rancher.service.launch.config", config),
        ("io.rancher.project.name", stack.name.clone()),
        ("io.rancher.project_service.name", full),
        ("io.rancher.stack.name", stack.name.clone()),
        ("io.rancher.environment.uuid", project),
        ("io.rancher.container.name", container.name.clone()),
    ] {
        labels.insert(label.into(), value.into());
    }
    if let Some(host) = container.wanted_host {
        labels.insert("io.rancher.service.requested.host.id".into(), host.to_string().into());
    }
    labels.into()
}

/// A host. Simulated ones have no `info`, as in the recordings.
pub(super) fn host(world: &World, host: &Host, view: &View) -> Value {
    let id = Kind::Host.id(host.id);
    let on_it: Vec<&Container> = world
        .containers
        .values()
        .filter(|container| container.host == Some(host.id) && container.removed.is_none())
        .collect();
    let endpoints: Vec<Value> = on_it
        .iter()
        .filter(|container| container.step == Step::Running)
        .flat_map(|container| endpoints(world, container, container.service.unwrap_or(0)))
        .collect();
    let state = if host.state == "active" {
        host.agent_state.unwrap_or("active")
    } else {
        host.state
    };
    let (memory, info) = if host.simulated {
        (Value::Null, Value::Null)
    } else {
        (json!(u64::from(host.memory_mb) * 1024 * 1024), render_rows::info(host))
    };
    Row::new("host", view, "hosts", &id, verbs::host_actions(host.state))
        .set("name", host.name.as_str())
        .set("hostname", host.name.as_str())
        .set("state", state)
        .set("kind", if host.simulated { "sim" } else { "docker" })
        .set("accountId", Kind::Project.id(host.project))
        .set("agentIpAddress", host.address.as_str())
        .set("agentState", host.agent_state)
        .set("labels", host.labels.clone())
        .set(
            "instanceIds",
            ids_or_null(Kind::Container, on_it.iter().map(|container| container.id)),
        )
        .set(
            "publicEndpoints",
            if endpoints.is_empty() {
                Value::Null
            } else {
                endpoints.into()
            },
        )
        .set("memory", memory)
        .set(
            "milliCpu",
            if host.simulated {
                Value::Null
            } else {
                (host.cores * 1_000).into()
            },
        )
        .set("info", info)
        .transition(
            &if matches!(host.state, "activating" | "deactivating") {
                Transition::busy()
            } else {
                Transition::No
            },
            None,
        )
        .set("physicalHostId", format!("1ph{}", host.id))
        .set("uuid", host.uuid.as_str())
        .date("created", Some(host.created))
        .date("removed", host.removed)
        .done()
}
