//! Reads a build's log (`apis/drone.md §§ 4.4, 4.5`): what has ended from the store, what runs from the stream of its
//! axis, and from the store again once it ended, for lines that the stream lost.
//!
//! Refuses: claiming completeness it cannot know: what the stream lost and the store does not have is marked as a gap.

use std::collections::HashSet;
use std::time::Duration;

use jiff::SignedDuration;
use kopi_feed::{Cx, FeedError, LogChunk, LogOutbox, SseItem};
use kopi_model::BuildStatus;
use kopi_model::wire::{ErrorCode, LogAsk};
use tokio::time::Instant;

use super::DroneSource;
use super::act::Target;
use super::api::WholeBuild;
use super::lines::Lines;
use super::parse::{self, Proc};

/// Lines are sent when none came for so long, or when there are many.
const QUIET: Duration = Duration::from_millis(40);
const MANY_LINES: usize = 1_000;
/// The history of a stream has come when nothing came for so long.
const REPLAYED: Duration = Duration::from_millis(400);
/// A chunk that is overtaken comes within this.
const OVERTAKEN: Duration = Duration::from_secs(2);
/// How often is looked whether a step that is followed has ended, or begun.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// A log is uploaded a moment after its step's end.
const UPLOAD_TRIES: u32 = 5;
const UPLOAD_WAIT: Duration = Duration::from_secs(1);
const UPLOAD_LATEST: SignedDuration = SignedDuration::from_secs(60);

struct Reader<'a> {
    source: &'a DroneSource,
    cx: &'a Cx,
    out: &'a LogOutbox,
    repo: String,
    number: u64,
    /// Only this step.
    step: Option<u64>,
    follow: bool,
    lines: Lines,
    done: HashSet<u64>,
    caught_up: bool,
    /// Some step was followed live: its store may not be there yet.
    was_live: bool,
}

/// The view has gone, or everything is said.
enum Flow {
    GoOn,
    Stop,
}

/// Sends the lines of a log until it ends, the taker goes away or `cx.stop` fires.
pub(super) async fn run(source: &DroneSource, cx: &Cx, ask: &LogAsk, out: &LogOutbox) -> Result<(), FeedError> {
    let Target::Build { repo, number } = Target::of(&ask.item)? else {
        return Err(no_log(ask, "only builds have logs here"));
    };
    let step = match ask.step.as_deref() {
        Some(key) => Some(key.parse().map_err(|_| no_log(ask, "there is no such step"))?),
        None => None,
    };
    let mut reader = Reader {
        source,
        cx,
        out,
        repo,
        number,
        step,
        follow: ask.follow,
        lines: Lines::new(step.is_none()),
        done: HashSet::new(),
        caught_up: false,
        was_live: false,
    };
    tokio::select! {
        ended = reader.read(ask) => ended,
        () = cx.stop.cancelled() => Ok(()),
    }
}

fn no_log(ask: &LogAsk, why: &str) -> FeedError {
    FeedError::new(ErrorCode::NoSuchItem, format!("read the log of {}", ask.item), why)
}

