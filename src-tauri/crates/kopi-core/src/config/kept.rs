//! The configuration that runs: the last good reading of the file, its secrets taken, and what is wrong with it now.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use kopi_feed::{ConnectionSettings, Secret, SourceKind};
use kopi_model::ConnectionName;
use kopi_model::wire::{ApiError, CheckedLine, ErrorCode, Settings, SettingsConnection};
use url::Host;

use super::findings::as_error;
use super::keychain::{self, Keychain, OsKeychain, SecretMap};
use super::read::{Config, ConfigConnection, read};
use super::secret::SecretPlace;
use crate::{CoreConnection, CoreSettings, Paths};

/// Reads a variable of the environment.
pub type Look = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What the configuration takes from around it.
#[derive(Clone)]
pub struct Environment {
    /// Reads a variable.
    pub look: Look,
    /// The person's home folder.
    pub home: Option<PathBuf>,
    /// The keychain.
    pub keychain: Arc<dyn Keychain>,
}

impl Environment {
    /// This machine's.
    pub fn real() -> Self {
        let home = std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
        Self {
            look: Arc::new(|name| std::env::var(name).ok()),
            home: home.map(PathBuf::from),
            keychain: Arc::new(OsKeychain),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Environment")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

/// What tells one state of the file from another.
pub(super) type Stamp = Option<(SystemTime, u64)>;

/// The configuration that runs. Reading is blocking: files, the keychain, commands.
#[derive(Clone, Debug)]
pub struct KeptConfig {
    pub(super) paths: Paths,
    pub(super) kinds: Vec<SourceKindEntry>,
    pub(super) environment: Environment,
    pub(super) good: Config,
    pub(super) findings: Vec<CheckedLine>,
    connections: Vec<CoreConnection>,
    error: Option<ApiError>,
    stamp: Stamp,
}

/// `SourceKind` without its missing `Debug`.
#[derive(Clone, Copy)]
pub(super) struct SourceKindEntry(pub(super) SourceKind);

impl fmt::Debug for SourceKindEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.word)
    }
}

impl KeptConfig {
    /// Reads the file; none is an empty configuration.
    ///
    /// # Errors
    /// The file is broken (with its place) or cannot be read.
    pub fn load(paths: &Paths, kinds: Vec<SourceKind>) -> Result<Self, ApiError> {
        let kept = Self::load_or_default(paths, kinds);
        match kept.error {
            Some(error) => Err(error),
            None => Ok(kept),
        }
    }

    /// Reads the file; a broken one gives an empty configuration that says so.
    pub fn load_or_default(paths: &Paths, kinds: Vec<SourceKind>) -> Self {
        Self::load_in(paths, kinds, Environment::real())
    }

    /// As [`Self::load_or_default`], in another environment (tests).
    pub fn load_in(paths: &Paths, kinds: Vec<SourceKind>, environment: Environment) -> Self {
        let mut kept = Self {
            paths: paths.clone(),
            kinds: kinds.into_iter().map(SourceKindEntry).collect(),
            environment,
            good: Config::default(),
            findings: Vec::new(),
            connections: Vec::new(),
            error: None,
            stamp: None,
        };
        kept.reload();
        kept
    }

    /// For the core.
    pub fn settings(&self) -> CoreSettings {
        CoreSettings {
            connections: self.connections.clone(),
            lines: self.good.lines.clone(),
            settings: self.shown(),
            paths: self.paths.clone(),
            demo: false,
            config_error: self.error.clone(),
        }
    }

    /// Everything that is wrong or risky: the file's findings, then secrets that could not be had.
    pub fn check(&self) -> Vec<CheckedLine> {
        let mut findings = self.findings.clone();
        for (config, core) in self.good.connections.iter().zip(&self.connections) {
            findings.extend(core.broken.clone().map(|error| CheckedLine {
                file: self.paths.config.display().to_string(),
                line: config.line,
                column: 1,
                is_error: true,
                error,
            }));
        }
        findings
    }

    /// The file changed since it was read, or a secret is still missing.
    pub(super) fn is_stale(&self) -> bool {
        stamp(&self.paths.config) != self.stamp
    }

    pub(super) fn misses_secrets(&self) -> bool {
        self.connections
            .iter()
            .any(|connection| connection.enabled && connection.broken.is_some())
    }

