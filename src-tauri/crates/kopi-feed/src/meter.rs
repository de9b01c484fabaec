//! Counts what a connection asks: requests of the last minute and whether the last 30 were answered well.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const BEATS: usize = 30;
const MINUTE: Duration = Duration::from_mins(1);
/// More than this a minute is not told apart: far beyond what Kopi may ask.
const MOST: usize = 10_000;

/// Shared between the clients of a connection and whoever shows it.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    asked: VecDeque<Instant>,
    beats: VecDeque<bool>,
}

impl Meter {
    /// A request leaves.
    pub fn asked(&self) {
        let mut counts = self.counts();
        if counts.asked.len() == MOST {
            counts.asked.pop_front();
        }
        counts.asked.push_back(Instant::now());
    }

    /// It was answered well, or not.
    pub fn beat(&self, well: bool) {
        let mut counts = self.counts();
        if counts.beats.len() == BEATS {
            counts.beats.pop_front();
        }
        counts.beats.push_back(well);
    }

    /// Requests sent within the last 60 s.
    pub fn requests_per_minute(&self) -> u32 {
        let mut counts = self.counts();
        while counts.asked.front().is_some_and(|at| at.elapsed() >= MINUTE) {
            counts.asked.pop_front();
        }
        u32::try_from(counts.asked.len()).unwrap_or(u32::MAX)
    }

    /// The last 30 asks, oldest first: true answered well.
    pub fn beats(&self) -> Vec<bool> {
        self.counts().beats.iter().copied().collect()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn counts_a_minute_and_keeps_thirty_beats() {
        let meter = Meter::default();
        for number in 0..40 {
            meter.asked();
            meter.beat(number != 39);
            tokio::time::advance(Duration::from_secs(2)).await;
        }
        assert_eq!(meter.requests_per_minute(), 29);
        assert_eq!(meter.beats().len(), 30);
        assert_eq!(meter.beats().last(), Some(&false));
        tokio::time::advance(MINUTE).await;
        assert_eq!(meter.requests_per_minute(), 0);
    }
}
