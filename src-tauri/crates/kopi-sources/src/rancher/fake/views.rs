//! What the office hands in and reads out, in plain words.

use jiff::Timestamp;
use serde_json::Value;

use super::FakeCattle;
use super::health;
use super::world::{Container, Kind, Service, Transition, World, number_of, text};

/// A host to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NewHost {
    /// Its name.
    pub name: String,
    /// Address the agent reports.
    pub address: String,
    /// Labels, for scheduling.
    pub labels: Vec<(String, String)>,
    /// Cores.
    pub cores: u32,
    /// Memory, MB.
    pub memory_mb: u32,
}

impl NewHost {
    /// 8 cores, 32 GB, no labels.
    pub fn new(name: &str, address: &str) -> Self {
        Self {
            name: name.into(),
            address: address.into(),
            labels: Vec::new(),
            cores: 8,
            memory_mb: 32_000,
        }
    }
}

/// What a service is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Containers of an image.
    #[default]
    Service,
    /// A load balancer.
    LoadBalancer,
    /// Points outside.
    External,
    /// A name for other services.
    Alias,
}

impl Shape {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::LoadBalancer => "loadBalancerService",
            Self::External => "externalService",
            Self::Alias => "dnsService",
        }
    }

    pub(super) fn has_containers(self) -> bool {
        matches!(self, Self::Service | Self::LoadBalancer)
    }
}

/// A service to make.
#[derive(Clone, Debug, PartialEq)]
pub struct NewService {
    /// Its name: letters, digits, `-`.
    pub name: String,
    /// Image without `docker:`.
    pub image: String,
    /// Copies.
    pub scale: u32,
    /// Labels.
    pub labels: Vec<(String, String)>,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
    /// `public:private/tcp` or `private/tcp`.
    pub ports: Vec<String>,
    /// Port that is checked; none: no health check.
    pub health_check: Option<u16>,
    /// `(name, image)` of sidekicks.
    pub sidekicks: Vec<(String, String)>,
    /// One a host.
    pub global: bool,
    /// What it is made of.
    pub kind: Shape,
    /// Where an external service points to.
    pub hostname: Option<String>,
}

impl NewService {
    /// One copy, nothing else.
    pub fn new(name: &str, image: &str) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            scale: 1,
            labels: Vec::new(),
            environment: Vec::new(),
            ports: Vec::new(),
            health_check: None,
            sidekicks: Vec::new(),
            global: false,
            kind: Shape::Service,
            hostname: None,
        }
    }

    /// So many copies.
    #[must_use]
    pub fn scale(mut self, scale: u32) -> Self {
        self.scale = scale;
        self
    }

    /// With a health check on this port.
    #[must_use]
    pub fn checked(mut self, port: u16) -> Self {
        self.health_check = Some(port);
        self
    }

    /// With a label.
    #[must_use]
    pub fn label(mut self, label: &str, value: &str) -> Self {
        self.labels.push((label.into(), value.into()));
        self
    }

    /// With an environment variable.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// With a port.
    #[must_use]
    pub fn port(mut self, port: &str) -> Self {
        self.ports.push(port.into());
        self
    }

    /// With a sidekick.
    #[must_use]
    pub fn sidekick(mut self, name: &str, image: &str) -> Self {
        self.sidekicks.push((name.into(), image.into()));
        self
    }

    /// One a host.
    #[must_use]
    pub fn global(mut self) -> Self {
        self.global = true;
        self
    }

    /// Of another kind.
    #[must_use]
    pub fn of(mut self, kind: Shape) -> Self {
        self.kind = kind;
        self
    }
}

/// Something a client did, accepted or refused.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientAction {
    /// When, world's time.
    pub at: Timestamp,
    /// Access key it came with.
    pub key: String,
    /// Its owner's name.
    pub who: String,
    /// Environment, `1a5`.
    pub project: String,
    /// `service`, `container`, `stack`, `host`.
    pub resource: String,
    /// Its id.
    pub id: String,
    /// `upgrade`, `finishupgrade`, `update` (PUT), `create`, `delete`, …
    pub action: String,
    /// HTTP status of the reply.
    pub status: u16,
    /// What was sent.
    pub body: Value,
    /// The client's name of itself.
    pub user_agent: String,
}

/// A service as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceView {
    /// `1s7`.
    pub id: String,
    /// `1a5`.
    pub project: String,
    /// `1st4`.
    pub stack: String,
    /// Stack's name.
    pub stack_name: String,
    /// Its name.
    pub name: String,
    /// The server's word.
    pub state: String,
    /// The server's word.
    pub health: String,
    /// The last run failed: the message.
    pub error: Option<String>,
    /// Image that is set, without `docker:`.
    pub image: String,
    /// Generation that is set.
    pub version: String,
    /// Copies wanted.
    pub scale: u32,
    /// Labels.
    pub labels: Vec<(String, String)>,
}

