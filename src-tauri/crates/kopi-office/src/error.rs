//! What can go wrong with the office itself.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The office could not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// A port is taken, or may not be listened on.
    #[error("listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// A file could not be written.
    #[error("write {}: {error}", file.display())]
    Write {
        /// Which.
        file: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// It names something this office does not have.
    #[error("{0}")]
    Unknown(String),
    /// It has closed.
    #[error("the office has closed")]
    Closed,
}
