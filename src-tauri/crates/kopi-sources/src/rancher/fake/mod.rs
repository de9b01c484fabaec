//! A stand-in for a Cattle server (Rancher 1.6): its own world, its own engine, its real protocol. Ordinary code: the demo
//! office is made of it, and any client may talk to it (the Drone plugin, scripts, Kopi).
//!
//! ```text
//! let cattle = FakeCattle::new(clock.now(), Pace::default(), seed);
//! let dev = cattle.create_project("dev");
//! cattle.create_host(&dev, NewHost::new("dev-01", "10.42.1.1"));
//! let stack = cattle.create_stack(&dev, "device", false);
//! cattle.create_service(&stack, NewService::new("bp-sync", "harbor.company.com/ihealth/bp-sync:1.4.0").scale(2).checked(8080));
//! cattle.environment_key(&dev, "ACCESS", "SECRET");
//! serve(cattle.router(), listener, faults, stop);           // kopi_feed's fault layer
//! tokio::spawn(cattle.clone().run(clock, Duration::from_millis(200), stop));   // or call `tick` oneself
//! let mut deeds = cattle.actions();                          // what clients did
//! ```
//!
//! The world's time is whatever `tick` is given: a scaled clock makes everything faster. Only pings and the collecting of
//! changes on the live stream follow real (tokio's) time, as clients' watchdogs do.
//!
//! Refuses: judging its own protocol (a test compares it with recordings of a real server).

mod access;
mod collection;
mod containers;
mod create;
mod engine;
mod health;
mod http;
#[cfg(test)]
pub(in crate::rancher) mod import;
mod live;
mod place;
mod processes;
mod render;
mod render_rows;
mod rows;
mod schemas;
mod verbs;
mod views;
mod world;

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kopi_feed::Clock;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

pub use views::{ClientAction, ContainerView, HostView, NewHost, NewService, ServiceView, Shape};
pub use world::{Fault, Holder, Pace, Role};
use world::{Key, Kind, World, number_of};

/// Tickets for logs that are kept until they are used.
const TICKETS: usize = 1_000;

/// The server: cheap to clone, all clones are one.
#[derive(Clone)]
pub struct FakeCattle(Arc<Inner>);

struct Inner {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
    log_changed: watch::Sender<u64>,
    actions: broadcast::Sender<ClientAction>,
    tickets: Mutex<BTreeMap<String, LogTicket>>,
}

/// A promise to show a container's log.
struct LogTicket {
    container: u32,
    lines: usize,
    follow: bool,
    timestamps: bool,
}

/// The world while it is held; whoever waits for changes is told when it is let go.
struct Held<'a> {
    world: MutexGuard<'a, World>,
    before: u64,
    changed: &'a watch::Sender<u64>,
}

impl Deref for Held<'_> {
    type Target = World;
    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.world.sequence != self.before {
            self.changed.send_replace(self.world.sequence);
        }
    }
}

impl FakeCattle {
    /// An empty server. The same seed gives the same ids.
    pub fn new(now: Timestamp, pace: Pace, seed: u64) -> Self {
        Self(Arc::new(Inner {
            world: Mutex::new(World::new(now, pace, seed)),
            changed: watch::Sender::new(0),
            log_changed: watch::Sender::new(0),
            actions: broadcast::Sender::new(1_024),
            tickets: Mutex::new(BTreeMap::new()),
        }))
    }

