//! Every query and act there is, once, for every face.

use std::sync::Arc;

use kopi_feed::{Cx, FieldKind, Read, ReadAnswer, SourceKind, SourceMessage};
use kopi_model::wire::{
    About, Act, Answer, ApiError, ErrorCode, Frame, KindField, KindFieldType, KindInfo, NewConnection, ProbeReport,
    Query,
};
use kopi_model::{Event, Item, ItemId, ItemKind};
use tokio::time::Instant;

use super::Face;
use crate::actions;
use crate::engine::{ActInput, HistoryAsk, Input, Said, Shared};

/// Rows of one answer.
const MOST_ROWS: u32 = 500;

/// Answers a query.
pub(crate) async fn query(shared: &Arc<Shared>, face: &Face, query: Query) -> Result<Answer, ApiError> {
    match query {
        Query::About => Ok(Answer::About(Box::new(about(shared)))),
        Query::Item { id } => item(shared, id).await.map(Answer::Item),
        Query::History {
            repo,
            branch,
            before,
            limit,
        } => {
            let limit = limit.min(MOST_ROWS);
            let ask = HistoryAsk {
                repo,
                branch,
                before,
                limit,
            };
            shared.records.history(ask).await.map(Answer::Builds)
        }
        Query::Deploys { service, limit } => {
            let deploys = shared.records.deploys(service, limit.min(MOST_ROWS)).await?;
            Ok(Answer::Deploys(deploys))
        }
        Query::ServiceEvents { service } => {
            let (source, cx) = shared.source_of(&service)?;
            match source.read(cx, Read::ServiceEvents(service)).await? {
                ReadAnswer::ServiceEvents(events) => Ok(Answer::ServiceEvents(events)),
                _ => Err(wrong_answer()),
            }
        }
        Query::Journal { before, limit } => {
            let entries = shared.records.journal(before, limit.min(MOST_ROWS)).await?;
            Ok(Answer::Journal(entries))
        }
        Query::Notices { limit } => {
            let notices = shared.records.notices(limit.min(MOST_ROWS)).await?;
            Ok(Answer::Notices(notices))
        }
        Query::Plan { order } => actions::plan(shared, order).map(|plan| Answer::Plan(Box::new(plan))),
        Query::Settings => Ok(Answer::Settings(Box::new(shared.settings.load().settings.clone()))),
        Query::Probe { connection } => {
            let (source, cx) = shared.source(&connection)?;
            Ok(Answer::Probe(Box::new(source.probe(cx).await)))
        }
        Query::ProbeNew { connection } => {
            must_act(face)?;
            Ok(Answer::Probe(Box::new(probe_new(shared, connection).await?)))
        }
        Query::Kinds => Ok(Answer::Kinds(shared.kinds.iter().map(kind_info).collect())),
        Query::Found | Query::ConfigCheck => {
            must_act(face)?;
            shared.desk.query(query).await
        }
    }
}

/// A kind as forms need it.
fn kind_info(kind: &SourceKind) -> KindInfo {
    let both = |[english, chinese]: [&str; 2]| (english.to_owned(), chinese.to_owned());
    KindInfo {
        word: kind.word.to_owned(),
        label: both(kind.label),
        fields: kind
            .fields
            .iter()
            .map(|field| KindField {
                name: field.name.to_owned(),
                is: match field.kind {
                    FieldKind::Text => KindFieldType::Text,
                    FieldKind::Secret => KindFieldType::Secret,
                    FieldKind::List => KindFieldType::List,
                },
                required: field.required,
                label: both(field.label),
                help: both(field.help),
            })
            .collect(),
    }
}

