//! What the desktop sees of Kopi: the tray and the notices of a real agent on a private D-Bus, on which the test itself
//! is the panel and the notification service. Linux only, as the agent is.

mod agent;
mod notices;
mod panel;
mod tray;
