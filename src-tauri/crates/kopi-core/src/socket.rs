//! One core per user (design § 3): a lock says who hosts it, a control socket serves everyone else. Frames are lines of
//! JSON.
//!
//! Refuses: other users (mode 0600 in a folder of the user's own), frames over the limit, other versions.

mod client;
mod host;
mod lines;
mod lock;

pub use client::{Client, ClientFrames, attach};
pub use host::{HostError, Hosted, host, lock_and_host};
pub use lock::{HostLock, LockError, take_lock};

#[cfg(test)]
mod tests;
