//! One event in, the changes it made out (design § 5, § 6). Pure: same model, event and time give the same changes.
//!
//! Refuses: calling anything gone that was merely not listed. Only a complete listing of a scope, or the server itself
//! (`Gone`), makes an item of that scope go; with an environment goes what lives in it.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::model::{Listing, Model, ModelChange};
use crate::{ConnectionName, Coverage, Event, Item, ItemId, Origin, Scope};

/// Takes one event of a connection in. Items of another connection than the one that speaks are ignored: a source
/// cannot touch what is not its own.
pub fn reduce(
    model: &mut Model,
    connection: &ConnectionName,
    event: Event,
    origin: Origin,
    now: Timestamp,
) -> Vec<ModelChange> {
    let mut changes = Vec::new();
    match event {
        Event::Init { scope, coverage } => {
            let entry = model.scopes.entry((connection.clone(), scope)).or_default();
            entry.listing = Some(Listing {
                coverage,
                seen: HashSet::new(),
                touched: HashSet::new(),
            });
        }
        Event::Seen(item) => {
            if item.connection() != connection {
                return changes;
            }
            let key = (connection.clone(), item.scope().clone());
            if let Some(listing) = model.scopes.get_mut(&key).and_then(|entry| entry.listing.as_mut()) {
                listing.seen.insert(item.id().clone());
                if listing.touched.contains(item.id()) {
                    return changes;
                }
            }
            put(model, *item, origin, now, &mut changes);
        }
        Event::InitDone(scope) => finish_listing(model, connection, scope, origin, now, &mut changes),
        Event::InitFailed { scope, .. } => {
            if let Some(entry) = model.scopes.get_mut(&(connection.clone(), scope)) {
                entry.listing = None;
            }
        }
        Event::Upsert(item) => {
            if item.connection() != connection {
                return changes;
            }
            touch(model, connection, Some(item.scope().clone()), item.id());
            put(model, *item, origin, now, &mut changes);
        }
        Event::Gone(id) => {
            if id.connection().as_ref() != Some(connection) {
                return changes;
            }
            let scope = model.get(&id).map(|item| item.scope().clone());
            touch(model, connection, scope, &id);
            take(model, &id, origin, now, &mut changes);
        }
    }
    changes
}

/// Forgets a connection: all it reported goes, and the lines that stood on it.
pub fn remove_connection(model: &mut Model, connection: &ConnectionName, now: Timestamp) -> Vec<ModelChange> {
    let mut changes = Vec::new();
    let scopes: Vec<_> = model
        .scopes
        .keys()
        .filter(|(name, _)| name == connection)
        .cloned()
        .collect();
    for key in scopes {
        let Some(entry) = model.scopes.remove(&key) else {
            continue;
        };
        let mut members: Vec<ItemId> = entry.members.into_iter().collect();
        members.sort();
        for id in members {
            take(model, &id, Origin::CatchUp, now, &mut changes);
        }
        model.scopes.remove(&key);
    }
    changes
}

/// Puts what the cache remembers, before any server has answered. Scopes keep the time at which they were true.
pub fn load_cache(
    model: &mut Model,
    items: Vec<Item>,
    scopes: &[(ConnectionName, Scope, Timestamp)],
    now: Timestamp,
) -> Vec<ModelChange> {
    let mut changes = Vec::new();
    for item in items {
        put(model, item, Origin::CatchUp, now, &mut changes);
    }
    for (connection, scope, as_of) in scopes {
        model
            .scopes
            .entry((connection.clone(), scope.clone()))
            .or_default()
            .as_of = Some(*as_of);
    }
    changes
}

fn touch(model: &mut Model, connection: &ConnectionName, scope: Option<Scope>, id: &ItemId) {
    let note = |listing: &mut Listing| {
        listing.touched.insert(id.clone());
    };
    if let Some(scope) = scope {
        if let Some(listing) = model
            .scopes
            .get_mut(&(connection.clone(), scope))
            .and_then(|entry| entry.listing.as_mut())
        {
            note(listing);
        }
    } else {
        // Not known yet, so its scope is not either: an older `Seen` must not bring it back, whichever lists it.
        for ((name, _), entry) in &mut model.scopes {
            if name == connection
                && let Some(listing) = entry.listing.as_mut()
            {
                note(listing);
            }
        }
    }
}

fn finish_listing(
    model: &mut Model,
    connection: &ConnectionName,
    scope: Scope,
    origin: Origin,
    now: Timestamp,
    changes: &mut Vec<ModelChange>,
) {
    let Some(entry) = model.scopes.get_mut(&(connection.clone(), scope)) else {
        return;
    };
    let Some(listing) = entry.listing.take() else { return };
    entry.as_of = Some(now);
    if listing.coverage != Coverage::Complete {
        return;
    }
    let mut gone: Vec<ItemId> = entry
        .members
        .iter()
        .filter(|id| !listing.seen.contains(*id) && !listing.touched.contains(*id))
        .cloned()
        .collect();
    gone.sort();
    for id in gone {
        take(model, &id, origin, now, changes);
    }
}

fn put(model: &mut Model, item: Item, origin: Origin, now: Timestamp, changes: &mut Vec<ModelChange>) {
    if let Item::Build(build) = &item
        && model.get(&build.id).is_none()
        && model.is_history(build)
    {
        return;
    }
    let Some(change) = model.put(item, origin, now) else {
        return;
    };
    let retired = match change.after.as_deref() {
        Some(Item::Build(build)) if change.before.is_none() => model.build_to_retire(build),
        _ => None,
    };
    relink(model, change, origin, now, changes);
    if let Some(id) = retired
        && let Some(change) = model.take(&id, true, origin, now)
    {
        relink(model, change, origin, now, changes);
    }
}

fn take(model: &mut Model, id: &ItemId, origin: Origin, now: Timestamp, changes: &mut Vec<ModelChange>) {
    let Some(change) = model.take(id, false, origin, now) else {
        return;
    };
    let is_environment = matches!(change.before.as_deref(), Some(Item::Environment(_)));
    relink(model, change, origin, now, changes);
    if is_environment {
        take_inside(model, id, origin, now, changes);
    }
}

/// An environment that went, or is not followed any more, is listed no more: what lived in it would stay for ever.
fn take_inside(
    model: &mut Model,
    environment: &ItemId,
    origin: Origin,
    now: Timestamp,
    changes: &mut Vec<ModelChange>,
) {
    for id in model.inside(environment) {
        let Some(change) = model.take(&id, false, origin, now) else {
            continue;
        };
        let place = change
            .before
            .as_ref()
            .map(|item| (item.connection().clone(), item.scope().clone()));
        relink(model, change, origin, now, changes);
        if let Some((connection, scope)) = place {
            model.forget_scope_if_empty(&connection, &scope);
        }
    }
}

/// The change itself, then what it did to the lines.
fn relink(model: &mut Model, change: ModelChange, origin: Origin, now: Timestamp, changes: &mut Vec<ModelChange>) {
    let touched = crate::link::note_change(model, &change);
    changes.push(change);
    for branch in touched {
        changes.extend(crate::link::relink(model, &branch, origin, now));
    }
}
