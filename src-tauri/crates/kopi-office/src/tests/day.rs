//! The plot of the first day.

use kopi_model::BuildStatus;
use serde_json::Value;

use super::{build, drone, forward, rancher, service, service_path, standing, to};
use crate::ledger::Hook;
use crate::world::Size;

#[tokio::test]
async fn what_is_already_there() {
    let office = standing(Size::Team).await;
    let truth = office.handle().truth().await.unwrap();
    let bp_sync = service(&truth, "production", "bp-sync");
    assert_eq!(bp_sync.state, "upgraded");
    let old: Vec<_> = bp_sync.containers.iter().filter(|container| container.old).collect();
    assert_eq!((bp_sync.good, old.len()), (3, 3));
    assert!(
        old.iter()
            .all(|container| container.state == "stopped" && container.image.ends_with(":1.17.3"))
    );
    let mut places: Vec<_> = bp_sync
        .containers
        .iter()
        .filter(|container| !container.old)
        .map(|container| (container.host.clone().unwrap(), container.address.clone().unwrap()))
        .collect();
    places.sort();
    assert_eq!(
        places,
        [
            ("prod-02".into(), "10.42.7.31".into()),
            ("prod-05".into(), "10.42.113.8".into()),
            ("prod-07".into(), "10.42.201.77".into()),
        ]
    );
    assert!(
        service(&truth, "staging", "notify")
            .live
            .as_ref()
            .unwrap()
            .ends_with("notify:1.8.2")
    );
    assert_eq!(service(&truth, "production", "mysql-backup").state, "inactive");
    assert_eq!(service(&truth, "production", "rabbitmq").state, "restarting");
    assert_eq!(
        service(&truth, "production", "web").live.as_ref().unwrap(),
        "harbor.company.com/ihealth/web:3.7.2"
    );
    let mut wrong: Vec<_> = truth
        .services
        .iter()
        .filter(|service| service.state != "active" || service.health != "healthy")
        .map(|service| service.name.as_str())
        .collect();
    wrong.sort_unstable();
    assert_eq!(wrong, ["bp-sync", "mysql-backup", "rabbitmq"]);
    assert_eq!(build(&truth, "glucose-sync", 218).status, BuildStatus::Running);
    let (status, rows) = drone(&office, "GET", "/api/repos/ihealth/web/builds").await;
    assert_eq!(status, 200);
    assert_eq!(rows[0]["number"], 876);
    office.stop().await;
}

