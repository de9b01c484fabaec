//! The live model: every item that is known now, by id, with indexes that make a change cost the same among ten items
//! or ten thousand. Only `reduce` writes it.
//!
//! Refuses: history (the store's), connection health (the engine's), any clock.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::link::LineIndex;
use crate::{
    Build, ConnectionName, Container, Coverage, Environment, Item, ItemId, ItemKind, Line, Origin, Scope, Service,
};

/// How many builds a repository keeps in the live model; older ones are history.
pub const LIVE_BUILDS_PER_REPO: usize = 50;

/// One change of one item, the only thing that leaves `reduce`.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelChange {
    /// Revision that it led to.
    pub rev: u64,
    /// Which item.
    pub id: ItemId,
    /// As it was; none: new.
    pub before: Option<Arc<Item>>,
    /// As it is; none: gone.
    pub after: Option<Arc<Item>>,
    /// It only made room: an old build left the live model for the history.
    pub retired: bool,
    /// May it be told to a person.
    pub origin: Origin,
    /// When it was taken in.
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
struct Entry {
    item: Arc<Item>,
    rev: u64,
}

/// A listing under way.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) coverage: Coverage,
    pub(crate) seen: HashSet<ItemId>,
    /// Changed by the stream since the listing began: newer than what the listing says.
    pub(crate) touched: HashSet<ItemId>,
}

/// What is known of a scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScopeEntry {
    pub(crate) members: HashSet<ItemId>,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) listing: Option<Listing>,
}

/// The live model.
#[derive(Clone, Debug, Default)]
pub struct Model {
    rev: u64,
    items: HashMap<ItemId, Entry>,
    by_kind: BTreeMap<ItemKind, BTreeSet<ItemId>>,
    builds_by_repo: HashMap<(ConnectionName, String), BTreeMap<u64, ItemId>>,
    containers_by_service: HashMap<ItemId, BTreeSet<ItemId>>,
    services_by_environment: HashMap<ItemId, BTreeSet<ItemId>>,
    pub(crate) scopes: HashMap<(ConnectionName, Scope), ScopeEntry>,
    pub(crate) lines: LineIndex,
}

impl Model {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Current revision: counts every change.
    pub fn rev(&self) -> u64 {
        self.rev
    }

    /// How many items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The item with that id.
    pub fn get(&self, id: &ItemId) -> Option<&Arc<Item>> {
        self.items.get(id).map(|entry| &entry.item)
    }

    /// The revision of the last change of that item.
    pub fn rev_of(&self, id: &ItemId) -> Option<u64> {
        self.items.get(id).map(|entry| entry.rev)
    }

    /// All items, in no order.
    pub fn items(&self) -> impl Iterator<Item = &Arc<Item>> {
        self.items.values().map(|entry| &entry.item)
    }

    /// All items of a kind, by id.
    pub fn items_of(&self, kind: ItemKind) -> impl Iterator<Item = &Arc<Item>> {
        self.by_kind
            .get(&kind)
            .into_iter()
            .flatten()
            .filter_map(|id| self.get(id))
    }

    /// The build with that id.
    pub fn build(&self, id: &ItemId) -> Option<&Build> {
        match self.get(id)?.as_ref() {
            Item::Build(build) => Some(build),
            _ => None,
        }
    }

    /// The service with that id.
    pub fn service(&self, id: &ItemId) -> Option<&Service> {
        match self.get(id)?.as_ref() {
            Item::Service(service) => Some(service),
            _ => None,
        }
    }

    /// The environment with that id.
    pub fn environment(&self, id: &ItemId) -> Option<&Environment> {
        match self.get(id)?.as_ref() {
            Item::Environment(environment) => Some(environment),
            _ => None,
        }
    }

    /// Containers that name that service, by id: primaries and sidekicks, old and new.
    pub fn containers_of(&self, service: &ItemId) -> impl Iterator<Item = &Container> {
        self.containers_by_service
            .get(service)
            .into_iter()
            .flatten()
            .filter_map(|id| match self.get(id)?.as_ref() {
                Item::Container(container) => Some(container),
                _ => None,
            })
    }

    /// Services of an environment, by id.
    pub fn services_in(&self, environment: &ItemId) -> impl Iterator<Item = &Service> {
        self.services_by_environment
            .get(environment)
            .into_iter()
            .flatten()
            .filter_map(|id| self.service(id))
    }

    /// Live builds of a repository on a connection, newest first.
    pub fn builds_of(&self, connection: &ConnectionName, repo: &str) -> impl Iterator<Item = &Build> {
        self.builds_by_repo
            .get(&(connection.clone(), repo.to_owned()))
            .into_iter()
            .flat_map(|numbers| numbers.values().rev())
            .filter_map(|id| self.build(id))
    }

    /// Lines of a repository's branch, by id.
    pub fn lines_of(&self, repo: &str, branch: &str) -> impl Iterator<Item = &Line> {
        self.lines
            .line_ids(repo, branch)
            .filter_map(|id| match self.get(id)?.as_ref() {
                Item::Line(line) => Some(line),
                _ => None,
            })
    }

    /// When a scope was last listed well.
    pub fn as_of(&self, connection: &ConnectionName, scope: &Scope) -> Option<Timestamp> {
        self.scopes.get(&(connection.clone(), scope.clone()))?.as_of
    }

