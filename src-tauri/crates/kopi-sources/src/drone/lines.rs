//! From chunks to lines (`apis/drone.md §§ 4.4, 4.5`): a chunk may hold several lines or half a line, and live ones come
//! out of order and twice. Pure.
//!
//! Refuses: touching the text. Colours and `\r` stay; only the line end is taken off.

use std::collections::{BTreeMap, HashMap};

use kopi_model::wire::LogLine;

use super::parse::LogEntry;

/// Puts the chunks of a log's steps in order and cuts them into numbered lines.
#[derive(Debug, Default)]
pub struct Lines {
    /// Lines carry their step's name.
    names_steps: bool,
    number: u64,
    steps: HashMap<String, StepChunks>,
    ready: Vec<LogLine>,
    lost: bool,
}

#[derive(Debug, Default)]
struct StepChunks {
    next: u64,
    held: BTreeMap<u64, LogEntry>,
    half: Option<(u32, String)>,
}

impl Lines {
    /// For one step, or for several whose lines are to be told apart.
    pub fn new(names_steps: bool) -> Self {
        Self {
            names_steps,
            ..Self::default()
        }
    }

    /// Takes a chunk; one that was taken before is dropped, one that is early is held.
    pub fn push(&mut self, entry: LogEntry) {
        let step = self.steps.entry(entry.step.clone()).or_default();
        if entry.position < step.next {
            return;
        }
        step.held.insert(entry.position, entry);
        while let Some(entry) = step.held.remove(&step.next) {
            step.next += 1;
            cut(step, &entry, self.names_steps, &mut self.number, &mut self.ready);
        }
    }

    /// Chunks wait for one that has not come.
    pub fn is_waiting(&self) -> bool {
        self.steps.values().any(|step| !step.held.is_empty())
    }

    /// What has not come so far will not come: goes on with what is held, and remembers that something is missing.
    pub fn give_up_waiting(&mut self) {
        let mut names: Vec<String> = self.steps.keys().cloned().collect();
        names.sort_unstable();
        for name in names {
            let Some(step) = self.steps.get_mut(&name) else {
                continue;
            };
            while let Some((position, entry)) = step.held.pop_first() {
                self.lost |= position > step.next;
                step.next = position + 1;
                cut(step, &entry, self.names_steps, &mut self.number, &mut self.ready);
            }
        }
    }

    /// The step has ended: held chunks and a last line without an end are lines now.
    pub fn end_step(&mut self, name: &str) {
        if self.steps.get(name).is_some_and(|step| !step.held.is_empty()) {
            self.give_up_waiting();
        }
        let half = self.steps.get_mut(name).and_then(|step| step.half.take());
        if let Some((time, text)) = half {
            self.number += 1;
            self.ready.push(LogLine {
                number: self.number,
                step: self.names_steps.then(|| name.to_owned()),
                at_s: Some(time),
                text,
            });
        }
    }

    /// Something of that step was taken.
    pub fn has_begun(&self, name: &str) -> bool {
        self.steps.contains_key(name)
    }

    /// Lines that are not taken yet.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Takes the lines, and whether some are missing before them.
    pub fn take(&mut self) -> (Vec<LogLine>, bool) {
        (std::mem::take(&mut self.ready), std::mem::take(&mut self.lost))
    }
}

fn cut(step: &mut StepChunks, entry: &LogEntry, names_steps: bool, number: &mut u64, ready: &mut Vec<LogLine>) {
    for part in entry.out.split_inclusive('\n') {
        let (time, mut text) = step.half.take().unwrap_or((entry.time, String::new()));
        text.push_str(part);
        if text.ends_with('\n') {
            text.pop();
            *number += 1;
            ready.push(LogLine {
                number: *number,
                step: names_steps.then(|| entry.step.clone()),
                at_s: Some(time),
                text,
            });
        } else {
            step.half = Some((time, text));
        }
    }
}
