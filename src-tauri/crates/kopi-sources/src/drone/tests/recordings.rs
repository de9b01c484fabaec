//! Every recording of the real server becomes the items that a person should see; the snapshots were read.

use serde_json::{Value, json};

use super::setup::{body, fixture_names, frames, place};
use crate::drone::parse;

/// What a recording says, by the parser that its request has.
fn read(name: &str) -> Value {
    let place = place();
    let value = |name: &str| body(name);
    match name {
        "build-deployment.json"
        | "build-failed.json"
        | "build-killed.json"
        | "build-latest-branch.json"
        | "build-running.json"
        | "build-success.json"
        | "restart.json"
        | "fork-deploy.json" => {
            json!(parse::whole_build(&value(name), "ihealth/api", &place))
        }
        "builds.json" | "builds-after.json" | "builds-page2.json" => {
            json!(parse::builds(&value(name), "ihealth/api", &place))
        }
        "builds-pending.json" | "user-feed.json" | "user-feed-latest.json" => json!(parse::feed(&value(name), &place)),
        "user-repos.json" => json!(parse::repos(&value(name), &place)),
        "repo.json" => json!(parse::repo(&value(name), &place)),
        "queue.json" => json!(parse::agents(&value(name), &place)),
        "user.json" => json!(parse::user(&value(name)).map(|user| (user.login, user.admin))),
        "logs-step.json" => json!(parse::stored_log(&value(name)).map(|log| log.iter().map(entry).collect::<Vec<_>>())),
        "stream-events.sse.txt" => {
            let frames = frames(name).into_iter().map(|frame| parse::frame(&frame, &place));
            // Whole builds are in the others; here it is their course that matters.
            frames
                .map(|frame| {
                    let build = frame.expect("a recorded frame").build;
                    let steps: Vec<String> =
                        build.steps.iter().map(|step| format!("{} {} {:?}", step.key, step.name, step.status)).collect();
                    json!({"id": build.id, "status": build.status, "event": build.event, "environment": build.environment, "steps": steps})
                })
                .collect()
        }
        "stream-logs-running.sse.txt" => frames(name)
            .iter()
            .map(|frame| {
                serde_json::from_str(frame)
                    .ok()
                    .and_then(|value| parse::log_entry(&value))
                    .map(|line| entry(&line))
            })
            .map(|line| json!(line))
            .collect(),
        // Refusals: status and words, judged where they are met.
        _ => Value::Null,
    }
}

fn entry(line: &parse::LogEntry) -> String {
    format!("{}:{} {}s {:?}", line.step, line.position, line.time, line.out)
}

#[test]
fn every_recording_reads_as_it_was_seen() {
    let refusals = [
        "approve-not-blocked.json",
        "build-latest.json",
        "build-missing.json",
        "cancel-again.json",
        "cancel.json",
        "enable-already.json",
        "logs-missing.json",
        "repo-missing.json",
        "restart-missing.json",
        "stream-logs-wrong-proc.sse.txt",
        "user-badauth.json",
        "user-noauth.json",
        "version.json",
    ];
    for name in fixture_names() {
        let items = read(&name);
        assert_eq!(items.is_null(), refusals.contains(&name.as_str()), "{name}");
        if !items.is_null() {
            insta::assert_json_snapshot!(name, items);
        }
    }
}

#[test]
fn a_cancelled_build_is_not_called_failed() {
    let killed = parse::whole_build(&body("build-killed.json"), "ihealth/api", &place()).unwrap();
    assert_eq!(killed.status, kopi_model::BuildStatus::Cancelled);
    assert_eq!(killed.server_status, "failure");
    assert_eq!(killed.error, None, "being cancelled is not an engine problem");
    let failed = parse::whole_build(&body("build-failed.json"), "ihealth/web", &place()).unwrap();
    assert_eq!(failed.status, kopi_model::BuildStatus::Failed);
}

#[test]
fn a_flat_list_of_procs_reads_as_the_tree() {
    let tree = body("build-success.json");
    let mut flat = tree.clone();
    let mut axis = tree["procs"][0].clone();
    let children = axis.as_object_mut().unwrap().remove("children").unwrap();
    let mut procs = vec![axis];
    procs.extend(children.as_array().unwrap().iter().rev().cloned());
    flat["procs"] = Value::Array(procs);
    let read = |value: &Value| parse::whole_build(value, "ihealth/api", &place()).unwrap();
    assert_eq!(read(&flat), read(&tree));
}

#[test]
fn the_queue_is_counted_and_its_secrets_stay_there() {
    let queue = body("queue.json");
    let agents = parse::agents(&queue, &place()).unwrap();
    assert_eq!(
        (agents.pending, agents.running, agents.idle),
        (Some(0), Some(2), Some(0))
    );
    let data = queue["running"][0]["data"].as_str().unwrap();
    assert!(!format!("{agents:?}").contains(&data[..20]));
}
