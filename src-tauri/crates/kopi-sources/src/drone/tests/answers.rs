//! The fake answers each recorded request as the real Drone 0.8.10 did: status, JSON shape or words, and headers.
//!
//! Exceptions, each with its reason, are in [`EXCEPTIONS`].

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::setup::{Recording, TOKEN, body, fixture, frames, recording, recording_names, serve_it};
use crate::drone::fake::{FakeBuild, FakeDrone, FakeLine, FakeUser, Right};

/// What differs and why. `what` is a header, or `body`.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("*", "date", "the clock is another"),
    ("*", "last-modified", "the clock is another"),
    (
        "*",
        "transfer-encoding",
        "the real server packs long bodies into chunks; both forms say the same",
    ),
    (
        "*",
        "content-length",
        "follows the body, and long bodies are chunked there",
    ),
    (
        "queue.json",
        "body",
        "the job's compiled pipeline is the server's own matter; its place is kept, base64 with secrets",
    ),
];

/// The recorded world as it stood before the recorded orders: two builds of `ihealth/api` run.
fn recorded_world() -> FakeDrone {
    let now = "2026-11-24T03:11:06Z".parse().unwrap();
    let drone = FakeDrone::new(move || now);
    let mut user: FakeUser = serde_json::from_value(body("user.json")).unwrap();
    user.token = TOKEN.into();
    user.everywhere = Some(Right::Admin);
    drone.add_user(user);
    for repo in body("user-repos.json").as_array().unwrap() {
        drone.add_repo(serde_json::from_value(repo.clone()).unwrap());
    }
    let log: Vec<FakeLine> = serde_json::from_value(body("logs-step.json")).unwrap();
    let whole = ["build-success.json", "build-running.json", "build-latest-branch.json"].map(body);
    for row in body("builds.json").as_array().unwrap() {
        let build = whole
            .iter()
            .find(|build| build["number"] == row["number"])
            .unwrap_or(row);
        let build = FakeBuild::from_json(build).unwrap();
        let logs = if build.number == 2 {
            vec![(3, log.clone())]
        } else {
            Vec::new()
        };
        assert!(drone.insert_build("ihealth/api", build, logs));
    }
    for row in body("user-feed.json")
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["name"] == "web")
    {
        let mut build = FakeBuild::from_json(row).unwrap();
        // Rows leave ids out: these keep the feed's order.
        build.id = if build.number == 1 {
            4
        } else {
            i64::try_from(build.number).unwrap() + 9
        };
        if build.number == 2 {
            build = FakeBuild::from_json(&body("build-failed.json")).unwrap();
        }
        assert!(drone.insert_build("ihealth/web", build, Vec::new()));
    }
    drone
}

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

/// One request over a bare socket, so that nothing of the answer is hidden.
async fn call(url: &url::Url, recorded: &Recording) -> Answer {
    let mut socket = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap()))
        .await
        .unwrap();
    let token = if recorded.signed_in { TOKEN } else { "" };
    let sign_in = if recorded.signed_in {
        format!("Authorization: Bearer {token}\r\n")
    } else {
        String::new()
    };
    let request = format!(
        "{} {} HTTP/1.1\r\nHost: drone\r\nConnection: close\r\nContent-Length: 0\r\n{sign_in}\r\n",
        recorded.method, recorded.path
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer {
        status,
        headers,
        body: body.to_owned(),
    }
}

/// Keys and types; of lists each element.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => "flag".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(fields) => Value::Object(fields.iter().map(|(key, value)| (key.clone(), shape(value))).collect()),
    }
}

fn excepted(name: &str, what: &str) -> bool {
    EXCEPTIONS
        .iter()
        .any(|(file, part, _)| (*file == "*" || *file == name) && *part == what)
}

