//! The office's side of the fake: hooks and agents. Each call changes the state and sends the frames that the real
//! server sends for it, and no others (`apis/drone.md § 4.8`).

use serde_json::{Value, json};

use super::state::{
    BuildState, FakeAxis, FakeBuild, FakeLine, FakeRepo, FakeUser, Procs, World, build_json, repo_json,
};
use super::{EventFrame, FakeDrone};

/// A hook's build.
#[derive(Clone, Debug, Default)]
pub struct NewBuild {
    /// Everything but ids, number, status, times and procs, which the server fills in.
    pub facts: FakeBuild,
    /// What the pipeline file makes. More than one axis: a matrix.
    pub axes: Vec<FakeAxis>,
    /// It waits for approval: no procs, no frame.
    pub blocked: bool,
    /// The pipeline file does not compile, with these words: status `error`, no procs, no frame.
    pub compile_error: Option<String>,
}

impl NewBuild {
    /// A push of one commit to a branch, with one axis of these steps.
    pub fn push<S: Into<String>>(
        branch: &str,
        sha: &str,
        author: &str,
        message: &str,
        steps: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            facts: FakeBuild {
                event: "push".into(),
                commit: sha.into(),
                branch: branch.into(),
                git_ref: format!("refs/heads/{branch}"),
                message: message.into(),
                sender: author.into(),
                author: author.into(),
                verified: true,
                ..FakeBuild::default()
            },
            axes: vec![FakeAxis {
                steps: steps.into_iter().map(Into::into).collect(),
                ..FakeAxis::default()
            }],
            ..Self::default()
        }
    }
}

impl FakeDrone {
    /// Adds a person, or replaces the one with that login.
    pub fn add_user(&self, mut user: FakeUser) {
        let mut world = self.world();
        if user.id == 0 {
            user.id = world.users.len() as i64 + 1;
        }
        world.users.retain(|known| known.login != user.login);
        world.users.push(user);
    }

    /// Adds a repository, or replaces its facts; its builds stay.
    pub fn add_repo(&self, mut repo: FakeRepo) {
        let mut world = self.world();
        if repo.id == 0 {
            repo.id = world.repos.len() as i64 + 1;
        }
        world.repos.entry(repo.full_name.clone()).or_default().repo = repo.clone();
    }

    /// Puts a build in as it is (history; a recorded world), with the logs of its ended steps. No frame is sent. False
    /// when the repository is unknown.
    pub fn insert_build(&self, repo: &str, build: FakeBuild, logs: Vec<(u64, Vec<FakeLine>)>) -> bool {
        let mut world = self.world();
        world.next_build_id = world.next_build_id.max(build.id);
        let newest_proc = build.procs.iter().map(|proc| proc.id).max().unwrap_or(0);
        world.next_proc_id = world.next_proc_id.max(newest_proc);
        let Some(known) = world.repos.get_mut(repo) else {
            return false;
        };
        known.repo.last_build = known.repo.last_build.max(build.number);
        let mut state = BuildState {
            plan: plan_of(&build),
            labelled: true,
            ..BuildState::default()
        };
        for (pid, lines) in logs {
            let step = state.logs.entry(pid).or_default();
            step.stored = true;
            step.lines = lines;
        }
        known.builds.insert(build.number, BuildState { build, ..state });
        true
    }

    /// A hook made a build: its number. None when the repository is unknown or not active.
    pub fn push_build(&self, repo: &str, new: NewBuild) -> Option<u64> {
        let now = self.seconds();
        let mut world = self.world();
        let known = world.repos.get_mut(repo).filter(|known| known.repo.active)?;
        known.repo.last_build += 1;
        let number = known.repo.last_build;
        world.next_build_id += 1;
        let mut build = FakeBuild {
            id: world.next_build_id,
            number,
            enqueued_at: now,
            created_at: now,
            status: if new.blocked { "blocked" } else { "pending" }.into(),
            ..new.facts
        };
        let runs = !new.blocked && new.compile_error.is_none();
        if let Some(words) = new.compile_error {
            build.status = "error".into();
            build.error = words;
            build.started_at = now;
            build.finished_at = now;
        }
        if runs {
            build.procs = world.make_procs(build.id, &new.axes);
        }
        let state = BuildState {
            build,
            plan: new.axes,
            labelled: true,
            ..BuildState::default()
        };
        world.repos.get_mut(repo)?.builds.insert(number, state);
        if runs {
            self.publish(&world, repo, number, "enqueued", Procs::Tree);
        }
        Some(number)
    }

