//! The real window under a virtual display, driven by WebDriver: run by `cargo xtask test window`, since it needs the
//! built programs, a display and a web driver.

#![cfg(target_os = "linux")]

#[path = "../it/bus.rs"]
mod bus;
mod desk;
mod office;
mod pictures;
mod start;
