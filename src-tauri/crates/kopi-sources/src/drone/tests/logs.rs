//! Logs: stored and live, complete, in order, exactly as the server has them.

use std::time::Duration;

use kopi_model::wire::{ErrorCode, LogLine};

use super::setup::{Desk, ask, office, push, run_to_the_end};
use crate::drone::fake::{FakeDrone, StreamKnobs};

const API: &str = "ihealth/api";

fn texts(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

fn numbers(lines: &[LogLine]) -> Vec<u64> {
    lines.iter().map(|line| line.number).collect()
}

/// A build whose second step runs and has printed some lines.
fn running(drone: &FakeDrone) -> u64 {
    let number = push(drone, API);
    drone.start_proc(API, number, 1, "agent-1");
    drone.start_proc(API, number, 2, "agent-1");
    drone.append_log(API, number, 2, "Cloning\n");
    drone.end_proc(API, number, 2, 0);
    drone.start_proc(API, number, 3, "agent-1");
    drone.append_log(API, number, 3, "+ go build\nmain.go:7: ");
    number
}

#[tokio::test(start_paused = true)]
async fn a_stored_log_is_complete_and_untouched() {
    let drone = office();
    let number = running(&drone);
    drone.append_log(API, number, 3, "undefined: foo\n\u{1b}[31mexit status 2\u{1b}[0m\r\n");
    drone.append_log(API, number, 3, "no end of line");
    drone.end_proc(API, number, 3, 2);
    drone.end_proc(API, number, 1, 2);
    let desk = Desk::at(drone.router()).await;
    let lines = desk.read_log(ask(number, Some("3"), false)).await.unwrap();
    let expected = [
        "+ go build",
        "main.go:7: undefined: foo",
        "\u{1b}[31mexit status 2\u{1b}[0m\r",
        "no end of line",
    ];
    assert_eq!(texts(&lines), expected);
    assert_eq!(numbers(&lines), [1, 2, 3, 4]);
    assert!(lines.iter().all(|line| line.step.is_none()));
    let all = desk.read_log(ask(number, None, false)).await.unwrap();
    let steps: Vec<Option<&str>> = all.iter().map(|line| line.step.as_deref()).collect();
    assert_eq!(steps, [vec![Some("git")], vec![Some("build"); 4]].concat());
    assert_eq!(numbers(&all), [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_live_log_is_followed_from_its_beginning_to_its_end() {
    let drone = office();
    let number = running(&drone);
    let desk = Desk::at(drone.router()).await;
    let (mut chunks, task) = desk.open_log(ask(number, Some("3"), true));
    let mut lines = Vec::new();
    let mut caught_up = false;
    while !caught_up {
        let chunk = chunks.recv().await.unwrap();
        lines.extend(chunk.lines);
        caught_up = chunk.caught_up;
    }
    assert_eq!(texts(&lines), ["+ go build"], "half a line is not a line yet");
    drone.append_log(API, number, 3, "undefined: foo\nline 3\n");
    lines.extend(chunks.recv().await.unwrap().lines);
    assert_eq!(lines.last().map(|line| line.text.as_str()), Some("line 3"));
    drone.append_log(API, number, 3, "line 4\nlast words");
    drone.end_proc(API, number, 3, 0);
    drone.start_proc(API, number, 4, "agent-1");
    drone.append_log(API, number, 4, "of another step\n");
    while let Some(chunk) = chunks.recv().await {
        assert!(!chunk.gap && !chunk.caught_up);
        lines.extend(chunk.lines);
    }
    task.await.unwrap().unwrap();
    let expected = [
        "+ go build",
        "main.go:7: undefined: foo",
        "line 3",
        "line 4",
        "last words",
    ];
    assert_eq!(texts(&lines), expected);
    assert_eq!(numbers(&lines), [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn swapped_lines_come_in_order() {
    let drone = office();
    drone.set_knobs(StreamKnobs {
        swap_every: 2,
        ..StreamKnobs::default()
    });
    let number = running(&drone);
    for line in 1..=50 {
        drone.append_log(API, number, 3, &format!("line {line}\n"));
    }
    let desk = Desk::at(drone.router()).await;
    let lines = desk.read_log(ask(number, Some("3"), false)).await.unwrap();
    assert_eq!(lines.len(), 51);
    assert_eq!(lines[50].text, "line 50");
    assert_eq!(lines[25].text, "line 25");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_has_not_begun_is_waited_for() {
    let drone = office();
    let number = push(&drone, API);
    let desk = Desk::at(drone.router()).await;
    let (mut chunks, task) = desk.open_log(ask(number, Some("2"), true));
    let first = chunks.recv().await.unwrap();
    assert!(first.lines.is_empty() && first.caught_up);
    run_to_the_end(&drone, API, number, 0);
    let mut lines = Vec::new();
    while let Some(chunk) = chunks.recv().await {
        lines.extend(chunk.lines);
    }
    task.await.unwrap().unwrap();
    assert_eq!(texts(&lines), ["+ step 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_without_output_has_an_empty_log_and_a_purged_one_says_so() {
    let drone = office();
    let number = push(&drone, API);
    drone.start_proc(API, number, 1, "agent-1");
    drone.start_proc(API, number, 2, "agent-1");
    drone.end_proc(API, number, 2, 0);
    drone.end_proc(API, number, 1, 0);
    let desk = Desk::at(drone.router()).await;
    assert_eq!(desk.read_log(ask(number, Some("2"), false)).await.unwrap(), []);
    assert_eq!(
        desk.read_log(ask(number, Some("4"), false)).await.unwrap(),
        [],
        "skipped"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_said() {
    let drone = office();
    let number = push(&drone, API);
    run_to_the_end(&drone, API, number, 0);
    let desk = Desk::at(drone.router()).await;
    let no_step = desk.read_log(ask(number, Some("77"), true)).await.unwrap_err();
    assert_eq!(no_step.code, ErrorCode::NoSuchItem);
    let build = drone.build(API, number).unwrap();
    drone.insert_build(API, build, Vec::new());
    // Its log went away with the disk it was on.
    drone.delete_build(API, number);
    let build = crate::drone::fake::FakeBuild {
        finished_at: 1_500_000_000,
        ..drone.build("ihealth/web", 1).unwrap()
    };
    drone.insert_build(API, build, Vec::new());
    let no_log = desk.read_log(ask(1, Some("2"), false)).await.unwrap_err();
    assert_eq!(no_log.code, ErrorCode::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_view_that_closes_ends_the_reading() {
    let drone = office();
    let number = running(&drone);
    let desk = Desk::at(drone.router()).await;
    let (mut chunks, task) = desk.open_log(ask(number, Some("3"), true));
    chunks.recv().await.unwrap();
    drop(chunks);
    drone.append_log(API, number, 3, "more\n");
    tokio::time::timeout(Duration::from_secs(10), task)
        .await
        .expect("it goes on")
        .unwrap()
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_log_of_100_000_lines_comes_whole() {
    let drone = office();
    let number = push(&drone, API);
    drone.start_proc(API, number, 1, "agent-1");
    drone.start_proc(API, number, 2, "agent-1");
    for block in 0..1_000 {
        let lines: Vec<String> = (0..100).map(|line| format!("line {}\n", block * 100 + line)).collect();
        let chunk = lines.concat();
        drone.append_log(API, number, 2, &chunk);
    }
    drone.end_proc(API, number, 2, 0);
    drone.end_proc(API, number, 1, 0);
    let desk = Desk::at(drone.router()).await;
    let lines = desk.read_log(ask(number, Some("2"), true)).await.unwrap();
    assert_eq!(lines.len(), 100_000);
    assert_eq!(
        (lines[99_999].number, lines[99_999].text.as_str()),
        (100_000, "line 99999")
    );
}
