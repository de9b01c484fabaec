//! Nouns and pure functions of Kopi: items, keys, statuses, the live model and what crosses a socket.
//!
//! Refuses: any IO, any clock (`now` is an argument), any async runtime, any word for people (those live in
//! `kopi-notify` and in `ui/messages`).

pub mod act;
#[cfg(test)]
mod bindings;
pub mod decide;
pub mod event;
pub mod item;
pub mod key;
pub mod link;
pub mod model;
pub mod notice;
pub mod reduce;
pub mod status;
#[cfg(test)]
mod tests;
pub mod verdict;
pub mod wire;

pub use act::{Danger, Order, Plan, PlanStep, Receipt, Verb};
pub use decide::{decide, digest};
pub use event::{Coverage, Event, Origin, Scope};
pub use item::{
    Agents, Build, Change, Container, Environment, Host, Image, Item, ItemKind, Line, Repo, Service, Stack, Step,
};
pub use jiff::Timestamp;
pub use key::{ConnectionName, ItemId, Key};
pub use link::{LineRule, set_line_rules};
pub use model::{LIVE_BUILDS_PER_REPO, Model, ModelChange};
pub use notice::{HeldBack, Notice, NoticeEvent, NoticeFacts, Prefs, hold_back};
pub use reduce::{load_cache, reduce, remove_connection};
pub use status::{BuildStatus, LiveStatus};
pub use verdict::{UpgradeWatch, Verdict, judge};
