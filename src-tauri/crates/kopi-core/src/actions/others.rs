//! Deploys that somebody else made (Drone's Rancher step, a colleague in the web page) are watched and told the same way;
//! what was under way when Kopi ended is picked up again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use kopi_model::item::UpgradePhase;
use kopi_model::wire::{ConnectionState, DeployRecord, Task, TaskState};
use kopi_model::{Build, BuildStatus, Item, ItemId, ItemKind, Service, Timestamp, UpgradeWatch, Verb};
use tokio::sync::mpsc;

use super::following::{Following, moved};
use super::run::{begin_deploy, unknown};
use super::telling::build_behind;
use super::upgrade::{self, DEADLINE, Upgrade};
use crate::engine::{OpenEntry, Shared};

/// Who waits for a connection after a start waits so long.
const FIRST_LISTING: Duration = Duration::from_mins(10);
/// A step that ended longer ago did not do what is seen now. Some do not wait for what they started.
const JUST_NOW: SignedDuration = SignedDuration::from_mins(2);
/// A step that deploys has one of them in its name (`apis/rancher.md § 6.6`).
const DEPLOY_WORDS: [&str; 4] = ["deploy", "rancher", "upgrade", "rollout"];

/// Watches what others deploy.
pub(crate) async fn watch_others(shared: Arc<Shared>, mut deploys: mpsc::Receiver<ItemId>) {
    let next = Arc::new(AtomicI64::new(-1));
    loop {
        let service = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            service = deploys.recv() => match service {
                Some(service) => service,
                None => return,
            },
        };
        watch_other(&shared, &service, &next).await;
    }
}

async fn watch_other(shared: &Arc<Shared>, id: &ItemId, next: &AtomicI64) {
    // Whoever holds the slot follows it already: ours, or one that was noticed before.
    let Some(slot) = shared.slots.take_watch(id) else {
        return;
    };
    let now = shared.clock().now();
    let made = {
        let state = shared.state();
        let Some(service) = state.model.service(id) else { return };
        let environment = state.model.environment(&service.environment);
        let by = who_did_it(&state.model, service, now);
        let previous = service.previous.as_ref().map(|previous| previous.image.clone());
        let name = format!("{}/{}", service.stack_name, service.name);
        let task = Task {
            id: next.fetch_sub(1, Ordering::Relaxed),
            target: id.clone(),
            target_name: name.clone(),
            verb: Verb::Upgrade,
            state: TaskState::Watching,
            from: previous.clone(),
            to: Some(service.image.clone()),
            done: None,
            all: None,
            detail: None,
            offers: Vec::new(),
            by: by
                .clone()
                .map_or_else(|| "unknown".to_owned(), |build| build.to_string()),
            started_at: now,
            changed_at: now,
        };
        let deploy = DeployRecord {
            service: id.clone(),
            service_name: name,
            environment_name: environment
                .map(|environment| environment.name.clone())
                .unwrap_or_default(),
            from: previous,
            to: service.image.clone(),
            started_at: now,
            ended_at: None,
            result: None,
            by: by.map(|build| build.to_string()),
            journal: None,
        };
        let watch = UpgradeWatch {
            service: id.clone(),
            version: service.version.clone().unwrap_or_default(),
            began: now,
            deadline: now.checked_add(DEADLINE).unwrap_or(now),
            failing_since: None,
            failed_containers: BTreeSet::new(),
        };
        (task, deploy, watch)
    };
    let (task, deploy, watch) = made;
    let mut following = Following {
        shared: shared.clone(),
        task,
        entry: None,
        deploy: Some(deploy),
        memory: None,
    };
    following.show().await;
    following.deploys(None).await;
    let upgrade = Upgrade {
        watch,
        replaces: None,
        // Not ours to finish.
        finish: false,
    };
    shared.tasks.spawn(upgrade::follow(following, upgrade, slot));
}

/// The build that did it: one of a branch whose line ends at this service, with a step that deploys, under way or ended
/// just now; the one whose image runs before any other. Nobody's when there is none: a colleague, or another tool.
fn who_did_it(model: &kopi_model::Model, service: &Service, now: Timestamp) -> Option<ItemId> {
    let runs = build_behind(model, service);
    if let Some(build) = runs
        && is_recent(build, now)
        && (!build.steps_known || deploys(build, now))
    {
        return Some(build.id.clone());
    }
    let lines = model.items_of(ItemKind::Line).filter_map(|item| match item.as_ref() {
        Item::Line(line) if line.service.as_ref() == Some(&service.id) => Some(line),
        _ => None,
    });
    lines
        .filter_map(|line| {
            let newest = model.build(line.build.as_ref()?)?;
            model.builds_of(&newest.connection, &newest.repo).find(|build| {
                (build.branch == line.branch || build.event == "deployment")
                    && !build.event.starts_with("pull_request")
                    && is_recent(build, now)
                    && deploys(build, now)
            })
        })
        .max_by_key(|build| build.created_at)
        .map(|build| build.id.clone())
}

