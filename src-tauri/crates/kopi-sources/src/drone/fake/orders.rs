//! What clients order (`apis/drone.md § 4.6`): restart and deploy, cancel, kill, approve and decline, purge.

use std::collections::HashMap;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::guard::{Refusal, json as reply, refuse, refuse_empty, text};
use super::state::{BuildState, FakeBuild, FakeLine, Procs, build_json};
use super::{Did, FakeDrone};

type Answer = Result<Response, Refusal>;

impl FakeDrone {
    /// A new build from an older one's stored pipeline and commit; the branch is not read again.
    pub(super) fn restart(&self, by: &str, repo: &str, parent: u64, asked: &HashMap<String, String>) -> Answer {
        let now = self.seconds();
        let mut world = self.world();
        let old = world
            .build(repo, parent)
            .cloned()
            .ok_or_else(|| refuse_empty(StatusCode::NOT_FOUND))?;
        let status = old.build.status.as_str();
        if matches!(status, "blocked" | "declined") {
            let words = format!("cannot restart a build with status {status}");
            return Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, &words));
        }
        if old.plan.is_empty() {
            return Err(refuse_empty(StatusCode::NOT_FOUND));
        }
        let known = world
            .repos
            .get_mut(repo)
            .ok_or_else(|| refuse_empty(StatusCode::NOT_FOUND))?;
        known.repo.last_build += 1;
        let number = known.repo.last_build;
        world.next_build_id += 1;
        let mut build = FakeBuild {
            id: world.next_build_id,
            number,
            parent,
            status: "pending".into(),
            error: String::new(),
            enqueued_at: now,
            created_at: now,
            started_at: 0,
            finished_at: 0,
            ..old.build.clone()
        };
        if let Some(event) = asked
            .get("event")
            .filter(|event| matches!(event.as_str(), "push" | "pull_request" | "tag" | "deployment"))
        {
            build.event.clone_from(event);
        }
        if let Some(environment) = asked.get("deploy_to") {
            build.deploy_to.clone_from(environment);
        }
        if !old.build.error.is_empty() && old.build.procs.is_empty() {
            // Its pipeline still does not compile: the reply says error, the row stays pending for ever.
            let mut said = build.clone();
            said.procs.clear();
            build.procs.clear();
            said.status = "error".into();
            said.error.clone_from(&old.build.error);
            self.keep(
                &mut world,
                repo,
                BuildState {
                    build,
                    plan: old.plan,
                    ..BuildState::default()
                },
            );
            return Err(Refusal::from(reply(
                StatusCode::INTERNAL_SERVER_ERROR,
                &build_json(&said, Procs::Absent),
            )));
        }
        build.procs = world.make_procs(build.id, &old.plan);
        let answer = build_json(&build, Procs::Flat);
        let environment = Some(build.deploy_to.clone()).filter(|environment| !environment.is_empty());
        self.keep(
            &mut world,
            repo,
            BuildState {
                build,
                plan: old.plan,
                ..BuildState::default()
            },
        );
        self.publish(&world, repo, number, "enqueued", Procs::Tree);
        drop(world);
        self.tell(
            by,
            repo,
            Did::Restart {
                number,
                parent,
                environment,
            },
        );
        Ok(reply(StatusCode::ACCEPTED, &answer))
    }

    #[expect(clippy::unused_self, reason = "reads as the other methods")]
    fn keep(&self, world: &mut super::World, repo: &str, state: BuildState) {
        if let Some(known) = world.repos.get_mut(repo) {
            known.builds.insert(state.build.number, state);
        }
    }

    /// Tells a running axis to stop. The step's pid gets the same 204 and does nothing.
    pub(super) fn cancel(&self, by: &str, repo: &str, number: u64, pid: u64) -> Answer {
        let now = self.seconds();
        let mut world = self.world();
        let state = world
            .build_mut(repo, number)
            .ok_or_else(|| refuse_empty(StatusCode::NOT_FOUND))?;
        let proc = state.build.procs.iter_mut().find(|proc| proc.pid == pid);
        let proc = proc.ok_or_else(|| refuse_empty(StatusCode::NOT_FOUND))?;
        if proc.state != "running" {
            return Err(refuse(StatusCode::BAD_REQUEST, "Cannot cancel a non-running build"));
        }
        if proc.ppid == 0 {
            proc.state = "killed".into();
            proc.exit_code = 137;
            proc.end_time = now;
            drop(world);
            self.tell(by, repo, Did::Cancel { number, pid });
        }
        Ok(text(StatusCode::NO_CONTENT, ""))
    }

    /// Ends a running build without its agent.
    pub(super) fn kill(&self, by: &str, repo: &str, number: u64) -> Answer {
        let now = self.seconds();
        let mut world = self.world();
        let state = world
            .build_mut(repo, number)
            .ok_or_else(|| refuse_empty(StatusCode::NOT_FOUND))?;
        let build = &mut state.build;
        if build.status != "running" {
            return Err(refuse(
                StatusCode::BAD_REQUEST,
                "Cannot force cancel a non-running build",
            ));
        }
        for proc in &mut build.procs {
            match proc.state.as_str() {
                "running" => {
                    proc.state = "killed".into();
                    proc.exit_code = 137;
                    proc.end_time = now;
                }
                "pending" => proc.state = "skipped".into(),
                _ => {}
            }
        }
        build.status = "killed".into();
        build.finished_at = now;
        drop(world);
        self.0.log_changes.send_modify(|count| *count += 1);
        self.tell(by, repo, Did::Kill { number });
        Ok(text(StatusCode::NO_CONTENT, ""))
    }

    /// Approve or decline. The reply comes before procs exist; declining sends no frame.
    pub(super) fn review(&self, by: &str, repo: &str, number: u64, approved: bool) -> Answer {
        let now = self.seconds();
        let mut world = self.world();
        let state = world
            .build_mut(repo, number)
            .ok_or_else(|| refuse_empty(StatusCode::NOT_FOUND))?;
        let build = &mut state.build;
        if build.status != "blocked" {
            // The same words for both, as on the real server.
            let words = format!("cannot decline a build with status {}", build.status);
            return Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, &words));
        }
        build.reviewed_by = by.into();
        build.reviewed_at = now;
        build.status = if approved { "pending" } else { "declined" }.into();
        let answer: Value = build_json(build, Procs::Absent);
        let (id, plan) = (build.id, state.plan.clone());
        if approved {
            state.labelled = false;
            let procs = world.make_procs(id, &plan);
            if let Some(state) = world.build_mut(repo, number) {
                state.build.procs = procs;
            }
            self.publish(&world, repo, number, "enqueued", Procs::Tree);
        }
        drop(world);
        self.tell(
            by,
            repo,
            if approved {
                Did::Approve { number }
            } else {
                Did::Decline { number }
            },
        );
        Ok(reply(StatusCode::OK, &answer))
    }

    /// Replaces every stored log by one line that says who did it.
    pub(super) fn purge(&self, by: &str, repo: &str, number: u64) -> Answer {
        let when = self.now().strftime("%a %b %e %H:%M:%S UTC %Y").to_string();
        let mut world = self.world();
        let state = world
            .build_mut(repo, number)
            .ok_or_else(|| refuse_empty(StatusCode::NOT_FOUND))?;
        if matches!(state.build.status.as_str(), "pending" | "running") {
            return Err(refuse(
                StatusCode::BAD_REQUEST,
                "Cannot delete logs for a pending or running build",
            ));
        }
        let procs = &state.build.procs;
        for (pid, log) in state.logs.iter_mut().filter(|(_, log)| log.stored) {
            let step = procs
                .iter()
                .find(|proc| proc.pid == *pid)
                .map_or_else(String::new, |proc| proc.name.clone());
            log.lines = vec![FakeLine {
                proc: step,
                time: 0,
                pos: 0,
                out: format!("logs purged by {by} on {when}\n"),
            }];
        }
        drop(world);
        self.tell(by, repo, Did::PurgeLogs { number });
        Ok(text(StatusCode::NO_CONTENT, ""))
    }
}
