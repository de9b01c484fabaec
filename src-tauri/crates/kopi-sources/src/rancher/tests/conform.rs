//! The suite that every source passes.

use kopi_feed::source::BoxFuture;
use kopi_feed::{ConnectionSettings, SourceKind};
use kopi_model::{Order, Verb};
use serde_json::json;

use super::bench::{ACCESS, Company};
use crate::conformance::{self, Bench};
use crate::fault::FaultSwitch;

impl Bench for Company {
    fn kind(&self) -> SourceKind {
        crate::rancher::kind()
    }

    fn settings(&self) -> ConnectionSettings {
        self.settings_for(ACCESS)
    }

    fn faults(&self) -> FaultSwitch {
        self.faults.clone()
    }

    fn change_something(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.cattle
                .order(&self.web, "update", &json!({"scale": 3}))
                .expect("accepted");
        })
    }

    fn order(&self) -> Order {
        self.order(Verb::Redeploy)
    }
}

#[tokio::test(start_paused = true)]
async fn conforms() {
    assert_eq!(conformance::run(Company::start).await, Vec::<String>::new());
}
