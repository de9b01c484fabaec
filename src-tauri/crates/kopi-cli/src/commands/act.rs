//! The acting commands: plan, confirm, run, and with `--wait` follow to the verified end.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use kopi_model::wire::{Act, Answer, ApiError, ErrorCode, Frame, Query, RequestBody, Snapshot, Task, TaskState};
use kopi_model::{Danger, ItemId, Order, Plan, PlanStep};
use kopi_notify::Lang;
use serde_json::json;

use crate::args::Confirm;
use crate::plan_words;
use crate::print::{Exit, Printer};
use crate::reach::Reach;
use crate::shapes::World;
use crate::words;

/// `STACK/SERVICE`, narrowed by environment; ambiguity is asked back.
pub(crate) fn resolve_service(snapshot: &Snapshot, text: &str, environment: Option<&str>) -> Result<ItemId, ApiError> {
    let world = World::new(snapshot);
    let found: Vec<_> = world
        .services()
        .filter(|service| format!("{}/{}", service.stack_name, service.name) == text || service.id.as_str() == text)
        .filter(|service| environment.is_none_or(|name| world.name_of(&service.environment) == Some(name)))
        .collect();
    match found.as_slice() {
        [service] => Ok(service.id.clone()),
        [] => {
            let place = environment.map(|name| format!(" in {name}")).unwrap_or_default();
            let near = near(&world, text);
            let error = ApiError::new(ErrorCode::NoSuchItem, format!("there is no service {text}{place}"));
            Err(if near.is_empty() {
                error
            } else {
                error.hint(format!("there is: {}", near.into_iter().collect::<Vec<_>>().join(", ")))
            })
        }
        several => {
            let names: Vec<&str> = several
                .iter()
                .filter_map(|service| world.name_of(&service.environment))
                .collect();
            Err(ApiError::new(
                ErrorCode::BadRequest,
                format!("{text} is in several environments: say which"),
            )
            .hint(format!("--environment {}", names.join(" | --environment "))))
        }
    }
}

/// What may have been meant: services of that name elsewhere, else those that begin alike.
fn near(world: &World<'_>, text: &str) -> BTreeSet<String> {
    let name = text.rsplit('/').next().unwrap_or(text);
    let start: String = name.chars().take(3).collect();
    let of = |fits: &dyn Fn(&str) -> bool| {
        let found = world.services().filter(|service| fits(&service.name));
        found
            .map(|service| format!("{}/{}", service.stack_name, service.name))
            .collect::<BTreeSet<_>>()
    };
    let same = of(&|known| known == name);
    if same.is_empty() && !start.is_empty() {
        of(&|known| known.starts_with(&start))
    } else {
        same
    }
}

/// Plans, and when it may, runs.
pub(crate) async fn act(mut reach: Reach, order: Order, confirm: &Confirm, printer: Printer) -> Result<Exit, ApiError> {
    let plan = match reach.query(Query::Plan { order: order.clone() }).await? {
        Answer::Plan(plan) => *plan,
        _ => return Err(ApiError::new(ErrorCode::Internal, "the core answered something else")),
    };
    if confirm.plan {
        show(&plan, printer);
        reach.leave().await;
        return Ok(if plan.refused.is_some() {
            Exit::Refused
        } else {
            Exit::Fine
        });
    }
    if let Some(why) = &plan.refused {
        let instead: Vec<&str> = plan
            .instead
            .iter()
            .map(|verb| words::verb(*verb, printer.lang))
            .collect();
        let error = ApiError::new(
            ErrorCode::ActionNotAvailable,
            format!(
                "{}: {}",
                plan.target_name,
                plan_words::step(why, if printer.json { Lang::En } else { printer.lang })
            ),
        );
        let error = if instead.is_empty() {
            error
        } else {
            error.hint(instead.join(" / "))
        };
        printer.error(&error);
        reach.leave().await;
        return Ok(Exit::Refused);
    }
    if plan.danger != Danger::Reversible && !confirm.yes {
        if !printer.json {
            show(&plan, printer);
        }
        let place = plan.environment_name.as_deref().unwrap_or_default();
        let message = format!("{} {place} needs to be confirmed; nothing was done", plan.target_name);
        reach.leave().await;
        return Err(ApiError::new(ErrorCode::NotConfirmed, message));
    }
    let began = Timestamp::now();
    let snapshot = reach.subscribe().await?;
    reach.send(RequestBody::Ack { rev: snapshot.rev }).await?;
    let run = Act::Run {
        order,
        token: plan.token.clone(),
        hold: false,
    };
    let Answer::Task(task) = reach.act(run).await? else {
        return Err(ApiError::new(ErrorCode::Internal, "the core answered something else"));
    };
    let wanted = Wanted {
        task,
        to_the_end: confirm.wait,
    };
    let limit = Duration::from_secs(confirm.timeout);
    let last = tokio::time::timeout(limit, follow(&mut reach, &snapshot, wanted, printer)).await;
    let last = match last {
        Ok(last) => last?,
        Err(_) => None,
    };
    // Our own core must not end while its request is on the way; the journal lets the next one go on watching.
    reach.leave().await;
    Ok(ended(last.as_ref(), wanted, began, printer))
}

#[derive(Clone, Copy)]
struct Wanted {
    task: i64,
    to_the_end: bool,
}

impl Wanted {
    fn is_met(self, state: &TaskState) -> bool {
        match state {
            TaskState::Held { .. } | TaskState::Sending => false,
            TaskState::Watching | TaskState::Finishing => !self.to_the_end,
            _ => true,
        }
    }
}

