//! What names an item, and what joins items of different sources.
//!
//! Refuses: parsing a server's own ids; a source puts them in whole.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name a person gave a connection in `kopi.toml`: `[a-z0-9][a-z0-9._-]*`, unique.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(transparent)]
#[cfg_attr(test, ts(type = "string"))]
pub struct ConnectionName(Arc<str>);

/// One item everywhere: `kind:connection/native`, for instance `build:drone/ihealth/web#877`,
/// `service:rancher/1s47`, `container:rancher/1i31`. Stable over restarts; also the tail of `kopi://item/…`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(transparent)]
#[cfg_attr(test, ts(type = "string"))]
pub struct ItemId(Arc<str>);

/// What joins items of different sources (design § 2): `git:owner/repo@sha`, `image:host/repo:tag`,
/// `service:connection/id`, `host:api.company.com`, `container:id`, `addr:10.42.3.7:3000`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(transparent)]
#[cfg_attr(test, ts(type = "string"))]
pub struct Key(Arc<str>);

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, formatter)
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}
text_newtype!(ConnectionName);
text_newtype!(ItemId);
text_newtype!(Key);

impl ItemId {
    /// `kind:connection/native`.
    pub fn new(kind: crate::ItemKind, connection: &ConnectionName, native: &str) -> Self {
        Self(format!("{}:{connection}/{native}", kind.word()).into())
    }

    /// The kind before the first colon, when it is one of ours.
    pub fn kind(&self) -> Option<crate::ItemKind> {
        crate::ItemKind::from_word(self.0.split_once(':')?.0)
    }

    /// The connection between the colon and the first slash.
    pub fn connection(&self) -> Option<ConnectionName> {
        let (_, rest) = self.0.split_once(':')?;
        Some(rest.split_once('/')?.0.into())
    }

    /// What the server calls it: everything after the first slash.
    pub fn native(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, native)| native)
    }
}

impl Default for ConnectionName {
    fn default() -> Self {
        Self("".into())
    }
}

impl Default for ItemId {
    fn default() -> Self {
        Self("".into())
    }
}
