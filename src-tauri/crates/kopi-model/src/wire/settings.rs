//! Settings as the settings page shows and writes them. Secrets appear only as where they are kept.

use serde::{Deserialize, Serialize};

use super::ApiError;
use crate::ConnectionName;

/// Theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "self-evident")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// A configured connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SettingsConnection {
    /// Name.
    pub name: ConnectionName,
    /// Kind.
    pub kind: String,
    /// Address.
    pub url: String,
    /// Where each secret is kept: field → `keychain`, `env DRONE_TOKEN`, `file …`, `command …`, `plain`.
    pub secrets: Vec<(String, String)>,
    /// Plain fields.
    pub fields: Vec<(String, String)>,
    /// Kopi must not act through it.
    pub read_only: bool,
    /// In use.
    pub enabled: bool,
}

/// The settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
pub struct Settings {
    /// `en` or `zh-CN`; empty: the system's.
    pub language: String,
    /// Theme.
    pub theme: Theme,
    /// `compact`, `regular`, `roomy`.
    pub density: String,
    /// Colour-blind-safe palette.
    pub colour_blind: bool,
    /// Logins that are the person at this desk.
    pub me: Vec<String>,
    /// Finish an upgrade by itself once every container is up.
    pub finish_upgrades: bool,
    /// Notice kinds that are on: `started passed broken still_broken fixed deployed deploy_failed left_open waiting`.
    pub notices: Vec<String>,
    /// Only mine and main branches of others.
    pub mine_loud_only: bool,
    /// Quiet hours, `22:00-08:00`; empty: none.
    pub quiet_hours: String,
    /// Colour badges on the tray icon.
    pub tray_badges: bool,
    /// Keep history for so many days.
    pub keep_days: u32,
    /// Keep the database below so many megabytes.
    pub keep_megabytes: u32,
    /// Connections (read only here; changed by their own acts).
    pub connections: Vec<SettingsConnection>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: String::new(),
            theme: Theme::System,
            density: "regular".into(),
            colour_blind: false,
            me: Vec::new(),
            finish_upgrades: true,
            notices: [
                "passed",
                "broken",
                "still_broken",
                "fixed",
                "deployed",
                "deploy_failed",
                "left_open",
                "waiting",
            ]
            .map(String::from)
            .to_vec(),
            mine_loud_only: true,
            quiet_hours: String::new(),
            tray_badges: false,
            keep_days: 180,
            keep_megabytes: 200,
            connections: Vec::new(),
        }
    }
}

/// One finding of the configuration check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CheckedLine {
    /// File.
    pub file: String,
    /// From 1; 0: the whole file.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// Breaks the file; else a warning.
    pub is_error: bool,
    /// What is wrong, what was expected, the nearest valid name.
    pub error: ApiError,
}
