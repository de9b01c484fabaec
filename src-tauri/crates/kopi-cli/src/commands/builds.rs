//! `kopi builds`: the feed, newest first; with `--repo` also what only the history knows.

use jiff::Timestamp;
use kopi_model::wire::Snapshot;
use kopi_model::{Build, BuildStatus};
use serde_json::Value;

use crate::args::BuildsArguments;
use crate::print::{Exit, Printer};
use crate::shapes::{self, World};
use crate::words;

/// Prints it.
pub(crate) fn builds(snapshot: &Snapshot, arguments: &BuildsArguments, printer: Printer, now: Timestamp) -> Exit {
    let world = World::new(snapshot);
    let mut builds: Vec<&Build> = world
        .builds()
        .filter(|build| arguments.repo.as_ref().is_none_or(|repo| build.repo == *repo))
        .filter(|build| arguments.branch.as_ref().is_none_or(|branch| build.branch == *branch))
        .filter(|build| {
            arguments
                .status
                .as_ref()
                .is_none_or(|status| word(build.status) == *status)
        })
        .collect();
    builds.sort_by_key(|build| std::cmp::Reverse((build.created_at.or(build.started_at), build.number)));
    let all = builds.len();
    builds.truncate(arguments.limit);
    if printer.json {
        let list = Value::from(builds.iter().map(|build| shapes::build(build)).collect::<Vec<_>>());
        printer.document(&shapes::outer(now, &snapshot.connections, "builds", list));
    } else {
        let rows: Vec<Vec<String>> = builds.iter().map(|build| row(build, printer, now)).collect();
        printer.table(&rows);
        if all > builds.len() {
            printer.progress(&match printer.lang {
                kopi_notify::Lang::En => format!("{} of {all}; --limit shows more", builds.len()),
                kopi_notify::Lang::Zh => format!("共 {all} 条，显示 {} 条；用 --limit 看更多", builds.len()),
            });
        }
    }
    super::readable(snapshot, printer)
}

fn word(status: BuildStatus) -> String {
    serde_json::to_value(status)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn row(build: &Build, printer: Printer, now: Timestamp) -> Vec<String> {
    let status = words::build_status(build.status, printer.lang);
    let step = kopi_model::decide::broken_step(build)
        .map(|step| format!(" {}", step.name))
        .unwrap_or_default();
    vec![
        printer.tint(&format!("{status}{step}"), shapes::standing_of_build(build.status)),
        format!("{}#{}", build.repo, build.number),
        build.branch.clone(),
        build.author_name.clone().unwrap_or_else(|| build.author.clone()),
        build.subject.chars().take(60).collect(),
        words::took(build.started_at, build.finished_at, now),
        words::age(
            build.finished_at.or(build.started_at).or(build.created_at),
            now,
            printer.lang,
        ),
    ]
}
