//! Drone's past: people, repositories, builds with steps and the newest logs.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use kopi_model::BuildStatus;
use kopi_sources::drone::fake::{FakeBuild, FakeDrone, FakeLine, FakeProc, FakeRepo, FakeUser, Right};

use crate::chance::Chance;
use crate::clock::OfficeClock;
use crate::history::PastBuild;
use crate::laws::logs::{Telling, step_log};
use crate::laws::pipeline::{self, StepPlan, Work};
use crate::ledger::{BuildRecord, ImageRecord, Ledger};
use crate::run::AGENTS;
use crate::world::repos::Ended;
use crate::world::{DESK, PEOPLE, RepoPlan, World};

/// Builds a repository whose logs are still there.
const LOGS_KEPT: usize = 8;
/// The forge.
const FORGE: &str = "https://github.com";

/// What somebody sends as their token at the office's Drone. Made up: this server holds nothing.
pub fn token_of(login: &str) -> String {
    format!("office-demo-token-of-{login}")
}

/// Fills the fake Drone; gives the office's books of it.
pub fn seed_drone(drone: &FakeDrone, world: &World, past: &[PastBuild], clock: &OfficeClock, chance: Chance) -> Ledger {
    for person in &PEOPLE {
        drone.add_user(FakeUser {
            login: person.login.to_owned(),
            email: format!("{}@ihealth.example", person.login),
            token: token_of(person.login),
            synced: clock.start().as_second() - 3600,
            admin: person.login == DESK,
            everywhere: Some(if person.login == DESK {
                Right::Admin
            } else {
                Right::Push
            }),
            ..FakeUser::default()
        });
    }
    for repo in &world.repos {
        drone.add_repo(FakeRepo {
            active: repo.active,
            gated: repo.gated,
            allow_deploys: true,
            default_branch: if repo.branches.contains(&"develop") {
                "develop"
            } else {
                "master"
            }
            .to_owned(),
            last_build: repo.next_number.saturating_sub(1),
            ..FakeRepo::new(&repo.full_name(), FORGE)
        });
    }
    let mut by_time: Vec<&PastBuild> = past.iter().collect();
    by_time.sort_by(|left, right| {
        (left.started, &left.repo, left.number).cmp(&(right.started, &right.repo, right.number))
    });
    let mut newest: HashMap<&str, u64> = HashMap::new();
    for build in &by_time {
        newest.insert(&build.repo, build.number);
    }
    let mut ledger = Ledger::default();
    let mut next_proc = 0;
    for (index, build) in by_time.iter().enumerate() {
        let Some(repo) = world.repo(&build.repo) else { continue };
        let keeps_log = newest
            .get(build.repo.as_str())
            .is_some_and(|last| build.number + LOGS_KEPT as u64 > *last)
            && (repo.past < 500 && !repo.name.starts_with("clinic-")
                || newest.get(build.repo.as_str()) == Some(&build.number));
        let (fake, logs) = one(
            repo,
            build,
            clock,
            chance,
            (index as i64 + 1, &mut next_proc),
            keeps_log,
        );
        drone.insert_build(&repo.full_name(), fake, logs);
        write_down(&mut ledger, repo, build, clock);
    }
    ledger
}

fn write_down(ledger: &mut Ledger, repo: &RepoPlan, build: &PastBuild, clock: &OfficeClock) {
    let full_name = repo.full_name();
    let image = build.tag.as_deref().map(|tag| repo.image(tag));
    if let Some(image) = &image {
        let record = ImageRecord {
            repo: full_name.clone(),
            sha: build.sha.clone(),
            number: build.number,
        };
        ledger.images.insert(image.clone(), record);
    }
    let (status, failed_step) = match build.ended {
        Ended::Passed => (BuildStatus::Passed, None),
        Ended::Failed(step) => (BuildStatus::Failed, Some(step.to_owned())),
        Ended::Cancelled => (BuildStatus::Cancelled, None),
        Ended::AgentLost(_) => (BuildStatus::Errored, None),
        Ended::Declined(_) => (BuildStatus::Declined, None),
    };
    if let Some(step) = &failed_step {
        ledger
            .wrong
            .insert((full_name.clone(), build.sha.clone()), step.clone());
    }
    let ran = !matches!(build.ended, Ended::Declined(_));
    ledger.builds.insert(
        (full_name.clone(), build.number),
        BuildRecord {
            repo: full_name,
            number: build.number,
            parent: None,
            event: event_of(build).to_owned(),
            branch: build.branch.clone(),
            sha: build.sha.clone(),
            author: build.author.to_owned(),
            message: build.message.clone(),
            status,
            failed_step,
            environment: None,
            version: build.tag.clone().filter(|tag| !tag.starts_with("dev-")),
            image,
            created_at: clock.at(build.started),
            started_at: ran.then(|| clock.at(build.started)),
            finished_at: ran.then(|| clock.at(build.finished())),
        },
    );
}

