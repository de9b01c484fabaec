//! What crosses the control socket, the browser host's socket and the window's bridge: one set of frames for all.
//! TypeScript is generated from these into `ui/src/wire/` by this crate's tests.
//!
//! Refuses: secrets. Nothing here may carry one towards a face; towards the core only `SecretText` does.

mod answer;
mod frame;
mod health;
mod query;
mod settings;

pub use answer::{
    About, Answer, ApiError, DeployRecord, ErrorCode, Found, JournalEntry, KindField, KindFieldType, KindInfo, LogLine,
    NoticeRecord, ProbeReport, ServiceEvent,
};
pub use frame::{Frame, Hello, LogEnd, LogFrame, PROTOCOL, Patch, Request, RequestBody, Snapshot};
pub use health::{ConnectionHealth, ConnectionState, ScopeHealth, Task, TaskState};
pub use query::{Act, LogAsk, NewConnection, Query, SecretText};
pub use settings::{CheckedLine, Settings, SettingsConnection, Theme};
