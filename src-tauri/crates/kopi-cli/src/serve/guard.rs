//! Who may come in: Host and Origin by allow-list on every route (421, 403), a one-time token against a session token.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rand::Rng;
use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq;

use super::Served;

const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; \
                      base-uri 'none'; form-action 'none'; object-src 'none'";
/// Sessions one address may open: tabs, reloads that lost theirs. Then the command must be started again.
const MOST_SESSIONS: usize = 32;

/// The one-time token and the sessions that came of it.
pub(crate) struct Tokens(Mutex<Inner>);

struct Inner {
    once: Option<String>,
    sessions: Vec<String>,
}

impl Tokens {
    /// With a fresh one-time token.
    pub(crate) fn new() -> (Self, String) {
        let once = token();
        (
            Self(Mutex::new(Inner {
                once: Some(once.clone()),
                sessions: Vec::new(),
            })),
            once,
        )
    }

    fn exchange(&self, offered: &str) -> Option<String> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let matches = inner.once.as_ref().is_some_and(|once| same(once, offered));
        if !matches || inner.sessions.len() >= MOST_SESSIONS {
            return None;
        }
        inner.once = None;
        let session = token();
        inner.sessions.push(session.clone());
        Some(session)
    }

    /// Whether a session has that token.
    pub(crate) fn knows(&self, offered: &str) -> bool {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // All are compared, so that time does not tell how far one got.
        inner
            .sessions
            .iter()
            .fold(false, |found, session| same(session, offered) | found)
    }
}

fn token() -> String {
    let bytes: [u8; 32] = rand::rng().random();
    bytes.iter().fold(String::new(), |mut token, byte| {
        let _ = write!(token, "{byte:02x}");
        token
    })
}

fn same(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}

/// On every route: the right Host (else 421), no foreign Origin (else 403), and headers that keep the page to itself.
pub(crate) async fn check(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
    let port = served.address.port();
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let headers = request.headers();
    if !one_of(headers, &header::HOST, &hosts).unwrap_or(false) {
        return plain(StatusCode::MISDIRECTED_REQUEST, "this address serves 127.0.0.1 only");
    }
    let origins = hosts.map(|host| format!("http://{host}"));
    if one_of(headers, &header::ORIGIN, &origins) == Some(false) {
        return plain(StatusCode::FORBIDDEN, "another page must not ask here");
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}

/// Whether the header, given once, is one of those; none when it is absent.
fn one_of(headers: &HeaderMap, name: &HeaderName, allowed: &[String]) -> Option<bool> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    Some(values.next().is_none() && allowed.iter().any(|value| value.as_bytes() == first.as_bytes()))
}

fn plain(status: StatusCode, words: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], words).into_response()
}

#[derive(Deserialize)]
pub(crate) struct Offer {
    token: String,
}

/// The one-time token against a session token, once.
pub(crate) async fn exchange(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
    Json(offer): Json<Offer>,
) -> Response {
    if !headers.contains_key(header::ORIGIN) {
        return plain(StatusCode::FORBIDDEN, "only the page may ask here");
    }
    match served.tokens.exchange(&offer.token) {
        Some(session) => Json(json!({ "token": session })).into_response(),
        None => plain(
            StatusCode::UNAUTHORIZED,
            "this address was used already; start kopi serve again",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_time_token_works_once() {
        let (tokens, once) = Tokens::new();
        assert!(tokens.exchange("guess").is_none());
        let session = tokens.exchange(&once).unwrap();
        assert!(tokens.exchange(&once).is_none());
        assert!(tokens.knows(&session) && !tokens.knows(&once) && !tokens.knows(""));
    }
}
