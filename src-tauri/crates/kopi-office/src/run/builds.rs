//! Builds: the queue, the two agents, steps that print and end. What Drone's server and agents would do, told to the
//! fake one event at a time.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use kopi_model::BuildStatus;

use super::{AGENTS, Happening, Run};
use crate::history::tag_of;
use crate::laws::logs::{LogLine, Telling, long_log, step_log};
use crate::laws::pace;
use crate::laws::pipeline::{self, StepPlan, Work};
use crate::ledger::{BuildKey, ImageRecord};
use crate::world::RepoPlan;

/// Lines that come within this time are printed together.
const TOGETHER_MS: i64 = 300;
/// How long an agent takes to answer a cancel.
const KILL_MS: i64 = 900;

/// A build on its way.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) repo: RepoPlan,
    pub(super) number: u64,
    pub(super) branch: String,
    pub(super) sha: String,
    /// Tag that is published or deployed.
    pub(super) tag: String,
    /// `deploy_to`, when it is a deployment.
    pub(super) deploy_to: Option<String>,
    /// The step that fails.
    fails: Option<String>,
    steps: Vec<Step>,
    agent: Option<usize>,
    failed: Option<String>,
    /// An axis was told to stop.
    killed: bool,
}

#[derive(Debug)]
struct Step {
    pid: u64,
    plan: StepPlan,
    state: StepState,
    began: SignedDuration,
    log: Vec<LogLine>,
    said: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepState {
    Waits,
    Runs,
    Ended,
}

impl Job {
    /// A step runs that others wait for.
    fn is_busy(&self) -> bool {
        self.steps
            .iter()
            .any(|step| step.state == StepState::Runs && step.plan.work != Work::Beside)
    }

    /// The step that comes next with those of its group, when nothing holds it up.
    fn begins_next(&self) -> Option<Vec<(u64, Work)>> {
        if self.killed || self.is_busy() {
            return None;
        }
        let failed = self.failed.is_some();
        let first = self
            .steps
            .iter()
            .position(|step| step.state == StepState::Waits && (!failed || step.plan.always))?;
        let group = self.steps[first + 1..]
            .iter()
            .take_while(|step| step.plan.with_previous);
        let all = std::iter::once(&self.steps[first]).chain(group);
        Some(all.map(|step| (step.pid, step.plan.work)).collect())
    }

    fn step(&mut self, pid: u64) -> Option<&mut Step> {
        self.steps.iter_mut().find(|step| step.pid == pid)
    }

    /// The environment that its deploy step speaks to.
    pub(super) fn environment(&self, step: &str) -> Option<String> {
        let named = step.strip_prefix("deploy-").map(str::to_owned);
        self.deploy_to.clone().or(named)
    }

    /// The name of a step.
    pub(super) fn step_name(&self, pid: u64) -> Option<String> {
        let step = self.steps.iter().find(|step| step.pid == pid)?;
        Some(step.plan.name.clone())
    }

    /// When a step began.
    pub(super) fn began(&self, pid: u64) -> Option<SignedDuration> {
        self.steps.iter().find(|step| step.pid == pid).map(|step| step.began)
    }
}

impl Run {
    /// A pending build joins the queue.
    pub(super) fn enqueue(&mut self, repo: &str, number: u64) {
        let Some(job) = self.job_of(repo, number) else { return };
        let key = (repo.to_owned(), number);
        self.jobs.insert(key.clone(), job);
        self.waiting.push_back(key);
        self.assign();
    }

    /// What must be done for a build, from what the server knows of it.
    fn job_of(&self, repo: &str, number: u64) -> Option<Job> {
        let build = self.drone.build(repo, number)?;
        let plan = self.world.repo(repo)?.clone();
        let event = if build.deploy_to.is_empty() {
            build.event.as_str()
        } else {
            "push"
        };
        let known = pipeline::steps(&plan, &build.branch, event);
        let steps = build.procs.iter().filter(|proc| proc.ppid != 0).map(|proc| Step {
            pid: proc.pid,
            plan: known
                .iter()
                .find(|step| step.name == proc.name)
                .cloned()
                .unwrap_or_else(|| StepPlan {
                    name: proc.name.clone(),
                    work: Work::Tell,
                    usual_s: 3,
                    with_previous: false,
                    always: false,
                }),
            state: StepState::Waits,
            began: SignedDuration::ZERO,
            log: Vec::new(),
            said: 0,
        });
        let steps: Vec<Step> = steps.collect();
        let known_build = self.ledger.builds.get(&(repo.to_owned(), number));
        let version = known_build.and_then(|record| record.version.clone());
        Some(Job {
            number,
            tag: tag_of(&build.branch, &build.commit, version.as_deref()),
            fails: self.ledger.wrong.get(&(repo.to_owned(), build.commit.clone())).cloned(),
            branch: build.branch,
            sha: build.commit,
            deploy_to: Some(build.deploy_to).filter(|target| !target.is_empty()),
            steps,
            agent: None,
            failed: None,
            killed: false,
            repo: plan,
        })
    }

