//! The one who keeps `kopi.toml` for the core: answers what faces ask about it, writes what they change, and tells the
//! core when the file has changed under it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use kopi_feed::source::BoxFuture;
use kopi_feed::{ConnectionSettings, FieldKind, Secret, SourceKind, TlsSettings};
use kopi_model::wire::{Act, Answer, ApiError, ErrorCode, NewConnection, Query};
use kopi_model::{ConnectionName, ItemId};
use url::Url;

use super::discover::{Candidate, discover};
use super::edit::{self, Addition};
use super::fields;
use super::kept::KeptConfig;
use super::keychain;
use super::secret::SecretPlace;
use crate::{CoreConnection, CoreHandle, CoreSettings, Desk};

/// The file is looked at so often: two calls to the system, cheaper than a watcher that must handle editors which
/// replace files, and right on every file system.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A missing secret is gone for again after so many looks (30 s): a keychain may be unlocked meanwhile.
const LOOKS_UNTIL_SECRETS: u32 = 15;

/// Starts and ends the demo office.
pub trait Demo: Send + Sync {
    /// On: starts it and gives its connections. Off: ends it and gives none.
    fn switch(&self, on: bool) -> BoxFuture<'_, Result<Vec<CoreConnection>, ApiError>>;
    /// Logins of the person at this desk there.
    fn me(&self) -> Vec<String>;
}

/// Keeps the configuration.
#[derive(Clone)]
pub struct ConfigDesk(Arc<Inner>);

struct Inner {
    kept: Mutex<KeptConfig>,
    demo: Box<dyn Demo>,
    demo_connections: Mutex<Option<Vec<CoreConnection>>>,
    core: OnceLock<CoreHandle>,
}

impl fmt::Debug for ConfigDesk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ConfigDesk").finish_non_exhaustive()
    }
}

impl ConfigDesk {
    /// With what was read.
    pub fn new(kept: KeptConfig, demo: Box<dyn Demo>) -> Self {
        Self(Arc::new(Inner {
            kept: Mutex::new(kept),
            demo,
            demo_connections: Mutex::new(None),
            core: OnceLock::new(),
        }))
    }

    /// What the core is to do now.
    pub fn settings(&self) -> CoreSettings {
        self.0.settings()
    }

    /// The core runs: from now on it is told when the file changes, until it ends.
    pub fn started(&self, core: &CoreHandle) {
        // Once, by construction: a desk has one core.
        let _ = self.0.core.set(core.clone());
        let (inner, core) = (self.0.clone(), core.clone());
        tokio::spawn(async move {
            let ended = core.ended();
            let mut looks = tokio::time::interval(LOOK_EVERY);
            looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut count = 0;
            loop {
                tokio::select! {
                    () = ended.cancelled() => return,
                    _ = looks.tick() => {}
                }
                count += 1;
                inner.look(count % LOOKS_UNTIL_SECRETS == 0).await;
            }
        });
    }
}