async fn follow(
    reach: &mut Reach,
    snapshot: &Snapshot,
    wanted: Wanted,
    printer: Printer,
) -> Result<Option<Task>, ApiError> {
    let bar = bar(printer);
    let mut last = snapshot.tasks.iter().find(|task| task.id == wanted.task).cloned();
    let mut told = String::new();
    loop {
        if let Some(task) = &last {
            let line = progress_line(task, printer);
            match &bar {
                Some(bar) => {
                    bar.set_length(u64::from(task.all.unwrap_or(0)));
                    bar.set_position(u64::from(task.done.unwrap_or(0)));
                    bar.set_message(line.clone());
                }
                None if line != told => printer.progress(&line),
                None => {}
            }
            told = line;
            if wanted.is_met(&task.state) {
                break;
            }
        }
        let tasks = match reach.next().await {
            Some(Frame::Patch(patch)) => {
                reach.send(RequestBody::Ack { rev: patch.rev }).await?;
                patch.tasks
            }
            Some(Frame::Snapshot(snapshot)) => {
                reach.send(RequestBody::Ack { rev: snapshot.rev }).await?;
                Some(snapshot.tasks)
            }
            Some(_) => None,
            None => {
                return Err(ApiError::new(
                    ErrorCode::OutcomeUnknown,
                    "the core went away while the order was under way",
                ));
            }
        };
        if let Some(task) = tasks.into_iter().flatten().find(|task| task.id == wanted.task) {
            last = Some(task);
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(last)
}

fn bar(printer: Printer) -> Option<ProgressBar> {
    if printer.json || printer.quiet || !std::io::stderr().is_terminal() {
        return None;
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:20} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    Some(bar)
}

fn progress_line(task: &Task, printer: Printer) -> String {
    let count = match (task.done, task.all) {
        (Some(done), Some(all)) => format!(" {done}/{all}"),
        _ => String::new(),
    };
    let detail = task
        .detail
        .as_ref()
        .map(|detail| format!(": {}", plan_words::detail(detail, printer.lang)))
        .unwrap_or_default();
    format!(
        "{} {}{count}{detail}",
        task.target_name,
        words::task_state(&task.state, printer.lang)
    )
}

fn ended(task: Option<&Task>, wanted: Wanted, began: Timestamp, printer: Printer) -> Exit {
    let (result, exit) = match task.map(|task| &task.state) {
        Some(TaskState::Done) => ("done", Exit::Fine),
        Some(TaskState::Watching | TaskState::Finishing) if !wanted.to_the_end => ("accepted", Exit::Fine),
        Some(TaskState::Failed | TaskState::Superseded | TaskState::Undone) => ("failed", Exit::Wrong),
        Some(TaskState::Refused) => ("refused", Exit::Refused),
        _ => ("unknown", Exit::OutcomeUnknown),
    };
    let detail = task.and_then(|task| task.detail.clone());
    if printer.json {
        printer.document(&json!({
            "version": 1,
            "result": result,
            "took_ms": Timestamp::now().duration_since(began).as_millis(),
            "journal_id": wanted.task,
            "detail": detail,
        }));
    } else if let Some(task) = task {
        printer.line(&progress_line(task, printer));
        if !task.offers.is_empty() && exit != Exit::Fine {
            let offers: Vec<&str> = task
                .offers
                .iter()
                .map(|verb| words::verb(*verb, printer.lang))
                .collect();
            printer.progress(&format!(
                "{} {}",
                printer.lang.pick("what helps:", "可以："),
                offers.join(" / ")
            ));
        }
    }
    exit
}

fn show(plan: &Plan, printer: Printer) {
    let lang = if printer.json { Lang::En } else { printer.lang };
    let said = |step: &PlanStep| plan_words::step(step, lang);
    if printer.json {
        let shape = |step: &PlanStep| json!({ "text": said(step), "request": step.request, "message": step.message });
        printer.document(&json!({
            "version": 1,
            "plan": {
                "verb": plan.order.verb,
                "danger": plan.danger,
                "target": plan.order.target,
                "target_name": plan.target_name,
                "environment": plan.environment_name,
                "from": plan.from,
                "to": plan.to,
                "containers": plan.containers,
                "steps": plan.steps.iter().map(shape).collect::<Vec<_>>(),
                "untouched": plan.untouched.iter().map(&said).collect::<Vec<_>>(),
                "risks": plan.risks.iter().map(&said).collect::<Vec<_>>(),
                "refused": plan.refused.as_ref().map(&said),
                "instead": plan.instead,
            },
        }));
        return;
    }
    let place = plan
        .environment_name
        .as_ref()
        .map(|name| format!(" · {}", plan_words::environment(name, lang)))
        .unwrap_or_default();
    printer.line(&format!(
        "{} {}{place}",
        words::verb(plan.order.verb, lang),
        plan.target_name
    ));
    if let (Some(from), Some(to)) = (&plan.from, &plan.to) {
        printer.line(&format!("{from} → {to}"));
    }
    for (number, step) in plan.steps.iter().enumerate() {
        let request = step
            .request
            .as_ref()
            .map(|request| format!("  [{request}]"))
            .unwrap_or_default();
        printer.line(&format!("  {}. {}{request}", number + 1, said(step)));
    }
    for step in &plan.untouched {
        printer.line(&format!("  {} {}", lang.pick("not touched:", "不会动："), said(step)));
    }
    for step in &plan.risks {
        printer.line(&format!("  ! {}", said(step)));
    }
    if let Some(refused) = &plan.refused {
        printer.line(&format!("  {} {}", lang.pick("not now:", "现在不行："), said(refused)));
    }
}
