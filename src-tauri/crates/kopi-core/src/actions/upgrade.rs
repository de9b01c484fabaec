//! Watches an upgrade until every container is up, then finishes it, or says that it does not come up and what can be
//! done (`apis/rancher.md § 6.5`).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kopi_model::item::UpgradePhase;
use kopi_model::wire::{ErrorCode, TaskState};
use kopi_model::{NoticeEvent, Order, Plan, UpgradeWatch, Verb, Verdict, judge};

use super::following::{Following, moved};
use super::plan::settle_verbs;
use super::run::send;
use super::telling::tell;
use crate::engine::Slot;

/// Then it is overdue.
pub(crate) const DEADLINE: Duration = Duration::from_mins(10);
/// One that does not come up is watched so much longer: the server goes on trying, and may succeed.
const AFTER_FAILURE: Duration = Duration::from_mins(30);
/// One that waits to be finished is said to be left open then.
const LEFT_OPEN: Duration = Duration::from_mins(10);
/// After the connection was away there is so much time again at least.
const AFTER_AWAY: SignedDuration = SignedDuration::from_secs(60);

/// An upgrade under watch.
pub(crate) struct Upgrade {
    pub(crate) watch: UpgradeWatch,
    /// The generation it replaces: as long as the model shows that one, it has not heard of the upgrade yet.
    pub(crate) replaces: Option<String>,
    /// Kopi finishes it when all is up.
    pub(crate) finish: bool,
}

