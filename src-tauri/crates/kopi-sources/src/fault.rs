//! Faults that can be switched on in any fake server while it runs: what networks, proxies and tired servers do.
//! The sources' fakes and the demo office serve through [`serve`].
//!
//! Refuses: knowing a server's protocol. Ordinary code, since the demo ships it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// One way in which a server is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nobody listens.
    Refuse,
    /// The connection is reset after the request was read.
    Reset,
    /// The request is read and never answered; open streams fall silent.
    Hang,
    /// Everything comes, one byte every 200 ms.
    SlowDrip,
    /// The answer breaks off in the middle.
    Truncate,
    /// A sign-in page with 200 instead of the answer.
    Html,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 429 with `Retry-After: 30`.
    RateLimited,
    /// 500.
    ServerError,
    /// JSON without end.
    Oversized,
    /// The port speaks TLS and answers plain HTTP as Go and nginx do.
    BadTls,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Refuse,
        Self::Reset,
        Self::Hang,
        Self::SlowDrip,
        Self::Truncate,
        Self::Html,
        Self::Unauthorized,
        Self::Forbidden,
        Self::RateLimited,
        Self::ServerError,
        Self::Oversized,
        Self::BadTls,
    ];

    /// The word for flags and for the office's control page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Reset => "reset",
            Self::Hang => "hang",
            Self::SlowDrip => "slow",
            Self::Truncate => "truncate",
            Self::Html => "html",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::RateLimited => "429",
            Self::ServerError => "5xx",
            Self::Oversized => "oversized",
            Self::BadTls => "tls",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// No such fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no fault is called {0:?}; there are refuse reset hang slow truncate html 401 403 429 5xx oversized tls")]
pub struct NoSuchFault(String);

impl FromStr for Fault {
    type Err = NoSuchFault;

    fn from_str(text: &str) -> Result<Self, NoSuchFault> {
        Self::ALL
            .into_iter()
            .find(|fault| fault.word() == text)
            .ok_or_else(|| NoSuchFault(text.to_owned()))
    }
}

/// A request as it came, also when it was answered by a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `GET`.
    pub method: String,
    /// Path and query.
    pub path: String,
}

/// The switch of one server, shared by all who may turn it.
#[derive(Clone, Debug)]
pub struct FaultSwitch {
    fault: Arc<watch::Sender<Option<Fault>>>,
    writes: Arc<Mutex<Option<Fault>>>,
    cut: Arc<Notify>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// So many requests are remembered; a demo that runs for weeks must not grow.
const REMEMBERED: usize = 5_000;

impl Default for FaultSwitch {
    fn default() -> Self {
        Self::new()
    }
}

impl FaultSwitch {
    /// Nothing is broken.
    pub fn new() -> Self {
        Self {
            fault: Arc::new(watch::Sender::new(None)),
            writes: Arc::default(),
            cut: Arc::default(),
            seen: Arc::default(),
        }
    }

    /// Breaks the server from now on, or mends it. Open connections feel it at once.
    pub fn set(&self, fault: Option<Fault>) {
        self.fault
            .send_if_modified(|current| std::mem::replace(current, fault) != fault);
    }

    /// What is broken now.
    pub fn get(&self) -> Option<Fault> {
        *self.fault.borrow()
    }

