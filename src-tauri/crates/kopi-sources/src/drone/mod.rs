//! Source `drone`: builds, steps, logs, queue and the buttons of a Drone server (`apis/drone.md`). Speaks Drone 0.8;
//! recognises Drone 1.x/2.x and Woodpecker and says so.
//!
//! Refuses: any other server's words; retrying; one request an item where one answers for all.

pub mod fake;
pub mod parse;
