//! Which service runs which branch, and what the Board makes of it.

use super::*;
use crate::item::{LineGroup, LineLink};
use crate::{Line, LineRule, link::split_image, set_line_rules};

fn lines(model: &Model) -> Vec<Line> {
    model
        .items_of(ItemKind::Line)
        .map(|item| match item.as_ref() {
            Item::Line(line) => line.clone(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn only_line(model: &Model) -> Line {
    let lines = lines(model);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines[0].clone()
}

#[test]
fn image_references_come_apart() {
    for (image, path, tag) in [
        ("harbor.company.com/ihealth/api:2.14.0", "ihealth/api", "2.14.0"),
        ("localhost:5000/api", "api", ""),
        ("ihealth/api:dev-0ac57be", "ihealth/api", "dev-0ac57be"),
        ("redis", "redis", ""),
        ("host:5000/a/b@sha256:00", "a/b", ""),
    ] {
        assert_eq!(split_image(image), (path, tag), "{image}");
    }
}

#[test]
fn a_branch_finds_its_service_by_name_and_says_that_it_is_a_guess() {
    let (dev, prod) = (environment("1a7", "dev"), environment("1a5", "production"));
    let mut world = World::default();
    world.upsert(dev.clone());
    world.upsert(prod.clone());
    world.upsert(service("1s1", &dev, "api", "harbor.company.com/ihealth/api:dev"));
    world.upsert(service("1s2", &prod, "api", "harbor.company.com/ihealth/api:2.13.4"));
    world.upsert(build("ihealth/api", 1, "master", BuildStatus::Passed));
    let line = only_line(&world.model);
    assert_eq!(line.link, Some(LineLink::SameName));
    assert_eq!(line.environment_name.as_deref(), Some("production"));
    assert!(line.production);
    assert_eq!(line.group, LineGroup::Quiet);
}

#[test]
fn a_tag_that_names_the_commit_is_evidence_in_any_environment() {
    let qa = environment("1a9", "qa");
    let made = build("ihealth/api", 3, "feature/x", BuildStatus::Passed);
    let mut world = World::default();
    world.upsert(qa.clone());
    world.upsert(made.clone());
    assert!(
        lines(&world.model).is_empty(),
        "a feature branch that runs nowhere has no line"
    );
    world.upsert(service(
        "1s1",
        &qa,
        "api",
        &format!("harbor/ihealth/api:dev-{}", &made.sha[..7]),
    ));
    assert_eq!(
        only_line(&world.model).link,
        Some(LineLink::SeenRunning { build: made.id })
    );
}

#[test]
fn two_candidates_are_not_guessed_between() {
    let prod = environment("1a5", "production");
    let mut world = World::default();
    world.upsert(prod.clone());
    world.upsert(build("ihealth/api", 1, "master", BuildStatus::Passed));
    world.upsert(service("1s1", &prod, "api-a", "ihealth/api:1"));
    world.upsert(service("1s2", &prod, "api-b", "ihealth/api:1"));
    assert_eq!(only_line(&world.model).service, None);

    let rule = LineRule {
        repo: "ihealth/api".into(),
        branch: "master".into(),
        service: "core/api-b".into(),
        environment: None,
    };
    set_line_rules(&mut world.model, vec![rule], at(5));
    let line = only_line(&world.model);
    assert_eq!(line.link, Some(LineLink::Configured));
    assert_eq!(line.service.unwrap().native(), "1s2");
}

#[test]
fn groups_follow_the_build_and_the_service() {
    let prod = environment("1a5", "production");
    let api = service("1s1", &prod, "api", "ihealth/api:1");
    let mut world = World::default();
    world.upsert(prod);
    world.upsert(api.clone());
    let group = |world: &World| only_line(&world.model).group;
    for (status, wanted) in [
        (BuildStatus::Waiting, LineGroup::Moving),
        (BuildStatus::Running, LineGroup::Moving),
        (BuildStatus::Failed, LineGroup::Wrong),
        (BuildStatus::Blocked, LineGroup::Wrong),
        (BuildStatus::Passed, LineGroup::Quiet),
    ] {
        world.upsert(build("ihealth/api", 1, "master", status));
        assert_eq!(group(&world), wanted, "{status:?}");
    }
    world.upsert(Service {
        status: LiveStatus::Working,
        phase: UpgradePhase::Running,
        ..api.clone()
    });
    assert_eq!(group(&world), LineGroup::Moving);
    world.upsert(Service {
        phase: UpgradePhase::AwaitsFinish,
        ..api.clone()
    });
    assert_eq!(group(&world), LineGroup::Wrong);
    world.upsert(api);
    assert_eq!(group(&world), LineGroup::Quiet);
}

#[test]
fn pull_requests_do_not_move_a_line() {
    let mut world = World::default();
    world.upsert(build("ihealth/api", 1, "develop", BuildStatus::Passed));
    world.upsert(Build {
        event: "pull_request".into(),
        ..build("ihealth/api", 2, "develop", BuildStatus::Failed)
    });
    assert_eq!(only_line(&world.model).build.unwrap().native(), "ihealth/api#1");
}
