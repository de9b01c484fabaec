//! What is listed, what is gone, and what must never go: against a naive model that keeps every rule in plain sight.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::LIVE_BUILDS_PER_REPO;
use crate::{Coverage, remove_connection};

fn seen(item: impl Into<Item>) -> Event {
    Event::Seen(Box::new(item.into()))
}

fn init(scope: &str, coverage: Coverage) -> Event {
    Event::Init {
        scope: scope.into(),
        coverage,
    }
}

fn ids(model: &Model) -> Vec<String> {
    let mut ids: Vec<String> = model.items().map(|item| item.id().to_string()).collect();
    ids.retain(|id| !id.starts_with("line:"));
    ids.sort();
    ids
}

#[test]
fn an_equal_item_is_no_change() {
    let mut world = World::default();
    assert_eq!(
        world.upsert(build("ihealth/api", 1, "x", BuildStatus::Running)).len(),
        1
    );
    assert!(
        world
            .upsert(build("ihealth/api", 1, "x", BuildStatus::Running))
            .is_empty()
    );
    assert_eq!(world.upsert(build("ihealth/api", 1, "x", BuildStatus::Passed)).len(), 1);
}

#[test]
fn only_a_complete_listing_makes_items_go() {
    let prod = environment("1a5", "production");
    let [one, two] = ["1s1", "1s2"].map(|native| service(native, &prod, native, "ihealth/x:1"));
    for (coverage, left) in [
        (Coverage::Complete, 1),
        (Coverage::Newest(1), 2),
        (Coverage::Since(at(0)), 2),
    ] {
        let mut world = World::default();
        world.upsert(one.clone());
        world.upsert(two.clone());
        for event in [
            init("environment:1a5", coverage),
            seen(one.clone()),
            Event::InitDone("environment:1a5".into()),
        ] {
            world.take(&rancher(), event, Origin::Live, at(1));
        }
        assert_eq!(ids(&world.model).len(), left, "{coverage:?}");
    }
}

#[test]
fn a_failed_listing_takes_nothing_away() {
    let prod = environment("1a5", "production");
    let mut world = World::default();
    world.upsert(service("1s1", &prod, "api", "ihealth/api:1"));
    world.take(
        &rancher(),
        init("environment:1a5", Coverage::Complete),
        Origin::Live,
        at(1),
    );
    let failed = Event::InitFailed {
        scope: "environment:1a5".into(),
        why: "502".into(),
    };
    assert!(world.take(&rancher(), failed, Origin::Live, at(2)).is_empty());
    assert!(
        world
            .take(
                &rancher(),
                Event::InitDone("environment:1a5".into()),
                Origin::Live,
                at(3)
            )
            .is_empty()
    );
    assert_eq!(ids(&world.model).len(), 1);
}

#[test]
fn the_stream_beats_an_older_listing() {
    let mut world = World::default();
    world.take(&drone(), init("feed", Coverage::Newest(50)), Origin::Live, at(0));
    world.upsert(build("ihealth/api", 7, "x", BuildStatus::Passed));
    world.take(
        &drone(),
        seen(build("ihealth/api", 7, "x", BuildStatus::Running)),
        Origin::Live,
        at(1),
    );
    let id = build("ihealth/api", 7, "x", BuildStatus::Passed).id;
    assert_eq!(world.model.build(&id).unwrap().status, BuildStatus::Passed);

    world.take(&drone(), Event::Gone(id.clone()), Origin::Live, at(2));
    world.take(
        &drone(),
        seen(build("ihealth/api", 7, "x", BuildStatus::Running)),
        Origin::Live,
        at(3),
    );
    assert!(
        world.model.get(&id).is_none(),
        "a removed item must not come back from an older listing"
    );
}

#[test]
fn a_source_cannot_touch_another_connections_items() {
    let mut world = World::default();
    world.upsert(build("ihealth/api", 1, "x", BuildStatus::Passed));
    let id = build("ihealth/api", 1, "x", BuildStatus::Passed).id;
    assert!(
        world
            .take(&rancher(), Event::Gone(id.clone()), Origin::Live, at(1))
            .is_empty()
    );
    let foreign = Event::Upsert(Box::new(build("ihealth/api", 2, "x", BuildStatus::Passed).into()));
    assert!(world.take(&rancher(), foreign, Origin::Live, at(1)).is_empty());
}

#[test]
fn old_builds_retire_to_the_history_and_do_not_come_back() {
    let mut world = World::default();
    let mut retired = 0;
    for number in 1..=LIVE_BUILDS_PER_REPO as u64 + 5 {
        let changes = world.upsert(build("ihealth/api", number, "x", BuildStatus::Passed));
        retired += changes.iter().filter(|change| change.retired).count();
    }
    assert_eq!(retired, 5);
    assert_eq!(
        world.model.builds_of(&drone(), "ihealth/api").count(),
        LIVE_BUILDS_PER_REPO
    );
    assert!(
        world
            .upsert(build("ihealth/api", 2, "x", BuildStatus::Passed))
            .is_empty()
    );
    let changes = world.upsert(build("ihealth/api", 3, "x", BuildStatus::Running));
    assert!(
        !changes[0].retired && changes[1].retired,
        "a running one is no history: a finished one makes room"
    );
}

