//! Notices: a build at a real fake Drone breaks, the desktop is told in words, and a click comes back as an act.

#![allow(
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "the interface on the bus has them"
)]

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};

use kopi_sources::drone::fake::{FakeDrone, FakeRepo, FakeUser, NewBuild, Right};
use tokio::sync::mpsc;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, interface};

use super::agent::{Agent, PATIENCE, connect, eventually};
use crate::bus::Bus;

/// A notice as the desktop got it.
#[derive(Debug)]
struct Notice {
    id: u32,
    app: String,
    replaces: u32,
    icon: String,
    title: String,
    body: String,
    actions: Vec<String>,
    hints: HashMap<String, OwnedValue>,
}

impl Notice {
    fn hint(&self, name: &str) -> Option<String> {
        String::try_from(self.hints.get(name)?.clone()).ok()
    }
}

struct Daemon {
    capabilities: Vec<String>,
    notices: mpsc::UnboundedSender<Notice>,
    last: u32,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Daemon {
    fn get_capabilities(&self) -> Vec<String> {
        self.capabilities.clone()
    }

    #[expect(clippy::too_many_arguments, reason = "the protocol's")]
    fn notify(
        &mut self,
        app: String,
        replaces: u32,
        icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        _expires: i32,
    ) -> u32 {
        if replaces == 0 {
            self.last += 1;
        }
        let id = if replaces == 0 { self.last } else { replaces };
        let notice = Notice {
            id,
            app,
            replaces,
            icon,
            title,
            body,
            actions,
            hints,
        };
        self.notices.send(notice).ok();
        id
    }

    fn close_notification(&self, _id: u32) {}

    fn get_server_information(&self) -> (String, String, String, String) {
        ("test".into(), "kopi".into(), "1".into(), "1.2".into())
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;
}

/// The notification service of a bus.
struct Desktop {
    connection: Connection,
    notices: mpsc::UnboundedReceiver<Notice>,
}

impl Desktop {
    async fn open(bus: &Bus, capabilities: &[&str]) -> Self {
        let connection = connect(bus).await;
        let (sender, notices) = mpsc::unbounded_channel();
        let daemon = Daemon {
            capabilities: capabilities.iter().map(ToString::to_string).collect(),
            notices: sender,
            last: 0,
        };
        let served = connection
            .object_server()
            .at("/org/freedesktop/Notifications", daemon)
            .await;
        assert!(served.unwrap());
        connection.request_name("org.freedesktop.Notifications").await.unwrap();
        Self { connection, notices }
    }

    async fn next(&mut self, agent: &Agent) -> Notice {
        let notice = tokio::time::timeout(PATIENCE, self.notices.recv()).await;
        notice
            .unwrap_or_else(|_| panic!("no notice came: {}", agent.log()))
            .unwrap()
    }

    async fn click(&self, id: u32, action: &str) {
        let emitter = SignalEmitter::new(&self.connection, "/org/freedesktop/Notifications").unwrap();
        Daemon::action_invoked(&emitter, id, action).await.unwrap();
    }
}

/// A Drone with one repository, and the `kopi.toml` for it.
async fn drone() -> (FakeDrone, String) {
    let drone = FakeDrone::new(jiff::Timestamp::now);
    drone.add_repo(FakeRepo::new("acme/glucose-sync", "https://github.example"));
    drone.add_user(FakeUser {
        login: "sunyue".into(),
        token: "t0ken".into(),
        active: true,
        everywhere: Some(Right::Admin),
        ..FakeUser::default()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = drone.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let configuration = format!(
        "[[connection]]\nname = \"drone\"\nkind = \"drone\"\nurl = \"{url}\"\ntoken = {{ plain = \"t0ken\" }}\n"
    );
    (drone, configuration)
}

const REPO: &str = "acme/glucose-sync";

/// Runs a build to its end; its number.
fn build(drone: &FakeDrone, exit_code: i64) -> u64 {
    let push = NewBuild::push(
        "develop",
        "5d41402abc4b2a76b9719d911017c592aaaaaaaa",
        "sunyue",
        "fix: <rounding> & units",
        ["unit"],
    );
    let number = drone.push_build(REPO, push).unwrap();
    assert!(drone.start_proc(REPO, number, 1, "agent-01"));
    assert!(drone.start_proc(REPO, number, 2, "agent-01"));
    assert!(drone.end_proc(REPO, number, 2, exit_code));
    assert!(drone.end_proc(REPO, number, 1, exit_code));
    number
}

/// Attached and live: what happens from now on is news.
async fn live(agent: &Agent) {
    let (client, mut frames) = agent.attach().await;
    client.subscribe().await.unwrap();
    let live = eventually(async || {
        use kopi_model::wire::{ConnectionState, Frame};
        let connections = match tokio::time::timeout(PATIENCE, frames.next()).await.ok()?? {
            Frame::Snapshot(snapshot) => {
                client.acknowledge(snapshot.rev).await.ok();
                snapshot.connections
            }
            Frame::Patch(patch) => {
                client.acknowledge(patch.rev).await.ok();
                patch.connections
            }
            _ => return None,
        };
        let is_live = |state| state == ConnectionState::Live;
        connections.iter().any(|health| is_live(health.state)).then_some(())
    })
    .await;
    assert!(live.is_some(), "Drone is not live: {}", agent.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_build_is_told_and_its_click_opens_it() {
    let bus = Bus::start();
    let mut desktop = Desktop::open(&bus, &["body", "actions", "body-markup"]).await;
    let (drone, configuration) = drone().await;
    let agent = Agent::start(&bus, &configuration);
    live(&agent).await;
    let number = build(&drone, 1);
    let notice = desktop.next(&agent).await;
    assert_eq!(notice.app, "Kopi");
    assert_eq!(notice.title, "glucose-sync is broken");
    assert!(
        notice
            .body
            .starts_with(&format!("develop #{number} by sunyue: unit, exit code 1")),
        "{}",
        notice.body
    );
    assert!(
        notice.body.ends_with("\"fix: &lt;rounding&gt; &amp; units\""),
        "{}",
        notice.body
    );
    assert_eq!(notice.hint("desktop-entry").as_deref(), Some("kopi"));
    assert_eq!(notice.hint("category").as_deref(), Some("x-kopi.broken"));
    assert!(
        std::path::Path::new(&notice.icon).is_file(),
        "{} is no picture",
        notice.icon
    );
    let keys: Vec<_> = notice.actions.iter().step_by(2).map(String::as_str).collect();
    assert_eq!(keys, ["default", "log", "verb-restart", "mute"]);
    // The listener of the click comes up after the notice: clicked until the window is there.
    let window = eventually(async || {
        desktop.click(notice.id, "default").await;
        tokio::time::timeout(std::time::Duration::from_millis(200), agent.window())
            .await
            .ok()
    })
    .await
    .unwrap();
    assert_eq!(
        window,
        format!("window kopi://item/build:drone/acme/glucose-sync%23{number}\n")
    );
    build(&drone, 0);
    let fixed = desktop.next(&agent).await;
    assert_eq!(fixed.title, "glucose-sync is fixed");
    assert_eq!(fixed.replaces, notice.id, "the good news takes the bad one's place");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mute_is_one_button_and_holds() {
    let bus = Bus::start();
    let mut desktop = Desktop::open(&bus, &["actions"]).await;
    let (drone, configuration) = drone().await;
    let agent = Agent::start(&bus, &configuration);
    live(&agent).await;
    build(&drone, 1);
    let notice = desktop.next(&agent).await;
    let (client, _frames) = agent.attach().await;
    let muted = eventually(async || {
        use kopi_model::wire::{Answer, Query};
        desktop.click(notice.id, "mute").await;
        match client.query(Query::About).await.unwrap() {
            Answer::About(about) => about.muted.iter().any(|(subject, _)| subject == REPO).then_some(()),
            other => panic!("{other:?}"),
        }
    });
    muted.await.expect("the click did not mute");
    build(&drone, 1);
    let held = eventually(async || {
        use kopi_model::wire::{Answer, Query};
        match client.query(Query::Notices { limit: 10 }).await.unwrap() {
            Answer::Notices(notices) => notices
                .iter()
                .any(|notice| notice.event == "still_broken" && notice.held_back.as_deref() == Some("muted"))
                .then_some(()),
            other => panic!("{other:?}"),
        }
    });
    held.await.expect("the second break is not in the inbox");
    assert!(desktop.notices.try_recv().is_err(), "a muted repository was told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desktop_without_notices_is_said_and_nothing_breaks() {
    let bus = Bus::start();
    let (drone, configuration) = drone().await;
    let agent = Agent::start(&bus, &configuration);
    live(&agent).await;
    build(&drone, 1);
    let (client, _frames) = agent.attach().await;
    let in_inbox = eventually(async || {
        use kopi_model::wire::{Answer, Query};
        match client.query(Query::Notices { limit: 10 }).await.unwrap() {
            // What began stands there too, as not told.
            Answer::Notices(notices) => notices
                .iter()
                .find(|notice| notice.event == "broken")
                .map(|notice| notice.title.clone()),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(in_inbox.await.as_deref(), Some("glucose-sync is broken"));
    // A service that comes later gets the next one.
    let mut desktop = Desktop::open(&bus, &[]).await;
    build(&drone, 1);
    let notice = desktop.next(&agent).await;
    assert_eq!(notice.title, "glucose-sync is still broken, 2 in a row");
    assert!(notice.actions.is_empty(), "buttons where none are shown");
}

/// A display and a daemon as on a real desktop.
struct Dunst {
    display: Child,
    dunst: Child,
}

impl Dunst {
    async fn start(bus: &Bus) -> Self {
        let cure = "is missing: run `cargo xtask test`, which installs it (Debian: apt-get install dunst xvfb)";
        let mut display = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("Xvfb {cure}: {error}"));
        let mut number = String::new();
        let stdout = display.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut number).unwrap();
        let dunst = Command::new("dunst")
            .env("DISPLAY", format!(":{}", number.trim()))
            .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("dunst {cure}: {error}"));
        let connection = connect(bus).await;
        let names = zbus::fdo::DBusProxy::new(&connection).await.unwrap();
        eventually(async || {
            let owned = names
                .name_has_owner("org.freedesktop.Notifications".try_into().unwrap())
                .await;
            owned.unwrap().then_some(())
        })
        .await
        .expect("dunst does not come up");
        Self { display, dunst }
    }

    fn control(bus: &Bus, arguments: &[&str]) -> String {
        let output = Command::new("dunstctl")
            .args(arguments)
            .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Dunst {
    fn drop(&mut self) {
        for child in [&mut self.dunst, &mut self.display] {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_daemon_shows_it_and_its_click_opens_the_build() {
    let bus = Bus::start();
    let _dunst = Dunst::start(&bus).await;
    let (drone, configuration) = drone().await;
    let agent = Agent::start(&bus, &configuration);
    live(&agent).await;
    let number = build(&drone, 1);
    let shown = eventually(async || (Dunst::control(&bus, &["count", "displayed"]).trim() == "1").then_some(()));
    shown
        .await
        .unwrap_or_else(|| panic!("dunst shows nothing: {}", agent.log()));
    Dunst::control(&bus, &["action", "0"]);
    let window = agent.window().await;
    assert!(window.contains(&format!("%23{number}")), "{window}");
}
