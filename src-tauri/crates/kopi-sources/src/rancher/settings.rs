//! What a person types for a Rancher connection (`apis/rancher.md §§ 1.1, 1.2`).
//!
//! Refuses: asking the server anything.

use kopi_feed::http::{Auth, ClientSettings};
use kopi_feed::{ConnectionSettings, FeedError, Field, FieldKind, Secret};
use kopi_model::ConnectionName;
use kopi_model::wire::ErrorCode;
use url::Url;

/// Fields beside `name`, `kind`, `url`.
pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "access_key",
        kind: FieldKind::Text,
        required: true,
        label: ["Access key", "访问密钥（Access Key）"],
        help: [
            "User name of an environment API key (API → Keys in Rancher); an account API key works too.",
            "环境 API 密钥的用户名（Rancher 的 API → 密钥）；账户 API 密钥也可以。",
        ],
    },
    Field {
        name: "secret_key",
        kind: FieldKind::Secret,
        required: true,
        label: ["Secret key", "私密密钥（Secret Key）"],
        help: [
            "Password of that key; Rancher shows it once.",
            "该密钥的密码；Rancher 只显示一次。",
        ],
    },
    Field {
        name: "environments",
        kind: FieldKind::List,
        required: false,
        label: ["Environments", "环境"],
        help: [
            "Names or ids of the environments to follow with an account key; empty: all of them.",
            "使用账户密钥时要关注的环境名称或 ID；留空表示全部。",
        ],
    },
];

/// Settings, understood.
#[derive(Clone, Debug)]
pub(super) struct RancherSettings {
    /// Connection.
    pub(super) name: ConnectionName,
    /// For clients; the base ends before `/v2-beta`.
    pub(super) client: ClientSettings,
    /// Only these environments (names or ids); empty: all.
    pub(super) environments: Vec<String>,
    /// Environments that are production by setting.
    pub(super) production: Vec<String>,
}

/// Understands a connection.
///
/// # Errors
/// A key is missing, or the address is none.
pub(super) fn understand(connection: &ConnectionSettings) -> Result<RancherSettings, FeedError> {
    let missing = |field: &str| {
        FeedError::new(
            ErrorCode::Config,
            format!("read connection {}", connection.name),
            format!("{field} is missing"),
        )
        .hint("Rancher signs in with an API key: API → Keys gives both halves")
    };
    let access = connection.fields.get("access_key").filter(|key| !key.trim().is_empty());
    let access = access.ok_or_else(|| missing("access_key"))?;
    let secret = connection
        .secrets
        .get("secret_key")
        .filter(|secret| !secret.expose().is_empty());
    let secret = secret.ok_or_else(|| missing("secret_key"))?;
    let (base, project) = split(&connection.url);
    let auth = Auth::Basic {
        user: access.trim().to_owned(),
        password: Secret::new(secret.expose()),
    };
    let mut client = ClientSettings::of(connection, auth).header("x-enforce-authentication", "true");
    client.base = base;
    let listed = connection
        .fields
        .get("environments")
        .map(String::as_str)
        .unwrap_or_default();
    let listed = listed
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .map(str::to_owned);
    Ok(RancherSettings {
        name: connection.name.clone(),
        client,
        environments: project.into_iter().chain(listed).collect(),
        production: connection.production.clone(),
    })
}

/// Any of the pasted forms → base address and, when it was in there, the environment's id: `http://host:8080`, `…/v1`,
/// `…/v2-beta/projects/1a5/services`, the page `…/env/1a5/apps/stacks`.
fn split(pasted: &Url) -> (Url, Option<String>) {
    let segments: Vec<&str> = pasted.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let ends = |segment: &str| {
        matches!(
            segment,
            "v1" | "v2" | "v2-beta" | "v3" | "env" | "v1-catalog" | "v1-webhooks"
        )
    };
    let end = segments
        .iter()
        .position(|segment| ends(segment))
        .unwrap_or(segments.len());
    let (prefix, rest) = segments.split_at(end);
    let project = match rest {
        ["env", id, ..] | [_, "projects", id, ..] => Some(*id),
        _ => None,
    };
    let mut base = pasted.clone();
    base.set_query(None);
    base.set_fragment(None);
    let path = if prefix.is_empty() {
        "/".to_owned()
    } else {
        format!("/{}/", prefix.join("/"))
    };
    base.set_path(&path);
    (base, project.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pasted_form_is_reduced() {
        for (pasted, base, project) in [
            ("http://rancher:8080", "http://rancher:8080/", None),
            ("http://rancher:8080/v1", "http://rancher:8080/", None),
            (
                "https://rancher.company.com/v2-beta/",
                "https://rancher.company.com/",
                None,
            ),
            (
                "https://rancher.company.com/v2-beta/projects/1a5",
                "https://rancher.company.com/",
                Some("1a5"),
            ),
            (
                "https://rancher.company.com/v1/projects/1a5/services?limit=1",
                "https://rancher.company.com/",
                Some("1a5"),
            ),
            (
                "https://rancher.company.com/env/1a7/apps/stacks/1st4",
                "https://rancher.company.com/",
                Some("1a7"),
            ),
            (
                "https://company.com/rancher/v2-beta/projects/1a5",
                "https://company.com/rancher/",
                Some("1a5"),
            ),
        ] {
            let (found, id) = split(&Url::parse(pasted).expect("a test's address"));
            assert_eq!((found.as_str(), id.as_deref()), (base, project), "{pasted}");
        }
    }
}
