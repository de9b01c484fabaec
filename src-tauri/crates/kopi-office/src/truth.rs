//! The office's own account of what is true: builds and their states, what is live where and which commit that is. Kopi's
//! answers are held against it (`GET /truth`).
//!
//! Refuses: Kopi's model. Words are Kopi's (`design.md § 2`) only where the server has none.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kopi_sources::rancher::fake::ContainerView;
use serde::Serialize;

use crate::ledger::{BuildRecord, DeedRecord, ImageRecord, PushRecord};
use crate::plot::PlotLine;
use crate::run::Run;
use crate::world::Size;

/// The account.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    /// Of this shape: 1.
    pub version: u32,
    /// As of.
    pub at: Timestamp,
    /// The day began.
    pub start: Timestamp,
    /// Seconds since then.
    pub elapsed_s: f64,
    /// Office seconds a second.
    pub speed: f64,
    /// How big the company is.
    pub size: Size,
    /// Builds by repository and number.
    pub builds: Vec<BuildRecord>,
    /// Pushes, oldest first.
    pub pushes: Vec<PushRecord>,
    /// Queue.
    pub queue: BTreeMap<&'static str, usize>,
    /// What is live where.
    pub services: Vec<ServiceTruth>,
    /// Hosts.
    pub hosts: Vec<HostTruth>,
    /// Images in the registry and what they were made of.
    pub images: BTreeMap<String, ImageRecord>,
    /// Deploys and people's acts, oldest first.
    pub deeds: Vec<DeedRecord>,
    /// The plot.
    pub plot: Vec<PlotLine>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceTruth {
    /// The server's id.
    pub id: String,
    /// Environment's name.
    pub environment: String,
    /// Stack's name.
    pub stack: String,
    /// Its name.
    pub name: String,
    /// The server's word.
    pub state: String,
    /// The server's word.
    pub health: String,
    /// Copies wanted.
    pub scale: u32,
    /// Image that is set: what should run.
    pub wanted: String,
    /// Image that every good container runs; none while they differ or none is good.
    pub live: Option<String>,
    /// The commit in it, where the office's own builds made it.
    pub commit: Option<ImageRecord>,
    /// Good primary containers of the newest generation.
    pub good: usize,
    /// Primary containers.
    pub containers: Vec<ContainerTruth>,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContainerTruth {
    /// The server's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The server's word.
    pub state: String,
    /// The server's word.
    pub health: Option<String>,
    /// Image it was made with.
    pub image: String,
    /// Host's name.
    pub host: Option<String>,
    /// Address.
    pub address: Option<String>,
    /// Runs and passes its check.
    pub good: bool,
    /// Replaced, kept for going back.
    pub old: bool,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostTruth {
    /// The server's id.
    pub id: String,
    /// Environment's name.
    pub environment: String,
    /// Its name.
    pub name: String,
    /// The server's word.
    pub state: String,
    /// Address.
    pub address: String,
}

/// The account as of now.
pub fn tell(run: &Run) -> Truth {
    let ledger = run.ledger();
    let clock = run.stage().clock();
    Truth {
        version: 1,
        at: run.stage().now(),
        start: clock.start(),
        elapsed_s: run.stage().elapsed().as_secs_f64(),
        speed: clock.speed(),
        size: run.world().size,
        builds: ledger.builds.values().cloned().collect(),
        pushes: ledger.pushes.clone(),
        queue: run.queue_lengths(),
        services: services(run),
        hosts: hosts(run),
        images: ledger.images.clone(),
        deeds: ledger.deeds.clone(),
        plot: run.plot(),
    }
}

fn hosts(run: &Run) -> Vec<HostTruth> {
    let all = run.cattle().hosts().into_iter();
    all.map(|host| HostTruth {
        environment: run.places().environment(&host.project).unwrap_or_default().to_owned(),
        id: host.id,
        name: host.name,
        state: host.state,
        address: host.address,
    })
    .collect()
}

fn services(run: &Run) -> Vec<ServiceTruth> {
    let names: BTreeMap<String, String> = run
        .cattle()
        .hosts()
        .into_iter()
        .map(|host| (host.id, host.name))
        .collect();
    let mut by_service: BTreeMap<String, Vec<ContainerView>> = BTreeMap::new();
    for container in run.cattle().containers() {
        if let Some(service) = container.service.clone().filter(|_| container.sidekick.is_none()) {
            by_service.entry(service).or_default().push(container);
        }
    }
    let all = run.cattle().services().into_iter();
    all.map(|service| {
        let containers = by_service.remove(&service.id).unwrap_or_default();
        let live = live_image(&containers);
        ServiceTruth {
            environment: run
                .places()
                .environment(&service.project)
                .unwrap_or_default()
                .to_owned(),
            stack: service.stack_name,
            name: service.name,
            state: service.state,
            health: service.health,
            scale: service.scale,
            wanted: service.image,
            commit: live.as_ref().and_then(|image| run.ledger().images.get(image)).cloned(),
            live,
            good: containers
                .iter()
                .filter(|one| one.good && !one.old && one.version == service.version)
                .count(),
            containers: containers.into_iter().map(|one| container(one, &names)).collect(),
            id: service.id,
        }
    })
    .collect()
}

fn live_image(containers: &[ContainerView]) -> Option<String> {
    let mut images = containers
        .iter()
        .filter(|container| container.good)
        .map(|container| &container.image);
    let first = images.next()?;
    images.all(|image| image == first).then(|| first.clone())
}

fn container(view: ContainerView, hosts: &BTreeMap<String, String>) -> ContainerTruth {
    ContainerTruth {
        id: view.id,
        name: view.name,
        state: view.state,
        health: view.health,
        image: view.image,
        host: view.host.and_then(|host| hosts.get(&host).cloned()),
        address: view.address,
        good: view.good,
        old: view.old,
    }
}
