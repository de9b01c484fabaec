//! Where a secret is, and taking it from there. Blocking: called off the runtime.
//!
//! Refuses: putting what it found into any error.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use kopi_feed::Secret;
use kopi_model::wire::{ApiError, ErrorCode};

/// A command that asks a person or the network must still end.
const COMMAND_WITHIN: Duration = Duration::from_secs(10);
/// A secret is short; whoever prints more printed something else.
const MOST_BYTES: u64 = 64 * 1024;

/// Where a secret is.
#[derive(Clone, Debug)]
pub enum SecretPlace {
    /// In the system's keychain (also when nothing is said).
    Keychain,
    /// In a variable of the environment.
    Env(String),
    /// In a file, without blanks and line ends around it.
    File(PathBuf),
    /// Printed by a program.
    Command(Vec<String>),
    /// In `kopi.toml` itself.
    Plain(Secret),
}

impl SecretPlace {
    /// As the settings page shows it; never the secret.
    pub fn describe(&self) -> String {
        match self {
            Self::Keychain => "keychain".into(),
            Self::Env(name) => format!("env {name}"),
            Self::File(path) => format!("file {}", path.display()),
            // Arguments may hold anything.
            Self::Command(words) => format!("command {}", words.first().map_or("", String::as_str)),
            Self::Plain(_) => "plain".into(),
        }
    }

    /// The secret, when the place is not the keychain (that one is read once for all).
    pub(super) fn take(&self, look: &dyn Fn(&str) -> Option<String>) -> Result<Option<Secret>, ApiError> {
        match self {
            Self::Keychain => Ok(None),
            Self::Plain(secret) => Ok(Some(secret.clone())),
            Self::Env(name) => match look(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()) {
                Some(value) => Ok(Some(Secret::new(value))),
                None => Err(failed(format!("the variable {name} is not set"))
                    .hint("a program started from the desktop does not see what a shell's profile sets; use file, command or the keychain")),
            },
            Self::File(path) => from_file(path).map(Some),
            Self::Command(words) => from_command(words).map(Some),
        }
    }
}

fn failed(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::Secret, message)
}

fn from_file(path: &Path) -> Result<Secret, ApiError> {
    let shown = path.display();
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| failed(format!("read the secret from {shown}: {error}")))?;
    file.take(MOST_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| failed(format!("read the secret from {shown}: {error}")))?;
    let secret = text.trim();
    if secret.is_empty() {
        return Err(failed(format!("{shown} is empty")));
    }
    Ok(Secret::new(secret))
}

fn from_command(words: &[String]) -> Result<Secret, ApiError> {
    let [program, arguments @ ..] = words else {
        return Err(failed("the command is empty"));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(format!("run {program}: {error}")))?;
    // Read beside waiting: a full pipe would hold the program, a program that never ends (or left a child that holds
    // the pipe open) would hold us.
    let (sender, printed) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut text = String::new();
            let read = stdout.take(MOST_BYTES).read_to_string(&mut text);
            // Nobody waits any more: it came too late.
            let _ = sender.send(read.map(|_| text));
        });
    }
    let until = Instant::now() + COMMAND_WITHIN;
    let status = loop {
        match child
            .try_wait()
            .map_err(|error| failed(format!("run {program}: {error}")))?
        {
            Some(status) => break status,
            None if Instant::now() >= until => {
                // It may end by itself at this very moment; either way it is gone.
                let _ = child.kill();
                let _ = child.wait();
                return Err(
                    failed(format!("{program} did not end within {} s", COMMAND_WITHIN.as_secs()))
                        .hint("it must not ask anything"),
                );
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    if !status.success() {
        return Err(failed(format!("{program} failed ({status})")).hint("run it in a terminal to see why"));
    }
    let left = until.saturating_duration_since(Instant::now());
    let Ok(Ok(text)) = printed.recv_timeout(left) else {
        return Err(failed(format!(
            "{program} printed what is no text, or did not close its output"
        )));
    };
    let secret = text.trim();
    if secret.is_empty() {
        return Err(failed(format!("{program} printed nothing")));
    }
    Ok(Secret::new(secret))
}
