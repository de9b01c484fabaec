//! Never two changes of one thing at once: whoever changes it holds its slot for as long as that is under way. Settling
//! an upgrade (finish, roll back, cancel) has a slot of its own, since it is meant to come while an upgrade is watched.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kopi_model::{ItemId, Verb};
use tokio_util::sync::CancellationToken;

/// Slots that are held, and orders that can be undone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    held: HashSet<(ItemId, Class)>,
    undo: HashMap<i64, CancellationToken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Class {
    Change,
    Settle,
    /// Watching what somebody else does keeps nobody from anything.
    Watch,
}

/// Held as long as it lives.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Slots,
    key: (ItemId, Class),
}

impl Slots {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the slot; none when somebody has it.
    pub(crate) fn take(&self, target: &ItemId, verb: Verb) -> Option<Slot> {
        self.take_key((target.clone(), class_of(verb)))
    }

    /// Takes the slot of who watches somebody else's deploy; none when it is watched, or when the change is ours.
    pub(crate) fn take_watch(&self, target: &ItemId) -> Option<Slot> {
        if self.is_taken(target, Verb::Upgrade) {
            return None;
        }
        self.take_key((target.clone(), Class::Watch))
    }

    fn take_key(&self, key: (ItemId, Class)) -> Option<Slot> {
        self.inner().held.insert(key.clone()).then(|| Slot {
            slots: self.clone(),
            key,
        })
    }

    /// Somebody has it.
    pub(crate) fn is_taken(&self, target: &ItemId, verb: Verb) -> bool {
        self.inner().held.contains(&(target.clone(), class_of(verb)))
    }

    /// The order is held back and can be undone by this token until [`Slots::leaves`].
    pub(crate) fn holds(&self, task: i64) -> CancellationToken {
        let token = CancellationToken::new();
        self.inner().undo.insert(task, token.clone());
        token
    }

    /// It cannot be undone any more; false when it just was.
    pub(crate) fn leaves(&self, task: i64) -> bool {
        self.inner()
            .undo
            .remove(&task)
            .is_some_and(|token| !token.is_cancelled())
    }

    /// Undoes it; false when it has left.
    pub(crate) fn undo(&self, task: i64) -> bool {
        match self.inner().undo.get(&task) {
            Some(token) => {
                token.cancel();
                true
            }
            None => false,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.inner().held.remove(&self.key);
    }
}

fn class_of(verb: Verb) -> Class {
    match verb {
        Verb::Finish | Verb::Rollback | Verb::Cancel => Class::Settle,
        _ => Class::Change,
    }
}
