//! The one place that says why a call failed, in words a person can act on.
//!
//! Refuses: the server's words in our sentence (they go into `FeedError::words`), an address with a credential in it.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use kopi_model::wire::ErrorCode;
use rustls::CertificateError;
use url::Url;

use crate::text::clean;
use crate::tls::CertificateFault;
use crate::{FeedError, Sent};

/// What was under way when a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Connecting, sending, waiting for the first byte.
    Head,
    /// Reading the answer.
    Body,
}

/// `drone.company.com:8000`, for sentences.
pub fn place(base: &Url) -> String {
    let host = base.host_str().unwrap_or("?");
    match base.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// No answer in time.
pub fn timeout(request: &str, base: &Url, phase: Phase, waited: Duration) -> FeedError {
    let what = match phase {
        Phase::Head => format!("no answer within {}", seconds(waited)),
        Phase::Body => format!("the answer was not complete within {}", seconds(waited)),
    };
    FeedError::new(ErrorCode::Timeout, request, what).hint(format!(
        "{} is reachable but slow or overloaded, or something on the way holds the connection",
        place(base)
    ))
}

/// A failure below HTTP, found in the chain of causes.
pub fn transport(request: &str, base: &Url, phase: Phase, error: &reqwest::Error) -> FeedError {
    let place = place(base);
    let causes = Causes::of(error);
    let new = |code, what: String| FeedError::new(code, request, what);
    if let Some(away) = causes.away {
        return redirected(request, base, away);
    }
    if let Some(cause) = causes.tls {
        return tls(request, base, cause);
    }
    if error.is_dns() {
        return new(
            ErrorCode::Dns,
            format!("the name {} is not known", base.host_str().unwrap_or("?")),
        )
        .hint("check the address for a typing error; if the name is only known inside the company, is the VPN up?");
    }
    if causes.says("tunnel") || causes.says("proxy") || causes.says("socks") {
        return new(
            ErrorCode::Proxy,
            format!("the proxy did not connect to {place}: {}", causes.last()),
        )
        .hint("check HTTP_PROXY, HTTPS_PROXY and NO_PROXY; a server inside the company usually belongs into NO_PROXY");
    }
    if error.is_timeout() && error.is_connect() {
        return new(ErrorCode::Timeout, format!("no connection to {place} in time"))
            .hint("is the VPN up, is the port right, does a firewall drop the connection?");
    }
    if error.is_timeout() {
        return new(ErrorCode::Timeout, "no answer in time".into());
    }
    match causes.io {
        Some(io::ErrorKind::ConnectionRefused) => {
            return new(ErrorCode::Refused, format!("{place} refuses connections"))
                .hint("is the server running, and is the port right?");
        }
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown) => {
            return new(ErrorCode::Refused, format!("there is no way to {place} from here"))
                .hint("is this machine online, and the VPN up?");
        }
        _ => {}
    }
    if phase == Phase::Body {
        if causes.says("end of file")
            || causes.says("unexpected eof")
            || causes.says("incomplete")
            || causes.says("reset")
        {
            return new(ErrorCode::Truncated, "the answer breaks off".into())
                .hint("the server or a proxy on the way closed the connection too early; it will be asked again");
        }
        if error.is_decode() {
            return new(
                ErrorCode::UnexpectedAnswer,
                format!("the answer cannot be unpacked: {}", causes.last()),
            );
        }
    }
    if causes.is_reset() {
        return new(
            ErrorCode::Reset,
            format!("{place} closed the connection without an answer"),
        )
        .hint("the server may be restarting, or a proxy or firewall on the way cut the connection");
    }
    if causes.says("invalid http") || causes.says("parse") {
        return new(ErrorCode::UnexpectedAnswer, format!("{place} does not speak HTTP"))
            .hint("is this the right port, and http:// or https:// as the server has it?");
    }
    if error.is_connect() {
        return new(
            ErrorCode::Refused,
            format!("no connection to {place}: {}", causes.last()),
        );
    }
    new(
        ErrorCode::Reset,
        format!("the connection to {place} broke: {}", causes.last()),
    )
}

