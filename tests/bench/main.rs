//! `cargo xtask bench`: the figures, each beside its goal, measured in one run on this machine. Ratios are taken within
//! the run. A missed goal is printed, it fails nothing.

mod figure;
mod latency;
mod machine;
mod model;
mod programs;

use figure::Report;

fn main() {
    kopi_feed::tls::install_provider();
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let names: Vec<&String> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let mut report = Report::new(names.into_iter().cloned().collect(), json);
    model::measure(&mut report);
    latency::measure(&mut report);
    programs::measure(&mut report);
    report.end();
}
