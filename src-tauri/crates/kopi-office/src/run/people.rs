//! People: they push by the plot, by the laws or on order, and mend what they broke.

use jiff::SignedDuration;
use kopi_model::BuildStatus;
use kopi_sources::drone::fake::{FakeAxis, FakeBuild, NewBuild};
use serde::Serialize;

use super::builds::Job;
use super::{Happening, Run};
use crate::history::named_step;
use crate::laws::{messages, pace, pipeline};
use crate::ledger::{BuildKey, BuildRecord, Hook, PushRecord};
use crate::plot::{LAWS_BEGIN_S, PlotPush, Scene};
use crate::world::RepoPlan;
use crate::world::people::{self, PEOPLE};

/// Share of pushes by the laws that open or renew a pull request.
const PULLS: f64 = 0.28;
/// Share that releases to production.
const RELEASES: f64 = 0.06;
/// Lines a long log may have.
const MOST_LINES: usize = 500_000;
/// Chance that a repair works.
const MENDED: f64 = 0.9;

/// A push somebody wants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Repository, short or full name.
    pub repo: String,
    /// Branch; of a pull request its base.
    pub branch: String,
    /// Pull request's number.
    pub pull: Option<u32>,
    /// Login.
    pub author: String,
    /// Message.
    pub message: String,
    /// Step that fails.
    pub fails: Option<String>,
    /// First digits of the sha.
    pub sha: String,
    /// Version it publishes.
    pub version: Option<String>,
    /// Its tests print so many lines, for the figures.
    pub log_lines: Option<usize>,
}

/// What came of a push.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pushed {
    /// Sha.
    pub sha: String,
    /// `ihealth/web`.
    pub repo: String,
    /// What became of the hook.
    pub hook: Hook,
    /// The build it made.
    pub number: Option<u64>,
}

impl Run {
    /// The laws begin once the plot is over.
    pub(super) fn begin_laws(&mut self) {
        let begin = SignedDuration::from_secs(LAWS_BEGIN_S);
        for person in &PEOPLE {
            let mut draws = self.chance.draws(&format!("first push {}", person.login));
            let wait = pace::next_push_after(person, begin, &mut draws);
            self.at(begin.saturating_add(wait), Happening::Pushes(person.login));
        }
        self.at(begin, Happening::Crashes);
        self.at(SignedDuration::from_secs(30), Happening::Loads);
    }

    /// Pushes now.
    ///
    /// # Errors
    /// The repository is unknown, in words.
    pub fn push(&mut self, wanted: Wanted, refused: bool) -> Result<Pushed, String> {
        let repo = self
            .world
            .repo(&wanted.repo)
            .cloned()
            .ok_or_else(|| format!("no repository is called {:?}", wanted.repo))?;
        self.pushes += 1;
        let sha = self
            .chance
            .sha(&wanted.sha, &format!("push {} {}", self.pushes, repo.name));
        let full_name = repo.full_name();
        if let Some(step) = &wanted.fails {
            let step = failing_step(&repo, &wanted, step)?;
            self.ledger.wrong.insert((full_name.clone(), sha.clone()), step);
        }
        if let Some(lines) = wanted.log_lines {
            self.long_logs
                .insert((full_name.clone(), sha.clone()), lines.min(MOST_LINES));
        }
        let number = if refused { None } else { self.hook(&repo, &wanted, &sha) };
        let hook = match (refused, number) {
            (true, _) => Hook::Refused,
            (false, Some(_)) => Hook::Delivered,
            (false, None) => Hook::Inactive,
        };
        self.ledger.pushes.push(PushRecord {
            repo: full_name.clone(),
            branch: wanted.branch,
            sha: sha.clone(),
            author: wanted.author,
            message: wanted.message,
            at: self.stage.now(),
            hook,
            number,
        });
        if let Some(number) = number {
            self.enqueue_unless_blocked(&full_name, number);
        }
        Ok(Pushed {
            sha,
            repo: full_name,
            hook,
            number,
        })
    }

