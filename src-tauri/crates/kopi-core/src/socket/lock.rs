//! Who hosts the core: whoever holds this lock. The system lets it go when the process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};

use crate::Paths;

/// Held for as long as the core is hosted.
#[derive(Debug)]
pub struct HostLock {
    _file: File,
}

/// Why the lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process hosts the core.
    #[error("the core is hosted by process {process}")]
    Held {
        /// Its number, as far as it wrote it down.
        process: String,
    },
    /// The file could not be made or locked.
    #[error("lock {path}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Takes the lock, or says who has it. A lock left behind by a dead process is free.
///
/// # Errors
/// [`LockError::Held`] when a live process has it.
pub fn take_lock(paths: &Paths) -> Result<HostLock, LockError> {
    let path = paths.lock();
    let failed = |source| LockError::Io {
        path: path.display().to_string(),
        source,
    };
    private_folder(&paths.runtime).map_err(failed)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            file.read_to_string(&mut process).ok();
            return Err(LockError::Held {
                process: process.trim().to_owned(),
            });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    let mut write = || {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    write().map_err(failed)?;
    Ok(HostLock { _file: file })
}

/// Makes the folder, for this user only.
fn private_folder(path: &std::path::Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
