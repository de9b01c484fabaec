//! Carries a log from its source to the face that asked: batches every 100 ms, the source waits when the face is behind,
//! what was lost is said, and it stops with the view.

use std::sync::Arc;
use std::time::Duration;

use kopi_feed::{LogChunk, LogOutbox};
use kopi_model::wire::{ApiError, ErrorCode, Frame, LogAsk, LogEnd, LogFrame, LogLine};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::engine::Shared;

/// Between two frames of a log.
const PACE: Duration = Duration::from_millis(100);
/// Chunks that wait before the source does.
const CHUNKS: usize = 16;
/// Lines in one frame.
const LINES: usize = 2000;
/// Bytes of text in one frame.
const BYTES: usize = 512 * 1024;

/// A log that ended before it began.
pub(crate) fn failed(id: u64, error: ApiError) -> Frame {
    Frame::Log(LogFrame {
        id,
        lines: Vec::new(),
        gap: false,
        caught_up: false,
        ended: Some(LogEnd::Failed { error }),
    })
}

/// Carries it until it ends or the face closes it.
pub(crate) async fn carry(
    shared: Arc<Shared>,
    id: u64,
    ask: LogAsk,
    out: mpsc::Sender<Frame>,
    stop: CancellationToken,
) {
    let _guard = stop.clone().drop_guard();
    let (source, mut cx) = match shared.source_of(&ask.item) {
        Ok(found) => found,
        Err(error) => {
            out.send(failed(id, error)).await.ok();
            return;
        }
    };
    cx.stop = stop.child_token();
    let (sender, mut chunks) = mpsc::channel(CHUNKS);
    let read = source.log(cx, ask, LogOutbox::new(sender));
    let mut frame = Gathered::new(id);
    let mut any = false;
    let carried = async {
        // The first lines at once; then more gather, and the source waits when it gets too much.
        let mut until = Instant::now();
        loop {
            let chunk = match tokio::time::timeout_at(until, chunks.recv()).await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return,
                Err(_) => {
                    if let Some(ready) = frame.flush() {
                        if out.send(Frame::Log(ready)).await.is_err() {
                            return;
                        }
                        until = Instant::now() + PACE;
                        continue;
                    }
                    match chunks.recv().await {
                        Some(chunk) => chunk,
                        None => return,
                    }
                }
            };
            any |= !chunk.lines.is_empty();
            for ready in frame.add(chunk) {
                if out.send(Frame::Log(ready)).await.is_err() {
                    return;
                }
            }
        }
    };
    let (result, ()) = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        both = async { tokio::join!(read, carried) } => both,
    };
    let ended = match result {
        Ok(()) if any => LogEnd::Complete,
        Ok(()) => LogEnd::None,
        Err(error) if error.code == ErrorCode::NotFound && !any => LogEnd::None,
        Err(error) => LogEnd::Failed { error: error.into() },
    };
    let mut last = frame.flush().unwrap_or_else(|| LogFrame {
        id,
        lines: Vec::new(),
        gap: false,
        caught_up: false,
        ended: None,
    });
    last.caught_up = true;
    last.ended = Some(ended);
    out.send(Frame::Log(last)).await.ok();
}

/// Lines that wait to be sent.
struct Gathered {
    frame: LogFrame,
    bytes: usize,
}

impl Gathered {
    fn new(id: u64) -> Self {
        Self {
            frame: LogFrame {
                id,
                lines: Vec::new(),
                gap: false,
                caught_up: false,
                ended: None,
            },
            bytes: 0,
        }
    }

    /// Adds a chunk; gives the frames that became full, and what stood before a gap.
    fn add(&mut self, chunk: LogChunk) -> Vec<LogFrame> {
        let mut ready = Vec::new();
        if chunk.gap {
            ready.extend(self.flush());
            self.frame.gap = true;
        }
        for line in chunk.lines {
            if self.frame.lines.len() >= LINES || self.bytes >= BYTES {
                ready.extend(self.flush());
            }
            self.bytes += line_size(&line);
            self.frame.lines.push(line);
        }
        self.frame.caught_up |= chunk.caught_up;
        ready
    }

    /// What was gathered, if anything.
    fn flush(&mut self) -> Option<LogFrame> {
        if self.frame.lines.is_empty() && !self.frame.gap && !self.frame.caught_up {
            return None;
        }
        self.bytes = 0;
        let empty = Self::new(self.frame.id).frame;
        Some(std::mem::replace(&mut self.frame, empty))
    }
}

fn line_size(line: &LogLine) -> usize {
    line.text.len() + line.step.as_ref().map_or(0, String::len) + 32
}
