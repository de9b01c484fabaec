//! What every host with a desktop needs, whichever carries it (the agent on Linux, the window's process elsewhere): who
//! tells notices, what the tray shows, what clicks do, whether Kopi starts with the session.
//!
//! Refuses: drawing. A host puts the tray's model on the screen and opens its own window.

pub mod autostart;
mod sight;
mod teller;
mod wishes;

pub use sight::tray_models;
pub use teller::DesktopTeller;
pub use wishes::grant_all;
