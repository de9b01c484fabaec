//! A secret that cannot be printed: `Debug` shows dots, there is no `Display` and no `Serialize`; memory is wiped.

use secrecy::{ExposeSecret, SecretString};

/// A token, password or key.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text, for the one place that puts it into a header.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}
