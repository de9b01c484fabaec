//! Is the effect of an order real? Judged from the model, for every verb but upgrades.

use std::sync::Arc;
use std::time::Duration;

use kopi_model::item::UpgradePhase;
use kopi_model::wire::TaskState;
use kopi_model::{BuildStatus, Item, LiveStatus, Model, Plan, Service, Verb};

use super::following::{Following, moved};
use super::plan::settle_verbs;
use super::telling;
use crate::engine::Slot;

/// An effect that has not come by then is said to have failed.
const LONGEST: Duration = Duration::from_mins(5);
/// A roll back runs in the batches and pauses of the upgrade (`apis/rancher.md § 6.3`).
const LONGEST_ROLLBACK: Duration = Duration::from_mins(10);
/// What arrived is seen in the model by then, once it was listed anew.
pub(super) const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// Then nobody will ever know.
pub(super) const UNKNOWN_LONGEST: Duration = Duration::from_mins(10);

/// What the model says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    NotYet,
    Real,
    Gone,
}

/// Whether what the plan is for is so now. `before` is the item as it was when the order left.
pub(super) fn is_real(plan: &Plan, before: Option<&Item>, model: &Model) -> Effect {
    let order = &plan.order;
    let Some(item) = model.get(&order.target) else {
        return Effect::Gone;
    };
    let real = match (item.as_ref(), order.verb) {
        (Item::Service(service), verb) => service_is(service, verb, plan, before),
        (Item::Container(container), verb) => {
            let earlier = match before {
                Some(Item::Container(before)) => (before.start_count, before.started_at),
                _ => (None, None),
            };
            match verb {
                Verb::Stop => container.status == LiveStatus::Stopped,
                Verb::Start => container.status == LiveStatus::Ok,
                _ => container.status == LiveStatus::Ok && earlier != (container.start_count, container.started_at),
            }
        }
        (Item::Build(build), verb) => match verb {
            Verb::Cancel => build.status.is_final(),
            Verb::Approve => !matches!(build.status, BuildStatus::Blocked),
            Verb::Decline => build.status == BuildStatus::Declined,
            // A new build: seen by its parent.
            _ => model.builds_of(&build.connection, &build.repo).any(|other| {
                other.number > build.number
                    && other.parent == Some(build.number)
                    && other.created_at > Some(plan.made_at)
            }),
        },
        (Item::Repo(repo), verb) => repo.active == (verb == Verb::Enable),
        _ => false,
    };
    if real { Effect::Real } else { Effect::NotYet }
}

fn service_is(service: &Service, verb: Verb, plan: &Plan, before: Option<&Item>) -> bool {
    let settled = service.phase == UpgradePhase::None;
    let is_well = service.status == LiveStatus::Ok;
    match verb {
        Verb::Finish => settled,
        Verb::Rollback => settled && service.version != plan.order.based_on && is_well,
        Verb::Cancel => service.phase == UpgradePhase::Cancelled,
        Verb::Scale => service.scale == plan.order.scale && (is_well || plan.order.scale == Some(0)),
        Verb::Start => is_well,
        Verb::Stop => service.status == LiveStatus::Stopped,
        // It went through another state and is well again; the state before it was well too.
        Verb::Restart => is_well && before.is_some(),
        _ => false,
    }
}

/// Follows it to its end.
pub(super) async fn follow(mut following: Following, plan: Plan, before: Option<Arc<Item>>, slot: Slot) {
    let shared = following.shared.clone();
    let mut changed = shared.changed.subscribe();
    let verb = plan.order.verb;
    let longest = if verb == Verb::Rollback {
        LONGEST_ROLLBACK
    } else {
        LONGEST
    };
    let mut left = longest;
    let mut last = tokio::time::Instant::now();
    // A restart is seen by what lies between: well, not well, well again.
    let mut was_away = verb != Verb::Restart || !matches!(before.as_deref(), Some(Item::Service(_)));
    let began = last;
    loop {
        let effect = following.look(|model| is_real(&plan, before.as_deref(), model));
        if verb == Verb::Restart && effect == Effect::NotYet {
            was_away = true;
        }
        // One so quick that nobody saw it away: the server has said yes, and it has been well all along.
        let is_seen = was_away || began.elapsed() >= ARRIVES_WITHIN;
        if effect == Effect::Real && is_seen && following.is_up() {
            following.ends(TaskState::Done, None, Vec::new()).await;
            if matches!(verb, Verb::Finish | Verb::Rollback) {
                let result = if verb == Verb::Finish { "live" } else { "rolled_back" };
                telling::settle_deploy(&shared, &plan.order.target, result).await;
            }
            return;
        }
        if effect == Effect::Gone && following.is_up() {
            let is_meant = verb == Verb::Stop;
            let state = if is_meant { TaskState::Done } else { TaskState::Failed };
            following.ends(state, Some("task_gone".to_owned()), Vec::new()).await;
            return;
        }
        let now = tokio::time::Instant::now();
        if following.is_up() {
            left = left.saturating_sub(now - last);
        }
        last = now;
        if left.is_zero() {
            break;
        }
        let detail = following.look(|model| {
            let service = model.service(&plan.order.target)?;
            service.message.clone()
        });
        let detail = if following.is_up() {
            detail
        } else {
            Some("task_connection_down".to_owned())
        };
        following.stands(TaskState::Watching, detail, Vec::new()).await;
        if !moved(&shared, &mut changed).await {
            return;
        }
    }
    drop(slot);
    let offers = following.look(|model| model.service(&plan.order.target).map(settle_verbs).unwrap_or_default());
    let detail = Some("task_no_effect".to_owned());
    following.ends(TaskState::Failed, detail, offers).await;
}
