//! `kopi.toml`: read with the place of every mistake, edited without losing a comment, watched, and its secrets found.
//!
//! Refuses: a secret in the clear without being told so; guessing what a broken file meant (the last good one runs);
//! knowing a kind of server beyond its descriptor (only `discover` knows where other programs keep their settings).

mod desk;
mod discover;
mod edit;
mod fields;
mod findings;
mod kept;
mod keychain;
mod read;
mod schema;
mod secret;

pub use desk::{ConfigDesk, Demo};
pub use discover::{Candidate, discover};
pub use kept::{Environment, KeptConfig};
pub use keychain::{Keychain, NoKeychain, OsKeychain};
pub use read::{Config, ConfigConnection, Reading, read};
pub use schema::{default_commented, schema};
pub use secret::SecretPlace;

#[cfg(test)]
mod desk_tests;
#[cfg(test)]
mod tests;
