//! What the tests share: the recordings, and a fake server with the source connected to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use kopi_feed::{
    Clock, ConnectionSettings, Cx, FeedError, LogChunk, LogOutbox, Note, Outbox, Secret, SourceMessage, TlsSettings,
};
use kopi_model::wire::{LogAsk, LogLine};
use kopi_model::{Build, BuildStatus, Event, Item, Order, Verb};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::drone::DroneSource;
use crate::drone::fake::{FakeDrone, FakeRepo, FakeUser, NewBuild, Right};
use crate::drone::parse::Place;
use crate::fault::{FaultSwitch, serve};

pub(super) const TOKEN: &str = "token-of-guotuo";
pub(super) const STEPS: [&str; 3] = ["git", "build", "publish"];

pub(super) fn place() -> Place {
    Place {
        connection: "drone".into(),
        base: "https://drone.company.com".into(),
    }
}

/// A recorded request and the real server's answer.
pub(super) struct Recording {
    pub method: String,
    pub path: String,
    pub signed_in: bool,
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub json: Option<Value>,
    pub text: Option<String>,
}

pub(super) fn fixture(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/drone/fixtures")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(super) fn fixture_names() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/drone/fixtures");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

pub(super) fn recording(name: &str) -> Recording {
    let whole: Value = serde_json::from_str(&fixture(name)).unwrap();
    let (request, response) = (&whole["request"], &whole["response"]);
    let headers = response["headers"].as_object().unwrap();
    Recording {
        method: request["method"].as_str().unwrap().into(),
        path: request["path"].as_str().unwrap().into(),
        signed_in: request["headers"].get("Authorization").is_some(),
        status: u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
        headers: headers
            .iter()
            .map(|(key, value)| (key.to_ascii_lowercase(), value.as_str().unwrap().to_owned()))
            .collect(),
        json: response.get("json").cloned(),
        text: response.get("text").and_then(Value::as_str).map(Into::into),
    }
}

pub(super) fn body(name: &str) -> Value {
    recording(name).json.unwrap()
}

/// Recorded requests, without the streams.
pub(super) fn recording_names() -> Vec<String> {
    let is_json = |name: &String| {
        std::path::Path::new(name)
            .extension()
            .is_some_and(|ending| ending == "json")
    };
    fixture_names().into_iter().filter(is_json).collect()
}

/// Payloads of a recorded stream.
pub(super) fn frames(name: &str) -> Vec<String> {
    fixture(name)
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(Into::into)
        .collect()
}

/// A server on loopback.
pub(super) struct Served {
    pub url: url::Url,
    pub faults: FaultSwitch,
    _stop: DropGuard,
}

pub(super) async fn serve_it(router: Router) -> Served {
    kopi_feed::install_provider();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let (faults, stop) = (FaultSwitch::new(), CancellationToken::new());
    tokio::spawn(serve(router, listener, faults.clone(), stop.clone()));
    Served {
        url,
        faults,
        _stop: stop.drop_guard(),
    }
}

pub(super) fn settings(url: &url::Url) -> ConnectionSettings {
    ConnectionSettings {
        name: "drone".into(),
        kind: "drone".into(),
        url: url.clone(),
        fields: BTreeMap::new(),
        secrets: [("token".into(), Secret::new(TOKEN))].into(),
        tls: TlsSettings::default(),
        production: Vec::new(),
    }
}

/// A fake with one person, two repositories and one build that passed.
pub(super) fn office() -> FakeDrone {
    let clock = Clock::tokio("2026-11-24T03:11:00Z".parse().unwrap());
    let drone = FakeDrone::new(move || clock.now());
    drone.add_user(FakeUser {
        login: "guotuo".into(),
        token: TOKEN.into(),
        admin: true,
        everywhere: Some(Right::Admin),
        ..FakeUser::default()
    });
    drone.add_user(FakeUser {
        login: "reader".into(),
        token: "token-of-reader".into(),
        everywhere: Some(Right::Pull),
        ..FakeUser::default()
    });
    for repo in ["ihealth/api", "ihealth/web"] {
        drone.add_repo(FakeRepo::new(repo, "https://github.com"));
    }
    let number = push(&drone, "ihealth/web");
    run_to_the_end(&drone, "ihealth/web", number, 0);
    drone
}

pub(super) fn push(drone: &FakeDrone, repo: &str) -> u64 {
    let build = NewBuild::push(
        "develop",
        &"a1".repeat(20),
        "sunyue",
        "fix: 血糖仪同步\n\nlonger",
        STEPS,
    );
    drone.push_build(repo, build).unwrap()
}

/// Runs a build of [`STEPS`]; its second step ends with that code.
pub(super) fn run_to_the_end(drone: &FakeDrone, repo: &str, number: u64, code: i64) {
    drone.start_proc(repo, number, 1, "agent-1");
    for pid in 2..=4 {
        if pid == 4 && code != 0 {
            break;
        }
        drone.start_proc(repo, number, pid, "agent-1");
        drone.append_log(repo, number, pid, &format!("+ step {pid}\n"));
        drone.end_proc(repo, number, pid, if pid == 3 { code } else { 0 });
    }
    drone.end_proc(repo, number, 1, code);
}

