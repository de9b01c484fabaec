//! Server-sent events with a watchdog (`apis/drone.md § 8`).
//!
//! Refuses: reconnecting; a line or message without end. Comments are reported, since some servers ping with them.
//! The parser is our own: the ready-made ones drop comments and set no limit.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::header;
use kopi_model::wire::ErrorCode;
use tokio::time::Instant;

use crate::http::{Client, GetOptions};
use crate::reply::Reading;
use crate::why::{self, Phase};
use crate::{FeedError, Sent};

/// Limits of a stream.
#[derive(Clone, Debug)]
pub struct SseOptions {
    /// No byte for so long means that the stream is dead.
    pub idle: Duration,
    /// Bytes of one message: 8 MB.
    pub max_message: usize,
    /// More headers.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
}

impl Default for SseOptions {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(75),
            max_message: 8 * 1024 * 1024,
            headers: Vec::new(),
        }
    }
}

/// What comes out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SseItem {
    /// `: ping`, without colon and blank.
    Comment(String),
    /// An event. As in browsers none without data; `event` is `message` when not told.
    Message {
        /// Kind.
        event: String,
        /// Lines joined by `\n`.
        data: String,
        /// Last id told.
        id: Option<String>,
    },
}

/// An open stream. A stream that ends is an error with `FeedError::ended`; one that fails goes on failing.
pub struct SseStream {
    response: reqwest::Response,
    parser: SseParser,
    ready: VecDeque<SseItem>,
    request: String,
    base: url::Url,
    idle: Duration,
    heard: Instant,
    failed: Option<FeedError>,
}

impl std::fmt::Debug for SseStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SseStream")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Opens a stream: 200 and `text/event-stream`, or an error.
    ///
    /// # Errors
    /// As `get`; a web page is `NotJson`, another type `UnexpectedAnswer`.
    pub async fn sse(&self, path: &str, options: SseOptions) -> Result<SseStream, FeedError> {
        let endpoint = &*self.endpoint;
        let request = endpoint.request("GET", path);
        let get = GetOptions {
            headers: options.headers,
            accept: Some("text/event-stream"),
            ..GetOptions::default()
        };
        // A packed stream is held back by its packer until a block is full.
        let call = self
            .request(path, &get)
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::CACHE_CONTROL, "no-cache");
        let reading = Reading {
            request: &request,
            total: endpoint.limits.total,
            body: endpoint.limits.body,
            landmark: false,
            writes: false,
        };
        endpoint.meter.asked();
        let opened = self.open(call, &reading).await;
        endpoint.meter.beat(opened.is_ok());
        Ok(SseStream {
            response: opened?,
            parser: SseParser::new(options.max_message),
            ready: VecDeque::new(),
            base: endpoint.base.clone(),
            idle: options.idle,
            heard: Instant::now(),
            failed: None,
            request,
        })
    }

    async fn open(&self, call: reqwest::RequestBuilder, reading: &Reading<'_>) -> Result<reqwest::Response, FeedError> {
        let deadline = Instant::now() + reading.total;
        let response = self.endpoint.head(call, reading, deadline).await?;
        let kind = response
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        if response.status() == http::StatusCode::OK && kind.starts_with("text/event-stream") {
            return Ok(response);
        }
        let mut failed = if kind.starts_with("text/html") {
            why::html(reading.request, &self.endpoint.base, response.status(), None)
        } else {
            let kind = if kind.is_empty() { "no type" } else { &kind };
            FeedError::new(
                ErrorCode::UnexpectedAnswer,
                reading.request,
                format!(
                    "{} with {} instead of an event stream",
                    response.status().as_u16(),
                    crate::text::clean(kind, 60)
                ),
            )
        };
        failed.status = Some(response.status().as_u16());
        failed.sent = Sent::Answered;
        Err(failed)
    }
}

