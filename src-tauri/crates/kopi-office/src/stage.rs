//! What time the fakes are told: while an event is being acted out, that event's own time, so that a clock put forward
//! by hours still writes down every minute in between; else the clock's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

use crate::clock::OfficeClock;

const OFF: i64 = i64::MIN;

/// Tells the fakes the time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stage {
    clock: OfficeClock,
    /// Milliseconds after the start, or `OFF`.
    at: Arc<AtomicI64>,
}

impl Stage {
    /// A stage on this clock.
    pub fn new(clock: OfficeClock) -> Self {
        Self {
            clock,
            at: Arc::new(AtomicI64::new(OFF)),
        }
    }

    /// From now on it is this time, until [`Stage::leave`].
    pub fn enter(&self, offset: SignedDuration) {
        let millis = i64::try_from(offset.as_millis()).unwrap_or(i64::MAX);
        self.at.store(millis, Ordering::SeqCst);
    }

    /// From now on it is the clock's time.
    pub fn leave(&self) {
        self.at.store(OFF, Ordering::SeqCst);
    }

    /// Office time since the start.
    pub fn elapsed(&self) -> SignedDuration {
        match self.at.load(Ordering::SeqCst) {
            OFF => self.clock.elapsed(),
            millis => SignedDuration::from_millis(millis),
        }
    }

    /// Office time.
    pub fn now(&self) -> Timestamp {
        self.clock.at(self.elapsed())
    }

    /// The clock itself.
    pub fn clock(&self) -> &OfficeClock {
        &self.clock
    }
}
