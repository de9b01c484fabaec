//! Yesterday and the weeks before: the builds everybody remembers, and between them what the laws make of it.
//!
//! Refuses: the future. Every offset here is before the start.

use jiff::SignedDuration;

use crate::chance::{Chance, Draws};
use crate::laws::{messages, pace};
use crate::world::people::{self, PEOPLE};
use crate::world::repos::{Ended, Remembered, RepoPlan, image, remembered};
use crate::world::{Size, World};

/// Nothing of the past is older than this unless it is remembered.
const OLDEST_S: i64 = 13 * 86_400;
/// Nothing of the past but what is remembered ends later than this before the start.
const NEWEST_S: i64 = 9 * 60;
/// Chance that a build nobody remembers failed.
const FAILED: f64 = 0.11;

/// A build of the past.
#[derive(Clone, Debug, PartialEq)]
pub struct PastBuild {
    /// Repository's short name.
    pub repo: String,
    /// Its number.
    pub number: u64,
    /// Branch; of a pull request its base.
    pub branch: String,
    /// Pull request's number.
    pub pull: Option<u32>,
    /// Login.
    pub author: &'static str,
    /// Full sha.
    pub sha: String,
    /// Message.
    pub message: String,
    /// Start, as an offset from the office's start.
    pub started: SignedDuration,
    /// How long it ran.
    pub took: SignedDuration,
    /// How it ended.
    pub ended: Ended,
    /// Tag it published; none when it published nothing.
    pub tag: Option<String>,
}

impl PastBuild {
    /// When it ended.
    pub fn finished(&self) -> SignedDuration {
        self.started.saturating_add(self.took)
    }
}

/// The tag that a build of this branch publishes: `dev-` and the short sha on develop, else the version.
pub fn tag_of(branch: &str, sha: &str, version: Option<&str>) -> String {
    match (branch, version) {
        (_, Some(version)) => version.to_owned(),
        ("develop", None) => format!("dev-{}", sha.get(..7).unwrap_or(sha)),
        (_, None) => format!("{branch}-{}", sha.get(..7).unwrap_or(sha)),
    }
}

/// All builds of the past, by repository and number.
pub fn past(world: &World, chance: Chance) -> Vec<PastBuild> {
    let known = remembered();
    world
        .repos
        .iter()
        .filter(|repo| repo.active)
        .flat_map(|repo| past_of(repo, world.size, &known, chance))
        .collect()
}

fn past_of(repo: &RepoPlan, size: Size, known: &[Remembered], chance: Chance) -> Vec<PastBuild> {
    let first = repo.next_number.saturating_sub(repo.past).max(1);
    let numbers = first..repo.next_number;
    let mut anchors: Vec<&Remembered> = known
        .iter()
        .filter(|build| build.repo == repo.name && numbers.contains(&build.number))
        .filter(|build| size != Size::Small || build.pull.is_some() || repo.branches.contains(&build.branch))
        .collect();
    anchors.sort_by_key(|build| build.number);
    let mut builds: Vec<PastBuild> = Vec::new();
    let mut at = 0;
    let mut from = first;
    loop {
        let anchor = anchors.get(at);
        let to = anchor.map_or(repo.next_number, |build| build.number);
        let begins = builds
            .last()
            .map_or_else(|| oldest(anchor.copied()), |build| build.finished().as_secs());
        let ends = anchor.map_or(-NEWEST_S, |build| -build.ago_min * 60 - build.took_s);
        let after_newest = !anchors
            .iter()
            .skip(at)
            .any(|build| build.branch == "develop" && build.pull.is_none())
            && anchors
                .iter()
                .any(|build| build.branch == "develop" && build.pull.is_none());
        fill(repo, from..to, (begins, ends), after_newest, chance, &mut builds);
        let Some(anchor) = anchor else { break };
        builds.push(from_memory(anchor, chance));
        from = anchor.number + 1;
        at += 1;
    }
    builds
}

fn oldest(anchor: Option<&Remembered>) -> i64 {
    let before = anchor.map_or(0, |build| build.ago_min * 60 + 3 * 86_400);
    -before.max(OLDEST_S)
}

