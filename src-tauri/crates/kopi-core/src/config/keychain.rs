//! The system's keychain: one item that holds a map (macOS asks per item), read once for all connections.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use kopi_feed::Secret;
use kopi_model::ConnectionName;
use kopi_model::wire::{ApiError, ErrorCode};

const SERVICE: &str = "kopi";
const ITEM: &str = "secrets";
/// A locked keychain asks the person; a start must not wait for ever.
const WITHIN: Duration = Duration::from_secs(20);

/// Secrets by `connection/field`.
pub type SecretMap = BTreeMap<String, Secret>;

/// Keeps secrets. Blocking.
pub trait Keychain: Send + Sync {
    /// All of them; empty when there is no item yet.
    ///
    /// # Errors
    /// There is no keychain, it is locked, or it holds something else.
    fn load(&self) -> Result<SecretMap, ApiError>;

    /// Replaces all of them; an empty map removes the item.
    ///
    /// # Errors
    /// As [`Self::load`].
    fn save(&self, secrets: &SecretMap) -> Result<(), ApiError>;
}

/// The name of a secret in the map.
pub(super) fn key(connection: &ConnectionName, field: &str) -> String {
    format!("{connection}/{field}")
}

/// A machine without one.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeychain;

impl Keychain for NoKeychain {
    fn load(&self) -> Result<SecretMap, ApiError> {
        Err(failed("read the keychain: there is none"))
    }

    fn save(&self, _: &SecretMap) -> Result<(), ApiError> {
        Err(failed("write to the keychain: there is none"))
    }
}

/// The system's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsKeychain;

impl Keychain for OsKeychain {
    fn load(&self) -> Result<SecretMap, ApiError> {
        aside(|| {
            let entry = keyring::Entry::new(SERVICE, ITEM).map_err(|error| explain("read the keychain", &error))?;
            match entry.get_password() {
                Ok(text) => parse(&text),
                Err(keyring::Error::NoEntry) => Ok(SecretMap::new()),
                Err(error) => Err(explain("read the keychain", &error)),
            }
        })
    }

    fn save(&self, secrets: &SecretMap) -> Result<(), ApiError> {
        let plain: BTreeMap<&str, &str> = secrets
            .iter()
            .map(|(name, secret)| (name.as_str(), secret.expose()))
            .collect();
        let text = serde_json::to_string(&plain)
            .map(Secret::new)
            .map_err(|_| ApiError::new(ErrorCode::Internal, "write to the keychain: the map cannot be written"))?;
        let empty = secrets.is_empty();
        aside(move || {
            let attempt = "write to the keychain";
            let entry = keyring::Entry::new(SERVICE, ITEM).map_err(|error| explain(attempt, &error))?;
            let written = if empty {
                entry.delete_credential()
            } else {
                entry.set_password(text.expose())
            };
            match written {
                Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
                Err(error) => Err(explain(attempt, &error)),
            }
        })
    }
}

/// On a thread of its own: the Linux keychain speaks D-Bus through a runtime of its own, which must not be nested.
fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, ApiError> + Send + 'static) -> Result<T, ApiError> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(work()));
    match receiver.recv_timeout(WITHIN) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(failed(format!(
            "the keychain did not answer within {} s",
            WITHIN.as_secs()
        ))
        .hint("is it locked, and waiting for its password?")),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(failed("the keychain could not be asked")),
    }
}

fn parse(text: &str) -> Result<SecretMap, ApiError> {
    let plain: BTreeMap<String, String> = serde_json::from_str(text)
        .map_err(|_| failed("read the keychain: its item kopi/secrets holds something else"))?;
    Ok(plain
        .into_iter()
        .map(|(name, text)| (name, Secret::new(text)))
        .collect())
}

fn explain(attempt: &str, error: &keyring::Error) -> ApiError {
    let what = match error {
        keyring::Error::NoDefaultStore | keyring::Error::PlatformFailure(_) => {
            "there is none on this machine".to_owned()
        }
        keyring::Error::NoStorageAccess(_) => "it is locked, or does not let Kopi in".to_owned(),
        keyring::Error::TooLong(_, limit) => format!("it takes no more than {limit} bytes"),
        // Other variants may carry what was read.
        _ => "it holds something unexpected".to_owned(),
    };
    failed(format!("{attempt}: {what}"))
}

fn failed(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::Secret, message)
        .hint("without a keychain say in kopi.toml where the secret is: { env = \"…\" }, { file = \"…\" } or { command = [\"…\"] }")
}