impl Inner {
    fn kept(&self) -> MutexGuard<'_, KeptConfig> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings(&self) -> CoreSettings {
        let mut settings = self.kept().settings();
        let demo = self
            .demo_connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(connections) = demo {
            settings.connections = connections;
            settings.lines.clear();
            settings.settings.me = self.demo.me();
            settings.demo = true;
        }
        settings
    }

    async fn tell_core(&self) -> Result<(), ApiError> {
        match self.core.get() {
            Some(core) => core.settings_changed(self.settings()).await,
            None => Ok(()),
        }
    }

    async fn look(self: &Arc<Self>, secrets_too: bool) {
        let (stale, missing) = {
            let kept = self.kept();
            (kept.is_stale(), secrets_too && kept.misses_secrets())
        };
        if !stale && !missing {
            return;
        }
        let changed = self
            .off_the_runtime(move |kept| {
                if kept.is_stale() {
                    kept.reload();
                } else {
                    kept.take_secrets();
                }
                Ok(())
            })
            .await;
        let told = match changed {
            Ok(()) => self.tell_core().await,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::warn!(message = %error.message, "the changed configuration was not taken over");
        }
    }

    /// Files, keychain and commands block. The running one is replaced when all went well.
    async fn off_the_runtime<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut KeptConfig) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let inner = self.clone();
        let worked = tokio::task::spawn_blocking(move || {
            // On a copy: the lock must not be held while a keychain asks the person.
            let mut kept = inner.kept().clone();
            let result = work(&mut kept)?;
            *inner.kept() = kept;
            Ok(result)
        });
        worked.await.unwrap_or_else(|_| {
            Err(ApiError::new(
                ErrorCode::Internal,
                "change the configuration: a fault in Kopi",
            ))
        })
    }

    async fn change(
        self: &Arc<Self>,
        work: impl FnOnce(&mut KeptConfig) -> Result<Answer, ApiError> + Send + 'static,
    ) -> Result<Answer, ApiError> {
        let answer = self
            .off_the_runtime(move |kept| {
                let answer = work(kept)?;
                kept.reload();
                Ok(answer)
            })
            .await?;
        self.tell_core().await?;
        Ok(answer)
    }

    async fn switch_demo(&self, on: bool) -> Result<Answer, ApiError> {
        let demo = if on { Some(self.demo.switch(true).await?) } else { None };
        *self.demo_connections.lock().unwrap_or_else(PoisonError::into_inner) = demo;
        self.tell_core().await?;
        if !on {
            // First the sources are taken away, then their servers: nobody sees them fall.
            self.demo.switch(false).await?;
        }
        Ok(Answer::Done)
    }
}

impl Desk for ConfigDesk {
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, ApiError>> {
        Box::pin(async move {
            match query {
                Query::Settings => Ok(Answer::Settings(Box::new(self.0.kept().settings().settings))),
                Query::Found => {
                    let kept = self.0.kept();
                    let found = candidates(&kept).into_iter().map(|candidate| candidate.found);
                    Ok(Answer::Found(found.collect()))
                }
                // Anew: whoever asks has just edited.
                Query::ConfigCheck => {
                    let check = |kept: &mut KeptConfig| {
                        kept.reload();
                        Ok(kept.check())
                    };
                    let findings = self.0.off_the_runtime(check).await?;
                    self.0.tell_core().await?;
                    Ok(Answer::ConfigCheck(findings))
                }
                _ => Err(ApiError::new(
                    ErrorCode::NotAllowedHere,
                    "this is not about the configuration",
                )),
            }
        })
    }

    fn act(&self, act: Act) -> BoxFuture<'_, Result<Answer, ApiError>> {
        Box::pin(async move {
            match act {
                Act::Set { settings } => {
                    self.0
                        .change(move |kept| {
                            let text = edit::set_settings(&kept.text()?, &kept.good.settings, &settings)?;
                            edit::write(&kept.paths.config, &text)?;
                            Ok(Answer::Done)
                        })
                        .await
                }
                Act::AddConnections { connections } => {
                    self.0
                        .change(move |kept| add(kept, connections).map(Answer::Added))
                        .await
                }
                Act::ChangeSecret {
                    connection,
                    field,
                    secret,
                } => {
                    let secret = Secret::new(secret.into_inner().trim());
                    self.0
                        .change(move |kept| change_secret(kept, &connection, &field, secret))
                        .await
                }
                Act::RemoveConnection { connection } => self.0.change(move |kept| remove(kept, &connection)).await,
                Act::Demo { on } => self.0.switch_demo(on).await,
                _ => Err(ApiError::new(
                    ErrorCode::NotAllowedHere,
                    "this needs the agent or the window to run",
                )),
            }
        })
    }

    fn try_out(&self, connection: NewConnection) -> BoxFuture<'_, Result<ConnectionSettings, ApiError>> {
        Box::pin(async move {
            let kept = self.0.kept();
            let typed = understand(&kept, connection, &[])?;
            Ok(ConnectionSettings {
                name: typed.addition.name,
                kind: typed.addition.kind,
                url: typed.url,
                fields: typed
                    .addition
                    .fields
                    .into_iter()
                    .map(|(name, text, _)| (name, text))
                    .collect(),
                secrets: typed
                    .secrets
                    .into_iter()
                    .map(|(name, secret, _)| (name, secret))
                    .collect(),
                tls: TlsSettings::default(),
                production: Vec::new(),
            })
        })
    }

    fn raise(&self, _: Option<ItemId>, _: bool) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async {
            Err(ApiError::new(
                ErrorCode::NotAllowedHere,
                "there is no window to raise from here",
            ))
        })
    }
}

