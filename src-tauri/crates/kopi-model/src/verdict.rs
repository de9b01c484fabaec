//! Is an upgrade done? Judged from the live model alone (`apis/rancher.md § 6.5`), never from the answer to the request.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::item::UpgradePhase;
use crate::{Container, ItemId, ItemKind, LiveStatus, Model, Service};

/// How long a failure must stand before it is said: the server retries and may still succeed.
pub const FAILING_FOR: SignedDuration = SignedDuration::from_secs(30);

/// What is remembered of an upgrade under watch. Kept in the journal, so that a restart picks it up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpgradeWatch {
    /// Which service.
    pub service: ItemId,
    /// Generation that must come up.
    pub version: String,
    /// Began.
    pub began: Timestamp,
    /// Overdue after.
    pub deadline: Timestamp,
    /// The server says it fails, since.
    pub failing_since: Option<Timestamp>,
    /// Containers of that generation that were seen to fail: the server makes new ones each round.
    pub failed_containers: BTreeSet<ItemId>,
}

/// What the model says of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Under way; the server's words when it has any.
    Going {
        /// Containers of the new generation that are up.
        done: u32,
        /// Wanted.
        all: u32,
        /// What it waits for.
        detail: Option<String>,
    },
    /// Every container is up; the server waits for `Finish`.
    AwaitsFinish {
        /// Up.
        done: u32,
        /// Wanted.
        all: u32,
    },
    /// Every container is up and nothing is left to finish.
    Live {
        /// Up.
        done: u32,
        /// Wanted.
        all: u32,
    },
    /// Went back to what ran before.
    RolledBack,
    /// Somebody else changed it meanwhile.
    Superseded,
    /// It does not come up; the server goes on trying.
    Failing {
        /// Up.
        done: u32,
        /// Wanted.
        all: u32,
        /// The container's or the server's words.
        reason: String,
    },
    /// Not up by the deadline, and no error said.
    Overdue {
        /// Up.
        done: u32,
        /// Wanted.
        all: u32,
        /// What it waits for.
        detail: Option<String>,
    },
    /// Stopped half-way.
    Interrupted,
    /// The service is gone.
    Gone,
}

/// Judges; remembers failures seen on the way in `watch`.
pub fn judge(watch: &mut UpgradeWatch, model: &Model, now: Timestamp) -> Verdict {
    let Some(service) = model.service(&watch.service) else {
        return Verdict::Gone;
    };
    if service
        .version
        .as_deref()
        .is_some_and(|version| version != watch.version)
    {
        let went_back = service.phase == UpgradePhase::RollingBack
            || service.previous.as_ref().and_then(|previous| previous.version.as_ref()) == service.version.as_ref()
            || service.previous.is_none();
        return if went_back {
            Verdict::RolledBack
        } else {
            Verdict::Superseded
        };
    }
    match service.phase {
        UpgradePhase::Cancelled => return Verdict::Interrupted,
        UpgradePhase::RollingBack => return Verdict::RolledBack,
        _ => {}
    }
    let (done, all, others_running) = count(watch, model, service);
    let settled = matches!(service.phase, UpgradePhase::None | UpgradePhase::AwaitsFinish);
    if settled && done >= all && !others_running && !service.failing {
        return if service.phase == UpgradePhase::AwaitsFinish {
            Verdict::AwaitsFinish { done, all }
        } else {
            Verdict::Live { done, all }
        };
    }
    let reason = remember_failures(watch, model, service, now);
    let failing_long = watch
        .failing_since
        .is_some_and(|since| now.duration_since(since) >= FAILING_FOR);
    if failing_long || watch.failed_containers.len() >= 2 {
        let reason = reason.or_else(|| service.message.clone()).unwrap_or_default();
        return Verdict::Failing { done, all, reason };
    }
    if now > watch.deadline {
        return Verdict::Overdue {
            done,
            all,
            detail: service.message.clone(),
        };
    }
    Verdict::Going {
        done,
        all,
        detail: service.message.clone(),
    }
}

/// Up of the new generation, wanted, and whether an old one still runs.
fn count(watch: &UpgradeWatch, model: &Model, service: &Service) -> (u32, u32, bool) {
    let is_new = |container: &&Container| container.version.as_deref() == Some(watch.version.as_str());
    let primaries = || {
        model
            .containers_of(&service.id)
            .filter(|container| container.sidekick.is_none())
    };
    let done = primaries()
        .filter(is_new)
        .filter(|container| container.status == LiveStatus::Ok)
        .count() as u32;
    let others_running = primaries().filter(|container| !is_new(container)).any(|container| {
        matches!(
            container.status,
            LiveStatus::Ok | LiveStatus::Working | LiveStatus::Failed
        )
    });
    let all = if service.global {
        let hosts = model.items_of(ItemKind::Host).filter(|item| match item.as_ref() {
            crate::Item::Host(host) => host.environment == service.environment && host.status == LiveStatus::Ok,
            _ => false,
        });
        // Which hosts match its labels only the server knows: at least as many as it has made copies, at most all.
        (primaries().filter(is_new).count() as u32)
            .min(hosts.count() as u32)
            .max(1)
    } else {
        service.scale.unwrap_or(1)
    };
    (done, all, others_running)
}

fn remember_failures(watch: &mut UpgradeWatch, model: &Model, service: &Service, now: Timestamp) -> Option<String> {
    let mut reason = None;
    let mut any_failed = service.failing;
    for container in model.containers_of(&service.id) {
        if container.version.as_deref() == Some(watch.version.as_str()) && container.status == LiveStatus::Failed {
            any_failed = true;
            watch.failed_containers.insert(container.id.clone());
            reason = container.message.clone().or(reason);
        }
    }
    if any_failed {
        watch.failing_since.get_or_insert(now);
    } else {
        watch.failing_since = None;
    }
    reason
}
