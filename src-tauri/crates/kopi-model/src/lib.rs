//! Nouns and pure functions of Kopi: items, keys, statuses, the live model and what crosses a socket.
//!
//! Refuses: any IO, any clock (`now` is an argument), any async runtime, any word for people (those live in
//! `kopi-notify` and in `ui/messages`).

pub mod act;
#[cfg(test)]
mod bindings;
pub mod event;
pub mod item;
pub mod key;
pub mod status;
pub mod wire;

pub use act::{Danger, Order, Plan, PlanStep, Receipt, Verb};
pub use event::{Coverage, Event, Origin, Scope};
pub use item::{
    Agents, Build, Change, Container, Environment, Host, Image, Item, ItemKind, Line, Repo, Service, Stack, Step,
};
pub use jiff::Timestamp;
pub use key::{ConnectionName, ItemId, Key};
pub use status::{BuildStatus, LiveStatus};
