//! The requests Kopi sends to a Cattle server (`apis/rancher.md §§ 1–3, 9`).
//!
//! Refuses: `include=`, filters it would have to trust, links as the server wrote them (only their query is used).

use std::time::Duration;

use http::Method;
use kopi_feed::{Client, FeedError, GetOptions, Meter, Reply, WriteOptions, Writer, WsOptions, WsStream};
use kopi_model::wire::ErrorCode;
use serde_json::Value;
use std::sync::Arc;
use tokio::time::Instant;
use url::Url;

use super::settings::RancherSettings;

/// Rows of one page: the most the server gives.
const PAGE: usize = 3_000;
/// Pages of one list: beyond that somebody is making rows faster than we read.
const PAGES: usize = 20;
/// Bytes of one page: 3,000 containers of 4–6 kB, with room.
const PAGE_BYTES: usize = 48 * 1024 * 1024;
const LIST_TIMEOUT: Duration = Duration::from_secs(30);
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Pings come every 5 s, the first after 5 s; three missing ones are a dead stream.
const SILENCE: Duration = Duration::from_secs(15);

/// Both clients of a connection.
#[derive(Clone, Debug)]
pub(super) struct Api {
    client: Client,
    writer: Writer,
}

/// A whole list.
pub(super) struct Listing {
    /// Its rows; a row that moved between pages may stand twice.
    pub(super) rows: Vec<Value>,
    /// When the first page was asked for.
    pub(super) sent: Instant,
}

impl Api {
    /// Makes both; asks nothing.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub(super) fn new(settings: &RancherSettings) -> Result<Self, FeedError> {
        Ok(Self {
            client: Client::new(&settings.client)?,
            writer: Writer::new(&settings.client)?,
        })
    }

    pub(super) fn meter(&self) -> Arc<Meter> {
        self.client.meter()
    }

    pub(super) fn base(&self) -> &Url {
        self.client.base()
    }

    /// The environments of this key, and the reply for its headers.
    pub(super) async fn projects(&self) -> Result<(Vec<Value>, Reply), FeedError> {
        let options = GetOptions {
            landmark: true,
            ..GetOptions::default()
        };
        let reply = self.client.get_with("/v2-beta/projects", options).await?;
        let body: Value = reply.json()?;
        let rows = rows_of(body, &reply)?;
        Ok((rows, reply))
    }

    /// A collection of an environment, all pages.
    pub(super) async fn list(&self, project: &str, collection: &str) -> Result<Listing, FeedError> {
        let path = format!("/v2-beta/projects/{project}/{collection}");
        let mut query = format!("limit={PAGE}");
        let sent = Instant::now();
        let mut rows = Vec::new();
        for _ in 0..PAGES {
            let options = GetOptions {
                timeout: Some(LIST_TIMEOUT),
                body_limit: Some(PAGE_BYTES),
                ..GetOptions::default()
            };
            let reply = self.client.get_with(&format!("{path}?{query}"), options).await?;
            let body: Value = reply.json()?;
            let next = next_query(&body);
            rows.extend(rows_of(body, &reply)?);
            match next {
                Some(next) if next != query => query = next,
                _ => return Ok(Listing { rows, sent }),
            }
        }
        let what = format!("more than {PAGES} pages of {PAGE}");
        Err(FeedError::new(ErrorCode::TooLarge, format!("GET {path}"), what))
    }

    /// One resource, raw.
    pub(super) async fn one(&self, project: &str, collection: &str, id: &str) -> Result<Value, FeedError> {
        self.client.get_json(&one_path(project, collection, id)).await
    }

    /// The actions that this key's role has on services; none: it may only look (`§ 1.2`).
    pub(super) async fn may_act(&self, project: &str) -> Result<bool, FeedError> {
        let schema: Value = self
            .client
            .get_json(&format!("/v2-beta/projects/{project}/schemas/service"))
            .await?;
        Ok(schema
            .get("resourceActions")
            .and_then(|actions| actions.get("upgrade"))
            .is_some())
    }

    /// The newest rows of a service's log, newest first.
    pub(super) async fn service_logs(&self, project: &str, service: &str) -> Result<Vec<Value>, FeedError> {
        let query = format!("serviceId={service}&sort=created&order=desc&limit=200");
        let reply = self
            .client
            .get(&format!("/v2-beta/projects/{project}/servicelogs?{query}"))
            .await?;
        let body: Value = reply.json()?;
        let rows = rows_of(body, &reply)?;
        // A filter the server does not know is ignored silently: believe only what names the service.
        Ok(rows
            .into_iter()
            .filter(|row| row.get("serviceId").and_then(Value::as_str) == Some(service))
            .collect())
    }

    /// The live stream of an environment.
    pub(super) async fn subscribe(&self, project: &str) -> Result<WsStream, FeedError> {
        let path = format!("/v2-beta/projects/{project}/subscribe?eventNames=resource.change&limit=-1&sockId=1");
        self.client
            .websocket(
                &path,
                WsOptions {
                    idle: SILENCE,
                    ..WsOptions::default()
                },
            )
            .await
    }

    /// A WebSocket whose address the server gave: only its path and query are used, below our own address.
    pub(super) async fn websocket_at(&self, address: &str, token: &str, idle: Duration) -> Result<WsStream, FeedError> {
        let unusable = || {
            FeedError::new(
                ErrorCode::UnexpectedAnswer,
                "open the log",
                "the server gave no usable address",
            )
        };
        let url = Url::parse(address).map_err(|_| unusable())?;
        let prefix = self.base().path().trim_end_matches('/');
        let path = url.path().strip_prefix(prefix).unwrap_or(url.path());
        let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
        self.client
            .websocket(
                &format!("{path}?token={token}"),
                WsOptions {
                    idle,
                    ..WsOptions::default()
                },
            )
            .await
    }

    /// Sends an action or a change, once.
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply, FeedError> {
        let options = WriteOptions {
            timeout: Some(WRITE_TIMEOUT),
            ..WriteOptions::default()
        };
        self.writer.send(method, path, body, options).await.map_err(explain)
    }

    /// Who answers at this address, when it is no Cattle server: Rancher 2 says so without a login.
    pub(super) async fn is_rancher_2(&self) -> bool {
        let reply = self.client.get("/rancherversion").await;
        reply.is_ok_and(|reply| reply.json::<Value>().is_ok_and(|body| body.get("Version").is_some()))
    }
}

