//! Linux: attaches to the agent's core over the control socket, starts the agent when there is none, notices a core that
//! dies or hangs within 2 s and goes on with the next one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kopi_core::Paths;
use kopi_core::socket::{Client, ClientFrames, attach};
use kopi_model::wire::{Act, ApiError, ErrorCode, Frame, LogFrame, Request, RequestBody};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout};

use super::Line;
use crate::agent::AgentStarter;
use crate::page::Page;

/// A core that starts is tried again so often.
const TRY_AGAIN: Duration = Duration::from_millis(30);
/// A core must be there so long after its agent was started.
const STARTS_WITHIN: Duration = Duration::from_secs(10);
/// After a start that failed; doubles up to the most.
const REST: Duration = Duration::from_secs(1);
/// Most of it.
const REST_MOST: Duration = Duration::from_secs(15);
/// Signs of life are asked for so often; with the client's own patience a hung core is known within 2 s.
const HEARTBEAT: Duration = Duration::from_millis(400);

/// An attached core. Logs are open under the core's numbers and go to the page under its own.
#[derive(Clone)]
pub struct Attached {
    client: Client,
    logs: Arc<Mutex<HashMap<u64, u64>>>,
}

impl Attached {
    pub(super) async fn carry(&self, request: Request, page: &Page) {
        let (client, page, id) = (self.client.clone(), page.clone(), request.id);
        match request.body {
            RequestBody::Query(query) => {
                tokio::spawn(async move {
                    let result = client.query(query).await;
                    page.send(Frame::Answer { id, result });
                });
            }
            RequestBody::Act(act) => {
                tokio::spawn(async move {
                    let result = client.act(act).await;
                    page.send(Frame::Answer { id, result });
                });
            }
            RequestBody::OpenLog(ask) => {
                // Held until the number is known: the first lines may come before it is.
                let mut logs = self.logs.lock().await;
                match client.send(RequestBody::OpenLog(ask)).await {
                    Ok(number) => {
                        logs.insert(number, id);
                    }
                    Err(error) => page.send(ended_log(id, error)),
                }
            }
            RequestBody::CloseLog { opened } => {
                let mut logs = self.logs.lock().await;
                let number = logs
                    .iter()
                    .find(|(_, page_id)| **page_id == opened)
                    .map(|(number, _)| *number);
                if let Some(number) = number {
                    logs.remove(&number);
                    drop(logs);
                    self.send(RequestBody::CloseLog { opened: number }).await;
                }
            }
            body @ (RequestBody::Subscribe | RequestBody::Ack { .. } | RequestBody::Visible { .. }) => {
                self.send(body).await;
            }
            RequestBody::Hello(_) => {}
        }
    }

    /// A core that is gone is noticed elsewhere.
    async fn send(&self, body: RequestBody) {
        if let Err(error) = self.client.send(body).await {
            tracing::debug!(message = %error.message, "not sent");
        }
    }
}

fn ended_log(id: u64, error: ApiError) -> Frame {
    Frame::Log(LogFrame {
        id,
        lines: Vec::new(),
        gap: false,
        caught_up: true,
        ended: Some(kopi_model::wire::LogEnd::Failed { error }),
    })
}

/// Why the line came down.
enum Down {
    /// The core said goodbye because a person said quit.
    Quit,
    /// The core died, hung, or went away to come back.
    Gone,
    /// The page was loaded anew: it starts from nothing, and so does its line.
    Reloaded,
}

/// What the window does when the core says so.
pub trait Window: Send + Sync + 'static {
    /// To the front.
    fn raise(&self);
    /// The end.
    fn close(&self);
}

/// Holds the line up for as long as the window lives.
pub async fn hold(line: Line, paths: Paths, mut agent: AgentStarter, demo: bool, window: impl Window) {
    let page = line.page.clone();
    let mut loads = page.loads();
    line.demo.store(demo, Ordering::Relaxed);
    let mut told = None;
    let mut rest = REST;
    loop {
        let (client, frames) = match reach(&paths, &mut agent).await {
            Ok(attached) => attached,
            Err(error) => {
                tracing::warn!(code = ?error.code, message = %error.message, "no core");
                page.send(Frame::Bye { why: say(&error) });
                // A page loaded meanwhile wants to hear it too.
                tokio::select! {
                    () = sleep(rest) => {}
                    _ = loads.changed() => {}
                }
                rest = (rest * 2).min(REST_MOST);
                continue;
            }
        };
        rest = REST;
        // Once a core: one that was started after another died does not know of the demo.
        let core = client.hello().core.clone();
        let is_new = told.replace(core.clone()) != Some(core);
        if is_new
            && line.demo.load(Ordering::Relaxed)
            && let Err(error) = client.act(Act::Demo { on: true }).await
        {
            tracing::warn!(message = %error.message, "the demo did not start");
        }
        // The page comes up while the core does: whoever is first waits.
        while *loads.borrow_and_update() == 0 {
            if loads.changed().await.is_err() {
                return;
            }
        }
        let attached = Attached {
            client: client.clone(),
            logs: Arc::default(),
        };
        let logs = attached.logs.clone();
        line.attach(attached).await;
        page.send(Frame::Hello(client.hello().clone()));
        let down = relay(&client, frames, &logs, &page, &mut loads, &window).await;
        line.detach().await;
        match down {
            Down::Quit => return window.close(),
            Down::Gone => page.send(Frame::Bye {
                why: "core_gone".into(),
            }),
            Down::Reloaded => {}
        }
    }
}