/// A connection as typed, with its secrets and the variables they came from.
struct Typed {
    addition: Addition,
    url: Url,
    secrets: Vec<(String, Secret, Option<String>)>,
}

fn candidates(kept: &KeptConfig) -> Vec<Candidate> {
    discover(&*kept.environment.look, kept.environment.home.as_deref())
}

fn understand(kept: &KeptConfig, new: NewConnection, taken: &[ConnectionName]) -> Result<Typed, ApiError> {
    let invalid = |message: String| ApiError::new(ErrorCode::Config, message);
    let kind = kind_of(kept, &new.kind).ok_or_else(|| invalid(format!("there is no kind {:?}", new.kind)))?;
    let candidate = match &new.found {
        Some(id) => Some(
            candidates(kept)
                .into_iter()
                .find(|candidate| candidate.found.id == *id)
                .ok_or_else(|| invalid(format!("what was found as {id:?} is no longer there")))?,
        ),
        None => None,
    };
    let url = address(&new.url)?;
    let mut fields: Vec<(String, String)> = candidate.as_ref().map(|found| found.fields.clone()).unwrap_or_default();
    for (name, text) in new.fields {
        fields.retain(|(other, _)| *other != name);
        fields.push((name, text.trim().to_owned()));
    }
    fields.retain(|(_, text)| !text.is_empty());
    let mut secrets: Vec<(String, Secret, Option<String>)> = Vec::new();
    for (name, secret) in candidate.iter().flat_map(|candidate| &candidate.secrets) {
        let variables = candidate.iter().flat_map(|candidate| &candidate.variables);
        let variable = variables
            .into_iter()
            .find(|(field, _)| field == name)
            .map(|(_, variable)| variable.clone());
        secrets.push((name.clone(), secret.clone(), variable));
    }
    for (name, text) in new.secrets {
        let text = text.into_inner();
        if !text.trim().is_empty() {
            secrets.retain(|(other, ..)| *other != name);
            secrets.push((name, Secret::new(text.trim()), None));
        }
    }
    let known = |name: &str, secret: bool| {
        kind.fields
            .iter()
            .any(|field| field.name == name && (field.kind == FieldKind::Secret) == secret)
    };
    let names = fields
        .iter()
        .map(|(name, _)| (name, false))
        .chain(secrets.iter().map(|(name, ..)| (name, true)));
    for (name, secret) in names {
        if !known(name, secret) {
            return Err(invalid(format!("a {} connection has no {name}", kind.word)));
        }
    }
    let name = name_for(new.name, &kind, taken)?;
    let is_list = |name: &str| {
        kind.fields
            .iter()
            .any(|field| field.name == name && field.kind == FieldKind::List)
    };
    let addition = Addition {
        name,
        kind: kind.word.to_owned(),
        url: url.as_str().trim_end_matches('/').to_owned(),
        fields: fields
            .into_iter()
            .map(|(name, text)| (name.clone(), text, is_list(&name)))
            .collect(),
        secrets: Vec::new(),
        read_only: new.read_only,
    };
    Ok(Typed { addition, url, secrets })
}

fn kind_of(kept: &KeptConfig, word: &str) -> Option<SourceKind> {
    kept.kinds.iter().map(|kind| kind.0).find(|kind| kind.word == word)
}

fn name_for(
    asked: Option<ConnectionName>,
    kind: &SourceKind,
    taken: &[ConnectionName],
) -> Result<ConnectionName, ApiError> {
    let is_taken = |name: &str| taken.iter().any(|other| other.as_str() == name);
    let Some(name) = asked else {
        let numbered = (2..).map(|number| format!("{}-{number}", kind.word));
        let free = std::iter::once(kind.word.to_owned())
            .chain(numbered)
            .find(|name| !is_taken(name));
        return Ok(free.unwrap_or_default().into());
    };
    if !fields::is_name(name.as_str()) {
        return Err(ApiError::new(ErrorCode::Config, format!("{name:?} is no name")).hint("a-z, 0-9, then also . _ -"));
    }
    if is_taken(name.as_str()) {
        return Err(ApiError::new(
            ErrorCode::Config,
            format!("there is a connection called {name} already"),
        ));
    }
    Ok(name)
}

