//! The office: the simulated company that Kopi is shown on and tested against (`office.md`).
//!
//! A world (people, repositories, services, hosts), laws (how long a build takes, when it fails) and a plot on top,
//! on one clock, seeded: the same seed, speed and orders give the same day. Its servers are the sources' own fakes.
//!
//! ```text
//! let office = Office::start(OfficeOptions::new(Timestamp::now())).await?;
//! office.address();                        // where its servers are, with what to sign in
//! office.handle().push(…).await?;          // order it about; also over HTTP at address().control
//! office.handle().truth().await?;          // its own account
//! office.stop().await;
//! ```
//!
//! Refuses: any host but 127.0.0.1.

pub mod address;
pub mod chance;
pub mod clock;
mod command;
mod config;
mod control;
mod error;
pub mod history;
pub mod laws;
pub mod ledger;
pub mod office;
pub mod plot;
pub mod run;
pub mod seed;
pub mod stage;
#[cfg(test)]
mod tests;
pub mod truth;
pub mod world;

pub use address::OfficeAddress;
pub use command::{OfficeArgs, SizeWord, command};
pub use error::OfficeError;
pub use kopi_sources::fault::Fault;
pub use office::{Handle, Office, OfficeOptions};
pub use run::{Pushed, Wanted};
pub use truth::Truth;
pub use world::Size;
