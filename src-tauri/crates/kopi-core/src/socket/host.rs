//! The side that serves the core.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use interprocess::local_socket::{ListenerOptions, Name};
use kopi_model::wire::{ApiError, ErrorCode, Frame, Hello, PROTOCOL, Request, RequestBody};
use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;

use super::lines::{MOST_IN, Reader, write};
use super::lock::{HostLock, LockError, take_lock};
use crate::{CoreHandle, Face, Paths};

/// A face must have said hello by then.
const GREETING: Duration = Duration::from_secs(5);
/// A face that reads nothing for so long is let go.
const STUCK: Duration = Duration::from_secs(30);

/// A hosted core. Dropping it, or the end of the core, closes the socket.
#[derive(Debug)]
pub struct Hosted {
    stop: CancellationToken,
    _lock: HostLock,
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Why the core could not be hosted.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Another one is, or the lock could not be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The socket could not be made.
    #[error("open the control socket {path}")]
    Socket {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Serves the core to every face of this user until it ends. Take the lock before the core is started: two cores must
/// not even begin.
///
/// # Errors
/// When the socket cannot be made.
pub fn host(core: &CoreHandle, paths: &Paths, lock: HostLock) -> Result<Hosted, HostError> {
    let failed = |source| HostError::Socket {
        path: paths.socket().display().to_string(),
        source,
    };
    // We hold the lock: whatever lies there was left by a dead core.
    #[cfg(unix)]
    match std::fs::remove_file(paths.socket()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = listen(paths).map_err(failed)?;
    let stop = core.ended().child_token();
    let (core, ended) = (core.clone(), stop.clone());
    core.0.tasks.clone().spawn(accept(core, listener, ended));
    Ok(Hosted { stop, _lock: lock })
}

/// Takes the lock and hosts.
///
/// # Errors
/// See [`HostError`].
pub fn lock_and_host(core: &CoreHandle, paths: &Paths) -> Result<Hosted, HostError> {
    let lock = take_lock(paths)?;
    host(core, paths, lock)
}

fn listen(paths: &Paths) -> io::Result<Listener> {
    let options = ListenerOptions::new().name(name_of(paths)?);
    #[cfg(unix)]
    let options = interprocess::os::unix::local_socket::ListenerOptionsExt::mode(options, 0o600);
    options.create_tokio()
}

/// The socket's file; on Windows a pipe whose name carries the user's own folder.
pub(crate) fn name_of(paths: &Paths) -> io::Result<Name<'static>> {
    #[cfg(unix)]
    {
        use interprocess::local_socket::{GenericFilePath, ToFsName};
        paths.socket().to_fs_name::<GenericFilePath>()
    }
    #[cfg(not(unix))]
    {
        use interprocess::local_socket::{GenericNamespaced, ToNsName};
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        paths.runtime.hash(&mut hasher);
        format!("kopi-core-{:016x}", hasher.finish()).to_ns_name::<GenericNamespaced>()
    }
}

async fn accept(core: CoreHandle, listener: Listener, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            stream = listener.accept() => stream,
        };
        match stream {
            Ok(stream) => {
                let (core, stop) = (core.clone(), stop.clone());
                core.0.tasks.clone().spawn(async move {
                    if let Err(error) = serve(&core, stream, stop).await {
                        tracing::debug!(%error.message, "a face left");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a face could not be let in");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(core: &CoreHandle, stream: Stream, stop: CancellationToken) -> Result<(), ApiError> {
    let stream = Arc::new(stream);
    let mut sender = &*stream;
    let receiver = &*stream;
    let mut reader = Reader::new(receiver, MOST_IN);
    let greeting = tokio::time::timeout(GREETING, greeting(&mut reader)).await;
    let hello = match greeting {
        Ok(Ok(hello)) => hello,
        Ok(Err((id, error))) => {
            let result = Err(error.clone());
            write(&mut sender, &Frame::Answer { id, result }).await?;
            return Err(error);
        }
        Err(_) => return Err(ApiError::new(ErrorCode::BadRequest, "a face did not say hello")),
    };
    let (session, mut frames) = core.session(Face::acting(&hello.face));
    write(&mut sender, &Frame::Hello(session.hello())).await?;
    let incoming = async {
        while let Some(request) = reader.next::<Request>().await? {
            session.handle(request).await;
        }
        Ok(())
    };
    let outgoing = async {
        while let Some(frame) = frames.next().await {
            let last = matches!(frame, Frame::Bye { .. });
            match tokio::time::timeout(STUCK, write(&mut sender, &frame)).await {
                Ok(written) => written?,
                Err(_) => return Err(ApiError::new(ErrorCode::Timeout, "a face stopped reading")),
            }
            if last {
                return Ok(());
            }
        }
        Ok(())
    };
    tokio::pin!(outgoing);
    tokio::select! {
        ended = incoming => ended,
        ended = &mut outgoing => ended,
        () = stop.cancelled() => {
            // The goodbye, if there is one, is already in the queue.
            tokio::time::timeout(Duration::from_millis(200), &mut outgoing).await.unwrap_or(Ok(()))
        }
    }
}

/// The face's hello, checked.
async fn greeting<R: AsyncRead + Unpin>(reader: &mut Reader<R>) -> Result<Hello, (u64, ApiError)> {
    let request = reader.next::<Request>().await.map_err(|error| (0, error))?;
    let Some(Request { id, body }) = request else {
        return Err((
            0,
            ApiError::new(ErrorCode::BadRequest, "a face left before it said hello"),
        ));
    };
    let RequestBody::Hello(hello) = body else {
        return Err((
            id,
            ApiError::new(ErrorCode::BadRequest, "the first frame must be hello"),
        ));
    };
    if hello.protocol != PROTOCOL || hello.version != env!("CARGO_PKG_VERSION") {
        return Err((id, version_mismatch(&hello.version, hello.protocol)));
    }
    Ok(hello)
}

/// Two versions of Kopi, and what to do about it.
pub(crate) fn version_mismatch(other: &str, protocol: u32) -> ApiError {
    let own = env!("CARGO_PKG_VERSION");
    ApiError::new(
        ErrorCode::VersionMismatch,
        format!("this is Kopi {own} (frames {PROTOCOL}), the other side is {other} (frames {protocol})"),
    )
    .hint("quit the running Kopi (Quit in its menu, or end its process) and start it again, so that both are the same version")
}
