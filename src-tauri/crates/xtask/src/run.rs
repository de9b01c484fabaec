//! `run`: from nothing to an open Kopi. `package`: the bundle.

use crate::step::{Failure, Outcome, cargo, npm, root, step, target};
use crate::{page, system};

/// Installs, builds, opens.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let release = arguments.iter().any(|argument| argument == "--release");
    let passed_on: Vec<&String> = arguments.iter().filter(|argument| *argument != "--release").collect();
    system::for_building()?;
    page::build()?;
    let mut build = cargo();
    build.args(["build", "--package", "kopi-cli", "--package", "kopi-desktop"]);
    if release {
        build.arg("--release");
    }
    step(
        "build Kopi (the first time takes some minutes)",
        &mut build,
        "look at the first error above; `cargo xtask check` says more",
    )?;
    let folder = target().join(if release { "release" } else { "debug" });
    let window = folder.join(format!("kopi-desktop{}", std::env::consts::EXE_SUFFIX));
    if cfg!(target_os = "linux")
        && std::env::var_os("DISPLAY").is_none()
        && std::env::var_os("WAYLAND_DISPLAY").is_none()
    {
        return Err(Failure::new(
            "there is no display to open a window on",
            format!(
                "the same page in a browser: {} serve --demo",
                folder.join("kopi").display()
            ),
        ));
    }
    println!("\n── Kopi");
    let status = std::process::Command::new(&window)
        .args(passed_on)
        .status()
        .map_err(|error| Failure::new(format!("{}: {error}", window.display()), "build it again"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("Kopi ended with {status}"), "see its words above"))
    }
}

/// The installable bundle for this system, in `target/release/bundle`.
pub(crate) fn package() -> Outcome {
    system::for_building()?;
    page::build()?;
    step(
        "build kopi",
        cargo().args(["build", "--release", "--package", "kopi-cli"]),
        "look at the first error above",
    )?;
    let mut bundle = npm();
    bundle
        .args(["exec", "--", "tauri", "build"])
        .current_dir(root().join("ui"));
    step(
        "bundle",
        &mut bundle,
        "the packages that Tauri's bundler asks for above are those of this system",
    )
}
