//! One integration binary: the walls of the house, and flows from a server's bytes to what a person sees.

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