    /// An agent picks an axis up, or a step begins. False when it is not pending.
    pub fn start_proc(&self, repo: &str, number: u64, pid: u64, machine: &str) -> bool {
        let now = self.seconds();
        let mut world = self.world();
        let Some(state) = world.build_mut(repo, number) else {
            return false;
        };
        let build = &mut state.build;
        let Some(proc) = build
            .procs
            .iter_mut()
            .find(|proc| proc.pid == pid && proc.state == "pending")
        else {
            return false;
        };
        proc.state = "running".into();
        proc.start_time = now;
        proc.machine = machine.into();
        let is_axis = proc.ppid == 0;
        if is_axis {
            build.status = "running".into();
            if build.started_at == 0 {
                build.started_at = now;
            }
        }
        self.publish(
            &world,
            repo,
            number,
            "",
            if is_axis { Procs::Flat } else { Procs::Tree },
        );
        true
    }

    /// A running step prints: one chunk, as its agent sends it. False when that step does not run.
    pub fn append_log(&self, repo: &str, number: u64, pid: u64, out: &str) -> bool {
        let now = self.seconds();
        let mut world = self.world();
        let Some(state) = world.build_mut(repo, number) else {
            return false;
        };
        let Some(proc) = state
            .build
            .procs
            .iter()
            .find(|proc| proc.pid == pid && proc.state == "running")
        else {
            return false;
        };
        let log = state.logs.entry(pid).or_default();
        let line = FakeLine {
            proc: proc.name.clone(),
            time: (now - proc.start_time).max(0),
            pos: log.lines.len() as u64,
            out: out.into(),
        };
        log.lines.push(line);
        let place = (pid, log.lines.len() - 1);
        state.streams.entry(proc.ppid).or_default().push(place);
        drop(world);
        self.0.log_changes.send_modify(|count| *count += 1);
        true
    }

    /// A step ends with its exit code and its log is uploaded; or an axis ends (its own exit code is then that of its
    /// first failed step, whatever is given here), and with the last axis the build. What had not begun is skipped. A
    /// cancelled axis becomes `failure` with 137 and `Cancelled`. False when there is nothing to end.
    pub fn end_proc(&self, repo: &str, number: u64, pid: u64, exit_code: i64) -> bool {
        self.end_proc_with(repo, number, pid, exit_code, "")
    }

    /// As [`Self::end_proc`], with an engine problem in the server's words (`image not found`): the axis then fails
    /// also when no step did.
    pub fn end_proc_with(&self, repo: &str, number: u64, pid: u64, exit_code: i64, error: &str) -> bool {
        let now = self.seconds();
        let mut world = self.world();
        let Some(state) = world.build_mut(repo, number) else {
            return false;
        };
        let Some(proc) = state.build.procs.iter_mut().find(|proc| proc.pid == pid) else {
            return false;
        };
        let ended = if proc.ppid == 0 {
            end_axis(state, pid, exit_code, error, now)
        } else if proc.state == "running" {
            proc.state = if exit_code == 0 { "success" } else { "failure" }.into();
            proc.exit_code = exit_code;
            proc.error = error.into();
            proc.end_time = now;
            state.logs.entry(pid).or_default().stored = true;
            true
        } else {
            false
        };
        if ended {
            self.publish(&world, repo, number, "", Procs::Tree);
            drop(world);
            self.0.log_changes.send_modify(|count| *count += 1);
        }
        ended
    }

    /// Agent slots with nothing to do, for the queue. What waits and runs is counted from the builds.
    pub fn set_agents(&self, idle: u32) {
        self.world().idle_agents = idle;
    }