fn from_memory(build: &Remembered, chance: Chance) -> PastBuild {
    let sha = chance.sha(build.sha, &format!("{}#{}", build.repo, build.number));
    let publishes = build.pull.is_none() && build.ended == Ended::Passed;
    PastBuild {
        repo: build.repo.to_owned(),
        number: build.number,
        branch: build.branch.to_owned(),
        pull: build.pull,
        author: build.author,
        tag: publishes.then(|| tag_of(build.branch, &sha, build.tag)),
        sha,
        message: build.message.to_owned(),
        started: SignedDuration::from_secs(-build.ago_min * 60 - build.took_s),
        took: SignedDuration::from_secs(build.took_s),
        ended: build.ended,
    }
}

/// What broke and who mends it.
struct Broken {
    author: &'static str,
    pull: Option<u32>,
    branch: String,
}

/// Builds that nobody remembers, between two times.
fn fill(
    repo: &RepoPlan,
    numbers: std::ops::Range<u64>,
    (begins, ends): (i64, i64),
    only_pulls: bool,
    chance: Chance,
    builds: &mut Vec<PastBuild>,
) {
    let count = i64::try_from(numbers.end.saturating_sub(numbers.start)).unwrap_or(0);
    let mut broken: Option<Broken> = None;
    let mut earliest = begins;
    for (place, number) in numbers.clone().enumerate() {
        let mut draws = chance.draws(&format!("past {}#{number}", repo.name));
        let usual = i64::from(repo.usual_s);
        let wanted = if broken.is_some() {
            earliest + pace::repair_after(&mut draws).as_secs()
        } else {
            let share = (place as f64 + 0.15 + 0.7 * draws.share()) / count as f64;
            at_work(begins + ((ends - begins) as f64 * share) as i64, &mut draws)
        };
        let left = numbers.end as i64 - number as i64;
        let latest = ends - left * (usual / 2).min((ends - earliest).max(0) / (left + 1));
        let started = wanted.clamp(earliest, latest.max(earliest));
        let sha = chance.sha("", &format!("{}#{number}", repo.name));
        let may_fail = number + 1 < numbers.end;
        let build = PastBuild {
            started: SignedDuration::from_secs(started),
            ..one(
                repo,
                number,
                sha,
                (only_pulls, may_fail),
                broken.take().as_ref(),
                &mut draws,
            )
        };
        if let Ended::Failed(_) = build.ended {
            broken = Some(Broken {
                author: build.author,
                pull: build.pull,
                branch: build.branch.clone(),
            });
        }
        earliest = started + 1;
        builds.push(build);
    }
}

fn one(
    repo: &RepoPlan,
    number: u64,
    sha: String,
    (only_pulls, may_fail): (bool, bool),
    mends: Option<&Broken>,
    draws: &mut Draws,
) -> PastBuild {
    let author = match mends {
        Some(broken) => broken.author,
        None => draws.pick(&repo.owners).copied().unwrap_or(PEOPLE[0].login),
    };
    let hand = people::find(author).map_or(people::Hand::Terse, |person| person.hand);
    let develops = repo.branches.contains(&"develop") && !only_pulls;
    let fresh_pull = (!develops || draws.happens(0.35)).then(|| u32::try_from(number / 2 + 20).unwrap_or(20));
    let (pull, branch) = match mends {
        Some(broken) => (broken.pull, broken.branch.clone()),
        None => (fresh_pull, base_branch(repo, develops).to_owned()),
    };
    let steady = repo.name == "glucose-sync" || repo.name.starts_with("clinic-");
    let fails = mends.is_none() && may_fail && !steady && draws.happens(FAILED);
    let step = ["unit", "lint", "compile"][draws.below(3)];
    let step = named_step(repo, step);
    let message = if mends.is_some() {
        messages::repair(hand, draws)
    } else {
        messages::message(hand, draws)
    };
    let took = pace::step_ms(repo.usual_s, draws) / if fails { 2000 } else { 1000 };
    let ended = if fails { Ended::Failed(step) } else { Ended::Passed };
    PastBuild {
        repo: repo.name.clone(),
        number,
        tag: (pull.is_none() && !fails).then(|| tag_of(&branch, &sha, None)),
        branch,
        pull,
        author,
        sha,
        message,
        started: SignedDuration::ZERO,
        took: SignedDuration::from_secs(took),
        ended,
    }
}

fn base_branch(repo: &RepoPlan, develops: bool) -> &'static str {
    if develops {
        return "develop";
    }
    // A pull request makes no line, whatever its base.
    repo.branches.first().copied().unwrap_or("master")
}

