//! The one clock of the office: starts at a given time, runs at any speed from 0 (only on orders) to 1000, can be put
//! forward. Rests on tokio's time, so that a paused test runs a day in no time.
//!
//! Refuses: running backwards.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The fastest the office can run.
pub const MAX_SPEED: f64 = 1000.0;

/// Tells office time. Cheap to clone; all clones are one clock.
#[derive(Clone, Debug)]
pub struct OfficeClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: Timestamp,
    face: Mutex<Face>,
    changed: Notify,
}

/// Office seconds since the start as of a machine instant, and how fast they run.
#[derive(Debug)]
struct Face {
    as_of: Instant,
    elapsed: f64,
    speed: f64,
}

impl Face {
    fn elapsed(&self) -> f64 {
        self.elapsed + self.as_of.elapsed().as_secs_f64() * self.speed
    }

    fn settle(&mut self) {
        self.elapsed = self.elapsed();
        self.as_of = Instant::now();
    }
}

impl OfficeClock {
    /// A clock that shows `start` now and runs at `speed`.
    pub fn new(start: Timestamp, speed: f64) -> Self {
        Self(Arc::new(Inner {
            start,
            face: Mutex::new(Face {
                as_of: Instant::now(),
                elapsed: 0.0,
                speed: speed.clamp(0.0, MAX_SPEED),
            }),
            changed: Notify::new(),
        }))
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        self.0.face.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the day began.
    pub fn start(&self) -> Timestamp {
        self.0.start
    }

    /// Office time since the start.
    pub fn elapsed(&self) -> SignedDuration {
        SignedDuration::from_millis((self.face().elapsed() * 1000.0) as i64)
    }

    /// Office time now.
    pub fn now(&self) -> Timestamp {
        self.at(self.elapsed())
    }

    /// The time so long after the start.
    pub fn at(&self, offset: SignedDuration) -> Timestamp {
        self.0.start.checked_add(offset).unwrap_or(self.0.start)
    }

    /// Office seconds a machine second.
    pub fn speed(&self) -> f64 {
        self.face().speed
    }

    /// Runs at another speed from now on, within 0 … [`MAX_SPEED`].
    pub fn set_speed(&self, speed: f64) {
        {
            let mut face = self.face();
            face.settle();
            face.speed = if speed.is_finite() {
                speed.clamp(0.0, MAX_SPEED)
            } else {
                face.speed
            };
        }
        self.0.changed.notify_waiters();
    }

    /// Puts the clock forward.
    pub fn advance(&self, by: Duration) {
        {
            let mut face = self.face();
            face.settle();
            face.elapsed += by.as_secs_f64();
        }
        self.0.changed.notify_waiters();
    }

    /// Machine time until the office shows `offset`; none while the clock stands still before it.
    pub fn until(&self, offset: SignedDuration) -> Option<Duration> {
        let face = self.face();
        let left = offset.as_secs_f64() - face.elapsed();
        if left <= 0.0 {
            return Some(Duration::ZERO);
        }
        // One millisecond more, so that a timer rounded down does not spin.
        (face.speed > 0.0).then(|| Duration::from_secs_f64(left / face.speed) + Duration::from_millis(1))
    }

    /// Waits for so much machine time, but only while the clock runs.
    pub async fn wait_running(&self, time: Duration) {
        loop {
            let changed = self.0.changed.notified();
            if self.speed() > 0.0 {
                tokio::time::sleep(time).await;
                return;
            }
            changed.await;
        }
    }

    /// Waits until the office shows `offset`, through every change of speed.
    pub async fn wait_until(&self, offset: SignedDuration) {
        loop {
            let changed = self.0.changed.notified();
            match self.until(offset) {
                Some(Duration::ZERO) => return,
                Some(left) => {
                    tokio::select! { () = tokio::time::sleep(left) => {}, () = changed => {} }
                }
                None => changed.await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};

    use super::OfficeClock;

    #[tokio::test(start_paused = true)]
    async fn speed_and_advance() {
        let clock = OfficeClock::new(Timestamp::UNIX_EPOCH, 0.0);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(clock.elapsed(), SignedDuration::ZERO, "stands still at speed 0");
        assert_eq!(clock.until(SignedDuration::from_secs(1)), None);
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.elapsed(), SignedDuration::from_secs(90));
        clock.set_speed(100.0);
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(clock.elapsed(), SignedDuration::from_secs(690));
        clock.wait_until(SignedDuration::from_hours(2)).await;
        assert!(clock.elapsed() >= SignedDuration::from_hours(2));
    }
}
