//! Asks a Drone server and gives items. The only file that knows which dialect it is.
//!
//! Refuses: retrying; believing a status alone (a wrong path is a web page with 200).

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use kopi_feed::{
    Auth, Client, ClientSettings, ConnectionSettings, FeedError, GetOptions, Meter, Reply, SseOptions, SseStream,
    WriteOptions, Writer,
};
use kopi_model::wire::ErrorCode;
use kopi_model::{Agents, Build, Repo};
use serde_json::Value;

use super::dialect::{Dialect, Family};
use super::parse::{self, Frame, LogEntry, Place, Proc, User};
use super::settings;

/// No byte for so long and the stream is dead: two pings and a half (`apis/drone.md § 8.2`).
const STREAM_IDLE: Duration = Duration::from_secs(75);
/// The first lists of a day may make the server copy all repositories from the forge first (§ 2.4).
const FIRST_LIST: Duration = Duration::from_mins(1);
/// Restarting fetches from the forge; over a minute is seen.
const SLOW_WRITE: Duration = Duration::from_mins(2);
const WRITE: Duration = Duration::from_secs(30);
/// An agent keeps at most 2 MB of text a step; a line of it costs some 60 bytes more on the wire.
const LOG_BODY: usize = 64 * 1024 * 1024;
/// Builds on a page.
pub(super) const PAGE_SIZE: u64 = 50;

/// A build with what log and cancel need beside its steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WholeBuild {
    pub build: Build,
    pub procs: Vec<Proc>,
}

/// One server.
pub(super) struct Api {
    /// Without credentials: for finding out what it is.
    stranger: Client,
    client: Client,
    writer: Writer,
    pub place: Place,
    dialect: Dialect,
}

impl Api {
    pub(super) fn new(connection: &ConnectionSettings) -> Result<Self, FeedError> {
        let mut settings = ClientSettings::of(connection, Auth::Bearer(settings::token(connection)?));
        settings.base.set_query(None);
        settings.base.set_fragment(None);
        let stranger = ClientSettings {
            auth: Auth::None,
            ..settings.clone()
        };
        Ok(Self {
            stranger: Client::new(&stranger)?,
            client: Client::new(&settings)?,
            writer: Writer::new(&settings)?,
            place: Place {
                connection: connection.name.clone(),
                base: settings.base.as_str().trim_end_matches('/').to_owned(),
            },
            dialect: Dialect::Drone08,
        })
    }

    pub(super) fn meter(&self) -> Arc<Meter> {
        self.client.meter()
    }

    /// What the server is. Signs in to nothing.
    pub(super) async fn recognise(&self) -> Result<Family, FeedError> {
        let options = GetOptions {
            timeout: Some(Duration::from_secs(10)),
            landmark: true,
            ..GetOptions::default()
        };
        let reply = self.stranger.get_with("/version", options).await?;
        if let Some(family) = Family::recognise(&reply.headers, &reply.body) {
            return Ok(family);
        }
        // A web page (a sign-in in front of the server, another product) is told as such.
        reply.json::<Value>()?;
        let mut error = FeedError::new(ErrorCode::WrongBasePath, "GET /version", "this is not a Drone server");
        error.status = Some(reply.status.as_u16());
        Err(error.hint("the address answers, but not as Drone or Woodpecker do: check host, port and path of url"))
    }

    pub(super) async fn user(&self) -> Result<User, FeedError> {
        let reply = self.client.get(self.dialect.user()).await?;
        let value: Value = reply.json()?;
        parse::user(&value).ok_or_else(|| misshapen(&reply, "an answer without a login"))
    }

    /// All repositories; those that are built only, where the server does not list the others.
    pub(super) async fn repos(&self, first: bool) -> Result<Vec<Repo>, FeedError> {
        let all = self
            .rows(self.dialect.all_repos(), first, |value| {
                parse::repos(value, &self.place)
            })
            .await;
        match all {
            Err(error) if may_answer_otherwise(&error) => {
                self.rows(self.dialect.active_repos(), first, |value| {
                    parse::repos(value, &self.place)
                })
                .await
            }
            other => other,
        }
    }

