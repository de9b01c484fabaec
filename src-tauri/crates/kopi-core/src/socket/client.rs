//! The side of a face that attaches to the running core.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use interprocess::local_socket::tokio::{Stream, prelude::*};
use kopi_model::wire::{Act, Answer, ApiError, ErrorCode, Frame, Hello, PROTOCOL, Query, Request, RequestBody};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::host::{name_of, version_mismatch};
use super::lines::{MOST_OUT, Reader, write};
use crate::Paths;

/// The core must have said hello by then.
const GREETING: Duration = Duration::from_secs(2);
/// A core that is there but says nothing to a heartbeat for so long is dead.
const SILENT: Duration = Duration::from_millis(1500);
/// Frames that wait for this face.
const FRAMES: usize = 256;
/// Requests that wait for the socket.
const REQUESTS: usize = 64;

/// An attached core. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    hello: Arc<Hello>,
    requests: mpsc::Sender<Request>,
    answers: Answers,
    next: Arc<AtomicU64>,
    gone: CancellationToken,
    _guard: Arc<DropGuard>,
}

type Answers = Arc<Mutex<HashMap<u64, oneshot::Sender<Result<Answer, ApiError>>>>>;

/// Frames that are not answers: snapshot, patches, logs, show, bye. Ends when the core is gone.
pub struct ClientFrames(mpsc::Receiver<Frame>);

impl ClientFrames {
    /// The next frame; none when the core is gone.
    pub async fn next(&mut self) -> Option<Frame> {
        self.0.recv().await
    }
}

fn gone() -> ApiError {
    ApiError::new(ErrorCode::CoreGone, "the core is gone")
}

/// Attaches to the core of this user, as `face`.
///
/// # Errors
/// `CoreGone` when none is hosted, `VersionMismatch` when it is of another version.
pub async fn attach(paths: &Paths, face: &str) -> Result<(Client, ClientFrames), ApiError> {
    let no_core = |error: std::io::Error| ApiError::new(ErrorCode::CoreGone, format!("no core is running: {error}"));
    let name = name_of(paths).map_err(no_core)?;
    let stream = Stream::connect(name).await.map_err(no_core)?;
    let gone = CancellationToken::new();
    let (requests, to_send) = mpsc::channel(REQUESTS);
    let (frames, received) = mpsc::channel(FRAMES);
    let (greeted, greeting) = oneshot::channel();
    let answers: Answers = Arc::default();
    tokio::spawn(talk(Talk {
        stream,
        face: face.to_owned(),
        greeted,
        to_send,
        frames,
        answers: answers.clone(),
        gone: gone.clone(),
    }));
    let hello = greeting.await.map_err(|_| self::gone())??;
    let client = Client {
        hello: Arc::new(hello),
        requests,
        answers,
        next: Arc::new(AtomicU64::new(1)),
        _guard: Arc::new(gone.clone().drop_guard()),
        gone,
    };
    Ok((client, ClientFrames(received)))
}

/// What the task behind a client works with.
struct Talk {
    stream: Stream,
    face: String,
    greeted: oneshot::Sender<Result<Hello, ApiError>>,
    to_send: mpsc::Receiver<Request>,
    frames: mpsc::Sender<Frame>,
    answers: Answers,
    gone: CancellationToken,
}

/// Talks until either side has gone; then nobody waits for an answer any more.
async fn talk(talk: Talk) {
    let Talk {
        stream,
        face,
        greeted,
        mut to_send,
        frames,
        answers,
        gone,
    } = talk;
    let _guard = gone.clone().drop_guard();
    let mut sender = &stream;
    let mut reader = Reader::new(&stream, MOST_OUT);
    let hello = greet(&mut reader, &mut sender, face).await;
    let greeted_well = hello.is_ok();
    if greeted.send(hello).is_err() || !greeted_well {
        return;
    }
    let send = async {
        while let Some(request) = to_send.recv().await {
            if write(&mut sender, &request).await.is_err() {
                return;
            }
        }
    };
    let receive = async {
        loop {
            match reader.next::<Frame>().await {
                Ok(Some(Frame::Answer { id, result })) => {
                    let waiting = answers.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                    if let Some(waiting) = waiting {
                        waiting.send(result).ok();
                    }
                }
                // A face that takes no frames still gets its answers.
                Ok(Some(frame)) => drop(frames.send(frame).await),
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error.message, "the core said something that cannot be understood");
                    return;
                }
            }
        }
    };
    tokio::select! {
        () = send => {}
        () = receive => {}
        () = gone.cancelled() => {}
    }
    gone.cancel();
    answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