/// A source at work on a server.
pub(super) struct Desk {
    pub source: Arc<DroneSource>,
    pub look_again: Arc<Notify>,
    pub served: Served,
    cx: Cx,
    watch: Option<JoinHandle<Result<std::convert::Infallible, FeedError>>>,
    inbox: mpsc::Receiver<(kopi_model::ConnectionName, SourceMessage)>,
    sender: mpsc::Sender<(kopi_model::ConnectionName, SourceMessage)>,
    _attended: watch::Sender<bool>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}

impl Desk {
    pub(super) async fn at(router: Router) -> Self {
        let served = serve_it(router).await;
        let (attended, receiver) = watch::channel(true);
        let (sender, inbox) = mpsc::channel(1_000);
        let look_again = Arc::new(Notify::new());
        let cx = Cx {
            connection: "drone".into(),
            stop: CancellationToken::new(),
            look_again: look_again.clone(),
            clock: Clock::tokio("2026-11-24T03:11:00Z".parse::<Timestamp>().unwrap()),
            attended: receiver,
        };
        Self {
            source: Arc::new(DroneSource::new(&settings(&served.url)).unwrap()),
            look_again,
            served,
            cx,
            watch: None,
            inbox,
            sender,
            _attended: attended,
        }
    }

    pub(super) fn cx(&self) -> Cx {
        self.cx.clone()
    }

    /// Starts (again) to watch, with the same source.
    pub(super) fn watch(&mut self) {
        let (source, cx) = (self.source.clone(), self.cx.clone());
        let out = Outbox::new(cx.connection.clone(), self.sender.clone());
        self.watch = Some(tokio::spawn(async move {
            kopi_feed::Source::watch(&*source, cx, out).await
        }));
    }

    /// The watch has broken off, and why.
    pub(super) async fn broke(&mut self) -> FeedError {
        let watch = self.watch.take().unwrap();
        let draining = async { while self.inbox.recv().await.is_some() {} };
        tokio::select! {
            ended = watch => match ended.unwrap() {
                Ok(never) => match never {},
                Err(error) => error,
            },
            () = draining => unreachable!("the desk keeps a sender"),
        }
    }

    pub(super) async fn next(&mut self) -> SourceMessage {
        let message = tokio::time::timeout(Duration::from_mins(10), self.inbox.recv()).await;
        message.expect("nothing came within ten minutes").unwrap().1
    }

    /// Everything up to and with the note that the watch is live.
    pub(super) async fn until_live(&mut self) -> Vec<SourceMessage> {
        let mut messages = Vec::new();
        loop {
            let message = self.next().await;
            let live = matches!(message, SourceMessage::Note(Note::Streaming | Note::Polling { .. }));
            messages.push(message);
            if live {
                return messages;
            }
        }
    }

    /// The next build that was upserted, or seen by a later listing.
    pub(super) async fn next_build(&mut self) -> Build {
        loop {
            if let SourceMessage::Event(Event::Upsert(item) | Event::Seen(item)) = self.next().await
                && let Item::Build(build) = *item
            {
                return build;
            }
        }
    }

    /// Builds as they come, until one is as wanted.
    pub(super) async fn builds_until(&mut self, wanted: impl Fn(&Build) -> bool) -> Vec<Build> {
        let mut builds = Vec::new();
        loop {
            let build = self.next_build().await;
            let found = wanted(&build);
            builds.push(build);
            if found {
                return builds;
            }
        }
    }

    pub(super) async fn act(&self, verb: Verb, target: &str) -> Result<kopi_model::Receipt, FeedError> {
        kopi_feed::Source::act(&*self.source, self.cx(), order(verb, target)).await
    }

    /// Opens a log: its chunks, and how it ended.
    pub(super) fn open_log(&self, ask: LogAsk) -> (mpsc::Receiver<LogChunk>, JoinHandle<Result<(), FeedError>>) {
        let (sender, chunks) = mpsc::channel(1_000);
        let (source, cx) = (self.source.clone(), self.cx());
        let task = tokio::spawn(async move { kopi_feed::Source::log(&*source, cx, ask, LogOutbox::new(sender)).await });
        (chunks, task)
    }

    /// A whole log.
    pub(super) async fn read_log(&self, ask: LogAsk) -> Result<Vec<LogLine>, FeedError> {
        let (mut chunks, task) = self.open_log(ask);
        let mut lines = Vec::new();
        while let Some(chunk) = chunks.recv().await {
            assert!(!chunk.gap, "lines are missing");
            lines.extend(chunk.lines);
        }
        task.await.unwrap().map(|()| lines)
    }
}

pub(super) fn order(verb: Verb, target: &str) -> Order {
    Order {
        target: target.into(),
        verb,
        tag: None,
        scale: None,
        environment: None,
        strategy: None,
        based_on: None,
    }
}

pub(super) fn ask(number: u64, step: Option<&str>, follow: bool) -> LogAsk {
    LogAsk {
        item: format!("build:drone/ihealth/api#{number}").as_str().into(),
        step: step.map(Into::into),
        follow,
    }
}

pub(super) fn seen(messages: &[SourceMessage]) -> Vec<Item> {
    let items = messages.iter().filter_map(|message| match message {
        SourceMessage::Event(Event::Seen(item)) => Some((**item).clone()),
        _ => None,
    });
    items.collect()
}

pub(super) fn states(build: &Build) -> (BuildStatus, Vec<BuildStatus>) {
    (build.status, build.steps.iter().map(|step| step.status).collect())
}
