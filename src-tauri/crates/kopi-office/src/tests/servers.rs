//! The servers and the control page over HTTP; the account held against what they answer.

use serde_json::{Value, json};

use super::{build, call, drone, forward, rancher, service, standing, to};
use crate::Fault;
use crate::world::Size;

/// Kopi's word for Drone's.
fn word(server: &str, build: &Value) -> &'static str {
    match server {
        "pending" => "waiting",
        "running" => "running",
        "success" => "passed",
        "failure" if build["procs"][0]["error"] == "Cancelled" => "cancelled",
        "failure" => "failed",
        "error" => "errored",
        "blocked" => "blocked",
        "declined" => "declined",
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn truth_is_what_the_servers_answer() {
    let office = standing(Size::Team).await;
    for minutes in [0, 2, 11, 95] {
        let truth = to(&office, minutes, 7).await;
        let (_, repos) = drone(&office, "GET", "/api/user/repos").await;
        let mut seen = 0;
        for repo in repos.as_array().unwrap() {
            let name = repo["full_name"].as_str().unwrap();
            let (_, rows) = drone(&office, "GET", &format!("/api/repos/{name}/builds")).await;
            for row in rows.as_array().unwrap().iter().take(12) {
                let number = row["number"].as_u64().unwrap();
                let (_, whole) = drone(&office, "GET", &format!("/api/repos/{name}/builds/{number}")).await;
                let known = build(&truth, name.strip_prefix("ihealth/").unwrap(), number);
                let status = serde_json::to_value(known.status).unwrap();
                assert_eq!(
                    status,
                    word(row["status"].as_str().unwrap(), &whole),
                    "{name}#{number} at {minutes} min"
                );
                assert_eq!(row["commit"], known.sha);
                seen += 1;
            }
        }
        assert!(seen > 100);
        let mut services = 0;
        for project in ["dev", "staging", "production"] {
            let key = office
                .address()
                .servers
                .rancher
                .environments
                .iter()
                .find(|key| key.name == project)
                .unwrap();
            let path = format!("/v2-beta/projects/{}/services?limit=1000", key.project);
            let (_, rows) = rancher(&office, "GET", &path, None).await;
            for row in rows["data"].as_array().unwrap() {
                let known = service(&truth, project, row["name"].as_str().unwrap());
                assert_eq!(row["id"], known.id);
                assert_eq!(row["state"], known.state);
                assert_eq!(row["launchConfig"]["imageUuid"], format!("docker:{}", known.wanted));
                services += 1;
            }
        }
        assert_eq!(services, truth.services.len());
    }
    office.stop().await;
}

#[tokio::test]
async fn a_fault_switched_on_at_run_time_is_served() {
    let office = standing(Size::Small).await;
    assert_eq!(drone(&office, "GET", "/api/user").await.0, 200);
    let control = office.address().control.clone();
    let (status, _) = call(
        &control,
        "POST",
        "/fault",
        &[],
        Some(&json!({"server": "drone", "fault": "429"})),
    )
    .await;
    assert_eq!(status, 200);
    assert_eq!(drone(&office, "GET", "/api/user").await.0, 429);
    let rancher_status = rancher(&office, "GET", "/v2-beta/projects", None).await.0;
    assert_eq!(rancher_status, 200, "the others are not touched");
    let (status, _) = call(
        &control,
        "POST",
        "/fault",
        &[],
        Some(&json!({"server": "drone", "fault": null})),
    )
    .await;
    assert_eq!((status, drone(&office, "GET", "/api/user").await.0), (200, 200));
    let unknown = json!({"server": "elastic", "fault": "5xx"});
    assert_eq!(call(&control, "POST", "/fault", &[], Some(&unknown)).await.0, 404);
    office.handle().set_fault("rancher", Some(Fault::Unauthorized)).unwrap();
    assert_eq!(rancher(&office, "GET", "/v2-beta/projects", None).await.0, 401);
    office.stop().await;
}

#[tokio::test]
async fn the_control_page_orders_pushes_plot_and_clock() {
    let office = standing(Size::Team).await;
    let control = office.address().control.clone();
    let push = json!({"repo": "ihealth/gateway", "branch": "develop", "message": "fix: y", "author": "zhouhang", "fails": "vet"});
    let (status, pushed) = call(&control, "POST", "/push", &[], Some(&push)).await;
    assert_eq!((status, pushed["hook"].as_str()), (200, Some("delivered")));
    assert_eq!(pushed["number"], 570);
    assert_eq!(
        call(&control, "POST", "/plot", &[], Some(&json!({"name": "api-approval"})))
            .await
            .0,
        200
    );
    let nonsense = json!({"repo": "gateway", "fails": "unit-of-nothing"});
    let (status, reply) = call(&control, "POST", "/push", &[], Some(&nonsense)).await;
    assert_eq!(status, 404, "{reply}");
    let (status, reply) = call(&control, "POST", "/plot", &[], Some(&json!({"name": "elastic-503"}))).await;
    assert_eq!(status, 404, "{reply}");
    let (status, clock) = call(&control, "POST", "/clock", &[], Some(&json!({"advance_s": 300}))).await;
    assert_eq!((status, clock["elapsed_s"].as_f64()), (200, Some(300.0)));
    let (_, truth) = call(&control, "GET", "/truth", &[], None).await;
    let find = |repo: &str, number: u64| {
        let all = truth["builds"].as_array().unwrap().iter();
        all.filter(|build| build["repo"] == repo && build["number"] == number)
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(find("ihealth/gateway", 570)[0]["failed_step"], "vet");
    assert_eq!(find("ihealth/api", 1042)[0]["status"], "blocked");
    assert!(
        find("ihealth/api", 1043).is_empty(),
        "what was ordered does not come again by itself"
    );
    let foreign = [("Host", "evil.example")];
    let address = control.clone();
    let (status, _) = call(&address, "POST", "/push", &[], Some(&json!({"repo": "nothing"}))).await;
    assert_eq!(status, 404);
    let (status, _) = call(&address, "GET", "/truth", &foreign, None).await;
    assert_eq!(status, 421);
    office.stop().await;
}

#[tokio::test]
async fn restart_cancel_and_promote_have_their_effect() {
    let office = standing(Size::Team).await;
    to(&office, 0, 50).await;
    let (status, restarted) = drone(&office, "POST", "/api/repos/ihealth/glucose-sync/builds/218").await;
    assert_eq!((status, restarted["number"].as_u64()), (202, Some(219)));
    let truth = forward(&office, 1).await;
    assert_eq!(
        serde_json::to_value(build(&truth, "glucose-sync", 219).status).unwrap(),
        "waiting",
        "both agents are busy"
    );
    let (status, _) = drone(&office, "DELETE", "/api/repos/ihealth/web/builds/877/1").await;
    assert_eq!(status, 204);
    let truth = forward(&office, 5).await;
    assert_eq!(
        serde_json::to_value(build(&truth, "web", 877).status).unwrap(),
        "cancelled"
    );
    assert_eq!(
        serde_json::to_value(build(&truth, "glucose-sync", 219).status).unwrap(),
        "running",
        "the freed agent took it"
    );
    let truth = forward(&office, 130).await;
    let again = build(&truth, "glucose-sync", 219);
    assert_eq!(
        again.failed_step.as_deref(),
        Some("unit"),
        "the same commit fails the same way"
    );
    let path = "/api/repos/ihealth/glucose-sync/builds/209?event=deployment&deploy_to=staging";
    let (status, promoted) = drone(&office, "POST", path).await;
    assert_eq!(status, 202, "{promoted}");
    let number = promoted["number"].as_u64().unwrap();
    let truth = forward(&office, 400).await;
    let promoted = build(&truth, "glucose-sync", number);
    assert_eq!(
        (promoted.parent, promoted.environment.as_deref()),
        (Some(209), Some("staging"))
    );
    assert_eq!(serde_json::to_value(promoted.status).unwrap(), "passed");
    office.stop().await;
}

#[tokio::test]
async fn an_unfinished_upgrade_refuses_the_next_deploy() {
    let office = standing(Size::Team).await;
    to(&office, 0, 1).await;
    let path = "/api/repos/ihealth/bp-sync/builds/405";
    let (status, restarted) = drone(&office, "POST", path).await;
    assert_eq!(status, 202);
    let number = restarted["number"].as_u64().unwrap();
    let truth = to(&office, 12, 0).await;
    assert_eq!(
        build(&truth, "bp-sync", number).failed_step.as_deref(),
        Some("deploy-production")
    );
    assert_eq!(service(&truth, "production", "bp-sync").state, "upgraded");
    office.stop().await;
}

#[tokio::test]
async fn keys_see_what_they_should() {
    let office = standing(Size::Team).await;
    let (_, all) = rancher(&office, "GET", "/v2-beta/projects", None).await;
    let mut names: Vec<&str> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["dev", "production", "staging"]);
    office.stop().await;
}

#[tokio::test]
async fn the_written_configuration_holds_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut office = standing(Size::Small).await;
    office.write_config(&folder.path().join("kopi.toml")).unwrap();
    let address = office.address().clone();
    let text = std::fs::read_to_string(address.config.as_ref().unwrap()).unwrap();
    let servers = &address.servers;
    assert!(
        !text.contains(&servers.drone.token) && !text.contains(&servers.rancher.secret_key),
        "{text}"
    );
    let parsed: toml::Table = text.parse().unwrap();
    for (index, field, secret) in [
        (0, "token", &servers.drone.token),
        (1, "secret_key", &servers.rancher.secret_key),
    ] {
        let file = parsed["connection"][index][field]["file"].as_str().unwrap();
        assert_eq!(&std::fs::read_to_string(file).unwrap(), secret);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
    assert_eq!(
        parsed["connection"][1]["access_key"].as_str(),
        Some(servers.rancher.access_key.as_str())
    );
    office.stop().await;
}