#[test]
fn with_an_environment_goes_what_lives_in_it_and_its_scope() {
    let (dev, prod) = (environment("1a7", "dev"), environment("1a5", "production"));
    let mut world = World::default();
    let (mine, other) = (
        service("1s1", &dev, "api", "ihealth/api:1"),
        service("1s2", &prod, "api", "ihealth/api:1"),
    );
    for item in [
        Item::from(dev.clone()),
        prod.clone().into(),
        mine.clone().into(),
        container("1i1", &mine, "0", crate::LiveStatus::Ok).into(),
        other.into(),
    ] {
        world.upsert(item);
    }
    for event in [
        init("environments", Coverage::Complete),
        seen(prod),
        Event::InitDone("environments".into()),
    ] {
        world.take(&rancher(), event, Origin::Live, at(1));
    }
    assert_eq!(ids(&world.model), ["environment:rancher/1a5", "service:rancher/1s2"]);
    let connection = rancher();
    let scopes: Vec<&str> = world
        .model
        .scopes_of(&connection)
        .map(|(scope, _)| scope.as_str())
        .collect();
    assert!(!scopes.contains(&"environment:1a7"), "{scopes:?}");
    assert!(scopes.contains(&"environment:1a5"), "{scopes:?}");
}

#[test]
fn a_removed_connection_takes_its_items_and_lines_along() {
    let mut world = World::default();
    world.upsert(build("ihealth/api", 1, "develop", BuildStatus::Passed));
    assert_eq!(world.model.items_of(ItemKind::Line).count(), 1);
    remove_connection(&mut world.model, &drone(), at(1));
    assert!(world.model.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Init(bool),
    Seen(u64, bool),
    Done,
    Failed,
    Upsert(u64, bool),
    Gone(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = 0u64..6;
    prop::collection::vec(
        prop_oneof![
            any::<bool>().prop_map(Step::Init),
            (number.clone(), any::<bool>()).prop_map(|(number, flag)| Step::Seen(number, flag)),
            Just(Step::Done),
            Just(Step::Failed),
            (number.clone(), any::<bool>()).prop_map(|(number, flag)| Step::Upsert(number, flag)),
            number.prop_map(Step::Gone),
        ],
        0..60,
    )
}

/// Every rule written out, at any cost.
#[derive(Default)]
struct Naive {
    items: BTreeMap<u64, bool>,
    listing: Option<(bool, Vec<u64>, Vec<u64>)>,
}

impl Naive {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Init(complete) => self.listing = Some((*complete, vec![], vec![])),
            Step::Seen(number, flag) => {
                let touched = self
                    .listing
                    .as_ref()
                    .is_some_and(|(_, _, touched)| touched.contains(number));
                if let Some((_, seen, _)) = &mut self.listing {
                    seen.push(*number);
                }
                if !touched {
                    self.items.insert(*number, *flag);
                }
            }
            Step::Done => {
                if let Some((true, seen, touched)) = self.listing.take() {
                    self.items
                        .retain(|number, _| seen.contains(number) || touched.contains(number));
                }
            }
            Step::Failed => self.listing = None,
            Step::Upsert(number, flag) => {
                self.touch(*number);
                self.items.insert(*number, *flag);
            }
            Step::Gone(number) => {
                self.touch(*number);
                self.items.remove(number);
            }
        }
    }

    fn touch(&mut self, number: u64) {
        if let Some((_, _, touched)) = &mut self.listing {
            touched.push(number);
        }
    }
}

proptest! {
    #[test]
    fn reduce_agrees_with_the_naive_model_and_its_changes_rebuild_it(steps in steps()) {
        let prod = environment("1a5", "production");
        let item = |number: u64, flag: bool| {
            let image = if flag { "ihealth/x:2" } else { "ihealth/x:1" };
            Item::from(service(&format!("1s{number}"), &prod, &format!("s{number}"), image))
        };
        let mut world = World::default();
        let mut naive = Naive::default();
        let mut copy: BTreeMap<ItemId, std::sync::Arc<Item>> = BTreeMap::new();
        let mut rev = 0;
        for step in &steps {
            naive.take(step);
            let scope = || Scope::from("environment:1a5");
            let event = match step {
                Step::Init(true) => Event::Init { scope: scope(), coverage: Coverage::Complete },
                Step::Init(false) => Event::Init { scope: scope(), coverage: Coverage::Newest(3) },
                Step::Seen(number, flag) => Event::Seen(Box::new(item(*number, *flag))),
                Step::Done => Event::InitDone(scope()),
                Step::Failed => Event::InitFailed { scope: scope(), why: String::new() },
                Step::Upsert(number, flag) => Event::Upsert(Box::new(item(*number, *flag))),
                Step::Gone(number) => Event::Gone(item(*number, true).id().clone()),
            };
            for change in world.take(&rancher(), event, Origin::Live, at(1)) {
                prop_assert!(change.rev > rev);
                rev = change.rev;
                prop_assert_eq!(change.before.as_ref(), copy.get(&change.id));
                prop_assert_ne!(&change.before, &change.after);
                match change.after {
                    Some(after) => { copy.insert(change.id, after); }
                    None => { copy.remove(&change.id); }
                }
            }
        }
        let wanted: Vec<String> = naive.items.iter().map(|(number, flag)| format!("{number} {flag}")).collect();
        let mut found: Vec<String> = copy.values().filter_map(|item| match item.as_ref() {
            Item::Service(service) => Some(format!("{} {}", &service.name[1..], service.image.ends_with('2'))),
            _ => None,
        }).collect();
        found.sort();
        prop_assert_eq!(wanted, found);
        prop_assert_eq!(world.model.len(), copy.len());
    }
}
