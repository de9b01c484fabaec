//! What the core knows now: model, connections, tasks, and what each subscriber has not been sent yet. Behind one lock
//! that is never held over an await; only the loop changes what is known, subscribers only take what is theirs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use kopi_model::wire::{ConnectionHealth, ConnectionState, Frame, Settings, Snapshot, Task};
use kopi_model::{ConnectionName, Item, ItemId, ItemKind, Model, ModelChange};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::connection::Connection;

/// Everything known.
#[derive(Default)]
pub(crate) struct State {
    /// Counts every change of anything a face sees.
    pub(crate) rev: u64,
    pub(crate) model: Model,
    pub(crate) connections: IndexMap<ConnectionName, Connection>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) from_cache: bool,
    pub(crate) quiet: QuietFor,
    subscribers: HashMap<u64, Dirty>,
    /// Every attached face, by its session: its word and where its frames go.
    faces: HashMap<u64, (String, mpsc::Sender<Frame>)>,
}

/// What a person wants to hear nothing of, kept over restarts.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct QuietFor {
    /// Subjects, and until when.
    pub(crate) muted: Vec<(String, Timestamp)>,
    /// Focus until.
    pub(crate) focus_until: Option<Timestamp>,
}

/// A face that is sent what changed.
#[derive(Debug)]
pub(crate) struct Subscriber {
    /// Its number.
    pub(crate) id: u64,
    /// Woken when there may be something to send.
    pub(crate) wake: Arc<Notify>,
}

/// What one subscriber has not been sent.
#[derive(Debug, Default)]
struct Dirty {
    wake: Arc<Notify>,
    items: HashMap<ItemId, Option<Instant>>,
    connections: HashSet<ConnectionName>,
    tasks: bool,
    /// What was sent last; the next patch applies to it.
    sent: u64,
    acknowledged: u64,
    visible: bool,
    wants_snapshot: bool,
}

/// What a subscriber is to be sent next.
pub(crate) enum Turn {
    /// Nothing, or not now: hidden, or the last one is unacknowledged.
    Nothing,
    /// Everything.
    Snapshot(Box<Snapshot>),
    /// What changed.
    Patch(Box<PatchParts>),
}

/// A patch before it is cut into pieces.
pub(crate) struct PatchParts {
    pub(crate) base: u64,
    pub(crate) rev: u64,
    pub(crate) items: Vec<(ItemId, Option<Arc<Item>>, Option<Instant>)>,
    pub(crate) connections: Vec<ConnectionHealth>,
    pub(crate) connections_gone: Vec<ConnectionName>,
    pub(crate) tasks: Option<Vec<Task>>,
}

impl State {
    /// Marks what the model's changes touched.
    pub(crate) fn mark_items(&mut self, changes: &[ModelChange], seen: Option<Instant>) {
        self.rev += changes.len() as u64;
        for dirty in self.subscribers.values_mut().filter(|dirty| dirty.collects()) {
            for change in changes {
                let first = dirty.items.entry(change.id.clone()).or_insert(seen);
                if first.is_none() {
                    *first = seen;
                }
            }
            // A picture beats a patch that names half of it.
            if dirty.items.len() > 2000 && dirty.items.len() * 2 > self.model.len() {
                dirty.want_snapshot();
            }
        }
    }

    /// Marks a connection's health, or that it is gone.
    pub(crate) fn mark_connection(&mut self, name: &ConnectionName) {
        self.rev += 1;
        for dirty in self.subscribers.values_mut().filter(|dirty| dirty.collects()) {
            dirty.connections.insert(name.clone());
        }
    }

    /// Marks the list of tasks.
    pub(crate) fn mark_tasks(&mut self) {
        self.rev += 1;
        for dirty in self.subscribers.values_mut() {
            dirty.tasks = true;
        }
    }

    /// The picture is another altogether (the first answer after the cache).
    pub(crate) fn mark_all(&mut self) {
        self.rev += 1;
        for dirty in self.subscribers.values_mut() {
            dirty.want_snapshot();
        }
    }

    /// Wakes those who have something to be sent.
    pub(crate) fn wake(&self) {
        for dirty in self.subscribers.values().filter(|dirty| dirty.is_due()) {
            dirty.wake.notify_one();
        }
    }

    /// Enters a subscriber; it gets a snapshot first.
    pub(crate) fn subscribe(&mut self, id: u64) -> Subscriber {
        let wake = Arc::new(Notify::new());
        wake.notify_one();
        let dirty = Dirty {
            wake: wake.clone(),
            visible: true,
            wants_snapshot: true,
            ..Dirty::default()
        };
        self.subscribers.insert(id, dirty);
        Subscriber { id, wake }
    }

    /// Forgets it.
    pub(crate) fn unsubscribe(&mut self, id: u64) {
        self.subscribers.remove(&id);
    }

    /// The subscriber applied everything up to `rev`; another revision than the one sent means that its copy is not
    /// ours, so it gets a snapshot.
    pub(crate) fn acknowledge(&mut self, id: u64, rev: u64) {
        if let Some(dirty) = self.subscribers.get_mut(&id) {
            if rev == dirty.sent {
                dirty.acknowledged = rev;
            } else if rev > dirty.sent || rev < dirty.acknowledged {
                dirty.acknowledged = dirty.sent;
                dirty.want_snapshot();
            }
            dirty.wake.notify_one();
        }
    }

