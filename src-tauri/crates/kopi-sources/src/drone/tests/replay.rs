//! The source pointed at a replay of the recorded Drone 0.8.10 shows its builds, steps and log lines exactly.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use kopi_model::{BuildStatus as S, Item};

use super::setup::{Desk, ask, body, fixture, recording, recording_names, seen, states};

/// Serves the recorded answers by method and path; of several for one path each once, the last for ever.
fn replay() -> Router {
    let mut answers: HashMap<String, Vec<String>> = HashMap::new();
    // Running before killed: in the order in which they were taken.
    let mut names = recording_names();
    names.sort_by_key(|name| (name == "build-killed.json", name == "builds-after.json", name.clone()));
    for name in names {
        let recorded = recording(&name);
        if recorded.signed_in && name != "user-badauth.json" {
            answers
                .entry(format!("{} {}", recorded.method, recorded.path))
                .or_default()
                .push(name);
        }
    }
    let answers = Arc::new(Mutex::new(answers));
    Router::new().fallback(move |request: Request| {
        let answers = answers.clone();
        async move { answer(&request, &answers) }
    })
}

fn answer(request: &Request, answers: &Mutex<HashMap<String, Vec<String>>>) -> Response {
    let path = request.uri().path_and_query().unwrap().as_str();
    match path {
        "/stream/events" => return recorded_stream("stream-events.sse.txt"),
        "/stream/logs/ihealth/api/10/1" => return recorded_stream("stream-logs-running.sse.txt"),
        _ => {}
    }
    let key = format!("{} {path}", request.method());
    let name = {
        let mut answers = answers.lock().unwrap();
        answers.get_mut(&key).map(|names| {
            if names.len() > 1 {
                names.remove(0)
            } else {
                names[0].clone()
            }
        })
    };
    let Some(name) = name else {
        // As the real server: no such log, no such build, and its web page for everything else.
        let status = if path.contains("/logs/") {
            404
        } else if path.contains("/builds/") {
            500
        } else {
            200
        };
        let mut response = Response::new(Body::from(if status == 200 {
            "<!DOCTYPE html><html></html>"
        } else {
            ""
        }));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
            .headers_mut()
            .insert("content-type", HeaderValue::from_static("text/html; charset=UTF-8"));
        return response;
    };
    let recorded = recording(&name);
    let text = recorded
        .json
        .map_or_else(|| recorded.text.unwrap(), |json| json.to_string());
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(recorded.status).unwrap();
    for (header, value) in recorded.headers {
        if !matches!(header.as_str(), "content-length" | "transfer-encoding") {
            response
                .headers_mut()
                .insert(HeaderName::try_from(header).unwrap(), value.parse().unwrap());
        }
    }
    response
}

/// A recorded stream that then stays open.
fn recorded_stream(name: &str) -> Response {
    let whole = fixture(name);
    let text = whole.split_once("\n\n").unwrap().1.to_owned();
    let stream = stream::iter([Ok::<_, std::io::Error>(text)]).chain(stream::pending());
    let mut response = Response::new(Body::from_stream(stream));
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("text/event-stream"));
    response
}

