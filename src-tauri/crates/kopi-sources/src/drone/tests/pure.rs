//! Merging and cutting, without any server.

use kopi_model::{Build, BuildStatus, Step};

use crate::drone::dialect::Family;
use crate::drone::lines::Lines;
use crate::drone::merge::{with_frame, with_row};
use crate::drone::parse::{LogEntry, status};

fn build(word: &str, steps: &[&str]) -> Build {
    Build {
        id: "build:drone/a/b#1".into(),
        repo: "a/b".into(),
        number: 1,
        status: status(word),
        server_status: word.into(),
        steps: steps
            .iter()
            .enumerate()
            .map(|(index, word)| Step {
                key: (index + 2).to_string(),
                status: status(word),
                ..Step::default()
            })
            .collect(),
        steps_known: !steps.is_empty(),
        ..Build::default()
    }
}

#[test]
fn a_late_frame_reopens_nothing() {
    let ended = build("success", &["success", "success"]);
    assert_eq!(
        with_frame(Some(&ended), build("running", &["success", "running"])),
        None
    );
    let running = build("running", &["success", "running"]);
    assert_eq!(
        with_frame(Some(&running), build("running", &["running", "pending"])),
        None
    );
    assert_eq!(
        with_frame(Some(&running), build("pending", &["pending", "pending"])),
        None
    );
}

#[test]
fn a_frame_takes_away_no_step() {
    let known = build("running", &["success", "running"]);
    let merged = with_frame(Some(&known), build("success", &[])).unwrap();
    assert_eq!(
        (merged.status, merged.steps.len(), merged.steps_known),
        (BuildStatus::Passed, 2, true)
    );
}

#[test]
fn approval_and_corrections_pass() {
    let approved = with_frame(Some(&build("blocked", &[])), build("pending", &["pending"])).unwrap();
    assert_eq!(approved.status, BuildStatus::Waiting);
    let corrected = with_frame(Some(&build("killed", &["success"])), build("failure", &["success"])).unwrap();
    assert_eq!(corrected.status, BuildStatus::Failed);
}

#[test]
fn a_row_does_not_turn_cancelled_into_failed() {
    let cancelled = Build {
        status: BuildStatus::Cancelled,
        ..build("failure", &["success"])
    };
    assert_eq!(with_row(Some(&cancelled), build("failure", &[])), None);
    assert_eq!(with_row(Some(&cancelled), build("running", &[])), None);
    let running = build("running", &["running"]);
    let merged = with_row(Some(&running), build("success", &[])).unwrap();
    assert_eq!((merged.status, merged.steps.len()), (BuildStatus::Passed, 1));
}

fn chunk(position: u64, out: &str) -> LogEntry {
    LogEntry {
        step: "build".into(),
        position,
        time: position as u32,
        out: out.into(),
    }
}

fn cut(chunks: Vec<LogEntry>) -> (Vec<(u64, String)>, bool) {
    let mut lines = Lines::new(false);
    for chunk in chunks {
        lines.push(chunk);
    }
    lines.end_step("build");
    let (lines, lost) = lines.take();
    (lines.into_iter().map(|line| (line.number, line.text)).collect(), lost)
}

#[test]
fn chunks_become_lines_whatever_their_cut_and_order() {
    let expected = (
        vec![
            (1, "\u{1b}[32mone\u{1b}[0m".to_owned()),
            (2, "10%\r20%\r".to_owned()),
            (3, String::new()),
            (4, "last".to_owned()),
        ],
        false,
    );
    let in_order = vec![
        chunk(0, "\u{1b}[32mone\u{1b}[0m\n10%\r"),
        chunk(1, "20%\r\n"),
        chunk(2, "\nlast"),
    ];
    assert_eq!(cut(in_order.clone()), expected);
    let mut swapped = in_order.clone();
    swapped.swap(0, 2);
    swapped.extend(in_order);
    assert_eq!(cut(swapped), expected);
}

#[test]
fn a_lost_chunk_is_said() {
    assert_eq!(
        cut(vec![chunk(0, "a\n"), chunk(2, "c\n")]),
        (vec![(1, "a".into()), (2, "c".into())], true)
    );
}

#[test]
fn the_family_is_told_apart() {
    let recognise = |header: Option<(&'static str, &str)>, body: &str| {
        let mut headers = http::HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().unwrap());
        }
        Family::recognise(&headers, body.as_bytes())
    };
    let page = "<!DOCTYPE html><html></html>";
    assert_eq!(
        recognise(Some(("x-drone-version", "0.8.1")), page),
        Some(Family::Drone08("0.8.1".into()))
    );
    assert_eq!(
        recognise(None, r#"{"version":"2.11.1"}"#),
        Some(Family::Drone2("2.11.1".into()))
    );
    assert_eq!(
        recognise(Some(("x-woodpecker-version", "next-1234")), "{}"),
        Some(Family::Woodpecker("next-1234".into()))
    );
    let woodpecker = r#"{"source":"https://github.com/woodpecker-ci/woodpecker","version":"3.1.0"}"#;
    assert_eq!(recognise(None, woodpecker), Some(Family::Woodpecker("3.1.0".into())));
    assert_eq!(recognise(None, page), None);
    assert_eq!(recognise(None, r#"{"swagger":"2.0"}"#), None);
}
