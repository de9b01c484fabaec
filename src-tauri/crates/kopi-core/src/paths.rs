//! Where Kopi keeps its things: one folder under `KOPI_HOME`, else the platform's usual ones (`cli.md`, everywhere).
//!
//! Refuses: creating anything; whoever writes makes the folder.

use std::path::PathBuf;

/// The places of one core.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// `kopi.toml`.
    pub config: PathBuf,
    /// The database.
    pub database: PathBuf,
    /// Lock and control socket; only this user may enter it.
    pub runtime: PathBuf,
}

impl Paths {
    /// Everything in one folder.
    pub fn in_home(home: impl Into<PathBuf>) -> Self {
        let home = home.into();
        Self {
            config: home.join("kopi.toml"),
            database: home.join("kopi.db"),
            runtime: home,
        }
    }

    /// The lock that says who hosts the core.
    pub fn lock(&self) -> PathBuf {
        self.runtime.join("core.lock")
    }

    /// The control socket (elsewhere than Windows).
    pub fn socket(&self) -> PathBuf {
        self.runtime.join("core.sock")
    }
}
