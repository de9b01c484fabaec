//! How a command reaches a core: the running one, or one of its own for as long as the command runs.

use kopi_core::socket::{Client, ClientFrames, attach};
use kopi_core::{Face, Frames, Paths, Session};
use kopi_model::wire::{Act, Answer, ApiError, ErrorCode, Frame, Query, Request, RequestBody, Snapshot};

use crate::here::Own;

/// A core within reach.
pub(crate) enum Reach {
    /// The one that runs.
    Attached(Client, ClientFrames),
    /// Our own, which ends with the command.
    Own {
        own: Own,
        session: Box<Session>,
        frames: Frames,
        next: u64,
    },
}

impl Reach {
    /// The running core, when there is one. A core of another version is an error: two programs that disagree.
    pub(crate) async fn running(paths: &Paths) -> Result<Option<Self>, ApiError> {
        match attach(paths, "cli").await {
            Ok((client, frames)) => Ok(Some(Self::Attached(client, frames))),
            Err(error) if error.code == ErrorCode::CoreGone => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Our own.
    pub(crate) fn own(own: Own) -> Self {
        let (session, frames) = own.core.session(Face::acting("cli"));
        Self::Own {
            own,
            session: Box::new(session),
            frames,
            next: 1,
        }
    }

    pub(crate) async fn query(&self, query: Query) -> Result<Answer, ApiError> {
        match self {
            Self::Attached(client, _) => client.query(query).await,
            Self::Own { session, .. } => session.query(query).await,
        }
    }

    pub(crate) async fn act(&self, act: Act) -> Result<Answer, ApiError> {
        match self {
            Self::Attached(client, _) => client.act(act).await,
            Self::Own { session, .. } => session.act(act).await,
        }
    }

    /// Sends a request whose answer comes as frames; gives its number.
    pub(crate) async fn send(&mut self, body: RequestBody) -> Result<u64, ApiError> {
        match self {
            Self::Attached(client, _) => client.send(body).await,
            Self::Own { session, next, .. } => {
                let id = *next;
                *next += 1;
                session.handle(Request { id, body }).await;
                Ok(id)
            }
        }
    }

    /// The next frame; none when the core is gone.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        match self {
            Self::Attached(_, frames) => frames.next().await,
            Self::Own { frames, .. } => frames.next().await,
        }
    }

    /// The whole picture, patches follow.
    pub(crate) async fn subscribe(&mut self) -> Result<Snapshot, ApiError> {
        self.send(RequestBody::Subscribe).await?;
        while let Some(frame) = self.next().await {
            if let Frame::Snapshot(snapshot) = frame {
                return Ok(snapshot);
            }
        }
        Err(ApiError::new(
            ErrorCode::CoreGone,
            "the core went away before it told anything",
        ))
    }

    /// Our own core ends with us; the running one goes on.
    pub(crate) async fn leave(self) {
        if let Self::Own { own, .. } = self {
            own.stop().await;
        }
    }
}
