//! What steps print: lines of the kind that git, mvn, npm, go, docker and the plugins print, each at its time within
//! the step. The log of glucose-sync's red build is the mock-up's, line by line (`look/mock/build.html`).
//!
//! Refuses: secrets that are real. What the leaking plugin prints is made up.

mod glucose;
mod java;
mod node;
mod other;

use crate::chance::Draws;
use crate::laws::pipeline::Work;
use crate::world::RepoPlan;
use crate::world::repos::Craft;

/// A line, and when in its step it is printed, milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Milliseconds since the step began.
    pub at_ms: i64,
    /// Without line feed; may carry ANSI colours.
    pub text: String,
}

/// What a step's log depends on.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    /// Repository.
    pub repo: &'a RepoPlan,
    /// Branch.
    pub branch: &'a str,
    /// Full sha.
    pub sha: &'a str,
    /// Tag that is published.
    pub tag: &'a str,
    /// Build's number.
    pub number: u64,
    /// The step fails.
    pub fails: bool,
    /// How long it takes, milliseconds.
    pub took_ms: i64,
}

/// Lines of a step.
pub fn step_log(work: Work, telling: Telling<'_>, draws: &mut Draws) -> Vec<LogLine> {
    let is_the_red_one = telling.repo.name == "glucose-sync" && telling.sha.starts_with("c41f8a0");
    let lines = match (work, telling.repo.craft) {
        (Work::Unit, Craft::Java) if is_the_red_one && telling.fails => {
            return glucose::unit_failure(telling.took_ms);
        }
        (Work::Clone, _) => other::clone(telling),
        (Work::Cache, _) => other::cache(draws),
        (Work::Publish, _) => other::publish(telling, draws),
        (Work::Tell, _) => other::tell(telling),
        (Work::Deploy, _) => Vec::new(),
        (Work::Beside, _) => other::beside(telling.repo.craft),
        (Work::Compile, Craft::Java) => java::compile(telling, draws),
        (Work::Lint, Craft::Java) => java::lint(telling, draws),
        (_, Craft::Java) => java::unit(telling, draws),
        (Work::Install, Craft::Node) => node::install(telling, draws),
        (Work::Lint, Craft::Node) => node::lint(telling),
        (Work::Compile, Craft::Node) => node::build(telling, draws),
        (Work::EndToEnd, Craft::Node) => node::end_to_end(telling, draws),
        (_, Craft::Node) => node::unit(telling, draws),
        (Work::Install, Craft::Go) => other::go_vendor(draws),
        (Work::Unit, Craft::Go) => other::go_test(telling, draws),
        (_, Craft::Go) => other::go_build(telling, work),
    };
    spread(lines, telling.took_ms, draws)
}

/// A log of exactly so many lines, for the figure of 100,000 (`issue 3`): short ones, since an agent cuts what a step
/// prints beyond 2,000,000 bytes (`apis/drone.md § 4.4`).
pub fn long_log(lines: usize, took_ms: i64) -> Vec<LogLine> {
    (0..lines)
        .map(|index| LogLine {
            at_ms: took_ms * index as i64 / lines.max(1) as i64,
            text: match index % 50 {
                0 => format!("[INFO] 批 {}", index / 50),
                37 => format!("[WARN] {index} 3s"),
                _ => format!("{index:06} ok 120/80"),
            },
        })
        .collect()
}

/// Spreads lines over a step: unevenly, in order.
fn spread(lines: Vec<String>, took_ms: i64, draws: &mut Draws) -> Vec<LogLine> {
    let mut times: Vec<i64> = lines
        .iter()
        .map(|_| draws.between(0, (took_ms * 96 / 100).max(1)))
        .collect();
    times.sort_unstable();
    if let Some(first) = times.first_mut() {
        *first = 0;
    }
    times
        .into_iter()
        .zip(lines)
        .map(|(at_ms, text)| LogLine { at_ms, text })
        .collect()
}

fn blue(word: &str) -> String {
    format!("[\u{1b}[1;34m{word}\u{1b}[m]")
}

fn red(word: &str) -> String {
    format!("[\u{1b}[1;31m{word}\u{1b}[m]")
}

fn yellow(word: &str) -> String {
    format!("[\u{1b}[1;33m{word}\u{1b}[m]")
}

