//! Reading over HTTP: one client a connection, with limits on everything, that never leaves its host.
//!
//! Refuses: writing (see [`crate::Writer`]), retrying, cookies, a secret in an address.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, header};
use kopi_model::wire::ErrorCode;
use url::{Host, Url};

use crate::reply::{self, Reply};
use crate::why::{self, Phase};
use crate::{Clock, ConnectionSettings, FeedError, Meter, Secret, TlsSettings, redact, tls};

/// How one signs in.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic {
        /// User, or access key.
        user: String,
        /// Password, or secret key.
        password: Secret,
    },
}

/// Limits of every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Name, TCP and TLS together: 5 s.
    pub connect: Duration,
    /// The whole call: 15 s. A stream: until its head.
    pub total: Duration,
    /// Bytes of an unpacked body: 16 MB.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(15),
            body: 16 * 1024 * 1024,
        }
    }
}

/// What clients are made of.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// Base address; may have a path prefix. No user or password in it.
    pub base: Url,
    /// Sign-in.
    pub auth: Auth,
    /// TLS.
    pub tls: TlsSettings,
    /// `Kopi/0.1.0`.
    pub user_agent: String,
    /// Sent with every request.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Limits.
    pub limits: Limits,
    /// For `retry_at`.
    pub clock: Clock,
    /// Counts; shared by all clients of the connection.
    pub meter: Arc<Meter>,
}

impl ClientSettings {
    /// For a base address, everything else as usual.
    pub fn new(base: Url, auth: Auth) -> Self {
        Self {
            base,
            auth,
            tls: TlsSettings::default(),
            user_agent: concat!("Kopi/", env!("CARGO_PKG_VERSION")).into(),
            headers: Vec::new(),
            limits: Limits::default(),
            clock: Clock::system(),
            meter: Arc::default(),
        }
    }

    /// For a configured connection.
    pub fn of(connection: &ConnectionSettings, auth: Auth) -> Self {
        Self {
            tls: connection.tls.clone(),
            ..Self::new(connection.url.clone(), auth)
        }
    }

    /// With one more header on every request; one that cannot be sent is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }
}

/// How one reading differs from the usual.
#[derive(Clone, Debug, Default)]
pub struct GetOptions {
    /// Instead of `Limits::total`.
    pub timeout: Option<Duration>,
    /// Instead of `Limits::body`, bytes.
    pub body_limit: Option<usize>,
    /// More headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Instead of `application/json`.
    pub accept: Option<&'static str>,
    /// Every server of this kind answers this request: a 404 means that the address is wrong.
    pub landmark: bool,
}

/// Reads from one server. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) endpoint: Arc<Endpoint>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("base", &redact::url(&self.endpoint.base))
            .finish_non_exhaustive()
    }
}

/// What reading and writing have in common.
pub(crate) struct Endpoint {
    pub(crate) base: Url,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) meter: Arc<Meter>,
}

/// Kept in the error's chain so that `why` can name the place.
#[derive(Debug, thiserror::Error)]
#[error("redirected to another place")]
pub(crate) struct RedirectedAway(pub(crate) Url);

impl Client {
    /// Makes one; asks nothing.
    ///
    /// # Errors
    /// The address is not http(s), the CA file or the fingerprint is unusable, a secret cannot stand in a header.
    pub fn new(settings: &ClientSettings) -> Result<Self, FeedError> {
        let base = settings.base.clone();
        let policy = reqwest::redirect::Policy::custom(move |attempt| {
            if attempt.previous().len() > 5 {
                return attempt.error(RedirectedTooOften);
            }
            let to = attempt.url();
            if to.origin() == base.origin() {
                return attempt.follow();
            }
            let away = RedirectedAway(to.clone());
            attempt.error(away)
        });
        let http = builder(settings)?
            .redirect(policy)
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(4)
            .build()
            .map_err(|error| cannot_make(&error))?;
        Ok(Self {
            http,
            endpoint: Arc::new(Endpoint::new(settings)),
        })
    }

    /// Counts of this connection.
    pub fn meter(&self) -> Arc<Meter> {
        self.endpoint.meter.clone()
    }

    /// The base address.
    pub fn base(&self) -> &Url {
        &self.endpoint.base
    }

    /// Reads a path below the base address, `/api/user/feed?latest=true`.
    ///
    /// # Errors
    /// Whatever kept a 2xx answer from coming whole.
    pub async fn get(&self, path: &str) -> Result<Reply, FeedError> {
        self.get_with(path, GetOptions::default()).await
    }

