//! What no server should send: nothing panics, nothing is invented, names cannot lie.

use kopi_model::{Build, BuildStatus};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::setup::{body, frames, place, recording, recording_names};
use crate::drone::lines::Lines;
use crate::drone::parse;

fn whole(value: &Value) -> Option<Build> {
    parse::whole_build(value, "ihealth/api", &place())
}

fn with(changes: &Value) -> Option<Build> {
    let mut value = body("build-success.json");
    for (key, change) in changes.as_object().unwrap() {
        value[key] = change.clone();
    }
    whole(&value)
}

#[test]
fn a_message_of_5_megabytes_is_cut() {
    let build = with(&json!({"message": "测试".repeat(900_000)})).unwrap();
    assert_eq!(build.message.chars().count(), 2_000);
    assert!(build.subject.chars().count() <= 300);
}

#[test]
fn numbers_in_strings_are_numbers() {
    let build = with(&json!({"number": "12", "started_at": "1795489727", "parent": "3"})).unwrap();
    assert_eq!((build.number, build.parent), (12, Some(3)));
    assert_eq!(build.started_at, "2026-11-24T03:08:47Z".parse().ok());
}

#[test]
fn nulls_and_wrong_types_are_nothing() {
    let original = body("build-success.json");
    for key in original.as_object().unwrap().keys() {
        for wrong in [json!(null), json!([1]), json!({"a": 1}), json!(true), json!(-1)] {
            let build = with(&json!({ key.as_str(): wrong.clone() }));
            match key.as_str() {
                "number" => assert!(build.is_none_or(|build| build.number == 1), "{wrong}"),
                _ => assert!(build.is_some(), "{key}: {wrong}"),
            }
        }
    }
}

#[test]
fn an_unknown_status_is_unknown_and_shown() {
    let build = with(&json!({"status": "frobnicated"})).unwrap();
    assert_eq!(
        (build.status, build.server_status.as_str()),
        (BuildStatus::Unknown, "frobnicated")
    );
    assert!(!build.status.is_final(), "it will be read again");
}

#[test]
fn names_cannot_turn_the_line_around() {
    let evil = "a\u{202e}gpj\u{0000}\u{001b}[2J\u{2066}<b>&";
    let build = with(&json!({"branch": evil, "author": evil, "message": evil, "status": evil, "event": evil})).unwrap();
    for text in [
        &build.branch,
        &build.author,
        &build.subject,
        &build.message,
        &build.server_status,
        &build.event,
    ] {
        assert!(
            !text
                .chars()
                .any(|char| char.is_control() || ('\u{202a}'..='\u{2069}').contains(&char)),
            "{text:?}"
        );
        assert!(text.ends_with("<b>&"), "markup is text and stays: {text:?}");
    }
}

#[test]
fn ids_that_come_twice_are_one() {
    let mut rows = body("builds.json").as_array().unwrap().clone();
    let count = rows.len();
    rows.extend(rows.clone());
    assert_eq!(
        parse::builds(&Value::Array(rows), "ihealth/api", &place())
            .unwrap()
            .len(),
        count
    );
    let mut build = body("build-success.json");
    let twice = build["procs"][0]["children"][0].clone();
    build["procs"][0]["children"].as_array_mut().unwrap().push(twice);
    assert_eq!(whole(&build).unwrap().steps.len(), 3);
    let mut repos = body("user-repos.json").as_array().unwrap().clone();
    repos.extend(repos.clone());
    assert_eq!(parse::repos(&Value::Array(repos), &place()).unwrap().len(), 2);
}

#[test]
fn impossible_dates_are_not_yet() {
    for wrong in [
        json!(0),
        json!(-62_135_596_800_i64),
        json!(i64::MAX),
        json!("soon"),
        json!(1e300),
    ] {
        let build = with(&json!({"started_at": wrong, "finished_at": wrong})).unwrap();
        assert_eq!((build.started_at, build.finished_at), (None, None), "{wrong}");
    }
}

#[test]
fn a_repository_that_leads_elsewhere_is_none() {
    for (owner, name) in [
        ("..", ".."),
        ("a", ".."),
        ("", "x"),
        ("a", "b#1"),
        (".", "b"),
        ("a/", "b"),
    ] {
        let value = json!([{"owner": owner, "name": name, "number": 1, "status": "success"}]);
        assert_eq!(parse::feed(&value, &place()), Some(Vec::new()), "{owner}/{name}");
    }
}

