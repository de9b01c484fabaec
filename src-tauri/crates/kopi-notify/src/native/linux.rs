//! Notices over D-Bus (`org.freedesktop.Notifications`), waited for without a thread.

use std::collections::VecDeque;

use notify_rust::{Hint, Notification, NotificationResponse, Urgency};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{DesktopState, Loudness, NotifyError, Showing};
use crate::Wish;

/// Notices waited for at a time, each with its own connection to the bus; the oldest is no longer waited for.
const WAITED_FOR: usize = 16;

/// The Linux desktop.
pub(super) struct Desktop {
    icon: String,
    wishes: mpsc::Sender<Wish>,
    capabilities: Option<Vec<String>>,
    waiting: VecDeque<(String, AbortHandle)>,
}

impl Desktop {
    pub(super) fn new(icon: String, wishes: mpsc::Sender<Wish>) -> Self {
        Self {
            icon,
            wishes,
            capabilities: None,
            waiting: VecDeque::new(),
        }
    }

    pub(super) async fn look(&mut self) -> DesktopState {
        match self.read_capabilities().await {
            Ok(capabilities) => shows(&capabilities),
            Err(_) => DesktopState::Absent,
        }
    }

    pub(super) async fn show(
        &mut self,
        showing: Showing,
        replaces: Option<u32>,
    ) -> Result<(u32, DesktopState), NotifyError> {
        let capabilities = self.read_capabilities().await?;
        let notification = build(&showing, &self.icon, &capabilities, replaces);
        let handle = notification.show_async().await.map_err(|error| {
            self.capabilities = None;
            NotifyError::NoService(error.to_string())
        })?;
        let id = handle.id();
        let key = showing.key.clone();
        let wishes = self.wishes.clone();
        let waiter = tokio::spawn(async move {
            let mut wish = None;
            handle
                .wait_for_action_async(|response: &NotificationResponse| {
                    wish = match response {
                        NotificationResponse::Default => showing.wish("default"),
                        NotificationResponse::Action(action) => showing.wish(action),
                        NotificationResponse::Reply(_) | NotificationResponse::Closed(_) => None,
                    };
                })
                .await;
            if let Some(wish) = wish {
                // The agent going away at this very moment is the only way to fail, and then nobody wants it any more.
                let _ = wishes.send(wish).await;
            }
        });
        self.wait_for(key, waiter.abort_handle());
        Ok((id, shows(&capabilities)))
    }

    /// Read anew after a failure: another service may have come.
    async fn read_capabilities(&mut self) -> Result<Vec<String>, NotifyError> {
        if let Some(known) = &self.capabilities {
            return Ok(known.clone());
        }
        // notify-rust asks this only in its blocking form, which must not block a worker of the runtime.
        let read = tokio::task::spawn_blocking(notify_rust::get_capabilities)
            .await
            .map_err(|error| NotifyError::NoService(error.to_string()))?
            .map_err(|error| NotifyError::NoService(error.to_string()))?;
        self.capabilities = Some(read.clone());
        Ok(read)
    }

    fn wait_for(&mut self, key: String, waiter: AbortHandle) {
        self.waiting.retain(|(waited, handle)| {
            let same = *waited == key;
            if same {
                handle.abort();
            }
            !same && !handle.is_finished()
        });
        self.waiting.push_back((key, waiter));
        if self.waiting.len() > WAITED_FOR
            && let Some((_, oldest)) = self.waiting.pop_front()
        {
            oldest.abort();
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for (_, waiter) in &self.waiting {
            waiter.abort();
        }
    }
}

fn shows(capabilities: &[String]) -> DesktopState {
    DesktopState::Shows {
        buttons: has(capabilities, "actions"),
    }
}

fn has(capabilities: &[String], name: &str) -> bool {
    capabilities.iter().any(|capability| capability == name)
}

fn build(showing: &Showing, icon: &str, capabilities: &[String], replaces: Option<u32>) -> Notification {
    let mut notification = Notification::new();
    let body = if has(capabilities, "body-markup") {
        escape(&showing.body)
    } else {
        showing.body.clone()
    };
    notification
        .appname("Kopi")
        .summary(&showing.title)
        .body(&body)
        .icon(icon)
        .urgency(match showing.loudness {
            Loudness::Quiet => Urgency::Low,
            Loudness::Normal => Urgency::Normal,
        })
        .hint(Hint::DesktopEntry("kopi".into()))
        .hint(Hint::Category(format!("x-kopi.{}", showing.event)));
    if let Some(id) = replaces {
        notification.id(id);
    }
    if has(capabilities, "actions") {
        // By the specification the default action's label may be shown; servers that do so find a word in it.
        notification.action("default", "Kopi");
        for button in &showing.buttons {
            notification.action(&button.does.key(), &button.label);
        }
    }
    notification.finalize()
}

/// A name with markup in it is shown as text.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kopi_model::Verb;

    use crate::{Button, ButtonDoes};

    fn showing() -> Showing {
        Showing {
            key: "build:a".into(),
            event: "broken".into(),
            title: "web is broken".into(),
            body: "\"use <Link> & co\"".into(),
            buttons: vec![
                Button {
                    does: ButtonDoes::Log,
                    label: "Log".into(),
                },
                Button {
                    does: ButtonDoes::Verb(Verb::Restart),
                    label: "Build again".into(),
                },
            ],
            loudness: Loudness::Normal,
            item: Some("build:drone/acme/web#7".into()),
            subject: "acme/web".into(),
        }
    }

    #[test]
    fn markup_is_text_whatever_the_server_reads() {
        let plain = build(&showing(), "", &[], None);
        assert_eq!(plain.body, "\"use <Link> & co\"");
        let marked = build(&showing(), "", &["body-markup".into()], None);
        assert_eq!(marked.body, "\"use &lt;Link&gt; &amp; co\"");
    }

    #[test]
    fn buttons_only_where_they_are_shown() {
        assert!(build(&showing(), "", &["body".into()], None).actions.is_empty());
        let with = build(&showing(), "", &["actions".into()], None);
        assert_eq!(
            with.actions,
            ["default", "Kopi", "log", "Log", "verb-restart", "Build again"]
        );
    }

    #[test]
    fn only_buttons_that_were_shown_mean_something() {
        let item = Some("build:drone/acme/web#7".into());
        assert_eq!(showing().wish("log"), Some(Wish::Show { item, log: true }));
        assert_eq!(
            showing().wish("verb-restart"),
            Some(Wish::Do {
                target: "build:drone/acme/web#7".into(),
                verb: Verb::Restart
            })
        );
        assert_eq!(showing().wish("mute"), None);
    }
}
