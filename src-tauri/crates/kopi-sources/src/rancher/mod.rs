//! Source `rancher`: environments, stacks, services, containers and hosts of Rancher 1.6 ("Cattle", `apis/rancher.md`).
//! Rancher 2 is recognised and named, not spoken: it would be a second dialect beside `api.rs`, `parse.rs` and `act.rs`,
//! chosen in [`make`].
//!
//! Refuses: Rancher 2; orchestrators other than Cattle (their environments are shown, not read).

mod act;
mod api;
pub mod fake;
mod frame;
mod logs;
mod parse;
mod settings;
mod shelf;
mod states;
#[cfg(test)]
mod tests;
mod watch;

use std::convert::Infallible;
use std::sync::{Arc, PoisonError};

use kopi_feed::source::BoxFuture;
use kopi_feed::{ConnectionSettings, Cx, FeedError, LogOutbox, Meter, Outbox, Read, ReadAnswer, Source, SourceKind};
use kopi_model::wire::{ApiError, ErrorCode, LogAsk, ProbeReport};
use kopi_model::{Item, ItemId, ItemKind, Order, Receipt};
use serde_json::Value;

use api::Api;
use parse::Place;
use settings::RancherSettings;
use shelf::Shelved;
use watch::{Shelves, Watching};

/// Everything the rest of Kopi knows about this folder.
pub fn kind() -> SourceKind {
    SourceKind {
        word: "rancher",
        label: ["Rancher", "Rancher"],
        icon: include_str!("icon.svg"),
        fields: settings::FIELDS,
        make,
    }
}

fn make(connection: &ConnectionSettings) -> Result<Arc<dyn Source>, FeedError> {
    let settings = settings::understand(connection)?;
    let api = Api::new(&settings)?;
    Ok(Arc::new(Cattle {
        api,
        settings,
        shelves: Shelves::default(),
    }))
}

/// One Cattle server.
struct Cattle {
    api: Api,
    settings: RancherSettings,
    shelves: Shelves,
}

impl Cattle {
    fn place(&self, project: &str) -> Place {
        Place {
            connection: self.settings.name.clone(),
            base: self.api.base().clone(),
            project: project.to_owned(),
        }
    }

    /// The environment an item lives in, when it has been seen.
    fn known_project(&self, item: &ItemId) -> Option<String> {
        let all = self.shelves.all().into_iter();
        let mut holding = all.filter(|(_, shelf)| shelf.lock().unwrap_or_else(PoisonError::into_inner).knows(item));
        holding.next().map(|(project, _)| project)
    }

    /// The environment an item lives in: from what was seen, else by asking each environment of the key.
    async fn project_of(&self, item: &ItemId) -> Result<String, FeedError> {
        if let Some(project) = self.known_project(item) {
            return Ok(project);
        }
        let absent = || {
            FeedError::new(
                ErrorCode::NoSuchItem,
                format!("find {item}"),
                "no environment of this key has it",
            )
        };
        let kind = item.kind().and_then(Shelved::from_item).ok_or_else(absent)?;
        let (rows, _) = self.api.projects().await?;
        for project in rows.iter().filter_map(|row| parse::native_id(row, "id")) {
            match self.api.one(&project, kind.collection(), item.native()).await {
                Ok(_) => return Ok(project),
                Err(error) if matches!(error.code, ErrorCode::NotFound | ErrorCode::Forbidden) => {}
                Err(error) => return Err(error),
            }
        }
        Err(absent())
    }

    async fn read_item(&self, id: &ItemId) -> Result<Item, FeedError> {
        let gone = || FeedError::new(ErrorCode::NoSuchItem, format!("read {id}"), "it is gone");
        if id.kind() == Some(ItemKind::Environment) {
            let (rows, _) = self.api.projects().await?;
            let row = rows
                .iter()
                .find(|row| parse::native_id(row, "id").as_deref() == Some(id.native()));
            let may = self.api.may_act(id.native()).await.ok();
            let (name, production) = (&self.settings.name, &self.settings.production);
            let found = row.and_then(|row| parse::environment(name, self.api.base(), row, may, production));
            return found.map(Item::Environment).ok_or_else(gone);
        }
        let kind = id.kind().and_then(Shelved::from_item).ok_or_else(gone)?;
        let project = self.project_of(id).await?;
        let place = self.place(&project);
        let row = self.api.one(&project, kind.collection(), id.native()).await?;
        let item = match kind {
            Shelved::Host => parse::host(&place, &row).map(Item::Host),
            Shelved::Stack => parse::stack(&place, &row).map(Item::Stack),
            Shelved::Container => parse::container(&place, &row).map(Item::Container),
            Shelved::Service => match parse::service(&place, &row) {
                Some(mut service) => {
                    service.stack_name = self.stack_name(&place, &service.stack).await?;
                    Some(Item::Service(service))
                }
                None => None,
            },
        };
        item.ok_or_else(gone)
    }

    async fn stack_name(&self, place: &Place, stack: &ItemId) -> Result<String, FeedError> {
        let shelves = self.shelves.all();
        let known = shelves.iter().find(|(project, _)| *project == place.project);
        let known = known.and_then(|(_, shelf)| shelf.lock().unwrap_or_else(PoisonError::into_inner).stack_name(stack));
        if let Some(name) = known {
            return Ok(name);
        }
        match self.api.one(&place.project, "stacks", stack.native()).await {
            Ok(row) => Ok(parse::stack(place, &row).map(|stack| stack.name).unwrap_or_default()),
            Err(error) if error.code == ErrorCode::NotFound => Ok(String::new()),
            Err(error) => Err(error),
        }
    }

