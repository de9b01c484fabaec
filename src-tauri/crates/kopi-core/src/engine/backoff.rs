//! How long to wait after a source fell (design § 5): 0.8 s → 30 s with jitter; as told by 429 and 503; not at all by
//! itself when the credential was refused.

use std::time::Duration;

use jiff::Timestamp;
use kopi_feed::FeedError;

/// First pause.
const FIRST: Duration = Duration::from_millis(800);
/// Longest pause that nobody asked for.
const LONGEST: Duration = Duration::from_secs(30);
/// Longest pause that a server may ask for.
const LONGEST_TOLD: Duration = Duration::from_hours(1);

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// Try again after so long.
    For(Duration),
    /// Only when a person asks or the settings change.
    UntilAsked,
}

/// `tries` counts failures in a row, from 1; `chance` is in `0.0..1.0`.
pub(crate) fn pause_after(error: &FeedError, tries: u32, chance: f64, now: Timestamp) -> Pause {
    if error.stops() {
        return Pause::UntilAsked;
    }
    if let Some(retry_at) = error.retry_at {
        let told = Duration::try_from(retry_at.duration_since(now)).unwrap_or_default();
        return Pause::For(told.clamp(FIRST, LONGEST_TOLD));
    }
    let doubled = FIRST.saturating_mul(1 << tries.saturating_sub(1).min(6));
    let jittered = doubled.min(LONGEST).mul_f64(0.75 + chance.clamp(0.0, 1.0) * 0.5);
    Pause::For(jittered.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kopi_model::wire::ErrorCode;

    fn failure(code: ErrorCode) -> FeedError {
        FeedError::new(code, "GET /", "broke")
    }

    #[test]
    fn grows_to_thirty_seconds_and_no_further() {
        let seconds: Vec<f64> = (1..9)
            .map(
                |tries| match pause_after(&failure(ErrorCode::Refused), tries, 0.5, Timestamp::UNIX_EPOCH) {
                    Pause::For(pause) => pause.as_secs_f64(),
                    Pause::UntilAsked => panic!("must be tried again"),
                },
            )
            .collect();
        assert_eq!(seconds, [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]);
    }

    #[test]
    fn waits_as_told_and_stops_when_refused() {
        let mut limited = failure(ErrorCode::RateLimited);
        limited.retry_at = Timestamp::from_second(95).ok();
        let now = Timestamp::from_second(5).unwrap();
        assert_eq!(pause_after(&limited, 7, 0.0, now), Pause::For(Duration::from_secs(90)));
        assert_eq!(
            pause_after(&failure(ErrorCode::Unauthorized), 1, 0.0, now),
            Pause::UntilAsked
        );
    }
}
