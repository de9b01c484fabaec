//! The laws: pace, durations, chances, what steps print. Pure: everything that varies is drawn from named chance.
//!
//! Refuses: servers and clocks.

pub mod logs;
pub mod messages;
pub mod pace;
pub mod pipeline;
