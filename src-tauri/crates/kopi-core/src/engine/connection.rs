//! One configured connection inside the core: its source, what runs it, and its health as faces see it.

use std::sync::Arc;

use jiff::Timestamp;
use kopi_feed::{Cx, FeedError, Note, Source};
use kopi_model::Model;
use kopi_model::wire::{ApiError, ConnectionHealth, ConnectionState, ErrorCode, ScopeHealth};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::latency::Latencies;
use super::settings::CoreConnection;
use super::track::Track;

/// A connection.
pub(crate) struct Connection {
    pub(crate) settings: CoreConnection,
    /// None when it could not be made.
    pub(crate) source: Option<Arc<dyn Source>>,
    pub(crate) cx: Cx,
    pub(crate) stop: CancellationToken,
    pub(crate) try_now: Arc<Notify>,
    pub(crate) run: u64,
    pub(crate) track: Track,
    pub(crate) latencies: Latencies,
    /// Whose credential it is, where the server says so.
    pub(crate) login: Option<String>,
    /// It was up and caught up then.
    pub(crate) watched_until: Timestamp,
    pub(crate) health: ConnectionHealth,
}

impl Connection {
    /// Changes the state; `since` moves only when it is another.
    pub(crate) fn set_state(&mut self, state: ConnectionState, now: Timestamp) {
        if self.health.state != state || self.health.since.is_none() {
            self.health.state = state;
            self.health.since = Some(now);
        }
        if state != ConnectionState::Retrying {
            self.health.retry_at = None;
        }
    }

    /// It works: forget the last failure.
    pub(crate) fn works(&mut self, now: Timestamp) {
        self.health.last_good_at = Some(now);
        self.health.error = None;
        self.health.tries = 0;
    }

    /// Ends the pause if it waits, else asks it to look again.
    pub(crate) fn look_now(&self) {
        match self.health.state {
            ConnectionState::Retrying | ConnectionState::SignedOut => self.try_now.notify_one(),
            _ => self.cx.look_again.notify_one(),
        }
    }

    /// What the source noted; true when the health is another.
    pub(crate) fn note(&mut self, note: Note, now: Timestamp, instant: Instant) -> bool {
        let before = self.health.clone();
        match note {
            Note::Server { dialect, version } => {
                self.health.dialect = Some(dialect);
                self.health.server_version = version;
            }
            Note::SignedInAs(login) => self.login = Some(login),
            Note::Streaming => {
                self.set_state(ConnectionState::Live, now);
                self.works(now);
            }
            Note::Polling { every_s } => {
                self.set_state(ConnectionState::Polling, now);
                self.works(now);
                self.health.poll_s = Some(every_s);
            }
            Note::Gap => self.track.gap(instant),
            Note::Warning(key) => {
                if !self.health.warnings.contains(&key) {
                    self.health.warnings.push(key);
                }
            }
        }
        before != self.health
    }

    /// It fell.
    pub(crate) fn fell(&mut self, error: FeedError, retry_at: Option<Timestamp>, tries: u32, now: Timestamp) {
        let state = if error.code == ErrorCode::Unauthorized {
            ConnectionState::SignedOut
        } else {
            ConnectionState::Retrying
        };
        self.set_state(state, now);
        let mut error = ApiError::from(error);
        error.retry_at = retry_at;
        self.health.retry_at = retry_at;
        self.health.tries = tries;
        self.health.error = Some(error);
    }

    /// Brings the list of scopes up to the model.
    pub(crate) fn refresh_scopes(&mut self, model: &Model) {
        let is_down = !matches!(
            self.health.state,
            ConnectionState::Live | ConnectionState::Polling | ConnectionState::Starting
        );
        let mut scopes: Vec<ScopeHealth> = model
            .scopes_of(&self.settings.source.name)
            .map(|(scope, as_of)| ScopeHealth {
                scope: scope.clone(),
                as_of,
                stale: is_down || self.track.is_stale(scope),
            })
            .collect();
        scopes.sort_by(|left, right| left.scope.cmp(&right.scope));
        self.health.scopes = scopes;
    }

    /// Why nothing can be read or done through it now, if so.
    pub(crate) fn usable(&self) -> Result<&Arc<dyn Source>, ApiError> {
        self.source.as_ref().ok_or_else(|| {
            self.health.error.clone().unwrap_or_else(|| {
                ApiError::new(
                    ErrorCode::NoSuchConnection,
                    format!("{} is switched off", self.settings.source.name),
                )
            })
        })
    }
}