    /// As [`Self::get`], but otherwise limited.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_with(&self, path: &str, options: GetOptions) -> Result<Reply, FeedError> {
        let endpoint = &*self.endpoint;
        let request = endpoint.request("GET", path);
        let call = self.request(path, &options);
        let limits = reply::Reading {
            request: &request,
            total: options.timeout.unwrap_or(endpoint.limits.total),
            body: options.body_limit.unwrap_or(endpoint.limits.body),
            landmark: options.landmark,
            writes: false,
        };
        endpoint.meter.asked();
        let reply = endpoint.read(call, limits).await;
        endpoint.meter.beat(reply.is_ok());
        reply
    }

    /// Reads and parses JSON.
    ///
    /// # Errors
    /// As [`Self::get`] and [`Reply::json`].
    pub async fn get_json<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, FeedError> {
        self.get(path).await?.json()
    }

    pub(crate) fn request(&self, path: &str, options: &GetOptions) -> reqwest::RequestBuilder {
        let mut call = self
            .http
            .get(self.endpoint.address(path))
            .header(header::ACCEPT, options.accept.unwrap_or("application/json"));
        for (name, value) in &options.headers {
            call = call.header(name, value);
        }
        call
    }
}

#[derive(Debug, thiserror::Error)]
#[error("redirected in a circle")]
struct RedirectedTooOften;

impl Endpoint {
    pub(crate) fn new(settings: &ClientSettings) -> Self {
        let secrets = match &settings.auth {
            Auth::None => Vec::new(),
            Auth::Bearer(secret) => vec![secret.clone()],
            Auth::Basic { user, password } => {
                let both = STANDARD.encode(format!("{user}:{}", password.expose()));
                vec![password.clone(), Secret::new(both)]
            }
        };
        Self {
            base: settings.base.clone(),
            secrets,
            limits: settings.limits,
            clock: settings.clock.clone(),
            meter: settings.meter.clone(),
        }
    }

    /// The path below the base address. Host and scheme cannot be left, whatever the path holds.
    pub(crate) fn address(&self, path: &str) -> Url {
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(path, query)| (path, Some(query)));
        let mut address = self.base.clone();
        address.set_path(&format!(
            "{}/{}",
            self.base.path().trim_end_matches('/'),
            path.trim_start_matches('/')
        ));
        address.set_query(query);
        address.set_fragment(None);
        address
    }

    /// What is attempted, for errors.
    pub(crate) fn request(&self, method: &str, path: &str) -> String {
        format!("{method} {}", redact::text(&redact::path(path), &self.secrets))
    }

    pub(crate) fn transport(&self, request: &str, phase: Phase, error: &reqwest::Error) -> FeedError {
        why::transport(request, &self.base, phase, error)
    }
}

/// What reading and writing clients have in common.
pub(crate) fn builder(settings: &ClientSettings) -> Result<reqwest::ClientBuilder, FeedError> {
    if !matches!(settings.base.scheme(), "http" | "https") || settings.base.host().is_none() {
        return Err(FeedError::new(
            ErrorCode::Config,
            "read url",
            "an address begins with http:// or https://",
        ));
    }
    let mut headers = http::HeaderMap::new();
    for (name, value) in &settings.headers {
        headers.append(name, value.clone());
    }
    if let Some(value) = authorization(&settings.auth)? {
        headers.insert(header::AUTHORIZATION, value);
    }
    let config = tls::client_config(&settings.tls)?;
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured((*config).clone())
        .default_headers(headers)
        .user_agent(&settings.user_agent)
        .connect_timeout(settings.limits.connect)
        .referer(false)
        // One connection of HTTP/2 would let one slow stream hold up every answer, and old proxies speak it badly.
        .http1_only();
    if is_loopback(&settings.base) {
        builder = builder.no_proxy();
    }
    Ok(builder)
}

pub(crate) fn cannot_make(error: &reqwest::Error) -> FeedError {
    FeedError::new(
        ErrorCode::Internal,
        "make an HTTP client",
        error.to_string().to_lowercase(),
    )
}

fn authorization(auth: &Auth) -> Result<Option<HeaderValue>, FeedError> {
    let text = match auth {
        Auth::None => return Ok(None),
        Auth::Bearer(secret) => format!("Bearer {}", secret.expose().trim()),
        Auth::Basic { user, password } => {
            format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose())))
        }
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        FeedError::new(
            ErrorCode::Secret,
            "sign in",
            "the token holds characters that cannot be sent",
        )
        .hint("copy it again, without line ends and blanks")
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Loopback takes no proxy.
fn is_loopback(base: &Url) -> bool {
    match base.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
