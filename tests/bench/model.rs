//! What one change costs, and whether it costs more among many items.

use std::hint::black_box;
use std::time::Instant;

use jiff::Timestamp;
use kopi_model::wire::Patch;
use kopi_model::{Build, BuildStatus, Event, Item, ItemId, ItemKind, Model, Origin, Service, reduce};

use crate::figure::{Goal, Report, percentile};

const CHANGES: usize = 20_000;

fn service(number: usize, image: usize) -> Item {
    Item::Service(Service {
        id: ItemId::new(ItemKind::Service, &"rancher".into(), &format!("1s{number}")),
        connection: "rancher".into(),
        scope: "environment:1a5".into(),
        environment: "environment:rancher/1a5".into(),
        stack_name: "core".into(),
        name: format!("service-{number}"),
        image: format!("harbor.company.com/ihealth/service-{number}:{image}"),
        scale: Some(2),
        ..Service::default()
    })
}

fn build(repo: usize, number: usize, round: usize) -> Item {
    Item::Build(Build {
        id: ItemId::new(
            ItemKind::Build,
            &"drone".into(),
            &format!("ihealth/service-{repo}#{number}"),
        ),
        connection: "drone".into(),
        scope: "feed".into(),
        repo: format!("ihealth/service-{repo}"),
        number: number as u64,
        status: if round.is_multiple_of(2) {
            BuildStatus::Running
        } else {
            BuildStatus::Passed
        },
        event: "push".into(),
        branch: "develop".into(),
        subject: "fix: token refresh race".into(),
        started_at: Timestamp::from_second(1_790_000_000 + round as i64).ok(),
        ..Build::default()
    })
}

/// Half services, half builds; then changes one by one, each made into the patch that would leave for a page.
fn world(items: usize) -> Model {
    let mut model = Model::new();
    let now = Timestamp::UNIX_EPOCH;
    for number in 0..items / 2 {
        for (connection, item) in [("rancher", service(number, 0)), ("drone", build(number, 1, 0))] {
            reduce(
                &mut model,
                &connection.into(),
                Event::Upsert(Box::new(item)),
                Origin::Live,
                now,
            );
        }
    }
    model
}

fn change(model: &mut Model, items: usize, round: usize) -> usize {
    let number = round * 7919 % (items / 2);
    let (connection, item) = if round.is_multiple_of(2) {
        ("rancher", service(number, round + 1))
    } else {
        ("drone", build(number, 1, round / (items / 2) + round / 2))
    };
    let base = model.rev();
    let changes = reduce(
        model,
        &connection.into(),
        Event::Upsert(Box::new(item)),
        Origin::Live,
        Timestamp::UNIX_EPOCH,
    );
    let patch = Patch {
        base,
        rev: model.rev(),
        upserts: changes.iter().filter_map(|change| change.after.clone()).collect(),
        ..Patch::default()
    };
    serde_json::to_vec(&patch).map_or(0, |bytes| bytes.len())
}

/// Nanoseconds a change, median of rounds of 500.
fn cost(items: usize) -> f64 {
    let mut model = world(items);
    let mut rounds = Vec::new();
    for round in 0..CHANGES / 500 {
        let began = Instant::now();
        for step in 0..500 {
            black_box(change(&mut model, items, round * 500 + step));
        }
        rounds.push(began.elapsed().as_nanos() as f64 / 500.0);
    }
    percentile(&mut rounds, 0.5)
}

/// Takes both figures.
pub fn measure(report: &mut Report) {
    if !report.wants("model") {
        return;
    }
    let (few, many) = (cost(10), cost(10_000));
    let throughput = 1e9 / many;
    report.figure(
        "model: reduce + patch",
        Goal::AtLeast(50_000.0),
        throughput,
        "items/s",
        "10,000 items, each change made into JSON",
    );
    let beside = format!("{few:.0} ns among 10 items, {many:.0} ns among 10,000");
    report.figure(
        "model: cost of a change, 10,000 / 10 items",
        Goal::AtMost(1.3),
        many / few,
        "×",
        &beside,
    );
}
