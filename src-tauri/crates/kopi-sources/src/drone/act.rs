//! Orders to a Drone 0.8 (`apis/drone.md § 4.6`): restart, deploy, cancel, approve, decline, enable, disable.
//!
//! Refuses: repeating a request; offering what 0.8 cannot do (a build that has not started cannot be cancelled).

use http::Method;
use kopi_feed::{FeedError, Sent};
use kopi_model::wire::ErrorCode;
use kopi_model::{ItemId, ItemKind, Order, Receipt, Verb};
use tokio::time::Instant;

use super::api::WholeBuild;
use super::memory::key_of;
use super::{DroneSource, parse};

/// What an order is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Build { repo: String, number: u64 },
    Repo(String),
}

impl Target {
    /// From an item's id.
    ///
    /// # Errors
    /// `NoSuchItem`, when it is neither build nor repository.
    pub(super) fn of(id: &ItemId) -> Result<Self, FeedError> {
        let native = id.native();
        let target = match id.kind() {
            Some(ItemKind::Build) => native.rsplit_once('#').and_then(|(repo, number)| {
                let number = number.parse().ok().filter(|number| *number > 0)?;
                parse::is_repo_name(repo).then(|| Self::Build {
                    repo: repo.to_owned(),
                    number,
                })
            }),
            Some(ItemKind::Repo) => parse::is_repo_name(native).then(|| Self::Repo(native.to_owned())),
            _ => None,
        };
        target.ok_or_else(|| FeedError::new(ErrorCode::NoSuchItem, format!("find {id}"), "a Drone has no such thing"))
    }
}

impl DroneSource {
    /// Method and path of each request an order would send. A cancel sends one for each running axis, known only then.
    pub(super) fn requests_of(&self, order: &Order) -> Vec<String> {
        let api = &self.api;
        let Ok(target) = Target::of(&order.target) else {
            return Vec::new();
        };
        let request = match (target, order.verb) {
            (Target::Build { repo, number }, Verb::Restart) => format!("POST {}", api.restart_path(&repo, number)),
            (Target::Build { repo, number }, Verb::Promote) => {
                let environment = order.environment.as_deref().unwrap_or_default();
                format!("POST {}", api.deploy_path(&repo, number, environment))
            }
            (Target::Build { repo, number }, Verb::Cancel) => format!("DELETE {}", api.axis_path(&repo, number, 1)),
            (Target::Build { repo, number }, Verb::Approve) => format!("POST {}", api.review_path(&repo, number, true)),
            (Target::Build { repo, number }, Verb::Decline) => {
                format!("POST {}", api.review_path(&repo, number, false))
            }
            (Target::Repo(repo), Verb::Enable) => format!("POST {}", api.repo_path(&repo)),
            (Target::Repo(repo), Verb::Disable) => format!("DELETE {}", api.repo_path(&repo)),
            _ => return Vec::new(),
        };
        vec![request]
    }

    pub(super) async fn carry_out(&self, order: &Order) -> Result<Receipt, FeedError> {
        match (Target::of(&order.target)?, order.verb) {
            (Target::Build { repo, number }, Verb::Restart) => {
                let path = self.api.restart_path(&repo, number);
                self.start(&path, &repo).await
            }
            (Target::Build { repo, number }, Verb::Promote) => {
                let environment = order
                    .environment
                    .as_deref()
                    .map(str::trim)
                    .filter(|name| !name.is_empty());
                let environment = environment.ok_or_else(|| {
                    FeedError::new(ErrorCode::InvalidRequest, "deploy a build", "no environment was named")
                })?;
                let path = self.api.deploy_path(&repo, number, environment);
                self.start(&path, &repo).await
            }
            (Target::Build { repo, number }, Verb::Cancel) => self.cancel(&repo, number).await,
            (Target::Build { repo, number }, Verb::Approve) => self.review(&repo, number, true).await,
            (Target::Build { repo, number }, Verb::Decline) => self.review(&repo, number, false).await,
            (Target::Repo(repo), Verb::Enable) => self.switch(Method::POST, &repo).await,
            (Target::Repo(repo), Verb::Disable) => self.switch(Method::DELETE, &repo).await,
            (_, verb) => Err(FeedError::new(
                ErrorCode::ActionNotAvailable,
                format!("{verb:?} {}", order.target).to_lowercase(),
                "Drone has no such action for this",
            )),
        }
    }

    async fn start(&self, path: &str, repo: &str) -> Result<Receipt, FeedError> {
        let build = self.api.start(path, repo).await.map_err(restart_refused)?;
        self.follow(repo, build.number);
        Ok(Receipt {
            made: Some(build.id),
            server_state: Some(build.server_status),
            ..Receipt::default()
        })
    }

