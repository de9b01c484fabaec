//! One message of the live stream (`apis/rancher.md § 9`). Looks at the kind first: two thirds of all messages are noise and
//! their `data` is never parsed.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::shelf::Shelved;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, borrow)]
    name: Option<&'a RawValue>,
    #[serde(default, rename = "resourceType", borrow)]
    resource_type: Option<&'a RawValue>,
    #[serde(default, rename = "resourceId", borrow)]
    resource_id: Option<&'a RawValue>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

/// What a message means to us.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    /// Ping, or something we do not follow.
    Noise,
    /// The credentials were revoked.
    Logout,
    /// A resource as it is now.
    Resource(Shelved, String, Box<Value>),
    /// A resource changed and the message does not say how: it must be read.
    Doubt(Shelved, String),
    /// Not a message of this stream.
    Unreadable,
}

fn text(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

/// Reads a message.
pub(super) fn read(message: &str) -> Heard {
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(message) else {
        return Heard::Unreadable;
    };
    match text(envelope.name).as_deref() {
        Some("resource.change") => {}
        Some("logout") => return Heard::Logout,
        _ => return Heard::Noise,
    }
    let Some(kind) = text(envelope.resource_type).as_deref().and_then(Shelved::from_type) else {
        return Heard::Noise;
    };
    let id =
        text(envelope.resource_id).filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let Some(id) = id else { return Heard::Unreadable };
    let data = envelope
        .data
        .and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    match data.and_then(|mut data| data.get_mut("resource").map(Value::take)) {
        Some(resource @ Value::Object(_)) if resource.get("id").and_then(Value::as_str) == Some(&id) => {
            Heard::Resource(kind, id, Box::new(resource))
        }
        _ => Heard::Doubt(kind, id),
    }
}
