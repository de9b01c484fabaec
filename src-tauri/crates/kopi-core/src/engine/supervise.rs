//! One task a source: calls `watch`, carries what it says to the inbox, and when it ends waits and calls again. A panic
//! in a source is that connection's failure, never the core's end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use kopi_feed::{Cx, FeedError, Outbox, Source};
use kopi_model::ConnectionName;
use kopi_model::wire::ErrorCode;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::{Pause, pause_after};
use super::input::{Input, Said};
use super::machine::Machine;

/// A run that lasted so long was a good one: the next failure starts the pauses anew.
const STEADY: Duration = Duration::from_secs(30);
/// Messages of one source that wait before the source does.
const OUTBOX: usize = 256;

/// A source under supervision.
pub(crate) struct Watched {
    pub(crate) connection: ConnectionName,
    pub(crate) source: Arc<dyn Source>,
    /// Made anew for each run, with its own `stop`.
    pub(crate) cx: Cx,
    pub(crate) try_now: Arc<Notify>,
    pub(crate) stop: CancellationToken,
    pub(crate) machine: Machine,
    /// Runs of this connection count on from here, also over changed settings.
    pub(crate) first_run: u64,
}

/// Runs until stopped or the inbox is gone.
pub(crate) async fn supervise(watched: Watched, inbox: mpsc::Sender<Input>) {
    let mut tries = 0_u32;
    let mut run = watched.first_run;
    loop {
        let began = Instant::now();
        let Some(error) = one_run(&watched, run, &inbox).await else {
            return;
        };
        if began.elapsed() >= STEADY {
            tries = 0;
        }
        tries = tries.saturating_add(1);
        let now = watched.machine.clock.now();
        let pause = pause_after(&error, tries, (watched.machine.chance)(), now);
        let retry_at = match pause {
            Pause::For(pause) => now.checked_add(pause).ok(),
            Pause::UntilAsked => None,
        };
        tracing::info!(connection = %watched.connection, %error, tries, "a connection fell");
        let fell = Said::Fell {
            error: Box::new(error),
            retry_at,
            tries,
        };
        if !send(&inbox, &watched.connection, run, fell).await {
            return;
        }
        let waited = async {
            match pause {
                Pause::For(pause) => tokio::time::sleep(pause).await,
                Pause::UntilAsked => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = watched.stop.cancelled() => return,
            () = watched.try_now.notified() => tries = 0,
            () = waited => {}
        }
        run += 1;
    }
}

async fn send(inbox: &mpsc::Sender<Input>, connection: &ConnectionName, run: u64, said: Said) -> bool {
    let connection = connection.clone();
    inbox.send(Input::Source { connection, run, said }).await.is_ok()
}

/// One call of `watch`; none when stopped.
async fn one_run(watched: &Watched, run: u64, inbox: &mpsc::Sender<Input>) -> Option<FeedError> {
    if !send(inbox, &watched.connection, run, Said::Began).await {
        return None;
    }
    let (sender, mut receiver) = mpsc::channel(OUTBOX);
    let outbox = Outbox::new(watched.connection.clone(), sender);
    let mut cx = watched.cx.clone();
    cx.stop = watched.stop.child_token();
    let _guard = cx.stop.clone().drop_guard();
    let watch = AssertUnwindSafe(async { watched.source.watch(cx, outbox).await }).catch_unwind();
    tokio::pin!(watch);
    let ended = loop {
        tokio::select! {
            biased;
            () = watched.stop.cancelled() => return None,
            Some((_, message)) = receiver.recv() => {
                let said = Said::Message(message, Instant::now());
                if !send(inbox, &watched.connection, run, said).await {
                    return None;
                }
            }
            ended = &mut watch => break ended,
        }
    };
    while let Ok((_, message)) = receiver.try_recv() {
        send(inbox, &watched.connection, run, Said::Message(message, Instant::now())).await;
    }
    Some(match ended {
        Ok(Err(error)) => error,
        Ok(Ok(never)) => match never {},
        Err(panic) => FeedError::new(
            ErrorCode::Internal,
            "watch the server",
            format!("a fault in Kopi itself: {}", words_of(&*panic)),
        )
        .hint("this is a defect of Kopi; the other connections go on"),
    })
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}
