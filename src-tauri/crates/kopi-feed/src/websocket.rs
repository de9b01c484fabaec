//! A WebSocket with a watchdog. The handshake goes through the reading client, so that TLS, sign-in, proxy and the
//! words of failure are the same for both.
//!
//! Refuses: reconnecting, messages beyond the limit.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{StatusCode, header};
use kopi_model::wire::ErrorCode;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::http::{Client, GetOptions};
use crate::reply::Reading;
use crate::{FeedError, Sent, why};

/// Limits of a socket.
#[derive(Clone, Debug)]
pub struct WsOptions {
    /// No frame for so long means that the socket is dead.
    pub idle: Duration,
    /// Bytes of one message: 8 MB.
    pub max_message: usize,
    /// More headers.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
}

impl Default for WsOptions {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30),
            max_message: 8 * 1024 * 1024,
            headers: Vec::new(),
        }
    }
}

/// What comes out of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WsItem {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// A ping (answered) or a pong.
    Ping,
}

/// An open socket. Its end is an error with `FeedError::ended`; one that failed goes on failing.
pub struct WsStream {
    socket: WebSocketStream<reqwest::Upgraded>,
    request: String,
    place: String,
    idle: Duration,
    max_message: usize,
    heard: Instant,
    failed: Option<FeedError>,
}

impl std::fmt::Debug for WsStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("WsStream")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Opens a socket.
    ///
    /// # Errors
    /// As `get`; an answer that is no upgrade is `UnexpectedAnswer`, a web page `NotJson`.
    pub async fn websocket(&self, path: &str, options: WsOptions) -> Result<WsStream, FeedError> {
        let endpoint = &*self.endpoint;
        let request = endpoint.request("GET", path);
        let key = generate_key();
        let get = GetOptions {
            headers: options.headers,
            ..GetOptions::default()
        };
        let call = self
            .request(path, &get)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, &key)
            .header(header::ACCEPT_ENCODING, "identity");
        let reading = Reading {
            request: &request,
            total: endpoint.limits.total,
            body: endpoint.limits.body,
            landmark: false,
            writes: false,
        };
        endpoint.meter.asked();
        let opened = self.upgrade(call, &reading, &key).await;
        endpoint.meter.beat(opened.is_ok());
        let config = WebSocketConfig::default()
            .max_message_size(Some(options.max_message))
            .max_frame_size(Some(options.max_message));
        Ok(WsStream {
            socket: WebSocketStream::from_raw_socket(opened?, Role::Client, Some(config)).await,
            place: why::place(&endpoint.base),
            idle: options.idle,
            max_message: options.max_message,
            heard: Instant::now(),
            failed: None,
            request,
        })
    }

    async fn upgrade(
        &self,
        call: reqwest::RequestBuilder,
        reading: &Reading<'_>,
        key: &str,
    ) -> Result<reqwest::Upgraded, FeedError> {
        let deadline = Instant::now() + reading.total;
        let response = self.endpoint.any_head(call, reading, deadline).await?;
        let status = response.status();
        if status.is_success() {
            let typed_html = response
                .headers()
                .get(header::CONTENT_TYPE)
                .is_some_and(|value| value.as_bytes().to_ascii_lowercase().starts_with(b"text/html"));
            let mut failed = if typed_html {
                why::html(reading.request, &self.endpoint.base, status, None)
            } else {
                no_upgrade(reading.request, &format!("{} instead of a WebSocket", status.as_u16()))
            };
            failed.status = Some(status.as_u16());
            return Err(failed);
        }
        if status != StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.endpoint.refusal(response, reading, deadline).await);
        }
        let accepted = response
            .headers()
            .get(header::SEC_WEBSOCKET_ACCEPT)
            .map(|value| value.as_bytes().to_vec());
        if accepted.as_deref() != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(no_upgrade(
                reading.request,
                "a WebSocket handshake that does not fit the question",
            ));
        }
        response
            .upgrade()
            .await
            .map_err(|_| no_upgrade(reading.request, "the connection broke during the WebSocket handshake"))
    }
}

fn no_upgrade(request: &str, what: &str) -> FeedError {
    let mut failed = FeedError::new(ErrorCode::UnexpectedAnswer, request, what)
        .hint("a proxy in front of the server may not let WebSockets through (Upgrade and Connection headers)");
    failed.sent = Sent::Answered;
    failed
}

impl WsStream {
    /// The next message. May be dropped while waiting (in `select!`) without losing anything.
    ///
    /// # Errors
    /// `StreamSilent`, `TooLarge`, a broken connection, or the end (`FeedError::ended`).
    pub async fn next(&mut self) -> Result<WsItem, FeedError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        loop {
            let message = tokio::time::timeout_at(self.heard + self.idle, self.socket.next()).await;
            let error = match message {
                Err(_) => FeedError::new(
                    ErrorCode::StreamSilent,
                    &self.request,
                    format!("nothing came on the WebSocket for {} s", self.idle.as_secs()),
                ),
                Ok(None | Some(Ok(Message::Close(_)))) => why::ended(&self.request),
                Ok(Some(Err(error))) => self.broken(&error),
                Ok(Some(Ok(message))) => {
                    self.heard = Instant::now();
                    match message {
                        Message::Text(text) => return Ok(WsItem::Text(text.as_str().to_owned())),
                        Message::Binary(bytes) => return Ok(WsItem::Binary(bytes)),
                        Message::Ping(_) | Message::Pong(_) => return Ok(WsItem::Ping),
                        Message::Close(_) | Message::Frame(_) => continue,
                    }
                }
            };
            self.failed = Some(error.clone());
            return Err(error);
        }
    }

    /// Sends a text message (some servers want to be asked on the socket).
    ///
    /// # Errors
    /// The connection is broken.
    pub async fn send(&mut self, text: &str) -> Result<(), FeedError> {
        let sent = self.socket.send(Message::text(text)).await;
        sent.map_err(|error| self.broken(&error))
    }

    fn broken(&self, error: &tungstenite::Error) -> FeedError {
        match error {
            tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => why::ended(&self.request),
            tungstenite::Error::Capacity(_) => why::too_large(&self.request, self.max_message),
            tungstenite::Error::Protocol(error) => FeedError::new(
                ErrorCode::Reset,
                &self.request,
                format!(
                    "the WebSocket to {} broke: {}",
                    self.place,
                    error.to_string().to_lowercase()
                ),
            ),
            _ => FeedError::new(
                ErrorCode::Reset,
                &self.request,
                format!("the WebSocket to {} broke", self.place),
            ),
        }
    }
}
