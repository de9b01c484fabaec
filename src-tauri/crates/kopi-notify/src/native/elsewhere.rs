//! Notices on macOS and Windows, where waiting for a click blocks a thread.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use notify_rust::{Notification, NotificationResponse};
use tokio::sync::mpsc;

use super::{DesktopState, NotifyError, Showing};
use crate::Wish;

/// Threads that wait for a click. A fifth notice is shown as the oldest one's click stops to matter; its thread ends with
/// its notice, and until then the fifth is shown without being waited for.
const WAITING_THREADS: usize = 4;

/// The Windows AppUserModelID that the installer registers (`tauri.conf.json`, identifier).
#[cfg(target_os = "windows")]
const APP_ID: &str = "dev.kopi.desktop";

/// The desktop.
pub(super) struct Desktop {
    wishes: mpsc::Sender<Wish>,
    waiting: Arc<Mutex<VecDeque<u32>>>,
    next: u32,
}

impl Desktop {
    pub(super) fn new(_icon: String, wishes: mpsc::Sender<Wish>) -> Self {
        Self {
            wishes,
            waiting: Arc::default(),
            next: 1,
        }
    }

    pub(super) async fn look(&mut self) -> DesktopState {
        DesktopState::Shows { buttons: true }
    }

    pub(super) async fn show(
        &mut self,
        showing: Showing,
        _replaces: Option<u32>,
    ) -> Result<(u32, DesktopState), NotifyError> {
        let id = self.next;
        self.next = self.next.wrapping_add(1).max(1);
        let waits = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let room = waiting.len() < WAITING_THREADS;
            if room {
                waiting.push_back(id);
            }
            room
        };
        let wishes = self.wishes.clone();
        let waiting = Arc::clone(&self.waiting);
        let notification = build(&showing, waits);
        std::thread::spawn(move || {
            let Ok(handle) = notification.show() else { return };
            if !waits {
                return;
            }
            let outcome = handle.wait_for_response(|response: &NotificationResponse| {
                let wish = match response {
                    NotificationResponse::Default => showing.wish("default"),
                    NotificationResponse::Action(action) => showing.wish(action),
                    NotificationResponse::Reply(_) | NotificationResponse::Closed(_) => None,
                };
                if let Some(wish) = wish {
                    let _ = wishes.blocking_send(wish);
                }
            });
            if let Err(error) = outcome {
                tracing::debug!(%error, "a notice was not waited for");
            }
            waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .retain(|waited| *waited != id);
        });
        Ok((id, DesktopState::Shows { buttons: true }))
    }
}

fn build(showing: &Showing, waits: bool) -> Notification {
    let mut notification = Notification::new();
    notification.appname("Kopi").summary(&showing.title).body(&showing.body);
    #[cfg(target_os = "windows")]
    notification.app_id(APP_ID);
    if waits {
        for button in &showing.buttons {
            notification.action(&button.does.key(), &button.label);
        }
    }
    notification.finalize()
}
