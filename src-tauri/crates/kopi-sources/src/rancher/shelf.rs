//! What is known of one environment: joins what Cattle tells resource by resource, says what changed, and closes the gap
//! between listing and listening (`apis/rancher.md § 9`).
//!
//! Refuses: IO. A message that says nothing new makes no event.

use std::collections::{HashMap, HashSet};

use kopi_model::item::HostLoad;
use kopi_model::{Container, Coverage, Event, Host, Item, ItemId, ItemKind, LiveStatus, Service, Stack};
use serde_json::Value;
use tokio::time::Instant;

use super::parse::{self, Place};
use super::states;

/// Load within so many points of what is shown is noise.
const LOAD_STEP: u8 = 5;

/// The four kinds of resources that are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shelved {
    /// A machine.
    Host,
    /// A stack.
    Stack,
    /// A service of any kind.
    Service,
    /// A container.
    Container,
}

impl Shelved {
    /// All, in the order they are listed: whatever is pointed at comes first.
    pub(super) const ALL: [Self; 4] = [Self::Host, Self::Stack, Self::Service, Self::Container];

    /// Its collection below the environment.
    pub(super) fn collection(self) -> &'static str {
        match self {
            Self::Host => "hosts",
            Self::Stack => "stacks",
            Self::Service => "services",
            Self::Container => "containers",
        }
    }

    /// From a message's `resourceType`; none: noise (two thirds of all messages).
    pub(super) fn from_type(resource_type: &str) -> Option<Self> {
        match resource_type {
            "host" => Some(Self::Host),
            "stack" | "kubernetesStack" | "composeProject" => Some(Self::Stack),
            "container" | "virtualMachine" | "instance" => Some(Self::Container),
            service if service == "service" || service.ends_with("Service") => Some(Self::Service),
            _ => None,
        }
    }

    /// From an item's kind.
    pub(super) fn from_item(kind: ItemKind) -> Option<Self> {
        match kind {
            ItemKind::Host => Some(Self::Host),
            ItemKind::Stack => Some(Self::Stack),
            ItemKind::Service => Some(Self::Service),
            ItemKind::Container => Some(Self::Container),
            _ => None,
        }
    }
}

/// A container as shown, and what it says itself.
struct Kept {
    shown: Container,
    own: LiveStatus,
}

/// Everything of one environment.
pub(super) struct Shelf {
    place: Place,
    hosts: HashMap<ItemId, Host>,
    stacks: HashMap<ItemId, Stack>,
    services: HashMap<ItemId, Service>,
    containers: HashMap<ItemId, Kept>,
    /// Last message about each, so that an older listing does not undo it.
    heard: HashMap<(Shelved, String), Instant>,
}

