//! The merge rule (`apis/drone.md § 8.3`): what to believe when answers and frames arrive out of order. Pure.
//!
//! Refuses: letting a build or a step go back: its rank never falls, and a frame or a row never takes known facts away.

use kopi_model::{Build, Step};

/// The build after a frame of the stream; none when the frame is old or says nothing new.
pub fn with_frame(known: Option<&Build>, frame: Build) -> Option<Build> {
    let Some(known) = known else {
        return Some(frame);
    };
    if frame.status.rank() < known.status.rank() {
        return None;
    }
    let merged = Build {
        steps: merged_steps(&known.steps, frame.steps),
        steps_known: known.steps_known || frame.steps_known,
        error: frame.error.or_else(|| known.error.clone()),
        reviewed_by: frame.reviewed_by.or_else(|| known.reviewed_by.clone()),
        started_at: frame.started_at.or(known.started_at),
        finished_at: frame.finished_at.or(known.finished_at),
        ..frame
    };
    (merged != *known).then_some(merged)
}

/// The build after a row of a list, which leaves out steps, parent, sender, target and reason; none when the row tells
/// nothing that was not known. What it tells is only that the build has to be read.
pub fn with_row(known: Option<&Build>, row: Build) -> Option<Build> {
    let Some(known) = known else {
        return Some(row);
    };
    let same = row.server_status == known.server_status
        && row.started_at == known.started_at
        && row.finished_at == known.finished_at;
    if same || row.status.rank() < known.status.rank() {
        return None;
    }
    Some(Build {
        // A row cannot tell a cancelled build from a failed one: while the word stays, so does what was made of it.
        status: if row.server_status == known.server_status {
            known.status
        } else {
            row.status
        },
        server_status: row.server_status,
        started_at: row.started_at.or(known.started_at),
        finished_at: row.finished_at.or(known.finished_at),
        ..known.clone()
    })
}

fn merged_steps(known: &[Step], frame: Vec<Step>) -> Vec<Step> {
    if frame.is_empty() {
        return known.to_vec();
    }
    let lost: Vec<Step> = known
        .iter()
        .filter(|known| !frame.iter().any(|step| step.key == known.key))
        .cloned()
        .collect();
    let news = frame
        .into_iter()
        .map(|step| match known.iter().find(|known| known.key == step.key) {
            Some(known) if known.status.rank() > step.status.rank() => known.clone(),
            _ => step,
        });
    news.chain(lost).collect()
}
