//! The office as a thing that runs: its servers on loopback ports, its day in one task, a handle to order it about.
//!
//! Refuses: any address but 127.0.0.1.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kopi_sources::drone::fake::FakeDrone;
use kopi_sources::fault::{Fault, FaultSwitch, serve};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::address::{DroneAddress, EnvironmentKey, KeyAddress, OfficeAddress, RancherAddress, ServerAddresses};
use crate::chance::Chance;
use crate::clock::OfficeClock;
use crate::history;
use crate::plot::PlotLine;
use crate::run::{Pushed, Run, Wanted};
use crate::seed::{found, seed_cattle, seed_drone, token_of};
use crate::stage::Stage;
use crate::truth::{Truth, tell};
use crate::world::{DESK, Size, World};
use crate::{OfficeError, config, control};

/// The servers there are so far, as `--fault` and `POST /fault` name them.
pub const SERVERS: [&str; 2] = ["drone", "rancher"];

/// Events acted out before others get a turn.
const AT_A_TIME: usize = 256;
/// How often time passes at Rancher when nothing else happens.
const PULSE: Duration = Duration::from_millis(200);
/// Orders that wait.
const ORDERS: usize = 64;

/// How to start an office.
#[derive(Clone, Debug, PartialEq)]
pub struct OfficeOptions {
    /// Same seed, speed and orders: same day.
    pub seed: u64,
    /// Office seconds a second, 0 (only on orders) to 1000.
    pub speed: f64,
    /// First of the ports: control, then the servers; none: free ones.
    pub port: Option<u16>,
    /// How big.
    pub size: Size,
    /// Faults that are on from the start: server, fault.
    pub faults: Vec<(String, Fault)>,
    /// What the office's clock shows when it starts.
    pub start: Timestamp,
}

impl OfficeOptions {
    /// The story from `start` on, at speed 1, on free ports.
    pub fn new(start: Timestamp) -> Self {
        Self {
            seed: 1,
            speed: 1.0,
            port: None,
            size: Size::Team,
            faults: Vec::new(),
            start,
        }
    }
}

/// What is asked of the running day.
pub(crate) enum Order {
    Push(Wanted, oneshot::Sender<Result<Pushed, String>>),
    Plot(String, oneshot::Sender<Result<(), String>>),
    Truth(oneshot::Sender<Box<Truth>>),
    PlotLines(oneshot::Sender<Vec<PlotLine>>),
    /// Answered when everything that is due has been acted out.
    CatchUp(oneshot::Sender<()>),
}

/// What the control page and the handle share.
#[derive(Clone)]
pub struct Handle {
    orders: mpsc::Sender<Order>,
    clock: OfficeClock,
    switches: Arc<BTreeMap<&'static str, FaultSwitch>>,
}

