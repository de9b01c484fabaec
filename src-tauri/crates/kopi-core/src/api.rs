//! What faces say and are told, whatever carries it: control socket, browser's socket, or the window's bridge.
//!
//! Refuses: transport, and anything a read-only face or connection may not do: that is held here and in `actions`, not
//! in a face.

mod logs;
mod pump;
mod router;
mod session;

pub use session::{Face, Frames, Session};

#[cfg(test)]
mod tests;
