//! The one core a user has: it polls, keeps the live model, writes, tells, acts, and serves every face (design § 3).
//!
//! Arrows inside: `socket → api → actions → engine`, `config` beside. It is handed the kinds of sources, the store, the
//! one who tells notices and the desk that hosts it.
//!
//! Refuses: naming a source, drawing anything, words for people beyond message keys (those are `kopi-notify`'s and the
//! faces').

pub mod actions;
pub mod api;
pub mod config;
mod core;
pub mod desktop;
pub mod engine;
pub mod paths;
pub mod socket;
#[cfg(test)]
pub(crate) mod testing;

pub use api::{Face, Frames, Session};
pub use core::{Core, CoreHandle, read_once};
pub use engine::{
    Batch, Cached, CoreConnection, CoreParts, CoreSettings, Desk, HistoryAsk, Machine, NoDesk, NoRecords, OpenEntry,
    Records, Silent, StoreRecords, Teller,
};
pub use paths::Paths;
