//! Grants what clicks ask for. What is reversible is done (with the undo bar's delay), what is costly brings the window up
//! on the item, where the plan is shown and asked for: a click on a notice never confirms anything.

use std::sync::Arc;

use jiff::Timestamp;
use kopi_model::wire::{Act, Answer, ApiError, Query};
use kopi_model::{Danger, ItemId, Order};
use kopi_notify::{Does, Wish};
use tokio::sync::{Notify, mpsc};

use crate::{CoreHandle, Face, Session};

/// Grants wishes until nobody can wish any more or the core ends. `face` stands in the journal; `granted` hears of each.
pub async fn grant_all(core: CoreHandle, face: &str, mut wishes: mpsc::Receiver<Wish>, granted: Arc<Notify>) {
    let (session, mut frames) = core.session(Face::acting(face));
    let ended = core.ended();
    let drain = async { while frames.next().await.is_some() {} };
    let grant_each = async {
        while let Some(wish) = wishes.recv().await {
            if let Err(error) = grant(&session, wish).await {
                tracing::warn!(code = ?error.code, message = %error.message, "a click came to nothing");
            }
            granted.notify_one();
        }
    };
    tokio::select! {
        () = ended.cancelled() => {}
        () = grant_each => {}
        () = drain => {}
    }
}

async fn grant(session: &Session, wish: Wish) -> Result<(), ApiError> {
    match wish.at(Timestamp::now()) {
        Does::Act(act) => session.act(act).await.map(drop),
        Does::Order(order) => place(session, order).await,
    }
}

async fn place(session: &Session, order: Order) -> Result<(), ApiError> {
    let target = order.target.clone();
    let Answer::Plan(plan) = session.query(Query::Plan { order }).await? else {
        return show(session, target).await;
    };
    if plan.refused.is_some() || plan.danger != Danger::Reversible {
        return show(session, target).await;
    }
    let run = Act::Run {
        order: plan.order,
        token: plan.token,
        hold: true,
    };
    match session.act(run).await {
        Ok(_) => Ok(()),
        // The window shows the item as it is, and why not.
        Err(error) => {
            show(session, target).await?;
            Err(error)
        }
    }
}

async fn show(session: &Session, item: ItemId) -> Result<(), ApiError> {
    let show = Act::Show {
        item: Some(item),
        log: false,
    };
    session.act(show).await.map(drop)
}
