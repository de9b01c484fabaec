//! Writing over HTTP: a client of its own, so that no layer can ever send a request twice (design § 5).
//!
//! Refuses: retrying, redirects, idle connections (one that the server has closed meanwhile is re-sent on silently).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use serde_json::Value;

use crate::http::{ClientSettings, Endpoint, builder, cannot_make};
use crate::reply::{Reading, Reply};
use crate::{FeedError, redact};

/// How one writing differs from the usual.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Instead of `Limits::total`. Longer than `Limits::connect`, or a failed connection cannot be told from a lost answer.
    pub timeout: Option<Duration>,
    /// More headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// Writes to one server, each request at most once.
#[derive(Clone)]
pub struct Writer {
    http: reqwest::Client,
    endpoint: Arc<Endpoint>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Writer")
            .field("base", &redact::url(&self.endpoint.base))
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Made from the same settings as the reading client.
    ///
    /// # Errors
    /// As [`crate::Client::new`].
    pub fn new(settings: &ClientSettings) -> Result<Self, FeedError> {
        let http = builder(settings)?
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| cannot_make(&error))?;
        Ok(Self {
            http,
            endpoint: Arc::new(Endpoint::new(settings)),
        })
    }

    /// Sends one request, once.
    ///
    /// # Errors
    /// `FeedError::sent` is `No` when nothing left, `Answered` when the server answered (so the outcome is known unless
    /// it was a 5xx of a proxy), else `Maybe`.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        options: WriteOptions,
    ) -> Result<Reply, FeedError> {
        let endpoint = &*self.endpoint;
        let request = endpoint.request(method.as_str(), path);
        let mut call = self
            .http
            .request(method, endpoint.address(path))
            .header(header::ACCEPT, "application/json");
        for (name, value) in options.headers {
            call = call.header(name, value);
        }
        call = match body {
            Some(body) => call.json(body),
            // Some servers answer 411 to a POST without a length.
            None => call.header(header::CONTENT_LENGTH, "0"),
        };
        let reading = Reading {
            request: &request,
            total: options.timeout.unwrap_or(endpoint.limits.total),
            body: endpoint.limits.body,
            landmark: false,
            writes: true,
        };
        endpoint.meter.asked();
        let reply = endpoint.read(call, reading).await;
        endpoint.meter.beat(reply.is_ok());
        reply
    }
}
