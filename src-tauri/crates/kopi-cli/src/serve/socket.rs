//! One page's socket: the first frame is its Hello with the session token, then the same frames as everywhere.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kopi_core::Face;
use kopi_core::socket::attach;
use kopi_model::wire::{Act, ApiError, ErrorCode, Frame, PROTOCOL, Query, Request, RequestBody};
use tokio::sync::mpsc;

use super::{Backend, Served};

/// The first frame must be here by then.
const GREETING: Duration = Duration::from_secs(5);
/// A request is small; a pasted message at most.
const MOST_IN: usize = 256 * 1024;
/// "Policy violation": the page does not ask again.
const REFUSED: u16 = 1008;

/// Upgrades, when the page's own origin asks.
pub(crate) async fn open(State(served): State<Arc<Served>>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    if !headers.contains_key(header::ORIGIN) {
        return (StatusCode::FORBIDDEN, "only the page may ask here").into_response();
    }
    upgrade.max_message_size(MOST_IN).on_upgrade(move |socket| async move {
        let stop = served.stop.clone();
        tokio::select! {
            () = talk(&served, socket) => {}
            () = stop.cancelled() => {}
        }
    })
}

async fn talk(served: &Served, mut socket: WebSocket) {
    let Ok(Some(Request {
        body: RequestBody::Hello(hello),
        ..
    })) = tokio::time::timeout(GREETING, read(&mut socket)).await
    else {
        return close(socket, REFUSED, "the first frame must be a hello").await;
    };
    if !hello.token.as_deref().is_some_and(|token| served.tokens.knows(token)) {
        return close(socket, REFUSED, "this address was used already; start kopi serve again").await;
    }
    if hello.protocol != PROTOCOL {
        return close(socket, REFUSED, "the page is of another version: reload it").await;
    }
    match &served.backend {
        Backend::Own(core) => {
            let face = if served.may_act {
                Face::acting("browser")
            } else {
                Face::looking("browser")
            };
            let (session, mut frames) = core.session(face);
            if !send(&mut socket, &Frame::Hello(session.hello())).await {
                return;
            }
            loop {
                tokio::select! {
                    frame = frames.next() => match frame {
                        Some(frame) => if !send(&mut socket, &frame).await { return },
                        None => return close(socket, 1001, "the core has gone").await,
                    },
                    request = read(&mut socket) => match request {
                        Some(request) => session.handle(request).await,
                        None => return,
                    },
                }
            }
        }
        Backend::Attached(paths) => relay(served, paths, socket).await,
    }
}

/// The running core trusts this program as its user; so what the page may not do is refused here.
async fn relay(served: &Served, paths: &kopi_core::Paths, mut socket: WebSocket) {
    let (client, mut frames) = match attach(paths, "browser").await {
        Ok(attached) => attached,
        Err(error) => return close(socket, 1013, &error.message).await,
    };
    let mut hello = client.hello().clone();
    hello.may_act &= served.may_act;
    if !send(&mut socket, &Frame::Hello(hello)).await {
        return;
    }
    let (answers, mut answered) = mpsc::channel::<Frame>(64);
    // A log opened by the page has the page's number; the core knows it by ours.
    let mut logs: Vec<(u64, u64)> = Vec::new();
    loop {
        tokio::select! {
            frame = frames.next() => {
                let Some(mut frame) = frame else { return close(socket, 1001, "the core has gone").await };
                if let Frame::Log(log) = &mut frame {
                    let Some((theirs, _)) = logs.iter().find(|(_, ours)| *ours == log.id) else { continue };
                    let (theirs, ours) = (*theirs, log.id);
                    log.id = theirs;
                    if log.ended.is_some() {
                        logs.retain(|(_, number)| *number != ours);
                    }
                }
                if !send(&mut socket, &frame).await { return }
            }
            Some(frame) = answered.recv() => if !send(&mut socket, &frame).await { return },
            request = read(&mut socket) => {
                let Some(Request { id, body }) = request else { return };
                match body {
                    RequestBody::Hello(_) => {}
                    RequestBody::Query(query) => {
                        let (client, answers) = (client.clone(), answers.clone());
                        let allowed = served.may_act || may_read(&query);
                        tokio::spawn(async move {
                            let result = if allowed { client.query(query).await } else { Err(not_here()) };
                            answers.send(Frame::Answer { id, result }).await.ok();
                        });
                    }
                    RequestBody::Act(act) => {
                        let (client, answers) = (client.clone(), answers.clone());
                        let allowed = served.may_act || may_look(&act);
                        tokio::spawn(async move {
                            let result = if allowed { client.act(act).await } else { Err(not_here()) };
                            answers.send(Frame::Answer { id, result }).await.ok();
                        });
                    }
                    RequestBody::OpenLog(ask) => match client.send(RequestBody::OpenLog(ask)).await {
                        Ok(ours) => logs.push((id, ours)),
                        Err(_) => return,
                    },
                    RequestBody::CloseLog { opened } => {
                        let Some(place) = logs.iter().position(|(theirs, _)| *theirs == opened) else { continue };
                        let (_, ours) = logs.swap_remove(place);
                        if client.send(RequestBody::CloseLog { opened: ours }).await.is_err() { return }
                    }
                    other => if client.send(other).await.is_err() { return },
                }
            }
        }
    }
}

/// What a page that may not act may still do: nothing of it leaves this machine or changes anything on it.
fn may_look(act: &Act) -> bool {
    matches!(act, Act::TryNow { .. })
}

/// What a page that may not act may read: nothing that sends a request it names, nothing of this machine's files.
fn may_read(query: &Query) -> bool {
    !matches!(query, Query::ProbeNew { .. } | Query::Found | Query::ConfigCheck)
}

fn not_here() -> ApiError {
    ApiError::new(ErrorCode::NotAllowedHere, "this page may only look").hint("kopi serve --allow-actions")
}

async fn read(socket: &mut WebSocket) -> Option<Request> {
    loop {
        match socket.recv().await?.ok()? {
            Message::Text(text) => return serde_json::from_str(&text).ok(),
            Message::Binary(_) | Message::Close(_) => return None,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

async fn send(socket: &mut WebSocket, frame: &Frame) -> bool {
    match serde_json::to_string(frame) {
        Ok(text) => socket.send(Message::Text(text.into())).await.is_ok(),
        Err(_) => false,
    }
}

async fn close(mut socket: WebSocket, code: u16, reason: &str) {
    let reason: String = reason.chars().take(60).collect();
    socket
        .send(Message::Close(Some(CloseFrame {
            code,
            reason: reason.into(),
        })))
        .await
        .ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_looking_page_may_only_ask_again() {
        assert!(may_look(&Act::TryNow { connection: None }));
        assert!(!may_look(&Act::Quit));
        assert!(!may_look(&Act::Demo { on: true }));
        assert!(may_read(&Query::About) && !may_read(&Query::Found));
        assert_eq!(not_here().code, ErrorCode::NotAllowedHere);
    }
}
