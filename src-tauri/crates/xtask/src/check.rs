//! `check`: format, lints, types, licences. Nothing here needs a display or a server.

use crate::step::{Outcome, cargo, npm, root, step, target};
use crate::{page, system};

const DENY_VERSION: &str = "0.20.2";

/// All checks of both languages.
pub(crate) fn check() -> Outcome {
    system::for_building()?;
    page::packages()?;
    step(
        "format",
        cargo().args(["fmt", "--all", "--check"]),
        "run: cargo fmt --all",
    )?;
    let lints = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "--deny",
        "warnings",
    ];
    step(
        "lints",
        cargo().args(lints),
        "each line above names the rule and the mend",
    )?;
    deny()?;
    step(
        "types, lints and format of the page",
        npm().args(["run", "--silent", "check"]),
        "run in ui/: npm run check; npm run format mends the format",
    )
}

/// Licences, sources, bans and doubles (`deny.toml`). Advisories need a database from the network: `cargo deny check`.
fn deny() -> Outcome {
    let tools = target().join("tools");
    let program = tools.join(format!("bin/cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if !program.exists() {
        let mut install = cargo();
        install.args([
            "install",
            "--quiet",
            "--locked",
            "--debug",
            "cargo-deny",
            "--version",
            DENY_VERSION,
            "--root",
        ]);
        install
            .arg(&tools)
            .env("CARGO_TARGET_DIR", tools.join("build"))
            .env("CARGO_PROFILE_DEV_DEBUG", "false");
        step(
            "install cargo-deny (once)",
            &mut install,
            "check the network, then run this again",
        )?;
    }
    let mut deny = std::process::Command::new(program);
    deny.current_dir(root()).args(["--config", ".cargo/deny.toml"]).args([
        "--workspace",
        "--all-features",
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    step(
        "licences, sources and doubles",
        &mut deny,
        "each finding above names the crate; reasons live in .cargo/deny.toml",
    )
}
