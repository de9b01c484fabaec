//! Source `drone`: builds, steps, logs, queue and the buttons of a Drone server (`apis/drone.md`). Speaks Drone 0.8;
//! recognises Drone 1.x/2.x and Woodpecker and says so.
//!
//! Refuses: any other server's words; retrying; one request an item where one answers for all.

mod act;
mod api;
pub mod dialect;
pub mod fake;
mod lines;
mod log;
mod memory;
pub mod merge;
pub mod parse;
mod settings;
mod watch;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kopi_feed::source::BoxFuture;
use kopi_feed::{ConnectionSettings, Cx, FeedError, LogOutbox, Meter, Outbox, Read, ReadAnswer, Source};
use kopi_model::wire::{ErrorCode, LogAsk, ProbeReport};
use kopi_model::{Build, Item, Order, Receipt};
use tokio::sync::Notify;
use tokio::time::Instant;

pub use settings::kind;

use act::Target;
use api::{Api, PAGE_SIZE};
use memory::Memory;

/// One Drone.
pub struct DroneSource {
    api: Api,
    memory: Mutex<Memory>,
    /// Something was put on the list of reads.
    wake: Notify,
}

impl DroneSource {
    /// For a connection; reads no network.
    ///
    /// # Errors
    /// Without a token, with an address or a certificate file that cannot be used.
    pub fn new(connection: &ConnectionSettings) -> Result<Self, FeedError> {
        Ok(Self {
            api: Api::new(connection)?,
            memory: Mutex::default(),
            wake: Notify::new(),
        })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Version, then who the token is, then whether there is anything to see.
    async fn look(&self, report: &mut ProbeReport) -> Result<(), FeedError> {
        let family = self.api.recognise().await?;
        report.dialect = Some(family.word().into());
        report.server_version = Some(family.version().to_owned()).filter(|version| !version.is_empty());
        family.dialect()?;
        let user = self.api.user().await?;
        report.user = Some(user.login);
        self.api.latest(true).await?;
        report.may.push("read".into());
        if user.admin {
            report.may.push("admin".into());
        }
        // 0.8 tells rights in no answer: whether this token may act shows when it does.
        report.may.push("act?".into());
        Ok(())
    }

    async fn read_item(&self, target: Target) -> Result<Item, FeedError> {
        match target {
            Target::Repo(repo) => self.api.repo(&repo).await.map(Item::Repo),
            Target::Build { repo, number } => {
                let whole = self.api.build(&repo, number).await?.ok_or_else(|| {
                    let what = format!("read {repo}#{number}");
                    FeedError::new(ErrorCode::NoSuchItem, what, "the server has no such build (any more)")
                })?;
                self.learn(&whole);
                Ok(Item::Build(whole.build))
            }
        }
    }

    /// Builds below a number, newest first: about a page, empty at the end. The server pages by position, and positions
    /// move while builds come in.
    async fn read_builds(&self, repo: &str, below: Option<u64>) -> Result<Vec<Build>, FeedError> {
        if !parse::is_repo_name(repo) {
            return Err(FeedError::new(
                ErrorCode::NoSuchItem,
                "read builds",
                "a Drone has no such repository",
            ));
        }
        let Some(below) = below else {
            return self.api.builds(repo, 1).await;
        };
        let newest = self.memory().newest_number(repo).unwrap_or(below);
        let mut page = newest.saturating_sub(below) / PAGE_SIZE + 1;
        let mut first_of_page = None;
        let mut is_forward = false;
        // Builds that were removed make a guess land too far, new ones not far enough: a few steps mend either.
        for _ in 0..6 {
            let rows = self.api.builds(repo, page).await?;
            let Some(first) = rows.first().map(|build| build.number) else {
                if page == 1 {
                    return Ok(Vec::new());
                }
                page -= 1;
                continue;
            };
            if first_of_page == Some(first) {
                // A server before 0.8.5 answers every page with the first.
                return Ok(Vec::new());
            }
            let is_whole = (rows.len() as u64) == PAGE_SIZE;
            if first < below.saturating_sub(1) && page > 1 && !is_forward {
                page -= 1;
                continue;
            }
            let wanted: Vec<Build> = rows.into_iter().filter(|build| build.number < below).collect();
            if !wanted.is_empty() || !is_whole {
                return Ok(wanted);
            }
            first_of_page = Some(first);
            is_forward = true;
            page += 1;
        }
        Ok(Vec::new())
    }
}

impl Source for DroneSource {
    fn watch(&self, cx: Cx, out: Outbox) -> BoxFuture<'_, Result<Infallible, FeedError>> {
        Box::pin(async move { watch::run(self, &cx, &out).await })
    }

    fn act(&self, _cx: Cx, order: Order) -> BoxFuture<'_, Result<Receipt, FeedError>> {
        Box::pin(async move { self.carry_out(&order).await })
    }

    fn probe(&self, _cx: Cx) -> BoxFuture<'_, ProbeReport> {
        Box::pin(async move {
            let began = Instant::now();
            let mut report = ProbeReport {
                kind: "drone".into(),
                ..ProbeReport::default()
            };
            match self.look(&mut report).await {
                Ok(()) => report.ok = true,
                Err(error) => report.error = Some(error.into()),
            }
            report.took_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
            report
        })
    }

    fn read(&self, _cx: Cx, what: Read) -> BoxFuture<'_, Result<ReadAnswer, FeedError>> {
        Box::pin(async move {
            match what {
                Read::Item(id) => {
                    let item = self.read_item(Target::of(&id)?).await?;
                    Ok(ReadAnswer::Item(Box::new(item)))
                }
                Read::Builds { repo, below } => self.read_builds(&repo, below).await.map(ReadAnswer::Builds),
                Read::ServiceEvents(id) => Err(FeedError::new(
                    ErrorCode::NotSupported,
                    format!("read events of {id}"),
                    "a Drone has no services",
                )),
            }
        })
    }

    fn log(&self, cx: Cx, ask: LogAsk, out: LogOutbox) -> BoxFuture<'_, Result<(), FeedError>> {
        Box::pin(async move { log::run(self, &cx, &ask, &out).await })
    }

    fn requests(&self, order: &Order) -> Vec<String> {
        self.requests_of(order)
    }

    fn meter(&self) -> Option<Arc<Meter>> {
        Some(self.api.meter())
    }
}
