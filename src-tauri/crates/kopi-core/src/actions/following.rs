//! An order or deploy that is followed to its end: its task as faces see it, its journal entry, its row in the history
//! of deploys, and the notice at the end.

use std::sync::Arc;

use jiff::Timestamp;
use kopi_model::wire::{ApiError, DeployRecord, JournalEntry, Task, TaskState};
use kopi_model::{ConnectionName, Model, Verb};

use crate::engine::{ActInput, Input, Shared};

/// One of them.
pub(crate) struct Following {
    pub(crate) shared: Arc<Shared>,
    pub(crate) task: Task,
    /// None for what somebody else did.
    pub(crate) entry: Option<JournalEntry>,
    /// Only for upgrades.
    pub(crate) deploy: Option<DeployRecord>,
    /// What the journal keeps of the watch.
    pub(crate) memory: Option<String>,
}

impl Following {
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock().now()
    }

    /// The task stands so now; faces are told when that is another state than before.
    pub(crate) async fn stands(&mut self, state: TaskState, detail: Option<String>, offers: Vec<Verb>) {
        self.progress(state, detail, offers, None).await;
    }

    /// The same, with how many are up.
    pub(crate) async fn progress(
        &mut self,
        state: TaskState,
        detail: Option<String>,
        offers: Vec<Verb>,
        count: Option<(u32, u32)>,
    ) {
        let mut task = self.task.clone();
        task.state = state;
        task.detail = detail;
        task.offers = offers;
        if let Some((done, all)) = count {
            task.done = Some(done);
            task.all = Some(all);
        }
        if task == self.task {
            return;
        }
        task.changed_at = self.now();
        self.task = task;
        self.show().await;
    }

    /// Shows the task as it is.
    pub(crate) async fn show(&self) {
        let input = Input::Act(ActInput::Task(Box::new(self.task.clone())));
        // Only a core that ends does not take it; then nobody looks.
        self.shared.put(input).await.ok();
    }

    /// Writes the result into the journal.
    pub(crate) async fn result(&mut self, result: &str, detail: Option<String>, is_over: bool) -> Result<(), ApiError> {
        let now = self.now();
        let Some(entry) = &mut self.entry else {
            return Ok(());
        };
        result.clone_into(&mut entry.result);
        entry.detail = detail;
        entry.ended_at = is_over.then_some(now);
        let written = self
            .shared
            .records
            .update_journal(entry.clone(), self.memory.clone())
            .await;
        if let Err(error) = &written {
            tracing::warn!(%error.message, "the journal could not be written");
        }
        written
    }

    /// Ends it: journal and task.
    pub(crate) async fn ends(&mut self, state: TaskState, detail: Option<String>, offers: Vec<Verb>) {
        let result = match state {
            TaskState::Done => "done",
            TaskState::Refused => "refused",
            TaskState::Undone => "undone",
            TaskState::Superseded => "superseded",
            TaskState::Unknown => "unknown",
            _ => "failed",
        };
        // The journal first: who sees the end must find it there.
        self.result(result, detail.clone(), true).await.ok();
        self.stands(state, detail, offers).await;
    }

    /// Writes the row in the history of deploys.
    pub(crate) async fn deploys(&mut self, result: Option<&str>) {
        let now = self.now();
        let Some(deploy) = &mut self.deploy else { return };
        deploy.result = result.map(str::to_owned);
        deploy.ended_at = result.map(|_| now);
        if let Err(error) = self.shared.records.put_deploy(deploy.clone()).await {
            tracing::warn!(%error.message, "a deploy could not be written down");
        }
    }

    /// The connection of what it is about is up.
    pub(crate) fn is_up(&self) -> bool {
        let name = self.task.target.connection().unwrap_or_default();
        is_up(&self.shared, &name)
    }

    /// Looks at the model.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Model) -> R) -> R {
        look(&self.shared.state().model)
    }
}

pub(crate) fn is_up(shared: &Shared, name: &ConnectionName) -> bool {
    use kopi_model::wire::ConnectionState;
    let state = shared.state();
    state.connections.get(name).is_some_and(|connection| {
        matches!(
            connection.health.state,
            ConnectionState::Live | ConnectionState::Polling
        )
    })
}

/// Waits until the model moved, but not longer than a poll's time (`apis/rancher.md § 6.5`: every 5 s at the latest);
/// false when the core ends.
pub(crate) async fn moved(shared: &Shared, changed: &mut tokio::sync::watch::Receiver<u64>) -> bool {
    use std::time::Duration;
    tokio::select! {
        biased;
        () = shared.stop.cancelled() => return false,
        () = tokio::time::sleep(Duration::from_secs(5)) => {}
        moved = changed.changed() => {
            if moved.is_err() {
                return false;
            }
            // A burst is judged once.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    !shared.stop.is_cancelled()
}
