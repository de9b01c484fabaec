//! macOS, Windows: the core is in this process; each load of the page is a session of its own.

use std::sync::Arc;

use kopi_core::{CoreHandle, Face, Session};
use kopi_model::ItemId;
use kopi_model::wire::{Frame, Request};

use super::Line;
use crate::page::Page;

/// The page's session.
#[derive(Clone)]
pub struct Attached {
    session: Arc<Session>,
}

impl Attached {
    pub(super) async fn carry(&self, request: Request, _page: &Page) {
        self.session.handle(request).await;
    }
}

/// Holds the line up until the core ends; `show` brings the window to the front.
pub async fn hold(line: Line, core: CoreHandle, show: impl Fn() + Send + Sync + 'static) {
    let page = line.page.clone();
    let mut loads = page.loads();
    loop {
        if loads.changed().await.is_err() {
            return;
        }
        let (session, mut frames) = core.session(Face::acting("window"));
        let hello = session.hello();
        line.attach(Attached {
            session: Arc::new(session),
        })
        .await;
        page.send(Frame::Hello(hello));
        let reloaded = loop {
            let frame = tokio::select! {
                frame = frames.next() => frame,
                _ = loads.changed() => break true,
            };
            match frame {
                None => break false,
                Some(Frame::Show { item, log }) => {
                    page.show(item, log);
                    show();
                }
                Some(frame) => page.send(frame),
            }
        };
        line.detach().await;
        if !reloaded {
            return;
        }
        // That load is served by the next round.
        loads.mark_changed();
    }
}

/// What a window that opens shall show.
pub fn show_first(page: &Page, item: Option<ItemId>, log: bool) {
    if item.is_some() {
        page.show(item, log);
    }
}