    /// The hook reaches the build server.
    fn hook(&mut self, repo: &RepoPlan, wanted: &Wanted, sha: &str) -> Option<u64> {
        let full_name = repo.full_name();
        let event = if wanted.pull.is_some() { "pull_request" } else { "push" };
        let steps = pipeline::steps(repo, &wanted.branch, event);
        let facts = facts(repo, wanted, sha, event);
        let blocked = repo.gated && wanted.branch == "master" && wanted.pull.is_none();
        let new = NewBuild {
            facts,
            axes: vec![FakeAxis {
                steps: steps.iter().map(|step| step.name.clone()).collect(),
                ..FakeAxis::default()
            }],
            blocked,
            compile_error: None,
        };
        let number = self.drone.push_build(&full_name, new)?;
        let record = BuildRecord {
            repo: full_name.clone(),
            number,
            parent: None,
            event: event.to_owned(),
            branch: wanted.branch.clone(),
            sha: sha.to_owned(),
            author: wanted.author.clone(),
            message: wanted.message.clone(),
            status: if blocked {
                BuildStatus::Blocked
            } else {
                BuildStatus::Waiting
            },
            failed_step: None,
            environment: None,
            version: wanted.version.clone(),
            image: None,
            created_at: self.stage.now(),
            started_at: None,
            finished_at: None,
        };
        self.ledger.builds.insert((full_name, number), record);
        Some(number)
    }

    fn enqueue_unless_blocked(&mut self, repo: &str, number: u64) {
        let blocked = self
            .ledger
            .builds
            .get(&(repo.to_owned(), number))
            .is_some_and(|record| record.status == BuildStatus::Blocked);
        if !blocked {
            self.enqueue(repo, number);
        }
    }

    /// Somebody's turn to push, by the laws.
    pub(super) fn push_by_law(&mut self, login: &'static str) {
        let Some(person) = people::find(login) else { return };
        let now = self.now();
        let mut draws = self.chance.draws(&format!("push of {login} at {}", now.as_millis()));
        let wait = pace::next_push_after(person, now, &mut draws);
        self.after(wait, Happening::Pushes(login));
        let owned: Vec<RepoPlan> = self
            .world
            .repos
            .iter()
            .filter(|repo| repo.active && repo.owners.contains(&login))
            .cloned()
            .collect();
        let Some(repo) = draws.pick(&owned).cloned() else {
            return;
        };
        let passes = draws.happens(pace::success_chance(person, now));
        let step = named_step(&repo, ["unit", "lint", "compile"][draws.below(3)]);
        let mut wanted = Wanted {
            repo: repo.name.clone(),
            author: login.to_owned(),
            message: messages::message(person.hand, &mut draws),
            fails: (!passes).then(|| step.to_owned()),
            ..Wanted::default()
        };
        let develops = repo.branches.contains(&"develop");
        if repo.branches.contains(&"master") && draws.happens(RELEASES) {
            let version = self.next_version(&repo);
            "master".clone_into(&mut wanted.branch);
            wanted.message = format!("release: {version}");
            wanted.version = Some(version);
            wanted.fails = None;
        } else if develops && !draws.happens(PULLS) {
            "develop".clone_into(&mut wanted.branch);
        } else {
            let base = if develops {
                "develop"
            } else {
                repo.branches.first().copied().unwrap_or("master")
            };
            base.clone_into(&mut wanted.branch);
            wanted.pull = Some(u32::try_from(draws.between(100, 900)).unwrap_or(100));
        }
        // The repository was taken from the world: it is known there.
        drop(self.push(wanted, false));
    }

    /// The version after the one production was given last.
    fn next_version(&mut self, repo: &RepoPlan) -> String {
        let running = self
            .world
            .services()
            .find(|(environment, _, service)| environment.name == "production" && service.name == repo.name)
            .and_then(|(_, _, service)| service.image.rsplit_once(':').map(|(_, tag)| tag.to_owned()))
            .unwrap_or_else(|| "1.0.0".to_owned());
        let releases = self.versions.entry(repo.name.clone()).or_insert(0);
        *releases += 1;
        match running.rsplit_once('.') {
            Some((head, patch)) => {
                format!("{head}.{}", patch.parse::<u32>().unwrap_or(0) + *releases)
            }
            None => format!("{running}.{releases}"),
        }
    }