    /// Stops every running axis. The server only says that the signal is sent; the build ends when its agent answers.
    async fn cancel(&self, repo: &str, number: u64) -> Result<Receipt, FeedError> {
        let what = format!("cancel {repo}#{number}");
        let refused = |code, why: String| Err(FeedError::new(code, &what, why));
        let Some(WholeBuild { build, procs }) = self.api.build(repo, number).await? else {
            return refused(ErrorCode::NoSuchItem, "the server has no such build".into());
        };
        let running: Vec<u64> = procs
            .iter()
            .filter(|proc| proc.ppid == 0 && proc.state == "running")
            .map(|proc| proc.pid)
            .collect();
        if running.is_empty() {
            return match build.server_status.as_str() {
                "pending" => refused(ErrorCode::ActionNotAvailable, "it has not started".into()).map_err(|error: FeedError| {
                    error.hint("Drone 0.8 cannot cancel a build that has not started: wait until it runs")
                }),
                "blocked" => refused(ErrorCode::ActionNotAvailable, "it waits for approval".into())
                    .map_err(|error: FeedError| error.hint("decline it instead")),
                "running" => refused(ErrorCode::AlreadyRunning, "it was told to stop already".into()).map_err(|error: FeedError| {
                    error.hint("its agent has not answered yet; if the agent is gone, an administrator has to kill the build")
                }),
                status => refused(ErrorCode::Conflict, format!("it has ended already ({status})")),
            };
        }
        let mut stopped = 0;
        for pid in &running {
            match self
                .api
                .order(Method::DELETE, &self.api.axis_path(repo, number, *pid))
                .await
            {
                Ok(_) => stopped += 1,
                // Another axis ended by itself meanwhile: what was asked for has come about.
                Err(error) if error.status == Some(400) && running.len() > 1 => {}
                Err(error) if stopped == 0 => return Err(no_right(error)),
                Err(mut error) => {
                    error.what = format!(
                        "{stopped} of {} parts were told to stop, then: {}",
                        running.len(),
                        error.what
                    );
                    return Err(error);
                }
            }
        }
        self.follow(repo, number);
        Ok(Receipt {
            server_state: Some(build.server_status),
            ..Receipt::default()
        })
    }

    async fn review(&self, repo: &str, number: u64, approve: bool) -> Result<Receipt, FeedError> {
        let path = self.api.review_path(repo, number, approve);
        let reply = self
            .api
            .order(Method::POST, &path)
            .await
            .map_err(|error| not_blocked(no_right(error)))?;
        self.follow(repo, number);
        let value = reply.json::<serde_json::Value>().unwrap_or_default();
        let build = parse::bare_build(&value, repo, &self.api.place);
        Ok(Receipt {
            server_state: build.map(|build| build.server_status),
            ..Receipt::default()
        })
    }

    async fn switch(&self, method: Method, repo: &str) -> Result<Receipt, FeedError> {
        self.api
            .order(method, &self.api.repo_path(repo))
            .await
            .map_err(|error| match error.status {
                Some(409) => FeedError {
                    code: ErrorCode::Conflict,
                    what: "it is built already".into(),
                    hint: None,
                    ..error
                },
                Some(403 | 404) => error.hint("it takes the right to administer the repository"),
                _ => error,
            })?;
        Ok(Receipt::default())
    }

    /// No frame tells of cancel and decline: the build is read soon and again.
    fn follow(&self, repo: &str, number: u64) {
        self.memory().follow((repo.to_owned(), number), Instant::now());
        self.wake.notify_one();
    }

    /// A build that a view has read: what lists leave out is not forgotten at the next listing.
    pub(super) fn learn(&self, whole: &WholeBuild) {
        let mut memory = self.memory();
        let known = memory.build(&key_of(&whole.build)).cloned();
        if known.is_some()
            && let Some(build) = super::merge::with_frame(known.as_ref(), whole.build.clone())
        {
            // A log that was opened tells the model nothing, and the frame that will would then say nothing new: what
            // changed is read once more by who watches, and told.
            let moved = known.is_some_and(|known| known.status != build.status);
            let key = key_of(&build);
            memory.keep(build);
            if moved {
                memory.read_at(key, Instant::now());
                drop(memory);
                self.wake.notify_one();
            }
        }
    }
}

/// 404 is what a missing right looks like, beside a missing build.
fn no_right(error: FeedError) -> FeedError {
    match error.status {
        Some(404) => FeedError {
            what: "there is no such build, or its repository may only be read with this token".into(),
            ..error.hint("it takes the right to push to the repository")
        },
        Some(400) => FeedError {
            code: ErrorCode::Conflict,
            what: "it is not running".into(),
            ..error
        },
        _ => error,
    }
}

/// The server refuses with 500 and a sentence; without a sentence it is broken, and then nobody knows what it did.
fn not_blocked(error: FeedError) -> FeedError {
    if error.status != Some(500) {
        return error;
    }
    match &error.words {
        Some(words) if words.contains("with status") => FeedError {
            code: ErrorCode::Conflict,
            what: "it does not wait for approval any more".into(),
            ..error
        },
        _ => FeedError {
            sent: Sent::Maybe,
            ..error
        },
    }
}

fn restart_refused(error: FeedError) -> FeedError {
    match (error.status, error.words.as_deref()) {
        (Some(500), Some(words)) if words.contains("cannot restart") => FeedError {
            code: ErrorCode::Conflict,
            what: "a build that waits for approval or was declined cannot be run again".into(),
            ..error
        },
        // The build itself as JSON: its pipeline does not compile any more, and nothing will run.
        (Some(500), Some(_)) => FeedError {
            code: ErrorCode::Conflict,
            what: "the server made no job of the stored pipeline file".into(),
            ..error.hint("push a pipeline file that it accepts")
        },
        (Some(500), None) => error.hint("the repository's owner may be gone, or the forge refused the server"),
        (Some(404), _) => no_right(error)
            .hint("it takes the right to push to the repository; the stored pipeline file may be gone, too"),
        _ => error,
    }
}