    /// Idle agents take what waits, in order.
    fn assign(&mut self) {
        while let Some(free) = self.agents.iter().position(Option::is_none) {
            let Some(key) = self.waiting.pop_front() else { break };
            self.agents[free] = Some(key.clone());
            if let Some(job) = self.jobs.get_mut(&key) {
                job.agent = Some(free);
            }
            self.drone.start_proc(&key.0, key.1, 1, AGENTS[free]);
            let now = self.stage.now();
            self.ledger.change(&key.0, key.1, |record| {
                record.status = BuildStatus::Running;
                record.started_at = Some(now);
            });
            self.go_on(&key);
        }
        let idle = self.agents.iter().filter(|agent| agent.is_none()).count();
        self.drone.set_agents(idle as u32);
    }

    /// Begins what can begin; ends the build when nothing is left.
    fn go_on(&mut self, key: &BuildKey) {
        while let Some(begin) = self.jobs.get(key).and_then(Job::begins_next) {
            let [(pid, Work::Beside)] = begin[..] else {
                for (pid, _) in begin {
                    self.begin_step(key, pid);
                }
                return;
            };
            // What stands beside the others holds nobody up.
            self.begin_step(key, pid);
        }
        if self.jobs.get(key).is_some_and(|job| !job.killed && !job.is_busy()) {
            self.end_build(key);
        }
    }

    fn begin_step(&mut self, key: &BuildKey, pid: u64) {
        let now = self.now();
        let Some(job) = self.jobs.get_mut(key) else { return };
        let agent = job.agent.map_or(AGENTS[0], |agent| AGENTS[agent]);
        let fails = {
            let wanted = job.fails.clone();
            job.step(pid)
                .is_some_and(|step| wanted.as_deref() == Some(step.plan.name.as_str()))
        };
        let mut draws = self.chance.draws(&format!("step {}#{} {pid}", key.0, key.1));
        let (repo, branch, sha, tag) = (job.repo.clone(), job.branch.clone(), job.sha.clone(), job.tag.clone());
        let long = self.long_logs.get(&(key.0.clone(), sha.clone())).copied();
        let Some(step) = job.step(pid) else { return };
        let work = step.plan.work;
        let took_ms =
            told_ms(&repo.name, &sha, &step.plan.name).unwrap_or_else(|| pace::step_ms(step.plan.usual_s, &mut draws));
        let telling = Telling {
            repo: &repo,
            branch: &branch,
            sha: &sha,
            tag: &tag,
            number: key.1,
            fails,
            took_ms,
        };
        step.state = StepState::Runs;
        step.began = now;
        step.log = match long {
            Some(lines) if work == Work::Unit => long_log(lines, took_ms),
            _ => step_log(work, telling, &mut draws),
        };
        let speaks = !step.log.is_empty();
        self.drone.start_proc(&key.0, key.1, pid, agent);
        if speaks {
            self.after_ms(
                0,
                Happening::Says {
                    build: key.clone(),
                    pid,
                },
            );
        }
        match work {
            Work::Beside => {}
            Work::Deploy => self.begin_deploy(key, pid),
            _ => {
                let code = i64::from(fails);
                self.after_ms(
                    took_ms,
                    Happening::StepEnds {
                        build: key.clone(),
                        pid,
                        code,
                    },
                );
            }
        }
    }

    /// Prints what is due, and comes back for the rest.
    pub(super) fn say(&mut self, key: &BuildKey, pid: u64) {
        let now = self.now();
        let Some(step) = self.jobs.get_mut(key).and_then(|job| job.step(pid)) else {
            return;
        };
        if step.state != StepState::Runs {
            return;
        }
        let due = i64::try_from(now.saturating_sub(step.began).as_millis()).unwrap_or(i64::MAX) + TOGETHER_MS;
        let from = step.said;
        let to = from + step.log[from..].iter().take_while(|line| line.at_ms <= due).count();
        step.said = to;
        let chunks: Vec<String> = step.log[from..to]
            .iter()
            .map(|line| format!("{}\n", line.text))
            .collect();
        let next = step.log.get(to).map(|line| line.at_ms - due + TOGETHER_MS);
        for chunk in chunks {
            self.drone.append_log(&key.0, key.1, pid, &chunk);
        }
        if let Some(wait) = next {
            self.after_ms(
                wait.max(1),
                Happening::Says {
                    build: key.clone(),
                    pid,
                },
            );
        }
    }