#[cfg(test)]
mod tests {
    use super::{Telling, long_log, step_log};
    use crate::chance::Chance;
    use crate::laws::pipeline::{Work, steps};
    use crate::world::{Size, World};

    #[test]
    fn the_red_unit_log_is_the_mock_ups() {
        let world = World::new(Size::Team);
        let telling = Telling {
            repo: world.repo("glucose-sync").unwrap(),
            branch: "develop",
            sha: "c41f8a0000000000000000000000000000000000",
            tag: "dev-c41f8a0",
            number: 218,
            fails: true,
            took_ms: 58_000,
        };
        let lines = step_log(Work::Unit, telling, &mut Chance::new(1).draws("x"));
        assert_eq!(lines.len(), 1284);
        let plain = |number: usize| strip(&lines[number - 1].text);
        assert_eq!(plain(1189), "[WARN] 14:05:02.140 舍入方式未指定，使用 HALF_UP");
        assert_eq!(
            plain(1190),
            "[ERROR] Tests run: 14, Failures: 2, Errors: 0, Skipped: 0, Time elapsed: 0.412 s"
        );
        assert_eq!(
            plain(1191),
            "[ERROR] mmolToMgdl_keepsOneDecimal  Time elapsed: 0.021 s  <<< FAILURE!"
        );
        assert_eq!(
            plain(1193),
            "    at com.ihealth.glucose.GlucoseUnitTest.mmolToMgdl_keepsOneDecimal(GlucoseUnitTest.java:48)"
        );
        assert_eq!(
            plain(1212),
            "[ERROR] mgdlToMmol_roundTrip  Time elapsed: 0.004 s  <<< FAILURE!"
        );
        assert_eq!(
            plain(1236),
            "[INFO] Tests run: 9, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 2.104 s"
        );
        assert_eq!(
            plain(1247),
            "[ERROR] There are test failures. See /drone/src/glucose-core/target/surefire-reports"
        );
        let errors = lines
            .iter()
            .filter(|line| strip(&line.text).starts_with("[ERROR]"))
            .count();
        let warnings = lines
            .iter()
            .filter(|line| strip(&line.text).starts_with("[WARN]"))
            .count();
        assert_eq!(
            (errors, warnings),
            (6 - 1, 3),
            "the sixth error of the foot is the exit code"
        );
        assert!(lines.is_sorted_by_key(|line| line.at_ms));
    }

    #[test]
    fn every_step_says_something_and_failures_say_why() {
        let world = World::new(Size::Team);
        for repo in &world.repos {
            for step in steps(repo, "develop", "push") {
                if step.work == Work::Deploy {
                    continue;
                }
                for fails in [false, true] {
                    let telling = Telling {
                        repo,
                        branch: "develop",
                        sha: "0ac57be",
                        tag: "dev-0ac57be",
                        number: 7,
                        fails,
                        took_ms: 20_000,
                    };
                    let lines = step_log(step.work, telling, &mut Chance::new(3).draws("y"));
                    assert!(!lines.is_empty(), "{} {}", repo.name, step.name);
                    assert!(lines.iter().all(|line| (0..=20_000).contains(&line.at_ms)));
                    let may_fail = matches!(step.work, Work::Compile | Work::Lint | Work::Unit | Work::EndToEnd);
                    if fails && may_fail {
                        let said = lines.iter().any(|line| {
                            ["rror", "FAIL", "failing"].iter().any(|word| line.text.contains(word))
                                || line.text.contains("ERROR")
                        });
                        assert!(said, "{} {} fails without a word", repo.name, step.name);
                    }
                }
            }
        }
    }

    #[test]
    fn a_long_log_is_as_long_as_asked() {
        let lines = long_log(100_000, 600_000);
        assert_eq!(lines.len(), 100_000);
        assert!(lines.is_sorted_by_key(|line| line.at_ms));
        let bytes: usize = lines.iter().map(|line| line.text.len() + 1).sum();
        assert!(bytes < 2_000_000, "{bytes}");
    }

    fn strip(text: &str) -> String {
        let mut plain = String::new();
        let mut inside = false;
        for letter in text.chars() {
            match letter {
                '\u{1b}' => inside = true,
                'm' if inside => inside = false,
                _ if inside => {}
                _ => plain.push(letter),
            }
        }
        plain
    }
}
