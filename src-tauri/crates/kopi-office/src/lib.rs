//! The office: the simulated company that Kopi is shown on and tested against (`office.md`).
//!
//! A world (people, repositories, services, hosts), laws (how long a build takes, when it fails) and a plot on top,
//! on one clock, seeded: the same seed, speed and orders give the same day. Its servers are the sources' own fakes.
//!
//! Refuses: any host but 127.0.0.1.

pub mod chance;
pub mod clock;
pub mod laws;
pub mod world;