    /// Reads the file anew. A broken one changes nothing but what is said about it.
    pub(super) fn reload(&mut self) {
        self.stamp = stamp(&self.paths.config);
        let text = match self.text() {
            Ok(text) => text,
            Err(error) => {
                self.error = Some(error);
                return;
            }
        };
        let kinds: Vec<SourceKind> = self.kinds.iter().map(|kind| kind.0).collect();
        let reading = read(&text, &self.paths.config, self.environment.home.as_deref(), &kinds);
        self.error = reading.findings.iter().find(|finding| finding.is_error).map(as_error);
        self.findings = reading.findings;
        if let Some(good) = reading.config {
            self.good = good;
            self.take_secrets();
        }
    }

    /// The file's text; empty when there is none.
    pub(super) fn text(&self) -> Result<String, ApiError> {
        match std::fs::read_to_string(&self.paths.config) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            read => read.map_err(|error| {
                ApiError::new(
                    ErrorCode::Config,
                    format!("read {}: {error}", self.paths.config.display()),
                )
            }),
        }
    }

    /// Goes for all secrets again.
    pub(super) fn take_secrets(&mut self) {
        // The keychain may ask the person: only when something is in there.
        let wanted = self.good.connections.iter().any(|connection| {
            connection.enabled
                && connection
                    .secrets
                    .values()
                    .any(|place| matches!(place, SecretPlace::Keychain))
        });
        let keychain = if wanted {
            self.environment.keychain.load()
        } else {
            Ok(SecretMap::new())
        };
        let connections = &self.good.connections;
        self.connections = connections
            .iter()
            .map(|connection| self.resolve(connection, &keychain))
            .collect();
    }

    fn resolve(&self, connection: &ConfigConnection, keychain: &Result<SecretMap, ApiError>) -> CoreConnection {
        let mut settings = plain_settings(connection);
        let mut broken = None;
        let mut warnings = Vec::new();
        for (field, place) in connection.secrets.iter().filter(|_| connection.enabled) {
            if matches!(place, SecretPlace::Plain(_)) {
                warnings.push("plain_secret".to_owned());
            }
            let needed = connection.needed.contains(field);
            match self.secret(connection, field, place, keychain) {
                Ok(Some(secret)) => {
                    settings.secrets.insert(field.clone(), secret);
                }
                Ok(None) if needed => broken = broken.or(Some(missing(&connection.name, field))),
                Err(error) if needed || !matches!(place, SecretPlace::Keychain) => broken = broken.or(Some(error)),
                Ok(None) | Err(_) => {}
            }
        }
        if !connection.secrets.is_empty() && is_in_the_clear(&connection.url) {
            warnings.push("insecure_http".to_owned());
        }
        warnings.dedup();
        CoreConnection {
            read_only: connection.read_only,
            enabled: connection.enabled,
            warnings,
            broken,
            ..CoreConnection::new(settings)
        }
    }

    fn secret(
        &self,
        connection: &ConfigConnection,
        field: &str,
        place: &SecretPlace,
        keychain: &Result<SecretMap, ApiError>,
    ) -> Result<Option<Secret>, ApiError> {
        if let SecretPlace::Keychain = place {
            return match keychain {
                Ok(secrets) => Ok(secrets.get(&keychain::key(&connection.name, field)).cloned()),
                Err(error) => Err(error.clone()),
            };
        }
        place.take(&*self.environment.look).map_err(|error| ApiError {
            message: format!("{} of {}: {}", field, connection.name, error.message),
            ..error
        })
    }

    fn shown(&self) -> Settings {
        let connections = self.good.connections.iter().map(|connection| SettingsConnection {
            name: connection.name.clone(),
            kind: connection.kind.clone(),
            url: connection.url.to_string(),
            secrets: connection
                .secrets
                .iter()
                .map(|(field, place)| (field.clone(), place.describe()))
                .collect(),
            fields: connection.fields.clone().into_iter().collect(),
            read_only: connection.read_only,
            enabled: connection.enabled,
        });
        Settings {
            connections: connections.collect(),
            ..self.good.settings.clone()
        }
    }
}

fn plain_settings(connection: &ConfigConnection) -> ConnectionSettings {
    ConnectionSettings {
        name: connection.name.clone(),
        kind: connection.kind.clone(),
        url: connection.url.clone(),
        fields: connection.fields.clone(),
        secrets: std::collections::BTreeMap::new(),
        tls: connection.tls.clone(),
        production: connection.production.clone(),
    }
}

fn missing(name: &ConnectionName, field: &str) -> ApiError {
    ApiError::new(ErrorCode::Secret, format!("the keychain holds no {field} for {name}")).hint(format!(
        "put it in on the settings page, or say in kopi.toml where it is: {field} = {{ env = \"…\" }}"
    ))
}

fn is_in_the_clear(url: &url::Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    url.scheme() == "http" && !loopback
}

fn stamp(path: &Path) -> Stamp {
    let file = std::fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}