#[tokio::test(start_paused = true)]
async fn its_builds_and_steps_are_shown_exactly() {
    let mut desk = Desk::at(replay()).await;
    desk.watch();
    let items = seen(&desk.until_live().await);
    let builds: HashMap<String, &kopi_model::Build> = items
        .iter()
        .filter_map(|item| match item {
            Item::Build(build) => Some((format!("{}#{}", build.repo, build.number), build)),
            _ => None,
        })
        .collect();
    let row = |row: &serde_json::Value, repo: Option<&str>| {
        let repo = repo.or_else(|| row["full_name"].as_str()).unwrap();
        format!("{repo}#{}", row["number"])
    };
    for feed in body("user-feed.json").as_array().unwrap() {
        assert!(builds.contains_key(&row(feed, None)), "every row of the feed: {feed}");
    }
    for past in body("builds.json").as_array().unwrap() {
        assert!(
            builds.contains_key(&row(past, Some("ihealth/api"))),
            "and the past of its repositories: {past}"
        );
    }
    let running = builds["ihealth/api#10"];
    assert_eq!(states(running), (S::Running, vec![S::Passed, S::Running, S::Waiting]));
    assert_eq!(running.sha, "f195597bd1aa03a24fb8a927d357ab266d0922d2");
    assert_eq!(
        (running.author.as_str(), running.subject.as_str()),
        ("guotuo", "修复:血糖仪同步")
    );
    let failed = builds["ihealth/web#2"];
    assert_eq!(states(failed), (S::Failed, vec![S::Passed, S::Passed, S::Failed]));
    assert_eq!(failed.steps[2].exit_code, Some(2));
    let repos: Vec<&str> = items
        .iter()
        .filter_map(|item| match item {
            Item::Repo(repo) => Some(repo.name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(repos, ["ihealth/api", "ihealth/web"]);
    let agents = items.iter().find_map(|item| match item {
        Item::Agents(agents) => Some((agents.pending, agents.running, agents.idle)),
        _ => None,
    });
    assert_eq!(agents, Some((Some(0), Some(2), Some(0))));

    // Then the recorded stream runs to its end.
    let mut last = HashMap::new();
    for build in desk
        .builds_until(|build| build.number == 13 && build.status.is_final())
        .await
    {
        last.insert(build.number, build);
    }
    assert_eq!(
        states(&last[&10]),
        (S::Cancelled, vec![S::Passed, S::Passed, S::Skipped])
    );
    assert_eq!(states(&last[&12]), (S::Passed, vec![S::Passed; 3]));
    assert_eq!((last[&12].parent, last[&12].event.as_str()), (Some(2), "push"));
    let deployed = &last[&13];
    assert_eq!(states(deployed), (S::Passed, vec![S::Passed; 3]));
    assert_eq!(
        (deployed.event.as_str(), deployed.environment.as_deref()),
        ("deploy", Some("production"))
    );
    assert_eq!(deployed.parent, Some(2));
}

#[tokio::test(start_paused = true)]
async fn its_stored_log_is_shown_line_by_line() {
    let desk = Desk::at(replay()).await;
    let lines = desk.read_log(ask(2, Some("3"), false)).await.unwrap();
    let got: Vec<(u64, Option<u32>, &str)> = lines
        .iter()
        .map(|line| (line.number, line.at_s, line.text.as_str()))
        .collect();
    let expected = [
        (1, Some(0), "+ echo building $DRONE_COMMIT_SHA"),
        (2, Some(0), "building b0b311cd31c4423e3ada049d10a8314dd050b578"),
        (3, Some(0), "+ for i in 1 2 3 4 5; do echo line $i; sleep 1; done"),
        (4, Some(0), "line 1"),
        (5, Some(0), "line 2"),
        (6, Some(2), "line 3"),
        (7, Some(3), "line 4"),
        (8, Some(4), "line 5"),
    ];
    assert_eq!(got, expected);
}

#[tokio::test(start_paused = true)]
async fn its_live_log_is_shown_line_by_line() {
    let desk = Desk::at(replay()).await;
    let lines = desk.read_log(ask(10, Some("3"), true)).await.unwrap();
    let got: Vec<(u64, Option<u32>, &str)> = lines
        .iter()
        .map(|line| (line.number, line.at_s, line.text.as_str()))
        .collect();
    let expected = [
        (1, Some(0), "+ echo building $DRONE_COMMIT_SHA"),
        (2, Some(0), "building 91ac1783ccadcbe59fc36d927e1506dfdbde8389"),
        (3, Some(0), "+ for i in 1 2 3 4 5; do echo line $i; sleep 1.5; done"),
        (4, Some(0), "line 1"),
        (5, Some(1), "line 2"),
        (6, Some(2), "line 3"),
        (7, Some(4), "line 4"),
        (8, Some(5), "line 5"),
    ];
    assert_eq!(got, expected);
}
