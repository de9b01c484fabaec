//! Frames on a byte stream: each one line of JSON, never longer than the limit.

use kopi_model::wire::{ApiError, ErrorCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};

/// A frame towards the core.
pub(crate) const MOST_IN: usize = 1024 * 1024;
/// A frame from the core: a snapshot of a large company.
pub(crate) const MOST_OUT: usize = 256 * 1024 * 1024;

/// Reads frames.
pub(crate) struct Reader<R> {
    inner: BufReader<R>,
    line: Vec<u8>,
    most: usize,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(crate) fn new(inner: R, most: usize) -> Self {
        Self {
            inner: BufReader::with_capacity(64 * 1024, inner),
            line: Vec::new(),
            most,
        }
    }

    /// The next frame; none at the end. May be cancelled: what was read so far is kept.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ApiError> {
        loop {
            let available = match self.inner.fill_buf().await {
                Ok(available) => available,
                Err(error) => {
                    return Err(ApiError::new(ErrorCode::CoreGone, format!("read a frame: {error}")));
                }
            };
            if available.is_empty() {
                return Ok(None);
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(available.len());
            if self.line.len() + taken > self.most {
                return Err(ApiError::new(
                    ErrorCode::TooLarge,
                    format!("a frame is larger than {} bytes", self.most),
                ));
            }
            self.line.extend_from_slice(&available[..taken]);
            self.inner.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                if line.is_empty() {
                    continue;
                }
                return serde_json::from_slice(&line).map(Some).map_err(|error| {
                    ApiError::new(ErrorCode::BadRequest, format!("a frame cannot be understood: {error}"))
                });
            }
        }
    }
}

/// Writes one frame.
pub(crate) async fn write<W: AsyncWrite + Unpin>(writer: &mut W, frame: &impl Serialize) -> Result<(), ApiError> {
    let failed = |error: std::io::Error| ApiError::new(ErrorCode::CoreGone, format!("write a frame: {error}"));
    let mut line = serde_json::to_vec(frame)
        .map_err(|error| ApiError::new(ErrorCode::Internal, format!("write a frame: {error}")))?;
    line.push(b'\n');
    writer.write_all(&line).await.map_err(failed)?;
    writer.flush().await.map_err(failed)
}
