//! Opens the window (`kopi-desktop`), and one only.
//!
//! A window that lives holds `window.lock`. While one is on its way up it cannot be told anything yet: what it shall show
//! is kept and handed over once it has attached.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kopi_core::{CoreHandle, Face};
use kopi_model::ItemId;
use kopi_model::wire::{Act, ApiError, ErrorCode};

/// The window's program.
const PROGRAM: &str = "kopi-desktop";
/// A window on its way up is asked again so often.
const AGAIN: Duration = Duration::from_millis(200);
/// And given up after so many times: it hangs.
const TRIES: u32 = 150;

/// What the window on its way up shall show.
#[derive(Default)]
struct Waiting {
    wanted: Option<(Option<ItemId>, bool)>,
    /// Somebody already waits for it to attach.
    watched: bool,
}

/// Opens windows.
pub struct WindowOpener {
    lock: PathBuf,
    waiting: Arc<Mutex<Waiting>>,
}

impl WindowOpener {
    /// `runtime` holds the lock of the window that lives.
    pub fn new(runtime: &Path) -> Self {
        Self {
            lock: runtime.join("window.lock"),
            waiting: Arc::default(),
        }
    }

    /// Opens it, or sees to it that the one on its way shows this.
    ///
    /// # Errors
    /// When there is no program for it, with what helps.
    pub fn raise(&self, core: Option<&CoreHandle>, item: Option<ItemId>, log: bool) -> Result<(), ApiError> {
        if self.lives() {
            let mut waiting = lock(&self.waiting);
            waiting.wanted = Some((item, log));
            if let Some(core) = core.filter(|_| !waiting.watched) {
                waiting.watched = true;
                tokio::spawn(hand_over(core.clone(), self.waiting.clone()));
            }
            return Ok(());
        }
        let mut command = Command::new(find_program()?);
        if let Some(item) = item {
            command.arg(link(&item, log));
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| ApiError::new(ErrorCode::Internal, format!("start {PROGRAM}: {error}")))?;
        reap(child);
        Ok(())
    }

    /// A window holds its lock.
    fn lives(&self) -> bool {
        std::fs::File::open(&self.lock)
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `kopi://item/build:drone/acme/web%23877?log`.
pub fn link(item: &ItemId, log: bool) -> String {
    let escaped = item
        .as_str()
        .replace('%', "%25")
        .replace('#', "%23")
        .replace('?', "%3F");
    let tail = if log { "?log" } else { "" };
    format!("kopi://item/{escaped}{tail}")
}

/// Tells the window what it shall show once it has attached; until then the core comes back to [`WindowOpener::raise`],
/// which puts the wish where it was.
async fn hand_over(core: CoreHandle, waiting: Arc<Mutex<Waiting>>) {
    let (session, frames) = core.session(Face::acting("tray"));
    drop(frames);
    for _ in 0..TRIES {
        tokio::time::sleep(AGAIN).await;
        let next = {
            let mut waiting = lock(&waiting);
            let next = waiting.wanted.take();
            waiting.watched = next.is_some();
            next
        };
        let Some((item, log)) = next else { return };
        if session.act(Act::Show { item, log }).await.is_err() {
            break;
        }
    }
    *lock(&waiting) = Waiting::default();
    tracing::warn!("a window is open but does not answer");
}

/// Waits for the window's end somewhere else, so that it does not stay behind as a zombie.
fn reap(mut child: std::process::Child) {
    std::thread::spawn(move || match child.wait() {
        Ok(status) if status.success() => {}
        Ok(status) => tracing::warn!(%status, "the window ended badly"),
        Err(error) => tracing::warn!(%error, "the window's end was not seen"),
    });
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
                ErrorCode::NotSupported,
                format!("there is no window to open: {PROGRAM} is neither beside kopi nor in PATH"),
            )
            .hint("install Kopi's window, or use `kopi serve` for the same page in a browser")
        })
}
