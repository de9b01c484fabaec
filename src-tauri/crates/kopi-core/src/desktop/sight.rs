//! Derives what the tray shows, for as long as the core lives.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use kopi_model::wire::{About, Answer, DeployRecord, Query, Task};
use kopi_notify::Lang;
use kopi_notify::tray::{TrayModel, TraySight};
use tokio::sync::{Notify, watch};

use crate::{CoreHandle, Face, Session};

/// Changes closer together than this are shown together.
const TOGETHER: Duration = Duration::from_millis(250);
/// What changes without the model (a connection, a time left) is looked at so often.
const OFTEN: Duration = Duration::from_secs(5);
/// Deploys looked through for the services deployed last.
const DEPLOYS: u32 = 30;

/// The tray's model, kept up to date. `look_again` asks for one at once (after a click); `locale` is the system's, for
/// when no language is set.
pub async fn tray_models(
    core: &CoreHandle,
    locale: Option<String>,
    look_again: Arc<Notify>,
) -> watch::Receiver<TrayModel> {
    let (session, mut frames) = core.session(Face::acting("tray"));
    let mut eye = Eye {
        core: core.clone(),
        session,
        locale,
        deploys: Vec::new(),
        tasks: None,
    };
    let (say, models) = watch::channel(eye.derive().await);
    let mut changed = core.changed();
    let ended = core.ended();
    tokio::spawn(async move {
        // Nothing is subscribed to: only goodbyes come, and they must not pile up.
        let drain = async { while frames.next().await.is_some() {} };
        let watch = async {
            loop {
                tokio::select! {
                    outcome = changed.changed() => {
                        if outcome.is_err() {
                            return;
                        }
                        tokio::time::sleep(TOGETHER).await;
                        changed.mark_unchanged();
                    }
                    () = look_again.notified() => {}
                    () = tokio::time::sleep(OFTEN) => {}
                }
                let model = eye.derive().await;
                say.send_if_modified(|shown| {
                    let other = *shown != model;
                    *shown = model;
                    other
                });
            }
        };
        tokio::select! {
            () = ended.cancelled() => {}
            () = watch => {}
            () = drain => {}
        }
    });
    models
}

struct Eye {
    core: CoreHandle,
    session: Session,
    locale: Option<String>,
    deploys: Vec<DeployRecord>,
    /// As of which tasks the deploys were read: the history changes when one of them does.
    tasks: Option<Vec<Task>>,
}

impl Eye {
    async fn derive(&mut self) -> TrayModel {
        let picture = self.core.picture();
        let settings = self.core.settings();
        let lang = Lang::choose(&settings.settings.language, self.locale.as_deref());
        if self.tasks.as_ref() != Some(&picture.tasks) {
            let ask = Query::Deploys {
                service: None,
                limit: DEPLOYS,
            };
            if let Ok(Answer::Deploys(deploys)) = self.session.query(ask).await {
                self.deploys = deploys;
            }
            self.tasks = Some(picture.tasks.clone());
        }
        let about = match self.session.query(Query::About).await {
            Ok(Answer::About(about)) => *about,
            _ => About::default(),
        };
        TrayModel::derive(&TraySight {
            snapshot: &picture,
            deploys: &self.deploys,
            me: &about.me,
            muted: &about.muted,
            focus_until: about.focus_until,
            badge: settings.settings.tray_badges,
            lang,
            zone: &TimeZone::system(),
            now: jiff::Timestamp::now(),
        })
    }
}
