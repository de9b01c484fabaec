//! WebSockets: the live stream and container logs (`apis/rancher.md §§ 8, 9`).

use std::time::Duration;

use axum::body::Body;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{Message, WebSocket};
use axum::http::{HeaderMap, Response};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::access::{self, Outcome};
use super::collection;
use super::render::View;
use super::render_rows;
use super::verbs::Refusal;
use super::world::{Holder, Kind, Role, World, number_of};
use super::{FakeCattle, LogTicket};

/// Answers a handshake.
pub(super) fn socket(
    fake: &FakeCattle,
    upgrade: WebSocketUpgrade,
    segments: &[String],
    query: &str,
    headers: &HeaderMap,
) -> Response<Body> {
    let lower: Vec<String> = segments.iter().map(|segment| segment.to_lowercase()).collect();
    let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["v1", "logs"] => logs(fake, upgrade, query),
        ["v1" | "v2-beta", "projects", id, "subscribe"] => subscribe(fake, upgrade, Some(id), query, headers),
        ["v1" | "v2-beta", "subscribe"] => subscribe(fake, upgrade, None, query, headers),
        _ => refuse(fake, headers, &Refusal::plain(404, "Not Found")),
    }
}

fn refuse(fake: &FakeCattle, headers: &HeaderMap, refusal: &Refusal) -> Response<Body> {
    let mut world = fake.lock();
    let body = access::error_body(&mut world, refusal);
    let outcome = Outcome {
        status: refusal.status,
        body,
    };
    let schemas = format!("{}/v2-beta/schemas", access::origin(headers));
    access::reply(&world, None, &schemas, &outcome, false, false)
}

fn subscribe(
    fake: &FakeCattle,
    upgrade: WebSocketUpgrade,
    project: Option<&str>,
    query: &str,
    headers: &HeaderMap,
) -> Response<Body> {
    let caller = access::caller(&fake.lock(), headers);
    let Ok(caller) = caller else {
        return refuse(fake, headers, &Refusal::plain(401, "Unauthorized"));
    };
    let pairs = collection::pairs(query);
    let by_query = pairs
        .iter()
        .find(|(key, _)| key == "projectId")
        .map(|(_, value)| value.as_str());
    let named = match (project.or(by_query), &caller.holder) {
        (Some(id), _) => number_of(id),
        (None, Holder::Environment(own)) => Some(*own),
        (None, Holder::Account { .. }) => return refuse(fake, headers, &Refusal::plain(404, "Not Found")),
    };
    let role = named.and_then(|project| Some((project, caller.role_in(project)?)));
    let known = role.filter(|(project, _)| fake.lock().projects.contains_key(project));
    let Some((number, role)) = known else {
        return refuse(fake, headers, &Refusal::plain(403, "Forbidden"));
    };
    let wanted = pairs
        .iter()
        .any(|(key, value)| key == "eventNames" && value == "resource.change");
    let view = View {
        origin: access::origin(headers),
        dialect: "v2-beta",
        project: project.map(|_| number),
        role,
        action_links: false,
    };
    let schemas = format!("{}/schemas", view.prefix());
    let stream = Stream {
        fake: fake.clone(),
        project: number,
        view,
        wanted,
    };
    let mut response = upgrade.on_upgrade(move |socket| stream.run(socket)).into_response();
    let world = fake.lock();
    access::common_headers(response.headers_mut(), &world, Some(&caller), &schemas);
    access::put(response.headers_mut(), "content-type", "text/plain");
    drop(world);
    response
}

struct Stream {
    fake: FakeCattle,
    project: u32,
    view: View,
    wanted: bool,
}

impl Stream {
    async fn run(self, mut socket: WebSocket) {
        let (pace, mut seen) = {
            let world = self.fake.lock();
            (world.pace.clone(), world.sequence)
        };
        let mut changes = self.fake.changes();
        let mut pings = interval_at(Instant::now() + pace.ping, pace.ping.max(Duration::from_millis(10)));
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = pings.tick() => {
                    let ping = self.ping();
                    if socket.send(Message::Text(ping.into())).await.is_err() { return; }
                }
                changed = changes.changed(), if self.wanted => {
                    if changed.is_err() { return; }
                    sleep(pace.coalesce).await;
                    changes.mark_unchanged();
                    let frames = self.frames(&mut seen);
                    for frame in frames {
                        if socket.send(Message::Text(frame.into())).await.is_err() { return; }
                    }
                }
                message = socket.recv() => match message {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return,
                    Some(Ok(_)) => {}
                },
            }
        }
    }

    fn ping(&self) -> String {
        let mut world = self.fake.lock();
        let id = world.uuid();
        json!({
            "id": id, "name": "ping", "resourceId": null, "resourceType": null,
            "data": {"options": {}, "resources": []}, "time": world.now.as_millisecond(),
        })
        .to_string()
    }

    /// One frame for each row that changed, as it is now.
    fn frames(&self, seen: &mut u64) -> Vec<String> {
        let mut world = self.fake.lock();
        let changes = world.changes_after(*seen);
        *seen = world.sequence;
        let mut frames = Vec::new();
        for (kind, number) in changes {
            if kind == Kind::AuditLog || render_rows::project_of(&world, kind, number) != Some(self.project) {
                continue;
            }
            let Some(resource) = render_rows::row(&world, kind, number, &self.view) else {
                continue;
            };
            let id = world.uuid();
            let frame = json!({
                "id": id,
                "name": "resource.change",
                "resourceId": resource.get("id"),
                "resourceType": resource.get("type"),
                "data": {"resource": resource},
                "time": world.now.as_millisecond(),
            });
            frames.push(frame.to_string());
        }
        frames
    }
}

