//! The source against recordings of a real Drone 0.8.10, against its own fake, and against what no server should send.

mod answers;
mod bad_input;
mod conform;
mod follow;
mod logs;
mod orders;
mod pure;
mod recordings;
mod replay;
mod setup;