impl Shelf {
    /// Empty.
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            hosts: HashMap::new(),
            stacks: HashMap::new(),
            services: HashMap::new(),
            containers: HashMap::new(),
            heard: HashMap::new(),
        }
    }

    /// Takes one resource from the stream (or read again); says what changed.
    pub(super) fn hear(&mut self, kind: Shelved, native: &str, resource: Option<&Value>, at: Instant) -> Vec<Event> {
        self.heard.insert((kind, native.to_owned()), at);
        match resource {
            Some(resource) => self.put(kind, native, resource),
            None => self.drop_one(kind, native),
        }
    }

    fn put(&mut self, kind: Shelved, native: &str, resource: &Value) -> Vec<Event> {
        let id = self.id(kind, native);
        let mut events = Vec::new();
        match kind {
            Shelved::Host => match parse::host(&self.place, resource) {
                Some(host) if host.id == id => self.put_host(host, &mut events),
                _ => return self.drop_one(kind, native),
            },
            Shelved::Stack => match parse::stack(&self.place, resource) {
                Some(stack) if stack.id == id => self.put_stack(&stack, &mut events),
                _ => return self.drop_one(kind, native),
            },
            Shelved::Service => match parse::service(&self.place, resource) {
                Some(service) if service.id == id => self.put_service(service, &mut events),
                _ => return self.drop_one(kind, native),
            },
            Shelved::Container => match parse::container(&self.place, resource) {
                Some(container) if container.id == id => self.put_container(container, &mut events),
                _ => return self.drop_one(kind, native),
            },
        }
        events
    }

    fn id(&self, kind: Shelved, native: &str) -> ItemId {
        let kind = match kind {
            Shelved::Host => ItemKind::Host,
            Shelved::Stack => ItemKind::Stack,
            Shelved::Service => ItemKind::Service,
            Shelved::Container => ItemKind::Container,
        };
        ItemId::new(kind, &self.place.connection, native)
    }

    fn drop_one(&mut self, kind: Shelved, native: &str) -> Vec<Event> {
        let id = self.id(kind, native);
        let known = match kind {
            Shelved::Host => self.hosts.remove(&id).is_some(),
            Shelved::Stack => self.stacks.remove(&id).is_some(),
            Shelved::Service => self.services.remove(&id).is_some(),
            Shelved::Container => self.containers.remove(&id).is_some(),
        };
        if known { vec![Event::Gone(id)] } else { Vec::new() }
    }

    fn put_host(&mut self, mut host: Host, events: &mut Vec<Event>) {
        let before = self.hosts.get(&host.id);
        if let Some(before) = before {
            host.load = damp(&before.load, &host.load);
        }
        let away = |state: &str| states::host_is_away(state);
        let turned = before.is_some_and(|before| away(&before.server_state)) != away(&host.server_state);
        if before == Some(&host) {
            return;
        }
        let id = host.id.clone();
        events.push(Event::Upsert(Box::new(Item::Host(host.clone()))));
        let is_away = away(&host.server_state);
        self.hosts.insert(id.clone(), host);
        if turned {
            for kept in self
                .containers
                .values_mut()
                .filter(|kept| kept.shown.host.as_ref() == Some(&id))
            {
                let status = if is_away { LiveStatus::Unknown } else { kept.own };
                if kept.shown.status != status {
                    kept.shown.status = status;
                    events.push(Event::Upsert(Box::new(Item::Container(kept.shown.clone()))));
                }
            }
        }
    }

    fn put_stack(&mut self, stack: &Stack, events: &mut Vec<Event>) {
        let before = self.stacks.insert(stack.id.clone(), stack.clone());
        if before.as_ref() == Some(stack) {
            return;
        }
        let renamed = before.is_none_or(|before| before.name != stack.name);
        events.push(Event::Upsert(Box::new(Item::Stack(stack.clone()))));
        if renamed {
            for service in self.services.values_mut().filter(|service| service.stack == stack.id) {
                if service.stack_name != stack.name {
                    service.stack_name.clone_from(&stack.name);
                    events.push(Event::Upsert(Box::new(Item::Service(service.clone()))));
                }
            }
        }
    }

    fn put_service(&mut self, mut service: Service, events: &mut Vec<Event>) {
        service.stack_name = self
            .stacks
            .get(&service.stack)
            .map(|stack| stack.name.clone())
            .unwrap_or_default();
        let before = self.services.insert(service.id.clone(), service.clone());
        if before.as_ref() != Some(&service) {
            events.push(Event::Upsert(Box::new(Item::Service(service))));
        }
    }

    fn put_container(&mut self, mut container: Container, events: &mut Vec<Event>) {
        let own = container.status;
        let host = container.host.as_ref().and_then(|host| self.hosts.get(host));
        if host.is_some_and(|host| states::host_is_away(&host.server_state)) {
            container.status = LiveStatus::Unknown;
        }
        let kept = Kept {
            shown: container.clone(),
            own,
        };
        let before = self.containers.insert(container.id.clone(), kept);
        if before.is_none_or(|before| before.shown != container) {
            events.push(Event::Upsert(Box::new(Item::Container(container))));
        }
    }

    /// Takes a whole list that was asked for at `sent`. What was heard later stays.
    pub(super) fn take_list(&mut self, kind: Shelved, rows: &[Value], sent: Instant) {
        let mut named: HashSet<ItemId> = HashSet::with_capacity(rows.len());
        for row in rows {
            let Some(native) = parse::native_id(row, "id") else {
                continue;
            };
            named.insert(self.id(kind, &native));
            let newer = self
                .heard
                .get(&(kind, native.clone()))
                .is_some_and(|heard| *heard >= sent);
            if !newer {
                // What changed is told by the listing itself.
                let _told = self.put(kind, &native, row);
            }
        }
        let heard = &self.heard;
        let stays = |id: &ItemId| {
            named.contains(id)
                || heard
                    .get(&(kind, id.native().to_owned()))
                    .is_some_and(|heard| *heard >= sent)
        };
        match kind {
            Shelved::Host => self.hosts.retain(|id, _| stays(id)),
            Shelved::Stack => self.stacks.retain(|id, _| stays(id)),
            Shelved::Service => self.services.retain(|id, _| stays(id)),
            Shelved::Container => self.containers.retain(|id, _| stays(id)),
        }
        self.heard.retain(|(other, _), at| *other != kind || *at >= sent);
    }

    /// The environment as one listing.
    pub(super) fn listing(&self) -> Vec<Event> {
        let scope = self.place.scope();
        let mut events = vec![Event::Init {
            scope: scope.clone(),
            coverage: Coverage::Complete,
        }];
        let seen = |item: Item| Event::Seen(Box::new(item));
        events.extend(sorted(self.hosts.values(), |host| &host.id).map(|host| seen(Item::Host(host.clone()))));
        events.extend(sorted(self.stacks.values(), |stack| &stack.id).map(|stack| seen(Item::Stack(stack.clone()))));
        events.extend(
            sorted(self.services.values(), |service| &service.id).map(|service| seen(Item::Service(service.clone()))),
        );
        let containers = sorted(self.containers.values(), |kept| &kept.shown.id);
        events.extend(containers.map(|kept| seen(Item::Container(kept.shown.clone()))));
        events.push(Event::InitDone(scope));
        events
    }

    /// It is here.
    pub(super) fn knows(&self, item: &ItemId) -> bool {
        match item.kind() {
            Some(ItemKind::Host) => self.hosts.contains_key(item),
            Some(ItemKind::Stack) => self.stacks.contains_key(item),
            Some(ItemKind::Service) => self.services.contains_key(item),
            Some(ItemKind::Container) => self.containers.contains_key(item),
            Some(ItemKind::Environment) => *item == self.place.environment(),
            _ => false,
        }
    }

    /// A stack's name, for a service that is read alone.
    pub(super) fn stack_name(&self, stack: &ItemId) -> Option<String> {
        self.stacks.get(stack).map(|stack| stack.name.clone())
    }
}

fn sorted<'a, T: 'a, F>(values: impl Iterator<Item = &'a T>, id: F) -> impl Iterator<Item = &'a T>
where
    F: Fn(&T) -> &ItemId,
{
    let mut all: Vec<&T> = values.collect();
    all.sort_by(|left, right| id(left).cmp(id(right)));
    all.into_iter()
}

/// The load to show: what is shown already, unless it moved by a whole step.
fn damp(shown: &HostLoad, now: &HostLoad) -> HostLoad {
    let one = |shown: Option<u8>, now: Option<u8>| match (shown, now) {
        (Some(shown), Some(now)) if shown.abs_diff(now) < LOAD_STEP => Some(shown),
        (_, now) => now,
    };
    HostLoad {
        cpu_percent: one(shown.cpu_percent, now.cpu_percent),
        memory_percent: one(shown.memory_percent, now.memory_percent),
        disk_percent: one(shown.disk_percent, now.disk_percent),
    }
}
