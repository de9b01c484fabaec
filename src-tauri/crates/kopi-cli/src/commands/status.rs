//! `kopi status`: what is wrong, what moves; exit 1 when something is wrong.

use jiff::Timestamp;
use kopi_model::item::{LineGroup, UpgradePhase};
use kopi_model::wire::{ConnectionState, Snapshot};
use kopi_model::{Item, Line};
use serde_json::{Value, json};

use crate::print::{Exit, Printer};
use crate::shapes::{self, Standing, World};
use crate::words;

struct Fact {
    item: kopi_model::ItemId,
    /// In the promise's words (design § 2), whatever the language.
    status: Value,
    title: String,
    since: Option<Timestamp>,
    standing: Standing,
}

/// Prints it.
pub(crate) fn status(snapshot: &Snapshot, printer: Printer, now: Timestamp) -> Exit {
    let world = World::new(snapshot);
    let facts = facts(&world, printer);
    let of = |standing: Standing| facts.iter().filter(move |fact| fact.standing == standing);
    let answers = |state| {
        matches!(
            state,
            ConnectionState::Live | ConnectionState::Polling | ConnectionState::Off
        )
    };
    let silent = snapshot
        .connections
        .iter()
        .filter(|health| !answers(health.state))
        .count();
    let wrong = of(Standing::Wrong).count();
    // With nothing watched, or with a server that does not answer, nobody knows that all is well.
    let ok = if wrong > 0 {
        Some(false)
    } else if snapshot.connections.is_empty() || silent > 0 || of(Standing::Unknown).count() > 0 {
        None
    } else {
        Some(true)
    };
    if printer.json {
        let list = |standing| Value::from(of(standing).map(shape).collect::<Vec<_>>());
        let mut document = shapes::outer(now, &snapshot.connections, "ok", json!(ok));
        document["wrong"] = list(Standing::Wrong);
        document["moving"] = list(Standing::Moving);
        document["unknown"] = list(Standing::Unknown);
        document["counts"] = json!({
            "lines": world.items().filter(|item| matches!(item, Item::Line(_))).count(),
            "builds": world.builds().count(),
            "services": world.services().count(),
            "hosts": world.hosts().count(),
            "wrong": wrong,
            "moving": of(Standing::Moving).count(),
        });
        document["from_cache"] = json!(snapshot.from_cache);
        printer.document(&document);
    } else {
        print(snapshot, &facts, printer, now, ok);
    }
    match ok {
        Some(false) => Exit::Wrong,
        None if silent > 0 || snapshot.connections.is_empty() => Exit::CouldNotRead,
        _ => Exit::Fine,
    }
}

fn shape(fact: &Fact) -> Value {
    json!({ "item": fact.item, "status": fact.status, "title": fact.title, "since": fact.since })
}

/// Lines first; what no line stands for after them: services and hosts.
fn facts(world: &World<'_>, printer: Printer) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut told = std::collections::BTreeSet::new();
    for item in world.items() {
        let Item::Line(line) = item else { continue };
        if let Some(fact) = line_fact(world, line, printer) {
            told.extend(line.service.clone());
            facts.push(fact);
        }
    }
    for service in world.services().filter(|service| !told.contains(&service.id)) {
        let standing = match service.phase {
            UpgradePhase::AwaitsFinish | UpgradePhase::Cancelled => Standing::Wrong,
            _ => shapes::standing_of_live(service.status),
        };
        if standing != Standing::Fine {
            let environment = world.name_of(&service.environment).unwrap_or("?");
            let words = words::live_status(service.status, service.phase, printer.lang);
            facts.push(Fact {
                item: service.id.clone(),
                status: json!(service.status),
                title: format!("{}/{} {environment}: {words}", service.stack_name, service.name),
                since: None,
                standing,
            });
        }
    }
    for host in world.hosts() {
        let standing = shapes::standing_of_live(host.status);
        if standing != Standing::Fine {
            let words = words::live_status(host.status, UpgradePhase::None, printer.lang);
            facts.push(Fact {
                item: host.id.clone(),
                status: json!(host.status),
                title: format!("{}: {words} ({})", host.name, host.server_state),
                since: None,
                standing,
            });
        }
    }
    facts
}

fn line_fact(world: &World<'_>, line: &Line, printer: Printer) -> Option<Fact> {
    let build = world.builds().find(|build| Some(&build.id) == line.build.as_ref())?;
    let service = world
        .services()
        .find(|service| Some(&service.id) == line.service.as_ref());
    let build_standing = shapes::standing_of_build(build.status);
    let mut title = format!("{} {}", line.repo, line.branch);
    let (status, since, standing);
    if build_standing == Standing::Fine {
        let service = service?;
        standing = match line.group {
            LineGroup::Wrong => Standing::Wrong,
            LineGroup::Moving => Standing::Moving,
            LineGroup::Quiet => shapes::standing_of_live(service.status),
        };
        status = json!(service.status);
        since = None;
        let words = words::live_status(service.status, service.phase, printer.lang);
        title = format!("{title}: {}/{} {words}", service.stack_name, service.name);
    } else {
        standing = build_standing;
        status = json!(build.status);
        since = build.finished_at.or(build.started_at).or(build.created_at);
        let step = kopi_model::decide::broken_step(build)
            .map(|step| format!(" {}", step.name))
            .unwrap_or_default();
        let words = words::build_status(build.status, printer.lang);
        title = format!("{title}: #{} {words}{step}", build.number);
    }
    (standing != Standing::Fine).then(|| Fact {
        item: line.id.clone(),
        status,
        title,
        since,
        standing,
    })
}

fn print(snapshot: &Snapshot, facts: &[Fact], printer: Printer, now: Timestamp, ok: Option<bool>) {
    let lang = printer.lang;
    let mut rows = Vec::new();
    let groups = [
        (Standing::Wrong, lang.pick("wrong", "有问题")),
        (Standing::Unknown, lang.pick("cannot tell", "说不准")),
        (Standing::Moving, lang.pick("moving", "进行中")),
    ];
    for (standing, word) in groups {
        for fact in facts.iter().filter(|fact| fact.standing == standing) {
            rows.push(vec![
                printer.tint(word, standing),
                fact.title.clone(),
                words::age(fact.since, now, lang),
            ]);
        }
    }
    printer.table(&rows);
    match (ok, snapshot.connections.is_empty()) {
        (_, true) => printer.line(lang.pick(
            "Nothing is watched: no connection is configured.",
            "什么都没盯：还没有配置连接。",
        )),
        (Some(true), _) => {
            let lines = snapshot
                .items
                .iter()
                .filter(|item| matches!(&***item, Item::Line(_)))
                .count();
            printer.line(&match lang {
                kopi_notify::Lang::En => format!("All well. {lines} lines."),
                kopi_notify::Lang::Zh => format!("一切正常，{lines} 条交付线。"),
            });
        }
        _ => {}
    }
    let rows: Vec<Vec<String>> = snapshot
        .connections
        .iter()
        .map(|health| {
            let trouble = health
                .error
                .as_ref()
                .map(|error| error.message.clone())
                .unwrap_or_default();
            vec![
                health.name.to_string(),
                health
                    .dialect
                    .as_ref()
                    .map_or_else(|| health.label.clone(), |dialect| format!("{} {dialect}", health.label)),
                words::connection_state(health, now, lang),
                trouble,
            ]
        })
        .collect();
    printer.table(&rows);
}
