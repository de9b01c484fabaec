//! The teller of a host with a desktop.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::tz::TimeZone;
use kopi_feed::source::BoxFuture;
use kopi_model::Notice;
use kopi_notify::{DesktopState, Lang, Sender, Wish, showing, word};
use tokio::sync::{Mutex, mpsc, watch};

use crate::{Teller, Worded};

/// Words notices in the person's language and hands them to the desktop.
pub struct DesktopTeller {
    sender: Mutex<Sender>,
    state: watch::Receiver<DesktopState>,
    lang: ArcSwap<Lang>,
}

impl DesktopTeller {
    /// `icon` is a file or a theme's name; clicks go to `wishes`.
    pub fn new(icon: String, wishes: mpsc::Sender<Wish>, lang: Lang) -> Self {
        let sender = Sender::new(icon, wishes);
        Self {
            state: sender.state(),
            sender: Mutex::new(sender),
            lang: ArcSwap::from_pointee(lang),
        }
    }

    /// Another language from now on.
    pub fn speak(&self, lang: Lang) {
        self.lang.store(Arc::new(lang));
    }

    /// Asks the desktop whether it shows notices, so that the window can say so before the first.
    pub async fn look(&self) {
        self.sender.lock().await.look().await;
    }
}

impl Teller for DesktopTeller {
    fn word(&self, notice: &Notice) -> Worded {
        let worded = word(notice, **self.lang.load(), &TimeZone::system());
        Worded {
            title: worded.title,
            body: worded.body,
        }
    }

    fn tell(&self, _: Worded, notice: Notice) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let worded = word(&notice, **self.lang.load(), &TimeZone::system());
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
