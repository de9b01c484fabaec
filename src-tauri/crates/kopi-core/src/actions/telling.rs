//! Notices of deploys, and their rows in the history.

use kopi_model::item::LineLink;
use kopi_model::link::split_image;
use kopi_model::{
    Item, ItemId, ItemKind, LiveStatus, Model, Notice, NoticeEvent, NoticeFacts, Service, Verb, hold_back,
};

use super::following::Following;
use super::upgrade::Upgrade;
use crate::engine::{Shared, current_prefs};

/// Tells how an upgrade stands, with what is known of it.
pub(super) async fn tell(
    following: &Following,
    upgrade: &Upgrade,
    event: NoticeEvent,
    (ok, all): (u32, u32),
    reason: Option<String>,
    offers: Vec<Verb>,
) {
    let shared = &following.shared;
    let now = shared.clock().now();
    let decided = {
        let state = shared.state();
        let Some(service) = state.model.service(&upgrade.watch.service) else {
            return;
        };
        let environment = state.model.environment(&service.environment);
        let production = environment.is_some_and(|environment| environment.production);
        let prefs = current_prefs(shared, &state, now);
        let build = build_behind(&state.model, service);
        let mine = following.entry.is_some() || build.is_some_and(|build| kopi_model::decide::is_mine(build, &prefs));
        let tag_of = |image: &str| Some(split_image(image).1.to_owned()).filter(|tag| !tag.is_empty());
        let old_image = following.task.from.clone();
        let kept = state
            .model
            .containers_of(&service.id)
            .filter(|container| container.sidekick.is_none() && container.version != service.version)
            .filter(|container| event != NoticeEvent::DeployFailed || container.status == LiveStatus::Ok)
            .count() as u32;
        let since = following.task.started_at;
        let facts = NoticeFacts {
            repo: following.task.target_name.clone(),
            author: build.map(|build| build.author_name.clone().unwrap_or_else(|| build.author.clone())),
            number: build.map(|build| build.number),
            reason,
            version: tag_of(&service.image),
            old_version: old_image.as_deref().and_then(tag_of),
            environment: environment.map(|environment| environment.name.clone()),
            host: service.endpoints.first().cloned(),
            ok: Some(ok),
            all: Some(all),
            old: Some(kept),
            since: Some(now),
            lead_s: build.and_then(|build| kopi_model::decide::seconds(build.created_at, Some(now))),
            age_s: kopi_model::decide::seconds(Some(since), Some(now)),
            ..NoticeFacts::default()
        };
        let notice = Notice {
            event,
            item: Some(service.id.clone()),
            key: format!("{}@{}/{}", service.id, upgrade.watch.version, event.word()),
            subject: following.task.target_name.clone(),
            mine,
            production,
            offers,
            facts,
            at: now,
        };
        let held_back = hold_back(&notice, &prefs, now);
        (notice, held_back)
    };
    if shared.notices.send(decided).await.is_err() {
        tracing::debug!("nobody is left to tell");
    }
}

/// The build whose image the service is thought to run.
pub(super) fn build_behind<'a>(model: &'a Model, service: &Service) -> Option<&'a kopi_model::Build> {
    model.items_of(ItemKind::Line).find_map(|item| match item.as_ref() {
        Item::Line(line) if line.service.as_ref() == Some(&service.id) => match &line.link {
            Some(LineLink::SeenRunning { build }) => model.build(build),
            _ => None,
        },
        _ => None,
    })
}

/// A deploy that was left open, or failed, was finished or taken back: its row says so.
pub(super) async fn settle_deploy(shared: &Shared, service: &ItemId, result: &str) {
    let newest = match shared.records.deploys(Some(service.clone()), 1).await {
        Ok(deploys) => deploys.into_iter().next(),
        Err(error) => {
            tracing::warn!(%error.message, "the history of deploys could not be read");
            None
        }
    };
    let Some(mut deploy) = newest else { return };
    if !matches!(deploy.result.as_deref(), Some("left_open" | "failed")) {
        return;
    }
    deploy.result = Some(result.to_owned());
    deploy.ended_at = Some(shared.clock().now());
    if let Err(error) = shared.records.put_deploy(deploy).await {
        tracing::warn!(%error.message, "a deploy could not be written down");
    }
}
