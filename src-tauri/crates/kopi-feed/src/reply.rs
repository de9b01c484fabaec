//! An answer, read within limits.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use kopi_model::wire::ErrorCode;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use crate::http::Endpoint;
use crate::why::{self, Phase};
use crate::{FeedError, Sent, redact, text};

/// Of a failed answer so much is read for the server's words.
const WORDS_BODY: usize = 256 * 1024;
const WORDS_CHARS: usize = 2_000;

/// A whole 2xx answer.
#[derive(Clone)]
pub struct Reply {
    /// `GET /api/user`.
    pub request: String,
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, unpacked.
    pub body: Bytes,
    /// The server's clock, from `Date`: ages are reckoned from it.
    pub date: Option<Timestamp>,
    /// From sending to the last byte.
    pub took: Duration,
    pub(crate) base: Url,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Reply")
            .field("request", &self.request)
            .field("status", &self.status)
            .field("headers", &redact::headers(&self.headers))
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// A header's text, when it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `NotJson` (a web page is recognised and named), `Truncated`, or `UnexpectedAnswer` when it is JSON of another
    /// shape; each says where.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, FeedError> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        serde_json::from_slice(body).map_err(|error| self.not_json(&error))
    }

    /// The body as text; what is no UTF-8 becomes `�`.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn not_json(&self, error: &serde_json::Error) -> FeedError {
        if why::is_html(&self.headers, &self.body) {
            return why::html(
                &self.request,
                &self.base,
                self.status,
                why::html_title(&self.body).as_deref(),
            );
        }
        let (line, column) = (error.line(), error.column());
        let (code, what) = if self.body.trim_ascii().is_empty() {
            (ErrorCode::NotJson, "an empty answer instead of JSON".to_owned())
        } else if error.is_eof() {
            (
                ErrorCode::Truncated,
                format!(
                    "the JSON breaks off after {} bytes (line {line}, column {column})",
                    self.body.len()
                ),
            )
        } else if error.is_data() {
            (
                ErrorCode::UnexpectedAnswer,
                format!("JSON of another shape than expected: {}", shape(error)),
            )
        } else {
            (ErrorCode::NotJson, format!("not JSON at line {line}, column {column}"))
        };
        let mut failed = FeedError::new(code, &self.request, what)
            .hint("is this the right kind of server, and is the address its API's?");
        failed.status = Some(self.status.as_u16());
        failed.sent = Sent::Answered;
        failed
    }
}

/// serde's sentence without values: it quotes what it found, and that may be private.
fn shape(error: &serde_json::Error) -> String {
    let sentence = error.to_string();
    let expected = sentence.find("expected ").map_or("", |start| &sentence[start..]);
    if expected.is_empty() {
        format!("at line {} column {}", error.line(), error.column())
    } else {
        text::clean(expected, 160)
    }
}

/// How an answer is read.
pub(crate) struct Reading<'a> {
    pub(crate) request: &'a str,
    pub(crate) total: Duration,
    pub(crate) body: usize,
    pub(crate) landmark: bool,
    /// A reading that failed did nothing, however far it came.
    pub(crate) writes: bool,
}

impl Endpoint {
    /// Sends and reads whole.
    pub(crate) async fn read(&self, call: reqwest::RequestBuilder, reading: Reading<'_>) -> Result<Reply, FeedError> {
        let began = Instant::now();
        let deadline = began + reading.total;
        let response = self.head(call, &reading, deadline).await?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = self
            .body(response, &reading, deadline)
            .await
            .map_err(|error| FeedError {
                status: Some(status.as_u16()),
                ..error
            })?;
        Ok(Reply {
            request: reading.request.to_owned(),
            status,
            date: headers
                .get(header::DATE)
                .and_then(|value| value.to_str().ok())
                .and_then(why::http_date),
            headers,
            body,
            took: began.elapsed(),
            base: self.base.clone(),
        })
    }

