//! Sees in a change of the model that somebody may be deploying; whoever watches deploys (`actions`) decides whether it
//! is ours.

use kopi_model::item::UpgradePhase;
use kopi_model::{Item, ModelChange, Origin};

/// A service whose containers began to be replaced, or that came to another generation unseen.
pub(crate) fn is_someone_elses_deploy(change: &ModelChange) -> bool {
    let Some(Item::Service(after)) = change.after.as_deref() else {
        return false;
    };
    let before = match change.before.as_deref() {
        Some(Item::Service(before)) => Some(before),
        _ => None,
    };
    let is_running = after.phase == UpgradePhase::Running;
    if change.origin == Origin::CatchUp {
        // What was over before anyone watched is history; what still runs is watched to its end.
        return is_running && before.is_none_or(|before| before.phase != UpgradePhase::Running);
    }
    match before {
        None => is_running,
        Some(before) => {
            let began = is_running && before.phase != UpgradePhase::Running && before.phase != UpgradePhase::Cancelled;
            let went_back = before.phase == UpgradePhase::RollingBack || after.phase == UpgradePhase::RollingBack;
            let jumped = before.version.is_some() && after.version.is_some() && before.version != after.version;
            let is_back = after
                .previous
                .as_ref()
                .is_some_and(|previous| previous.version == after.version)
                || (after.previous.is_none() && before.previous.is_some());
            began || (jumped && !went_back && !is_back)
        }
    }
}