/// As typed or pasted: the scheme may be missing; user, password, query and fragment are left out.
fn address(text: &str) -> Result<Url, ApiError> {
    let text = text.trim();
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let parsed = Url::parse(&with_scheme)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let mut url = parsed.ok_or_else(|| {
        ApiError::new(ErrorCode::Config, "this is no address")
            .hint("it begins with http:// or https://, as https://drone.company.com")
    })?;
    // Fails only for addresses without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn add(kept: &mut KeptConfig, connections: Vec<NewConnection>) -> Result<Vec<ConnectionName>, ApiError> {
    let mut taken: Vec<ConnectionName> = kept
        .good
        .connections
        .iter()
        .map(|connection| connection.name.clone())
        .collect();
    let before = taken.len();
    let mut text = kept.text()?;
    let mut put_away = Vec::new();
    for connection in connections {
        let mut typed = understand(kept, connection, &taken)?;
        taken.push(typed.addition.name.clone());
        for (field, secret, variable) in typed.secrets {
            put_away.push((typed.addition.name.clone(), field.clone(), secret, variable));
            typed.addition.secrets.push((field, SecretPlace::Keychain));
        }
        text = edit::add_connection(&text, &typed.addition)?;
    }
    if !put_away.is_empty()
        && let Err(error) = keep_secrets(kept, &put_away)
    {
        // No keychain: what came from the environment can stay there and be named; what was typed cannot.
        for (name, field, _, variable) in &put_away {
            let Some(variable) = variable else { return Err(error) };
            text = edit::set_secret(&text, name, field, &SecretPlace::Env(variable.clone()))?;
        }
    }
    edit::write(&kept.paths.config, &text)?;
    Ok(taken.split_off(before))
}

type PutAway = (ConnectionName, String, Secret, Option<String>);

fn keep_secrets(kept: &KeptConfig, put_away: &[PutAway]) -> Result<(), ApiError> {
    let mut secrets = kept.environment.keychain.load()?;
    for (name, field, secret, _) in put_away {
        secrets.insert(keychain::key(name, field), secret.clone());
    }
    kept.environment.keychain.save(&secrets)
}

fn change_secret(
    kept: &mut KeptConfig,
    name: &ConnectionName,
    field: &str,
    secret: Secret,
) -> Result<Answer, ApiError> {
    let connection = kept.good.connections.iter().find(|connection| connection.name == *name);
    let connection = connection
        .ok_or_else(|| ApiError::new(ErrorCode::NoSuchConnection, format!("there is no connection {name}")))?;
    let place = connection.secrets.get(field);
    let place = place.ok_or_else(|| ApiError::new(ErrorCode::Config, format!("{name} has no secret {field}")))?;
    if secret.expose().is_empty() {
        return Err(ApiError::new(ErrorCode::Secret, format!("the new {field} is empty")));
    }
    let in_keychain = matches!(place, SecretPlace::Keychain);
    keep_secrets(kept, &[(name.clone(), field.to_owned(), secret, None)])?;
    if !in_keychain {
        let text = edit::set_secret(&kept.text()?, name, field, &SecretPlace::Keychain)?;
        edit::write(&kept.paths.config, &text)?;
    }
    Ok(Answer::Done)
}

fn remove(kept: &mut KeptConfig, name: &ConnectionName) -> Result<Answer, ApiError> {
    let text = edit::remove_connection(&kept.text()?, name)?;
    let gone = kept.good.connections.iter().find(|connection| connection.name == *name);
    let in_keychain = gone.is_some_and(|gone| {
        gone.secrets
            .values()
            .any(|place| matches!(place, SecretPlace::Keychain))
    });
    edit::write(&kept.paths.config, &text)?;
    if in_keychain {
        let mut secrets = kept.environment.keychain.load()?;
        let before = secrets.len();
        secrets.retain(|key, _| !key.starts_with(&keychain::key(name, "")));
        if secrets.len() != before {
            kept.environment.keychain.save(&secrets)?;
        }
    }
    Ok(Answer::Done)
}
