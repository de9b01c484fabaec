//! Decides what a change of a build is worth telling (design § 6). Deploys are told by who watches them.
//!
//! Refuses: telling history. A `CatchUp` change gives no notice; `digest` sums them up.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::notice::{Notice, NoticeEvent, NoticeFacts, Prefs};
use crate::{Build, BuildStatus, Item, ItemId, Model, ModelChange, Origin, Step, Verb};

/// The notice a change is worth, before preferences hold it back.
pub fn decide(change: &ModelChange, model: &Model, prefs: &Prefs, now: Timestamp) -> Option<Notice> {
    if change.origin != Origin::Live {
        return None;
    }
    let Some(Item::Build(build)) = change.after.as_deref() else {
        return None;
    };
    let before = match change.before.as_deref() {
        Some(Item::Build(before)) => Some(before.status),
        _ => None,
    };
    if before == Some(build.status) {
        return None;
    }
    let earlier = earlier_finals(model, build);
    let event = event_of(build.status, earlier.first().copied())?;
    let mut facts = facts_of(build);
    match event {
        NoticeEvent::StillBroken => {
            let run = broken_run(&earlier);
            facts.streak = Some(run.len() as u32 + 1);
            facts.same_step = same_step(build, run[0]);
            facts.broken_for_s = run
                .last()
                .and_then(|first| seconds(first.finished_at, build.finished_at.or(Some(now))));
        }
        NoticeEvent::Fixed => {
            let run = broken_run(&earlier);
            facts.broken_for_s = run
                .last()
                .and_then(|first| seconds(first.finished_at, build.finished_at.or(Some(now))));
        }
        NoticeEvent::Started => facts.usual_s = usual_s(&earlier),
        NoticeEvent::Waiting => {
            facts.environment.clone_from(&build.environment);
            facts.age_s = seconds(build.created_at, Some(now));
        }
        _ => {}
    }
    let production = model.lines_of(&build.repo, &build.branch).any(|line| line.production);
    Some(Notice {
        event,
        item: Some(build.id.clone()),
        key: format!("{}/{}", build.id, event.word()),
        subject: build.repo.clone(),
        mine: is_mine(build, prefs),
        production: production && event != NoticeEvent::Passed,
        offers: offers(event),
        facts,
        at: build.finished_at.unwrap_or(now),
    })
}

/// One summary of what ended while nobody watched: builds of a catch-up that finished after `since`. None when nothing did.
pub fn digest(changes: &[ModelChange], since: Timestamp, now: Timestamp) -> Option<Notice> {
    let mut facts = NoticeFacts::default();
    let mut seen: BTreeSet<&ItemId> = BTreeSet::new();
    let mut repos = BTreeSet::new();
    let mut only = None;
    for change in changes.iter().rev() {
        let Some(Item::Build(build)) = change.after.as_deref() else {
            continue;
        };
        if !seen.insert(&build.id) {
            continue;
        }
        let ended = build.finished_at.is_some_and(|at| at > since);
        let began_waiting = build.status == BuildStatus::Blocked && build.created_at.is_some_and(|at| at > since);
        if build.status == BuildStatus::Passed && ended {
            facts.passed += 1;
        } else if build.status.is_broken() && ended {
            facts.broken += 1;
            repos.insert(build.repo.clone());
        } else if began_waiting {
            facts.waiting += 1;
        } else {
            continue;
        }
        only = Some(build.id.clone());
    }
    let count = facts.passed + facts.broken + facts.waiting;
    if count == 0 {
        return None;
    }
    facts.repos = repos.into_iter().collect();
    facts.since = Some(since);
    Some(Notice {
        event: NoticeEvent::Digest,
        item: only.filter(|_| count == 1),
        key: format!("digest/{since}"),
        subject: String::new(),
        mine: true,
        production: false,
        offers: Vec::new(),
        facts,
        at: now,
    })
}

/// The person at this desk wrote or started it.
pub fn is_mine(build: &Build, prefs: &Prefs) -> bool {
    prefs.me.contains(&build.author.to_lowercase())
        || build
            .sender
            .as_ref()
            .is_some_and(|sender| prefs.me.contains(&sender.to_lowercase()))
}

/// The step that broke a build: the first failed one that is not a service.
pub fn broken_step(build: &Build) -> Option<&Step> {
    build
        .steps
        .iter()
        .find(|step| !step.is_service && step.status.is_broken())
}

/// Median seconds of passed builds, newest 40; none when there are none.
pub fn usual_s(builds: &[&Build]) -> Option<i64> {
    let mut took: Vec<i64> = builds
        .iter()
        .filter(|build| build.status == BuildStatus::Passed)
        .filter_map(|build| seconds(build.started_at, build.finished_at))
        .take(40)
        .collect();
    took.sort_unstable();
    took.get(took.len() / 2).copied()
}

fn event_of(status: BuildStatus, previous: Option<&Build>) -> Option<NoticeEvent> {
    let was_broken = previous.is_some_and(|previous| previous.status.is_broken());
    match status {
        BuildStatus::Running => Some(NoticeEvent::Started),
        BuildStatus::Blocked => Some(NoticeEvent::Waiting),
        BuildStatus::Passed if was_broken => Some(NoticeEvent::Fixed),
        BuildStatus::Passed => Some(NoticeEvent::Passed),
        BuildStatus::Failed | BuildStatus::Errored if was_broken => Some(NoticeEvent::StillBroken),
        BuildStatus::Failed | BuildStatus::Errored => Some(NoticeEvent::Broken),
        _ => None,
    }
}

/// Ended builds of the same branch and kind before this one, newest first; cancelled and skipped ones say nothing.
fn earlier_finals<'a>(model: &'a Model, build: &Build) -> Vec<&'a Build> {
    model
        .builds_of(&build.connection, &build.repo)
        .filter(|other| {
            other.number < build.number
                && other.branch == build.branch
                && other.event.starts_with("pull_request") == build.event.starts_with("pull_request")
                && (other.status == BuildStatus::Passed || other.status.is_broken())
        })
        .collect()
}

fn broken_run<'a>(earlier: &[&'a Build]) -> Vec<&'a Build> {
    earlier
        .iter()
        .take_while(|build| build.status.is_broken())
        .copied()
        .collect()
}

fn same_step(build: &Build, before: &Build) -> Option<bool> {
    Some(broken_step(build)?.name == broken_step(before)?.name)
}

fn facts_of(build: &Build) -> NoticeFacts {
    let step = broken_step(build);
    NoticeFacts {
        repo: build.repo.clone(),
        number: Some(build.number),
        branch: Some(build.branch.clone()).filter(|branch| !branch.is_empty()),
        author: build
            .author_name
            .clone()
            .or_else(|| Some(build.author.clone()))
            .filter(|author| !author.is_empty()),
        commit_subject: Some(build.subject.clone()).filter(|subject| !subject.is_empty()),
        step: step.map(|step| step.name.clone()),
        exit_code: step.and_then(|step| step.exit_code),
        reason: step.and_then(|step| step.error.clone()).or_else(|| build.error.clone()),
        took_s: seconds(build.started_at, build.finished_at),
        ..NoticeFacts::default()
    }
}

fn offers(event: NoticeEvent) -> Vec<Verb> {
    match event {
        NoticeEvent::Broken | NoticeEvent::StillBroken => vec![Verb::Restart],
        NoticeEvent::Waiting => vec![Verb::Approve, Verb::Decline],
        _ => Vec::new(),
    }
}

/// Whole seconds from one time to another; none when either is unknown. Clocks differ: never negative.
pub fn seconds(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<i64> {
    Some((to?.as_second() - from?.as_second()).max(0))
}
