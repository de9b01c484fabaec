//! Which member of the family a server is (`apis/drone.md § 1`), and where the spoken dialect keeps things (§ 4.1).
//!
//! A new dialect is a new [`Dialect`] with its paths here, its parser beside `parse.rs` and its arms in `api.rs`; nothing
//! else of this source names a path or a JSON key.
//!
//! Refuses: trusting a version number further than for telling the family.

use http::HeaderMap;
use kopi_feed::FeedError;
use kopi_feed::text::clean;
use kopi_model::wire::ErrorCode;
use serde_json::Value;

/// A spoken dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Drone 0.8.
    Drone08,
}

/// What a server turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Family {
    /// Drone 0.8.x with the version it reports (0.8.10 says 0.8.9).
    Drone08(String),
    /// Drone 1.x or 2.x.
    Drone2(String),
    /// Woodpecker.
    Woodpecker(String),
}

impl Family {
    /// From the answer to `GET /version` without credentials. None: not of this family.
    pub fn recognise(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let header = |name: &str| Some(clean(headers.get(name)?.to_str().ok()?, 60));
        let json: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let told = |key: &str| clean(json.get(key).and_then(Value::as_str).unwrap_or_default(), 200);
        let (version, origin) = (told("version"), told("source"));
        if let Some(version) = header("x-woodpecker-version") {
            return Some(Self::Woodpecker(version));
        }
        if origin.contains("woodpecker") {
            return Some(Self::Woodpecker(version));
        }
        if let Some(version) = header("x-drone-version") {
            return Some(Self::Drone08(version));
        }
        match version.split('.').next() {
            Some("0") => Some(Self::Drone08(version)),
            Some("1" | "2") => Some(Self::Drone2(version)),
            _ => None,
        }
    }

    /// The version it reports.
    pub fn version(&self) -> &str {
        match self {
            Self::Drone08(version) | Self::Drone2(version) | Self::Woodpecker(version) => version,
        }
    }

    /// The dialect's word: `0.8`, `2.x`, `woodpecker`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Drone08(_) => "0.8",
            Self::Drone2(version) if version.starts_with('1') => "1.x",
            Self::Drone2(_) => "2.x",
            Self::Woodpecker(_) => "woodpecker",
        }
    }

    /// The dialect, when it is spoken.
    ///
    /// # Errors
    /// `NotSupported`, with the server's name.
    pub fn dialect(&self) -> Result<Dialect, FeedError> {
        let name = match self {
            Self::Drone08(_) => return Ok(Dialect::Drone08),
            Self::Drone2(version) => format!("Drone {version}"),
            Self::Woodpecker(version) => format!("Woodpecker {version}"),
        };
        let what = format!("{name} is recognised but not spoken yet");
        Err(FeedError::new(ErrorCode::NotSupported, "GET /version", what).hint("Kopi speaks Drone 0.8"))
    }
}

/// Where the dialect keeps things, below the base address.
impl Dialect {
    pub(super) fn user(self) -> &'static str {
        match self {
            Self::Drone08 => "/api/user",
        }
    }

    /// All repositories, also those that are not built, so that they can be enabled.
    pub(super) fn all_repos(self) -> &'static str {
        match self {
            Self::Drone08 => "/api/user/repos?all=true",
        }
    }

    pub(super) fn active_repos(self) -> &'static str {
        match self {
            Self::Drone08 => "/api/user/repos",
        }
    }

    pub(super) fn latest(self) -> &'static str {
        match self {
            Self::Drone08 => "/api/user/feed?latest=true",
        }
    }

    pub(super) fn recent(self) -> &'static str {
        match self {
            Self::Drone08 => "/api/user/feed",
        }
    }

    pub(super) fn queue(self) -> &'static str {
        match self {
            Self::Drone08 => "/api/info/queue",
        }
    }

    pub(super) fn events(self) -> &'static str {
        match self {
            Self::Drone08 => "/stream/events",
        }
    }

    pub(super) fn repo(self, repo: &str) -> String {
        match self {
            Self::Drone08 => format!("/api/repos/{}", encode(repo)),
        }
    }

    pub(super) fn builds(self, repo: &str, page: u64) -> String {
        match self {
            // The first page without the key: servers before 0.8.5 know none.
            Self::Drone08 if page <= 1 => format!("{}/builds", self.repo(repo)),
            Self::Drone08 => format!("{}/builds?page={page}", self.repo(repo)),
        }
    }

    pub(super) fn build(self, repo: &str, number: u64) -> String {
        match self {
            Self::Drone08 => format!("{}/builds/{number}", self.repo(repo)),
        }
    }

    pub(super) fn deploy(self, repo: &str, number: u64, environment: &str) -> String {
        match self {
            Self::Drone08 => {
                let environment: String = url::form_urlencoded::byte_serialize(environment.as_bytes()).collect();
                format!("{}?event=deployment&deploy_to={environment}", self.build(repo, number))
            }
        }
    }

    pub(super) fn axis(self, repo: &str, number: u64, pid: u64) -> String {
        match self {
            Self::Drone08 => format!("{}/{pid}", self.build(repo, number)),
        }
    }

    pub(super) fn review(self, repo: &str, number: u64, approve: bool) -> String {
        match self {
            Self::Drone08 => format!(
                "{}/{}",
                self.build(repo, number),
                if approve { "approve" } else { "decline" }
            ),
        }
    }

    /// Of a step, never of an axis.
    pub(super) fn stored_log(self, repo: &str, number: u64, pid: u64) -> String {
        match self {
            Self::Drone08 => format!("{}/logs/{number}/{pid}", self.repo(repo)),
        }
    }

    /// Of an axis, never of a step: the other way round than the stored one.
    pub(super) fn log_stream(self, repo: &str, number: u64, axis: u64) -> String {
        match self {
            Self::Drone08 => format!("/stream/logs/{}/{number}/{axis}", encode(repo)),
        }
    }
}

/// A repository's name as a path: every character that could mean something there is escaped, slashes between parts stay.
fn encode(repo: &str) -> String {
    let mut path = String::with_capacity(repo.len());
    for byte in repo.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/') {
            path.push(char::from(byte));
        } else {
            path.push('%');
            path.extend([byte >> 4, byte & 15].map(|half| char::from(b"0123456789ABCDEF"[usize::from(half)])));
        }
    }
    path
}
