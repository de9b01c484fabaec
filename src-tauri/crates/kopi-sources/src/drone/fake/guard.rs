//! Who asks and whether they may (`apis/drone.md §§ 2, 4.10`), and how answers are dressed: status, bodies and headers of the
//! real server, whose refusals are mostly empty.

use axum::body::Body;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::FakeDrone;
use super::state::Right;

/// The login of whoever asks; none: a guest, which a wrong token makes one, too.
pub(super) struct Caller(pub Option<String>);

impl Caller {
    pub(super) fn login(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct AccessToken {
    access_token: Option<String>,
}

impl FromRequestParts<FakeDrone> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, drone: &FakeDrone) -> Result<Self, Self::Rejection> {
        let from_header = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(|value| {
                let token = value.strip_prefix("Bearer ").unwrap_or(value);
                token.trim().to_owned()
            });
        let token = from_header.or_else(|| {
            let query = Query::<AccessToken>::try_from_uri(&parts.uri).ok()?;
            query.0.access_token
        });
        let login = token.and_then(|token| drone.world().user_with(&token).map(|user| user.login.clone()));
        Ok(Self(login))
    }
}

/// An answer that says no; small, so that it can stand in a `Result`.
pub(super) struct Refusal(Box<Response>);

impl From<Response> for Refusal {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

pub(super) fn refuse(status: StatusCode, words: &str) -> Refusal {
    text(status, words).into()
}

pub(super) fn refuse_empty(status: StatusCode) -> Refusal {
    empty(status).into()
}

/// Signed in, or the refusal.
pub(super) fn need_user(caller: &Caller) -> Result<(), Refusal> {
    if caller.0.is_some() {
        return Ok(());
    }
    Err(refuse(StatusCode::UNAUTHORIZED, "User not authorized"))
}

impl FakeDrone {
    /// Listed as an administrator, or the refusal, which is 413.
    pub(super) fn need_admin(&self, caller: &Caller) -> Result<(), Refusal> {
        need_user(caller)?;
        if self
            .world()
            .users
            .iter()
            .any(|user| user.admin && user.login == caller.login())
        {
            return Ok(());
        }
        Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "User not authorized"))
    }

    /// May do this with the repository, or the refusal.
    pub(super) fn need(&self, caller: &Caller, repo: &str, needed: Right) -> Result<(), Refusal> {
        let right = self.world().right(caller.0.as_deref(), repo);
        if right >= Some(needed) {
            return Ok(());
        }
        if caller.0.is_none() {
            return Err(refuse_empty(StatusCode::UNAUTHORIZED));
        }
        // Only a missing right to administer is said; everything else is hidden.
        Err(match (right, needed) {
            (Some(_), Right::Admin) => refuse(StatusCode::FORBIDDEN, "User not authorized"),
            _ => refuse_empty(StatusCode::NOT_FOUND),
        })
    }
}

fn respond(status: StatusCode, kind: Option<&'static str>, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Some(kind) = kind {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}

pub(super) fn empty(status: StatusCode) -> Response {
    respond(status, None, Body::empty())
}

pub(super) fn text(status: StatusCode, words: &str) -> Response {
    respond(status, Some("text/plain; charset=utf-8"), Body::from(words.to_owned()))
}

pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    respond(
        status,
        Some("application/json; charset=utf-8"),
        Body::from(go_json(value.to_string())),
    )
}

pub(super) fn indented_json(value: &Value) -> Response {
    let body = serde_json::to_string_pretty(value).unwrap_or_default();
    respond(
        StatusCode::OK,
        Some("application/json; charset=utf-8"),
        Body::from(go_json(body)),
    )
}

/// A log is sent as the agent uploaded it, without a character set.
pub(super) fn stored(body: String) -> Response {
    respond(StatusCode::OK, Some("application/json"), Body::from(body))
}

pub(super) fn page() -> Response {
    const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>Drone</title>\n</head>\n<body>\n<div id=\"root\"></div>\n</body>\n</html>\n";
    respond(StatusCode::OK, Some("text/html; charset=UTF-8"), Body::from(PAGE))
}

pub(super) fn typed(kind: &'static str, body: String) -> Response {
    respond(StatusCode::OK, Some(kind), Body::from(body))
}

pub(super) fn event_stream(body: Body) -> Response {
    let mut response = respond(StatusCode::OK, Some("text/event-stream"), body);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
    response
}

/// Go's encoder writes these so that JSON can stand in a page.
pub(super) fn go_json(body: String) -> String {
    if body.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return body
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029");
    }
    body
}

/// The headers of every reply.
pub(super) async fn dress(State(drone): State<FakeDrone>, mut response: Response) -> Response {
    let version = drone.world().version.clone();
    let now = http_date(drone.now());
    let headers = response.headers_mut();
    let fixed = [
        ("access-control-allow-origin", "*"),
        ("expires", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("x-xss-protection", "1; mode=block"),
    ];
    for (name, value) in fixed {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let no_cache = HeaderValue::from_static("no-cache, no-store, max-age=0, must-revalidate, value");
    headers.entry(header::CACHE_CONTROL).or_insert(no_cache);
    for (name, value) in [("last-modified", &now), ("date", &now), ("x-drone-version", &version)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