#[test]
fn nothing_listed_is_not_everything_gone() {
    assert_eq!(
        parse::repos(&Value::Null, &place()),
        None,
        "a complete listing needs a list"
    );
    assert_eq!(parse::repos(&json!({"error": "x"}), &place()), None);
    assert_eq!(parse::feed(&json!("<html>"), &place()), None);
}

#[test]
fn procs_nested_without_end_are_left() {
    let mut proc = json!({"pid": 99, "name": "x"});
    for pid in 1..90 {
        proc = json!({"pid": pid, "name": "x", "children": [proc]});
    }
    let mut build = body("build-success.json");
    build["procs"] = json!([proc]);
    assert!(whole(&build).unwrap().steps.len() < 10);
}

/// Everything this source parses, on whatever it is given.
fn parse_everything(value: &Value) {
    let place = place();
    let mut builds: Vec<Build> = Vec::new();
    builds.extend(whole(value));
    builds.extend(parse::bare_build(value, "ihealth/api", &place));
    builds.extend(parse::builds(value, "ihealth/api", &place).unwrap_or_default());
    builds.extend(parse::feed(value, &place).unwrap_or_default());
    builds.extend(parse::frame(&value.to_string(), &place).map(|frame| frame.build));
    for build in builds {
        assert!(build.number > 0 && parse::is_repo_name(&build.repo), "{build:?}");
        assert!(build.message.chars().count() <= 2_000 && build.branch.chars().count() <= 300);
    }
    parse::repos(value, &place);
    parse::repo(value, &place);
    parse::agents(value, &place);
    parse::user(value);
    parse::procs(value);
    let mut lines = Lines::new(true);
    for entry in parse::stored_log(value).unwrap_or_default() {
        lines.push(entry);
    }
    lines.give_up_waiting();
}

fn recorded_bodies() -> Vec<String> {
    let json = recording_names().into_iter().filter_map(|name| recording(&name).json);
    json.map(|json| json.to_string())
        .chain(frames("stream-events.sse.txt"))
        .collect()
}

/// Puts something else into one place of a value.
fn change(value: &mut Value, path: &[usize], replacement: &Value) {
    let Some((first, rest)) = path.split_first() else {
        value.clone_from(replacement);
        return;
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            let index = first % items.len();
            change(&mut items[index], rest, replacement);
        }
        Value::Object(fields) if !fields.is_empty() => {
            let index = first % fields.len();
            if let Some((_, field)) = fields.iter_mut().nth(index) {
                change(field, rest, replacement);
            }
        }
        other => other.clone_from(replacement),
    }
}

fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        Just(json!({})),
        Just(json!(i64::MIN)),
        Just(json!(u64::MAX)),
        Just(json!(1e308)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number.to_string())),
        "\\PC{0,20}".prop_map(Value::String),
        any::<String>().prop_map(Value::String),
        Just(json!([[[{"pid": 1, "children": [{"pid": 1}]}]]])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutated_fields_never_panic(which in any::<prop::sample::Index>(), path in prop::collection::vec(0_usize..40, 1..6), odd in odd_value()) {
        let bodies = recorded_bodies();
        let mut value: Value = serde_json::from_str(&bodies[which.index(bodies.len())]).unwrap();
        change(&mut value, &path, &odd);
        parse_everything(&value);
    }

    #[test]
    fn mutated_bytes_never_panic(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let bodies = recorded_bodies();
        let mut bytes = bodies[which.index(bodies.len())].clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        if let Ok(value) = serde_json::from_slice(&bytes) {
            parse_everything(&value);
        }
        parse::frame(&String::from_utf8_lossy(&bytes), &place());
    }

    #[test]
    fn a_log_cut_anywhere_in_any_order_reads_the_same(text in "[a-z\n\r\u{1b}]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..6), seed in any::<u64>()) {
        let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([text.len()]).collect();
        ends.sort_unstable();
        let mut start = 0;
        let mut chunks: Vec<parse::LogEntry> = ends.iter().enumerate().map(|(position, end)| {
            let out = text[start..*end].to_owned();
            start = *end;
            parse::LogEntry { step: "s".into(), position: position as u64, time: 0, out }
        }).collect();
        let length = chunks.len();
        for index in 0..length {
            chunks.swap(index, (seed as usize).wrapping_mul(index + 7) % length);
        }
        let mut lines = Lines::new(false);
        for chunk in chunks {
            lines.push(chunk);
        }
        lines.end_step("s");
        let (got, lost) = lines.take();
        let expected: Vec<&str> = text.split_inclusive('\n').map(|line| line.strip_suffix('\n').unwrap_or(line)).collect();
        prop_assert!(!lost);
        prop_assert_eq!(got.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), expected);
    }
}