async fn compare(url: &url::Url, name: &str, exactly: bool) {
    let mut recorded = recording(name);
    if name == "user-badauth.json" {
        recorded.signed_in = false;
        recorded.path.push_str("?access_token=wrong");
    }
    let answer = call(url, &recorded).await;
    assert_eq!(answer.status, recorded.status, "{name}: {}", answer.body);
    for (header, value) in &recorded.headers {
        if !excepted(name, header) {
            assert_eq!(answer.headers.get(header), Some(value), "{name}: header {header}");
        }
    }
    for header in answer
        .headers
        .keys()
        .filter(|header| !matches!(header.as_str(), "connection" | "content-length"))
    {
        assert!(
            recorded.headers.contains_key(header),
            "{name}: the real server sends no {header}"
        );
    }
    if excepted(name, "body") {
        return;
    }
    match &recorded.json {
        Some(expected) => {
            let got: Value = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                shape(&got).to_string(),
                shape(expected).to_string(),
                "{name}: keys, their order and types"
            );
            if exactly {
                assert_eq!(got, *expected, "{name}");
            }
        }
        None => assert_eq!(Some(answer.body), recorded.text, "{name}"),
    }
}

#[tokio::test]
async fn each_recorded_request_is_answered_as_the_real_server_did() {
    let drone = recorded_world();
    let served = serve_it(drone.router()).await;
    // What only reads, then the orders in the order in which they were given, then what they led to.
    let orders = [
        "approve-not-blocked.json",
        "enable-already.json",
        "restart-missing.json",
        "cancel.json",
        "cancel-again.json",
        "restart.json",
        "fork-deploy.json",
    ];
    let afterwards = ["build-killed.json", "build-deployment.json", "builds-after.json"];
    let mut compared = 0;
    for name in recording_names() {
        if !orders.contains(&name.as_str()) && !afterwards.contains(&name.as_str()) {
            compare(&served.url, &name, true).await;
            compared += 1;
        }
    }
    for name in orders {
        // Times and ids of what is made are the fake's own.
        compare(&served.url, name, false).await;
        compared += 1;
    }
    // The agents answer: #10 was cancelled in its second step, #11 passes, #13 still runs.
    let api = "ihealth/api";
    assert!(drone.end_proc(api, 10, 3, 0) && drone.end_proc(api, 10, 1, 0));
    for pid in [3, 4] {
        drone.start_proc(api, 11, pid, "vm");
        assert!(drone.end_proc(api, 11, pid, 0));
    }
    assert!(drone.end_proc(api, 11, 1, 0));
    for pid in [1, 2] {
        drone.start_proc(api, 13, pid, "vm");
    }
    for name in afterwards {
        compare(&served.url, name, false).await;
        compared += 1;
    }
    let recordings = recording_names().len();
    assert_eq!(compared, recordings, "a recording was left out");

    let killed = drone.build(api, 10).unwrap();
    let recorded = FakeBuild::from_json(&body("build-killed.json")).unwrap();
    let course = |build: &FakeBuild| -> Vec<(String, i64, String)> {
        build
            .procs
            .iter()
            .map(|proc| (proc.state.clone(), proc.exit_code, proc.error.clone()))
            .collect()
    };
    assert_eq!(
        (killed.status.as_str(), course(&killed)),
        ("failure", course(&recorded))
    );
}

/// Reads a stream until a text has come.
async fn read_until(url: &url::Url, path: &str, end: &str, meanwhile: impl FnOnce()) -> String {
    let mut socket = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap()))
        .await
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: drone\r\nAuthorization: {TOKEN}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let mut meanwhile = Some(meanwhile);
    loop {
        let mut buffer = [0; 4096];
        let count = socket.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the stream ended: {}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text.contains(": ping")
            && let Some(meanwhile) = meanwhile.take()
        {
            meanwhile();
        }
        if text.contains(end) {
            return text;
        }
    }
}

/// Payload lines of a chunked stream.
fn sse_lines(text: &str) -> Vec<String> {
    let body = text.split_once("\r\n\r\n").unwrap().1;
    body.lines()
        .map(|line| line.trim_end_matches('\r'))
        .filter(|line| line.starts_with([':', 'd', 'e', 'i']) && line.contains(':'))
        .map(Into::into)
        .collect()
}