impl SseStream {
    /// The next comment or message. May be dropped while waiting (in `select!`) without losing anything.
    ///
    /// # Errors
    /// `StreamSilent`, `TooLarge`, a broken connection, or the end (`FeedError::ended`).
    pub async fn next(&mut self) -> Result<SseItem, FeedError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(item);
            }
            if let Some(failed) = &self.failed {
                return Err(failed.clone());
            }
            if let Err(error) = self.hear().await {
                self.failed = Some(error);
            }
        }
    }

    async fn hear(&mut self) -> Result<(), FeedError> {
        let chunk: Option<Bytes> = match tokio::time::timeout_at(self.heard + self.idle, self.response.chunk()).await {
            Err(_) => {
                return Err(FeedError::new(
                    ErrorCode::StreamSilent,
                    &self.request,
                    format!("nothing came on the stream for {} s", self.idle.as_secs()),
                ));
            }
            Ok(Err(error)) => return Err(why::transport(&self.request, &self.base, Phase::Head, &error)),
            Ok(Ok(chunk)) => chunk,
        };
        let Some(chunk) = chunk else {
            return Err(why::ended(&self.request));
        };
        self.heard = Instant::now();
        self.parser
            .push(&chunk, &mut self.ready)
            .map_err(|limit| why::too_large(&self.request, limit))
    }
}

/// Bytes in, items out. Public so that it can be fuzzed.
#[derive(Debug)]
pub struct SseParser {
    line: Vec<u8>,
    after_cr: bool,
    first_line: bool,
    event: String,
    data: String,
    has_data: bool,
    id: Option<String>,
    max_message: usize,
}

impl SseParser {
    /// With the limit of one message in bytes.
    pub fn new(max_message: usize) -> Self {
        Self {
            line: Vec::new(),
            after_cr: false,
            first_line: true,
            event: String::new(),
            data: String::new(),
            has_data: false,
            id: None,
            max_message,
        }
    }

    /// Takes bytes as they come, cut anywhere.
    ///
    /// # Errors
    /// The limit, when a line or a message is longer.
    pub fn push(&mut self, bytes: &[u8], out: &mut VecDeque<SseItem>) -> Result<(), usize> {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (part, next) = match end {
                Some(end) => {
                    self.after_cr = rest[end] == b'\r';
                    (&rest[..end], &rest[end + 1..])
                }
                None => (rest, &rest[rest.len()..]),
            };
            if self.line.len() + self.data.len() + part.len() > self.max_message {
                return Err(self.max_message);
            }
            self.line.extend_from_slice(part);
            rest = next;
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                self.take(&line, out);
            }
        }
        Ok(())
    }

    fn take(&mut self, line: &[u8], out: &mut VecDeque<SseItem>) {
        let line = if std::mem::take(&mut self.first_line) {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
        } else {
            line
        };
        let line = String::from_utf8_lossy(line);
        if line.is_empty() {
            self.end_message(out);
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => out.push_back(SseItem::Comment(value.to_owned())),
            "event" => value.clone_into(&mut self.event),
            "data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.has_data = true;
                self.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // `retry` is the engine's business; unknown fields are ignored, as the standard says.
            _ => {}
        }
    }

    fn end_message(&mut self, out: &mut VecDeque<SseItem>) {
        let event = std::mem::take(&mut self.event);
        let data = std::mem::take(&mut self.data);
        if std::mem::take(&mut self.has_data) {
            out.push_back(SseItem::Message {
                event: if event.is_empty() { "message".into() } else { event },
                data,
                id: self.id.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(chunks: &[&[u8]]) -> Vec<SseItem> {
        let mut parser = SseParser::new(1000);
        let mut out = VecDeque::new();
        for chunk in chunks {
            parser.push(chunk, &mut out).unwrap();
        }
        out.into()
    }

    fn message(event: &str, data: &str, id: Option<&str>) -> SseItem {
        SseItem::Message {
            event: event.into(),
            data: data.into(),
            id: id.map(String::from),
        }
    }

    #[test]
    fn reads_every_form_of_line_cut_anywhere() {
        let text = "\u{feff}: ping\r\n\r\ndata: one\rdata:two\r\r\nevent: error\nid: 7\ndata: 中\n\ndata\n\nretry: 3\nevent: lost\n\n".as_bytes();
        let expected = vec![
            SseItem::Comment("ping".into()),
            message("message", "one\ntwo", None),
            message("error", "中", Some("7")),
            message("message", "", Some("7")),
        ];
        assert_eq!(parse(&[text]), expected);
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(parse(&bytes), expected);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut parser = SseParser::new(100);
        let mut out = VecDeque::new();
        assert_eq!(parser.push(&[b'x'; 101], &mut out), Err(100));
        let mut parser = SseParser::new(100);
        let many = b"data: 0123456789\n".repeat(10);
        assert_eq!(parser.push(&many, &mut out), Err(100));
    }
}
