//! One face's talk with the core: requests in, frames out, everything it opened ends with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kopi_model::wire::{Act, Answer, ApiError, ErrorCode, Frame, Hello, PROTOCOL, Query, Request, RequestBody};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{logs, pump, router};
use crate::engine::Shared;

/// Frames that wait for a slow face; then what it asked for waits.
const OUT: usize = 64;
/// Requests of one face under way at once.
const MOST_REQUESTS: usize = 64;
/// Logs one face may have open.
const MOST_LOGS: usize = 8;

/// Who the face is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face {
    /// `window`, `browser`, `cli`, `tray`, `notification`.
    pub word: String,
    /// It may act.
    pub may_act: bool,
}

impl Face {
    /// A face that may act.
    pub fn acting(word: &str) -> Self {
        Self {
            word: word.to_owned(),
            may_act: true,
        }
    }

    /// A face that may only look.
    pub fn looking(word: &str) -> Self {
        Self {
            word: word.to_owned(),
            may_act: false,
        }
    }
}

/// What a face is told, in order.
pub struct Frames {
    frames: mpsc::Receiver<Frame>,
    ended: CancellationToken,
}

impl Frames {
    /// The next frame; none when the session or the core has ended and everything was taken.
    pub async fn next(&mut self) -> Option<Frame> {
        tokio::select! {
            biased;
            frame = self.frames.recv() => frame,
            () = self.ended.cancelled() => self.frames.try_recv().ok(),
        }
    }
}

/// One face's talk. Dropping it ends everything it opened.
pub struct Session {
    shared: Arc<Shared>,
    id: u64,
    face: Face,
    out: mpsc::Sender<Frame>,
    stop: CancellationToken,
    requests: Arc<Semaphore>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    pump: Option<CancellationToken>,
    logs: HashMap<u64, CancellationToken>,
}

impl Session {
    pub(crate) fn open(shared: Arc<Shared>, id: u64, face: Face) -> (Self, Frames) {
        let (out, frames) = mpsc::channel(OUT);
        shared.state().enter_face(id, face.word.clone(), out.clone());
        let stop = shared.stop.child_token();
        let session = Self {
            shared,
            id,
            face,
            out,
            stop,
            requests: Arc::new(Semaphore::new(MOST_REQUESTS)),
            inner: Mutex::default(),
        };
        let ended = session.stop.clone();
        (session, Frames { frames, ended })
    }

    /// The core's side of the greeting.
    pub fn hello(&self) -> Hello {
        Hello {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            face: "core".to_owned(),
            token: None,
            core: Some(self.shared.id.clone()),
            may_act: self.face.may_act,
        }
    }

    /// Takes one request in. Returns at once, except that a face which does not read its frames waits here.
    pub async fn handle(&self, request: Request) {
        let id = request.id;
        match request.body {
            RequestBody::Hello(_) => self.send(Frame::Hello(self.hello())).await,
            RequestBody::Query(query) => {
                let (shared, face) = (self.shared.clone(), self.face.clone());
                self.answer_later(id, async move { router::query(&shared, &face, query).await })
                    .await;
            }
            RequestBody::Act(act) => {
                let (shared, face) = (self.shared.clone(), self.face.clone());
                self.answer_later(id, async move { router::act(&shared, &face, act).await })
                    .await;
            }
            RequestBody::Subscribe => self.subscribe(),
            RequestBody::Ack { rev } => self.shared.state().acknowledge(self.id, rev),
            RequestBody::Visible { visible } => self.shared.state().set_visible(self.id, visible),
            RequestBody::OpenLog(ask) => self.open_log(id, ask).await,
            RequestBody::CloseLog { opened } => {
                if let Some(stop) = self.inner().logs.remove(&opened) {
                    stop.cancel();
                }
            }
        }
    }

    /// A query by itself, for a face in the same process.
    ///
    /// # Errors
    /// As the answer would have said.
    pub async fn query(&self, query: Query) -> Result<Answer, ApiError> {
        router::query(&self.shared, &self.face, query).await
    }

    /// An act by itself.
    ///
    /// # Errors
    /// As the answer would have said.
    pub async fn act(&self, act: Act) -> Result<Answer, ApiError> {
        router::act(&self.shared, &self.face, act).await
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, frame: Frame) {
        // A face that has gone needs no answer.
        self.out.send(frame).await.ok();
    }

    async fn answer_later(&self, id: u64, work: impl Future<Output = Result<Answer, ApiError>> + Send + 'static) {
        let Ok(permit) = self.requests.clone().try_acquire_owned() else {
            let refused = ApiError::new(ErrorCode::BadRequest, "too many requests at once");
            self.send(Frame::Answer {
                id,
                result: Err(refused),
            })
            .await;
            return;
        };
        let (out, stop) = (self.out.clone(), self.stop.clone());
        self.shared.tasks.spawn(async move {
            let _permit = permit;
            tokio::select! {
                () = stop.cancelled() => {}
                result = work => {
                    out.send(Frame::Answer { id, result }).await.ok();
                }
            }
        });
    }

    fn subscribe(&self) {
        let stop = self.stop.child_token();
        if let Some(former) = self.inner().pump.replace(stop.clone()) {
            former.cancel();
        }
        let subscriber = self.shared.state().subscribe(self.id);
        self.shared
            .tasks
            .spawn(pump::pump(self.shared.clone(), subscriber, self.out.clone(), stop));
    }

    async fn open_log(&self, id: u64, ask: kopi_model::wire::LogAsk) {
        let stop = self.stop.child_token();
        {
            let mut inner = self.inner();
            inner.logs.retain(|_, open| !open.is_cancelled());
            if inner.logs.len() < MOST_LOGS {
                inner.logs.insert(id, stop.clone());
            } else {
                stop.cancel();
            }
        }
        if stop.is_cancelled() {
            let refused = ApiError::new(ErrorCode::BadRequest, "too many logs are open");
            self.send(logs::failed(id, refused)).await;
            return;
        }
        self.shared
            .tasks
            .spawn(logs::carry(self.shared.clone(), id, ask, self.out.clone(), stop));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop.cancel();
        self.shared.state().leave_face(self.id);
    }
}