async fn relay(
    client: &Client,
    mut frames: ClientFrames,
    logs: &Mutex<HashMap<u64, u64>>,
    page: &Page,
    loads: &mut watch::Receiver<u64>,
    window: &impl Window,
) -> Down {
    let gone = client.gone();
    let heartbeat = async {
        loop {
            sleep(HEARTBEAT).await;
            if client.heartbeat().await.is_err() {
                return;
            }
        }
    };
    tokio::pin!(heartbeat);
    loop {
        let frame = tokio::select! {
            // A goodbye that is in already comes before the end of the line: who quits must not be started again.
            biased;
            frame = frames.next() => frame,
            () = gone.cancelled() => return Down::Gone,
            () = &mut heartbeat => return Down::Gone,
            _ = loads.changed() => return Down::Reloaded,
        };
        match frame {
            Some(Frame::Bye { why }) if why == "quit" => return Down::Quit,
            None | Some(Frame::Bye { .. }) => return Down::Gone,
            Some(Frame::Show { item, log }) => {
                page.show(item, log);
                window.raise();
            }
            Some(Frame::Log(log)) => {
                let mut logs = logs.lock().await;
                let known = if log.ended.is_some() {
                    logs.remove(&log.id)
                } else {
                    logs.get(&log.id).copied()
                };
                if let Some(id) = known {
                    page.send(Frame::Log(LogFrame { id, ..log }));
                }
            }
            Some(frame) => page.send(frame),
        }
    }
}

/// Attaches to the running core, or starts one.
async fn reach(paths: &Paths, agent: &mut AgentStarter) -> Result<(Client, ClientFrames), ApiError> {
    match attach(paths, "window").await {
        Err(error) if error.code == ErrorCode::CoreGone => {}
        outcome => return outcome,
    }
    agent.start()?;
    let deadline = Instant::now() + STARTS_WITHIN;
    loop {
        sleep(TRY_AGAIN).await;
        match attach(paths, "window").await {
            Err(error) if error.code == ErrorCode::CoreGone => {
                if let Some(failed) = agent.failed() {
                    return Err(failed);
                }
                if Instant::now() > deadline {
                    return Err(error);
                }
            }
            outcome => return outcome,
        }
    }
}

/// A second start: the window that lives comes up, on this item.
///
/// # Errors
/// When no core answers in time, or it is of another version.
pub async fn raise_living(
    paths: &Paths,
    item: Option<kopi_model::ItemId>,
    log: bool,
    demo: bool,
) -> Result<(), ApiError> {
    let attached = async {
        loop {
            match attach(paths, "launcher").await {
                Err(error) if error.code == ErrorCode::CoreGone => sleep(TRY_AGAIN).await,
                outcome => return outcome,
            }
        }
    };
    let (client, _frames) = timeout(STARTS_WITHIN, attached)
        .await
        .map_err(|_| ApiError::new(ErrorCode::CoreGone, "a window is open, but its core does not answer"))??;
    if demo {
        client.act(Act::Demo { on: true }).await?;
    }
    client.act(Act::Show { item, log }).await.map(drop)
}

/// Only the core is wanted: sees to it that it runs.
///
/// # Errors
/// When it does not.
pub async fn only_core(paths: &Paths, agent: &mut AgentStarter, demo: bool) -> Result<(), ApiError> {
    let (client, _frames) = reach(paths, agent).await?;
    if demo {
        client.act(Act::Demo { on: true }).await?;
    }
    Ok(())
}

fn say(error: &ApiError) -> String {
    match &error.hint {
        Some(hint) => format!("{}; {hint}", error.message),
        None => error.message.clone(),
    }
}
