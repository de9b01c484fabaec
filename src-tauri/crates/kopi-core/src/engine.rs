//! The engine: one loop over one bounded inbox, one supervised task a source, and takers of what changed.
//!
//! Refuses: knowing any source, waiting for a disk, a desktop or a page.

mod backoff;
mod connection;
mod deploys;
mod fan;
mod input;
mod keep;
mod latency;
mod machine;
mod on_disk;
mod records;
mod run;
mod settings;
mod shared;
mod slots;
pub(crate) mod state;
mod supervise;
mod surroundings;
mod tell;
mod track;

pub(crate) use input::{ActInput, Input, Said};
pub use machine::Machine;
pub use on_disk::StoreRecords;
pub use records::{Batch, Cached, HistoryAsk, NoRecords, OpenEntry, Records};
pub(crate) use run::current_prefs;
pub use settings::{CoreConnection, CoreSettings};
pub use shared::CoreParts;
pub(crate) use shared::{Shared, core_gone, start};
pub(crate) use slots::{Slot, Slots};
pub(crate) use state::{PatchParts, Subscriber, Turn};
pub use surroundings::{Desk, NoDesk, Silent, Teller};

#[cfg(test)]
mod tests;
