//! What parsers use on texts, numbers and times of a server: nothing here fails or panics, whatever came.
//!
//! Refuses: repairing meaning. An unreadable time is none, never "now".

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One line for a face: control characters become blanks, marks that turn the reading direction are taken out, and it
/// is cut at so many characters with an ellipsis.
pub fn clean(text: &str, max_chars: usize) -> String {
    cut(
        text.chars()
            .filter(|char| !is_direction_mark(*char))
            .map(|char| if char.is_control() { ' ' } else { char }),
        max_chars,
    )
}

/// As [`clean`], but tabs and line ends stay (`\r\n` becomes `\n`).
pub fn clean_block(text: &str, max_chars: usize) -> String {
    let mut chars = text.chars().peekable();
    let kept = std::iter::from_fn(move || {
        loop {
            let char = chars.next()?;
            if char == '\r' && chars.peek() == Some(&'\n') || is_direction_mark(char) {
                continue;
            }
            return Some(match char {
                '\n' | '\t' => char,
                '\r' => '\n',
                char if char.is_control() => ' ',
                char => char,
            });
        }
    });
    cut(kept, max_chars)
}

/// First line of a text, cleaned.
pub fn first_line(text: &str, max_chars: usize) -> String {
    clean(
        text.trim_start().lines().next().unwrap_or_default().trim_end(),
        max_chars,
    )
}

fn cut(chars: impl Iterator<Item = char>, max_chars: usize) -> String {
    let mut kept = String::new();
    for (count, char) in chars.enumerate() {
        if count == max_chars {
            kept.pop();
            kept.push('…');
            break;
        }
        kept.push(char);
    }
    kept
}

/// Overrides, embeddings, isolates, and the invisible marks beside them: what makes `gpj.exe` read as `exe.jpg`.
fn is_direction_mark(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A time given as seconds or milliseconds since 1970: `0`, negative and impossible ones are none. Before the year 2001
/// nothing of ours happened, so that from 10^12 on it is milliseconds.
pub fn timestamp(number: i64) -> Option<Timestamp> {
    match number {
        ..=0 => None,
        1..1_000_000_000_000 => Timestamp::from_second(number).ok(),
        _ => Timestamp::from_millisecond(number).ok(),
    }
}

/// A time in any of the forms met: number, number in a string, RFC 3339 (with or without fraction). Else none.
pub fn timestamp_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(_) => timestamp(integer_of(value)?),
        Value::String(text) => {
            let text = text.trim();
            match text.parse::<i64>() {
                Ok(number) => timestamp(number),
                // Year 1 is Go's zero time.
                Err(_) => text.parse::<Timestamp>().ok().filter(|time| time.as_second() > 0),
            }
        }
        _ => None,
    }
}

/// A whole number from a number or a string; fractions are cut off. Else none.
pub fn integer_of(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let number = number.as_f64()?;
            (number.is_finite() && number.abs() < 9.0e18).then_some(number as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(flag) => Some(i64::from(*flag)),
        _ => None,
    }
}

/// A text from a string, a number or a flag. Else none.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A flag from a flag, `0`/`1` or `"true"`/`"false"`. Else none.
pub fn flag_of(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(_) => integer_of(value).map(|number| number != 0),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// `#[serde(default, deserialize_with = "text::lenient_text")]`: a text, or empty whatever came.
///
/// # Errors
/// Only when the JSON itself is broken; so do all below.
pub fn lenient_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(text_of(&Value::deserialize(deserializer)?).unwrap_or_default())
}

/// A text that is there and not empty.
///
/// # Errors
/// Broken JSON.
pub fn lenient_option_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text_of(&Value::deserialize(deserializer)?).filter(|text| !text.is_empty()))
}

/// A number, or a number in a string; else 0. Clamped to what fits.
///
/// # Errors
/// Broken JSON.
pub fn lenient_u64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value
        .as_u64()
        .or_else(|| u64::try_from(integer_of(&value)?).ok())
        .unwrap_or_default())
}

/// A signed number, or none.
///
/// # Errors
/// Broken JSON.
pub fn lenient_option_i64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(integer_of(&Value::deserialize(deserializer)?))
}

/// A flag, or false.
///
/// # Errors
/// Broken JSON.
pub fn lenient_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(flag_of(&Value::deserialize(deserializer)?).unwrap_or_default())
}

/// A time, or none ([`timestamp_of`]).
///
/// # Errors
/// Broken JSON.
pub fn lenient_timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(timestamp_of(&Value::deserialize(deserializer)?))
}

/// A list whose unreadable elements are left out; anything but a list is empty.
///
/// # Errors
/// Broken JSON.
pub fn lenient_list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    match Value::deserialize(deserializer)? {
        Value::Array(values) => Ok(values
            .into_iter()
            .filter_map(|value| serde_json::from_value(value).ok())
            .collect()),
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_cannot_turn_the_line_around_or_run_over() {
        assert_eq!(clean("a\u{202e}b\u{0007}c\nd", 20), "ab c d");
        assert_eq!(clean("中文很长的名字", 4), "中文很…");
        assert_eq!(clean("just4", 5), "just4");
        assert_eq!(clean("anything", 0), "…");
        assert_eq!(clean_block("one\r\ntwo\rthree\tx\u{1b}", 40), "one\ntwo\nthree\tx ");
        assert_eq!(first_line("\n  fix it \r\n\r\nbody", 40), "fix it");
    }

    #[test]
    fn impossible_times_are_none() {
        for value in [
            json!(0),
            json!(-5),
            json!(i64::MAX),
            json!(1.0e300),
            json!("0001-01-01T00:00:00Z"),
            json!("soon"),
            json!(null),
            json!([]),
        ] {
            assert_eq!(timestamp_of(&value), None, "{value}");
        }
        let expected = "2017-07-14T02:40:00Z".parse::<Timestamp>().ok();
        for value in [
            json!(1_500_000_000),
            json!(1_500_000_000_000_i64),
            json!("1500000000"),
            json!("2017-07-14T02:40:00Z"),
            json!(1_500_000_000.7),
        ] {
            assert_eq!(timestamp_of(&value), expected, "{value}");
        }
    }

    #[test]
    fn numbers_come_as_strings_too() {
        #[derive(Deserialize, Debug, PartialEq)]
        struct Row {
            #[serde(default, deserialize_with = "lenient_u64")]
            number: u64,
            #[serde(default, deserialize_with = "lenient_text")]
            name: String,
            #[serde(default, deserialize_with = "lenient_flag")]
            active: bool,
        }
        let rows: Vec<Row> = serde_json::from_value(json!([
            {"number": "12", "name": 7, "active": "true"},
            {"number": -3, "name": null, "active": 0},
            {"number": {"x": 1}, "name": [], "active": []},
        ]))
        .unwrap();
        let expected = [(12, "7", true), (0, "", false), (0, "", false)];
        for (row, (number, name, active)) in rows.iter().zip(expected) {
            assert_eq!(
                *row,
                Row {
                    number,
                    name: name.into(),
                    active
                }
            );
        }
    }
}
