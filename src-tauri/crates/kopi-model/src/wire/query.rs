//! What a face may ask and order. One enum each: there is no second list of commands.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::settings::Settings;
use crate::{ConnectionName, ItemId, Order};

/// A secret typed by a person, on its way to the keychain. Cannot be printed; never sent towards a face.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(transparent)]
#[cfg_attr(test, ts(type = "string"))]
pub struct SecretText(String);

impl SecretText {
    /// Wraps it.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Takes it out, to be put away at once.
    pub fn into_inner(self) -> String {
        self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretText(…)")
    }
}

/// A connection to add, or to try without adding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct NewConnection {
    /// Name; none: made from the kind.
    #[serde(default)]
    pub name: Option<ConnectionName>,
    /// `drone`, `rancher`.
    pub kind: String,
    /// Base address as typed or pasted.
    pub url: String,
    /// Plain settings of the kind, by the field's name (`access_key`, `environments`).
    #[serde(default)]
    pub fields: Vec<(String, String)>,
    /// Secret settings, by the field's name (`token`, `secret_key`): go to the keychain.
    #[serde(default)]
    pub secrets: Vec<(String, SecretText)>,
    /// Use what was found on this machine instead of typed secrets (`Found::id`).
    #[serde(default)]
    pub found: Option<String>,
    /// Kopi must not act through it.
    #[serde(default)]
    pub read_only: bool,
}

/// What a face may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Query {
    /// Version, paths, autostart, tray, whether anything is configured.
    About,
    /// One item, read anew from its server where that costs one request (a build with its steps).
    Item {
        /// Which.
        id: ItemId,
    },
    /// Builds from the history, newest first.
    History {
        /// `owner/name`; none: all.
        repo: Option<String>,
        /// Branch; none: all.
        branch: Option<String>,
        /// Older than this.
        #[cfg_attr(test, ts(as = "Option<String>"))]
        before: Option<Timestamp>,
        /// At most 500.
        limit: u32,
    },
    /// Deploys of a service from the history, newest first.
    Deploys {
        /// Which; none: all.
        service: Option<ItemId>,
        /// At most 500.
        limit: u32,
    },
    /// The server's own events of a service, newest first.
    ServiceEvents {
        /// Which.
        service: ItemId,
    },
    /// Action journal, newest first.
    Journal {
        /// Entries with a smaller id.
        #[cfg_attr(test, ts(type = "number | null"))]
        before: Option<i64>,
        /// At most 500.
        limit: u32,
    },
    /// Notices of the past, newest first.
    Notices {
        /// At most 500.
        limit: u32,
    },
    /// What an order would do, exactly.
    Plan {
        /// Which.
        order: Order,
    },
    /// Settings as the settings page shows them.
    Settings,
    /// Kinds of servers that can be connected, with the fields of their forms.
    Kinds,
    /// Connections found on this machine (issue: "finds what is there").
    Found,
    /// Try a configured connection.
    Probe {
        /// Which.
        connection: ConnectionName,
    },
    /// Try one that is not configured.
    ProbeNew {
        /// What was typed.
        connection: NewConnection,
    },
    /// Check the configuration file.
    ConfigCheck,
}

/// What a face may order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Act {
    /// Run a plan that was shown.
    Run {
        /// What was asked.
        order: Order,
        /// `Plan::token` of what was shown; refused when the plan would be another now.
        token: String,
        /// Hold a reversible order back for 5 s so that it can be undone for free.
        hold: bool,
    },
    /// Take back a held order.
    Undo {
        /// `Task::id`.
        #[cfg_attr(test, ts(type = "number"))]
        task: i64,
    },
    /// The person has seen this task's end.
    Dismiss {
        /// `Task::id`.
        #[cfg_attr(test, ts(type = "number"))]
        task: i64,
    },
    /// Try a connection now.
    TryNow {
        /// Which; none: all.
        connection: Option<ConnectionName>,
    },
    /// No notices of this repository or service until then (none: no longer muted).
    Mute {
        /// `owner/repo` or `stack/service`.
        subject: String,
        /// Until.
        #[cfg_attr(test, ts(as = "Option<String>"))]
        until: Option<Timestamp>,
    },
    /// Focus: only what waits for me and production incidents, until then (none: off).
    Focus {
        /// Until.
        #[cfg_attr(test, ts(as = "Option<String>"))]
        until: Option<Timestamp>,
    },
    /// Change settings; comments in the file stay.
    Set {
        /// All of them.
        settings: Settings,
    },
    /// Add connections and write `kopi.toml`.
    AddConnections {
        /// Which.
        connections: Vec<NewConnection>,
    },
    /// Change a connection's secret.
    ChangeSecret {
        /// Which.
        connection: ConnectionName,
        /// Field, `token`.
        field: String,
        /// The new one.
        secret: SecretText,
    },
    /// Remove a connection from `kopi.toml` and its secrets from the keychain.
    RemoveConnection {
        /// Which.
        connection: ConnectionName,
    },
    /// Start the demo office and connect to it, without touching `kopi.toml`; or leave it.
    Demo {
        /// On.
        on: bool,
    },
    /// Start with the session.
    Autostart {
        /// On.
        on: bool,
    },
    /// Bring the window up, on an item.
    Show {
        /// Which.
        item: Option<ItemId>,
        /// With its log.
        log: bool,
    },
    /// End the core and every face.
    Quit,
}

/// Which log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct LogAsk {
    /// A build or a container.
    pub item: ItemId,
    /// `Step::key` of a build's step.
    #[serde(default)]
    pub step: Option<String>,
    /// Go on while it is written.
    #[serde(default)]
    pub follow: bool,
}