impl Reader<'_> {
    async fn read(&mut self, ask: &LogAsk) -> Result<(), FeedError> {
        loop {
            let whole = self.source.api.build(&self.repo, self.number).await?;
            let whole = whole.ok_or_else(|| no_log(ask, "the server has no such build"))?;
            self.source.learn(&whole);
            let steps = self.steps_of(&whole);
            let ended = whole.build.status.is_final();
            if steps.is_empty() && self.step.is_some() && (ended || !whole.procs.is_empty()) {
                return Err(no_log(ask, "there is no such step"));
            }
            let mut missing = None;
            for step in &steps {
                let status = parse::status(&step.state);
                let is_over = status.is_final() || ended;
                if self.done.contains(&step.pid) || !is_over {
                    continue;
                }
                if status != BuildStatus::Skipped && !self.take_stored(&whole, step).await? {
                    missing = Some(step.name.clone());
                }
                self.lines.end_step(&step.name);
                self.done.insert(step.pid);
                if matches!(self.send(false).await, Flow::Stop) {
                    return Ok(());
                }
            }
            let open: Vec<&Proc> = steps.iter().filter(|step| !self.done.contains(&step.pid)).collect();
            let all_taken = open.is_empty() && !steps.is_empty() && (self.step.is_some() || !self.follow);
            if ended || all_taken {
                self.send(true).await;
                return match missing.filter(|name| self.step.is_some() && !self.lines.has_begun(name)) {
                    Some(name) => Err(FeedError::new(
                        ErrorCode::NotFound,
                        format!("read the log of {}", ask.item),
                        format!(
                            "the server has no log of the step {}",
                            kopi_feed::text::clean(&name, 60)
                        ),
                    )),
                    None => Ok(()),
                };
            }
            let axis = open.iter().map(|step| step.ppid).find(|pid| {
                whole
                    .procs
                    .iter()
                    .any(|proc| proc.pid == *pid && proc.state == "running")
            });
            let flow = match axis {
                Some(axis) => self.follow_axis(axis, &open).await?,
                None => self.wait().await,
            };
            if matches!(flow, Flow::Stop) || !self.follow {
                return Ok(());
            }
        }
    }

    fn steps_of(&self, whole: &WholeBuild) -> Vec<Proc> {
        let steps = whole.procs.iter().filter(|proc| proc.ppid != 0);
        steps
            .filter(|proc| self.step.is_none_or(|pid| pid == proc.pid))
            .cloned()
            .collect()
    }

    /// Nothing runs yet.
    async fn wait(&mut self) -> Flow {
        if matches!(self.send(true).await, Flow::Stop) {
            return Flow::Stop;
        }
        if self.follow {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Flow::GoOn
    }

    /// Takes what is stored of a step; false when the server has nothing.
    async fn take_stored(&mut self, whole: &WholeBuild, step: &Proc) -> Result<bool, FeedError> {
        let fresh = whole
            .build
            .finished_at
            .is_none_or(|at| self.cx.clock.now().duration_since(at) < UPLOAD_LATEST);
        let tries = if self.was_live || fresh { UPLOAD_TRIES } else { 1 };
        for attempt in 1..=tries {
            if let Some(entries) = self.source.api.stored_log(&self.repo, self.number, step.pid).await? {
                for mut entry in entries {
                    // Whatever the chunks call their step: it was asked for by its number.
                    entry.step.clone_from(&step.name);
                    self.lines.push(entry);
                }
                return Ok(true);
            }
            if attempt < tries {
                tokio::time::sleep(UPLOAD_WAIT).await;
            }
        }
        Ok(false)
    }

    /// Takes the lines of a running axis until it ends, or until the steps that are asked for have.
    async fn follow_axis(&mut self, axis: u64, open: &[&Proc]) -> Result<Flow, FeedError> {
        let names: HashSet<String> = open
            .iter()
            .filter(|step| step.ppid == axis)
            .map(|step| step.name.clone())
            .collect();
        let pids: Vec<u64> = open
            .iter()
            .filter(|step| step.ppid == axis)
            .map(|step| step.pid)
            .collect();
        let mut stream = self.source.api.log_stream(&self.repo, self.number, axis).await?;
        self.was_live = true;
        let mut last_line = Instant::now();
        let mut unsent_since = last_line;
        let mut look_at = Instant::now() + LOOK_EVERY;
        loop {
            let replayed = (!self.caught_up).then(|| last_line + REPLAYED);
            let quiet = (self.lines.ready() > 0).then(|| unsent_since + QUIET);
            let overtaken = self.lines.is_waiting().then(|| last_line + OVERTAKEN);
            tokio::select! {
                item = stream.next() => match item {
                    Ok(SseItem::Message { event, data, .. }) if event == "message" => {
                        let value = serde_json::from_str(&data).unwrap_or_default();
                        let Some(entry) = parse::log_entry(&value) else {
                            continue;
                        };
                        if names.contains(&entry.step) {
                            last_line = Instant::now();
                            if self.lines.ready() == 0 {
                                unsent_since = last_line;
                            }
                            self.lines.push(entry);
                        } else {
                            // Another step prints: ours may have ended.
                            look_at = look_at.min(Instant::now() + QUIET);
                        }
                        if self.lines.ready() >= MANY_LINES && matches!(self.send(false).await, Flow::Stop) {
                            return Ok(Flow::Stop);
                        }
                    }
                    // `eof`, `stream not found` and the like: the store knows the rest.
                    Ok(SseItem::Message { .. }) => return Ok(self.send(false).await),
                    Ok(SseItem::Comment(_)) => {}
                    Err(error) if error.ended => return Ok(self.send(false).await),
                    Err(error) => return Err(error),
                },
                () = sleep_until(quiet) => {
                    if matches!(self.send(false).await, Flow::Stop) {
                        return Ok(Flow::Stop);
                    }
                }
                () = sleep_until(replayed) => {
                    if matches!(self.send(true).await, Flow::Stop) || !self.follow {
                        return Ok(Flow::Stop);
                    }
                }
                () = sleep_until(overtaken) => self.lines.give_up_waiting(),
                () = tokio::time::sleep_until(look_at) => {
                    look_at = Instant::now() + LOOK_EVERY;
                    if self.have_ended(&pids).await? {
                        return Ok(self.send(false).await);
                    }
                }
            }
        }
    }

    /// All these steps have ended: as the watch knows it while its stream is open, else asked.
    async fn have_ended(&self, pids: &[u64]) -> Result<bool, FeedError> {
        let key = (self.repo.clone(), self.number);
        let known = {
            let memory = self.source.memory();
            memory.streaming.then(|| memory.build(&key).cloned()).flatten()
        };
        let build = match known {
            Some(build) => Some(build),
            None => self
                .source
                .api
                .build(&self.repo, self.number)
                .await?
                .map(|whole| whole.build),
        };
        Ok(build.is_none_or(|build| {
            let has_ended = |pid: &u64| {
                let key = pid.to_string();
                build
                    .steps
                    .iter()
                    .find(|step| step.key == key)
                    .is_none_or(|step| step.status.is_final())
            };
            build.status.is_final() || pids.iter().all(has_ended)
        }))
    }

    async fn send(&mut self, caught_up: bool) -> Flow {
        let (lines, gap) = self.lines.take();
        let caught_up = caught_up && !self.caught_up;
        self.caught_up |= caught_up;
        if lines.is_empty() && !gap && !caught_up {
            return Flow::GoOn;
        }
        if self.out.send(LogChunk { lines, gap, caught_up }).await {
            Flow::GoOn
        } else {
            Flow::Stop
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