    /// Sends and waits for a 2xx head; another status is an error with the server's words.
    pub(crate) async fn head(
        &self,
        call: reqwest::RequestBuilder,
        reading: &Reading<'_>,
        deadline: Instant,
    ) -> Result<reqwest::Response, FeedError> {
        let response = self.any_head(call, reading, deadline).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response, reading, deadline).await)
    }

    /// Sends and waits for a head, whatever its status.
    pub(crate) async fn any_head(
        &self,
        call: reqwest::RequestBuilder,
        reading: &Reading<'_>,
        deadline: Instant,
    ) -> Result<reqwest::Response, FeedError> {
        match tokio::time::timeout_at(deadline, call.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                let mut failed = self.transport(reading.request, Phase::Head, &error);
                if reading.writes && !error.is_connect() && !error.is_builder() {
                    failed.sent = Sent::Maybe;
                }
                Err(failed)
            }
            Err(_) => {
                let mut failed = why::timeout(reading.request, &self.base, Phase::Head, reading.total);
                if reading.writes {
                    failed.sent = Sent::Maybe;
                }
                Err(failed)
            }
        }
    }

    /// Reads what a server says to a failed request.
    pub(crate) async fn refusal(
        &self,
        response: reqwest::Response,
        reading: &Reading<'_>,
        deadline: Instant,
    ) -> FeedError {
        let status = response.status();
        let headers = response.headers().clone();
        if let Some(to) = self.elsewhere(&response) {
            let mut failed = why::redirected(reading.request, &self.base, &to);
            failed.status = Some(status.as_u16());
            failed.sent = Sent::Answered;
            return failed;
        }
        let short = Reading {
            body: WORDS_BODY,
            ..*reading
        };
        // Words that do not come are not worth another error.
        let body = self.body(response, &short, deadline).await.unwrap_or_default();
        let html = why::is_html(&headers, &body);
        let words = if html { why::html_title(&body) } else { words_of(&body) };
        let refusal = why::Refusal {
            status,
            headers: &headers,
            words: words.map(|words| redact::text(&words, &self.secrets)),
            landmark: reading.landmark,
        };
        why::status(reading.request, &self.base, refusal, self.clock.now())
    }

    fn elsewhere(&self, response: &reqwest::Response) -> Option<Url> {
        if !response.status().is_redirection() {
            return None;
        }
        let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
        self.base.join(location).ok()
    }

    async fn body(
        &self,
        mut response: reqwest::Response,
        reading: &Reading<'_>,
        deadline: Instant,
    ) -> Result<Bytes, FeedError> {
        let answered = |mut error: FeedError| {
            error.sent = Sent::Answered;
            error
        };
        let expected = response.content_length().unwrap_or(0);
        if expected > reading.body as u64 {
            return Err(answered(why::too_large(reading.request, reading.body)));
        }
        let mut body = BytesMut::new();
        loop {
            match tokio::time::timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    if body.len() + chunk.len() > reading.body {
                        return Err(answered(why::too_large(reading.request, reading.body)));
                    }
                    body.extend_from_slice(&chunk);
                }
                Ok(Ok(None)) => return Ok(body.freeze()),
                Ok(Err(error)) => return Err(answered(self.transport(reading.request, Phase::Body, &error))),
                Err(_) => {
                    return Err(answered(why::timeout(
                        reading.request,
                        &self.base,
                        Phase::Body,
                        reading.total,
                    )));
                }
            }
        }
    }
}

/// The server's own words: of a JSON object its message, else its code and field; of text the text.
fn words_of(body: &[u8]) -> Option<String> {
    let words = match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(serde_json::Value::Object(map)) => {
            let get = |name: &str| {
                map.get(name)
                    .and_then(serde_json::Value::as_str)
                    .map(str::trim)
                    .filter(|text| !text.is_empty())
            };
            let mut parts: Vec<&str> = Vec::new();
            for name in [
                "code",
                "fieldName",
                "message",
                "detail",
                "error",
                "error_description",
                "reason",
            ] {
                if let Some(part) = get(name)
                    && !parts.contains(&part)
                {
                    parts.push(part);
                }
            }
            if parts.is_empty() {
                String::from_utf8_lossy(body).into_owned()
            } else {
                parts.join(": ")
            }
        }
        Ok(serde_json::Value::String(text)) => text,
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    let words = text::clean_block(words.trim(), WORDS_CHARS);
    (!words.is_empty()).then_some(words)
}
