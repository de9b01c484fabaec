//! Finds connections that other programs on this machine already use. Offered, never taken silently; the secrets stay
//! here until a person says yes.
//!
//! Refuses: reading anything but what is named below; asking any server.

use std::path::Path;

use kopi_feed::Secret;
use kopi_model::wire::Found;
use serde::Deserialize;

/// Something found, with its secrets.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// As offered.
    pub found: Found,
    /// Plain fields by name.
    pub fields: Vec<(String, String)>,
    /// Secret fields by name.
    pub secrets: Vec<(String, Secret)>,
    /// Variables the secrets came from: where there is no keychain they are named in `kopi.toml` instead.
    pub variables: Vec<(String, String)>,
}

/// Variables of programs that speak to Rancher 1.6: its own command line and `rancher-compose` use the first three,
/// the older `cattle` tools the others.
const RANCHER: [[&str; 3]; 2] = [
    ["RANCHER_URL", "RANCHER_ACCESS_KEY", "RANCHER_SECRET_KEY"],
    ["CATTLE_URL", "CATTLE_ACCESS_KEY", "CATTLE_SECRET_KEY"],
];

/// Looks at `DRONE_SERVER`/`DRONE_TOKEN`, the Rancher variables and `~/.rancher/cli.json`.
pub fn discover(look: &dyn Fn(&str) -> Option<String>, home: Option<&Path>) -> Vec<Candidate> {
    let look = |name: &str| {
        look(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    };
    let mut candidates = Vec::new();
    candidates.extend(drone(&look));
    for names in RANCHER {
        candidates.extend(rancher_variables(&look, names));
    }
    candidates.extend(home.and_then(rancher_cli));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let same =
            |other: &Candidate| other.found.kind == candidate.found.kind && other.found.url == candidate.found.url;
        if !kept.iter().any(same) {
            kept.push(candidate);
        }
    }
    kept
}

fn drone(look: &dyn Fn(&str) -> Option<String>) -> Option<Candidate> {
    let url = address(&look("DRONE_SERVER")?)?;
    let token = look("DRONE_TOKEN");
    Some(Candidate {
        found: Found {
            id: "drone-environment".into(),
            kind: "drone".into(),
            url,
            place: if token.is_some() {
                "DRONE_SERVER, DRONE_TOKEN".into()
            } else {
                "DRONE_SERVER".into()
            },
            complete: token.is_some(),
        },
        fields: Vec::new(),
        variables: token
            .iter()
            .map(|_| ("token".to_owned(), "DRONE_TOKEN".to_owned()))
            .collect(),
        secrets: token
            .into_iter()
            .map(|token| ("token".to_owned(), Secret::new(token)))
            .collect(),
    })
}

fn rancher_variables(look: &dyn Fn(&str) -> Option<String>, names: [&str; 3]) -> Option<Candidate> {
    let [url_name, access_name, secret_name] = names;
    let url = address(&look(url_name)?)?;
    let (access, secret) = (look(access_name), look(secret_name));
    let named: Vec<&str> = [
        (true, url_name),
        (access.is_some(), access_name),
        (secret.is_some(), secret_name),
    ]
    .into_iter()
    .filter_map(|(is_set, name)| is_set.then_some(name))
    .collect();
    let mut fields: Vec<(String, String)> = Vec::new();
    let complete = access.is_some() && secret.is_some();
    fields.extend(access.map(|key| ("access_key".to_owned(), key)));
    // The Rancher command line takes an environment's name or id here.
    fields.extend(look("RANCHER_ENVIRONMENT").map(|name| ("environments".to_owned(), name)));
    Some(Candidate {
        found: Found {
            id: format!("rancher-{}", url_name.to_lowercase().replace('_', "-")),
            kind: "rancher".into(),
            url,
            place: named.join(", "),
            complete,
        },
        fields,
        variables: secret
            .iter()
            .map(|_| ("secret_key".to_owned(), secret_name.to_owned()))
            .collect(),
        secrets: secret
            .into_iter()
            .map(|secret| ("secret_key".to_owned(), Secret::new(secret)))
            .collect(),
    })
}

/// `rancher config` of the 1.6 command line writes this (`rancher/cli@v0.6.14:cmd/config.go`).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CliFile {
    access_key: Option<String>,
    secret_key: Option<String>,
    url: Option<String>,
    environment: Option<String>,
}

fn rancher_cli(home: &Path) -> Option<Candidate> {
    let text = std::fs::read_to_string(home.join(".rancher/cli.json")).ok()?;
    let file: CliFile = serde_json::from_str(&text).ok()?;
    let filled = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let url = address(filled(file.url)?.trim_end_matches("/schemas"))?;
    let (access, secret) = (filled(file.access_key), filled(file.secret_key));
    let complete = access.is_some() && secret.is_some();
    let mut fields: Vec<(String, String)> = Vec::new();
    fields.extend(access.map(|key| ("access_key".to_owned(), key)));
    fields.extend(filled(file.environment).map(|id| ("environments".to_owned(), id)));
    Some(Candidate {
        found: Found {
            id: "rancher-cli".into(),
            kind: "rancher".into(),
            url,
            place: "~/.rancher/cli.json".into(),
            complete,
        },
        fields,
        variables: Vec::new(),
        secrets: secret
            .into_iter()
            .map(|secret| ("secret_key".to_owned(), Secret::new(secret)))
            .collect(),
    })
}

/// An address as shown: with a scheme, without user, password, query, slash at the end.
fn address(text: &str) -> Option<String> {
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let mut url = url::Url::parse(&with_scheme)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url.as_str().trim_end_matches('/').to_owned())
}
