//! Times, ages and durations as people read them (`look/words.md`, voice), for notices, tray and command line.
//!
//! Refuses: any clock; `now` and the time zone are arguments.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::Lang;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// `48s`, `1m48s`, `1h05m`, `2d03h`: the same in both languages. Negative counts as none.
pub fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    match seconds {
        0..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => format!("{}m{:02}s", seconds / MINUTE, seconds % MINUTE),
        HOUR..DAY => format!("{}h{:02}m", seconds / HOUR, seconds % HOUR / MINUTE),
        _ => format!("{}d{:02}h", seconds / DAY, seconds % DAY / HOUR),
    }
}

/// How long, in a cell: `12 min`, `3 h`, `9 d` or `12分钟`, `3小时`, `9天`. Negative counts as none.
pub fn age_cell(length: SignedDuration, lang: Lang) -> String {
    let (number, unit) = largest_unit(length);
    match lang {
        Lang::En => format!("{number} {}", ["s", "min", "h", "d"][unit]),
        Lang::Zh => format!("{number}{}", CHINESE_UNITS[unit]),
    }
}

/// How long, in a sentence: `12 minutes`, `1 hour` or `12 分钟`, `1 小时`. Negative counts as none.
pub fn age_sentence(length: SignedDuration, lang: Lang) -> String {
    let (number, unit) = largest_unit(length);
    match lang {
        Lang::En => {
            let word = ["second", "minute", "hour", "day"][unit];
            format!("{number} {word}{}", if number == 1 { "" } else { "s" })
        }
        Lang::Zh => format!("{number} {}", CHINESE_UNITS[unit]),
    }
}

/// A point in time: `14:05` today, `yesterday 18:47` / `昨天 18:47`, `19 Nov` / `11-19`, with the year when it is another.
pub fn time(at: Timestamp, now: Timestamp, zone: &TimeZone, lang: Lang) -> String {
    let then = at.to_zoned_datetime(zone.clone());
    let today = now.to_zoned_datetime(zone.clone()).date();
    let clock = format!("{:02}:{:02}", then.hour(), then.minute());
    if then.date() == today {
        return clock;
    }
    if today.yesterday().is_ok_and(|yesterday| yesterday == then.date()) {
        return format!("{} {clock}", lang.pick("yesterday", "昨天"));
    }
    let same_year = then.year() == today.year();
    match lang {
        Lang::En => {
            let day = format!(
                "{} {}",
                then.day(),
                MONTHS[usize::from(then.month().unsigned_abs()) - 1]
            );
            if same_year {
                day
            } else {
                format!("{day} {}", then.year())
            }
        }
        Lang::Zh => {
            let day = format!("{:02}-{:02}", then.month(), then.day());
            if same_year {
                day
            } else {
                format!("{}-{day}", then.year())
            }
        }
    }
}

const CHINESE_UNITS: [&str; 4] = ["秒", "分钟", "小时", "天"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Number and index of the unit, rounded down as ages are.
fn largest_unit(length: SignedDuration) -> (i64, usize) {
    let seconds = length.as_secs().max(0);
    match seconds {
        0..MINUTE => (seconds, 0),
        MINUTE..HOUR => (seconds / MINUTE, 1),
        HOUR..DAY => (seconds / HOUR, 2),
        _ => (seconds / DAY, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: i64) -> SignedDuration {
        SignedDuration::from_secs(count)
    }

    #[test]
    fn durations_keep_two_units() {
        for (count, words) in [
            (-3, "0s"),
            (48, "48s"),
            (108, "1m48s"),
            (120, "2m00s"),
            (3_900, "1h05m"),
            (183_600, "2d03h"),
        ] {
            assert_eq!(duration(seconds(count)), words);
        }
    }

    #[test]
    fn ages_are_spaced_as_a_cell_or_a_sentence_wants() {
        for (count, cell, cell_zh, sentence, sentence_zh) in [
            (30, "30 s", "30秒", "30 seconds", "30 秒"),
            (60, "1 min", "1分钟", "1 minute", "1 分钟"),
            (779, "12 min", "12分钟", "12 minutes", "12 分钟"),
            (7_300, "2 h", "2小时", "2 hours", "2 小时"),
            (260_000, "3 d", "3天", "3 days", "3 天"),
        ] {
            assert_eq!(age_cell(seconds(count), Lang::En), cell);
            assert_eq!(age_cell(seconds(count), Lang::Zh), cell_zh);
            assert_eq!(age_sentence(seconds(count), Lang::En), sentence);
            assert_eq!(age_sentence(seconds(count), Lang::Zh), sentence_zh);
        }
    }

    #[test]
    fn days_are_counted_in_the_readers_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let now: Timestamp = "2026-11-20T01:00:00Z".parse().unwrap();
        let show = |at: &str, lang| time(at.parse().unwrap(), now, &zone, lang);
        assert_eq!(show("2026-11-20T00:05:00Z", Lang::En), "08:05");
        // Still the 19th in UTC, already the 20th at this desk.
        assert_eq!(show("2026-11-19T16:30:00Z", Lang::En), "00:30");
        assert_eq!(show("2026-11-19T10:47:00Z", Lang::En), "yesterday 18:47");
        assert_eq!(show("2026-11-19T10:47:00Z", Lang::Zh), "昨天 18:47");
        assert_eq!(show("2026-11-12T10:47:00Z", Lang::En), "12 Nov");
        assert_eq!(show("2026-11-12T10:47:00Z", Lang::Zh), "11-12");
        assert_eq!(show("2025-03-01T10:47:00Z", Lang::En), "1 Mar 2025");
        assert_eq!(show("2025-03-01T10:47:00Z", Lang::Zh), "2025-03-01");
    }
}