/// The server wants the request to go to another place.
pub fn redirected(request: &str, base: &Url, to: &Url) -> FeedError {
    let mut error = FeedError::new(
        ErrorCode::RedirectedAway,
        request,
        format!(
            "{} sends on to {}",
            place(base),
            crate::redact::url(to).split('?').next().unwrap_or_default()
        ),
    );
    error.hint = Some(
        if to.host_str() == base.host_str() && base.scheme() == "http" && to.scheme() == "https" {
            format!("put https://{} into url", place(to))
        } else {
            "no secret is sent to another host; if the server has moved, put the new address into url (a sign-in page in \
         front of the server cannot be passed)"
            .into()
        },
    );
    error
}

/// An answer with a status that is no success.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: &'a HeaderMap,
    /// What the server says, or the title of its page; cut and without secrets.
    pub words: Option<String>,
    /// Every server of this kind answers this request.
    pub landmark: bool,
}

/// Why a server refused.
pub fn status(request: &str, base: &Url, refusal: Refusal<'_>, now: Timestamp) -> FeedError {
    let Refusal {
        status,
        headers,
        words,
        landmark,
    } = refusal;
    let place = place(base);
    let said = words.as_deref().unwrap_or_default().to_ascii_lowercase();
    let (code, what, hint): (ErrorCode, String, Option<String>) = match status.as_u16() {
        401 => (
            ErrorCode::Unauthorized,
            format!("{place} does not accept the credentials"),
            Some("the token or key is wrong, has expired or was revoked: put in a new one".into()),
        ),
        403 => (
            ErrorCode::Forbidden,
            "the credentials are good but may not do this".into(),
            Some("ask for the right, or use the token of somebody who has it".into()),
        ),
        404 if landmark => (
            ErrorCode::WrongBasePath,
            format!("nothing there at {place}{}", base.path().trim_end_matches('/')),
            Some("the server answers, but its API is not at this address: check host, port and path of url".into()),
        ),
        404 => (
            ErrorCode::NotFound,
            "there is no such thing, or it may not be seen with these credentials".into(),
            None,
        ),
        407 => (
            ErrorCode::Proxy,
            "the proxy wants a user and a password".into(),
            Some("put them into HTTPS_PROXY, or the server into NO_PROXY".into()),
        ),
        409 => (
            ErrorCode::Conflict,
            "it was changed by somebody else at the same time".into(),
            None,
        ),
        400 if said.contains("https server") || said.contains("https port") => (
            ErrorCode::Tls,
            format!("{place} speaks TLS, and url says http://"),
            Some("write https:// in url".into()),
        ),
        400 | 422 => (
            ErrorCode::InvalidRequest,
            format!("the server does not accept the request ({})", status.as_u16()),
            None,
        ),
        429 => (
            ErrorCode::RateLimited,
            "asked too often".into(),
            Some("Kopi waits as long as the server says".into()),
        ),
        300..=399 => (
            ErrorCode::RedirectedAway,
            format!("{place} sends elsewhere ({})", status.as_u16()),
            Some("check url: host, port, path, http:// or https://".into()),
        ),
        502..=504 => (
            ErrorCode::ServerError,
            format!(
                "{} {}",
                status.as_u16(),
                status.canonical_reason().unwrap_or_default().to_lowercase()
            ),
            Some("the proxy in front answers, the server behind it does not: it may be starting".into()),
        ),
        500..=599 => (
            ErrorCode::ServerError,
            format!("the server failed ({})", status.as_u16()),
            None,
        ),
        other => (ErrorCode::UnexpectedAnswer, format!("unexpected status {other}"), None),
    };
    let mut error = FeedError::new(code, request, what);
    error.hint = hint;
    error.status = Some(status.as_u16());
    error.sent = Sent::Answered;
    error.retry_at = retry_at(status, headers, now);
    error.words = words;
    error
}

