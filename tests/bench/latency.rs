//! From an event on Drone's socket to the notice handed to the desktop and to the patch that leaves for the page: the
//! real source, the real engine, the stand-in server on loopback; time is taken in one process by one clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kopi_core::{Core, CoreConnection, CoreParts, CoreSettings, Face, Machine, NoDesk, NoRecords, Teller};
use kopi_feed::source::BoxFuture;
use kopi_feed::{ConnectionSettings, Secret, TlsSettings};
use kopi_model::wire::{Frame, Request, RequestBody, Settings};
use kopi_model::{BuildStatus, Item, Notice};
use kopi_notify::Worded;
use kopi_sources::drone::fake::{FakeDrone, FakeRepo, FakeUser, NewBuild, Right};
use kopi_sources::fault::{FaultSwitch, serve};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::figure::{Goal, Report, percentile};

const EVENTS: usize = 40;
const REPO: &str = "ihealth/web";

struct Heard(mpsc::UnboundedSender<(String, Instant)>);

impl Teller for Heard {
    fn tell(&self, _: Worded, notice: Notice) -> BoxFuture<'_, ()> {
        self.0.send((notice.key, Instant::now())).ok();
        Box::pin(async {})
    }
}

/// Takes both figures.
pub fn measure(report: &mut Report) {
    if !report.wants("latency") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let (mut patches, mut notices) = match runtime {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => return report.skipped("latency", &error.to_string()),
    };
    let beside = format!("{EVENTS} builds, each waiting → running, Drone 0.8 on loopback");
    report.figure(
        "latency: event → patch leaves, p95",
        Goal::AtMost(50.0),
        percentile(&mut patches, 0.95),
        "ms",
        &beside,
    );
    report.figure(
        "latency: event → notice handed over, p95",
        Goal::AtMost(150.0),
        percentile(&mut notices, 0.95),
        "ms",
        &beside,
    );
}

async fn run() -> (Vec<f64>, Vec<f64>) {
    let drone = FakeDrone::new(Timestamp::now);
    let user = FakeUser {
        login: "linhao".into(),
        token: "t".into(),
        active: true,
        everywhere: Some(Right::Admin),
        ..FakeUser::default()
    };
    drone.add_user(user);
    drone.add_repo(FakeRepo::new(REPO, "https://github.example"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let stop = CancellationToken::new();
    tokio::spawn(serve(drone.router(), listener, FaultSwitch::new(), stop.clone()));

    let (heard, mut told) = mpsc::unbounded_channel();
    let notices = kopi_model::NoticeEvent::ALL
        .map(|event| event.word().to_owned())
        .to_vec();
    let core = Core::start(CoreParts {
        settings: CoreSettings {
            connections: vec![CoreConnection::new(ConnectionSettings {
                name: "drone".into(),
                kind: "drone".into(),
                url: url.parse().expect("address"),
                fields: std::collections::BTreeMap::default(),
                secrets: [("token".to_owned(), Secret::new("t"))].into(),
                tls: TlsSettings::default(),
                production: Vec::new(),
            })],
            settings: Settings {
                me: vec!["linhao".into()],
                notices,
                ..Settings::default()
            },
            ..CoreSettings::default()
        },
        kinds: kopi_sources::all(),
        records: Arc::new(NoRecords),
        teller: Arc::new(Heard(heard)),
        desk: Arc::new(NoDesk),
        machine: Machine::real(),
    })
    .await;
    core.settled(Duration::from_secs(10)).await;
    let (session, mut frames) = core.session(Face::looking("window"));
    session
        .handle(Request {
            id: 1,
            body: RequestBody::Subscribe,
        })
        .await;

    let (mut patch_ms, mut notice_ms) = (Vec::new(), Vec::new());
    for round in 0..EVENTS {
        let sha = format!("{round:040x}");
        let number = drone
            .push_build(
                REPO,
                NewBuild::push("develop", &sha, "linhao", "fix", ["clone", "unit"]),
            )
            .expect("repo");
        wait_for(&session, &mut frames, number, BuildStatus::Waiting).await;
        let began = Instant::now();
        drone.start_proc(REPO, number, 1, "agent-1");
        let shown = wait_for(&session, &mut frames, number, BuildStatus::Running).await;
        patch_ms.push(shown.duration_since(began).as_secs_f64() * 1e3);
        let key = format!("build:drone/{REPO}#{number}/started");
        while let Ok(Some((told, at))) = tokio::time::timeout(Duration::from_secs(5), told.recv()).await {
            if told == key {
                notice_ms.push(at.duration_since(began).as_secs_f64() * 1e3);
                break;
            }
        }
        for pid in [2, 3] {
            drone.start_proc(REPO, number, pid, "agent-1");
            drone.end_proc(REPO, number, pid, 0);
        }
        drone.end_proc(REPO, number, 1, 0);
    }
    core.stop("quit").await;
    stop.cancel();
    (patch_ms, notice_ms)
}

/// When the patch with that build in that status left.
async fn wait_for(
    session: &kopi_core::Session,
    frames: &mut kopi_core::Frames,
    number: u64,
    status: BuildStatus,
) -> Instant {
    let is_it = |item: &Item| matches!(item, Item::Build(build) if build.number == number && build.status == status);
    loop {
        let frame = tokio::time::timeout(Duration::from_secs(20), frames.next())
            .await
            .expect("a patch in time")
            .expect("the core");
        let at = Instant::now();
        let (rev, found) = match frame {
            Frame::Snapshot(snapshot) => (snapshot.rev, snapshot.items.iter().any(|item| is_it(item))),
            Frame::Patch(patch) => (patch.rev, patch.upserts.iter().any(|item| is_it(item))),
            _ => continue,
        };
        session
            .handle(Request {
                id: 0,
                body: RequestBody::Ack { rev },
            })
            .await;
        if found {
            return at;
        }
    }
}