/// A running office. Dropping it stops it.
pub struct Office {
    address: OfficeAddress,
    handle: Handle,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Office {
    /// Starts it: seeds the servers, acts out what is under way, listens.
    ///
    /// # Errors
    /// A port is taken, or a fault names no server.
    pub async fn start(options: OfficeOptions) -> Result<Self, OfficeError> {
        let clock = OfficeClock::new(options.start, options.speed);
        let chance = Chance::new(options.seed);
        let stage = Stage::new(clock.clone());
        let switches = switches(&options.faults)?;
        let mut world = World::new(options.size);
        let past = history::past(&world, chance);
        history::settle_images(&mut world, &past);
        let drone = {
            let stage = stage.clone();
            FakeDrone::new(move || stage.now())
        };
        let ledger = seed_drone(&drone, &world, &past, &clock, chance);
        let cattle = found(&clock, options.seed);
        let places = seed_cattle(&cattle, &world, &clock, chance);
        let fault_switches = switches.clone();
        let server_fault = Box::new(move |server: &str, on: bool| {
            fault_switches
                .get(server)
                .map(|switch: &FaultSwitch| switch.set(on.then_some(Fault::ServerError)))
                .is_some()
        });
        let mut run = Run::new(
            world,
            chance,
            stage,
            (drone.clone(), cattle.clone()),
            places,
            ledger,
            server_fault,
        );
        // What began before the door opened.
        while !run.act_until(clock.elapsed(), AT_A_TIME) {}

        let control_listener = listen(options.port, 0).await?;
        let drone_listener = listen(options.port, 1).await?;
        let rancher_listener = listen(options.port, 2).await?;
        let address = address_of(
            &run,
            (at(&control_listener)?, at(&drone_listener)?, at(&rancher_listener)?),
        );
        let stop = CancellationToken::new();
        let (orders, inbox) = mpsc::channel(ORDERS);
        let handle = Handle {
            orders,
            clock,
            switches: Arc::new(switches.clone()),
        };
        let mut tasks = JoinSet::new();
        for (server, router, listener) in [
            ("drone", drone.router(), drone_listener),
            ("rancher", cattle.router(), rancher_listener),
        ] {
            let switch = switches.get(server).cloned().unwrap_or_default();
            let stop = stop.clone();
            tasks.spawn(async move {
                if let Err(error) = serve(router, listener, switch, stop).await {
                    tracing::error!(server, %error, "the office's server ended");
                }
            });
        }
        let control = control::router(handle.clone());
        let control_stop = stop.clone();
        tasks.spawn(async move {
            let served = axum::serve(control_listener, control);
            tokio::select! {
                ended = served => if let Err(error) = ended {
                    tracing::error!(%error, "the office's control page ended");
                },
                () = control_stop.cancelled() => {}
            }
        });
        tasks.spawn(live(run, inbox, (drone.actions(), cattle.actions()), stop.clone()));
        Ok(Self {
            address,
            handle,
            stop,
            tasks,
        })
    }

    /// Where its servers are and how to sign in.
    pub fn address(&self) -> &OfficeAddress {
        &self.address
    }

    /// To order it about.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Writes a `kopi.toml` for it and its secrets beside, and says so in the address.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn write_config(&mut self, file: &Path) -> Result<(), OfficeError> {
        self.address.config = Some(config::write(file, &self.address)?);
        Ok(())
    }

    /// Stops it and waits until every task has ended.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Handle {
    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, OfficeError> {
        let (sender, answer) = oneshot::channel();
        self.orders.send(order(sender)).await.map_err(|_| OfficeError::Closed)?;
        answer.await.map_err(|_| OfficeError::Closed)
    }

    /// Somebody pushes now.
    ///
    /// # Errors
    /// The repository is unknown, or the office has closed.
    pub async fn push(&self, wanted: Wanted) -> Result<Pushed, OfficeError> {
        self.ask(|sender| Order::Push(wanted, sender))
            .await?
            .map_err(OfficeError::Unknown)
    }

    /// Plays an entry of the plot now.
    ///
    /// # Errors
    /// There is none of that name, or the office has closed.
    pub async fn order_plot(&self, name: &str) -> Result<(), OfficeError> {
        let name = name.to_owned();
        self.ask(|sender| Order::Plot(name, sender))
            .await?
            .map_err(OfficeError::Unknown)
    }

    /// The plot and what of it has happened.
    ///
    /// # Errors
    /// The office has closed.
    pub async fn plot(&self) -> Result<Vec<PlotLine>, OfficeError> {
        self.ask(Order::PlotLines).await
    }

    /// The office's own account.
    ///
    /// # Errors
    /// The office has closed.
    pub async fn truth(&self) -> Result<Truth, OfficeError> {
        self.ask(Order::Truth).await.map(|truth| *truth)
    }

    /// Puts the clock forward and waits until everything in between has been acted out.
    ///
    /// # Errors
    /// The office has closed.
    pub async fn advance(&self, by: Duration) -> Result<(), OfficeError> {
        self.clock.advance(by);
        self.ask(Order::CatchUp).await
    }

    /// Runs at another speed from now on.
    pub fn set_speed(&self, speed: f64) {
        self.clock.set_speed(speed);
    }

    /// Office time.
    pub fn clock(&self) -> &OfficeClock {
        &self.clock
    }

    /// Breaks a server, or mends it.
    ///
    /// # Errors
    /// There is no such server.
    pub fn set_fault(&self, server: &str, fault: Option<Fault>) -> Result<(), OfficeError> {
        let switch = self.switches.get(server).ok_or_else(|| no_server(server))?;
        switch.set(fault);
        Ok(())
    }

