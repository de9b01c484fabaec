//! What Kopi remembers: history of builds and deploys, the action journal, notices, the cache for instant start. One
//! SQLite file through sqlx, in WAL mode; one file a table under `tables/`.
//!
//! Refuses: secrets, deriving anything, words for people, SQL made at run time.

mod error;
mod open;
mod store;
mod tables;

pub use error::StoreError;
pub use open::Opened;
pub use store::Store;
pub use tables::builds::HistoryAsk;
pub use tables::cache::{Batch, CachedWorld};
pub use tables::journal::OpenEntry;

#[cfg(test)]
mod tests;