    /// Scopes of a connection that were ever listed or loaded, with the time of the last good listing.
    pub fn scopes_of<'a>(
        &'a self,
        connection: &'a ConnectionName,
    ) -> impl Iterator<Item = (&'a Scope, Option<Timestamp>)> {
        self.scopes
            .iter()
            .filter(move |((name, _), _)| name == connection)
            .map(|((_, scope), entry)| (scope, entry.as_of))
    }

    /// Nothing of that scope is known, and nothing is being listed of it.
    pub fn is_scope_empty(&self, connection: &ConnectionName, scope: &Scope) -> bool {
        self.scopes
            .get(&(connection.clone(), scope.clone()))
            .is_none_or(|entry| entry.members.is_empty() && entry.listing.is_none())
    }

    /// Everything that lives in an environment, by id.
    pub(crate) fn inside(&self, environment: &ItemId) -> Vec<ItemId> {
        let mut inside: Vec<ItemId> = self
            .items()
            .filter(|item| match item.as_ref() {
                Item::Stack(stack) => stack.environment == *environment,
                Item::Service(service) => service.environment == *environment,
                Item::Container(container) => container.environment == *environment,
                Item::Host(host) => host.environment == *environment,
                _ => false,
            })
            .map(|item| item.id().clone())
            .collect();
        inside.sort();
        inside
    }

    /// Forgets a scope of which nothing is left.
    pub(crate) fn forget_scope_if_empty(&mut self, connection: &ConnectionName, scope: &Scope) {
        if self.is_scope_empty(connection, scope) {
            self.scopes.remove(&(connection.clone(), scope.clone()));
        }
    }

    /// Puts an item; `None` when it was equal to what stood there.
    pub(crate) fn put(&mut self, item: Item, origin: Origin, now: Timestamp) -> Option<ModelChange> {
        let id = item.id().clone();
        let before = self.items.get(&id).map(|entry| entry.item.clone());
        if before.as_deref() == Some(&item) {
            return None;
        }
        if let Some(before) = &before {
            self.unindex(before);
        }
        self.rev += 1;
        let after = Arc::new(item);
        self.index(&after);
        self.items.insert(
            id.clone(),
            Entry {
                item: after.clone(),
                rev: self.rev,
            },
        );
        Some(ModelChange {
            rev: self.rev,
            id,
            before,
            after: Some(after),
            retired: false,
            origin,
            at: now,
        })
    }

    /// Removes an item; `None` when it was not there.
    pub(crate) fn take(&mut self, id: &ItemId, retired: bool, origin: Origin, now: Timestamp) -> Option<ModelChange> {
        let before = self.items.remove(id)?.item;
        self.unindex(&before);
        self.rev += 1;
        Some(ModelChange {
            rev: self.rev,
            id: id.clone(),
            before: Some(before),
            after: None,
            retired,
            origin,
            at: now,
        })
    }

    /// The oldest live build of a repository that is over the limit and over.
    pub(crate) fn build_to_retire(&self, build: &Build) -> Option<ItemId> {
        let numbers = self
            .builds_by_repo
            .get(&(build.connection.clone(), build.repo.clone()))?;
        if numbers.len() <= LIVE_BUILDS_PER_REPO {
            return None;
        }
        numbers
            .values()
            .find(|id| self.build(id).is_some_and(|build| build.status.is_final()))
            .cloned()
    }

    /// It is older than all the live builds of its repository, of which there are enough: history, not news.
    pub(crate) fn is_history(&self, build: &Build) -> bool {
        build.status.is_final()
            && self
                .builds_by_repo
                .get(&(build.connection.clone(), build.repo.clone()))
                .is_some_and(|numbers| {
                    numbers.len() >= LIVE_BUILDS_PER_REPO
                        && numbers
                            .first_key_value()
                            .is_some_and(|(oldest, _)| build.number < *oldest)
                })
    }

    fn index(&mut self, item: &Item) {
        let id = item.id().clone();
        self.by_kind.entry(item.kind()).or_default().insert(id.clone());
        self.scopes
            .entry((item.connection().clone(), item.scope().clone()))
            .or_default()
            .members
            .insert(id.clone());
        match item {
            Item::Build(build) => {
                self.builds_by_repo
                    .entry((build.connection.clone(), build.repo.clone()))
                    .or_default()
                    .insert(build.number, id);
            }
            Item::Container(container) => {
                for service in &container.services {
                    self.containers_by_service
                        .entry(service.clone())
                        .or_default()
                        .insert(id.clone());
                }
            }
            Item::Service(service) => {
                self.services_by_environment
                    .entry(service.environment.clone())
                    .or_default()
                    .insert(id);
            }
            _ => {}
        }
    }

    fn unindex(&mut self, item: &Item) {
        let id = item.id();
        if let Some(ids) = self.by_kind.get_mut(&item.kind()) {
            ids.remove(id);
        }
        if let Some(entry) = self.scopes.get_mut(&(item.connection().clone(), item.scope().clone())) {
            entry.members.remove(id);
        }
        match item {
            Item::Build(build) => {
                let key = (build.connection.clone(), build.repo.clone());
                if let Some(numbers) = self.builds_by_repo.get_mut(&key) {
                    numbers.remove(&build.number);
                    if numbers.is_empty() {
                        self.builds_by_repo.remove(&key);
                    }
                }
            }
            Item::Container(container) => {
                for service in &container.services {
                    forget(&mut self.containers_by_service, service, id);
                }
            }
            Item::Service(service) => forget(&mut self.services_by_environment, &service.environment, id),
            _ => {}
        }
    }
}

fn forget(index: &mut HashMap<ItemId, BTreeSet<ItemId>>, key: &ItemId, id: &ItemId) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}
