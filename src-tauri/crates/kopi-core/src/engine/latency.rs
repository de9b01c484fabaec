//! Event seen to patch sent, of the last five minutes, per connection.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How far back.
const WINDOW: Duration = Duration::from_mins(5);
/// How many are kept.
const KEPT: usize = 512;

/// A ring of measures.
#[derive(Debug, Default)]
pub(crate) struct Latencies(VecDeque<(Instant, u32)>);

impl Latencies {
    /// Adds one.
    pub(crate) fn add(&mut self, seen: Instant, sent: Instant) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        let took = sent.saturating_duration_since(seen).as_millis();
        self.0.push_back((sent, u32::try_from(took).unwrap_or(u32::MAX)));
    }

    /// Median and 95th percentile in milliseconds; none when nothing was sent lately.
    pub(crate) fn percentiles(&mut self, now: Instant) -> (Option<u32>, Option<u32>) {
        while self
            .0
            .front()
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW)
        {
            self.0.pop_front();
        }
        let mut sorted: Vec<u32> = self.0.iter().map(|(_, took)| *took).collect();
        sorted.sort_unstable();
        let at = |share: usize| {
            sorted
                .get((sorted.len() * share / 100).min(sorted.len().saturating_sub(1)))
                .copied()
        };
        (at(50), at(95))
    }
}
