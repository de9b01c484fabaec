//! Seeds, sizes, laws.

use std::collections::BTreeMap;

use kopi_model::BuildStatus;

use super::{drone, forward, seeded, standing, to};
use crate::run::Wanted;
use crate::world::Size;
use crate::world::sizes::{LARGE_BUILDS, LARGE_SERVICES};

#[tokio::test]
async fn same_seed_same_day() {
    let mut days = Vec::new();
    for parts in [[3 * 3600, 0, 0], [1800, 2 * 3600, 1800]] {
        let office = seeded(Size::Team, 7).await;
        for seconds in parts {
            forward(&office, seconds).await;
        }
        days.push(office.handle().truth().await.unwrap());
        office.stop().await;
    }
    assert!(days[0].builds.len() > 325, "{}", days[0].builds.len());
    assert_eq!(days[0], days[1], "however the clock is put forward");
    let other = seeded(Size::Team, 8).await;
    assert_ne!(forward(&other, 3 * 3600).await.builds, days[0].builds);
    other.stop().await;
}

#[tokio::test(start_paused = true)]
async fn at_any_speed_the_same_day() {
    let standing_office = standing(Size::Small).await;
    let running = standing(Size::Small).await;
    for speed in [1000.0, 100.0, 7.0] {
        running.handle().set_speed(speed);
        tokio::time::sleep(std::time::Duration::from_secs_f64(1500.0 / speed)).await;
    }
    running.handle().set_speed(0.0);
    let seconds = running.handle().clock().elapsed().as_secs() as u64 + 1;
    let ran = to(&running, 0, seconds).await;
    let stood = to(&standing_office, 0, seconds).await;
    assert!((4500..4700).contains(&seconds), "{seconds}");
    assert_eq!(ran.builds, stood.builds);
    assert_eq!(ran.services, stood.services);
    running.stop().await;
    standing_office.stop().await;
}

#[tokio::test]
async fn a_long_log_is_served_whole() {
    let office = standing(Size::Small).await;
    let wanted = Wanted {
        repo: "bp-sync".into(),
        branch: "develop".into(),
        author: "linhao".into(),
        log_lines: Some(100_000),
        ..Wanted::default()
    };
    let number = office.handle().push(wanted).await.unwrap().number.unwrap();
    forward(&office, 400).await;
    let (_, shown) = drone(&office, "GET", &format!("/api/repos/ihealth/bp-sync/builds/{number}")).await;
    let steps = shown["procs"][0]["children"].as_array().unwrap();
    let unit = steps.iter().find(|step| step["name"] == "unit").unwrap()["pid"]
        .as_u64()
        .unwrap();
    let (_, log) = drone(
        &office,
        "GET",
        &format!("/api/repos/ihealth/bp-sync/logs/{number}/{unit}"),
    )
    .await;
    assert_eq!(log.as_array().unwrap().len(), 100_000);
    office.stop().await;
}

#[tokio::test]
async fn sizes_are_served_as_promised() {
    for (size, services, builds) in [
        (Size::Small, 9, 126),
        (Size::Team, 63, 0),
        (Size::Large, LARGE_SERVICES, LARGE_BUILDS),
    ] {
        let office = standing(size).await;
        let truth = office.handle().truth().await.unwrap();
        assert_eq!(truth.services.len(), services, "{size:?}");
        if builds > 0 {
            let past = truth
                .builds
                .iter()
                .filter(|build| build.created_at < truth.start && build.number != 218)
                .count();
            assert!(past.abs_diff(builds) <= 1, "{size:?}: {past}");
        }
        office.stop().await;
    }
}

#[tokio::test]
async fn the_laws_go_on_and_what_broke_is_mended() {
    let office = standing(Size::Team).await;
    let truth = forward(&office, 5 * 3600).await;
    let mut by_branch: BTreeMap<(String, String, bool), Vec<_>> = BTreeMap::new();
    let today = truth.builds.iter().filter(|build| build.created_at > truth.start);
    for build in today.filter(|build| build.failed_step.as_deref() != Some("deploy-production")) {
        let key = (build.repo.clone(), build.branch.clone(), build.event == "pull_request");
        by_branch.entry(key).or_default().push(build);
    }
    let all: usize = by_branch.values().map(Vec::len).sum();
    assert!(all > 20, "{all} builds in an afternoon");
    let mut mended = 0;
    for builds in by_branch.values() {
        for (place, red) in builds
            .iter()
            .enumerate()
            .filter(|(_, build)| build.status == BuildStatus::Failed)
        {
            let cure = builds[place + 1..].iter().find(|build| build.author == red.author);
            if let (Some(cure), Some(ended)) = (cure, red.finished_at) {
                let after = cure.created_at.duration_since(ended).as_secs();
                mended += i32::from((300..=1500).contains(&after));
            }
        }
    }
    assert!(mended >= 1, "{mended}");
    office.stop().await;
}

#[tokio::test]
async fn a_push_on_order_fails_where_it_is_told_to() {
    let office = standing(Size::Small).await;
    let wanted = Wanted {
        repo: "bp-sync".into(),
        branch: "develop".into(),
        author: "linhao".into(),
        message: "fix: x".into(),
        fails: Some(String::new()),
        ..Wanted::default()
    };
    let pushed = office.handle().push(wanted).await.unwrap();
    let truth = forward(&office, 400).await;
    let build = truth.builds.iter().find(|build| build.sha == pushed.sha).unwrap();
    assert_eq!(
        (build.status, build.failed_step.as_deref()),
        (BuildStatus::Failed, Some("unit"))
    );
    office.stop().await;
}
