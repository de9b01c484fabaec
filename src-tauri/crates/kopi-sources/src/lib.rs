//! One folder a source. A new one is its folder, its `mod` line and its entry in [`all`]; a test compares.
//!
//! Refuses: one source naming another.

use kopi_feed::SourceKind;

pub mod conformance;
#[cfg(test)]
mod conformance_tests;
pub mod drone;
pub mod fault;
#[cfg(test)]
mod fault_tests;
pub mod rancher;

/// Every kind of source there is.
pub fn all() -> Vec<SourceKind> {
    vec![drone::kind(), rancher::kind()]
}
