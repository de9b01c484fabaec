//! One file a family of commands; each gives the exit that `cli.md` promises.

pub(crate) mod act;
pub(crate) mod builds;
pub(crate) mod config;
pub(crate) mod journal;
pub(crate) mod log;
pub(crate) mod probe;
pub(crate) mod services;
pub(crate) mod status;
pub(crate) mod watch;

use kopi_model::wire::{ApiError, ConnectionHealth, ConnectionState, ErrorCode, Snapshot};

use crate::print::{Exit, Printer};

fn is_silent(health: &ConnectionHealth) -> bool {
    !matches!(
        health.state,
        ConnectionState::Live | ConnectionState::Polling | ConnectionState::Off
    )
}

/// Why, when no connection answered and nothing is known of before.
pub(crate) fn nothing_read(snapshot: &Snapshot) -> Result<(), ApiError> {
    match snapshot.connections.first() {
        Some(first) if snapshot.connections.iter().all(is_silent) && snapshot.items.is_empty() => Err(trouble(first)),
        _ => Ok(()),
    }
}

/// Fine, unless a connection that should answer does not: what was printed is then not all there is, and it is said.
pub(crate) fn readable(snapshot: &Snapshot, printer: Printer) -> Exit {
    let mut exit = Exit::Fine;
    for health in snapshot.connections.iter().filter(|health| is_silent(health)) {
        printer.progress(&format!("kopi: {}", trouble(health).message));
        exit = Exit::CouldNotRead;
    }
    exit
}

fn trouble(health: &ConnectionHealth) -> ApiError {
    let mut error = health
        .error
        .clone()
        .unwrap_or_else(|| ApiError::new(ErrorCode::Timeout, "nothing has answered yet"));
    error.message = format!("{}: {}", health.name, error.message);
    error
}
