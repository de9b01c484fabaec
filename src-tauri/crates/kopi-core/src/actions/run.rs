//! Carries out a plan that was shown: checks the token, writes the intent, holds it back when asked, sends it once, and
//! hands it to whoever follows it to its end.

use std::sync::Arc;
use std::time::Duration;

use kopi_feed::{FeedError, Sent};
use kopi_model::wire::{ApiError, DeployRecord, ErrorCode, JournalEntry, Task, TaskState};
use kopi_model::{Danger, Item, Order, Plan, Receipt, Verb};

use super::effect;
use super::following::Following;
use super::plan::{plan, plan_anew, word_of};
use super::upgrade::{self, Upgrade};
use crate::engine::{Shared, Slot};

/// How long a reversible order is held back.
const HOLD: Duration = Duration::from_secs(5);

/// Runs an order whose plan has that token, given by a face (`via`); gives the task's number once the intent is on disk.
///
/// # Errors
/// `PlanOutdated` when the plan is another by now; the reason when it is refused; nothing was done then.
pub(crate) async fn run(
    shared: &Arc<Shared>,
    via: &str,
    order: Order,
    token: &str,
    hold: bool,
) -> Result<i64, ApiError> {
    let plan = plan(shared, order)?;
    if let Some(error) = refusal(&plan) {
        return Err(error);
    }
    if plan.token != token {
        return Err(outdated());
    }
    let target = plan.order.target.clone();
    let verb = plan.order.verb;
    let slot = shared.slots.take(&target, verb).ok_or_else(|| already(verb))?;
    let hold = hold && plan.danger == Danger::Reversible;
    let now = shared.clock().now();
    let until = now.checked_add(HOLD).unwrap_or(now);
    let me = {
        let settings = shared.settings.load();
        let logins = shared.state().me(&settings.settings);
        logins.into_iter().next()
    };
    let mut entry = JournalEntry {
        id: 0,
        at: now,
        who: me.unwrap_or_else(|| shared.machine.user.clone()),
        via: via.to_owned(),
        verb,
        target: target.clone(),
        target_name: plan.target_name.clone(),
        plan: Some(plan.clone()),
        result: if hold { "held" } else { "sent" }.to_owned(),
        detail: None,
        undone_by: None,
        ended_at: None,
    };
    entry.id = shared.records.begin_journal(entry.clone(), None).await?;
    let task = Task {
        id: entry.id,
        target,
        target_name: plan.target_name.clone(),
        verb,
        state: if hold {
            TaskState::Held { until }
        } else {
            TaskState::Sending
        },
        from: plan.from.clone(),
        to: plan.to.clone(),
        done: None,
        all: None,
        detail: None,
        offers: Vec::new(),
        by: "me".to_owned(),
        started_at: now,
        changed_at: now,
    };
    let id = entry.id;
    let following = Following {
        shared: shared.clone(),
        task,
        entry: Some(entry),
        deploy: None,
        memory: None,
    };
    following.show().await;
    let undo = hold.then(|| shared.slots.holds(id));
    shared.tasks.spawn(carry_out(following, plan, slot, undo));
    Ok(id)
}

/// Takes back a held order.
///
/// # Errors
/// When it has left already.
pub(crate) fn undo(shared: &Shared, task: i64) -> Result<(), ApiError> {
    if shared.slots.undo(task) {
        Ok(())
    } else {
        Err(ApiError::new(
            ErrorCode::Conflict,
            "it has left already and cannot be taken back for free",
        )
        .hint("a service can be rolled back until the upgrade is finished"))
    }
}

fn outdated() -> ApiError {
    ApiError::new(ErrorCode::PlanOutdated, "the plan would be another now").hint("ask for the plan again")
}

fn already(verb: Verb) -> ApiError {
    ApiError::new(
        ErrorCode::AlreadyRunning,
        format!("{} is under way already", word_of(verb)),
    )
}

/// Why a plan cannot be run, as an error.
fn refusal(plan: &Plan) -> Option<ApiError> {
    let refused = plan.refused.as_ref()?;
    let code = match refused.message.as_str() {
        "refused_read_only" => ErrorCode::ReadOnly,
        "refused_key_reads_only" => ErrorCode::Forbidden,
        "refused_already_running" => ErrorCode::AlreadyRunning,
        "refused_upgraded" | "refused_upgrading" | "refused_upgrade_cancelled" => ErrorCode::Conflict,
        _ => ErrorCode::ActionNotAvailable,
    };
    let parts: Vec<String> = refused
        .parts
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let mut error = ApiError::new(
        code,
        format!(
            "{} {}: {} ({})",
            word_of(plan.order.verb),
            plan.target_name,
            refused.message,
            parts.join(", ")
        ),
    );
    if !plan.instead.is_empty() {
        let verbs: Vec<String> = plan.instead.iter().map(|verb| word_of(*verb)).collect();
        error = error.hint(format!("first: {}", verbs.join(" or ")));
    }
    Some(error)
}