/// `/v2-beta/projects/1a5/services/1s7`.
pub(super) fn one_path(project: &str, collection: &str, id: &str) -> String {
    format!("/v2-beta/projects/{project}/{collection}/{id}")
}

/// The rows of a collection; anything else is no answer of this API.
fn rows_of(mut body: Value, reply: &Reply) -> Result<Vec<Value>, FeedError> {
    if let Some(Value::Array(rows)) = body.get_mut("data").map(Value::take) {
        return Ok(rows);
    }
    let what = "JSON without the list that was asked for";
    let mut failed = FeedError::new(ErrorCode::UnexpectedAnswer, &reply.request, what);
    failed.status = Some(reply.status.as_u16());
    Err(failed.hint("is this a Rancher 1.6 server?"))
}

/// The next page's query. Its host is the server's idea of itself and not used.
fn next_query(body: &Value) -> Option<String> {
    let next = body.get("pagination")?.get("next")?.as_str()?;
    let (_, query) = next.split_once('?')?;
    Some(query.to_owned())
}

/// The server's refusals in our codes (`§ 1.3`); its words stay.
fn explain(mut error: FeedError) -> FeedError {
    let words = error.words.clone().unwrap_or_default();
    let code = words.split(':').next().unwrap_or_default();
    match (error.status, code) {
        (Some(422), "ActionNotAvailable") => {
            error.code = ErrorCode::ActionNotAvailable;
            error.what = "the service is not in a state for this (any more)".into();
            error.hint = Some("look at its state: an unfinished upgrade must be finished or rolled back first".into());
        }
        (Some(422), "InvalidAction") => {
            error.code = ErrorCode::ReadOnly;
            error.what = "this key may not do that".into();
            error.hint = Some("use an environment API key, or the key of a member or owner".into());
        }
        (Some(405), _) => {
            error.code = ErrorCode::ReadOnly;
            error.what = "this key may only look".into();
            error.hint = Some("use an environment API key, or the key of a member or owner".into());
        }
        (Some(409), _) => error.code = ErrorCode::Conflict,
        (Some(422), _) => error.code = ErrorCode::InvalidRequest,
        _ => {}
    }
    error
}
