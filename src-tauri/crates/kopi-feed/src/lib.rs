//! What a source is (trait, events, errors) and the tools every source is made with: HTTP, SSE, WebSocket, TLS,
//! limits, secrets that cannot be printed, one place that says why a call failed.
//!
//! Refuses: any server's words, retrying (the engine does, for reads; nobody does for writes), the live model.

pub mod clock;
pub mod error;
pub mod secret;
pub mod source;

pub use clock::Clock;
pub use error::{FeedError, Sent};
pub use secret::Secret;
pub use source::{
    ConnectionSettings, Cx, Field, FieldKind, LogChunk, LogOutbox, Note, Outbox, Read, ReadAnswer, Source, SourceKind,
    SourceMessage, TlsSettings,
};