    /// The newest build of each repository.
    pub(super) async fn latest(&self, first: bool) -> Result<Vec<Build>, FeedError> {
        self.rows(self.dialect.latest(), first, |value| parse::feed(value, &self.place))
            .await
    }

    /// The newest builds of all.
    pub(super) async fn recent(&self, first: bool) -> Result<Vec<Build>, FeedError> {
        self.rows(self.dialect.recent(), first, |value| parse::feed(value, &self.place))
            .await
    }

    /// One page of a repository's builds, newest first.
    pub(super) async fn builds(&self, repo: &str, page: u64) -> Result<Vec<Build>, FeedError> {
        self.rows(&self.dialect.builds(repo, page), false, |value| {
            parse::builds(value, repo, &self.place)
        })
        .await
    }

    pub(super) async fn repo(&self, repo: &str) -> Result<Repo, FeedError> {
        let reply = self.client.get(&self.dialect.repo(repo)).await?;
        let value: Value = reply.json()?;
        parse::repo(&value, &self.place).ok_or_else(|| misshapen(&reply, "no repository"))
    }

    /// A build with its steps. None when it is known to be gone: the real server says 500 for a missing build, so that
    /// the list of builds has to confirm it.
    pub(super) async fn build(&self, repo: &str, number: u64) -> Result<Option<WholeBuild>, FeedError> {
        let reply = match self.client.get(&self.dialect.build(repo, number)).await {
            Ok(reply) => reply,
            Err(error) if looks_missing(&error) && self.is_not_listed(repo, number).await => return Ok(None),
            Err(error) => return Err(error),
        };
        let value: Value = reply.json()?;
        let build = parse::whole_build(&value, repo, &self.place)
            .filter(|build| build.number == number)
            .ok_or_else(|| misshapen(&reply, "another build than the one asked for"))?;
        Ok(Some(WholeBuild {
            build,
            procs: parse::procs(&value),
        }))
    }

    /// The list of builds reaches below this number and does not name it. False when it cannot tell.
    async fn is_not_listed(&self, repo: &str, number: u64) -> bool {
        let Ok(first) = self.builds(repo, 1).await else {
            return false;
        };
        let Some(newest) = first.first().map(|build| build.number) else {
            return true;
        };
        if number > newest {
            // The list is older than what is known: it proves nothing.
            return false;
        }
        let page = (newest - number) / PAGE_SIZE + 1;
        let rows = if page == 1 {
            first
        } else {
            match self.builds(repo, page).await {
                Ok(rows) => rows,
                Err(_) => return false,
            }
        };
        let reaches = rows.last().is_none_or(|oldest| oldest.number < number) || (rows.len() as u64) < PAGE_SIZE;
        reaches && !rows.iter().any(|build| build.number == number)
    }

    /// Queue and agents; all unknown when these credentials may not see them.
    pub(super) async fn agents(&self) -> Result<Agents, FeedError> {
        let reply = match self.client.get(self.dialect.queue()).await {
            Ok(reply) => reply,
            // 413 is what a missing right to administer looks like.
            Err(error) if matches!(error.status, Some(403 | 413)) => return Ok(parse::no_agents(&self.place)),
            Err(error) => return Err(error),
        };
        let value: Value = reply.json()?;
        parse::agents(&value, &self.place).ok_or_else(|| misshapen(&reply, "no queue"))
    }

    pub(super) async fn events(&self) -> Result<SseStream, FeedError> {
        self.client.sse(self.dialect.events(), stream_options()).await
    }

    /// One message of the event stream; none when it says nothing of ours.
    pub(super) fn frame(&self, data: &str) -> Option<Frame> {
        match self.dialect {
            Dialect::Drone08 => parse::frame(data, &self.place),
        }
    }

    /// The stored log of a step; none while it is not uploaded, or when there is no such step.
    pub(super) async fn stored_log(
        &self,
        repo: &str,
        number: u64,
        pid: u64,
    ) -> Result<Option<Vec<LogEntry>>, FeedError> {
        let options = GetOptions {
            timeout: Some(Duration::from_mins(1)),
            body_limit: Some(LOG_BODY),
            ..GetOptions::default()
        };
        let reply = match self
            .client
            .get_with(&self.dialect.stored_log(repo, number, pid), options)
            .await
        {
            Ok(reply) => reply,
            Err(error) if error.status == Some(404) => return Ok(None),
            Err(error) => return Err(error),
        };
        let value: Value = reply.json()?;
        parse::stored_log(&value)
            .map(Some)
            .ok_or_else(|| misshapen(&reply, "no log"))
    }