#[tokio::test]
async fn the_event_stream_tells_what_the_real_one_told() {
    let drone = recorded_world();
    let served = serve_it(drone.router()).await;
    let playing = drone.clone();
    let api = "ihealth/api";
    let text = read_until(&served.url, "/stream/events", "\"status\":\"failure\"", move || {
        // As recorded for #10: cancelled in its second step; what the agent then reports; a restart of #2 in between.
        let router = playing.router();
        tokio::spawn(async move {
            let orders = serve_it(router).await;
            assert_eq!(call(&orders.url, &recording("cancel.json")).await.status, 204);
            playing.end_proc(api, 10, 3, 0);
            assert_eq!(call(&orders.url, &recording("restart.json")).await.status, 202);
            playing.end_proc(api, 10, 1, 0);
        });
    })
    .await;
    let got: Vec<Value> = sse_lines(&text)
        .iter()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let recorded: Vec<Value> = frames("stream-events.sse.txt")
        .iter()
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    let of_killed = |frame: &&Value| frame["build"]["number"] == 10 && frame["build"]["procs"][0]["exit_code"] == 137;
    let enqueued = |frame: &&Value| frame["build"]["number"] == 12 && frame["type"] == "enqueued";
    let expected: Vec<&Value> = recorded
        .iter()
        .filter(of_killed)
        .chain(recorded.iter().filter(enqueued))
        .collect();
    assert_eq!(got.len(), 3, "{text}");
    assert_eq!(
        shape(&got[0]).to_string(),
        shape(expected[0]).to_string(),
        "the killed axis, its agent not heard yet"
    );
    assert_eq!(shape(&got[2]).to_string(), shape(expected[1]).to_string(), "the end");
    assert_eq!(shape(&got[1]).to_string(), shape(expected[2]).to_string(), "a restart");
    assert_eq!(got[1]["repo"]["last_build"], 11, "the counter before the build");
    let head = fixture("stream-events.sse.txt");
    let answered = text.to_ascii_lowercase();
    for line in head.lines().skip(1).take_while(|line| !line.is_empty()) {
        let name = line.split_once(": ").unwrap().0.to_ascii_lowercase();
        let line = if excepted("", &name) {
            format!("{name}: ")
        } else {
            line.to_ascii_lowercase()
        };
        assert!(answered.contains(&line), "no {line} in {text}");
    }
}

#[tokio::test]
async fn the_log_stream_is_framed_as_the_real_one() {
    let drone = recorded_world();
    let served = serve_it(drone.router()).await;
    let api = "ihealth/api";
    for out in ["+ echo building\n", "building\n"] {
        drone.append_log(api, 10, 3, out);
    }
    let playing = drone.clone();
    let text = read_until(&served.url, "/stream/logs/ihealth/api/10/1", "data: eof", move || {
        playing.append_log(api, 10, 3, "line 1\n");
        playing.end_proc(api, 10, 3, 0);
        playing.end_proc(api, 10, 1, 0);
    })
    .await;
    let expected = [
        ": ping",
        "id: 1",
        r#"data: {"proc":"build","time":3,"pos":0,"out":"+ echo building\n"}"#,
        "id: 2",
        r#"data: {"proc":"build","time":3,"pos":1,"out":"building\n"}"#,
        "id: 3",
        r#"data: {"proc":"build","time":3,"pos":2,"out":"line 1\n"}"#,
        "event: error",
        "data: eof",
    ];
    assert_eq!(sse_lines(&text), expected);
    let wrong = read_until(&served.url, "/stream/logs/ihealth/api/2/1", "stream not found", || {}).await;
    let recorded: Vec<String> = fixture("stream-logs-wrong-proc.sse.txt")
        .lines()
        .filter(|line| !line.is_empty())
        .map(Into::into)
        .collect();
    assert_eq!(sse_lines(&wrong), recorded);
}