/// Carries out an act.
pub(crate) async fn act(shared: &Arc<Shared>, face: &Face, act: Act) -> Result<Answer, ApiError> {
    if !matches!(act, Act::TryNow { .. }) {
        must_act(face)?;
    }
    match act {
        Act::Run { order, token, hold } => {
            let task = actions::run(shared, &face.word, order, &token, hold).await?;
            Ok(Answer::Task(task))
        }
        Act::Undo { task } => actions::undo(shared, task).map(|()| Answer::Done),
        Act::Dismiss { task } => put(shared, ActInput::Dismiss(task)).await,
        Act::TryNow { connection } => {
            if let Some(name) = &connection {
                shared.source(name)?;
            }
            put(shared, ActInput::TryNow(connection)).await
        }
        Act::Mute { subject, until } => put(shared, ActInput::Mute(subject, until)).await,
        Act::Focus { until } => put(shared, ActInput::Focus(until)).await,
        Act::Set { .. }
        | Act::AddConnections { .. }
        | Act::ChangeSecret { .. }
        | Act::RemoveConnection { .. }
        | Act::Demo { .. }
        | Act::Autostart { .. } => shared.desk.act(act).await,
        Act::Show { item, log } => {
            let frame = Frame::Show {
                item: item.clone(),
                log,
            };
            let shown = shared.state().tell_faces(&frame, |word| word == "window");
            if shown == 0 {
                shared.desk.raise(item, log).await?;
            }
            Ok(Answer::Done)
        }
        Act::Quit => {
            shared.desk.quit();
            Ok(Answer::Done)
        }
    }
}

fn must_act(face: &Face) -> Result<(), ApiError> {
    if face.may_act {
        Ok(())
    } else {
        Err(ApiError::new(ErrorCode::NotAllowedHere, "this face may only look").hint("serve it with --allow-actions"))
    }
}

fn wrong_answer() -> ApiError {
    ApiError::new(ErrorCode::Internal, "the source answered another question")
}

async fn put(shared: &Shared, act: ActInput) -> Result<Answer, ApiError> {
    shared.put(Input::Act(act)).await?;
    shared.settled().await?;
    Ok(Answer::Done)
}

fn about(shared: &Shared) -> About {
    let settings = shared.settings.load();
    let state = shared.state();
    About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        first_run: settings.connections.is_empty(),
        demo: settings.demo,
        config_path: settings.paths.config.display().to_string(),
        config_error: settings.config_error.clone(),
        autostart: shared.desk.autostart(),
        tray: shared.desk.tray(),
        notice_buttons: shared.teller.shows_buttons(),
        store_note: shared.records.note(),
        me: state.me(&settings.settings),
        focus_until: state.quiet.focus_until,
        muted: state.quiet.muted.clone(),
    }
}

/// A build is read anew with its steps, and the model learns them; everything else is in the model whole.
async fn item(shared: &Shared, id: ItemId) -> Result<Box<Item>, ApiError> {
    let (known, run) = {
        let state = shared.state();
        let run = id
            .connection()
            .and_then(|name| state.connections.get(&name))
            .map(|found| found.run);
        (state.model.get(&id).cloned(), run)
    };
    if id.kind() != Some(ItemKind::Build) {
        return known
            .map(|item| Box::new(item.as_ref().clone()))
            .ok_or_else(|| ApiError::new(ErrorCode::NoSuchItem, format!("{id} is not known")));
    }
    let (source, cx) = shared.source_of(&id)?;
    let connection = cx.connection.clone();
    match source.read(cx, Read::Item(id.clone())).await? {
        ReadAnswer::Item(item) => {
            // The stream may have been faster than this answer: what has ended does not run again.
            let overtaken = match (item.as_ref(), shared.state().model.build(&id)) {
                (Item::Build(read), Some(now)) => read.status.rank() < now.status.rank(),
                _ => false,
            };
            if let (Some(_), Some(run), false) = (known, run, overtaken) {
                let said = Said::Message(SourceMessage::Event(Event::Upsert(item.clone())), Instant::now());
                shared.put(Input::Source { connection, run, said }).await?;
            }
            Ok(item)
        }
        _ => Err(wrong_answer()),
    }
}

async fn probe_new(shared: &Shared, connection: NewConnection) -> Result<ProbeReport, ApiError> {
    let kind = shared
        .kinds
        .iter()
        .find(|kind| kind.word == connection.kind)
        .ok_or_else(|| {
            ApiError::new(
                ErrorCode::Config,
                format!("there is no kind of server called {}", connection.kind),
            )
        })?;
    let settings = shared.desk.try_out(connection).await?;
    let source = (kind.make)(&settings)?;
    let cx = Cx {
        connection: settings.name.clone(),
        stop: shared.stop.child_token(),
        look_again: Arc::default(),
        clock: shared.clock().clone(),
        attended: shared.attended.subscribe(),
    };
    Ok(source.probe(cx).await)
}
