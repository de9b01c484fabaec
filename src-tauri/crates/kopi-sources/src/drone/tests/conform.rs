//! The suite that every source is held against.

use kopi_feed::source::BoxFuture;
use kopi_feed::{ConnectionSettings, SourceKind};
use kopi_model::{Order, Verb};

use super::setup::{Served, office, order, push, serve_it, settings};
use crate::conformance::{self, Bench};
use crate::drone::fake::FakeDrone;
use crate::fault::FaultSwitch;

struct DroneBench {
    drone: FakeDrone,
    served: Served,
}

impl DroneBench {
    async fn start() -> Self {
        let drone = office();
        let served = serve_it(drone.router()).await;
        Self { drone, served }
    }
}

impl Bench for DroneBench {
    fn kind(&self) -> SourceKind {
        crate::drone::kind()
    }

    fn settings(&self) -> ConnectionSettings {
        settings(&self.served.url)
    }

    fn faults(&self) -> FaultSwitch {
        self.served.faults.clone()
    }

    fn change_something(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            push(&self.drone, "ihealth/api");
        })
    }

    fn order(&self) -> Order {
        order(Verb::Restart, "build:drone/ihealth/web#1")
    }
}

#[tokio::test(start_paused = true)]
async fn conforms() {
    assert_eq!(conformance::run(DroneBench::start).await, Vec::<String>::new());
}