    async fn test(&self) -> Result<ProbeReport, FeedError> {
        let (rows, reply) = match self.api.projects().await {
            Ok(found) => found,
            Err(error) => return Err(self.maybe_rancher_2(error).await),
        };
        let header = |name: &str| reply.header(name).map(|value| kopi_feed::text::clean(value, 100));
        let mut may = vec!["read".to_owned()];
        for project in rows.iter().filter_map(|row| parse::native_id(row, "id")).take(8) {
            if self.api.may_act(&project).await.unwrap_or(false) {
                may.push("act".into());
                break;
            }
        }
        let choices = rows.iter().filter_map(|row| {
            let id = parse::native_id(row, "id")?;
            let name = parse::text(row, "name", 300).unwrap_or_else(|| id.clone());
            Some((id, name))
        });
        let choices: Vec<(String, String)> = choices.collect();
        let named = &self.settings.environments;
        let missing = named
            .iter()
            .find(|one| !choices.iter().any(|(id, name)| id == *one || name == *one));
        let error = missing.map(|missing| {
            let there: Vec<&str> = choices.iter().map(|(_, name)| name.as_str()).collect();
            ApiError::new(ErrorCode::Config, format!("this key sees no environment {missing:?}"))
                .hint(format!("it sees: {}", there.join(", ")))
        });
        Ok(ProbeReport {
            ok: error.is_none(),
            dialect: Some("1.6".into()),
            server_version: header("x-rancher-version"),
            user: header("x-api-account-name").or_else(|| header("x-api-account-id")),
            may,
            choices,
            error,
            ..ProbeReport::default()
        })
    }

    /// What answers may be Rancher 2: then say so instead of whatever it said to a question it does not know.
    async fn maybe_rancher_2(&self, error: FeedError) -> FeedError {
        let told = matches!(
            error.code,
            ErrorCode::Unauthorized
                | ErrorCode::NotFound
                | ErrorCode::WrongBasePath
                | ErrorCode::NotJson
                | ErrorCode::UnexpectedAnswer
        );
        if !told || !self.api.is_rancher_2().await {
            return error;
        }
        FeedError::new(
            ErrorCode::NotSupported,
            error.request,
            "this is Rancher 2, and Kopi speaks Rancher 1.6 so far",
        )
        .hint("connect the Rancher 1.6 server; support for Rancher 2 is planned")
    }
}

impl Source for Cattle {
    fn watch(&self, cx: Cx, out: Outbox) -> BoxFuture<'_, Result<Infallible, FeedError>> {
        Box::pin(async move {
            let watching = Watching {
                api: &self.api,
                settings: &self.settings,
                shelves: &self.shelves,
                out: &out,
            };
            let ended = tokio::select! {
                ended = watching.run(&cx) => ended,
                () = cx.stop.cancelled() => Err(FeedError::new(ErrorCode::CoreGone, "watch", "stopped")),
            };
            match ended {
                Err(error) => Err(self.maybe_rancher_2(error).await),
                Ok(never) => match never {},
            }
        })
    }

    fn act(&self, _cx: Cx, order: Order) -> BoxFuture<'_, Result<Receipt, FeedError>> {
        Box::pin(async move {
            let project = self.project_of(&order.target).await?;
            act::carry_out(&self.api, &self.place(&project), &order).await
        })
    }

    fn probe(&self, cx: Cx) -> BoxFuture<'_, ProbeReport> {
        Box::pin(async move {
            let began = cx.clock.now();
            let mut report = match self.test().await {
                Ok(report) => report,
                Err(error) => ProbeReport {
                    error: Some(error.into()),
                    ..ProbeReport::default()
                },
            };
            let took = cx.clock.now().duration_since(began).as_millis();
            report.took_ms = u32::try_from(took).unwrap_or(0);
            "rancher".clone_into(&mut report.kind);
            report
        })
    }

    fn read(&self, _cx: Cx, what: Read) -> BoxFuture<'_, Result<ReadAnswer, FeedError>> {
        Box::pin(async move {
            match what {
                Read::Item(id) => Ok(ReadAnswer::Item(Box::new(self.read_item(&id).await?))),
                Read::ServiceEvents(id) => {
                    let project = self.project_of(&id).await?;
                    let rows: Vec<Value> = self.api.service_logs(&project, id.native()).await?;
                    Ok(ReadAnswer::ServiceEvents(
                        rows.iter().filter_map(parse::service_event).collect(),
                    ))
                }
                Read::Builds { .. } => Err(FeedError::new(
                    ErrorCode::NotSupported,
                    "read builds",
                    "Rancher has no builds",
                )),
            }
        })
    }

    fn log(&self, cx: Cx, ask: LogAsk, out: LogOutbox) -> BoxFuture<'_, Result<(), FeedError>> {
        Box::pin(async move {
            if ask.item.kind() != Some(ItemKind::Container) {
                return Err(logs::not_supported(ask.item.as_str()));
            }
            let project = self.project_of(&ask.item).await?;
            logs::send(&self.api, &project, ask.item.native(), ask.follow, &cx.stop, &out).await
        })
    }

    fn requests(&self, order: &Order) -> Vec<String> {
        act::requests(order, self.known_project(&order.target).as_deref())
    }

    fn meter(&self) -> Option<Arc<Meter>> {
        Some(self.api.meter())
    }
}
