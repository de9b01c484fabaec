//! What a source is (trait, events, errors) and the tools every source is made with: HTTP, SSE, WebSocket, TLS,
//! limits, secrets that cannot be printed, one place that says why a call failed.
//!
//! Refuses: any server's words, retrying (the engine does, for reads; nobody does for writes), the live model.

pub mod clock;
pub mod error;
pub mod http;
pub mod meter;
pub mod redact;
pub mod reply;
pub mod secret;
pub mod source;
pub mod sse;
pub mod text;
pub mod tls;
#[cfg(test)]
mod tls_tests;
pub mod websocket;
pub mod why;
pub mod write;

pub use clock::Clock;
pub use error::{FeedError, Sent};
pub use http::{Auth, Client, ClientSettings, GetOptions, Limits};
pub use meter::Meter;
pub use reply::Reply;
pub use secret::Secret;
pub use source::{
    ConnectionSettings, Cx, Field, FieldKind, LogChunk, LogOutbox, Note, Outbox, Read, ReadAnswer, Source, SourceKind,
    SourceMessage, TlsSettings,
};
pub use sse::{SseItem, SseOptions, SseStream};
pub use tls::install_provider;
pub use websocket::{WsItem, WsOptions, WsStream};
pub use write::{WriteOptions, Writer};
