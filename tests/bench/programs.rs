//! Figures of whole programs, as they are shipped: memory, start, the command line, processor time, requests. The office
//! runs in a process of its own and is not counted. Linux only; needs Xvfb.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::figure::{Goal, Report, percentile};
use crate::machine::{Bus, Display, Running, anonymous_mb, memory_mb, processor_s, program};

/// Rows of text are on the screen, not only a title.
const CONTENT: usize = 1_500;
const SAMPLES: usize = 5;

struct Stage {
    home: tempfile::TempDir,
    kopi: PathBuf,
    bus: Bus,
    display: Display,
    control: String,
    _office: Running,
}

impl Stage {
    fn new(size: &str) -> Result<Self, String> {
        let kopi = program("kopi").ok_or("target/release/kopi was not built")?;
        let home = tempfile::tempdir().map_err(|error| error.to_string())?;
        let bus = Bus::start().ok_or("dbus-daemon did not start")?;
        let display = Display::start().ok_or("Xvfb did not start")?;
        let mut office = Command::new(&kopi);
        office
            .args(["office", "--speed", "0", "--size", size, "--write-config"])
            .arg(home.path().join("kopi.toml"));
        let mut office = office
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut line = String::new();
        let stdout = office.stdout.take().ok_or("the office has no output")?;
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|error| error.to_string())?;
        let address: Value =
            serde_json::from_str(&line).map_err(|error| format!("the office said {line:?}: {error}"))?;
        let control = address["control"].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            home,
            kopi,
            bus,
            display,
            control,
            _office: Running(office),
        })
    }

    fn command(&self, path: &Path) -> Command {
        let mut command = Command::new(path);
        command
            .env("KOPI_HOME", self.home.path())
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus.address)
            .env("DISPLAY", &self.display.name)
            .env("GDK_BACKEND", "x11")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn agent(&self) -> Result<Running, String> {
        let agent = self
            .command(&self.kopi)
            .args(["agent", "--hidden"])
            .spawn()
            .map_err(|error| error.to_string())?;
        let agent = Running(agent);
        let began = Instant::now();
        while began.elapsed() < Duration::from_mins(1) {
            let status = self.status();
            if status["connections"]
                .as_array()
                .is_some_and(|all| all.len() == 2 && all.iter().all(|connection| connection["state"] == "live"))
            {
                return Ok(agent);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err("the core was not live within a minute".into())
    }

    fn status(&self) -> Value {
        let output = self
            .command(&self.kopi)
            .args(["status", "--json"])
            .stdout(Stdio::piped())
            .output();
        output
            .ok()
            .and_then(|output| serde_json::from_slice(&output.stdout).ok())
            .unwrap_or_default()
    }

    fn requests_per_minute(&self) -> f64 {
        let status = self.status();
        let per_minute = |connection: &Value| connection["requests_per_minute"].as_f64().unwrap_or(0.0);
        status["connections"]
            .as_array()
            .into_iter()
            .flatten()
            .map(per_minute)
            .fold(0.0, f64::max)
    }
}

/// Takes all of them.
pub fn measure(report: &mut Report) {
    if !report.wants("programs") {
        return;
    }
    if let Err(why) = steps(report) {
        report.skipped("programs", &why);
    }
}

fn steps(report: &mut Report) -> Result<(), String> {
    let stage = Stage::new("large")?;
    let empty = program("examples/empty");
    let (empty_start, empty_memory) = match &empty {
        Some(path) => window(&stage, path, "", CONTENT)?,
        None => return Err("target/release/examples/empty was not built".into()),
    };

    let agent = stage.agent()?;
    let process = agent.0.id();
    std::thread::sleep(Duration::from_secs(5));
    let closed = memory_mb(process);
    let anonymous = anonymous_mb(process);
    let beside =
        format!("{anonymous:.1} MB of it anonymous; 500 services, 5,000 builds; the empty window {empty_memory:.1} MB");
    report.figure(
        "programs: memory, window closed",
        Goal::AtMost(30.0),
        closed,
        "MB",
        &beside,
    );
    report.figure(
        "programs: memory, window closed / empty window",
        Goal::AtMost(0.12),
        closed / empty_memory,
        "×",
        &beside,
    );

    let mut took: Vec<f64> = (0..20)
        .map(|_| {
            let began = Instant::now();
            stage.status();
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    report.figure(
        "programs: kopi status, core running",
        Goal::AtMost(30.0),
        percentile(&mut took, 0.5),
        "ms",
        "median of 20 processes",
    );

    let before = processor_s(process);
    let began = Instant::now();
    let mut pushes = 0;
    while began.elapsed() < Duration::from_secs(30) {
        push(&stage.control, pushes);
        pushes += 1;
        let next = Duration::from_secs(pushes).saturating_sub(began.elapsed());
        std::thread::sleep(next);
    }
    let share = (processor_s(process) - before) / began.elapsed().as_secs_f64() * 100.0;
    report.figure(
        "programs: processor, 1 event/s, hidden",
        Goal::AtMost(0.5),
        share,
        "% of a core",
        &format!("{pushes} pushes in 30 s"),
    );

    let kopi = program("kopi-desktop").ok_or("target/release/kopi-desktop was not built")?;
    let (start, memory) = window(&stage, &kopi, "agent", CONTENT)?;
    let beside = format!("empty window {empty_start:.0} ms, Kopi {start:.0} ms, medians of {SAMPLES}");
    report.figure(
        "programs: window, first content / empty window",
        Goal::AtMost(1.2),
        start / empty_start,
        "×",
        &beside,
    );
    let both = memory + memory_mb(process);
    let beside = format!("Kopi {both:.0} MB with its core, empty window {empty_memory:.0} MB");
    report.figure(
        "programs: memory, window open / empty window",
        Goal::AtMost(1.0),
        both / empty_memory,
        "×",
        &beside,
    );

    // A whole minute with nothing happening, all first listings over.
    std::thread::sleep(Duration::from_secs(125));
    let large = stage.requests_per_minute();
    drop(agent);
    drop(stage);
    let small = Stage::new("small")?;
    let agent = small.agent()?;
    std::thread::sleep(Duration::from_secs(125));
    let few = small.requests_per_minute();
    drop(agent);
    let beside = format!("{few} with the small office, {large} with 500 services; the busier of both servers");
    report.figure(
        "programs: requests a minute to a server, nothing changing",
        Goal::AtMost(20.0),
        large,
        "/min",
        &beside,
    );
    report.figure(
        "programs: requests a minute, large / small",
        Goal::AtMost(1.0),
        large / few.max(1.0),
        "×",
        &beside,
    );
    Ok(())
}

fn push(control: &str, round: u64) {
    let body = format!(r#"{{"repo":"ihealth/api","branch":"develop","message":"chore: {round}","author":"xuan"}}"#);
    let address = control.trim_start_matches("http://");
    let Ok(mut stream) = std::net::TcpStream::connect(address) else {
        return;
    };
    let request = format!(
        "POST /push HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    std::io::Write::write_all(&mut stream, request.as_bytes()).ok();
    std::io::Read::read_to_end(&mut stream, &mut Vec::new()).ok();
}

/// Median milliseconds to content, and megabytes of the window and its children once it is settled.
fn window(stage: &Stage, path: &Path, what: &str, pixels: usize) -> Result<(f64, f64), String> {
    let mut starts = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..SAMPLES {
        let began = Instant::now();
        let running = Running(stage.command(path).spawn().map_err(|error| error.to_string())?);
        let start = stage
            .display
            .wait_for_content(pixels, began)
            .ok_or_else(|| format!("no content in 30 s: {} {what}", path.display()))?;
        starts.push(start);
        std::thread::sleep(Duration::from_secs(4));
        memory.push(memory_mb(running.0.id()));
        drop(running);
        let closed = Instant::now();
        while stage.display.dark_pixels() > 0 && closed.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
        // The children of a dead window linger up to 3 s.
        std::thread::sleep(Duration::from_secs(4));
    }
    Ok((percentile(&mut starts, 0.5), percentile(&mut memory, 0.5)))
}
