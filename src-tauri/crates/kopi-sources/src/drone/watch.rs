//! Follows a Drone (`apis/drone.md § 8`): opens the event stream, lists, closes the gap, then listens, with a slow poll
//! beside it.
//!
//! A frame is applied as it comes; one that says "failed" is a doorbell only, since a cancelled build looks the same: the
//! build is read first. Every ended build is read once more 2 s later, for what its agent reports late.
//!
//! Requests while nothing changes, however many repositories there are: with a stream 2 feeds and the queue a minute, the
//! repositories every 5 minutes, and at most 5 builds that have not ended; without a stream twice that.
//!
//! Refuses: retrying after a broken connection; recovering is the engine's.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use kopi_feed::{Cx, FeedError, Note, Outbox, SseItem, SseStream};
use kopi_model::wire::ErrorCode;
use kopi_model::{Agents, Build, Coverage, Event, Item, ItemId, ItemKind, Scope};
use tokio::time::Instant;

use super::api::WholeBuild;
use super::memory::{BuildKey, key_of};
use super::parse::{FEED, QUEUE, REPOS, User};
use super::{DroneSource, merge, parse};

/// Between two polls beside a stream.
const POLL_BESIDE: Duration = Duration::from_mins(1);
/// Between two polls without one.
const POLL_ALONE: Duration = Duration::from_secs(30);
/// Nobody looks: polls take so many times longer.
const UNATTENDED: u32 = 2;
const REPOS_EVERY: Duration = Duration::from_mins(5);
/// Without a stream one is tried again so often.
const STREAM_EVERY: Duration = Duration::from_mins(5);
/// Of the builds that have not ended so many are read again at a poll.
const RUNNING_READS: usize = 5;
const RUNNING_READS_ALONE: usize = 3;
/// At most so many builds are read to close a gap; the rest shows what the lists say.
const GAP_READS: usize = 40;
/// Of at most so many repositories the past is read at the first listing.
const PAST_REPOS: usize = 60;
/// Late words of an agent are in by then.
const SETTLED: Duration = Duration::from_secs(2);
const READS_AT_ONCE: usize = 4;

struct Watch<'a> {
    source: &'a DroneSource,
    cx: &'a Cx,
    out: &'a Outbox,
    user: User,
    repos_due: Instant,
    /// As told last.
    agents: Option<Agents>,
    /// Bad polls in a row.
    failures: u32,
    /// Streams that never said a word: something on the way holds them back.
    mute_streams: bool,
    /// A repository is built now that the open stream does not show.
    open_again: bool,
}

/// Lists, then listens, until something breaks.
pub(super) async fn run(source: &DroneSource, cx: &Cx, out: &Outbox) -> Result<Infallible, FeedError> {
    let watching = async {
        let family = source.api.recognise().await?;
        out.note(Note::Server {
            dialect: family.word().into(),
            version: Some(family.version().to_owned()).filter(|version| !version.is_empty()),
        })
        .await?;
        family.dialect()?;
        // The stream never refuses a wrong token, so that this has to be asked first.
        let user = source.api.user().await?;
        if !user.login.is_empty() {
            out.note(Note::SignedInAs(user.login.clone())).await?;
        }
        let mut watch = Watch {
            source,
            cx,
            out,
            user,
            repos_due: Instant::now(),
            agents: None,
            failures: 0,
            mute_streams: false,
            open_again: false,
        };
        watch.run().await
    };
    tokio::select! {
        ended = watching => ended,
        () = cx.stop.cancelled() => Err(FeedError::new(ErrorCode::CoreGone, "watch", "told to stop")),
    }
}

/// While it lives, what is remembered follows the stream; also a watch that is dropped in the middle ends it.
struct Streaming<'a>(&'a DroneSource);

impl<'a> Streaming<'a> {
    fn begin(source: &'a DroneSource) -> Self {
        source.memory().streaming = true;
        Self(source)
    }
}

impl Drop for Streaming<'_> {
    fn drop(&mut self) {
        self.0.memory().streaming = false;
    }
}

