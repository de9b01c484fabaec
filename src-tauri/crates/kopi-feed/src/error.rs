//! Why a call failed, in a form that both the engine (what now?) and a person (what helps?) can use.
//!
//! Refuses: secrets. `words` is the server's answer and is cut and redacted before it gets here.

use jiff::Timestamp;
use kopi_model::wire::{ApiError, ErrorCode};

/// Whether a writing request may have had its effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sent {
    /// It never left: safe to say "nothing was done".
    #[default]
    No,
    /// It left, and no answer came: the outcome is unknown.
    Maybe,
    /// The server answered.
    Answered,
}

/// A failed call, stream or order.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{request}: {what}")]
pub struct FeedError {
    /// For the engine and for the table of words.
    pub code: ErrorCode,
    /// `GET /api/user`; what was attempted, without secrets.
    pub request: String,
    /// What came instead, lower case, no full stop: `no answer within 10 s`, `certificate expired on 2026-11-01`.
    pub what: String,
    /// What helps.
    pub hint: Option<String>,
    /// HTTP status, when one came.
    pub status: Option<u16>,
    /// The server's own words, cut at 2,000 characters.
    pub words: Option<String>,
    /// The server said when to come back (429, 503).
    pub retry_at: Option<Timestamp>,
    /// For writing requests.
    pub sent: Sent,
    /// A stream that the server ended in good order: for a log its end, for a feed a broken stream.
    pub ended: bool,
}

impl FeedError {
    /// With the necessary.
    pub fn new(code: ErrorCode, request: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            code,
            request: request.into(),
            what: what.into(),
            hint: None,
            status: None,
            words: None,
            retry_at: None,
            sent: Sent::No,
            ended: false,
        }
    }

    /// With a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The engine must not ask again until settings change.
    pub fn stops(&self) -> bool {
        self.code == ErrorCode::Unauthorized
    }
}

impl From<FeedError> for ApiError {
    fn from(error: FeedError) -> Self {
        Self {
            code: if error.sent == Sent::Maybe {
                ErrorCode::OutcomeUnknown
            } else {
                error.code
            },
            message: error.to_string(),
            hint: error.hint,
            retry_at: error.retry_at,
            request: Some(error.request),
            status: error.status,
            words: error.words,
        }
    }
}