#[tokio::test]
async fn web_was_rolled_back_yesterday() {
    let office = standing(Size::Team).await;
    let truth = office.handle().truth().await.unwrap();
    let web = service(&truth, "production", "web");
    let project = &office.address().servers.rancher.project.clone().unwrap();
    let path = format!(
        "/v2-beta/projects/{project}/servicelogs?serviceId={}&subLog=false&limit=100",
        web.id
    );
    let (_, logs) = rancher(&office, "GET", &path, None).await;
    let mut events: Vec<(&str, &str)> = logs["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["created"].as_str().unwrap(), row["eventType"].as_str().unwrap()))
        .collect();
    events.sort_unstable();
    let kinds: Vec<&str> = events.iter().map(|(_, kind)| *kind).collect();
    let wanted = [
        "service.upgrade",
        "service.rollback",
        "service.upgrade",
        "service.finishupgrade",
    ];
    assert_eq!(kinds, wanted, "{events:?}");
    assert_eq!(web.live.as_deref(), Some("harbor.company.com/ihealth/web:3.7.2"));
    office.stop().await;
}

#[tokio::test]
async fn a_push_travels_to_new_containers_in_three_minutes() {
    let office = standing(Size::Team).await;
    let mut halfway = false;
    let mut queued = false;
    for _ in 0..65 {
        let truth = forward(&office, 3).await;
        queued |= truth.queue["waiting"] > 0;
        let dev = service(&truth, "dev", "bp-sync");
        halfway |= dev.state == "upgrading" && dev.good == 1 && dev.wanted.ends_with("dev-0ac57be");
        if dev.live.as_ref().is_some_and(|image| image.ends_with("dev-0ac57be")) && dev.state == "active" {
            break;
        }
    }
    let truth = office.handle().truth().await.unwrap();
    let dev = service(&truth, "dev", "bp-sync");
    assert!(halfway, "1 of 2 is seen");
    assert!(queued, "the queue is seen");
    assert_eq!((dev.good, dev.state.as_str()), (2, "active"));
    let commit = dev.commit.as_ref().unwrap();
    assert!(commit.sha.starts_with("0ac57be"));
    assert_eq!(commit.number, 412);
    assert!(
        (150.0..=200.0).contains(&truth.elapsed_s),
        "about three minutes: {}",
        truth.elapsed_s
    );
    let truth = forward(&office, 10).await;
    assert_eq!(build(&truth, "bp-sync", 412).status, BuildStatus::Passed);
    office.stop().await;
}

#[tokio::test]
async fn glucose_sync_goes_red_at_0_40_and_is_fixed_at_6_00() {
    let office = standing(Size::Team).await;
    let truth = to(&office, 0, 37).await;
    assert_eq!(build(&truth, "glucose-sync", 218).status, BuildStatus::Running);
    let truth = to(&office, 0, 43).await;
    let red = build(&truth, "glucose-sync", 218);
    assert_eq!(
        (red.status, red.failed_step.as_deref()),
        (BuildStatus::Failed, Some("unit"))
    );
    let (_, shown) = drone(&office, "GET", "/api/repos/ihealth/glucose-sync/builds/218").await;
    assert_eq!(shown["status"], "failure");
    let steps = shown["procs"][0]["children"].as_array().unwrap();
    let state = |name: &str| steps.iter().find(|step| step["name"] == name).unwrap()["state"].clone();
    assert_eq!(state("unit"), "failure");
    assert_eq!(
        (state("publish"), state("deploy-dev"), state("notify-wecom")),
        ("skipped".into(), "skipped".into(), "success".into())
    );
    let unit = steps.iter().find(|step| step["name"] == "unit").unwrap()["pid"]
        .as_u64()
        .unwrap();
    let (_, log) = drone(
        &office,
        "GET",
        &format!("/api/repos/ihealth/glucose-sync/logs/218/{unit}"),
    )
    .await;
    let lines = log.as_array().unwrap();
    assert_eq!(lines.len(), 1284);
    assert!(
        lines[1190]["out"]
            .as_str()
            .unwrap()
            .contains("mmolToMgdl_keepsOneDecimal")
    );
    let truth = to(&office, 6, 10).await;
    let green = build(&truth, "glucose-sync", 219);
    assert_eq!((green.status, green.author.as_str()), (BuildStatus::Passed, "sunyue"));
    let ended = green.finished_at.unwrap().duration_since(truth.start).as_secs();
    assert!((340..=370).contains(&ended), "{ended}");
    assert!(
        service(&truth, "dev", "glucose-sync")
            .live
            .as_ref()
            .unwrap()
            .ends_with("dev-f7d20b6")
    );
    office.stop().await;
}

#[tokio::test]
async fn api_waits_for_approval_and_deploys_when_approved() {
    let office = standing(Size::Team).await;
    let truth = to(&office, 1, 31).await;
    assert_eq!(build(&truth, "api", 1042).status, BuildStatus::Blocked);
    let (_, shown) = drone(&office, "GET", "/api/repos/ihealth/api/builds/1042").await;
    assert_eq!(shown["status"], "blocked");
    assert!(
        service(&truth, "production", "api")
            .live
            .as_ref()
            .unwrap()
            .ends_with(":2.13.4")
    );
    let (status, _) = drone(&office, "POST", "/api/repos/ihealth/api/builds/1042/approve").await;
    assert_eq!(status, 200);
    let truth = to(&office, 12, 0).await;
    assert_eq!(build(&truth, "api", 1042).status, BuildStatus::Passed);
    let api = service(&truth, "production", "api");
    assert!(api.live.as_ref().unwrap().ends_with(":2.14.0"), "{:?}", api.live);
    assert_eq!((api.good, api.state.as_str()), (4, "active"));
    office.stop().await;
}

#[tokio::test]
async fn report_worker_restarts_until_it_is_rolled_back() {
    let office = standing(Size::Team).await;
    let truth = to(&office, 2, 25).await;
    assert_eq!(service(&truth, "production", "report-worker").good, 2);
    let (mut dips, mut whole) = (0, true);
    let mut truth = truth;
    for _ in 0..90 {
        truth = forward(&office, 3).await;
        let good = service(&truth, "production", "report-worker").good;
        dips += i32::from(whole && good < 2);
        whole = good == 2;
    }
    assert!((5..=9).contains(&dips), "restarts in four and a half minutes: {dips}");
    let bad = service(&truth, "production", "report-worker");
    let (_, row) = rancher(&office, "GET", &service_path(&office, "production", &bad.id), None).await;
    let mut launch = row["launchConfig"].clone();
    launch["imageUuid"] = "docker:harbor.company.com/ihealth/report-worker:0.9.11".into();
    let body = serde_json::json!({"inServiceStrategy": {"batchSize": 1, "intervalMillis": 2000, "startFirst": true, "launchConfig": launch}});
    let path = format!("{}?action=upgrade", service_path(&office, "production", &bad.id));
    let (status, _) = rancher(&office, "POST", &path, Some(&body)).await;
    assert_eq!(status, 202);
    let truth = to(&office, 7, 55).await;
    let cured = service(&truth, "production", "report-worker");
    assert_eq!(
        (cured.state.as_str(), cured.good, cured.health.as_str()),
        ("upgraded", 2, "healthy"),
        "{cured:?}"
    );
    let truth = to(&office, 16, 0).await;
    assert_eq!(service(&truth, "production", "report-worker").good, 2, "it stays well");
    office.stop().await;
}

#[tokio::test]
async fn a_refused_hook_builds_nothing() {
    let office = standing(Size::Team).await;
    let truth = to(&office, 5, 5).await;
    let push = truth
        .pushes
        .iter()
        .find(|push| push.repo == "ihealth/open-api")
        .unwrap();
    assert_eq!((push.hook, push.number), (Hook::Refused, None));
    let (_, rows) = drone(&office, "GET", "/api/repos/ihealth/open-api/builds").await;
    assert_eq!(rows[0]["number"], 78, "Drone has not heard of it");
    office.stop().await;
}

#[tokio::test]
async fn prod_04_goes_away_and_comes_back() {
    let office = standing(Size::Team).await;
    let before = to(&office, 7, 59).await;
    let on_it = |truth: &crate::Truth| {
        let containers = truth.services.iter().flat_map(|service| &service.containers);
        containers
            .filter(|container| container.host.as_deref() == Some("prod-04") && container.good)
            .count()
    };
    let state = |truth: &crate::Truth| {
        truth
            .hosts
            .iter()
            .find(|host| host.name == "prod-04")
            .unwrap()
            .state
            .clone()
    };
    assert_eq!(state(&before), "active");
    assert!(on_it(&before) > 2);
    let away = to(&office, 9, 50).await;
    assert_eq!(state(&away), "disconnected");
    let hub = service(&away, "production", "device-hub");
    assert_eq!(hub.good, 4, "its checked containers have moved: {hub:?}");
    let back = to(&office, 10, 30).await;
    assert_eq!(state(&back), "active");
    assert_eq!(service(&back, "production", "device-hub").good, 4);
    office.stop().await;
}

#[tokio::test]
async fn user_center_hangs_and_a_roll_back_cures_it() {
    let office = standing(Size::Team).await;
    let truth = to(&office, 11, 40).await;
    assert_eq!(service(&truth, "staging", "user-center").state, "active");
    let truth = to(&office, 13, 0).await;
    let stuck = service(&truth, "staging", "user-center");
    assert_eq!(stuck.state, "upgrading");
    assert!(stuck.wanted.ends_with(":3.3.0-rc1"));
    let (_, row) = rancher(&office, "GET", &service_path(&office, "staging", &stuck.id), None).await;
    assert_eq!(row["transitioning"], "error");
    assert!(
        row["transitioningMessage"].as_str().unwrap().contains("failed to pull"),
        "{row}"
    );
    for action in ["cancelupgrade", "rollback"] {
        let path = format!("{}?action={action}", service_path(&office, "staging", &stuck.id));
        let (status, reply) = rancher(&office, "POST", &path, Some(&Value::Object(serde_json::Map::new()))).await;
        assert_eq!(status, 202, "{action}: {reply}");
        forward(&office, 30).await;
    }
    let truth = forward(&office, 30).await;
    let cured = service(&truth, "staging", "user-center");
    assert_eq!((cured.state.as_str(), cured.good), ("active", 2));
    assert!(cured.live.as_ref().unwrap().ends_with(":3.2.0"));
    let truth = forward(&office, 240).await;
    assert_eq!(
        build(&truth, "user-center", 391).failed_step.as_deref(),
        Some("deploy-staging")
    );
    office.stop().await;
}
