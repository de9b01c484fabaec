//! The page's end of the bridge: the channel it handed over, and what is kept for it until it listens.
//!
//! A reload hands over a new channel; sending to a dead page goes on saying Ok, so only the newest is ever sent to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kopi_model::ItemId;
use kopi_model::wire::Frame;
use tauri::ipc::Channel;
use tokio::sync::watch;

/// The page. Cheap to clone.
#[derive(Clone, Default)]
pub struct Page {
    inner: Arc<Mutex<Inner>>,
    generation: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct Inner {
    frames: Option<Channel<Frame>>,
    listens: bool,
    /// What it shall show once it listens.
    show: Option<(Option<ItemId>, bool)>,
}

impl Page {
    /// The page was loaded (again) and hands over its channel.
    pub fn loaded(&self, frames: Channel<Frame>) {
        let mut inner = self.inner();
        inner.frames = Some(frames);
        inner.listens = false;
        drop(inner);
        self.generation.send_modify(|count| *count += 1);
    }

    /// Counts loads; 0 before the first.
    pub fn loads(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// The page asked for the picture: from now on it hears what to show.
    pub fn listens(&self) {
        let waiting = {
            let mut inner = self.inner();
            inner.listens = true;
            inner.show.take()
        };
        if let Some((item, log)) = waiting {
            self.send(Frame::Show { item, log });
        }
    }

    /// Shows an item, now or once the page listens.
    pub fn show(&self, item: Option<ItemId>, log: bool) {
        let mut inner = self.inner();
        if inner.listens {
            drop(inner);
            self.send(Frame::Show { item, log });
        } else {
            inner.show = Some((item, log));
        }
    }

    /// Sends a frame; nowhere while there is no page.
    pub fn send(&self, frame: Frame) {
        let frames = self.inner().frames.clone();
        if let Some(frames) = frames
            && let Err(error) = frames.send(frame)
        {
            tracing::debug!(%error, "the page is gone");
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
