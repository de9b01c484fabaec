//! Hands worded notices to the desktop and brings clicks back.
//!
//! A desktop without a notification service is a fact, not an error: it is told once ([`Sender::state`] changes, one line
//! in the log), the next notice tries again, and nothing is retried in between. Buttons are sent only where the server
//! says that it shows them. The body is plain text: where the server reads markup it is escaped.
//!
//! Refuses: deciding and wording; knowing what a click does beyond the [`Wish`] it stands for.

use std::collections::HashMap;

use kopi_model::{ItemId, Verb};
use tokio::sync::{mpsc, watch};

use crate::Wish;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
use elsewhere::Desktop;
#[cfg(target_os = "linux")]
use linux::Desktop;

/// A notice's button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What it does.
    pub does: ButtonDoes,
    /// Its words.
    pub label: String,
}

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ButtonDoes {
    /// Open the item with its log.
    Log,
    /// Do this to the item: planned first, asked for when it is costly.
    Verb(Verb),
    /// No notices of the subject for an hour.
    Mute,
}

impl ButtonDoes {
    /// The action's key on the wire.
    fn key(self) -> String {
        match self {
            Self::Log => "log".into(),
            Self::Mute => "mute".into(),
            // The verb's own word, as everywhere on the wire.
            Self::Verb(verb) => format!("verb-{verb:?}").to_lowercase(),
        }
    }
}

/// How loud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// Kept in the list, not in the way.
    Quiet,
    /// As usual.
    Normal,
}

/// A notice as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Showing {
    /// The matter: a newer notice with the same key takes an older one's place on the screen.
    pub key: String,
    /// The event's word, for the category hint (`broken`, `deployed`).
    pub event: String,
    /// Title, plain text.
    pub title: String,
    /// Body, plain text.
    pub body: String,
    /// Buttons, in order.
    pub buttons: Vec<Button>,
    /// How loud.
    pub loudness: Loudness,
    /// What a click brings up.
    pub item: Option<ItemId>,
    /// What "mute" mutes, `owner/repo` or `stack/service`.
    pub subject: String,
}

impl Showing {
    /// What an action means; none for one that is not ours.
    fn wish(&self, action: &str) -> Option<Wish> {
        if action == "default" {
            return Some(Wish::Show {
                item: self.item.clone(),
                log: false,
            });
        }
        let button = self.buttons.iter().find(|button| button.does.key() == action)?;
        match button.does {
            ButtonDoes::Log => Some(Wish::Show {
                item: self.item.clone(),
                log: true,
            }),
            ButtonDoes::Verb(verb) => self.item.clone().map(|target| Wish::Do { target, verb }),
            ButtonDoes::Mute => Some(Wish::MuteOneHour(self.subject.clone())),
        }
    }
}

/// Whether the desktop takes notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DesktopState {
    /// Nothing was sent yet.
    #[default]
    Unknown,
    /// It shows them.
    Shows {
        /// With buttons.
        buttons: bool,
    },
    /// There is no notification service.
    Absent,
}

/// Why a notice was not shown.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The desktop has no notification service, or it does not answer.
    #[error("show a notice: the desktop has no notification service ({0})")]
    NoService(String),
}

/// Shows notices. One a process.
pub struct Sender {
    desktop: Desktop,
    shown: HashMap<String, u32>,
    state: watch::Sender<DesktopState>,
}

/// Matters whose notice on the screen is remembered for replacing.
const REMEMBERED: usize = 500;

impl Sender {
    /// `icon` is a file's path or a theme's name; clicks go to `wishes`.
    pub fn new(icon: String, wishes: mpsc::Sender<Wish>) -> Self {
        Self {
            desktop: Desktop::new(icon, wishes),
            shown: HashMap::new(),
            state: watch::Sender::new(DesktopState::Unknown),
        }
    }

    /// Whether the desktop takes notices, and each change of it.
    pub fn state(&self) -> watch::Receiver<DesktopState> {
        self.state.subscribe()
    }

    /// Asks the desktop without showing anything, so that the window can say how it is.
    pub async fn look(&mut self) {
        let state = self.desktop.look().await;
        self.say(state);
    }

    /// Shows a notice, in the place of an older one about the same matter.
    ///
    /// # Errors
    /// When there is no notification service; said once in the log, and to be ignored.
    pub async fn show(&mut self, showing: Showing) -> Result<(), NotifyError> {
        let key = showing.key.clone();
        let replaces = self.shown.get(&key).copied();
        match self.desktop.show(showing, replaces).await {
            Ok((id, state)) => {
                if self.shown.len() >= REMEMBERED {
                    self.shown.clear();
                }
                self.shown.insert(key, id);
                self.say(state);
                Ok(())
            }
            Err(error) => {
                self.say(DesktopState::Absent);
                Err(error)
            }
        }
    }

    fn say(&self, state: DesktopState) {
        let changed = self.state.send_if_modified(|known| {
            let changed = *known != state;
            *known = state;
            changed
        });
        if changed && state == DesktopState::Absent {
            tracing::warn!("the desktop has no notification service: notices are only in the window");
        }
    }
}