    /// The lines of a running axis, all its steps.
    pub(super) async fn log_stream(&self, repo: &str, number: u64, axis: u64) -> Result<SseStream, FeedError> {
        self.client
            .sse(&self.dialect.log_stream(repo, number, axis), stream_options())
            .await
    }

    pub(super) fn restart_path(&self, repo: &str, number: u64) -> String {
        self.dialect.build(repo, number)
    }

    pub(super) fn deploy_path(&self, repo: &str, number: u64, environment: &str) -> String {
        self.dialect.deploy(repo, number, environment)
    }

    pub(super) fn axis_path(&self, repo: &str, number: u64, pid: u64) -> String {
        self.dialect.axis(repo, number, pid)
    }

    pub(super) fn review_path(&self, repo: &str, number: u64, approve: bool) -> String {
        self.dialect.review(repo, number, approve)
    }

    pub(super) fn repo_path(&self, repo: &str) -> String {
        self.dialect.repo(repo)
    }

    /// Makes a new build from an older one.
    pub(super) async fn start(&self, path: &str, repo: &str) -> Result<Build, FeedError> {
        let reply = self.write(Method::POST, path, SLOW_WRITE).await?;
        let value: Value = reply.json()?;
        parse::whole_build(&value, repo, &self.place).ok_or_else(|| misshapen(&reply, "no build"))
    }

    /// One writing request whose answer only has to be good.
    pub(super) async fn order(&self, method: Method, path: &str) -> Result<Reply, FeedError> {
        let slow = if method == Method::POST { SLOW_WRITE } else { WRITE };
        self.write(method, path, slow).await
    }

    async fn write(&self, method: Method, path: &str, timeout: Duration) -> Result<Reply, FeedError> {
        let options = WriteOptions {
            timeout: Some(timeout),
            ..WriteOptions::default()
        };
        let reply = self
            .writer
            .send(method, path, None, options)
            .await
            .map_err(|error| match error.status {
                // A proxy gave up waiting; the server behind it may go on.
                Some(502..=504) => FeedError {
                    sent: kopi_feed::Sent::Maybe,
                    ..error
                },
                _ => error,
            })?;
        // 0.8 answers any path it does not know with its web page and 200, also a POST.
        if reply
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
        {
            return Err(misshapen(&reply, "a web page: the server does not know this request"));
        }
        Ok(reply)
    }

    async fn rows<T>(
        &self,
        path: &str,
        first: bool,
        read: impl FnOnce(&Value) -> Option<Vec<T>>,
    ) -> Result<Vec<T>, FeedError> {
        let options = GetOptions {
            timeout: first.then_some(FIRST_LIST),
            ..GetOptions::default()
        };
        let reply = self.client.get_with(path, options).await?;
        let value: Value = reply.json()?;
        read(&value).ok_or_else(|| misshapen(&reply, "something else than a list"))
    }
}

fn stream_options() -> SseOptions {
    SseOptions {
        idle: STREAM_IDLE,
        ..SseOptions::default()
    }
}

/// JSON, but not what was asked for.
fn misshapen(reply: &Reply, what: &str) -> FeedError {
    let mut error = FeedError::new(
        ErrorCode::UnexpectedAnswer,
        &reply.request,
        format!("the server sent {what}"),
    )
    .hint("is this a Drone 0.8, and is the address its own?");
    error.status = Some(reply.status.as_u16());
    error.sent = kopi_feed::Sent::Answered;
    error
}

/// The server lives but did not like this request: another form of it may do.
fn may_answer_otherwise(error: &FeedError) -> bool {
    error
        .status
        .is_some_and(|status| matches!(status, 200 | 400 | 404 | 500))
}

/// A missing build: 500 without a word, 404 where one may not look.
fn looks_missing(error: &FeedError) -> bool {
    match error.status {
        Some(404) => true,
        Some(500) => error.words.is_none(),
        _ => false,
    }
}