    /// Breaks only what is written (not GET) from now on, or mends it. `Reset` and `Refuse` cut every connection when
    /// the request has come; `SlowDrip` is not felt.
    pub fn set_writes(&self, fault: Option<Fault>) {
        *self.writes.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn of_request(&self, method: &http::Method) -> Option<Fault> {
        if matches!(*method, http::Method::GET | http::Method::HEAD) {
            return self.get();
        }
        let writes = *self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        match writes {
            Some(fault @ (Fault::Reset | Fault::Refuse | Fault::Hang)) => {
                if fault != Fault::Hang {
                    self.cut.notify_waiters();
                }
                Some(Fault::Hang)
            }
            other => other.or_else(|| self.get()),
        }
    }

    /// Requests since the start or the last [`Self::forget`], the newest 5,000.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts from zero again.
    pub fn forget(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn note(&self, method: &str, path: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == REMEMBERED {
            seen.drain(..REMEMBERED / 2);
        }
        seen.push(Seen {
            method: method.to_owned(),
            path: path.to_owned(),
        });
    }
}

/// Serves until `stop` fires.
///
/// # Errors
/// The listener broke, or its port could not be taken back after `Refuse`.
pub async fn serve(
    router: Router,
    listener: TcpListener,
    faults: FaultSwitch,
    stop: CancellationToken,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let layered = router.layer(middleware::from_fn_with_state(faults.clone(), answer));
    let gate = Gate {
        address,
        listener: Some(listener),
        faults: faults.clone(),
        stop: stop.clone(),
    };
    tokio::select! {
        served = axum::serve(gate, layered) => served,
        () = stop.cancelled() => Ok(()),
    }
}

/// Answers instead of the server, or breaks its answer.
async fn answer(
    axum::extract::State(faults): axum::extract::State<FaultSwitch>,
    request: Request,
    next: Next,
) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    faults.note(request.method().as_str(), &path);
    match faults.of_request(request.method()) {
        None | Some(Fault::Refuse | Fault::Reset | Fault::SlowDrip) => next.run(request).await,
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Truncate) => truncate(request, next).await,
        Some(Fault::Html) => reply(
            StatusCode::OK,
            "text/html; charset=utf-8",
            "<!DOCTYPE html>\n<html><head><title>Sign in to Company SSO</title></head><body><form></form></body></html>",
        ),
        Some(Fault::Unauthorized) => reply(StatusCode::UNAUTHORIZED, "text/plain; charset=utf-8", "Unauthorized"),
        Some(Fault::Forbidden) => reply(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", "Forbidden"),
        Some(Fault::RateLimited) => {
            let mut response = reply(
                StatusCode::TOO_MANY_REQUESTS,
                "application/json",
                "{\"message\":\"API rate limit exceeded\"}",
            );
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
            response
        }
        Some(Fault::ServerError) => reply(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain; charset=utf-8",
            "Internal Server Error",
        ),
        Some(Fault::Oversized) => oversized(),
        Some(Fault::BadTls) => reply(
            StatusCode::BAD_REQUEST,
            "text/plain; charset=utf-8",
            "Client sent an HTTP request to an HTTPS server.\n",
        ),
    }
}

fn reply(status: StatusCode, kind: &'static str, body: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn oversized() -> Response {
    let block = Bytes::from(vec![b' '; 64 * 1024]);
    let endless = stream::unfold(false, move |begun| {
        let block = if begun { block.clone() } else { Bytes::from_static(b"[") };
        async move { Some((Ok::<_, io::Error>(block), true)) }
    });
    let mut response = Response::new(Body::from_stream(endless));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn truncate(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::UPGRADE) {
        return broken_off(StatusCode::OK, http::HeaderMap::new(), Bytes::from_static(b"{"), 100);
    }
    let (parts, body) = next.run(request).await.into_parts();
    let streaming = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if streaming {
        return broken_off(parts.status, parts.headers, Bytes::from_static(b": pi"), 0);
    }
    let whole = axum::body::to_bytes(body, 64 * 1024 * 1024).await.unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    broken_off(parts.status, parts.headers, half, whole.len().max(1))
}

/// The bytes, then a connection that breaks; `promised` is what `Content-Length` says, 0 for chunks.
fn broken_off(status: StatusCode, headers: http::HeaderMap, bytes: Bytes, promised: usize) -> Response {
    // Between the bytes and the end the server must get a turn, or it would throw away what it has not sent.
    let break_off = stream::once(async {
        tokio::task::yield_now().await;
        Err(io::Error::other("broken off"))
    });
    let body = Body::from_stream(stream::iter([Ok(bytes)]).chain(break_off));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    if promised > 0 {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(promised));
    }
    response
}

/// Accepts connections, or does not.
struct Gate {
    address: SocketAddr,
    listener: Option<TcpListener>,
    faults: FaultSwitch,
    stop: CancellationToken,
}

impl axum::serve::Listener for Gate {
    type Io = DuplexStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (DuplexStream, SocketAddr) {
        let mut changed = self.faults.fault.subscribe();
        loop {
            let fault = *changed.borrow_and_update();
            if fault == Some(Fault::Refuse) {
                self.listener = None;
                // The switch lives as long as its server: an error cannot come.
                let _ = changed.changed().await;
                continue;
            }
            let Some(listener) = &self.listener else {
                match TcpListener::bind(self.address).await {
                    Ok(listener) => self.listener = Some(listener),
                    Err(error) => {
                        tracing::warn!("cannot take {} back: {error}", self.address);
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
                continue;
            };
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((socket, peer)) => {
                        let (inner, outer) = tokio::io::duplex(64 * 1024);
                        tokio::spawn(carry(socket, outer, self.faults.clone(), self.stop.clone()));
                        return (inner, peer);
                    }
                    Err(error) => {
                        tracing::warn!("cannot accept on {}: {error}", self.address);
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                _ = changed.changed() => {}
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Carries bytes between a socket and the server, as the switch allows. A change of the switch ends open streams, and
/// every connection when the wire itself breaks or is mended; an idle connection that will only be answered otherwise
/// stays, as it would behind a proxy.
async fn carry(mut socket: TcpStream, mut server: DuplexStream, faults: FaultSwitch, stop: CancellationToken) {
    // Small messages leave at once: otherwise a pushed frame waits for the reader's delayed acknowledgement.
    let _ = socket.set_nodelay(true);
    let mut changed = faults.fault.subscribe();
    let fault = *changed.borrow_and_update();
    let streaming = AtomicBool::new(false);
    let ended = {
        let mut carrying = std::pin::pin!(carry_with(&mut socket, &mut server, &faults, fault, &streaming));
        loop {
            tokio::select! {
                () = stop.cancelled() => break End::Cut,
                () = faults.cut.notified() => break End::Cut,
                end = &mut carrying => break end,
                _ = changed.changed() => {
                    let now = *changed.borrow_and_update();
                    if now == Some(Fault::Hang) {
                        break End::Silent;
                    }
                    if breaks_the_wire(now) || breaks_the_wire(fault) || streaming.load(Ordering::Relaxed) {
                        break End::Cut;
                    }
                }
            }
        }
    };
    if ended == End::Polite {
        let _ = socket.shutdown().await;
        return;
    }
    if ended == End::Silent {
        fall_silent(&mut socket, &mut changed, &stop).await;
    }
    // A reset, not a polite end. A socket that is already closed cannot be reset.
    let _ = socket.set_zero_linger();
}

fn breaks_the_wire(fault: Option<Fault>) -> bool {
    matches!(
        fault,
        Some(Fault::Refuse | Fault::Reset | Fault::Hang | Fault::SlowDrip)
    )
}

#[derive(PartialEq)]
enum End {
    Polite,
    Cut,
    Silent,
}

async fn fall_silent(socket: &mut TcpStream, changed: &mut watch::Receiver<Option<Fault>>, stop: &CancellationToken) {
    let mut sink = [0; 4096];
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = changed.changed() => return,
            read = socket.read(&mut sink) => if !matches!(read, Ok(1..)) { return },
        }
    }
}

async fn carry_with(
    socket: &mut TcpStream,
    server: &mut DuplexStream,
    faults: &FaultSwitch,
    fault: Option<Fault>,
    streaming: &AtomicBool,
) -> End {
    match fault {
        Some(Fault::Reset | Fault::Refuse) => {
            swallow_request(socket, faults).await;
            End::Cut
        }
        Some(Fault::Hang) => {
            while swallow_request(socket, faults).await {}
            End::Cut
        }
        Some(Fault::SlowDrip) => copy(socket, server, Some(Duration::from_millis(200)), streaming).await,
        _ => copy(socket, server, None, streaming).await,
    }
}

/// Reads one request's head (and what came with it), so that it is counted. False when the client has gone.
async fn swallow_request(socket: &mut TcpStream, faults: &FaultSwitch) -> bool {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match socket.read(&mut buffer).await {
            Ok(read @ 1..) => head.extend_from_slice(&buffer[..read]),
            _ => return false,
        }
        if head.windows(4).any(|window| window == b"\r\n\r\n") || head.len() > 64 * 1024 {
            break;
        }
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split(' ');
    if let (Some(method), Some(path)) = (words.next(), words.next()) {
        faults.note(method, path);
    }
    true
}

async fn copy(
    socket: &mut TcpStream,
    server: &mut DuplexStream,
    pause: Option<Duration>,
    streaming: &AtomicBool,
) -> End {
    let (mut from_client, mut to_client) = socket.split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let upward = async {
        let copied = tokio::io::copy(&mut from_client, &mut to_server).await;
        // A client that has said all may still be reading.
        let _ = to_server.shutdown().await;
        if copied.is_err() {
            return End::Cut;
        }
        std::future::pending().await
    };
    let downward = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let read = match from_server.read(&mut buffer).await {
                Ok(0) => return End::Polite,
                Ok(read) => read,
                Err(_) => return End::Cut,
            };
            if begins_stream(&buffer[..read]) {
                streaming.store(true, Ordering::Relaxed);
            }
            let sent = match pause {
                None => to_client.write_all(&buffer[..read]).await,
                Some(pause) => drip(&mut to_client, &buffer[..read], pause).await,
            };
            if sent.is_err() {
                return End::Cut;
            }
        }
    };
    tokio::select! {
        end = upward => end,
        end = downward => end,
    }
}

/// The head of an answer that goes on: a WebSocket or an event stream. Heads come in one piece.
fn begins_stream(bytes: &[u8]) -> bool {
    if !bytes.starts_with(b"HTTP/1.1 ") {
        return false;
    }
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or(bytes.len());
    let head = bytes[..end].to_ascii_lowercase();
    head.starts_with(b"http/1.1 101") || head.windows(17).any(|window| window == b"text/event-stream")
}

async fn drip(to: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8], pause: Duration) -> io::Result<()> {
    for byte in bytes {
        to.write_all(std::slice::from_ref(byte)).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}
