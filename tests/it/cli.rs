//! The program `kopi` as people and scripts use it (`cli.md`): the real binary against an office in this process.

mod acting;
#[cfg(unix)]
mod hosting;
mod reading;
mod serving;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kopi_model::Timestamp;
use kopi_office::{Office, OfficeOptions, Size};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Longer than any command takes here; a test that meets it has found a hang.
const LONGEST: Duration = Duration::from_mins(1);

/// `kopi` beside this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let place = test.parent().and_then(Path::parent).unwrap();
    let program = place.join(format!("kopi{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is missing: cargo build -p kopi-cli",
        program.display()
    );
    program
}

/// An office and a person's folder that knows it.
struct Desk {
    office: Office,
    home: tempfile::TempDir,
}

/// What a command said.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The document, when the command ended so.
    #[track_caller]
    fn with(&self, code: i32) -> Value {
        assert_eq!(self.code, code, "{self:?}");
        self.json()
    }
}

/// The story's small cut, `seconds` into the day, running at that speed.
async fn desk(seconds: u64, speed: f64) -> Desk {
    kopi_feed::tls::install_provider();
    let mut office = Office::start(OfficeOptions {
        speed: 0.0,
        size: Size::Small,
        ..OfficeOptions::new(Timestamp::now())
    })
    .await
    .unwrap();
    let home = tempfile::tempdir().unwrap();
    office.write_config(&home.path().join("kopi.toml")).unwrap();
    office.handle().advance(Duration::from_secs(seconds)).await.unwrap();
    office.handle().set_speed(speed);
    Desk { office, home }
}

fn kopi(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .env("KOPI_HOME", home)
        .env("LC_ALL", "en_US.UTF-8")
        .env_remove("KOPI_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn run(home: &Path, arguments: &[&str]) -> Said {
    let output = tokio::time::timeout(LONGEST, kopi(home, arguments).output())
        .await
        .unwrap_or_else(|_| panic!("kopi {arguments:?} does not end"))
        .unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Desk {
    async fn kopi(&self, arguments: &[&str]) -> Said {
        run(self.home.path(), arguments).await
    }

    /// Adds to `kopi.toml`, or changes it.
    fn edit(&self, change: impl FnOnce(String) -> String) {
        let file = self.home.path().join("kopi.toml");
        let text = change(std::fs::read_to_string(&file).unwrap());
        std::fs::write(file, text).unwrap();
    }

    /// Requests that may change something at Rancher, so far.
    fn writes(&self) -> Vec<String> {
        let seen = self.office.handle().switch("rancher").unwrap().seen();
        let writing = seen.into_iter().filter(|seen| seen.method != "GET");
        writing.map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }

    /// `kopi serve`, listening.
    async fn serve(&self, more: &[&str]) -> Serving {
        let arguments = [&["serve", "--no-open", "--json"], more].concat();
        let mut child = kopi(self.home.path(), &arguments)
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(LONGEST, lines.next_line())
            .await
            .expect("serve says where")
            .unwrap();
        let said: Value = serde_json::from_str(&line.expect("serve ended")).unwrap();
        let opener = PathBuf::from(said["open"].as_str().unwrap());
        let page = std::fs::read_to_string(&opener).unwrap();
        let token = page
            .split_once("#token=")
            .unwrap()
            .1
            .split_once('"')
            .unwrap()
            .0
            .to_owned();
        let address = said["address"].as_str().unwrap().trim_end_matches('/').to_owned();
        Serving {
            child,
            address,
            token,
            opener,
        }
    }
}

/// A running `kopi serve`; killed when dropped.
struct Serving {
    child: Child,
    /// `http://127.0.0.1:…`, without the last slash.
    address: String,
    /// The one-time token.
    token: String,
    opener: PathBuf,
}

/// Asks until it is so; each ask is a command of its own, so nothing spins.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
        }
    };
    let found = tokio::time::timeout(LONGEST, asking).await;
    found.unwrap_or_else(|_| panic!("never came: {what}"))
}