/// What a kind of step is called in this repository.
pub fn named_step(repo: &RepoPlan, step: &'static str) -> &'static str {
    use crate::world::Craft;
    match (repo.craft, step) {
        (Craft::Node | Craft::Go, "compile") => "build",
        (Craft::Go, "unit") => "test",
        (Craft::Go, "lint") => "vet",
        (_, step) => step,
    }
}

/// Moves a time into a working hour near it.
fn at_work(seconds: i64, draws: &mut Draws) -> i64 {
    let (hour, workday) = pace::hour_of(SignedDuration::from_secs(seconds));
    match (workday, hour) {
        // Nights: back to the evening before, or the afternoon.
        (_, 0..=8) => seconds - (i64::from(hour) + draws.between(5, 9)) * 3600,
        (_, 20..=23) => seconds - draws.between(4, 9) * 3600,
        _ => seconds,
    }
}

/// Gives the dev services of the generated lines the image that their newest passed build pushed.
pub fn settle_images(world: &mut World, builds: &[PastBuild]) {
    for environment in world
        .environments
        .iter_mut()
        .filter(|environment| environment.name == "dev")
    {
        for service in environment.stacks.iter_mut().flat_map(|stack| &mut stack.services) {
            let newest = builds.iter().rev().find(|build| {
                build.repo == service.name && build.branch == "develop" && build.pull.is_none() && build.tag.is_some()
            });
            if let Some(tag) = newest.and_then(|build| build.tag.as_deref()) {
                service.image = image(&service.name, tag);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{past, settle_images};
    use crate::chance::Chance;
    use crate::world::repos::Ended;
    use crate::world::sizes::LARGE_BUILDS;
    use crate::world::{Size, World};

    #[test]
    fn numbers_rise_with_time_and_nothing_is_missing() {
        for size in [Size::Small, Size::Team, Size::Large] {
            let world = World::new(size);
            let builds = past(&world, Chance::new(11));
            for repo in world.repos.iter().filter(|repo| repo.active) {
                let own: Vec<_> = builds.iter().filter(|build| build.repo == repo.name).collect();
                assert_eq!(own.len() as u64, repo.past, "{}", repo.name);
                for pair in own.windows(2) {
                    assert_eq!(pair[0].number + 1, pair[1].number);
                    assert!(pair[0].started <= pair[1].started, "{:?} {:?}", pair[0], pair[1]);
                }
                assert!(own.iter().all(|build| build.finished().is_negative()), "{}", repo.name);
            }
            if size == Size::Large {
                assert_eq!(builds.len(), LARGE_BUILDS);
            }
        }
    }

    #[test]
    fn the_board_has_its_23_lines_and_none_but_these() {
        let world = World::new(Size::Team);
        let builds = past(&world, Chance::new(1));
        let lines: BTreeSet<(String, String)> = builds
            .iter()
            .filter(|build| build.pull.is_none())
            .map(|build| (build.repo.clone(), build.branch.clone()))
            .collect();
        assert_eq!(lines.len(), 23, "{lines:?}");
    }

    #[test]
    fn dev_runs_what_was_built_last() {
        let mut world = World::new(Size::Team);
        let before = world.clone();
        let builds = past(&world, Chance::new(5));
        settle_images(&mut world, &builds);
        assert_eq!(world, before, "the story's images are those of the story's builds");
        let red: Vec<_> = builds
            .iter()
            .filter(|build| build.repo == "glucose-sync" && matches!(build.ended, Ended::Failed(_)))
            .map(|build| build.number)
            .collect();
        assert_eq!(red, [188], "217 was the 29th pass after it");
    }

    #[test]
    fn what_broke_was_mended_by_the_same_person() {
        let builds = past(&World::new(Size::Team), Chance::new(2));
        let mut seen = 0;
        for pair in builds.windows(2) {
            let story = pair[0].ended == Ended::Failed("unit") && pair[0].number == 188;
            if matches!(pair[0].ended, Ended::Failed(_)) && !story && pair[0].number != 872 {
                seen += 1;
                assert_eq!((pair[0].author, &pair[0].branch), (pair[1].author, &pair[1].branch));
                assert_eq!(pair[1].ended, Ended::Passed);
            }
        }
        assert!(seen > 5, "{seen}");
    }
}
