//! What people do through the servers has its real effect on the world: restarts build, approvals deploy, cancels stop.
//! Rancher's fake acts by itself; the office only writes down what it heard.

use kopi_model::BuildStatus;
use kopi_sources::drone::fake::{ClientAction as DroneAction, Did};
use kopi_sources::rancher::fake::ClientAction as CattleAction;

use super::Run;
use crate::ledger::{BuildRecord, DeedRecord};

impl Run {
    /// Somebody did something at Drone.
    pub fn drone_action(&mut self, action: &DroneAction) {
        let repo = action.repo.as_str();
        let now = self.stage.now();
        let (what, number) = match &action.did {
            Did::Restart {
                number,
                parent,
                environment,
            } => {
                self.restarted(repo, *number, *parent, environment.clone());
                ("restart", Some(*number))
            }
            Did::Cancel { number, .. } => {
                self.cancel(repo, *number);
                ("cancel", Some(*number))
            }
            Did::Kill { number } => {
                self.drop_job(repo, *number);
                ("kill", Some(*number))
            }
            Did::Approve { number } => {
                self.ledger
                    .change(repo, *number, |record| record.status = BuildStatus::Waiting);
                self.enqueue(repo, *number);
                ("approve", Some(*number))
            }
            Did::Decline { number } => {
                self.ledger.change(repo, *number, |record| {
                    record.status = BuildStatus::Declined;
                });
                ("decline", Some(*number))
            }
            Did::Enable => ("enable", None),
            Did::Disable => ("disable", None),
            Did::Settings => ("settings", None),
            Did::PurgeLogs { number } => ("purge logs", Some(*number)),
        };
        self.ledger.note(DeedRecord {
            at: now,
            by: action.by.clone(),
            what: what.to_owned(),
            target: number.map_or_else(|| repo.to_owned(), |number| format!("{repo}#{number}")),
            result: "done".to_owned(),
        });
    }

    fn restarted(&mut self, repo: &str, number: u64, parent: u64, environment: Option<String>) {
        let Some(build) = self.drone.build(repo, number) else {
            return;
        };
        let version = self
            .ledger
            .builds
            .get(&(repo.to_owned(), parent))
            .and_then(|record| record.version.clone());
        let record = BuildRecord {
            repo: repo.to_owned(),
            number,
            parent: Some(parent),
            event: build.event,
            branch: build.branch,
            sha: build.commit,
            author: build.author,
            message: build.message,
            status: BuildStatus::Waiting,
            failed_step: None,
            environment,
            version,
            image: None,
            created_at: self.stage.now(),
            started_at: None,
            finished_at: None,
        };
        self.ledger.builds.insert((repo.to_owned(), number), record);
        self.enqueue(repo, number);
    }

    /// Somebody did something at Rancher.
    pub fn cattle_action(&mut self, action: &CattleAction) {
        let image = action
            .body
            .pointer("/inServiceStrategy/launchConfig/imageUuid")
            .or(action.body.pointer("/launchConfig/imageUuid"));
        if let Some(image) = image.and_then(serde_json::Value::as_str) {
            let image = image.trim_start_matches("docker:").to_owned();
            self.check_pushed(&image);
        }
        self.ledger.note(DeedRecord {
            at: action.at,
            by: action.who.clone(),
            what: action.action.clone(),
            target: format!("{}/{} {}", action.project, action.resource, action.id),
            result: action.status.to_string(),
        });
    }
}
