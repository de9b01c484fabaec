//! What is told, once, and what is not.

use super::*;
use crate::notice::{HeldBack, NoticeEvent, Prefs, hold_back};
use crate::{Notice, Step, decide, digest};

fn prefs() -> Prefs {
    Prefs {
        events: NoticeEvent::ALL.into_iter().collect(),
        me: ["linhao".to_owned()].into(),
        mine_loud_only: true,
        ..Prefs::default()
    }
}

fn told(world: &mut World, build: Build) -> Vec<Notice> {
    let changes = world.upsert(build);
    changes
        .iter()
        .filter_map(|change| decide(change, &world.model, &prefs(), at(10_000)))
        .collect()
}

fn failed(number: u64, step: &str) -> Build {
    Build {
        steps: vec![
            Step {
                name: "clone".into(),
                status: BuildStatus::Passed,
                ..Step::default()
            },
            Step {
                name: "mysql".into(),
                status: BuildStatus::Failed,
                is_service: true,
                ..Step::default()
            },
            Step {
                name: step.into(),
                status: BuildStatus::Failed,
                exit_code: Some(1),
                ..Step::default()
            },
        ],
        ..build("ihealth/web", number, "develop", BuildStatus::Failed)
    }
}

#[test]
fn broken_then_still_broken_then_fixed() {
    let mut world = World::default();
    told(&mut world, build("ihealth/web", 1, "develop", BuildStatus::Passed));
    let [broken] = told(&mut world, failed(2, "unit")).try_into().unwrap();
    assert_eq!(broken.event, NoticeEvent::Broken);
    assert_eq!(
        broken.facts.step.as_deref(),
        Some("unit"),
        "a service beside the steps is not what broke it"
    );
    assert_eq!(broken.facts.took_s, Some(60));
    let [still] = told(&mut world, failed(3, "unit")).try_into().unwrap();
    assert_eq!(
        (still.event, still.facts.streak, still.facts.same_step),
        (NoticeEvent::StillBroken, Some(2), Some(true))
    );
    told(&mut world, build("ihealth/web", 4, "develop", BuildStatus::Cancelled));
    let [fixed] = told(&mut world, build("ihealth/web", 5, "develop", BuildStatus::Passed))
        .try_into()
        .unwrap();
    assert_eq!((fixed.event, fixed.facts.broken_for_s), (NoticeEvent::Fixed, Some(300)));
}

#[test]
fn a_fact_has_one_key_and_a_correction_another() {
    let mut world = World::default();
    let [started] = told(&mut world, build("ihealth/web", 1, "develop", BuildStatus::Running))
        .try_into()
        .unwrap();
    let [broken] = told(&mut world, failed(1, "unit")).try_into().unwrap();
    assert_ne!(started.key, broken.key);
    assert!(
        told(
            &mut world,
            Build {
                error: Some("x".into()),
                ..failed(1, "unit")
            }
        )
        .is_empty(),
        "told already"
    );
}

#[test]
fn history_is_not_news() {
    let mut world = World::default();
    let event = Event::Upsert(Box::new(failed(1, "unit").into()));
    let changes = world.take(&drone(), event, Origin::CatchUp, at(0));
    assert!(
        changes
            .iter()
            .all(|change| decide(change, &world.model, &prefs(), at(1)).is_none())
    );
    let notice = digest(&changes, at(0), at(300)).unwrap();
    assert_eq!(
        (notice.facts.broken, notice.facts.repos),
        (1, vec!["ihealth/web".to_owned()])
    );
    assert_eq!(
        digest(&changes, at(200), at(300)),
        None,
        "it ended before anybody looked away"
    );
}

#[test]
fn others_branches_are_quiet_mine_and_main_are_not() {
    let mut world = World::default();
    let mut notice = |build: Build| told(&mut world, build).remove(0);
    let theirs = notice(build("ihealth/web", 1, "feature/x", BuildStatus::Failed));
    assert_eq!(hold_back(&theirs, &prefs(), at(0)), Some(HeldBack::NotMine));
    let main = notice(build("ihealth/web", 2, "develop", BuildStatus::Failed));
    assert_eq!(hold_back(&main, &prefs(), at(0)), None);
    let mine = notice(Build {
        author: "LinHao".into(),
        ..build("ihealth/web", 3, "feature/y", BuildStatus::Failed)
    });
    assert!(mine.mine);
    assert_eq!(hold_back(&mine, &prefs(), at(0)), None);
    let muted = Prefs {
        muted: vec![("ihealth/web".into(), at(60))],
        ..prefs()
    };
    assert_eq!(hold_back(&mine, &muted, at(59)), Some(HeldBack::Muted));
    assert_eq!(hold_back(&mine, &muted, at(60)), None);
    let focus = Prefs {
        focus_until: Some(at(60)),
        ..prefs()
    };
    assert_eq!(hold_back(&mine, &focus, at(0)), Some(HeldBack::Focus));
    let asks = notice(Build {
        author: "linhao".into(),
        ..build("ihealth/web", 4, "master", BuildStatus::Blocked)
    });
    assert_eq!(hold_back(&asks, &focus, at(0)), None, "what waits for me gets through");
}
