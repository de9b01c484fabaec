//! Who calls, and what every reply carries: keys, roles, projects, headers, errors (`apis/rancher.md §§ 1.2, 1.3`).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use base64::Engine as _;
use serde_json::{Value, json};

use super::verbs::Refusal;
use super::world::{Holder, Kind, Role, World};

/// The challenge of a 401.
const CHALLENGE: &str = "Basic realm=\"Enter API access key and secret key as username and password\"";

/// Whoever sent a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Caller {
    pub(super) holder: Holder,
    pub(super) access: String,
}

impl Caller {
    /// `1a5`.
    pub(super) fn account(&self) -> String {
        match &self.holder {
            Holder::Environment(project) => Kind::Project.id(*project),
            Holder::Account { id, .. } => Kind::Project.id(*id),
        }
    }

    pub(super) fn is_admin(&self) -> bool {
        matches!(self.holder, Holder::Account { admin: true, .. })
    }

    /// The role in a project; none: it is not theirs.
    pub(super) fn role_in(&self, project: u32) -> Option<Role> {
        match &self.holder {
            Holder::Environment(own) => (*own == project).then_some(Role::Owner),
            Holder::Account { admin: true, .. } => Some(Role::Owner),
            Holder::Account { roles, .. } => roles.get(&project).copied(),
        }
    }

    fn kind(&self) -> &'static str {
        match &self.holder {
            Holder::Environment(_) => "project",
            Holder::Account { admin: true, .. } => "admin",
            Holder::Account { .. } => "user",
        }
    }

    pub(super) fn name(&self, world: &World) -> String {
        match &self.holder {
            Holder::Environment(project) => world
                .projects
                .get(project)
                .map(|project| project.name.clone())
                .unwrap_or_default(),
            Holder::Account { name, .. } => name.clone(),
        }
    }
}

/// A 401, and whether it challenges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unauthorized {
    pub(super) challenge: bool,
}

/// Reads the key of a request.
pub(super) fn caller(world: &World, headers: &HeaderMap) -> Result<Caller, Unauthorized> {
    let quiet = header(headers, "x-api-no-challenge").is_some_and(|value| value == "true")
        || header(headers, "connection").is_some_and(|value| value.to_lowercase().contains("upgrade"));
    let known = basic(headers).and_then(|(access, secret)| {
        let key = world
            .keys
            .iter()
            .find(|key| key.active && key.access == access && key.secret == secret)?;
        Some(Caller {
            holder: key.holder.clone(),
            access,
        })
    });
    if let Some(caller) = known {
        return Ok(caller);
    }
    if world.access_control {
        return Err(Unauthorized { challenge: !quiet });
    }
    if header(headers, "x-enforce-authentication").is_some_and(|value| value == "true") {
        return Err(Unauthorized { challenge: false });
    }
    let holder = Holder::Account {
        id: 1,
        name: "System".into(),
        admin: true,
        roles: std::collections::BTreeMap::new(),
    };
    Ok(Caller {
        holder,
        access: String::new(),
    })
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = header(headers, "authorization")?.strip_prefix("Basic ")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Scheme and host as the server sees them (`§ 2`, links).
pub(super) fn origin(headers: &HeaderMap) -> String {
    let scheme = header(headers, "x-forwarded-proto").unwrap_or("http");
    let host = header(headers, "x-forwarded-host")
        .or_else(|| header(headers, "host"))
        .unwrap_or("localhost");
    match header(headers, "x-forwarded-port") {
        Some(port) if !host.contains(':') && !matches!((scheme, port), ("http", "80") | ("https", "443")) => {
            format!("{scheme}://{host}:{port}")
        }
        _ => format!("{scheme}://{host}"),
    }
}

/// What goes out, before headers that every reply has.
pub(super) struct Outcome {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Outcome {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }
}

/// The server's error body (`§ 1.3`).
pub(super) fn error_body(world: &mut World, refusal: &Refusal) -> Value {
    let mut body = json!({
        "id": world.uuid(),
        "type": "error",
        "links": {},
        "actions": {},
        "status": refusal.status,
        "code": refusal.code,
        "message": refusal.message,
        "detail": null,
    });
    if let Some(field) = &refusal.field {
        body["fieldName"] = field.as_str().into();
    }
    body["baseType"] = "error".into();
    body
}

/// Puts a reply together.
pub(super) fn reply(
    world: &World,
    caller: Option<&Caller>,
    schemas: &str,
    outcome: &Outcome,
    reading: bool,
    challenge: bool,
) -> Response<Body> {
    let known = caller.filter(|_| outcome.status != 401 && outcome.body.get("code") != Some(&json!("Forbidden")));
    let mut response = Response::new(Body::from(outcome.body.to_string()));
    *response.status_mut() = StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    put(headers, "content-type", "application/json; charset=utf-8");
    common_headers(headers, world, known, schemas);
    if reading && outcome.status == 200 {
        put(headers, "vary", "Accept-Encoding, User-Agent");
    }
    if challenge {
        put(headers, "www-authenticate", CHALLENGE);
    }
    response
}

pub(super) fn common_headers(headers: &mut HeaderMap, world: &World, caller: Option<&Caller>, schemas: &str) {
    let date = world.now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    put(headers, "date", &date);
    put(headers, "set-cookie", "PL=rancher;Path=/");
    put(headers, "expires", "Thu, 01 Jan 1970 00:00:00 GMT");
    put(headers, "x-rancher-version", &world.version);
    put(headers, "x-api-schemas", schemas);
    if let Some(caller) = caller {
        // Inside a project the account is the project's, whoever the user is.
        let inside = schemas
            .split("/projects/")
            .nth(1)
            .and_then(|rest| rest.split('/').next());
        put(headers, "x-api-account-id", inside.unwrap_or(&caller.account()));
        put(headers, "x-api-user-id", &caller.account());
        put(headers, "x-api-account-kind", caller.kind());
        put(headers, "x-api-account-name", &caller.name(world));
        put(headers, "x-api-client-ip", "127.0.0.1");
    }
}

pub(super) fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
