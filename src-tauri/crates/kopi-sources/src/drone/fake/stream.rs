//! The two streams, framed byte for byte as the real server does (`apis/drone.md §§ 4.5, 4.8, 4.9`).

use std::collections::{HashSet, VecDeque};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{broadcast, watch};

use super::guard::{Caller, Refusal, event_stream, go_json};
use super::rest::{full, number_in};
use super::state::{FakeLine, Right};
use super::{EventFrame, FakeDrone};

const PING: &str = ": ping\n\n";

struct Events {
    drone: FakeDrone,
    frames: broadcast::Receiver<EventFrame>,
    cuts: watch::Receiver<u64>,
    /// Repositories as the caller's list had them when the stream was opened.
    seen: HashSet<String>,
    waiting: VecDeque<String>,
    sent: u32,
    held_back: Option<String>,
}

/// `GET /stream/events`: guests get one, too, with public repositories only.
pub(super) async fn events(State(drone): State<FakeDrone>, caller: Caller) -> Response {
    let seen = {
        let world = drone.world();
        let names = world
            .repos
            .keys()
            .filter(|name| world.listed_right(caller.login(), name).is_some());
        names.cloned().collect()
    };
    let mut cuts = drone.0.cuts.subscribe();
    cuts.mark_unchanged();
    let state = Events {
        frames: drone.0.events.subscribe(),
        drone,
        cuts,
        seen,
        waiting: VecDeque::from([PING.to_owned()]),
        sent: 0,
        held_back: None,
    };
    event_stream(Body::from_stream(stream::unfold(state, next_event)))
}

async fn next_event(mut state: Events) -> Option<(Result<Bytes, std::io::Error>, Events)> {
    loop {
        if let Some(text) = state.waiting.pop_front() {
            return Some((Ok(Bytes::from(text)), state));
        }
        let silence = state.drone.knobs().ping_every;
        tokio::select! {
            _ = state.cuts.changed() => return None,
            frame = state.frames.recv() => match frame {
                Ok(frame) if frame.public || state.seen.contains(&frame.repo) => {
                    state.queue(format!("data: {}\n\n", go_json(frame.json.to_string())));
                }
                // A reader that is too far behind misses frames.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            },
            () = tokio::time::sleep(silence) => {
                state.waiting.extend(state.held_back.take());
                state.waiting.push_back(PING.into());
            }
        }
    }
}

impl Events {
    fn queue(&mut self, text: String) {
        let knobs = self.drone.knobs();
        self.sent = self.sent.wrapping_add(1);
        let is_due = |every: u32| every > 0 && self.sent.is_multiple_of(every);
        let (drop_it, double_it, swap_it) = (
            is_due(knobs.drop_every),
            is_due(knobs.double_every),
            is_due(knobs.swap_every),
        );
        if drop_it {
            return;
        }
        if swap_it && self.held_back.is_none() {
            self.held_back = Some(text);
            return;
        }
        if double_it {
            self.waiting.push_back(text.clone());
        }
        self.waiting.push_back(text);
        self.waiting.extend(self.held_back.take());
    }
}

struct Lines {
    drone: FakeDrone,
    changes: watch::Receiver<u64>,
    cuts: watch::Receiver<u64>,
    repo: String,
    number: u64,
    axis: u64,
    sent: usize,
    waiting: VecDeque<String>,
    ended: bool,
}

/// `GET /stream/logs/{owner}/{name}/{number}/{pid}`: all steps of a running axis, from their beginning.
pub(super) async fn logs(
    State(drone): State<FakeDrone>,
    caller: Caller,
    Path((owner, name, number, pid)): Path<(String, String, String, String)>,
) -> Result<Response, Refusal> {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Pull)?;
    let (number, axis) = (number_in(&number)?, number_in(&pid)?);
    let refusal = {
        let world = drone.world();
        match world
            .build(&repo, number)
            .map(|state| state.build.procs.iter().find(|proc| proc.pid == axis))
        {
            None => Some("build not found"),
            Some(None) => Some("process not found"),
            Some(Some(proc)) if proc.state != "running" => Some("stream not found"),
            // A step has no stream of its own: it opens and ends at once.
            Some(Some(proc)) => (proc.ppid != 0).then_some("eof"),
        }
    };
    let mut waiting = VecDeque::from([PING.to_owned()]);
    waiting.extend(refusal.map(error_frame));
    let mut cuts = drone.0.cuts.subscribe();
    cuts.mark_unchanged();
    let state = Lines {
        changes: drone.0.log_changes.subscribe(),
        drone,
        cuts,
        repo,
        number,
        axis,
        sent: 0,
        waiting,
        ended: refusal.is_some(),
    };
    Ok(event_stream(Body::from_stream(stream::unfold(state, next_line))))
}

fn error_frame(words: &str) -> String {
    format!("event: error\ndata: {words}\n\n")
}

async fn next_line(mut state: Lines) -> Option<(Result<Bytes, std::io::Error>, Lines)> {
    loop {
        if let Some(text) = state.waiting.pop_front() {
            return Some((Ok(Bytes::from(text)), state));
        }
        if state.ended {
            return None;
        }
        state.changes.mark_unchanged();
        state.take_new();
        if !state.waiting.is_empty() {
            continue;
        }
        let silence = state.drone.knobs().ping_every;
        tokio::select! {
            _ = state.cuts.changed() => return None,
            changed = state.changes.changed() => changed.ok()?,
            () = tokio::time::sleep(silence) => state.waiting.push_back(PING.into()),
        }
    }
}

impl Lines {
    /// Lines that came since, and the end once the axis has ended.
    fn take_new(&mut self) {
        let swap_every = self.drone.knobs().swap_every as usize;
        let (mut fresh, running): (Vec<FakeLine>, bool) = {
            let world = self.drone.world();
            let state = world.build(&self.repo, self.number);
            state
                .map(|state| state.axis_lines(self.axis, self.sent))
                .unwrap_or_default()
        };
        if swap_every > 0 {
            for pair in fresh.chunks_mut(swap_every.max(2)).filter(|pair| pair.len() > 1) {
                pair.swap(0, 1);
            }
        }
        for line in fresh {
            self.sent += 1;
            let json = go_json(serde_json::to_string(&line).unwrap_or_default());
            self.waiting.push_back(format!("id: {}\ndata: {json}\n\n", self.sent));
        }
        if !running {
            self.waiting.push_back(error_frame("eof"));
            self.ended = true;
        }
    }
}
