//! Tells news from history (design § 5): the first complete listing of a scope after start, wake, or a gap over two
//! minutes is `CatchUp`, everything else is `Live`.

use std::collections::HashSet;
use std::time::Duration;

use kopi_model::{ConnectionName, Event, ItemId, Model, Origin, Scope};
use tokio::time::Instant;

/// A gap longer than this makes the next listing history.
pub(crate) const LONG_GAP: Duration = Duration::from_mins(2);

/// What one connection has caught up with.
#[derive(Debug, Default)]
pub(crate) struct Track {
    caught_up: HashSet<Scope>,
    /// Listed well since it last fell: not stale.
    fresh: HashSet<Scope>,
    /// Could not be listed since it last fell.
    failed: HashSet<Scope>,
    /// Not working since.
    down_since: Option<Instant>,
    last_message: Option<Instant>,
}

impl Track {
    /// The origin of what this event changes.
    pub(crate) fn origin_of(&self, event: &Event, model: &Model) -> Origin {
        let scope = match event {
            Event::Init { scope, .. } | Event::InitDone(scope) | Event::InitFailed { scope, .. } => Some(scope),
            Event::Seen(item) | Event::Upsert(item) => Some(item.scope()),
            Event::Gone(id) => return self.origin_of_id(id, model),
        };
        self.origin_of_scope(scope)
    }

    fn origin_of_id(&self, id: &ItemId, model: &Model) -> Origin {
        self.origin_of_scope(model.get(id).map(|item| item.scope()))
    }

    fn origin_of_scope(&self, scope: Option<&Scope>) -> Origin {
        if scope.is_some_and(|scope| self.caught_up.contains(scope)) {
            Origin::Live
        } else {
            Origin::CatchUp
        }
    }

    /// After the event was taken in.
    pub(crate) fn after(&mut self, event: &Outline, now: Instant) {
        self.last_message = Some(now);
        match event {
            Outline::Done(scope) => {
                self.down_since = None;
                self.caught_up.insert(scope.clone());
                self.fresh.insert(scope.clone());
                self.failed.remove(scope);
            }
            Outline::Failed(scope) => {
                self.fresh.remove(scope);
                self.failed.insert(scope.clone());
            }
            Outline::Other => {}
        }
    }

    /// The connection fell, or was cut.
    pub(crate) fn fell(&mut self, now: Instant) {
        self.down_since.get_or_insert(now);
        self.fresh.clear();
        self.failed.clear();
    }

    /// It tries again: after a long gap what it lists is history.
    pub(crate) fn begins(&mut self, now: Instant) {
        if self
            .down_since
            .is_some_and(|since| now.saturating_duration_since(since) >= LONG_GAP)
        {
            self.caught_up.clear();
        }
    }

    /// The stream lost something.
    pub(crate) fn gap(&mut self, now: Instant) {
        if self
            .last_message
            .is_some_and(|last| now.saturating_duration_since(last) >= LONG_GAP)
        {
            self.caught_up.clear();
        }
    }

    /// The machine slept: whatever comes next is history.
    pub(crate) fn woke(&mut self) {
        self.caught_up.clear();
        self.fresh.clear();
        self.failed.clear();
    }

    /// Everything of which something is known is caught up with or cannot be listed now; false as long as nothing is.
    pub(crate) fn has_caught_up(&self, connection: &ConnectionName, model: &Model) -> bool {
        !self.caught_up.is_empty()
            && model.scopes_of(connection).all(|(scope, _)| {
                self.caught_up.contains(scope) || self.failed.contains(scope) || model.is_scope_empty(connection, scope)
            })
    }

    /// Its last listing failed, or it was not listed since the connection fell.
    pub(crate) fn is_stale(&self, scope: &Scope) -> bool {
        !self.fresh.contains(scope)
    }
}

/// What of an event matters after it was consumed.
pub(crate) enum Outline {
    Done(Scope),
    Failed(Scope),
    Other,
}

impl Outline {
    pub(crate) fn of(event: &Event) -> Self {
        match event {
            Event::InitDone(scope) => Self::Done(scope.clone()),
            Event::InitFailed { scope, .. } => Self::Failed(scope.clone()),
            _ => Self::Other,
        }
    }
}
