//! The one clock a source may look at. Under test it follows tokio's paused time, so that a day passes in no time.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// Tells the time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
enum Inner {
    System,
    Tokio {
        start: Timestamp,
        began: tokio::time::Instant,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Inner::System))
    }

    /// `start` plus tokio's time since now: follows `tokio::time::pause` and `advance`.
    pub fn tokio(start: Timestamp) -> Self {
        Self(Arc::new(Inner::Tokio {
            start,
            began: tokio::time::Instant::now(),
        }))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Inner::System => Timestamp::now(),
            Inner::Tokio { start, began } => {
                let elapsed = SignedDuration::try_from(began.elapsed()).unwrap_or(SignedDuration::ZERO);
                start.checked_add(elapsed).unwrap_or(*start)
            }
        }
    }
}
