//! `bench` and `soak`: the measuring itself lives in `tests/bench`; this builds what it needs in release and runs it.

use crate::step::{Outcome, cargo, step};
use crate::{page, system};

const CURE: &str = "see the words above; a figure that misses its goal is printed, it does not fail the command";

/// Measures the figures.
pub(crate) fn bench(arguments: &[String]) -> Outcome {
    system::for_building()?;
    system::for_testing()?;
    page::build()?;
    let programs = [
        "build",
        "--release",
        "--quiet",
        "--package",
        "kopi-cli",
        "--package",
        "kopi-desktop",
    ];
    step(
        "build Kopi as it is shipped (some 7 minutes the first time)",
        cargo().args(programs),
        CURE,
    )?;
    let mut bench = cargo();
    bench
        .args([
            "bench",
            "--quiet",
            "--package",
            "kopi-tests",
            "--bench",
            "figures",
            "--",
        ])
        .args(arguments);
    step("figures", &mut bench, CURE)
}

/// The demo office at high speed against a core for some minutes; memory and open files are watched.
pub(crate) fn soak(arguments: &[String]) -> Outcome {
    let minutes = arguments.first().map_or("10", String::as_str);
    let mut soak = cargo();
    soak.args([
        "bench",
        "--quiet",
        "--package",
        "kopi-tests",
        "--bench",
        "figures",
        "--",
        "--soak",
        minutes,
    ]);
    step("soak", &mut soak, CURE)
}
