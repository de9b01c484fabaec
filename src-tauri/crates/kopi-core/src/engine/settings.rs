//! What the core is told to do, as `config` made it from `kopi.toml`: secrets resolved, names checked.

use kopi_feed::ConnectionSettings;
use kopi_model::LineRule;
use kopi_model::wire::{ApiError, Settings};

use crate::Paths;

/// A connection and what the core itself must know of it.
#[derive(Clone, Debug)]
pub struct CoreConnection {
    /// For the source.
    pub source: ConnectionSettings,
    /// Kopi must not act through it.
    pub read_only: bool,
    /// In use.
    pub enabled: bool,
    /// Message keys shown in the source bar all the time (`plain_secret`).
    pub warnings: Vec<String>,
    /// Its secret could not be had: it is shown as failed, with this.
    pub broken: Option<ApiError>,
}

impl CoreConnection {
    /// In use, may act, nothing to warn of.
    pub fn new(source: ConnectionSettings) -> Self {
        Self {
            source,
            read_only: false,
            enabled: true,
            warnings: Vec::new(),
            broken: None,
        }
    }

    /// Nothing that the source sees is another.
    pub(crate) fn is_same_source(&self, other: &Self) -> bool {
        let (mine, its) = (&self.source, &other.source);
        let exposed = |settings: &ConnectionSettings| {
            settings
                .secrets
                .iter()
                .map(|(field, secret)| (field.clone(), secret.expose().to_owned()))
                .collect::<Vec<_>>()
        };
        self.enabled == other.enabled
            && self.broken == other.broken
            && mine.name == its.name
            && mine.kind == its.kind
            && mine.url == its.url
            && mine.fields == its.fields
            && mine.tls == its.tls
            && mine.production == its.production
            && exposed(mine) == exposed(its)
    }
}

/// Everything the configuration says to the core.
#[derive(Clone, Debug, Default)]
pub struct CoreSettings {
    /// Connections in the order of the file.
    pub connections: Vec<CoreConnection>,
    /// Lines written by hand.
    pub lines: Vec<LineRule>,
    /// What the settings page shows.
    pub settings: Settings,
    /// Where things are kept.
    pub paths: Paths,
    /// The demo office is on.
    pub demo: bool,
    /// Something is wrong with the file; the last good one runs.
    pub config_error: Option<ApiError>,
}