    /// The switch of a server, which also remembers its requests.
    pub fn switch(&self, server: &str) -> Option<&FaultSwitch> {
        self.switches.get(server)
    }
}

fn no_server(server: &str) -> OfficeError {
    OfficeError::Unknown(format!(
        "no server is called {server:?}; there are {}",
        SERVERS.join(" ")
    ))
}

fn switches(faults: &[(String, Fault)]) -> Result<BTreeMap<&'static str, FaultSwitch>, OfficeError> {
    let switches: BTreeMap<&'static str, FaultSwitch> =
        SERVERS.iter().map(|server| (*server, FaultSwitch::new())).collect();
    for (server, fault) in faults {
        switches
            .get(server.as_str())
            .ok_or_else(|| no_server(server))?
            .set(Some(*fault));
    }
    Ok(switches)
}

async fn listen(base: Option<u16>, offset: u16) -> Result<TcpListener, OfficeError> {
    let port = base.map_or(0, |base| base.saturating_add(offset));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address)
        .await
        .map_err(|error| OfficeError::Listen { address, error })
}

fn at(listener: &TcpListener) -> Result<String, OfficeError> {
    let unknown = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let address = listener.local_addr().map_err(|error| OfficeError::Listen {
        address: unknown,
        error,
    })?;
    Ok(format!("http://{address}"))
}

fn address_of(run: &Run, (control, drone, rancher): (String, String, String)) -> OfficeAddress {
    let places = run.places();
    let keys = &places.keys;
    OfficeAddress {
        version: 1,
        control,
        config: None,
        servers: ServerAddresses {
            drone: DroneAddress {
                url: drone,
                token: token_of(DESK),
            },
            rancher: RancherAddress {
                url: rancher,
                access_key: keys.account.access.clone(),
                secret_key: keys.account.secret.clone(),
                project: places.projects.get("production").cloned(),
                environments: keys
                    .environments
                    .iter()
                    .map(|(name, key)| EnvironmentKey {
                        name: name.clone(),
                        project: places.projects.get(name).cloned().unwrap_or_default(),
                        access_key: key.access.clone(),
                        secret_key: key.secret.clone(),
                    })
                    .collect(),
                readonly: KeyAddress {
                    access_key: keys.readonly.access.clone(),
                    secret_key: keys.readonly.secret.clone(),
                },
            },
        },
    }
}

type Actions = (
    broadcast::Receiver<kopi_sources::drone::fake::ClientAction>,
    broadcast::Receiver<kopi_sources::rancher::fake::ClientAction>,
);

/// The day: one event after the other, orders and people's acts in between, until it is stopped.
async fn live(mut run: Run, mut orders: mpsc::Receiver<Order>, mut actions: Actions, stop: CancellationToken) {
    let clock = run.stage().clock().clone();
    loop {
        let now = clock.elapsed();
        while !run.act_until(now, AT_A_TIME) {
            tokio::task::yield_now().await;
            if stop.is_cancelled() {
                return;
            }
        }
        let next = run.next_due();
        let due = async {
            match next {
                Some(next) => clock.wait_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Ok(action) = actions.0.recv() => run.drone_action(&action),
            Ok(action) = actions.1.recv() => run.cattle_action(&action),
            order = orders.recv() => match order {
                Some(order) => {
                    while !run.act_until(clock.elapsed(), AT_A_TIME) {
                        tokio::task::yield_now().await;
                    }
                    carry_out(&mut run, order);
                }
                None => return,
            },
            () = due => {}
            () = clock.wait_running(PULSE) => {}
        }
    }
}

/// Who asked may have gone: then nobody is told.
fn carry_out(run: &mut Run, order: Order) {
    match order {
        Order::Push(wanted, answer) => drop(answer.send(run.push(wanted, false))),
        Order::Plot(name, answer) => drop(answer.send(run.order_plot(&name))),
        Order::Truth(answer) => drop(answer.send(Box::new(tell(run)))),
        Order::PlotLines(answer) => drop(answer.send(run.plot())),
        Order::CatchUp(answer) => drop(answer.send(())),
    }
}