    fn lock(&self) -> Held<'_> {
        let world = self.0.world.lock().unwrap_or_else(PoisonError::into_inner);
        Held {
            before: world.sequence,
            world,
            changed: &self.0.changed,
        }
    }

    /// Its routes: `/`, `/v2-beta`, `/v1`, WebSockets, HTML for browsers.
    pub fn router(&self) -> axum::Router {
        axum::Router::new().fallback(http::answer).with_state(self.clone())
    }

    /// Lets time pass to `now`; everything due in between happens in order.
    pub fn tick(&self, now: Timestamp) {
        self.lock().tick(now);
    }

    /// The world's time.
    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// Ticks by `clock` every so often until `stop` fires.
    pub async fn run(self, clock: Clock, every: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.tick(clock.now()),
                () = stop.cancelled() => return,
            }
        }
    }

    /// How long things take, from now on.
    pub fn set_pace(&self, pace: Pace) {
        self.lock().pace = pace;
    }

    /// What clients did, from now on: accepted and refused alike. Slow readers lose the oldest.
    pub fn actions(&self) -> broadcast::Receiver<ClientAction> {
        self.0.actions.subscribe()
    }

    fn tell(&self, action: ClientAction) {
        // Nobody listens: nobody is told.
        let _nobody = self.0.actions.send(action);
    }

    /// Changes whenever anything in the world does.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    fn log_changes(&self) -> watch::Receiver<u64> {
        self.0.log_changed.subscribe()
    }

    fn keep_ticket(&self, token: String, ticket: LogTicket) {
        let mut tickets = self.0.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() >= TICKETS {
            tickets.pop_first();
        }
        tickets.insert(token, ticket);
    }

    fn take_ticket(&self, token: &str) -> Option<LogTicket> {
        self.0
            .tickets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(token)
    }

    /// An environment of Cattle containers; its id, `1a5`.
    pub fn create_project(&self, name: &str) -> String {
        self.create_project_of(name, "cattle")
    }

    /// An environment with another orchestrator (`kubernetes`, …).
    pub fn create_project_of(&self, name: &str, orchestration: &str) -> String {
        Kind::Project.id(create::project(&mut self.lock(), name, orchestration))
    }

    /// A stack; its id, `1st4`. `system`: infrastructure.
    pub fn create_stack(&self, project: &str, name: &str, system: bool) -> String {
        let project = number_of(project).unwrap_or(0);
        Kind::Stack.id(create::stack(&mut self.lock(), project, name, system))
    }

    /// A host; its id, `1h3`.
    pub fn create_host(&self, project: &str, host: &NewHost) -> String {
        let project = number_of(project).unwrap_or(0);
        Kind::Host.id(create::host(&mut self.lock(), project, host))
    }

    /// A service whose containers run already; its id, `1s7`. None: no such stack. Make hosts first.
    pub fn create_service(&self, stack: &str, service: &NewService) -> Option<String> {
        let mut world = self.lock();
        create::service(&mut world, number_of(stack)?, service).map(|id| Kind::Service.id(id))
    }

    /// A container outside any service; its id, `1i9`.
    pub fn create_container(&self, project: &str, name: &str, image: &str, host: Option<&str>) -> String {
        let project = number_of(project).unwrap_or(0);
        let host = host.and_then(number_of);
        Kind::Container.id(create::standalone(&mut self.lock(), project, name, image, host))
    }

    /// An environment's own key: everything there, nothing elsewhere.
    pub fn environment_key(&self, project: &str, access: &str, secret: &str) {
        self.add_key(Holder::Environment(number_of(project).unwrap_or(0)), access, secret);
    }

    /// A person's key. `id` is the server's for the account, `1a10`.
    pub fn account_key(&self, id: &str, name: &str, roles: &[(&str, Role)], access: &str, secret: &str) {
        let roles = roles
            .iter()
            .filter_map(|(project, role)| Some((number_of(project)?, *role)));
        let holder = Holder::Account {
            id: number_of(id).unwrap_or(1),
            name: name.into(),
            admin: false,
            roles: roles.collect(),
        };
        self.add_key(holder, access, secret);
    }

    /// An admin's key: every environment.
    pub fn admin_key(&self, access: &str, secret: &str) {
        let holder = Holder::Account {
            id: 1,
            name: "Admin".into(),
            admin: true,
            roles: BTreeMap::new(),
        };
        self.add_key(holder, access, secret);
    }

    fn add_key(&self, holder: Holder, access: &str, secret: &str) {
        let key = Key {
            access: access.into(),
            secret: secret.into(),
            holder,
            active: true,
        };
        self.lock().keys.push(key);
    }

    /// The key no longer works; open streams stay open, as on the real server.
    pub fn revoke_key(&self, access: &str) {
        for key in self.lock().keys.iter_mut().filter(|key| key.access == access) {
            key.active = false;
        }
    }

    /// Off: anybody is admin, as on a server nobody has set up.
    pub fn set_access_control(&self, on: bool) {
        self.lock().access_control = on;
    }

    /// From now on this image (without `docker:`) is wrong in this way.
    pub fn break_image(&self, image: &str, fault: Fault) {
        self.lock().set_fault(image, Some(fault));
    }

    /// The image is right again.
    pub fn mend_image(&self, image: &str) {
        self.lock().set_fault(image, None);
    }

    /// The container ends by itself; its service starts it again.
    pub fn crash_container(&self, container: &str) {
        if let Some(number) = number_of(container) {
            self.lock().crash(number);
        }
    }

    /// A running container that has a health check fails it from now on (`false`), or passes it again.
    pub fn set_container_healthy(&self, container: &str, healthy: bool) {
        let Some(number) = number_of(container) else { return };
        let mut world = self.lock();
        if world.containers.get(&number).is_some_and(world::Container::has_check) {
            world.set_health(number, Some(if healthy { "healthy" } else { "unhealthy" }));
            let service = world.containers.get(&number).and_then(|container| container.service);
            if let Some(service) = service {
                let soon = world::later(world.now, world.pace.settle);
                world.wake(service, soon);
            }
        }
    }

    /// The host falls silent: `reconnecting`, then `disconnected`; checked containers are made anew elsewhere.
    pub fn host_down(&self, host: &str) {
        let Some(number) = number_of(host) else { return };
        let mut world = self.lock();
        let now = world.now;
        if let Some(host) = world.hosts.get_mut(&number) {
            host.silent_since.get_or_insert(now);
        }
        // Its silence is noticed by looking again at these times.
        let (reconnecting, disconnected) = (world.pace.reconnecting, world.pace.disconnected);
        world
            .silences
            .extend([world::later(now, reconnecting), world::later(now, disconnected)]);
        let checked: Vec<u32> = world
            .containers
            .values()
            .filter(|container| container.host == Some(number) && container.removed.is_none() && container.has_check())
            .map(|container| container.id)
            .collect();
        let healthy = world.pace.healthy;
        for container in checked {
            world.due(container, healthy);
        }
        world.touch(Kind::Host, number);
    }

    /// The host speaks again.
    pub fn host_up(&self, host: &str) {
        let Some(number) = number_of(host) else { return };
        let mut world = self.lock();
        if let Some(host) = world.hosts.get_mut(&number) {
            host.silent_since = None;
            host.agent_state = None;
        }
        let checked: Vec<u32> = world
            .containers
            .values()
            .filter(|container| container.host == Some(number) && container.removed.is_none() && container.has_check())
            .map(|container| container.id)
            .collect();
        for container in checked {
            let soon = world.pace.healthy;
            world.due(container, soon);
        }
        world.touch(Kind::Host, number);
    }

    /// Load of a host, percent; pushed at once.
    pub fn set_host_load(&self, host: &str, cpu: f64, memory: f64, disk: f64) {
        let Some(number) = number_of(host) else { return };
        let mut world = self.lock();
        if let Some(host) = world.hosts.get_mut(&number) {
            (host.cpu_percent, host.memory_percent, host.disk_percent) = (cpu, memory, disk);
        }
        world.touch(Kind::Host, number);
    }

    /// Does to a service what a client could: `upgrade` (with its body), `finishupgrade`, `rollback`, `cancelupgrade`,
    /// `restart`, `activate`, `deactivate`, `update` …
    ///
    /// # Errors
    /// The server's code and words, when it would refuse a client.
    pub fn order(&self, service: &str, action: &str, body: &Value) -> Result<(), String> {
        let number = number_of(service).ok_or("not an id")?;
        let result = http::act(&mut self.lock(), Kind::Service, number, action, body);
        result.map_err(|refusal| {
            let words = refusal.message.or(refusal.field).unwrap_or_default();
            format!("{} {}: {words}", refusal.status, refusal.code)
        })
    }

    /// Upgrades a service to an image (without `docker:`), keeping the rest of its configuration.
    ///
    /// # Errors
    /// As [`FakeCattle::order`].
    pub fn upgrade(
        &self,
        service: &str,
        image: &str,
        batch: u32,
        interval: Duration,
        start_first: bool,
    ) -> Result<(), String> {
        let launch =
            number_of(service).and_then(|number| self.lock().services.get(&number).map(|row| row.launch.clone()));
        let mut launch = launch.ok_or("no such service")?;
        launch.insert("imageUuid".into(), format!("docker:{image}").into());
        let body = json!({"inServiceStrategy": {
            "batchSize": batch, "intervalMillis": u64::try_from(interval.as_millis()).unwrap_or(2_000), "startFirst": start_first,
            "launchConfig": launch,
        }});
        self.order(service, "upgrade", &body)
    }

    /// Sets labels of a service's configuration in place (the office's seed; a real server needs an upgrade).
    pub fn set_labels(&self, service: &str, labels: &[(String, String)]) {
        let Some(number) = number_of(service) else { return };
        let mut world = self.lock();
        if let Some(row) = world.services.get_mut(&number) {
            let all = row.launch.entry("labels").or_insert_with(|| json!({}));
            for (label, value) in labels {
                all[label.as_str()] = value.clone().into();
            }
        }
        world.touch_service(number);
    }

    /// A line of a container's log. `stderr`: not stdout.
    pub fn write_log(&self, container: &str, stderr: bool, line: &str) {
        let Some(number) = number_of(container) else { return };
        let mut world = self.lock();
        let at = world.now.strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string();
        if let Some(row) = world.containers.get_mut(&number) {
            row.write_log(format!("{} {at} {line}", if stderr { "02" } else { "01" }));
        }
        drop(world);
        self.0.log_changed.send_modify(|count| *count += 1);
    }
}
