//! The acting commands: plan, confirm, follow, write down; and what is refused, with what helps.

use serde_json::Value;

use super::desk;

#[tokio::test]
async fn a_plan_does_nothing_and_production_waits_for_a_yes() {
    let desk = desk(0, 0.0).await;
    let planned = desk
        .kopi(&["redeploy", "core/api", "--environment", "dev", "--plan", "--json"])
        .await
        .with(0);
    let plan = &planned["plan"];
    assert_eq!(
        (&plan["verb"], &plan["danger"]),
        (&"redeploy".into(), &"reversible".into())
    );
    let first = &plan["steps"][0];
    assert!(first["text"].as_str().unwrap().starts_with("Pull `"), "{first}");
    assert_eq!(first["message"], "plan_pull");
    assert!(
        first["request"].as_str().unwrap().contains("?action=upgrade"),
        "{first}"
    );
    let untouched = plan["untouched"].as_array().unwrap();
    assert!(
        untouched.contains(&"environment variables, labels, volumes, ports and scale".into()),
        "{plan:#}"
    );
    let chinese = desk
        .kopi(&[
            "redeploy",
            "core/api",
            "--environment",
            "dev",
            "--plan",
            "--lang",
            "zh-CN",
        ])
        .await;
    assert!(
        chinese.code == 0 && chinese.out.contains("重新拉取") && chinese.out.contains("不会动："),
        "{chinese:?}"
    );

    let production = ["redeploy", "device/glucose-sync", "--environment", "production"];
    let said = desk.kopi(&production).await;
    assert!(
        said.code == 3 && said.err.contains("--yes") && said.out.contains("Pull `"),
        "{said:?}"
    );
    let error = desk.kopi(&[&production[..], &["--json"]].concat()).await.with(3);
    assert_eq!(error["error"]["code"], "not_confirmed");

    // bp-sync waits to be finished since before the day began.
    let upgraded = ["redeploy", "device/bp-sync", "--environment", "production", "--yes"];
    let said = desk.kopi(&upgraded).await;
    assert!(
        said.code == 3 && said.err.contains("waits to be finished or rolled back"),
        "{said:?}"
    );
    assert!(
        said.err.contains("finish") && said.err.contains("roll back"),
        "what helps: {said:?}"
    );
    let refused = desk
        .kopi(&[&upgraded[..], &["--plan", "--json"]].concat())
        .await
        .with(3);
    assert!(
        refused["plan"]["refused"].as_str().unwrap().contains("upgraded"),
        "{refused:#}"
    );
    assert_eq!(refused["plan"]["instead"], serde_json::json!(["finish", "rollback"]));

    assert!(desk.writes().is_empty(), "{:?}", desk.writes());
    let journal = desk.kopi(&["journal", "--json"]).await.with(0);
    assert_eq!(journal["entries"], Value::Array(Vec::new()));
    desk.office.stop().await;
}

#[tokio::test]
async fn a_key_or_a_connection_that_may_only_read_is_refused_to_act() {
    let desk = desk(0, 0.0).await;
    let act = ["redeploy", "core/api", "--environment", "dev", "--yes"];
    desk.edit(|text| text.replace("kind = \"rancher\"", "kind = \"rancher\"\nread_only = true"));
    let said = desk.kopi(&act).await;
    assert!(
        said.code == 3 && said.err.contains("read-only in `kopi.toml`"),
        "{said:?}"
    );

    let servers = &desk.office.address().servers.rancher;
    desk.edit(|text| {
        text.replace("read_only = true", "")
            .replace(&servers.access_key, &servers.readonly.access_key)
    });
    std::fs::write(
        desk.home.path().join("kopi.rancher-secret"),
        &servers.readonly.secret_key,
    )
    .unwrap();
    let said = desk.kopi(&act).await;
    assert!(said.code == 3 && said.err.contains("may only read in dev"), "{said:?}");
    let probe = desk.kopi(&["probe", "rancher", "--json"]).await.with(0);
    assert_eq!(probe["may"], serde_json::json!(["read"]));
    assert!(desk.writes().is_empty(), "{:?}", desk.writes());
    desk.office.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redeploy_and_a_finish_are_followed_to_their_end_and_written_down() {
    let desk = desk(0, 60.0).await;
    let done = desk
        .kopi(&["redeploy", "core/api", "--environment", "dev", "--wait", "--json"])
        .await
        .with(0);
    assert_eq!(done["result"], "done", "{done:#}");
    assert!(done["took_ms"].as_u64().unwrap() > 0);
    let truth = desk.office.handle().truth().await.unwrap();
    let state = |environment: &str, name: &str| {
        let mut all = truth.services.iter();
        all.find(|service| service.environment == environment && service.name == name)
            .unwrap()
            .state
            .clone()
    };
    assert_eq!(state("dev", "api"), "active", "finished by itself");

    let finish = ["finish", "device/bp-sync", "--environment", "production"];
    assert_eq!(desk.kopi(&finish).await.code, 3, "production asks");
    let finished = desk.kopi(&[&finish[..], &["--yes", "--wait"]].concat()).await;
    assert!(finished.code == 0 && finished.out.contains("done"), "{finished:?}");
    let truth = desk.office.handle().truth().await.unwrap();
    let bp = truth
        .services
        .iter()
        .find(|service| service.environment == "production" && service.name == "bp-sync");
    assert_eq!(bp.unwrap().state, "active");

    let journal = desk.kopi(&["journal", "--json"]).await.with(0);
    let entries = journal["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2, "{journal:#}");
    for (entry, verb) in entries.iter().zip(["finish", "redeploy"]) {
        for field in [
            "id",
            "at",
            "who",
            "via",
            "verb",
            "target",
            "plan",
            "result",
            "detail",
            "undone_by",
        ] {
            assert!(entry.get(field).is_some(), "{field}");
        }
        assert_eq!(
            (&entry["verb"], &entry["via"], &entry["result"]),
            (&verb.into(), &"cli".into(), &"done".into())
        );
    }
    assert_eq!(entries[1]["id"], done["journal_id"]);
    desk.office.stop().await;
}
