//! Runs one command as one step: says what, shows its output, says how long it took or what helps.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Why the command as a whole failed.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    cure: String,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            cure: cure.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n  {}", self.what, self.cure)
    }
}

pub(crate) type Outcome = Result<(), Failure>;

/// The checkout's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(3).unwrap_or(here).to_path_buf()
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// `cargo` with the toolchain that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// `npm` in `ui/`.
pub(crate) fn npm() -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(root().join("ui")).env("NO_UPDATE_NOTIFIER", "1");
    command
}

/// Runs a step to its end with its output on the screen.
pub(crate) fn step(name: &str, command: &mut Command, cure: &str) -> Outcome {
    println!("\n── {name}");
    let began = Instant::now();
    let status = command.stdin(Stdio::null()).status().map_err(|error| {
        Failure::new(
            format!(
                "{name}: {} could not be started: {error}",
                command.get_program().display()
            ),
            cure,
        )
    })?;
    if !status.success() {
        return Err(Failure::new(format!("{name} failed ({status})"), cure));
    }
    println!("✓ {name} ({:.1} s)", began.elapsed().as_secs_f32());
    Ok(())
}

/// What a command prints, when it runs at all and ends well.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program is in PATH.
pub(crate) fn has(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else {
        return false;
    };
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
