//! Sends one subscriber what changed: the first change after quiet at once, then at most one patch per 33 ms and one
//! unacknowledged. Cut into pieces below 8 KB, since a web view takes those directly and fetches larger ones.

use std::sync::Arc;
use std::time::Duration;

use kopi_model::wire::{Frame, Patch};
use kopi_model::{Item, ItemId};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::engine::{PatchParts, Shared, Subscriber, Turn};

/// Between two patches.
const PACE: Duration = Duration::from_millis(33);
/// A piece is closed before it gets larger.
const PIECE: usize = 8000;

/// Runs until the subscriber, its session or the core ends.
pub(crate) async fn pump(
    shared: Arc<Shared>,
    subscriber: Subscriber,
    out: mpsc::Sender<Frame>,
    stop: CancellationToken,
) {
    let mut earliest = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = subscriber.wake.notified() => {}
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(earliest) => {}
        }
        let turn = shared.state().take_turn(subscriber.id);
        let sent = match turn {
            Turn::Nothing => continue,
            Turn::Snapshot(snapshot) => out.send(Frame::Snapshot(*snapshot)).await.is_ok(),
            Turn::Patch(parts) => send_patch(&shared, *parts, &out).await,
        };
        if !sent {
            return;
        }
        earliest = Instant::now() + PACE;
    }
}

async fn send_patch(shared: &Shared, parts: PatchParts, out: &mpsc::Sender<Frame>) -> bool {
    let seen: Vec<(ItemId, Instant)> = parts
        .items
        .iter()
        .filter_map(|(id, _, seen)| Some((id.clone(), (*seen)?)))
        .collect();
    for patch in cut(parts) {
        if out.send(Frame::Patch(patch)).await.is_err() {
            return false;
        }
    }
    let now = Instant::now();
    let mut state = shared.state();
    for (id, seen) in seen {
        if let Some(connection) = id.connection().and_then(|name| state.connections.get_mut(&name)) {
            connection.latencies.add(seen, now);
        }
    }
    true
}

/// Cuts a patch into pieces that follow on each other. Every changed thing has counted the revision up by one at least,
/// so there are revisions enough for the pieces in between.
fn cut(parts: PatchParts) -> Vec<Patch> {
    let (base, rev) = (parts.base, parts.rev);
    let mut pieces = Vec::new();
    let mut piece = Patch {
        connections: parts.connections,
        connections_gone: parts.connections_gone,
        tasks: parts.tasks,
        ..Patch::default()
    };
    let mut size = size_of(&piece);
    for (id, item, _) in parts.items {
        let more = item
            .as_ref()
            .map_or(id.as_str().len() + 3, |item: &Arc<Item>| size_of(item.as_ref()));
        let has_items = !piece.upserts.is_empty() || !piece.gone.is_empty();
        if has_items && size + more > PIECE {
            pieces.push(std::mem::take(&mut piece));
            size = 0;
        }
        size += more;
        match item {
            Some(item) => piece.upserts.push(item),
            None => piece.gone.push(id),
        }
    }
    pieces.push(piece);
    let last = pieces.len() - 1;
    for (index, piece) in pieces.iter_mut().enumerate() {
        piece.base = (base + index as u64).min(rev);
        piece.rev = if index == last {
            rev
        } else {
            (base + index as u64 + 1).min(rev)
        };
    }
    pieces
}

/// Bytes of its JSON, counted without making it.
fn size_of(value: &impl Serialize) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        Err(_) => PIECE,
    }
}