impl Upgrade {
    /// Of an order of ours. A server that tells no generation is watched by the next one that the model shows.
    pub(crate) fn new(following: &Following, plan: &Plan, version: Option<String>) -> Self {
        let now = following.now();
        Self {
            watch: UpgradeWatch {
                service: plan.order.target.clone(),
                version: version.unwrap_or_default(),
                began: following.task.started_at,
                deadline: later(now, DEADLINE),
                failing_since: None,
                failed_containers: std::collections::BTreeSet::new(),
            },
            replaces: plan.order.based_on.clone(),
            finish: following.shared.settings.load().settings.finish_upgrades,
        }
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(now)
}

/// Follows it to its end.
pub(crate) async fn follow(mut following: Following, mut upgrade: Upgrade, slot: Slot) {
    let shared = following.shared.clone();
    let mut changed = shared.changed.subscribe();
    let mut has_heard = false;
    let mut failed_at: Option<tokio::time::Instant> = None;
    following.memory = serde_json::to_string(&upgrade.watch).ok();
    following.result("watching", None, false).await.ok();
    loop {
        if following.is_up() {
            match step(&mut following, &mut upgrade, &mut has_heard).await {
                Step::Over => return,
                Step::Superseded => {
                    // Whoever did that is watched in turn.
                    drop(slot);
                    shared.deploys.send(upgrade.watch.service.clone()).await.ok();
                    return;
                }
                Step::AwaitsFinish => {
                    drop(slot);
                    left_open(following, upgrade).await;
                    return;
                }
                Step::Failing => {
                    failed_at.get_or_insert_with(tokio::time::Instant::now);
                }
                Step::GoesOn => {}
            }
        } else {
            let now = following.now();
            let again = now.checked_add(AFTER_AWAY).unwrap_or(now);
            upgrade.watch.deadline = upgrade.watch.deadline.max(again);
            let state = following.task.state.clone();
            following
                .stands(state, Some("task_connection_down".to_owned()), Vec::new())
                .await;
        }
        if failed_at.is_some_and(|at| at.elapsed() >= AFTER_FAILURE) {
            return;
        }
        if !moved(&shared, &mut changed).await {
            return;
        }
    }
}

enum Step {
    GoesOn,
    Failing,
    AwaitsFinish,
    Superseded,
    Over,
}

async fn step(following: &mut Following, upgrade: &mut Upgrade, has_heard: &mut bool) -> Step {
    let now = following.now();
    let shared = following.shared.clone();
    let (verdict, offers, phase) = {
        let state = shared.state();
        let service = state.model.service(&upgrade.watch.service);
        let shown = service.and_then(|service| service.version.clone());
        if shown.is_some() && shown != upgrade.replaces && upgrade.watch.version.is_empty() {
            upgrade.watch.version = shown.clone().unwrap_or_default();
        }
        *has_heard |= shown.as_ref() == Some(&upgrade.watch.version);
        let offers = service.map(settle_verbs).unwrap_or_default();
        let phase = service.map(|service| service.phase).unwrap_or_default();
        if !*has_heard && shown.is_some() && shown == upgrade.replaces {
            let all = service.and_then(|service| service.scale).unwrap_or(1);
            let verdict = if now > upgrade.watch.deadline {
                Verdict::Overdue {
                    done: 0,
                    all,
                    detail: None,
                }
            } else {
                Verdict::Going {
                    done: 0,
                    all,
                    detail: None,
                }
            };
            (verdict, offers, phase)
        } else {
            (judge(&mut upgrade.watch, &state.model, now), offers, phase)
        }
    };
    match verdict {
        Verdict::Going { done, all, detail } => {
            let state = match (&following.task.state, phase) {
                (TaskState::Failed, _) => TaskState::Failed,
                (_, UpgradePhase::Finishing) => TaskState::Finishing,
                _ => TaskState::Watching,
            };
            following.progress(state, detail, offers, Some((done, all))).await;
            Step::GoesOn
        }
        Verdict::AwaitsFinish { done, all } if upgrade.finish => {
            following
                .progress(TaskState::Finishing, None, Vec::new(), Some((done, all)))
                .await;
            finish(following, upgrade).await
        }
        Verdict::AwaitsFinish { done, all } => {
            tell(
                following,
                upgrade,
                NoticeEvent::Deployed,
                (done, all),
                None,
                offers.clone(),
            )
            .await;
            following.deploys(Some("left_open")).await;
            let detail = Some("task_awaits_finish".to_owned());
            following.result("done", detail.clone(), true).await.ok();
            following
                .progress(TaskState::Done, detail, offers, Some((done, all)))
                .await;
            Step::AwaitsFinish
        }
        Verdict::Live { done, all } => {
            tell(following, upgrade, NoticeEvent::Deployed, (done, all), None, Vec::new()).await;
            following.deploys(Some("live")).await;
            following.result("done", None, true).await.ok();
            following
                .progress(TaskState::Done, None, Vec::new(), Some((done, all)))
                .await;
            Step::Over
        }
        Verdict::Failing { done, all, reason } => {
            failing(following, upgrade, (done, all), reason, offers).await;
            Step::Failing
        }
        Verdict::Overdue { done, all, detail } => {
            let reason = detail.unwrap_or_else(|| "task_overdue".to_owned());
            failing(following, upgrade, (done, all), reason, offers).await;
            Step::Failing
        }
        Verdict::RolledBack => {
            following.deploys(Some("rolled_back")).await;
            following
                .ends(TaskState::Superseded, Some("task_rolled_back".to_owned()), Vec::new())
                .await;
            Step::Over
        }
        Verdict::Superseded => {
            following.deploys(Some("superseded")).await;
            following
                .ends(TaskState::Superseded, Some("task_superseded".to_owned()), Vec::new())
                .await;
            Step::Superseded
        }
        Verdict::Interrupted => {
            following.deploys(Some("failed")).await;
            following
                .ends(TaskState::Failed, Some("task_interrupted".to_owned()), offers)
                .await;
            Step::Over
        }
        Verdict::Gone => {
            following.deploys(Some("failed")).await;
            following
                .ends(TaskState::Failed, Some("task_gone".to_owned()), Vec::new())
                .await;
            Step::Over
        }
    }
}

/// It does not come up: said once, with the way back; watched on, since the server goes on trying.
async fn failing(following: &mut Following, upgrade: &Upgrade, count: (u32, u32), reason: String, offers: Vec<Verb>) {
    if following.task.state != TaskState::Failed {
        let words = (reason != "task_overdue").then(|| reason.clone());
        tell(
            following,
            upgrade,
            NoticeEvent::DeployFailed,
            count,
            words,
            offers.clone(),
        )
        .await;
        following.deploys(Some("failed")).await;
        following.result("failed", Some(reason.clone()), true).await.ok();
    }
    following
        .progress(TaskState::Failed, Some(reason), offers, Some(count))
        .await;
}

/// Sends the finish once. When that fails the upgrade is up all the same and waits for a person.
async fn finish(following: &mut Following, upgrade: &mut Upgrade) -> Step {
    upgrade.finish = false;
    let order = Order {
        target: upgrade.watch.service.clone(),
        verb: Verb::Finish,
        tag: None,
        scale: None,
        environment: None,
        strategy: None,
        based_on: Some(upgrade.watch.version.clone()),
    };
    match send(&following.shared, order).await {
        // The model shows the phase a moment later; until then it still awaits what was just sent.
        Ok(_) => wait_for_phase(following, upgrade).await,
        // Somebody was quicker, or the outcome is open: the model will tell.
        Err(error) if matches!(error.code, ErrorCode::ActionNotAvailable | ErrorCode::Conflict) => {
            wait_for_phase(following, upgrade).await
        }
        Err(error) if error.sent == kopi_feed::Sent::Maybe => wait_for_phase(following, upgrade).await,
        Err(error) => {
            tracing::warn!(%error, "an upgrade could not be finished");
            Step::GoesOn
        }
    }
}

async fn wait_for_phase(following: &Following, upgrade: &Upgrade) -> Step {
    let shared = following.shared.clone();
    let mut changed = shared.changed.subscribe();
    let until = tokio::time::Instant::now() + Duration::from_mins(1);
    let is_open = || {
        following.look(|model| {
            model
                .service(&upgrade.watch.service)
                .is_some_and(|service| service.phase == UpgradePhase::AwaitsFinish)
        })
    };
    while is_open() && tokio::time::Instant::now() < until {
        if !moved(&shared, &mut changed).await {
            return Step::Over;
        }
    }
    Step::GoesOn
}

/// All is up and somebody must finish: said again when nobody does.
async fn left_open(following: Following, upgrade: Upgrade) {
    let shared = following.shared.clone();
    let mut changed = shared.changed.subscribe();
    let until = tokio::time::Instant::now() + LEFT_OPEN;
    loop {
        let is_open = following.look(|model| {
            model.service(&upgrade.watch.service).is_some_and(|service| {
                service.phase == UpgradePhase::AwaitsFinish
                    && service.version.as_deref() == Some(upgrade.watch.version.as_str())
            })
        });
        if !is_open {
            return;
        }
        if tokio::time::Instant::now() >= until {
            let count = (following.task.done.unwrap_or(0), following.task.all.unwrap_or(0));
            let offers = vec![Verb::Finish, Verb::Rollback];
            tell(&following, &upgrade, NoticeEvent::LeftOpen, count, None, offers).await;
            return;
        }
        if !moved(&shared, &mut changed).await {
            return;
        }
    }
}