    /// Prints lines at once.
    pub(super) fn print(&mut self, key: &BuildKey, pid: u64, lines: &[String]) {
        for line in lines {
            self.drone.append_log(&key.0, key.1, pid, &format!("{line}\n"));
        }
    }

    /// A step ends; what it made is written down.
    pub(super) fn end_step(&mut self, key: &BuildKey, pid: u64, code: i64) {
        let Some(job) = self.jobs.get_mut(key) else { return };
        let Some(step) = job.step(pid) else { return };
        if step.state != StepState::Runs {
            return;
        }
        step.state = StepState::Ended;
        let rest: Vec<String> = step.log[step.said..]
            .iter()
            .map(|line| format!("{}\n", line.text))
            .collect();
        step.said = step.log.len();
        let (name, work) = (step.plan.name.clone(), step.plan.work);
        for chunk in rest {
            self.drone.append_log(&key.0, key.1, pid, &chunk);
        }
        self.drone.end_proc(&key.0, key.1, pid, code);
        if code != 0 {
            self.note_failure(key, &name);
        } else if work == Work::Publish {
            self.note_image(key);
        }
        self.go_on(key);
    }

    fn note_failure(&mut self, key: &BuildKey, step: &str) {
        if let Some(job) = self.jobs.get_mut(key) {
            job.failed.get_or_insert_with(|| step.to_owned());
        }
        self.ledger.change(&key.0, key.1, |record| {
            record.failed_step.get_or_insert_with(|| step.to_owned());
        });
    }

    fn note_image(&mut self, key: &BuildKey) {
        let Some(job) = self.jobs.get(key) else { return };
        let image = job.repo.image(&job.tag);
        let record = ImageRecord {
            repo: key.0.clone(),
            sha: job.sha.clone(),
            number: job.number,
        };
        self.ledger.images.insert(image.clone(), record);
        self.note_pushed(&image);
        self.ledger.change(&key.0, key.1, |record| record.image = Some(image));
    }

    fn end_build(&mut self, key: &BuildKey) {
        let Some(job) = self.jobs.remove(key) else { return };
        self.drone.end_proc(&key.0, key.1, 1, i64::from(job.failed.is_some()));
        let now = self.stage.now();
        let status = if job.failed.is_some() {
            BuildStatus::Failed
        } else {
            BuildStatus::Passed
        };
        self.ledger.change(&key.0, key.1, |record| {
            record.status = status;
            record.finished_at = Some(now);
        });
        self.free(&job);
        self.after_build(key, &job, status);
        self.assign();
    }

    fn free(&mut self, job: &Job) {
        if let Some(agent) = job.agent {
            self.agents[agent] = None;
        }
    }

    /// A person cancelled it: the agent answers a little later.
    pub(super) fn cancel(&mut self, repo: &str, number: u64) {
        let key = (repo.to_owned(), number);
        if let Some(job) = self.jobs.get_mut(&key) {
            job.killed = true;
            self.after_ms(KILL_MS, Happening::Killed { build: key });
        }
    }

    /// The agent answers the cancel.
    pub(super) fn end_killed(&mut self, key: &BuildKey) {
        let Some(job) = self.jobs.remove(key) else { return };
        self.drone.end_proc(&key.0, key.1, 1, 137);
        let now = self.stage.now();
        self.ledger.change(&key.0, key.1, |record| {
            record.status = BuildStatus::Cancelled;
            record.finished_at = Some(now);
        });
        self.free(&job);
        self.assign();
    }

    /// The server ended it without its agent, which drops it.
    pub(super) fn drop_job(&mut self, repo: &str, number: u64) {
        let key = (repo.to_owned(), number);
        let Some(job) = self.jobs.remove(&key) else { return };
        let now = self.stage.now();
        self.ledger.change(repo, number, |record| {
            record.status = BuildStatus::Cancelled;
            record.finished_at = Some(now);
        });
        self.free(&job);
        self.assign();
    }

    /// Numbers of builds by how they wait: for tests and for the truth.
    pub fn queue_lengths(&self) -> BTreeMap<&'static str, usize> {
        let running = self.agents.iter().flatten().count();
        BTreeMap::from([("waiting", self.waiting.len()), ("running", running)])
    }
}

/// How long a step of the story takes, where the mock-up says so (`look/mock/build.html`).
fn told_ms(repo: &str, sha: &str, step: &str) -> Option<i64> {
    if repo != "glucose-sync" || !sha.starts_with("c41f8a0") {
        return None;
    }
    let seconds = match step {
        "clone" => 2,
        "restore-cache" => 6,
        "compile" => 38,
        "lint" => 21,
        "unit" => 58,
        _ => 3,
    };
    Some(seconds * 1000)
}