fn event_of(build: &PastBuild) -> &'static str {
    if build.pull.is_some() { "pull_request" } else { "push" }
}

fn one(
    repo: &RepoPlan,
    build: &PastBuild,
    clock: &OfficeClock,
    chance: Chance,
    (id, next_proc): (i64, &mut i64),
    keeps_log: bool,
) -> (FakeBuild, Vec<(u64, Vec<FakeLine>)>) {
    let at = |offset: SignedDuration| clock.at(offset).as_second();
    let page = format!("{FORGE}/{}", repo.full_name());
    let (status, error) = match build.ended {
        Ended::Passed => ("success", ""),
        Ended::Failed(_) | Ended::Cancelled => ("failure", ""),
        Ended::AgentLost(words) => ("error", words),
        Ended::Declined(_) => ("declined", ""),
    };
    let mut fake = FakeBuild {
        id,
        number: build.number,
        event: event_of(build).to_owned(),
        status: status.to_owned(),
        error: error.to_owned(),
        enqueued_at: at(build.started),
        created_at: at(build.started),
        started_at: at(build.started),
        finished_at: at(build.finished()),
        commit: build.sha.clone(),
        branch: build.branch.clone(),
        git_ref: match build.pull {
            Some(pull) => format!("refs/pull/{pull}/head"),
            None => format!("refs/heads/{}", build.branch),
        },
        refspec: build
            .pull
            .map(|pull| format!("{}-{pull}:{}", build.author, build.branch))
            .unwrap_or_default(),
        title: if build.pull.is_some() {
            build.message.clone()
        } else {
            String::new()
        },
        message: build.message.clone(),
        sender: build.author.to_owned(),
        author: build.author.to_owned(),
        author_email: format!("{}@ihealth.example", build.author),
        link_url: match build.pull {
            Some(pull) => format!("{page}/pull/{pull}"),
            None => format!("{page}/commit/{}", build.sha),
        },
        verified: true,
        ..FakeBuild::default()
    };
    if let Ended::Declined(by) = build.ended {
        fake.started_at = 0;
        fake.finished_at = 0;
        by.clone_into(&mut fake.reviewed_by);
        fake.reviewed_at = at(build.started) + 240;
        return (fake, Vec::new());
    }
    let plan = if build.message.starts_with("docs:") && build.branch == "master" && repo.name == "open-api" {
        pipeline::steps(repo, &build.branch, "docs")
    } else {
        pipeline::steps(repo, &build.branch, event_of(build))
    };
    let laid = lay_out(&plan, build, clock.at(build.started));
    let mut logs = Vec::new();
    fake.procs = procs(build, &laid, id, next_proc);
    if keeps_log {
        for (place, step) in laid.iter().enumerate().filter(|(_, step)| step.end > step.begin) {
            logs.push((place as u64 + 2, lines(repo, build, step, chance)));
        }
    }
    (fake, logs)
}

/// A step with its times, seconds since 1970; equal ones: it never ran.
struct Laid<'a> {
    plan: &'a StepPlan,
    begin: i64,
    end: i64,
    state: &'static str,
}