/// A container as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerView {
    /// `1i9`.
    pub id: String,
    /// `1a5`.
    pub project: String,
    /// Its name.
    pub name: String,
    /// Its service, `1s7`.
    pub service: Option<String>,
    /// Sidekick's name; none: primary.
    pub sidekick: Option<String>,
    /// Its host, `1h3`.
    pub host: Option<String>,
    /// The server's word.
    pub state: String,
    /// The server's word.
    pub health: Option<String>,
    /// Image, without `docker:`.
    pub image: String,
    /// Generation.
    pub version: String,
    /// Address in the environment's network.
    pub address: Option<String>,
    /// Docker's id.
    pub docker_id: String,
    /// Runs, and its check passes if it has one.
    pub good: bool,
    /// Replaced by an upgrade, kept for a roll back.
    pub old: bool,
}

/// A host as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct HostView {
    /// `1h3`.
    pub id: String,
    /// `1a5`.
    pub project: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// The server's word.
    pub state: String,
}

fn service_view(world: &World, row: &Service) -> ServiceView {
    let labels = row
        .launch
        .get("labels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    ServiceView {
        id: Kind::Service.id(row.id),
        project: Kind::Project.id(row.project),
        stack: Kind::Stack.id(row.stack),
        stack_name: world
            .stacks
            .get(&row.stack)
            .map(|stack| stack.name.clone())
            .unwrap_or_default(),
        name: row.name.clone(),
        state: row.state.into(),
        health: health::health(world, row).into(),
        error: match &row.transition {
            Transition::Error(message) => Some(message.clone()),
            _ => None,
        },
        image: text(&row.launch, "imageUuid").trim_start_matches("docker:").to_owned(),
        version: text(&row.launch, "version"),
        scale: row.scale,
        labels: labels
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
    }
}

fn container_view(row: &Container) -> ContainerView {
    ContainerView {
        id: Kind::Container.id(row.id),
        project: Kind::Project.id(row.project),
        name: row.name.clone(),
        service: row.service.map(|service| Kind::Service.id(service)),
        sidekick: (!row.configuration.is_empty()).then(|| row.configuration.clone()),
        host: row.host.map(|host| Kind::Host.id(host)),
        state: row.step.state().into(),
        health: row.health.map(str::to_owned),
        image: row.image().trim_start_matches("docker:").to_owned(),
        version: row.version(),
        address: row.address.clone(),
        docker_id: row.docker_id.clone(),
        good: row.is_good(),
        old: row.marked,
    }
}

impl FakeCattle {
    /// All services that are not removed.
    pub fn services(&self) -> Vec<ServiceView> {
        let world = self.lock();
        world
            .services
            .values()
            .filter(|row| row.removed.is_none())
            .map(|row| service_view(&world, row))
            .collect()
    }

    /// One service by id.
    pub fn service(&self, id: &str) -> Option<ServiceView> {
        let world = self.lock();
        world.services.get(&number_of(id)?).map(|row| service_view(&world, row))
    }

    /// One service by its environment's id and its `stack/service`.
    pub fn service_named(&self, project: &str, stack: &str, name: &str) -> Option<ServiceView> {
        let all = self.services().into_iter();
        let mut matching = all.filter(|row| row.project == project && row.stack_name == stack && row.name == name);
        matching.next()
    }

    /// All containers that are not removed.
    pub fn containers(&self) -> Vec<ContainerView> {
        self.lock()
            .containers
            .values()
            .filter(|row| row.removed.is_none())
            .map(container_view)
            .collect()
    }

    /// The containers of a service that are not removed, old ones of an open upgrade among them.
    pub fn containers_of(&self, service: &str) -> Vec<ContainerView> {
        let world = self.lock();
        let members = number_of(service)
            .and_then(|number| world.members.get(&number))
            .into_iter()
            .flatten();
        members
            .filter_map(|id| world.containers.get(id))
            .map(container_view)
            .collect()
    }

    /// All hosts.
    pub fn hosts(&self) -> Vec<HostView> {
        let world = self.lock();
        let hosts = world.hosts.values().filter(|row| row.removed.is_none());
        hosts
            .map(|row| HostView {
                id: Kind::Host.id(row.id),
                project: Kind::Project.id(row.project),
                name: row.name.clone(),
                address: row.address.clone(),
                state: row.agent_state.unwrap_or(row.state).into(),
            })
            .collect()
    }
}