impl Watch<'_> {
    async fn run(&mut self) -> Result<Infallible, FeedError> {
        let mut first = true;
        loop {
            let stream = self.connect().await?;
            self.list(first).await?;
            first = false;
            if let Some(stream) = stream {
                let _streaming = Streaming::begin(self.source);
                self.out.note(Note::Streaming).await?;
                self.listen(Some(stream), POLL_BESIDE).await?;
            } else {
                let every_s = POLL_ALONE.as_secs() as u32;
                self.out.note(Note::Polling { every_s }).await?;
                self.listen(None, POLL_ALONE).await?;
                // A stream is worth another try.
                self.mute_streams = false;
            }
        }
    }

    /// The event stream; none when the server answers but does not give one.
    async fn connect(&mut self) -> Result<Option<SseStream>, FeedError> {
        self.open_again = false;
        if self.mute_streams {
            return Ok(None);
        }
        match self.source.api.events().await {
            Ok(stream) => Ok(Some(stream)),
            Err(error) if breaks(&error) => Err(error),
            Err(error) if error.status.is_some() || error.code == ErrorCode::Timeout => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Until something breaks, or (without an error) the stream is to be opened again.
    async fn listen(&mut self, mut stream: Option<SseStream>, every: Duration) -> Result<(), FeedError> {
        let mut attended = self.cx.attended.clone();
        let mut attended_told = true;
        let mut polled = Instant::now();
        let mut heard_anything = false;
        let until = stream.is_none().then(|| Instant::now() + STREAM_EVERY);
        loop {
            if self.open_again && stream.is_some() {
                return Ok(());
            }
            let wait = if *attended.borrow() { every } else { every * UNATTENDED };
            let next_read = self.source.memory().next_read();
            tokio::select! {
                item = next_item(stream.as_mut()) => match item {
                    Ok(item) => {
                        heard_anything = true;
                        if let SseItem::Message { event, data, .. } = item
                            && event == "message"
                        {
                            self.take_frame(&data).await?;
                        }
                    }
                    Err(error) if error.code == ErrorCode::StreamSilent && !heard_anything => {
                        self.mute_streams = true;
                        return Ok(());
                    }
                    Err(error) => return Err(error),
                },
                () = tokio::time::sleep_until(polled + wait) => {
                    self.poll(stream.is_some()).await?;
                    polled = Instant::now();
                }
                () = self.cx.look_again.notified() => {
                    self.repos_due = Instant::now();
                    self.poll(stream.is_some()).await?;
                    polled = Instant::now();
                }
                () = sleep_until(next_read) => self.read_due().await?,
                // An order has put something on the list of reads.
                () = self.source.wake.notified() => {}
                changed = attended.changed(), if attended_told => attended_told = changed.is_ok(),
                () = sleep_until(until) => return Ok(()),
            }
        }
    }

    async fn take_frame(&mut self, data: &str) -> Result<(), FeedError> {
        let Some(frame) = self.source.api.frame(data) else {
            return Ok(());
        };
        if !self.source.memory().knows_repo(&frame.repo) {
            // Someone else's public repository, or one that was enabled just now.
            self.repos_due = self.repos_due.min(Instant::now() + Duration::from_secs(30));
            return Ok(());
        }
        let key = key_of(&frame.build);
        let merged = merge::with_frame(self.source.memory().build(&key), frame.build);
        let Some(build) = merged else {
            return Ok(());
        };
        let ended = build.status.is_final();
        if build.status.is_broken() && self.read(key.clone(), 0).await? {
            self.source.memory().read_at(key, Instant::now() + SETTLED);
            return Ok(());
        }
        self.tell(build).await?;
        if ended {
            self.source.memory().read_at(key, Instant::now() + SETTLED);
        }
        Ok(())
    }

    /// Keeps and sends a build that changed.
    async fn tell(&self, build: Build) -> Result<(), FeedError> {
        let event = Event::Upsert(parse::item(&build));
        if self.source.memory().keep(build) {
            self.out.event(event).await?;
        }
        Ok(())
    }

    async fn read_due(&self) -> Result<(), FeedError> {
        let due = self.source.memory().take_due(Instant::now());
        for (key, tries) in due {
            self.read(key, tries).await?;
        }
        Ok(())
    }

    /// Reads a build and sends what is new. False when the server answered but not with the build: it is read again later.
    async fn read(&self, key: BuildKey, tries: u8) -> Result<bool, FeedError> {
        match self.source.api.build(&key.0, key.1).await {
            Ok(Some(WholeBuild { build, .. })) => {
                self.source
                    .memory()
                    .was_read(&key, build.status.is_final(), Instant::now());
                // Told also when it is as remembered: a view that read the build a moment too early may have put an older
                // state of it into the model, which takes what is equal as nothing.
                let event = Event::Upsert(parse::item(&build));
                self.source.memory().keep(build);
                self.out.event(event).await?;
                Ok(true)
            }
            Ok(None) => {
                self.gone(&key).await?;
                Ok(true)
            }
            Err(error) if breaks(&error) || error.status.is_none() => Err(error),
            Err(_) => {
                self.source.memory().read_failed(key, tries, Instant::now());
                Ok(false)
            }
        }
    }

    async fn gone(&self, key: &BuildKey) -> Result<(), FeedError> {
        self.source.memory().forget(key);
        let id = ItemId::new(ItemKind::Build, &self.cx.connection, &format!("{}#{}", key.0, key.1));
        self.out.event(Event::Gone(id)).await
    }

    /// Lists again. One bad answer makes the listing stale, the second in a row ends the watch.
    async fn poll(&mut self, streaming: bool) -> Result<(), FeedError> {
        match self.list(false).await {
            Ok(()) => {
                self.failures = 0;
                Ok(())
            }
            Err(error) if breaks(&error) || !streaming || self.failures > 0 => Err(error),
            Err(error) => {
                self.failures += 1;
                let why = error.to_string();
                self.out
                    .event(Event::InitFailed {
                        scope: FEED.into(),
                        why,
                    })
                    .await
            }
        }
    }

    async fn list(&mut self, gap: bool) -> Result<(), FeedError> {
        if gap || self.repos_due <= Instant::now() {
            self.list_repos().await?;
        }
        self.list_builds(gap).await?;
        self.list_agents().await
    }

    async fn list_repos(&mut self) -> Result<(), FeedError> {
        self.repos_due = Instant::now() + REPOS_EVERY;
        let first = !self.source.memory().listed;
        match self.source.api.repos(first).await {
            Ok(repos) => {
                if self.source.memory().take_repos(&repos) {
                    self.open_again = true;
                }
                let items = repos.into_iter().map(Item::Repo);
                self.announce(REPOS.into(), Coverage::Complete, items).await
            }
            Err(error) if breaks(&error) || error.status.is_none() => Err(error),
            Err(error) => {
                let why = error.to_string();
                self.out
                    .event(Event::InitFailed {
                        scope: REPOS.into(),
                        why,
                    })
                    .await
            }
        }
    }

    async fn list_builds(&mut self, gap: bool) -> Result<(), FeedError> {
        let first = !self.source.memory().listed;
        let latest = self.source.api.latest(first).await?;
        let recent = self.source.api.recent(first).await?;
        let newest: HashSet<BuildKey> = latest.iter().map(key_of).collect();
        let mut rows = latest;
        rows.extend(recent.into_iter().filter(|row| !newest.contains(&key_of(row))));
        let named: HashSet<BuildKey> = rows.iter().map(key_of).collect();

        let mut wanted: Vec<BuildKey> = Vec::new();
        let mut standing: Vec<BuildKey> = Vec::new();
        let mut unclear: Vec<BuildKey> = Vec::new();
        let mut listed: Vec<Build> = Vec::with_capacity(rows.len());
        {
            let mut memory = self.source.memory();
            for row in rows {
                let key = key_of(&row);
                let known = memory.build(&key).cloned();
                let news = merge::with_row(known.as_ref(), row);
                let is_new = news.is_some() && (known.is_some() || memory.listed);
                let build = match (news, known) {
                    (Some(news), _) => news,
                    (None, Some(known)) => known,
                    (None, None) => continue,
                };
                if is_new {
                    wanted.push(key);
                } else if !build.status.is_final() {
                    standing.push(key);
                } else if build.status.is_broken() && !build.steps_known {
                    // Has to be read once: only its steps tell a cancelled build from a failed one.
                    unclear.push(key);
                }
                listed.push(build);
            }
            let elsewhere = memory.unfinished().into_iter().filter(|key| !named.contains(key));
            standing.extend(elsewhere);
            // § 8.4 step 4: after a gap every build that is believed not to have ended; else a few in turn.
            let most = match (gap, memory.streaming) {
                (true, _) => GAP_READS,
                (false, true) => RUNNING_READS,
                (false, false) => RUNNING_READS_ALONE,
            };
            wanted.truncate(GAP_READS);
            let mut rest = memory.next_of(standing, most);
            unclear.truncate(most.saturating_sub(rest.len()));
            rest.append(&mut unclear);
            wanted.append(&mut rest);
        }
        let mut gone: Vec<BuildKey> = Vec::new();
        for (key, answer) in self.read_many(wanted).await {
            match answer {
                Ok(Some(WholeBuild { build, .. })) => match listed.iter_mut().find(|listed| listed.id == build.id) {
                    Some(listed) => *listed = build,
                    None => listed.push(build),
                },
                Ok(None) => gone.push(key),
                Err(error) if breaks(&error) || error.status.is_none() => return Err(error),
                // The row stands until it can be read.
                Err(_) => self.source.memory().read_failed(key, 0, Instant::now()),
            }
        }
        listed.retain(|build| !gone.contains(&key_of(build)));
        if first {
            listed.extend(self.read_past(&named, &listed).await?);
        }
        {
            let mut memory = self.source.memory();
            for build in &listed {
                memory.keep(build.clone());
            }
            memory.keep_only(&named);
            memory.listed = true;
        }
        let coverage = Coverage::Newest(listed.len());
        self.announce(FEED.into(), coverage, listed.into_iter().map(Item::Build))
            .await?;
        for key in gone {
            self.gone(&key).await?;
        }
        Ok(())
    }

    /// Once, at the first listing: a page of builds of each repository. The feed holds 50 builds of all; the branch that
    /// was quiet since last week has its newest build further back.
    async fn read_past(&self, named: &HashSet<BuildKey>, listed: &[Build]) -> Result<Vec<Build>, FeedError> {
        let api = &self.source.api;
        let mut repos: Vec<String> = listed.iter().map(|build| build.repo.clone()).collect();
        repos.sort_unstable();
        repos.dedup();
        repos.truncate(PAST_REPOS);
        let pages = repos.into_iter().map(|repo| async move { api.builds(&repo, 1).await });
        let pages: Vec<_> = stream::iter(pages).buffer_unordered(READS_AT_ONCE).collect().await;
        let mut past = Vec::new();
        for page in pages {
            match page {
                Ok(builds) => past.extend(builds.into_iter().filter(|build| !named.contains(&key_of(build)))),
                Err(error) if breaks(&error) => return Err(error),
                // It is history: what is missing of it is no fault of the listing.
                Err(_) => {}
            }
        }
        Ok(past)
    }

    async fn read_many(&self, keys: Vec<BuildKey>) -> Vec<(BuildKey, Result<Option<WholeBuild>, FeedError>)> {
        let api = &self.source.api;
        let reads = keys.into_iter().map(|key| async move {
            let answer = api.build(&key.0, key.1).await;
            (key, answer)
        });
        stream::iter(reads).buffer_unordered(READS_AT_ONCE).collect().await
    }

    async fn list_agents(&mut self) -> Result<(), FeedError> {
        let agents = if self.user.admin {
            match self.source.api.agents().await {
                Ok(agents) => agents,
                Err(error) if breaks(&error) || error.status.is_none() => return Err(error),
                Err(error) => {
                    let why = error.to_string();
                    return self
                        .out
                        .event(Event::InitFailed {
                            scope: QUEUE.into(),
                            why,
                        })
                        .await;
                }
            }
        } else if self.agents.is_some() {
            return Ok(());
        } else {
            parse::no_agents(&self.source.api.place)
        };
        self.agents = Some(agents.clone());
        self.announce(QUEUE.into(), Coverage::Complete, [Item::Agents(agents)].into_iter())
            .await
    }

    async fn announce(
        &self,
        scope: Scope,
        coverage: Coverage,
        items: impl Iterator<Item = Item>,
    ) -> Result<(), FeedError> {
        let begin = Event::Init {
            scope: scope.clone(),
            coverage,
        };
        self.out.event(begin).await?;
        for item in items {
            self.out.event(Event::Seen(Box::new(item))).await?;
        }
        self.out.event(Event::InitDone(scope)).await
    }
}

/// No listing and no read will go better: signing in or waiting is needed first.
fn breaks(error: &FeedError) -> bool {
    error.stops() || error.code == ErrorCode::RateLimited || error.code == ErrorCode::CoreGone
}

async fn next_item(stream: Option<&mut SseStream>) -> Result<SseItem, FeedError> {
    match stream {
        Some(stream) => stream.next().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