async fn greet(reader: &mut Reader<&Stream>, sender: &mut &Stream, face: String) -> Result<Hello, ApiError> {
    let hello = Hello {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        face,
        token: None,
        core: None,
        may_act: false,
    };
    let body = RequestBody::Hello(hello);
    write(sender, &Request { id: 0, body }).await?;
    let answer = tokio::time::timeout(GREETING, reader.next::<Frame>())
        .await
        .map_err(|_| ApiError::new(ErrorCode::CoreGone, "the core does not answer"))??;
    match answer {
        Some(Frame::Hello(hello)) if hello.protocol == PROTOCOL && hello.version == env!("CARGO_PKG_VERSION") => {
            Ok(hello)
        }
        Some(Frame::Hello(hello)) => Err(version_mismatch(&hello.version, hello.protocol)),
        Some(Frame::Answer { result: Err(error), .. }) => Err(error),
        Some(_) => Err(ApiError::new(ErrorCode::BadRequest, "the core did not greet back")),
        None => Err(gone()),
    }
}

impl Client {
    /// What the core said of itself; `core` changes when it was restarted.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Reads.
    ///
    /// # Errors
    /// As the core answered, or `CoreGone`.
    pub async fn query(&self, query: Query) -> Result<Answer, ApiError> {
        self.ask(RequestBody::Query(query)).await
    }

    /// Changes something.
    ///
    /// # Errors
    /// As the core answered, or `CoreGone`.
    pub async fn act(&self, act: Act) -> Result<Answer, ApiError> {
        self.ask(RequestBody::Act(act)).await
    }

    /// Asks for a snapshot and then patches; they come as frames. Acknowledge each by [`Client::acknowledge`].
    ///
    /// # Errors
    /// `CoreGone`.
    pub async fn subscribe(&self) -> Result<(), ApiError> {
        self.send(RequestBody::Subscribe).await.map(drop)
    }

    /// Everything up to that revision was applied.
    ///
    /// # Errors
    /// `CoreGone`.
    pub async fn acknowledge(&self, rev: u64) -> Result<(), ApiError> {
        self.send(RequestBody::Ack { rev }).await.map(drop)
    }

    /// Sends any request; its number. Answers to it are dropped, log frames carry that number.
    ///
    /// # Errors
    /// `CoreGone`.
    pub async fn send(&self, body: RequestBody) -> Result<u64, ApiError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.requests.send(Request { id, body }).await.map_err(|_| gone())?;
        Ok(id)
    }

    /// Fires when the core is gone: at once when its process ends.
    pub fn gone(&self) -> CancellationToken {
        self.gone.clone()
    }

    /// Asks the core for a sign of life; a hung one counts as gone within 2 s when this is called every half second.
    ///
    /// # Errors
    /// `CoreGone`.
    pub async fn heartbeat(&self) -> Result<(), ApiError> {
        let alive = tokio::time::timeout(SILENT, self.query(Query::About)).await;
        if let Ok(Ok(_)) = alive {
            return Ok(());
        }
        self.gone.cancel();
        Err(gone())
    }

    async fn ask(&self, body: RequestBody) -> Result<Answer, ApiError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, sender);
        let asked = self.requests.send(Request { id, body }).await;
        if asked.is_err() || self.gone.is_cancelled() {
            self.answers.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            return Err(gone());
        }
        receiver.await.map_err(|_| gone())?
    }
}
