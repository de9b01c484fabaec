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

use kopi_model::wire::{ConnectionState, Snapshot};

use crate::print::Exit;

/// Fine, unless a connection that should answer does not: what was printed is then not all there is.
pub(crate) fn readable(snapshot: &Snapshot) -> Exit {
    let silent = |state| {
        matches!(
            state,
            ConnectionState::Retrying | ConnectionState::SignedOut | ConnectionState::Failed
        )
    };
    if snapshot.connections.iter().any(|health| silent(health.state)) {
        Exit::CouldNotRead
    } else {
        Exit::Fine
    }
}