/// HTML where JSON was due.
pub fn html(request: &str, base: &Url, status: StatusCode, title: Option<&str>) -> FeedError {
    let what = match title {
        Some(title) => format!("a web page (\"{title}\") instead of JSON"),
        None => "a web page instead of JSON".into(),
    };
    let mut error = FeedError::new(ErrorCode::NotJson, request, what).hint(format!(
        "url may be wrong (another path or port), or a sign-in page stands in front of {}",
        place(base)
    ));
    error.status = Some(status.as_u16());
    error.sent = Sent::Answered;
    error.words = title.map(str::to_owned);
    error
}

/// More than may come.
pub fn too_large(request: &str, limit: usize) -> FeedError {
    FeedError::new(
        ErrorCode::TooLarge,
        request,
        format!("the answer is larger than {}", size(limit)),
    )
    .hint("the rest was not read; if this is the right server, ask for less (fewer environments, a smaller page)")
}

/// A stream that ended. Streams of Kopi never end by themselves, except where a source knows better (a finished log).
pub fn ended(request: &str) -> FeedError {
    let mut error = FeedError::new(ErrorCode::Reset, request, "the server ended the stream");
    error.sent = Sent::Answered;
    error.ended = true;
    error
}

/// The title of a web page, cleaned.
pub fn html_title(body: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&body[..body.len().min(64 * 1024)]);
    let lower = head.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let title = clean(head[start..end].trim(), 80);
    (!title.is_empty()).then_some(title)
}

/// It begins as a web page does.
pub fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let typed = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("text/html"));
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    let tag = |tag: &[u8]| start.len() >= tag.len() && start[..tag.len()].eq_ignore_ascii_case(tag);
    tag(b"<!doctype") || tag(b"<html") || tag(b"<head") || tag(b"<?xml") || (typed && start.starts_with(b"<"))
}

fn retry_at(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    if !matches!(status.as_u16(), 429 | 503) {
        return None;
    }
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        // Nobody means more than a day; a mad value must not silence a connection for ever.
        return now
            .checked_add(SignedDuration::from_secs(seconds.clamp(0, 86_400)))
            .ok();
    }
    http_date(text).filter(|at| *at > now)
}

/// The form of `Date`, `Expires`, `Retry-After`: `Wed, 21 Oct 2015 07:28:00 GMT`.
pub fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

fn tls(request: &str, base: &Url, cause: &rustls::Error) -> FeedError {
    let place = place(base);
    let new = |what: String, hint: String| FeedError::new(ErrorCode::Tls, request, what).hint(hint);
    match cause {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            match other.0.downcast_ref::<CertificateFault>() {
                Some(fault) => certificate(request, base, fault),
                None => new(
                    format!("the certificate of {place} is not accepted: {other}"),
                    "look at it with a browser".into(),
                ),
            }
        }
        rustls::Error::InvalidCertificate(cause) => certificate(
            request,
            base,
            &CertificateFault {
                cause: Some(cause.clone()),
                fingerprint: String::new(),
            },
        ),
        rustls::Error::InvalidMessage(_) => new(
            format!("{place} does not speak TLS"),
            "write http:// in url, or the port that speaks https".into(),
        ),
        rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_) | rustls::Error::PeerMisbehaved(_) => new(
            format!("{place} and Kopi have no TLS version or cipher in common ({cause})"),
            "the server needs TLS 1.2 or newer".into(),
        ),
        other => new(
            format!("TLS with {place} failed: {other}"),
            "look at the server's TLS settings".into(),
        ),
    }
}

