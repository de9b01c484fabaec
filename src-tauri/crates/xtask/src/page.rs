//! The page in `ui/`: its packages, its build.

use std::fs;
use std::path::Path;

use crate::step::{Failure, Outcome, npm, root, step};

const CURE: &str =
    "look at the lines above; `rm -rf ui/node_modules` and run this again if packages are half installed";

/// Installs the page's packages, unless those of the lock file are there.
pub(crate) fn packages() -> Outcome {
    let ui = root().join("ui");
    let lock = fs::read(ui.join("package-lock.json")).map_err(|error| {
        Failure::new(
            format!("ui/package-lock.json cannot be read: {error}"),
            "restore it from git",
        )
    })?;
    let stamp = ui.join("node_modules/.kopi-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    step(
        "install the page's packages",
        npm().args(["ci", "--no-audit", "--no-fund"]),
        CURE,
    )?;
    fs::write(&stamp, lock).map_err(|error| Failure::new(format!("{}: {error}", stamp.display()), CURE))
}

/// Builds `ui/dist`, unless it is newer than everything it is made of.
pub(crate) fn build() -> Outcome {
    packages()?;
    let ui = root().join("ui");
    let built = newest(&ui.join("dist"));
    let sources = ["src", "messages", "index.html", "package-lock.json", "vite.config.ts"];
    let changed = sources.iter().filter_map(|name| newest(&ui.join(name))).max();
    if ui.join("dist/index.html").exists() && built > changed {
        return Ok(());
    }
    step("build the page", npm().args(["run", "--silent", "build"]), CURE)
}

/// Latest change below a path, generated messages left out.
fn newest(path: &Path) -> Option<std::time::SystemTime> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_dir() {
        return metadata.modified().ok();
    }
    fs::read_dir(path)
        .ok()?
        .flatten()
        .filter(|entry| entry.file_name() != "paraglide")
        .filter_map(|entry| newest(&entry.path()))
        .max()
}