    /// They push again to put right what they broke.
    pub(super) fn mend(&mut self, repo: &str, branch: &str, pull: Option<u32>, author: &'static str) {
        let Some(person) = people::find(author) else { return };
        let mut draws = self
            .chance
            .draws(&format!("repair of {repo} {branch} at {}", self.now().as_millis()));
        let Some(plan) = self.world.repo(repo).cloned() else {
            return;
        };
        let mended = draws.happens(MENDED);
        let wanted = Wanted {
            repo: repo.to_owned(),
            branch: branch.to_owned(),
            pull,
            author: author.to_owned(),
            message: messages::repair(person.hand, &mut draws),
            fails: (!mended).then(|| named_step(&plan, "unit").to_owned()),
            ..Wanted::default()
        };
        drop(self.push(wanted, false));
    }

    /// A build has ended: who broke the code mends it, unless the plot has its own cure.
    pub(super) fn after_build(&mut self, key: &BuildKey, job: &Job, status: BuildStatus) {
        if status != BuildStatus::Failed {
            return;
        }
        let Some(record) = self.ledger.builds.get(key) else {
            return;
        };
        let by_code = self.ledger.wrong.contains_key(&(key.0.clone(), job.sha.clone()));
        let story = self
            .plot
            .iter()
            .any(|entry| matches!(entry.scene, Scene::Push(push) if job.sha.starts_with(push.sha)));
        let Some(person) = people::find(&record.author) else {
            return;
        };
        if !by_code || story {
            return;
        }
        let pull = (record.event == "pull_request")
            .then(|| self.drone.build(&key.0, key.1))
            .flatten()
            .and_then(|build| pull_number(&build.git_ref));
        let branch = record.branch.clone();
        let mut draws = self.chance.draws(&format!("repair after {}#{}", key.0, key.1));
        let wait = pace::repair_after(&mut draws);
        let repo = key.0.clone();
        let author = person.login;
        self.after(
            wait,
            Happening::Mends {
                repo,
                branch,
                pull,
                author,
            },
        );
    }

    /// A push of the plot.
    pub(super) fn push_of_plot(&mut self, push: PlotPush, refused: bool) {
        let played_before = self.ledger.pushes.iter().any(|known| known.sha.starts_with(push.sha));
        let wanted = Wanted {
            repo: push.repo.to_owned(),
            branch: push.branch.to_owned(),
            pull: push.pull,
            author: push.author.to_owned(),
            message: push.message.to_owned(),
            fails: push.fails.map(str::to_owned),
            sha: if played_before {
                String::new()
            } else {
                push.sha.to_owned()
            },
            version: push.version.map(str::to_owned),
            log_lines: None,
        };
        drop(self.push(wanted, refused));
    }
}

/// The step that fails: what it is called here, the tests when nobody says which.
fn failing_step(repo: &RepoPlan, wanted: &Wanted, asked: &str) -> Result<String, String> {
    let asked = match asked {
        "" | "unit" | "test" => named_step(repo, "unit"),
        "lint" => named_step(repo, "lint"),
        "compile" | "build" => named_step(repo, "compile"),
        other => other,
    };
    let event = if wanted.pull.is_some() { "pull_request" } else { "push" };
    let steps = pipeline::steps(repo, &wanted.branch, event);
    if steps.iter().any(|step| step.name == asked) {
        return Ok(asked.to_owned());
    }
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    Err(format!(
        "{} has no step {asked:?}; there are {}",
        repo.name,
        names.join(" ")
    ))
}

fn facts(repo: &RepoPlan, wanted: &Wanted, sha: &str, event: &str) -> FakeBuild {
    let forge = format!("https://github.com/{}", repo.full_name());
    let (git_ref, refspec, link_url) = match wanted.pull {
        Some(pull) => (
            format!("refs/pull/{pull}/head"),
            format!("{}-{pull}:{}", wanted.author, wanted.branch),
            format!("{forge}/pull/{pull}"),
        ),
        None => (
            format!("refs/heads/{}", wanted.branch),
            String::new(),
            format!("{forge}/commit/{sha}"),
        ),
    };
    FakeBuild {
        event: event.to_owned(),
        commit: sha.to_owned(),
        branch: wanted.branch.clone(),
        git_ref,
        refspec,
        title: if wanted.pull.is_some() {
            wanted.message.clone()
        } else {
            String::new()
        },
        message: wanted.message.clone(),
        sender: wanted.author.clone(),
        author: wanted.author.clone(),
        author_email: format!("{}@ihealth.example", wanted.author),
        link_url,
        verified: true,
        ..FakeBuild::default()
    }
}

fn pull_number(git_ref: &str) -> Option<u32> {
    git_ref.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok()
}
