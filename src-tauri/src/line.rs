//! The line between page and core: on Linux over the control socket to the agent, elsewhere to a session of the core in
//! this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kopi_model::wire::{Act, ApiError, ErrorCode, Frame, Request, RequestBody};
use tokio::sync::RwLock;

use crate::page::Page;

#[cfg(not(target_os = "linux"))]
pub mod hosted;
#[cfg(target_os = "linux")]
pub mod socket;

#[cfg(not(target_os = "linux"))]
use hosted::Attached;
#[cfg(target_os = "linux")]
use socket::Attached;

/// The line. Cheap to clone.
#[derive(Clone)]
pub struct Line {
    page: Page,
    attached: Arc<RwLock<Option<Attached>>>,
    /// The demo is on as far as this window knows: a core that had to be started anew is told again.
    demo: Arc<AtomicBool>,
}

impl Line {
    /// A line to nowhere yet.
    pub fn new(page: Page) -> Self {
        Self {
            page,
            attached: Arc::default(),
            demo: Arc::default(),
        }
    }

    /// Carries a request; its answer comes to the page as a frame, also when there is no core to ask.
    pub async fn send(&self, request: Request) {
        if let RequestBody::Act(Act::Demo { on }) = request.body {
            self.demo.store(on, Ordering::Relaxed);
        }
        let attached = self.attached.read().await;
        if let Some(attached) = attached.as_ref() {
            attached.carry(request, &self.page).await;
        } else if let RequestBody::Query(_) | RequestBody::Act(_) = request.body {
            self.page.send(Frame::Answer {
                id: request.id,
                result: Err(ApiError::new(ErrorCode::CoreGone, "the core is not there (yet)")),
            });
        }
    }

    async fn attach(&self, attached: Attached) {
        *self.attached.write().await = Some(attached);
    }

    async fn detach(&self) {
        *self.attached.write().await = None;
    }
}
