//! One integration binary: the walls of the house, and flows from a server's bytes to what a person sees.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[cfg(target_os = "linux")]
mod bus;
mod cli;
#[cfg(target_os = "linux")]
mod desktop;
mod enrolled;
mod faults;
mod flow;
mod layout;
mod redeploy;
