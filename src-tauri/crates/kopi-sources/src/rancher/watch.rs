//! List, then listen (`apis/rancher.md § 9`): one live stream an environment, the four lists beside it.
//!
//! Requests a minute when nothing changes, with `n` environments: one list of environments and four lists each, every
//! [`period`]; 1 + 4·3 = 13 for three environments at 60 s, whatever the number of services (a list is one request up to
//! 3,000 rows). From four environments on the period grows so that it stays at 16. Opening adds 1 + 2n once.
//!
//! Refuses: reconnecting (the engine does), believing a stream that is silent for 15 s.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kopi_feed::{Cx, FeedError, Note, Outbox, Reply, WsItem, WsStream};
use kopi_model::wire::ErrorCode;
use kopi_model::{Coverage, Event, Item, Scope};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::api::Api;
use super::frame::{self, Heard};
use super::parse::{self, Place};
use super::settings::RancherSettings;
use super::shelf::{Shelf, Shelved};

/// Between two looks when asked to look at once.
const LOOK_GAP: Duration = Duration::from_secs(3);
/// Resources that are read one by one between two listings; more wait for the listing.
const SINGLE_READS: usize = 4;
/// After so many rounds without a stream it is tried again.
const STREAM_AGAIN: u64 = 15;

/// Between two listings.
pub(super) fn period(environments: usize, streaming: bool) -> Duration {
    let requests = 4 * environments as u64 + 1;
    let shortest = if streaming { 60 } else { 20 };
    Duration::from_secs((requests * 60).div_ceil(16).max(shortest))
}

/// What all environments of one watch share.
pub(super) struct Watching<'a> {
    pub(super) api: &'a Api,
    pub(super) settings: &'a RancherSettings,
    pub(super) shelves: &'a Shelves,
    pub(super) out: &'a Outbox,
}

/// The environments' shelves by project: `read` and `act` look up names and places in them.
#[derive(Default)]
pub(super) struct Shelves(Mutex<HashMap<String, Arc<Mutex<Shelf>>>>);

impl Shelves {
    fn fresh(&self, place: &Place) -> Arc<Mutex<Shelf>> {
        let shelf = Arc::new(Mutex::new(Shelf::new(place.clone())));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(place.project.clone(), shelf.clone());
        shelf
    }

    /// Every environment that has been followed, with its shelf.
    pub(super) fn all(&self) -> Vec<(String, Arc<Mutex<Shelf>>)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .map(|(project, shelf)| (project.clone(), shelf.clone()))
            .collect()
    }
}

/// How an environment's stream stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    Streaming,
    Polling,
}

