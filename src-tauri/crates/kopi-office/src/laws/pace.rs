//! Pace and chance: when people work, how long they wait between pushes, how likely a push passes by who and when,
//! how soon they mend what they broke, how long a step takes this time.
//!
//! Refuses: the machine's time of day. The office's day begins at [`DAY_BEGINS`], wherever and whenever it is started,
//! so that a newcomer always meets people at work.

use jiff::SignedDuration;

use crate::chance::Draws;
use crate::world::Person;

/// Time of day in the office when it is started: 14:04:25 of a Tuesday, as in the mock-ups.
pub const DAY_BEGINS: SignedDuration = SignedDuration::from_secs(14 * 3600 + 4 * 60 + 25);

/// Day of the week when the office is started, Monday is 0.
const FIRST_WEEKDAY: i64 = 1;

/// Hour of the office's day (0–23) and whether it is a working day, so long after (or before) the start.
pub fn hour_of(offset: SignedDuration) -> (u8, bool) {
    let seconds = DAY_BEGINS.as_secs() + offset.as_secs();
    let day = seconds.div_euclid(86_400);
    let hour = seconds.rem_euclid(86_400) / 3600;
    let weekday = (FIRST_WEEKDAY + day).rem_euclid(7);
    (u8::try_from(hour).unwrap_or(0), weekday < 5)
}

/// How much of their pace somebody works at: 1 within their day, little outside it, next to nothing on a weekend.
pub fn presence(person: &Person, offset: SignedDuration) -> f64 {
    let (hour, workday) = hour_of(offset);
    let (from, to) = person.day;
    let lunch = hour == 12;
    match (workday, (from..to).contains(&hour)) {
        (true, true) if lunch => 0.25,
        (true, true) => 1.0,
        (true, false) if hour >= to => 0.06,
        (true, false) => 0.02,
        (false, _) => 0.01,
    }
}

/// Chance that a push of theirs passes now: less before lunch is over, less late.
pub fn success_chance(person: &Person, offset: SignedDuration) -> f64 {
    let (hour, _) = hour_of(offset);
    let tired = match hour {
        0..8 => 0.25,
        8..10 => 0.03,
        10..12 | 14..17 => 0.0,
        12..14 => 0.04,
        17..20 => 0.05,
        _ => 0.14,
    };
    (person.care - tired).clamp(0.05, 0.99)
}

/// When they have mended what they broke: 5 to 25 minutes.
pub fn repair_after(draws: &mut Draws) -> SignedDuration {
    SignedDuration::from_secs(draws.between(5 * 60, 25 * 60))
}

/// Until their next push, at the pace of that hour; at least half a minute.
pub fn next_push_after(person: &Person, offset: SignedDuration, draws: &mut Draws) -> SignedDuration {
    let seconds = draws.seconds_until_next(person.pace * presence(person, offset));
    SignedDuration::from_secs((seconds.min(6.0 * 3600.0) as i64).max(30))
}

/// How long a step takes this time, milliseconds: mostly as usual, sometimes more.
pub fn step_ms(usual_s: u32, draws: &mut Draws) -> i64 {
    let usual = i64::from(usual_s) * 1000;
    let share = 0.92 + 0.16 * draws.share() + if draws.happens(0.05) { 0.4 } else { 0.0 };
    ((usual as f64 * share) as i64).max(400)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::{hour_of, presence, repair_after, success_chance};
    use crate::chance::Chance;
    use crate::world::people;

    #[test]
    fn the_day_begins_on_a_tuesday_afternoon() {
        assert_eq!(hour_of(SignedDuration::ZERO), (14, true));
        assert_eq!(hour_of(SignedDuration::from_hours(10)), (0, true));
        assert_eq!(hour_of(SignedDuration::from_hours(4 * 24)), (14, false), "Saturday");
        assert_eq!(
            hour_of(SignedDuration::from_hours(-15)),
            (23, true),
            "the evening before"
        );
    }

    #[test]
    fn people_sleep() {
        let person = people::find("sunyue").unwrap();
        assert!(presence(person, SignedDuration::from_hours(12)) < 0.1);
        assert!(success_chance(person, SignedDuration::from_hours(10)) < success_chance(person, SignedDuration::ZERO));
    }

    #[test]
    fn repairs_take_five_to_twenty_five_minutes() {
        let mut draws = Chance::new(1).draws("repairs");
        for _ in 0..1000 {
            let after = repair_after(&mut draws).as_secs();
            assert!((300..=1500).contains(&after), "{after}");
        }
    }
}
