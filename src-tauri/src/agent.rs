//! Linux: starts the agent (`kopi agent`), which outlives this window.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kopi_core::Paths;
use kopi_model::wire::{ApiError, ErrorCode};

/// The agent's program.
const PROGRAM: &str = "kopi";
/// Of the agent's log so much is read for its last words.
const LAST_WORDS: i64 = 2_000;

/// Starts agents.
pub struct AgentStarter {
    home: Option<PathBuf>,
    log: PathBuf,
    child: Option<Child>,
}

impl AgentStarter {
    /// `home` is passed on; the agent's words go to `agent.log` beside the database.
    pub fn new(home: Option<PathBuf>, paths: &Paths) -> Self {
        Self {
            home,
            log: paths.database.with_file_name("agent.log"),
            child: None,
        }
    }

    /// Starts one, unless the one started before is still on its way.
    ///
    /// # Errors
    /// When there is no program for it, with what helps.
    pub fn start(&mut self) -> Result<(), ApiError> {
        if let Some(child) = &mut self.child
            && matches!(child.try_wait(), Ok(None))
        {
            return Ok(());
        }
        let failed =
            |error: std::io::Error| ApiError::new(ErrorCode::CoreGone, format!("start {PROGRAM} agent: {error}"));
        if let Some(folder) = self.log.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let log = File::create(&self.log).map_err(failed)?;
        let mut command = Command::new(find_program()?);
        if let Some(home) = &self.home {
            command.arg("--home").arg(home);
        }
        let child = command
            .args(["agent", "--hidden"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // What ends this window (a closed terminal, Ctrl-C) must not end the agent.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        self.child = Some(child);
        Ok(())
    }

    /// The agent ended instead of hosting: its last words. One that ended well found another one hosting.
    pub fn failed(&mut self) -> Option<ApiError> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        if status.success() {
            return None;
        }
        let words = last_line(&self.log).unwrap_or_else(|| format!("the agent ended with {status}"));
        Some(ApiError::new(ErrorCode::CoreGone, words).hint(format!("its words are in {}", self.log.display())))
    }
}

fn last_line(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = i64::try_from(file.metadata().ok()?.len()).ok()?;
    file.seek(SeekFrom::End(-length.min(LAST_WORDS))).ok()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().to_owned())
}

/// Beside this program, else in `PATH`.
fn find_program() -> Result<PathBuf, ApiError> {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|own| Some(own.parent()?.join(PROGRAM)));
    let in_path = std::env::var_os("PATH")
        .map(|path| {
            std::env::split_paths(&path)
                .map(|folder| folder.join(PROGRAM))
                .collect::<Vec<_>>()
        })
        .unwrap_or_default();
    beside
        .into_iter()
        .chain(in_path)
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| {
            ApiError::new(
                ErrorCode::CoreGone,
                format!("{PROGRAM} is neither beside the window nor in PATH, so nothing can be watched"),
            )
            .hint("build or install both programs: `cargo xtask run` does")
        })
}