fn certificate(request: &str, base: &Url, fault: &CertificateFault) -> FeedError {
    let place = place(base);
    let pin = if fault.fingerprint.is_empty() {
        String::new()
    } else {
        format!(
            "; or, if its administrator confirms it, fingerprint = \"{}\"",
            fault.fingerprint
        )
    };
    let (what, hint) = match &fault.cause {
        None => (
            format!("{place} shows another certificate than the one pinned"),
            format!(
                "it was renewed, or somebody is in between: ask its administrator whether this is it: {}",
                fault.fingerprint
            ),
        ),
        Some(CertificateError::ExpiredContext { not_after, .. }) => (
            format!("the certificate of {place} expired on {}", day(not_after.as_secs())),
            "the server needs a new certificate; if it is new, is this machine's clock right?".to_owned(),
        ),
        Some(CertificateError::Expired) => (
            format!("the certificate of {place} has expired"),
            "the server needs a new certificate; if it is new, is this machine's clock right?".to_owned(),
        ),
        Some(CertificateError::NotValidYetContext { not_before, .. }) => (
            format!(
                "the certificate of {place} is valid only from {}",
                day(not_before.as_secs())
            ),
            "is this machine's clock right?".to_owned(),
        ),
        Some(CertificateError::NotValidYet) => (
            format!("the certificate of {place} is not valid yet"),
            "is this machine's clock right?".to_owned(),
        ),
        Some(CertificateError::NotValidForNameContext { presented, .. }) => (
            format!("the certificate of {place} is for {}", names(presented)),
            "use the name in the certificate in url".to_owned(),
        ),
        Some(CertificateError::NotValidForName) => (
            format!("the certificate of {place} is for another name"),
            "use the name in the certificate in url".to_owned(),
        ),
        Some(CertificateError::UnknownIssuer) => (
            format!("the certificate of {place} is signed by nobody this machine trusts"),
            format!("own authority or self-signed: put its certificate's path into ca_file{pin}"),
        ),
        Some(CertificateError::Revoked) => (
            format!("the certificate of {place} was revoked"),
            "the server needs a new certificate".to_owned(),
        ),
        Some(other) => (
            format!(
                "the certificate of {place} is not accepted: {}",
                clean(&other.to_string(), 200)
            ),
            format!("the server needs a certificate with its name in subjectAltName{pin}"),
        ),
    };
    FeedError::new(ErrorCode::Tls, request, what).hint(hint)
}

fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "no name at all".into();
    }
    let shown: Vec<String> = presented
        .iter()
        .take(3)
        .map(|name| name.trim_start_matches("DnsName(\"").trim_end_matches("\")").to_owned())
        .collect();
    clean(&shown.join(", "), 120)
}

fn day(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(
            || "a date out of range".into(),
            |time| time.strftime("%Y-%m-%d").to_string(),
        )
}

fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

fn size(bytes: usize) -> String {
    if bytes >= 1024 * 1024 {
        format!("{} MB", bytes / (1024 * 1024))
    } else {
        format!("{} kB", bytes / 1024)
    }
}

/// A chain of causes, looked through once.
struct Causes<'a> {
    tls: Option<&'a rustls::Error>,
    io: Option<io::ErrorKind>,
    away: Option<&'a Url>,
    texts: Vec<String>,
}

impl<'a> Causes<'a> {
    fn of(error: &'a reqwest::Error) -> Self {
        let mut causes = Self {
            tls: None,
            io: None,
            away: None,
            texts: Vec::new(),
        };
        let mut next: Option<&(dyn Error + 'static)> = error.source();
        while let Some(cause) = next {
            causes.take(cause);
            next = cause.source();
        }
        causes
    }

    fn take(&mut self, cause: &'a (dyn Error + 'static)) {
        self.texts.push(cause.to_string().to_ascii_lowercase());
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            self.tls = Some(tls);
        }
        if let Some(crate::http::RedirectedAway(away)) = cause.downcast_ref() {
            self.away = Some(away);
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            self.io = Some(io.kind());
            // `source()` of an io error skips the error it was made from.
            if let Some(inner) = io.get_ref() {
                self.take(inner);
            }
        }
    }

    fn says(&self, word: &str) -> bool {
        self.texts.iter().any(|text| text.contains(word))
    }

    fn is_reset(&self) -> bool {
        matches!(
            self.io,
            Some(
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::NotConnected
            )
        ) || self.says("closed before message completed")
            || self.says("connection closed")
    }

    fn last(&self) -> String {
        clean(self.texts.last().map_or("unknown", String::as_str), 160)
    }
}