impl Watching<'_> {
    /// Runs until something breaks.
    pub(super) async fn run(&self, cx: &Cx) -> Result<Infallible, FeedError> {
        let (rows, reply) = self.api.projects().await?;
        self.out.note(server_note(&reply)).await?;
        let chosen = self.chosen(&rows)?;
        let mut may_act = HashMap::new();
        for project in &chosen {
            // Not being allowed to ask is an answer too: unknown.
            may_act.insert(project.clone(), self.api.may_act(project).await.ok());
        }
        self.tell_environments(&rows, &may_act).await?;
        let (rounds, round) = watch::channel(0_u64);
        let (standings, mut standing) = mpsc::channel(chosen.len().max(1) * 4);
        let mut watched: FuturesUnordered<_> = chosen
            .iter()
            .map(|project| self.environment(project, round.clone(), standings.clone()))
            .collect();
        let mut every = period(chosen.len(), true);
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stand: HashMap<String, Standing> = HashMap::new();
        let mut looked = Instant::now();
        loop {
            let look = tokio::select! {
                failed = watched.next(), if !watched.is_empty() => match failed {
                    Some(error) => return Err(error),
                    None => false,
                },
                Some((project, now)) = standing.recv() => {
                    if stand.insert(project, now) != Some(now) && stand.len() == chosen.len() {
                        let streaming = stand.values().all(|one| *one == Standing::Streaming);
                        every = period(chosen.len(), streaming);
                        ticks = interval_at(Instant::now() + every, every);
                        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                        let every_s = u32::try_from(every.as_secs()).unwrap_or(60);
                        let note = if streaming { Note::Streaming } else { Note::Polling { every_s } };
                        self.out.note(note).await?;
                    }
                    false
                }
                _ = ticks.tick() => true,
                () = cx.look_again.notified() => looked.elapsed() >= LOOK_GAP,
            };
            if look {
                looked = Instant::now();
                // The streams are heard meanwhile.
                let asked = self.api.projects();
                tokio::pin!(asked);
                let (rows, _) = tokio::select! {
                    found = &mut asked => found?,
                    Some(error) = watched.next(), if !watched.is_empty() => return Err(error),
                };
                if self.chosen(&rows)? != chosen {
                    let what = "the environments of this key changed";
                    return Err(FeedError::new(ErrorCode::Reset, "GET /v2-beta/projects", what));
                }
                self.tell_environments(&rows, &may_act).await?;
                rounds.send_modify(|round| *round += 1);
            }
        }
    }

    /// Ids of the environments that are read: Cattle ones, the named ones if any are named.
    fn chosen(&self, rows: &[Value]) -> Result<Vec<String>, FeedError> {
        let mut chosen: Vec<String> = rows
            .iter()
            .filter(|row| parse::text(row, "orchestration", 40).is_none_or(|kind| kind == "cattle"))
            .filter_map(|row| {
                Some((
                    parse::native_id(row, "id")?,
                    parse::text(row, "name", 300).unwrap_or_default(),
                ))
            })
            .filter(|(id, name)| self.is_followed(id, name))
            .map(|(id, _)| id)
            .collect();
        chosen.sort();
        chosen.dedup();
        let named = &self.settings.environments;
        if chosen.is_empty() && !named.is_empty() {
            let there: Vec<String> = rows.iter().filter_map(|row| parse::text(row, "name", 60)).collect();
            let what = format!("this key sees none of: {}", named.join(", "));
            return Err(
                FeedError::new(ErrorCode::Config, "choose environments", what).hint(format!(
                    "it sees: {}",
                    if there.is_empty() {
                        "none".to_owned()
                    } else {
                        there.join(", ")
                    }
                )),
            );
        }
        Ok(chosen)
    }

    fn is_followed(&self, id: &str, name: &str) -> bool {
        let named = &self.settings.environments;
        named.is_empty() || named.iter().any(|one| one == id || one == name)
    }

    /// Those that are not followed are not told: what an earlier configuration followed goes with them.
    async fn tell_environments(
        &self,
        rows: &[Value],
        may_act: &HashMap<String, Option<bool>>,
    ) -> Result<(), FeedError> {
        let scope = Scope::from("environments");
        self.out
            .event(Event::Init {
                scope: scope.clone(),
                coverage: Coverage::Complete,
            })
            .await?;
        for row in rows {
            let may = parse::native_id(row, "id").and_then(|id| may_act.get(&id).copied().flatten());
            let settings = self.settings;
            let found = parse::environment(&settings.name, self.api.base(), row, may, &settings.production);
            if let Some(environment) = found
                && self.is_followed(environment.id.native(), &environment.name)
            {
                self.out
                    .event(Event::Seen(Box::new(Item::Environment(environment))))
                    .await?;
            }
        }
        self.out.event(Event::InitDone(scope)).await
    }

    /// Follows one environment; ends only with what broke the connection.
    async fn environment(
        &self,
        project: &str,
        mut round: watch::Receiver<u64>,
        standings: mpsc::Sender<(String, Standing)>,
    ) -> FeedError {
        let place = Place {
            connection: self.settings.name.clone(),
            base: self.api.base().clone(),
            project: project.to_owned(),
        };
        loop {
            let shelf = self.shelves.fresh(&place);
            let failed = self.follow(&place, &shelf, &mut round, &standings).await;
            let Err(error) = failed;
            if !matches!(error.code, ErrorCode::Forbidden | ErrorCode::NotFound) {
                return error;
            }
            // This environment is closed to the key; the others go on.
            let why = error.to_string();
            let told = self
                .out
                .event(Event::InitFailed {
                    scope: place.scope(),
                    why,
                })
                .await;
            if let Err(gone) = told {
                return gone;
            }
            // A full channel means that nobody counts any more.
            let _counted = standings.try_send((place.project.clone(), Standing::Polling));
            if round.changed().await.is_err() {
                return error;
            }
        }
    }

    async fn follow(
        &self,
        place: &Place,
        shelf: &Arc<Mutex<Shelf>>,
        round: &mut watch::Receiver<u64>,
        standings: &mpsc::Sender<(String, Standing)>,
    ) -> Result<Infallible, FeedError> {
        let mut ear = Ear {
            watching: self,
            place,
            shelf,
            stream: self.open(place).await?,
            doubts: VecDeque::new(),
            again: false,
        };
        let mut rounds_deaf = 0;
        ear.list(true).await?;
        let mut singles = 0;
        loop {
            let standing = if ear.stream.is_some() {
                Standing::Streaming
            } else {
                Standing::Polling
            };
            let _counted = standings.try_send((place.project.clone(), standing));
            let look = tokio::select! {
                changed = round.changed() => {
                    changed.map_err(|_| FeedError::new(ErrorCode::CoreGone, "watch", "the watch has ended"))?;
                    true
                }
                message = next(&mut ear.stream) => {
                    let events = ear.take(message?)?;
                    for event in events { self.out.event(event).await?; }
                    false
                }
            };
            if look || ear.again {
                rounds_deaf = if ear.stream.is_some() { 0 } else { rounds_deaf + 1 };
                if rounds_deaf >= STREAM_AGAIN {
                    rounds_deaf = 0;
                    ear.stream = self.open(place).await?;
                }
                ear.again = false;
                singles = 0;
                ear.list(false).await?;
            }
            while let Some((kind, id)) = ear.doubts.pop_front() {
                if singles == SINGLE_READS {
                    ear.doubts.clear();
                    break;
                }
                singles += 1;
                let events = ear.read_one(kind, &id).await?;
                for event in events {
                    self.out.event(event).await?;
                }
            }
        }
    }

    /// The live stream; none where a proxy does not let WebSockets through.
    async fn open(&self, place: &Place) -> Result<Option<WsStream>, FeedError> {
        match self.api.subscribe(&place.project).await {
            Ok(stream) => Ok(Some(stream)),
            Err(error) if matches!(error.code, ErrorCode::UnexpectedAnswer | ErrorCode::NotJson) => {
                tracing::info!(%error, "no live stream: asking instead");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn server_note(reply: &Reply) -> Note {
    let version = reply
        .header("x-rancher-version")
        .map(|version| kopi_feed::text::clean(version, 60));
    Note::Server {
        dialect: "1.6".into(),
        version,
    }
}

async fn next(stream: &mut Option<WsStream>) -> Result<WsItem, FeedError> {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}

/// One environment's stream and shelf.
struct Ear<'a, 'b> {
    watching: &'a Watching<'b>,
    place: &'a Place,
    shelf: &'a Arc<Mutex<Shelf>>,
    stream: Option<WsStream>,
    doubts: VecDeque<(Shelved, String)>,
    /// A message could not be read: the lists decide.
    again: bool,
}

impl Ear<'_, '_> {
    fn take(&mut self, message: WsItem) -> Result<Vec<Event>, FeedError> {
        let WsItem::Text(text) = message else {
            return Ok(Vec::new());
        };
        match frame::read(&text) {
            Heard::Noise => Ok(Vec::new()),
            Heard::Logout => {
                let what = "the server says that the credentials were revoked";
                Err(FeedError::new(ErrorCode::Unauthorized, "GET /v2-beta/subscribe", what))
            }
            Heard::Resource(kind, id, resource) => {
                let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(shelf.hear(kind, &id, Some(&resource), Instant::now()))
            }
            Heard::Doubt(kind, id) => {
                self.doubts.push_back((kind, id));
                Ok(Vec::new())
            }
            Heard::Unreadable => {
                self.again = true;
                Ok(Vec::new())
            }
        }
    }

    /// The four lists, while the stream is heard. First: nothing is told before the listing.
    async fn list(&mut self, first: bool) -> Result<(), FeedError> {
        for kind in Shelved::ALL {
            let watching = self.watching;
            let asked = watching.api.list(&self.place.project, kind.collection());
            tokio::pin!(asked);
            let listing = loop {
                tokio::select! {
                    listing = &mut asked => break listing?,
                    message = next(&mut self.stream) => {
                        let events = self.take(message?)?;
                        if !first {
                            for event in events { watching.out.event(event).await?; }
                        }
                    }
                }
            };
            let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
            shelf.take_list(kind, &listing.rows, listing.sent);
        }
        let events = self.shelf.lock().unwrap_or_else(PoisonError::into_inner).listing();
        for event in events {
            self.watching.out.event(event).await?;
        }
        Ok(())
    }

    async fn read_one(&mut self, kind: Shelved, id: &str) -> Result<Vec<Event>, FeedError> {
        let at = Instant::now();
        let resource = match self.watching.api.one(&self.place.project, kind.collection(), id).await {
            Ok(resource) => Some(resource),
            Err(error) if error.code == ErrorCode::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(shelf.hear(kind, id, resource.as_ref(), at))
    }
}
