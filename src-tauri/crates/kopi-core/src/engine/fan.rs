//! Hands what changed to the takers, in this order: store, notices, pump. None of them can make the loop wait.

use jiff::Timestamp;
use kopi_model::{ConnectionName, ModelChange, Scope};

use super::deploys::is_someone_elses_deploy;
use super::shared::Shared;
use super::tell::Decided;

/// What one turn of the loop came to.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) changes: Vec<ModelChange>,
    pub(crate) scopes: Vec<(ConnectionName, Scope, Timestamp)>,
    pub(crate) notices: Vec<Decided>,
}

/// Hands it out.
pub(crate) fn fan_out(shared: &Shared, outcome: Outcome) {
    shared.waiting.take_in(&outcome.changes, outcome.scopes);
    for decided in outcome.notices {
        if let Err(error) = shared.notices.try_send(decided) {
            tracing::warn!(%error, "the desktop is too slow for all notices");
        }
    }
    for change in &outcome.changes {
        if is_someone_elses_deploy(change) {
            // Too many at once: whoever comes first is watched, the others are in the history by what they become.
            shared.deploys.try_send(change.id.clone()).ok();
        }
    }
    let state = shared.state();
    state.wake();
    let rev = state.rev;
    drop(state);
    shared
        .changed
        .send_if_modified(|known| std::mem::replace(known, rev) != rev);
}
