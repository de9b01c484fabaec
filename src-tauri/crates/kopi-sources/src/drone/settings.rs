//! What one writes into `kopi.toml` for a Drone, and the words for it.

use std::sync::{Arc, LazyLock};

use kopi_feed::{ConnectionSettings, FeedError, Field, FieldKind, Secret, Source, SourceKind};
use kopi_model::wire::ErrorCode;
use serde::Deserialize;

use super::DroneSource;

#[derive(Deserialize)]
struct Strings<'a> {
    #[serde(borrow)]
    label: [&'a str; 2],
    #[serde(borrow)]
    token: FieldStrings<'a>,
}

#[derive(Deserialize)]
struct FieldStrings<'a> {
    #[serde(borrow)]
    label: [&'a str; 2],
    #[serde(borrow)]
    help: [&'a str; 2],
}

struct Words {
    label: [&'static str; 2],
    fields: Vec<Field>,
}

/// The folder's words. A file that cannot be read would leave the bare names; a test reads it.
static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let plain = Strings {
        label: ["Drone"; 2],
        token: FieldStrings {
            label: ["token"; 2],
            help: [""; 2],
        },
    };
    let strings: Strings<'static> = serde_json::from_str(include_str!("strings.json")).unwrap_or(plain);
    Words {
        label: strings.label,
        fields: vec![Field {
            name: "token",
            kind: FieldKind::Secret,
            required: true,
            label: strings.token.label,
            help: strings.token.help,
        }],
    }
});

/// The kind `drone`.
pub fn kind() -> SourceKind {
    let words = &*WORDS;
    SourceKind {
        word: "drone",
        label: words.label,
        icon: include_str!("icon.svg"),
        fields: &words.fields,
        make,
    }
}

fn make(connection: &ConnectionSettings) -> Result<Arc<dyn Source>, FeedError> {
    Ok(Arc::new(DroneSource::new(connection)?))
}

/// The token of a connection.
///
/// # Errors
/// `Secret`, when there is none.
pub(super) fn token(connection: &ConnectionSettings) -> Result<Secret, FeedError> {
    let token = connection
        .secrets
        .get("token")
        .filter(|token| !token.expose().trim().is_empty());
    token.cloned().ok_or_else(|| {
        FeedError::new(ErrorCode::Secret, "sign in", "there is no token").hint(format!(
            "copy it from {}/account/token",
            connection.url.as_str().trim_end_matches('/')
        ))
    })
}