fn is_recent(build: &Build, now: Timestamp) -> bool {
    match build.finished_at {
        None => !build.status.is_final(),
        Some(ended) => now.duration_since(ended) < JUST_NOW,
    }
}

/// One of its steps, by its name, speaks to Rancher now or did just now.
fn deploys(build: &Build, now: Timestamp) -> bool {
    build.steps.iter().any(|step| {
        let name = step.name.to_lowercase();
        let is_lately = match (step.started_at, step.finished_at) {
            (_, Some(ended)) => now.duration_since(ended) < JUST_NOW,
            (started, None) => started.is_some() || step.status == BuildStatus::Running,
        };
        is_lately && DEPLOY_WORDS.iter().any(|word| name.contains(word))
    })
}

/// Picks up what was under way when Kopi ended: each entry of the journal that is not over.
pub(crate) async fn resume(shared: Arc<Shared>) {
    let open = match shared.records.open_journal().await {
        Ok(open) => open,
        Err(error) => {
            tracing::warn!(%error.message, "the journal could not be read");
            return;
        }
    };
    for entry in open {
        // Taken at once, so that nobody begins the same again before the first listing.
        shared.tasks.spawn(resume_one(shared.clone(), entry));
    }
    // Upgrades of others that ran already when Kopi ended show no change: they are looked for once.
    let mut changed = shared.changed.subscribe();
    let mut waits: BTreeSet<_> = shared.state().connections.keys().cloned().collect();
    while !waits.is_empty() {
        let mut running = Vec::new();
        {
            let state = shared.state();
            waits.retain(|name| {
                let Some(connection) = state.connections.get(name) else {
                    return false;
                };
                let is_up = matches!(
                    connection.health.state,
                    ConnectionState::Live | ConnectionState::Polling
                );
                if is_up {
                    running.extend(
                        state
                            .model
                            .items_of(ItemKind::Service)
                            .filter_map(|item| match item.as_ref() {
                                Item::Service(service)
                                    if service.connection == *name && service.phase == UpgradePhase::Running =>
                                {
                                    Some(service.id.clone())
                                }
                                _ => None,
                            }),
                    );
                }
                !is_up
            });
        }
        for id in running {
            shared.deploys.send(id).await.ok();
        }
        if !waits.is_empty() && !moved(&shared, &mut changed).await {
            return;
        }
    }
}

async fn resume_one(shared: Arc<Shared>, open: OpenEntry) {
    let OpenEntry { entry, memory } = open;
    let Some(plan) = entry.plan.clone() else { return };
    let mut following = Following {
        shared: shared.clone(),
        task: Task {
            id: entry.id,
            target: entry.target.clone(),
            target_name: entry.target_name.clone(),
            verb: entry.verb,
            state: TaskState::Unknown,
            from: plan.from.clone(),
            to: plan.to.clone(),
            done: None,
            all: None,
            detail: None,
            offers: Vec::new(),
            by: "me".to_owned(),
            started_at: entry.at,
            changed_at: shared.clock().now(),
        },
        entry: Some(entry.clone()),
        deploy: None,
        memory,
    };
    if entry.result == "held" {
        let detail = Some("task_not_sent".to_owned());
        following.ends(TaskState::Undone, detail, Vec::new()).await;
        return;
    }
    let Some(slot) = shared.slots.take(&entry.target, entry.verb) else {
        return;
    };
    following.show().await;
    let name = entry.target.connection().unwrap_or_default();
    let mut changed = shared.changed.subscribe();
    let began = tokio::time::Instant::now();
    while !is_caught_up(&shared, &name) {
        if began.elapsed() >= FIRST_LISTING || !moved(&shared, &mut changed).await {
            return;
        }
    }
    let watch = following
        .memory
        .as_deref()
        .and_then(|text| serde_json::from_str::<UpgradeWatch>(text).ok());
    if let Some(mut watch) = watch {
        let now = shared.clock().now();
        watch.deadline = watch
            .deadline
            .max(now.checked_add(Duration::from_mins(1)).unwrap_or(now));
        begin_deploy(&mut following, &plan);
        following.stands(TaskState::Watching, None, Vec::new()).await;
        let upgrade = Upgrade {
            watch,
            replaces: None,
            finish: shared.settings.load().settings.finish_upgrades,
        };
        upgrade::follow(following, upgrade, slot).await;
    } else {
        let before = following.look(|model| model.get(&entry.target).cloned());
        unknown(following, plan, before, entry.at, slot).await;
    }
}

fn is_caught_up(shared: &Shared, name: &kopi_model::ConnectionName) -> bool {
    let state = shared.state();
    state.connections.get(name).is_none_or(|connection| {
        matches!(
            connection.health.state,
            ConnectionState::Live | ConnectionState::Polling
        ) && connection.track.has_caught_up(name, &state.model)
    })
}
