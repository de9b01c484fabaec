//! Where Kopi keeps its things: one folder under `KOPI_HOME`, else the platform's usual ones (`cli.md`, everywhere).
//!
//! Refuses: creating anything; whoever writes makes the folder.

use std::ffi::OsString;
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

    /// The places of this user: `home` (`--home`) or `KOPI_HOME` as one folder, else the platform's usual ones. `look`
    /// reads an environment variable. None when the system names no home folder either.
    pub fn of_user(home: Option<PathBuf>, look: &dyn Fn(&str) -> Option<OsString>) -> Option<Self> {
        let folder = |name: &str| look(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
        if let Some(home) = home.or_else(|| look("KOPI_HOME").filter(|home| !home.is_empty()).map(PathBuf::from)) {
            return Some(Self::in_home(std::path::absolute(&home).unwrap_or(home)));
        }
        if cfg!(windows) {
            let roaming = folder("APPDATA")?.join("Kopi");
            let local = folder("LOCALAPPDATA").map_or_else(|| roaming.clone(), |local| local.join("Kopi"));
            return Some(Self {
                config: roaming.join("kopi.toml"),
                database: local.join("kopi.db"),
                runtime: local,
            });
        }
        if cfg!(target_os = "macos") {
            return Some(Self::in_home(folder("HOME")?.join("Library/Application Support/Kopi")));
        }
        let below_home = |tail: &str| folder("HOME").map(|home| home.join(tail));
        let config = folder("XDG_CONFIG_HOME")
            .or_else(|| below_home(".config"))?
            .join("kopi");
        let data = folder("XDG_DATA_HOME")
            .or_else(|| below_home(".local/share"))?
            .join("kopi");
        Some(Self {
            config: config.join("kopi.toml"),
            database: data.join("kopi.db"),
            runtime: folder("XDG_RUNTIME_DIR").map_or(data, |runtime| runtime.join("kopi")),
        })
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)]) -> Option<Paths> {
        Paths::of_user(None, &|name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(value.into())
        })
    }

    #[test]
    fn one_folder_when_told_else_the_usual_ones() {
        assert_eq!(find(&[("KOPI_HOME", "/k"), ("HOME", "/h")]), Some(Paths::in_home("/k")));
        let usual = find(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/user/7")]).unwrap();
        assert_eq!(usual.config, PathBuf::from("/h/.config/kopi/kopi.toml"));
        assert_eq!(usual.database, PathBuf::from("/h/.local/share/kopi/kopi.db"));
        assert_eq!(usual.socket(), PathBuf::from("/run/user/7/kopi/core.sock"));
        assert_eq!(
            find(&[("HOME", "/h")]).unwrap().runtime,
            PathBuf::from("/h/.local/share/kopi")
        );
        assert_eq!(find(&[]), None);
    }
}
