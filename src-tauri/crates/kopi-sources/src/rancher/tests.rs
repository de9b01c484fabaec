//! The source against its fake and against recordings of a real server.

mod act;
mod bench;
mod conform;
mod engine;
mod parse;
mod replay;
mod session;
mod watch;
