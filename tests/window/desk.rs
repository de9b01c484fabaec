//! A desk for one test: a display, a bus, a home, and Kopi's window on it with a driver in its hand.
//!
//! On failure the picture of the screen and the agent's words lie in `target/window/NAME`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use kopi_core::Paths;
use kopi_core::socket::attach;
use kopi_model::wire::Act;

use crate::bus::Bus;

/// How long anything may take on a busy machine. Nothing sleeps for it: it is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

const CURE: &str = "run `cargo xtask test window`, which installs and builds what this takes";

/// The desk.
pub struct Desk {
    name: &'static str,
    number: String,
    display: Child,
    driver: Child,
    port: u16,
    /// For what else sits on the bus.
    pub bus: Bus,
    /// Kopi's home.
    pub home: tempfile::TempDir,
    locale: &'static str,
}

impl Desk {
    /// Sets it up; `configuration` is `kopi.toml`. No window yet.
    pub async fn set_up(name: &'static str, locale: &'static str) -> Self {
        let mut display = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("Xvfb: {error}; {CURE}"));
        let mut number = String::new();
        let stdout = display.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut number).unwrap();
        let number = format!(":{}", number.trim());
        let bus = Bus::start();
        let home = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut desk = Self {
            name,
            driver: Command::new("true").spawn().unwrap(),
            number,
            display,
            port,
            bus,
            home,
            locale,
        };
        desk.driver = desk
            .command(Path::new("WebKitWebDriver"))
            .args([format!("--port={port}"), "--host=127.0.0.1".into()])
            .stdout(Stdio::null())
            .stderr(desk.file("driver.log"))
            .spawn()
            .unwrap_or_else(|error| panic!("WebKitWebDriver: {error}; {CURE}"));
        desk
    }

    /// A program in the desk's own surroundings.
    pub fn command(&self, program: &Path) -> Command {
        let home = self.home.path();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", home)
            .env("KOPI_HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("LANG", self.locale)
            .env("TZ", "Asia/Shanghai")
            .env("DISPLAY", &self.number)
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus.address)
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .stdin(Stdio::null());
        command
    }

    /// Opens the window with these arguments and takes it in hand.
    pub async fn open(&self, arguments: &[&str]) -> Window {
        let options = serde_json::json!({
            "webkitgtk:browserOptions": { "binary": program("kopi-desktop"), "args": arguments }
        });
        let serde_json::Value::Object(capabilities) = options else {
            unreachable!()
        };
        let address = format!("http://127.0.0.1:{}", self.port);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let client = ClientBuilder::new(HttpConnector::new())
                .capabilities(capabilities.clone().into_iter().collect())
                .connect(&address)
                .await;
            match client {
                Ok(client) => {
                    let listen = "window.kopiFaults = []; \
                        addEventListener('error', (event) => window.kopiFaults.push(`${event.message} ${event.error?.stack ?? ''}`)); \
                        addEventListener('unhandledrejection', (event) => window.kopiFaults.push(String(event.reason?.stack ?? event.reason)));";
                    client.execute(listen, Vec::new()).await.unwrap();
                    return Window { client };
                }
                Err(error) if tokio::time::Instant::now() > deadline => {
                    panic!("no window: {error}\n{}", self.words());
                }
                // The driver itself takes a moment to listen.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// The screen as it is, to `target/window/NAME/FILE.png`.
    pub fn picture(&self, file: &str) -> PathBuf {
        let folder = program("kopi").parent().unwrap().join("../window").join(self.name);
        self.picture_in(&folder, file)
    }

    /// The screen as it is, to a folder.
    pub fn picture_in(&self, folder: &Path, file: &str) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join(format!("{file}.png"));
        let taken = self
            .command(Path::new("import"))
            .args(["-window", "root"])
            .arg(&path)
            .status();
        assert!(taken.is_ok_and(|status| status.success()), "no picture; {CURE}");
        path
    }

    /// What agent and driver said.
    pub fn words(&self) -> String {
        let read = |file: &str| std::fs::read_to_string(self.home.path().join(file)).unwrap_or_default();
        format!("agent: {}\ndriver: {}", read("agent.log"), read("driver.log"))
    }

    /// Paths of the Kopi at this desk.
    pub fn paths(&self) -> Paths {
        Paths::in_home(self.home.path())
    }

    fn file(&self, name: &str) -> std::fs::File {
        std::fs::File::create(self.home.path().join(name)).unwrap()
    }

    /// Ends the window and the agent in order.
    pub async fn leave(self, window: Window) {
        window.client.close().await.ok();
        self.quit().await;
    }

    /// Ends the agent.
    pub async fn quit(&self) {
        if let Ok((client, _frames)) = attach(&self.paths(), "cli").await {
            client.act(Act::Quit).await.ok();
            tokio::time::timeout(PATIENCE, client.gone().cancelled()).await.ok();
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let picture = self.picture("failed");
            eprintln!("the screen: {}\n{}", picture.display(), self.words());
            // The agent is nobody's child here: it goes by the number in its lock.
            if let Ok(process) = std::fs::read_to_string(self.paths().lock()) {
                Command::new("kill").arg(process.trim()).status().ok();
            }
        }
        for child in [&mut self.driver, &mut self.display] {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// The window, in hand.
pub struct Window {
    client: Client,
}

impl Window {
    /// The element once it is there.
    pub async fn find(&self, css: &str) -> Element {
        let found = self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await;
        match found {
            Ok(element) => element,
            Err(error) => {
                let text = self.ask("return document.body.innerText").await;
                let faults = self.faults().await;
                panic!("{css} does not appear: {error}\nfaults of the page: {faults}\nit reads: {text}");
            }
        }
    }

    /// Errors that the page did not catch.
    pub async fn faults(&self) -> serde_json::Value {
        self.ask("return window.kopiFaults ?? []").await
    }

    /// How many there are now.
    pub async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.unwrap().len()
    }

    /// Waits for it and clicks it.
    pub async fn click(&self, css: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.find(css).await.click().await {
                Ok(()) => return,
                // Redrawn between finding and clicking.
                Err(error) if tokio::time::Instant::now() > deadline => panic!("{css} cannot be clicked: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Its text, once it holds these words.
    pub async fn reads(&self, css: &str, words: &str) -> String {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let text = match self.client.find(Locator::Css(css)).await {
                Ok(element) => element.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if text.contains(words) {
                return text;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{css} never reads {words:?}; it reads {text:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Goes to a view by its hash, `#/builds`.
    pub async fn go(&self, hash: &str) {
        self.client
            .execute("location.hash = arguments[0]", vec![hash.into()])
            .await
            .unwrap();
    }

    /// What a piece of script says.
    pub async fn ask(&self, script: &str) -> serde_json::Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Closes it, as a person does.
    pub async fn close(self) {
        self.client.close().await.ok();
    }
}

/// A built program.
pub fn program(name: &str) -> PathBuf {
    // target/debug/deps/window-… → target/debug/NAME
    let own = std::env::current_exe().unwrap();
    let path = own.parent().unwrap().parent().unwrap().join(name);
    assert!(path.is_file(), "{} is not built; {CURE}", path.display());
    path
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
