//! Takes credentials out of addresses, headers and texts before anybody can see them.
//!
//! Refuses: guessing what else may be private; a repository's name is not a secret.

use http::HeaderMap;
use url::Url;

use crate::Secret;

/// What stands where a secret stood.
pub const HIDDEN: &str = "…";

/// Names whose value is never shown, in a query, a header or a text `name=value`, `name: value`, `"name":"value"`.
const NAMES: &[&str] = &[
    "access_token",
    "token",
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "x-auth-token",
    "password",
    "passwd",
    "secret",
    "secret_key",
    "secretkey",
    "secretvalue",
    "access_key",
    "api_key",
    "apikey",
    "private_token",
    "client_secret",
];

/// The address without user and password, sensitive query values hidden.
pub fn url(address: &Url) -> String {
    let mut shown = address.clone();
    // Fails only for addresses that cannot have a user.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    match address.query() {
        Some(query) => {
            shown.set_query(None);
            shown.set_fragment(None);
            format!("{shown}?{}", hide_in_query(query))
        }
        None => shown.to_string(),
    }
}

/// A path with its query, sensitive values hidden.
pub fn path(path: &str) -> String {
    match path.split_once('?') {
        Some((path, query)) => format!("{path}?{}", hide_in_query(query)),
        None => path.to_owned(),
    }
}

/// Names and values, sensitive ones hidden.
pub fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let shown = if value.is_sensitive() || is_sensitive(name.as_str()) {
                HIDDEN.to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.to_string(), shown)
        })
        .collect()
}

/// A text without these secrets, and without what looks like one: `Bearer …`, `Basic …`, `://user:password@`,
/// `token=…`, `"password":"…"`.
pub fn text(text: &str, secrets: &[Secret]) -> String {
    let mut shown = text.to_owned();
    for secret in secrets {
        // A two-letter password would blank half of the text and is found by its name anyway.
        if secret.expose().len() > 3 {
            shown = shown.replace(secret.expose(), HIDDEN);
        }
    }
    hide_schemes(&hide_named(&hide_userinfo(&shown)))
}

fn is_sensitive(name: &str) -> bool {
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn hide_in_query(query: &str) -> String {
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_sensitive(name) => format!("{name}={HIDDEN}"),
            _ => pair.to_owned(),
        })
        .collect();
    pairs.join("&")
}

/// `https://user:password@host` → `https://…@host`.
fn hide_userinfo(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        shown.push_str(before);
        let end = after
            .find(|char: char| char.is_whitespace() || matches!(char, '/' | '?' | '#' | '"' | '\'' | '<'))
            .unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(at) => {
                shown.push_str(HIDDEN);
                rest = &after[at..];
            }
            None => rest = after,
        }
    }
    shown.push_str(rest);
    shown
}

/// `Bearer abc` → `Bearer …`.
fn hide_schemes(text: &str) -> String {
    let mut shown = text.to_owned();
    for scheme in ["bearer ", "basic "] {
        let mut from = 0;
        while let Some(found) = shown
            .get(from..)
            .and_then(|rest| rest.to_ascii_lowercase().find(scheme))
        {
            let start = from + found + scheme.len();
            let end = start + value_length(&shown[start..]);
            // `Basic realm="…"` and `basic auth` are no credentials; those are long and have no blank or quote.
            let value = &shown[start..end];
            if value.len() >= 12 && !value.contains('=') || value.len() >= 12 && value.ends_with('=') {
                shown.replace_range(start..end, HIDDEN);
                from = start + HIDDEN.len();
            } else {
                from = start;
            }
        }
    }
    shown
}

/// `token=abc`, `token: abc`, `"token":"abc"` → the same without the value.
fn hide_named(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|char: char| char.is_ascii_alphabetic()) {
        let length = rest[start..]
            .find(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '_' | '-')))
            .unwrap_or(rest.len() - start);
        let word_end = start + length;
        shown.push_str(&rest[..word_end]);
        let word = &rest[start..word_end];
        rest = &rest[word_end..];
        if !is_sensitive(word) {
            continue;
        }
        let separator = rest.len() - rest.trim_start_matches(['"', '\'', ' ', ':', '=']).len();
        if !rest[..separator].contains([':', '=']) {
            continue;
        }
        shown.push_str(&rest[..separator]);
        rest = &rest[separator..];
        // `Authorization: Bearer abc`: the scheme is no secret, what follows is.
        for scheme in ["bearer ", "basic "] {
            if rest
                .get(..scheme.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
            {
                shown.push_str(&rest[..scheme.len()]);
                rest = &rest[scheme.len()..];
            }
        }
        let value = value_length(rest);
        if value > 0 {
            shown.push_str(HIDDEN);
            rest = &rest[value..];
        }
    }
    shown.push_str(rest);
    shown
}

fn value_length(text: &str) -> usize {
    text.find(|char: char| char.is_whitespace() || matches!(char, '"' | '\'' | '&' | ',' | ';' | '<' | '>' | '}' | ')'))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_user_password_and_token() {
        let address = Url::parse("https://me:pw@drone.company.com/api/x?access_token=abc&page=2").unwrap();
        assert_eq!(url(&address), "https://drone.company.com/api/x?access_token=…&page=2");
    }

    #[test]
    fn texts_lose_known_and_likely_secrets() {
        let secrets = [Secret::new("s3cr3t-token")];
        for (given, shown) in [
            ("no such user s3cr3t-token here", "no such user … here"),
            ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer …"),
            (
                "at https://a:b@host/x and http://c@d",
                "at https://…@host/x and http://…@d",
            ),
            (r#"{"token":"abc","name":"web"}"#, r#"{"token":"…","name":"web"}"#),
            ("password=hunter2&x=1", "password=…&x=1"),
            (
                "Enter API access key and secret key as username and password",
                "Enter API access key and secret key as username and password",
            ),
            ("Basic realm=\"Enter\"", "Basic realm=\"Enter\""),
            ("token 无效", "token 无效"),
            ("sent bearer QUJDREVGR0hJSktM here", "sent bearer … here"),
        ] {
            assert_eq!(text(given, &secrets), shown);
        }
    }
}
