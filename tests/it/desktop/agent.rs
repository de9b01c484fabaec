//! Runs the real `kopi agent` in a home of its own, with a stand-in for the window's program beside it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use kopi_core::Paths;
use kopi_core::socket::{Client, ClientFrames, attach};

use crate::bus::Bus;

/// How long anything may take on a busy machine. Nothing sleeps for it: it is waited for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The program `kopi`, built once by the cargo that runs the tests.
pub fn kopi() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "kopi-cli", "--bin", "kopi"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(built.success(), "kopi does not build");
        // target/debug/deps/it-… → target/debug/kopi
        let own = std::env::current_exe().unwrap();
        own.parent().unwrap().parent().unwrap().join("kopi")
    })
}

/// A running agent; killed with this.
pub struct Agent {
    child: Child,
    /// Its home.
    pub home: tempfile::TempDir,
}

impl Agent {
    /// Starts one on that bus with this `kopi.toml`. The program beside it that stands in for the window writes its
    /// arguments to `window.txt`.
    pub fn start(bus: &Bus, configuration: &str) -> Self {
        Self::start_in(bus, configuration, "en_GB.UTF-8")
    }

    /// In another language.
    pub fn start_in(bus: &Bus, configuration: &str, locale: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("kopi.toml"), configuration).unwrap();
        let programs = home.path().join("programs");
        std::fs::create_dir(&programs).unwrap();
        let program = programs.join("kopi");
        if std::fs::hard_link(kopi(), &program).is_err() {
            std::fs::copy(kopi(), &program).unwrap();
        }
        let window = programs.join("kopi-desktop");
        let script = format!(
            "#!/bin/sh\necho \"window $*\" >> '{}'\n",
            home.path().join("window.txt").display()
        );
        std::fs::write(&window, script).unwrap();
        std::fs::set_permissions(&window, std::fs::Permissions::from_mode(0o755)).unwrap();
        let child = Command::new(program)
            .args(["agent", "--hidden"])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", home.path())
            .env("KOPI_HOME", home.path())
            .env("LANG", locale)
            .env("TZ", "Asia/Shanghai")
            .env("DBUS_SESSION_BUS_ADDRESS", &bus.address)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(home.path().join("agent.log")).unwrap())
            .spawn()
            .unwrap();
        Self { child, home }
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("agent.log")).unwrap_or_default()
    }

    /// Attaches as a face.
    pub async fn attach(&self) -> (Client, ClientFrames) {
        let paths = Paths::in_home(self.home.path());
        let attached = eventually(async || attach(&paths, "cli").await.ok()).await;
        attached.unwrap_or_else(|| panic!("the agent does not host: {}", self.log()))
    }

    /// What the stand-in for the window was started with, once it was.
    pub async fn window(&self) -> String {
        let file = self.home.path().join("window.txt");
        eventually(async || std::fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n')))
            .await
            .unwrap_or_else(|| panic!("no window was opened: {}", self.log()))
    }

    /// Waits for its end.
    pub async fn end(&mut self) -> ExitStatus {
        eventually(async || self.child.try_wait().unwrap())
            .await
            .expect("the agent goes on")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Asks until there is something, or patience ends.
pub async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        if let Some(found) = ask().await {
            return Some(found);
        }
        if tokio::time::Instant::now() > deadline {
            return None;
        }
        tick.tick().await;
    }
}

/// A connection of the test's own.
pub async fn connect(bus: &Bus) -> zbus::Connection {
    zbus::connection::Builder::address(bus.address.as_str())
        .unwrap()
        .build()
        .await
        .unwrap()
}