async fn carry_out(
    mut following: Following,
    plan: Plan,
    slot: Slot,
    undo: Option<tokio_util::sync::CancellationToken>,
) {
    let shared = following.shared.clone();
    if let Some(undo) = undo {
        tokio::select! {
            biased;
            // What is held when the core ends never left: the next start says so.
            () = shared.stop.cancelled() => return,
            () = undo.cancelled() => {}
            () = tokio::time::sleep(HOLD) => {}
        }
        if !shared.slots.leaves(following.task.id) {
            following.ends(TaskState::Undone, None, Vec::new()).await;
            return;
        }
        let same =
            plan_anew(&shared, plan.order.clone()).is_ok_and(|anew| anew.token == plan.token && anew.refused.is_none());
        if !same {
            let detail = Some("task_plan_changed".to_owned());
            following.ends(TaskState::Refused, detail, Vec::new()).await;
            return;
        }
        if let Err(error) = following.result("sent", None, false).await {
            following
                .stands(TaskState::Refused, Some(error.message), Vec::new())
                .await;
            return;
        }
        following.stands(TaskState::Sending, None, Vec::new()).await;
    }
    let before = following.look(|model| model.get(&plan.order.target).cloned());
    let sent_at = following.now();
    let answer = send(&shared, plan.order.clone()).await;
    match answer {
        Ok(receipt) => taken(following, plan, receipt, before, slot).await,
        Err(error) if error.sent == Sent::Maybe => {
            let detail = Some(error.to_string());
            following.result("unknown", detail.clone(), false).await.ok();
            following.stands(TaskState::Unknown, detail, Vec::new()).await;
            unknown(following, plan, before, sent_at, slot).await;
        }
        Err(error) => {
            let state = if is_refusal(&error) {
                TaskState::Refused
            } else {
                TaskState::Failed
            };
            let detail = error.words.clone().unwrap_or_else(|| error.to_string());
            following.ends(state, Some(detail), Vec::new()).await;
        }
    }
}

/// Sends it, once.
pub(super) async fn send(shared: &Shared, order: Order) -> Result<Receipt, FeedError> {
    let name = order.target.connection().unwrap_or_default();
    let (source, cx) = match shared.source(&name) {
        Ok(found) => found,
        Err(error) => return Err(FeedError::new(error.code, "send an order", error.message)),
    };
    let look_again = cx.look_again.clone();
    let answer = source.act(cx, order).await;
    look_again.notify_one();
    answer
}

fn is_refusal(error: &FeedError) -> bool {
    matches!(
        error.code,
        ErrorCode::ActionNotAvailable
            | ErrorCode::Conflict
            | ErrorCode::InvalidRequest
            | ErrorCode::Forbidden
            | ErrorCode::Unauthorized
            | ErrorCode::NotSupported
            | ErrorCode::PlanOutdated
            | ErrorCode::ReadOnly
    )
}

/// The server took it.
async fn taken(mut following: Following, plan: Plan, receipt: Receipt, before: Option<Arc<Item>>, slot: Slot) {
    if matches!(plan.order.verb, Verb::Redeploy | Verb::Upgrade) {
        begin_deploy(&mut following, &plan);
        let version = receipt.version.clone();
        let upgrade = Upgrade::new(&following, &plan, version);
        following.deploys(None).await;
        upgrade::follow(following, upgrade, slot).await;
    } else if let Some(made) = receipt.made {
        following
            .ends(TaskState::Done, Some(made.to_string()), Vec::new())
            .await;
    } else {
        following.result("watching", None, false).await.ok();
        following.stands(TaskState::Watching, None, Vec::new()).await;
        effect::follow(following, plan, before, slot).await;
    }
}

pub(super) fn begin_deploy(following: &mut Following, plan: &Plan) {
    following.deploy = Some(DeployRecord {
        service: plan.order.target.clone(),
        service_name: plan.target_name.clone(),
        environment_name: plan.environment_name.clone().unwrap_or_default(),
        from: plan.from.clone(),
        to: plan.to.clone().unwrap_or_default(),
        started_at: following.task.started_at,
        ended_at: None,
        result: None,
        by: Some("me".to_owned()),
        journal: following.entry.as_ref().map(|entry| entry.id),
    });
}

/// Nobody knows whether it arrived: the model is asked once it was listed anew.
pub(super) async fn unknown(
    mut following: Following,
    plan: Plan,
    before: Option<Arc<Item>>,
    sent_at: kopi_model::Timestamp,
    slot: Slot,
) {
    let shared = following.shared.clone();
    let mut changed = shared.changed.subscribe();
    let since = tokio::time::Instant::now();
    let mut listed_since: Option<tokio::time::Instant> = None;
    let scope = before.as_ref().map(|item| item.scope().clone());
    while since.elapsed() < effect::UNKNOWN_LONGEST {
        let is_upgrade = matches!(plan.order.verb, Verb::Redeploy | Verb::Upgrade);
        let taken_version = following.look(|model| {
            let version = model.service(&plan.order.target)?.version.clone();
            version.filter(|version| Some(version) != plan.order.based_on.as_ref())
        });
        if is_upgrade {
            if let Some(version) = taken_version {
                begin_deploy(&mut following, &plan);
                let upgrade = Upgrade::new(&following, &plan, Some(version));
                following.deploys(None).await;
                upgrade::follow(following, upgrade, slot).await;
                return;
            }
        } else if following.look(|model| effect::is_real(&plan, before.as_deref(), model)) == effect::Effect::Real {
            following.ends(TaskState::Done, None, Vec::new()).await;
            return;
        }
        let is_listed = scope.as_ref().is_some_and(|scope| {
            let name = plan.order.target.connection().unwrap_or_default();
            following.is_up()
                && following
                    .look(|model| model.as_of(&name, scope))
                    .is_some_and(|as_of| as_of > sent_at)
        });
        if is_listed {
            let listed = *listed_since.get_or_insert_with(tokio::time::Instant::now);
            if listed.elapsed() >= effect::ARRIVES_WITHIN {
                let detail = Some("task_never_arrived".to_owned());
                following.ends(TaskState::Failed, detail, Vec::new()).await;
                return;
            }
        }
        if !super::following::moved(&shared, &mut changed).await {
            return;
        }
    }
    let detail = Some("task_outcome_unknown".to_owned());
    following.ends(TaskState::Unknown, detail, Vec::new()).await;
}
