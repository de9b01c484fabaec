//! What sources report. Each kind is a plain struct; every text in it is the server's, cut to a sane length by the
//! parser, with control characters removed, and is shown as text only.
//!
//! Refuses: ages and anything else that changes by itself (equal items must compare equal); secrets.

mod build;
mod line;
mod live;

pub use build::{Agents, Build, Change, Repo, Step};
pub use line::{Line, LineGroup, LineLink};
pub use live::{
    Container, Environment, Host, HostLoad, Image, PreviousVersion, Service, ServiceKind, Sidekick, Stack,
    UpgradeFacts, UpgradePhase,
};

use serde::{Deserialize, Serialize};

use crate::{ConnectionName, ItemId, Scope};

/// The closed set of kinds. The UI has one folder a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented on its struct")]
pub enum ItemKind {
    Agents,
    Build,
    Change,
    Container,
    Environment,
    Host,
    Image,
    Line,
    Repo,
    Service,
    Stack,
}

impl ItemKind {
    /// All kinds, in the order of their words.
    pub const ALL: [Self; 11] = [
        Self::Agents,
        Self::Build,
        Self::Change,
        Self::Container,
        Self::Environment,
        Self::Host,
        Self::Image,
        Self::Line,
        Self::Repo,
        Self::Service,
        Self::Stack,
    ];

    /// The word in an item's id and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Build => "build",
            Self::Change => "change",
            Self::Container => "container",
            Self::Environment => "environment",
            Self::Host => "host",
            Self::Image => "image",
            Self::Line => "line",
            Self::Repo => "repo",
            Self::Service => "service",
            Self::Stack => "stack",
        }
    }

    /// The kind with that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// One thing a source reports, or (`Line`) that the model derives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented on its struct")]
pub enum Item {
    Agents(Agents),
    Build(Build),
    Change(Change),
    Container(Container),
    Environment(Environment),
    Host(Host),
    Image(Image),
    Line(Line),
    Repo(Repo),
    Service(Service),
    Stack(Stack),
}

macro_rules! each_kind {
    ($self:expr, $item:ident => $body:expr) => {
        match $self {
            Item::Agents($item) => $body,
            Item::Build($item) => $body,
            Item::Change($item) => $body,
            Item::Container($item) => $body,
            Item::Environment($item) => $body,
            Item::Host($item) => $body,
            Item::Image($item) => $body,
            Item::Line($item) => $body,
            Item::Repo($item) => $body,
            Item::Service($item) => $body,
            Item::Stack($item) => $body,
        }
    };
}

impl Item {
    /// Its id.
    pub fn id(&self) -> &ItemId {
        each_kind!(self, item => &item.id)
    }

    /// The connection that reports it (a line: `kopi`).
    pub fn connection(&self) -> &ConnectionName {
        each_kind!(self, item => &item.connection)
    }

    /// The listing it belongs to; when that listing fails, the item is stale.
    pub fn scope(&self) -> &Scope {
        each_kind!(self, item => &item.scope)
    }

    /// Its kind.
    pub fn kind(&self) -> ItemKind {
        match self {
            Self::Agents(_) => ItemKind::Agents,
            Self::Build(_) => ItemKind::Build,
            Self::Change(_) => ItemKind::Change,
            Self::Container(_) => ItemKind::Container,
            Self::Environment(_) => ItemKind::Environment,
            Self::Host(_) => ItemKind::Host,
            Self::Image(_) => ItemKind::Image,
            Self::Line(_) => ItemKind::Line,
            Self::Repo(_) => ItemKind::Repo,
            Self::Service(_) => ItemKind::Service,
            Self::Stack(_) => ItemKind::Stack,
        }
    }
}
