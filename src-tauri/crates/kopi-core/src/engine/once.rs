//! Reads every server once, for a command that finds no core running.

use std::sync::Arc;
use std::time::Duration;

use kopi_feed::SourceKind;
use kopi_model::wire::Snapshot;

use super::core::{Core, CoreParts};
use super::machine::Machine;
use super::records::NoRecords;
use super::settings::CoreSettings;
use super::surroundings::{NoDesk, Silent};

/// Lists every server once and stops. What could not be read within `longest` is missing; its connection says why.
pub async fn read_once(
    settings: CoreSettings,
    kinds: Vec<SourceKind>,
    machine: Machine,
    longest: Duration,
) -> Snapshot {
    let core = Core::start(CoreParts {
        settings,
        kinds,
        records: Arc::new(NoRecords),
        teller: Arc::new(Silent),
        desk: Arc::new(NoDesk),
        machine,
    })
    .await;
    core.settled(longest).await;
    let picture = core.picture();
    core.stop("read_once").await;
    picture
}