    /// A build as it stands.
    pub fn build(&self, repo: &str, number: u64) -> Option<FakeBuild> {
        self.world().build(repo, number).map(|state| state.build.clone())
    }

    /// A repository as it stands.
    pub fn repo(&self, repo: &str) -> Option<FakeRepo> {
        self.world().repos.get(repo).map(|known| known.repo.clone())
    }

    /// Removes a build, as an administrator does in the database; streams say nothing.
    pub fn delete_build(&self, repo: &str, number: u64) -> bool {
        self.world()
            .repos
            .get_mut(repo)
            .is_some_and(|known| known.builds.remove(&number).is_some())
    }

    /// Sends the frame of a build to the open streams.
    pub(super) fn publish(&self, world: &World, repo: &str, number: u64, kind: &str, procs: Procs) {
        let Some(known) = world.repos.get(repo) else {
            return;
        };
        let Some(state) = known.builds.get(&number) else {
            return;
        };
        let mut repo_value = repo_json(&known.repo);
        if kind == "enqueued" {
            // The counter before the build, as the real server has it at that point.
            repo_value["last_build"] = json!(number.saturating_sub(1));
        }
        let frame = json!({
            "type": kind,
            "repo": repo_value,
            "build": build_json(&state.build, procs),
            "proc": zero_proc(),
        });
        // Nobody listens: then nobody is told.
        let _ = self.0.events.send(EventFrame {
            repo: repo.into(),
            public: !known.repo.is_private,
            json: frame.to_string().into(),
        });
    }
}

fn zero_proc() -> Value {
    json!({"id": 0, "build_id": 0, "pid": 0, "ppid": 0, "pgid": 0, "name": "", "state": "", "exit_code": 0})
}

/// The pipeline that a build must have had.
fn plan_of(build: &FakeBuild) -> Vec<FakeAxis> {
    let axes = build.procs.iter().filter(|proc| proc.ppid == 0);
    axes.map(|axis| FakeAxis {
        environ: axis.environ.clone(),
        steps: build
            .procs
            .iter()
            .filter(|proc| proc.ppid == axis.pid)
            .map(|proc| proc.name.clone())
            .collect(),
    })
    .collect()
}

fn end_axis(state: &mut BuildState, pid: u64, exit_code: i64, error: &str, now: i64) -> bool {
    let build = &mut state.build;
    let Some(axis) = build.procs.iter().find(|proc| proc.pid == pid) else {
        return false;
    };
    let cancelled = axis.state == "killed";
    if !cancelled && axis.state != "running" && axis.state != "pending" {
        return false;
    }
    let mut failed_step = None;
    for step in build.procs.iter_mut().filter(|proc| proc.ppid == pid) {
        match step.state.as_str() {
            // What still ran when its axis ended was a service, or was cut off by the cancel: both are reported well.
            "running" => {
                step.state = "success".into();
                step.end_time = now;
                state.logs.entry(step.pid).or_default().stored = true;
            }
            "pending" => step.state = "skipped".into(),
            "failure" if failed_step.is_none() => failed_step = Some(step.exit_code),
            _ => {}
        }
    }
    let (code, words) = if cancelled {
        (137, "Cancelled")
    } else {
        (failed_step.unwrap_or(exit_code), error)
    };
    if let Some(axis) = build.procs.iter_mut().find(|proc| proc.pid == pid) {
        axis.exit_code = code;
        axis.error = words.into();
        axis.state = if code == 0 && words.is_empty() {
            "success"
        } else {
            "failure"
        }
        .into();
        axis.end_time = now;
    }
    let axes: Vec<&str> = build
        .procs
        .iter()
        .filter(|proc| proc.ppid == 0)
        .map(|proc| proc.state.as_str())
        .collect();
    if !axes
        .iter()
        .any(|state| matches!(*state, "pending" | "running" | "killed"))
    {
        build.status = if axes.contains(&"failure") {
            "failure"
        } else {
            "success"
        }
        .into();
        build.finished_at = now;
    }
    true
}
