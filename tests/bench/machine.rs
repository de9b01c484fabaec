//! What the figures of whole programs need of this machine: a display of their own whose pixels can be read, a bus of
//! their own, memory and processor time of a process and all its children. Linux only.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A child that ends with its value, its own children too.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        for process in tree(self.0.id()).into_iter().rev() {
            Command::new("kill")
                .args(["-9", &process.to_string()])
                .stderr(Stdio::null())
                .status()
                .ok();
        }
        self.0.wait().ok();
    }
}

/// A virtual display, its frame buffer in a file.
pub struct Display {
    _server: Running,
    folder: tempfile::TempDir,
    pub name: String,
}

impl Display {
    /// Starts one. None where there is no Xvfb.
    pub fn start() -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        let mut server = Command::new("Xvfb");
        server
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1280x800x24",
                "-nolisten",
                "tcp",
                "-fbdir",
            ])
            .arg(folder.path());
        let mut server = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut number = String::new();
        BufReader::new(server.stdout.take()?).read_line(&mut number).ok()?;
        Some(Self {
            _server: Running(server),
            folder,
            name: format!(":{}", number.trim()),
        })
    }

    /// How many pixels are dark: text, marks. A blank window has none.
    pub fn dark_pixels(&self) -> usize {
        let Ok(bytes) = fs::read(self.folder.path().join("Xvfb_screen0")) else {
            return 0;
        };
        let header = bytes.get(..4).map_or(0, |size| {
            u32::from_be_bytes([size[0], size[1], size[2], size[3]]) as usize
        });
        let colours = bytes.get(76..80).map_or(0, |count| {
            u32::from_be_bytes([count[0], count[1], count[2], count[3]]) as usize
        });
        let pixels = bytes.get(header + colours * 12..).unwrap_or_default();
        pixels
            .chunks_exact(4)
            .filter(|pixel| pixel[..3].iter().all(|part| (1..90).contains(part)))
            .count()
    }

    /// Milliseconds until at least so many pixels are dark; none after 30 s.
    pub fn wait_for_content(&self, pixels: usize, began: Instant) -> Option<f64> {
        while began.elapsed() < Duration::from_secs(30) {
            if self.dark_pixels() >= pixels {
                return Some(began.elapsed().as_secs_f64() * 1e3);
            }
            std::thread::sleep(Duration::from_millis(4));
        }
        None
    }
}

/// A session bus without services.
pub struct Bus {
    _daemon: Running,
    _folder: tempfile::TempDir,
    pub address: String,
}

impl Bus {
    /// Starts one.
    pub fn start() -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        let config = folder.path().join("bus.conf");
        let socket = folder.path().join("bus");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><policy context=\"default\"><allow send_destination=\"*\" \
             eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            socket.display()
        );
        fs::write(&config, text).ok()?;
        let mut daemon = Command::new("dbus-daemon");
        daemon
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address=1"]);
        let mut daemon = daemon.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut address = String::new();
        BufReader::new(daemon.stdout.take()?).read_line(&mut address).ok()?;
        Some(Self {
            _daemon: Running(daemon),
            _folder: folder,
            address: address.trim().to_owned(),
        })
    }
}

/// A process and its children, parents first.
pub fn tree(process: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((number, parent))
        })
        .collect();
    let mut found = vec![process];
    let mut seen = BTreeSet::from([process]);
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        next += 1;
        for (child, its_parent) in &parents {
            if *its_parent == parent && seen.insert(*child) {
                found.push(*child);
            }
        }
    }
    found
}

/// Proportional share of memory of a process and its children, megabytes.
pub fn memory_mb(process: u32) -> f64 {
    tree(process).iter().map(|process| field(*process, "Pss:")).sum::<f64>() / 1024.0
}

/// The part of it that is not backed by files: what does not move with the graphics driver.
pub fn anonymous_mb(process: u32) -> f64 {
    tree(process)
        .iter()
        .map(|process| field(*process, "Pss_Anon:"))
        .sum::<f64>()
        / 1024.0
}

fn field(process: u32, name: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1))
        .and_then(|value| value.parse().ok())
        .unwrap_or(0.0)
}

/// Processor seconds that one process has used, its children not counted.
pub fn processor_s(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let parts: Vec<&str> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().collect())
        .unwrap_or_default();
    let ticks = |place: usize| {
        parts
            .get(place)
            .and_then(|part| part.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    // utime and stime are the 14th and 15th field, in ticks of 10 ms on every Linux that matters.
    (ticks(11) + ticks(12)) / 100.0
}

/// A program built in release, beside this bench.
pub fn program(name: &str) -> Option<PathBuf> {
    let here = std::env::current_exe().ok()?;
    let folder = here.ancestors().find(|folder| folder.join("release").is_dir())?;
    let path = folder.join("release").join(name);
    Path::new(&path).exists().then_some(path)
}
