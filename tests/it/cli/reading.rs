//! The reading commands: shapes, exits, and what a person who mistyped is told.

use serde_json::Value;

use super::{Desk, desk, run};

/// Seconds into the day at which glucose-sync #218 is red.
const RED: u64 = 45;

#[track_caller]
fn has(value: &Value, fields: &str) {
    for field in fields.split_whitespace() {
        assert!(value.get(field).is_some(), "{field} is missing in {value:#}");
    }
}

#[tokio::test]
async fn something_wrong_is_exit_1_and_every_shape_is_as_promised() {
    let desk = desk(RED, 0.0).await;
    let status = desk.kopi(&["status", "--json"]).await.with(1);
    has(&status, "version at connections ok wrong moving counts");
    assert_eq!((&status["version"], &status["ok"]), (&1.into(), &false.into()));
    let wrong = status["wrong"].as_array().unwrap();
    for fact in wrong {
        has(fact, "item status title since");
    }
    let red = wrong
        .iter()
        .find(|fact| fact["title"].as_str().unwrap().contains("glucose-sync"))
        .unwrap();
    assert_eq!(red["status"], "failed");
    assert!(red["title"].as_str().unwrap().contains("#218"), "{red}");
    let connection = &status["connections"][0];
    has(
        connection,
        "name kind dialect server_version url state since retry_at error latency_ms requests_per_minute",
    );
    assert!(connection["error"].is_null() && connection["retry_at"].is_null());

    // Scripts read the same words in every language; people do not.
    let chinese = desk.kopi(&["status", "--json", "--lang", "zh-CN"]).await.with(1);
    let word = |status: &Value| {
        status["wrong"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fact| fact["status"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(word(&chinese), word(&status));
    let people = desk.kopi(&["status", "--lang", "zh-CN"]).await;
    assert!(
        people.code == 1 && people.out.contains("有问题") && !people.out.contains('\u{1b}'),
        "{people:?}"
    );

    let builds = desk
        .kopi(&["builds", "--json", "--repo", "ihealth/glucose-sync"])
        .await
        .with(0);
    let build = &builds["builds"][0];
    has(
        build,
        "id connection repo number status server_status event branch ref sha author message started_at finished_at \
         environment url steps",
    );
    assert_eq!((&build["number"], &build["status"]), (&218.into(), &"failed".into()));
    assert!(build["environment"].is_null(), "unknown is null");
    let unit = build["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["name"] == "unit")
        .unwrap();
    has(unit, "name status server_status exit_code started_at finished_at");
    assert_eq!((&unit["status"], &unit["exit_code"]), (&"failed".into(), &1.into()));

    let services = desk.kopi(&["services", "--json"]).await.with(0);
    let list = services["services"].as_array().unwrap();
    let truth = desk.office.handle().truth().await.unwrap();
    for service in list {
        has(
            service,
            "id connection environment stack name status server_state health image scale started_at url labels containers",
        );
        let theirs = truth
            .services
            .iter()
            .find(|theirs| service["environment"] == *theirs.environment && service["name"] == *theirs.name);
        assert_eq!(service["server_state"], theirs.unwrap().state);
        for container in service["containers"].as_array().unwrap() {
            has(container, "id name status server_state health address host image");
        }
    }
    assert!(list.len() >= 9, "{}", list.len());
    has(
        &services["hosts"][0],
        "id connection environment name status server_state address",
    );

    let journal = desk.kopi(&["journal", "--json"]).await.with(0);
    assert_eq!(
        (&journal["version"], &journal["entries"]),
        (&1.into(), &Value::Array(Vec::new()))
    );
    desk.office.stop().await;
}

/// The log of the red step as Drone gives it.
async fn lines_of_drone(desk: &Desk) -> Vec<String> {
    let drone = &desk.office.address().servers.drone;
    let client = reqwest::Client::new();
    let get = async |path: &str| {
        let ask = client.get(format!("{}/api/repos/ihealth/glucose-sync{path}", drone.url));
        let answer = ask.bearer_auth(&drone.token).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    let build = get("/builds/218").await;
    let steps = build["procs"][0]["children"].as_array().unwrap();
    let unit = steps.iter().find(|step| step["name"] == "unit").unwrap();
    let log = get(&format!("/logs/218/{}", unit["pid"])).await;
    let lines = log.as_array().unwrap().iter();
    lines
        .map(|line| line["out"].as_str().unwrap().trim_end_matches('\n').to_owned())
        .collect()
}

#[tokio::test]
async fn the_log_of_a_red_build_is_printed_line_by_line() {
    let desk = desk(RED, 0.0).await;
    let theirs = lines_of_drone(&desk).await;
    assert_eq!(theirs.len(), 1284);
    let red = "drone/ihealth/glucose-sync#218";
    let raw = desk.kopi(&["log", red, "unit", "--json"]).await.with(0);
    let text = |document: &Value| {
        let lines = document["lines"].as_array().unwrap().iter();
        lines
            .map(|line| line["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    has(&raw["lines"][0], "step at_s text");
    assert_eq!(raw["lines"][0]["step"], "unit");
    assert_eq!(text(&raw), theirs, "exactly as the server gave it");
    assert!(
        theirs.iter().any(|line| line.contains('\u{1b}')),
        "else --plain shows nothing"
    );

    let plain = desk.kopi(&["log", "ihealth/glucose-sync#218", "unit", "--plain"]).await;
    assert_eq!((plain.code, plain.out.lines().count()), (0, 1284), "{}", plain.err);
    assert!(!plain.out.contains('\u{1b}'));
    let json = desk.kopi(&["log", red, "unit", "--plain", "--json"]).await.with(0);
    assert_eq!(text(&json), plain.out.lines().collect::<Vec<_>>());

    let all = desk.kopi(&["log", red]).await;
    assert_eq!(all.out.lines().filter(|line| line.starts_with("unit | ")).count(), 1284);
    assert!(all.out.lines().any(|line| line.starts_with("notify-wecom | ")));
    let none = desk.kopi(&["log", red, "lint-it"]).await;
    assert!(
        none.code == 2 && none.out.is_empty() && none.err.contains("its steps:"),
        "{none:?}"
    );
    desk.office.stop().await;
}

#[tokio::test]
async fn who_mistypes_is_told_what_there_is() {
    let desk = desk(0, 0.0).await;
    let elsewhere = desk.kopi(&["redeploy", "device/api"]).await;
    assert!(
        elsewhere.code == 2 && elsewhere.err.contains("core/api"),
        "{elsewhere:?}"
    );
    let typo = desk.kopi(&["redeploy", "device/glucose-snyc", "--json"]).await.with(2);
    assert_eq!(typo["error"]["code"], "no_such_item");
    assert_eq!(typo["error"]["hint"], "there is: device/glucose-sync");
    let several = desk.kopi(&["redeploy", "device/glucose-sync"]).await;
    assert!(
        several.code == 2 && several.err.contains("--environment dev"),
        "{several:?}"
    );
    for wrong in [
        &["redeploy"][..],
        &["bulids"],
        &["scale", "core/api", "--to", "many"],
        &["status", "--jsn"],
    ] {
        let said = desk.kopi(wrong).await;
        assert!(
            said.code == 2 && said.out.is_empty() && !said.err.is_empty(),
            "{said:?}"
        );
    }
    let connection = desk.kopi(&["status", "--connection", "dron", "--json"]).await.with(2);
    assert_eq!(connection["error"]["code"], "no_such_connection");
    assert!(desk.writes().is_empty(), "{:?}", desk.writes());
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = desk.kopi(&["completions", shell]).await;
        assert!(
            said.code == 0 && said.out.contains("redeploy") && said.out.contains("journal"),
            "{shell}"
        );
    }
    let help = desk.kopi(&["--help"]).await;
    assert!(help.code == 0 && help.out.contains("redeploy"), "{help:?}");
    desk.office.stop().await;
}

#[tokio::test]
async fn a_broken_file_names_its_line_and_column() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("kopi.toml");
    std::fs::write(
        &file,
        "[[connection]]\nname = \"ci\"\nkind = \"drone\"\n  ulr = \"http://127.0.0.1:1\"\n",
    )
    .unwrap();
    let said = run(home.path(), &["config", "check"]).await;
    assert_eq!(said.code, 2, "{said:?}");
    let place = format!("{}:4:3:", file.display());
    assert!(said.out.contains(&place) && said.out.contains("url"), "{said:?}");
    let findings = run(home.path(), &["config", "check", "--json"]).await.with(2);
    let finding = &findings["findings"].as_array().unwrap()[0];
    has(finding, "file line column is_error message hint");
    assert_eq!(findings["ok"], false);
    // Nothing else works on a guess of what was meant.
    let builds = run(home.path(), &["builds", "--json"]).await.with(2);
    assert!(
        builds["error"]["message"].as_str().unwrap().contains("kopi.toml"),
        "{builds}"
    );
    std::fs::write(&file, "[[connection]\n").unwrap();
    let said = run(home.path(), &["config", "check"]).await;
    assert!(said.code == 2 && said.out.contains("kopi.toml:1:"), "{said:?}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_exit_2_with_its_error() {
    let home = tempfile::tempdir().unwrap();
    // A port that was free a moment ago; nobody listens on it.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let config = format!(
        "[[connection]]\nname = \"ci\"\nkind = \"drone\"\nurl = \"http://127.0.0.1:{port}\"\ntoken = {{ env = \"KOPI_TEST_TOKEN\" }}\n"
    );
    std::fs::write(home.path().join("kopi.toml"), config).unwrap();
    let ask = async |arguments: &[&str]| {
        let output = super::kopi(home.path(), arguments)
            .env("KOPI_TEST_TOKEN", "t0p")
            .output()
            .await
            .unwrap();
        super::Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    };
    let said = ask(&["builds"]).await;
    assert!(
        said.code == 2 && said.out.trim().is_empty() && said.err.contains("ci"),
        "{said:?}"
    );
    let error = ask(&["builds", "--json"]).await.with(2);
    assert_eq!(error["version"], 1);
    has(&error["error"], "code message hint retry_at");
    assert_eq!(error["error"]["code"], "refused");
    let status = ask(&["status", "--json"]).await.with(2);
    assert!(status["ok"].is_null(), "nobody knows");
    assert_eq!(status["connections"][0]["error"]["code"], "refused");
}

#[tokio::test]
async fn a_probe_says_who_one_is_or_the_servers_own_words() {
    let desk = desk(0, 0.0).await;
    let good = desk.kopi(&["probe", "drone", "--json"]).await.with(0);
    has(&good, "ok kind dialect server_version user may took_ms error");
    assert_eq!((&good["ok"], &good["user"]), (&true.into(), &"linhao".into()));
    assert!(good["error"].is_null());
    let both = desk.kopi(&["probe"]).await;
    assert!(
        both.code == 0 && both.out.lines().any(|line| line.starts_with("rancher:")),
        "{both:?}"
    );

    std::fs::write(desk.home.path().join("kopi.drone-token"), "nonsense").unwrap();
    let wrong = desk.kopi(&["probe", "drone", "--json"]).await.with(2);
    assert_eq!(
        (&wrong["ok"], &wrong["error"]["code"]),
        (&false.into(), &"unauthorized".into())
    );
    let words = wrong["error"]["words"].as_str().unwrap_or_default();
    assert!(!words.is_empty(), "{wrong:#}");
    let said = desk.kopi(&["probe", "drone"]).await;
    assert!(said.code == 2 && said.out.contains(words), "{said:?}");
    assert!(
        !said.out.contains("nonsense") && !said.err.contains("nonsense"),
        "the secret is never shown"
    );
    desk.office.stop().await;
}