    /// Hidden faces are sent nothing; shown again they get a snapshot if they missed anything.
    pub(crate) fn set_visible(&mut self, id: u64, visible: bool) {
        if let Some(dirty) = self.subscribers.get_mut(&id) {
            if visible && !dirty.visible && dirty.sent != self.rev {
                dirty.want_snapshot();
                // What was sent to a hidden page may never be acknowledged.
                dirty.acknowledged = dirty.sent;
            }
            dirty.visible = visible;
            dirty.wake.notify_one();
        }
    }

    /// A face came.
    pub(crate) fn enter_face(&mut self, id: u64, word: String, out: mpsc::Sender<Frame>) {
        self.faces.insert(id, (word, out));
    }

    /// It went.
    pub(crate) fn leave_face(&mut self, id: u64) {
        self.faces.remove(&id);
        self.unsubscribe(id);
    }

    /// Sends a frame to the faces whose word is right; how many it could be handed to. One that is behind misses it.
    pub(crate) fn tell_faces(&self, frame: &Frame, is_right: impl Fn(&str) -> bool) -> usize {
        self.faces
            .values()
            .filter(|(word, out)| is_right(word) && out.try_send(frame.clone()).is_ok())
            .count()
    }

    /// Logins of the person at this desk: as configured, else whose credentials the connections have.
    pub(crate) fn me(&self, settings: &Settings) -> Vec<String> {
        if !settings.me.is_empty() {
            return settings.me.clone();
        }
        let mut logins: Vec<String> = self
            .connections
            .values()
            .filter_map(|connection| connection.login.clone())
            .collect();
        logins.dedup();
        logins
    }

    /// A face shows it to somebody, or an order is under way.
    pub(crate) fn is_looked_at(&self) -> bool {
        self.subscribers.values().any(|dirty| dirty.visible) || self.tasks.iter().any(|task| !is_over(task))
    }

    /// Every connection was read, or cannot be read now.
    pub(crate) fn is_settled(&self) -> bool {
        self.connections
            .iter()
            .all(|(name, connection)| match connection.health.state {
                ConnectionState::Starting => false,
                ConnectionState::Live | ConnectionState::Polling => connection.track.has_caught_up(name, &self.model),
                _ => true,
            })
    }

    /// Takes what the subscriber is to be sent now.
    pub(crate) fn take_turn(&mut self, id: u64) -> Turn {
        let rev = self.rev;
        let Some(dirty) = self.subscribers.get_mut(&id) else {
            return Turn::Nothing;
        };
        if !dirty.is_due() {
            return Turn::Nothing;
        }
        if dirty.wants_snapshot {
            dirty.clear(rev);
            return Turn::Snapshot(Box::new(self.snapshot()));
        }
        let base = dirty.sent;
        let items = std::mem::take(&mut dirty.items)
            .into_iter()
            .map(|(item, seen)| {
                let now = self.model.get(&item).cloned();
                (item, now, seen)
            })
            .collect();
        let mut parts = PatchParts {
            base,
            rev,
            items,
            connections: Vec::new(),
            connections_gone: Vec::new(),
            tasks: dirty.tasks.then(|| self.tasks.clone()),
        };
        for name in std::mem::take(&mut dirty.connections) {
            match self.connections.get(&name) {
                Some(connection) => parts.connections.push(connection.health.clone()),
                None => parts.connections_gone.push(name),
            }
        }
        dirty.clear(rev);
        Turn::Patch(Box::new(parts))
    }

    /// The whole picture.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let kinds = ItemKind::ALL.into_iter();
        let items: Vec<Arc<Item>> = kinds.flat_map(|kind| self.model.items_of(kind)).cloned().collect();
        Snapshot {
            rev: self.rev,
            items,
            connections: self
                .connections
                .values()
                .map(|connection| connection.health.clone())
                .collect(),
            tasks: self.tasks.clone(),
            from_cache: self.from_cache,
        }
    }

    /// A task is new or stands otherwise.
    pub(crate) fn put_task(&mut self, task: Task) {
        match self.tasks.iter_mut().find(|known| known.id == task.id) {
            Some(known) if *known == task => return,
            Some(known) => *known = task,
            None => self.tasks.push(task),
        }
        self.mark_tasks();
    }

    /// Drops tasks that ended and of which `gone` says so.
    pub(crate) fn drop_tasks(&mut self, gone: impl Fn(&Task) -> bool) {
        let before = self.tasks.len();
        self.tasks.retain(|task| !(is_over(task) && gone(task)));
        if self.tasks.len() != before {
            self.mark_tasks();
        }
    }
}

/// Nothing will happen to it any more by itself.
pub(crate) fn is_over(task: &Task) -> bool {
    use kopi_model::wire::TaskState;
    matches!(
        task.state,
        TaskState::Done
            | TaskState::Failed
            | TaskState::Unknown
            | TaskState::Refused
            | TaskState::Undone
            | TaskState::Superseded
    )
}

impl Dirty {
    fn collects(&self) -> bool {
        self.visible && !self.wants_snapshot
    }

    fn want_snapshot(&mut self) {
        self.items.clear();
        self.connections.clear();
        self.wants_snapshot = true;
    }

    fn is_due(&self) -> bool {
        self.visible
            && self.acknowledged == self.sent
            && (self.wants_snapshot || self.tasks || !self.items.is_empty() || !self.connections.is_empty())
    }

    fn clear(&mut self, rev: u64) {
        self.items.clear();
        self.connections.clear();
        self.tasks = false;
        self.wants_snapshot = false;
        self.sent = rev;
    }
}