/// Actions that are answered with a ticket for another socket. `None`: not one of them.
pub(super) fn access(
    fake: &FakeCattle,
    world: &mut World,
    kind: Kind,
    number: u32,
    action: &str,
    body: &Value,
    view: &View,
) -> Option<Result<Outcome, Refusal>> {
    if kind != Kind::Container || !matches!(action, "logs" | "execute" | "proxy") {
        return None;
    }
    if let Err(refusal) = world.container_action(number, action) {
        return Some(Err(refusal));
    }
    if action == "execute" && body.get("command").is_none_or(Value::is_null) {
        return Some(Err(Refusal::invalid("MissingRequired", "command")));
    }
    if view.role == Role::Readonly && action != "logs" {
        return Some(Err(Refusal::invalid("InvalidAction", "action")));
    }
    let token = format!("{}.{}.{}", world.uuid(), world.uuid(), world.uuid());
    if action == "logs" {
        let flag = |name: &str, default: bool| body.get(name).and_then(Value::as_bool).unwrap_or(default);
        let lines = body
            .get("lines")
            .and_then(Value::as_u64)
            .and_then(|lines| usize::try_from(lines).ok());
        let ticket = LogTicket {
            container: number,
            lines: lines.unwrap_or(100),
            follow: flag("follow", true),
            timestamps: flag("timestamps", true),
        };
        fake.keep_ticket(token.clone(), ticket);
    }
    let path = match action {
        "logs" => "logs",
        "execute" => "exec",
        _ => "container-proxy",
    };
    let origin = view.origin.replacen("http", "ws", 1);
    Some(Ok(Outcome::ok(json!({
        "id": null, "type": "hostAccess", "links": {}, "actions": {}, "baseType": "hostAccess",
        "token": token, "url": format!("{origin}/v1/{path}/"),
    }))))
}

fn logs(fake: &FakeCattle, upgrade: WebSocketUpgrade, query: &str) -> Response<Body> {
    let token = collection::pairs(query)
        .into_iter()
        .find(|(key, _)| key == "token")
        .map(|(_, value)| value);
    let ticket = token.and_then(|token| fake.take_ticket(&token));
    let reachable = ticket.as_ref().is_some_and(|ticket| {
        let world = fake.lock();
        let host = world
            .containers
            .get(&ticket.container)
            .and_then(|container| world.hosts.get(&container.host?));
        host.is_some_and(|host| host.silent_since.is_none())
    });
    if let Some(ticket) = ticket.filter(|_| reachable) {
        let fake = fake.clone();
        return upgrade
            .on_upgrade(move |socket| send_log(fake, ticket, socket))
            .into_response();
    }
    let mut response = Response::new(Body::from("Failed authentication\n"));
    *response.status_mut() = http::StatusCode::UNAUTHORIZED;
    access::put(response.headers_mut(), "content-type", "text/plain; charset=utf-8");
    response
}

async fn send_log(fake: FakeCattle, ticket: LogTicket, mut socket: WebSocket) {
    let mut changes = fake.log_changes();
    let mut next = {
        let world = fake.lock();
        let Some(container) = world.containers.get(&ticket.container) else {
            return;
        };
        container.log_first + container.log.len().saturating_sub(ticket.lines) as u64
    };
    loop {
        let lines: Vec<String> = {
            let world = fake.lock();
            let Some(container) = world.containers.get(&ticket.container) else {
                return;
            };
            let skipped = usize::try_from(next.saturating_sub(container.log_first)).unwrap_or(0);
            let lines: Vec<String> = container.log.iter().skip(skipped).cloned().collect();
            next = container.log_first + container.log.len() as u64;
            lines
        };
        for line in lines {
            let text = if ticket.timestamps {
                line
            } else {
                let mut parts = line.splitn(3, ' ');
                let stream = parts.next().unwrap_or("00").to_owned();
                format!("{stream} {}", parts.nth(1).unwrap_or_default())
            };
            if socket.send(Message::Text(format!("{text}\n").into())).await.is_err() {
                return;
            }
        }
        if !ticket.follow {
            return;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            message = socket.recv() => if matches!(message, None | Some(Err(_) | Ok(Message::Close(_)))) { return },
        }
    }
}
