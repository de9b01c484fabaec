//! plan → confirm → run → watch (design § 7). A plan is a value; what runs is what was shown; the intent is on disk before
//! the request leaves; the live model says whether the effect is real.
//!
//! Refuses: sending anything twice, and anything through a read-only connection.

mod effect;
mod following;
pub mod keys;
mod others;
mod plan;
mod run;
mod telling;
mod upgrade;

pub(crate) use others::{resume, watch_others};
pub(crate) use plan::plan;
pub(crate) use run::{run, undo};

#[cfg(test)]
mod tests;
