//! `test`: everything, the real window included; or a part of it by name.

use crate::step::{Outcome, cargo, npm, step};
use crate::{check, page, system};

/// Runs all parts, or those named; any other name filters the Rust tests.
pub(crate) fn test(names: &[String]) -> Outcome {
    let parts = ["check", "page", "rust", "window"];
    let (parts_named, filters): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| parts.contains(&name.as_str()));
    let wants = |part: &str| names.is_empty() || parts_named.iter().any(|name| *name == part);
    system::for_building()?;
    system::for_testing()?;
    page::build()?;
    if wants("check") {
        check::check()?;
    }
    if wants("page") {
        step(
            "tests of the page",
            npm().args(["run", "--silent", "test"]),
            "run in ui/: npx vitest NAME",
        )?;
    }
    if wants("rust") || wants("window") || !filters.is_empty() {
        // The tests start the programs themselves. The same packages and features in every step: nothing is built twice.
        step(
            "build the programs",
            cargo().args(["build", "--workspace", "--bins", "--quiet"]),
            "see the first error",
        )?;
    }
    if wants("rust") || !filters.is_empty() {
        let mut rust = cargo();
        rust.args(["test", "--workspace", "--quiet", "--no-fail-fast"])
            .args(&filters);
        step("tests in Rust", &mut rust, "run one: cargo xtask test NAME")?;
    }
    if wants("window") {
        // The same packages and features as above, so that nothing is built twice.
        step(
            "build the programs",
            cargo().args(["build", "--workspace", "--bins", "--quiet"]),
            "see the first error",
        )?;
        let mut window = cargo();
        window.args([
            "test",
            "--workspace",
            "--quiet",
            "--test",
            "window",
            "--",
            "--test-threads",
            "1",
        ]);
        step(
            "the real window",
            &mut window,
            "pictures and logs of a failed run are named in its message",
        )?;
    }
    Ok(())
}
