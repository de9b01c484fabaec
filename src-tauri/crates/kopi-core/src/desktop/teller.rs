//! The teller of a host with a desktop.

use kopi_feed::source::BoxFuture;
use kopi_model::Notice;
use kopi_notify::{DesktopState, Sender, Wish, Worded, showing};
use tokio::sync::{Mutex, mpsc, watch};

use crate::Teller;

/// Hands worded notices to the desktop.
pub struct DesktopTeller {
    sender: Mutex<Sender>,
    state: watch::Receiver<DesktopState>,
}

impl DesktopTeller {
    /// `icon` is a file or a theme's name; clicks go to `wishes`.
    pub fn new(icon: String, wishes: mpsc::Sender<Wish>) -> Self {
        let sender = Sender::new(icon, wishes);
        Self {
            state: sender.state(),
            sender: Mutex::new(sender),
        }
    }

    /// Asks the desktop whether it shows notices, so that the window can say so before the first.
    pub async fn look(&self) {
        self.sender.lock().await.look().await;
    }
}

impl Teller for DesktopTeller {
    fn tell(&self, worded: Worded, notice: Notice) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(error) = self.sender.lock().await.show(showing(&notice, worded)).await {
                tracing::debug!(%error, "a notice is only in the window");
            }
        })
    }

    fn shows_buttons(&self) -> Option<bool> {
        match *self.state.borrow() {
            DesktopState::Unknown => None,
            DesktopState::Shows { buttons } => Some(buttons),
            DesktopState::Absent => Some(false),
        }
    }
}
