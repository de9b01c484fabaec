//! The two commands (`run`, `test`) and the chores behind them. Only the standard library, so that it builds in seconds
//! on a machine that has nothing yet.
//!
//! Refuses: doing anything silently. Every step says what it runs, how long it took, and on failure what helps.

mod bench;
mod check;
mod page;
mod run;
mod screenshots;
mod step;
mod system;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  run [--demo] [--release] [ARGS…]   install what is missing, build, open Kopi
  test [NAME…]                       install what is missing, run everything (or only: check page rust window, or a test's name)
  check                              format, lints, types, licences
  bench [NAME…] [--json]             measure the figures, each beside its goal
  screenshots [FOLDER]               pictures of the views, both themes and languages
  package                            the installable bundle for this system
  soak [MINUTES]                     the demo office at high speed against a core, memory watched
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let result = match command.as_str() {
        "run" => run::run(&rest),
        "test" => test::test(&rest),
        "check" => check::check(),
        "bench" => bench::bench(&rest),
        "soak" => bench::soak(&rest),
        "screenshots" => screenshots::screenshots(&rest),
        "package" => run::package(),
        "" | "help" | "--help" | "-h" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprint!("there is no `cargo xtask {other}`\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\n✗ {failure}");
            ExitCode::FAILURE
        }
    }
}