fn lay_out<'a>(plan: &'a [StepPlan], build: &PastBuild, started: Timestamp) -> Vec<Laid<'a>> {
    let end_of_build = started.as_second() + build.took.as_secs();
    let failing = match build.ended {
        Ended::Failed(step) => plan.iter().position(|known| known.name == step),
        // Cut off in the middle of its tests.
        Ended::Cancelled | Ended::AgentLost(_) => plan.iter().position(|known| known.work == Work::Unit),
        Ended::Passed | Ended::Declined(_) => None,
    };
    let runs: Vec<usize> = plan
        .iter()
        .enumerate()
        .filter(|(place, step)| {
            failing.is_none_or(|failing| *place <= failing) || (step.always && matches!(build.ended, Ended::Failed(_)))
        })
        .map(|(place, _)| place)
        .collect();
    let usual: i64 = runs
        .iter()
        .map(|place| &plan[*place])
        .filter(|step| !step.with_previous)
        .map(|step| i64::from(step.usual_s))
        .sum();
    let scale = build.took.as_secs() as f64 / usual.max(1) as f64;
    let mut at = started.as_second();
    let mut before = at;
    let mut laid = Vec::new();
    for (place, step) in plan.iter().enumerate() {
        if !runs.contains(&place) {
            laid.push(Laid {
                plan: step,
                begin: 0,
                end: 0,
                state: "skipped",
            });
            continue;
        }
        let took = ((f64::from(step.usual_s) * scale).round() as i64).max(1);
        let begin = if step.with_previous { before } else { at };
        let end = if step.work == Work::Beside {
            end_of_build
        } else {
            (begin + took).min(end_of_build).max(begin + 1)
        };
        let state = match (failing == Some(place), build.ended) {
            (true, Ended::Failed(_)) => "failure",
            (true, Ended::AgentLost(_)) => "killed",
            _ => "success",
        };
        laid.push(Laid {
            plan: step,
            begin,
            end,
            state,
        });
        if step.work != Work::Beside {
            before = begin;
            at = at.max(end);
        }
    }
    laid
}

fn procs(build: &PastBuild, laid: &[Laid<'_>], build_id: i64, next_proc: &mut i64) -> Vec<FakeProc> {
    let machine = AGENTS[(build.number % AGENTS.len() as u64) as usize];
    let mut proc = |pid: u64, ppid: u64, name: &str| {
        *next_proc += 1;
        FakeProc {
            id: *next_proc,
            build_id,
            pid,
            ppid,
            pgid: pid,
            name: name.to_owned(),
            ..FakeProc::default()
        }
    };
    let (state, exit_code, error) = match build.ended {
        Ended::Passed | Ended::Declined(_) => ("success", 0, ""),
        Ended::Failed(_) => ("failure", 1, ""),
        Ended::Cancelled => ("failure", 137, "Cancelled"),
        Ended::AgentLost(words) => ("error", 255, words),
    };
    let begin = laid
        .iter()
        .map(|step| step.begin)
        .filter(|begin| *begin > 0)
        .min()
        .unwrap_or(0);
    let mut all = vec![FakeProc {
        state: state.to_owned(),
        exit_code,
        error: error.to_owned(),
        start_time: begin,
        end_time: begin + build.took.as_secs(),
        machine: machine.to_owned(),
        ..proc(1, 0, "")
    }];
    for (place, step) in laid.iter().enumerate() {
        let ran = step.end > step.begin;
        all.push(FakeProc {
            state: step.state.to_owned(),
            exit_code: i64::from(step.state == "failure"),
            start_time: step.begin,
            end_time: step.end,
            machine: if ran { machine.to_owned() } else { String::new() },
            ..proc(place as u64 + 2, 1, &step.plan.name)
        });
    }
    all
}

fn lines(repo: &RepoPlan, build: &PastBuild, step: &Laid<'_>, chance: Chance) -> Vec<FakeLine> {
    let mut draws = chance.draws(&format!("log {}#{} {}", repo.name, build.number, step.plan.name));
    let telling = Telling {
        repo,
        branch: &build.branch,
        sha: &build.sha,
        tag: build.tag.as_deref().unwrap_or("none"),
        number: build.number,
        fails: step.state == "failure",
        took_ms: (step.end - step.begin) * 1000,
    };
    let mut printed = step_log(step.plan.work, telling, &mut draws);
    if step.plan.work == Work::Deploy {
        printed.push(crate::laws::logs::LogLine {
            at_ms: 0,
            text: format!("level=info msg=\"Finished upgrade of {}\"", repo.service()),
        });
    }
    printed
        .into_iter()
        .enumerate()
        .map(|(pos, line)| FakeLine {
            proc: step.plan.name.clone(),
            time: line.at_ms / 1000,
            pos: pos as u64,
            out: format!("{}\n", line.text),
        })
        .collect()
}
