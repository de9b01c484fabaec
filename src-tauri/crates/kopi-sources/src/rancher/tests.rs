//! The source against its fake and against recordings of a real server.

mod engine;
