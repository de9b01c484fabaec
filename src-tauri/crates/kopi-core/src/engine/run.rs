//! The loop: takes what is in the inbox, changes what is known, hands on what changed. It waits for nothing but its
//! inbox and its tick.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kopi_feed::{Cx, SourceMessage};
use kopi_model::wire::{ConnectionHealth, ConnectionState};
use kopi_model::{
    ConnectionName, Event, Item, ModelChange, Origin, Prefs, decide, digest, hold_back, reduce, remove_connection,
    set_line_rules,
};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::fan::{Outcome, fan_out};
use super::input::{ActInput, Input, Said};
use super::latency::Latencies;
use super::settings::CoreConnection;
use super::shared::Shared;
use super::state::State;
use super::supervise::{Watched, supervise};
use super::tell::prefs;
use super::track::{Outline, Track};

/// Between two looks at the machine and the figures.
pub(crate) const TICK: Duration = Duration::from_secs(5);
/// The wall clock went on by so much more than expected: the machine slept (or its clock was set).
const SLEPT: SignedDuration = SignedDuration::from_secs(30);
/// Inputs taken in under one lock.
const BATCH: usize = 256;
/// Quiet for so long, a catch-up is over.
const CATCH_UP_QUIET: Duration = Duration::from_secs(2);
/// It is over then in any case.
const CATCH_UP_LONGEST: Duration = Duration::from_mins(1);
/// Builds of one catch-up that are remembered for its digest.
const CATCH_UP_MOST: usize = 5000;
/// Ended tasks stay in sight so long.
const TASKS_STAY: SignedDuration = SignedDuration::from_mins(10);
/// Ticks between two prunings: six hours.
const PRUNE_EVERY: u64 = 6 * 3600 / 5;

/// What the loop alone remembers.
struct Memory {
    last_tick: Timestamp,
    network: u64,
    ticks: u64,
    catch_up: Option<CatchUp>,
}

struct CatchUp {
    since: Timestamp,
    began: Instant,
    last: Instant,
    changes: Vec<ModelChange>,
}

/// Runs until stopped. When it ends for any reason, so does the core.
pub(crate) async fn run(shared: Arc<Shared>, mut inbox: mpsc::Receiver<Input>) {
    let _guard = shared.stop.clone().drop_guard();
    let now = shared.clock().now();
    let mut memory = Memory {
        last_tick: now,
        network: (shared.machine.network)(),
        ticks: 0,
        catch_up: None,
    };
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut buffer = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            _ = ticks.tick() => buffer.push(Input::Tick),
            _ = inbox.recv_many(&mut buffer, BATCH) => {}
        }
        let now = shared.clock().now();
        let mut outcome = Outcome::default();
        let mut replies = Vec::new();
        for input in buffer.drain(..) {
            match input {
                Input::Source { connection, run, said } => {
                    take_in(&shared, &mut memory, &connection, run, said, now, &mut outcome);
                }
                Input::Tick => tick(&shared, &mut memory, now, &mut outcome),
                Input::Act(act) => take_act(&shared, act),
                Input::Settings(settings, reply) => {
                    shared.settings.store(Arc::from(settings));
                    outcome.changes.extend(apply_settings(&shared, now));
                    replies.push(reply);
                }
                Input::Settled(reply) => replies.push(reply),
            }
        }
        fan_out(&shared, outcome);
        for reply in replies {
            reply.send(()).ok();
        }
    }
}

/// What the person wants to be told now.
pub(crate) fn current_prefs(shared: &Shared, state: &State, now: Timestamp) -> Prefs {
    let settings = shared.settings.load();
    prefs(
        &settings.settings,
        &state.me(&settings.settings),
        &state.quiet.muted,
        state.quiet.focus_until,
        now,
        &shared.machine.zone,
    )
}

fn take_in(
    shared: &Shared,
    memory: &mut Memory,
    name: &ConnectionName,
    run: u64,
    said: Said,
    now: Timestamp,
    outcome: &mut Outcome,
) {
    let mut guard = shared.state();
    let state = &mut *guard;
    let Some(connection) = state.connections.get_mut(name) else {
        return;
    };
    if run < connection.run {
        return;
    }
    match said {
        Said::Began => {
            connection.run = run;
            connection.track.begins(Instant::now());
        }
        Said::Fell { error, retry_at, tries } => {
            connection.track.fell(Instant::now());
            connection.fell(*error, retry_at, tries, now);
            connection.refresh_scopes(&state.model);
            state.mark_connection(name);
        }
        Said::Message(SourceMessage::Note(note), seen) => {
            if connection.note(note, now, seen) {
                connection.refresh_scopes(&state.model);
                state.mark_connection(name);
            }
        }
        Said::Message(SourceMessage::Event(event), seen) => {
            let origin = connection.track.origin_of(&event, &state.model);
            let outline = Outline::of(&event);
            let watched_until = connection.watched_until;
            let changes = take_event(&mut state.model, name, event, origin, now);
            connection.health.last_good_at = Some(now);
            connection.track.after(&outline, seen);
            match outline {
                Outline::Other => {}
                Outline::Done(scope) => {
                    outcome.scopes.push((name.clone(), scope, now));
                    connection.refresh_scopes(&state.model);
                    state.mark_connection(name);
                    if std::mem::take(&mut state.from_cache) {
                        state.mark_all();
                    }
                }
                Outline::Failed(_) => {
                    connection.refresh_scopes(&state.model);
                    state.mark_connection(name);
                }
            }
            if changes.is_empty() {
                return;
            }
            state.mark_items(&changes, Some(seen));
            if origin == Origin::CatchUp {
                memory.remember(&changes, watched_until, seen);
            } else {
                let prefs = current_prefs(shared, state, now);
                for change in &changes {
                    if let Some(notice) = decide(change, &state.model, &prefs, now) {
                        let held_back = hold_back(&notice, &prefs, now);
                        outcome.notices.push((notice, held_back));
                    }
                }
            }
            outcome.changes.extend(changes);
        }
    }
}

fn take_event(
    model: &mut kopi_model::Model,
    name: &ConnectionName,
    event: Event,
    origin: Origin,
    now: Timestamp,
) -> Vec<ModelChange> {
    if let Event::InitFailed { scope, why } = &event {
        tracing::info!(connection = %name, scope = scope.as_str(), why, "a listing failed");
    }
    reduce(model, name, event, origin, now)
}

impl Memory {
    fn remember(&mut self, changes: &[ModelChange], since: Timestamp, seen: Instant) {
        let catch_up = self.catch_up.get_or_insert_with(|| CatchUp {
            since,
            began: seen,
            last: seen,
            changes: Vec::new(),
        });
        catch_up.last = seen;
        catch_up.since = catch_up.since.min(since);
        let room = CATCH_UP_MOST.saturating_sub(catch_up.changes.len());
        let builds = changes
            .iter()
            .filter(|change| matches!(change.after.as_deref(), Some(Item::Build(_))));
        catch_up.changes.extend(builds.take(room).cloned());
    }

    /// The catch-up that is over, if one is.
    fn caught_up(&mut self, state: &State, now: Instant) -> Option<CatchUp> {
        let catch_up = self.catch_up.as_ref()?;
        let all_settled = state.is_settled();
        let is_quiet = now.saturating_duration_since(catch_up.last) >= CATCH_UP_QUIET;
        let is_late = now.saturating_duration_since(catch_up.began) >= CATCH_UP_LONGEST;
        if (all_settled && is_quiet) || is_late {
            self.catch_up.take()
        } else {
            None
        }
    }
}

fn tick(shared: &Arc<Shared>, memory: &mut Memory, now: Timestamp, outcome: &mut Outcome) {
    memory.ticks += 1;
    let expected = SignedDuration::try_from(TICK).unwrap_or_default();
    let slept = memory.ticks > 1 && now.duration_since(memory.last_tick) > expected + SLEPT;
    memory.last_tick = now;
    let network = (shared.machine.network)();
    let moved = network != memory.network;
    memory.network = network;
    {
        let mut state = shared.state();
        if slept {
            tracing::info!("the machine slept, or its clock was set: every server is listed again");
            restart_all(shared, &mut state, now);
        } else if moved {
            for connection in state.connections.values() {
                if connection.health.state != ConnectionState::SignedOut {
                    connection.look_now();
                }
            }
        }
        refresh_figures(&mut state);
        // Somebody sees it or may be told of it.
        let attended = state.is_looked_at() || !shared.settings.load().settings.notices.is_empty();
        shared
            .attended
            .send_if_modified(|known| std::mem::replace(known, attended) != attended);
        note_watched(&mut state, now);
        state.drop_tasks(|task| now.duration_since(task.changed_at) >= TASKS_STAY);
        state.quiet.muted.retain(|(_, until)| now < *until);
        if let Some(catch_up) = memory.caught_up(&state, Instant::now())
            && let Some(notice) = digest(&catch_up.changes, catch_up.since, now)
        {
            let held_back = hold_back(&notice, &current_prefs(shared, &state, now), now);
            outcome.notices.push((notice, held_back));
        }
    }
    if memory.ticks % PRUNE_EVERY == 12 {
        let (records, settings) = (shared.records.clone(), shared.settings.load_full());
        shared.tasks.spawn(async move {
            let settings = &settings.settings;
            if let Err(error) = records.prune(now, settings.keep_days, settings.keep_megabytes).await {
                tracing::warn!(%error.message, "the history could not be pruned");
            }
        });
    }
}

/// As long as a connection is up and caught up, it is watched: what ends later and is only listed is for the digest.
fn note_watched(state: &mut State, now: Timestamp) {
    for (name, connection) in &mut state.connections {
        let is_up = matches!(
            connection.health.state,
            ConnectionState::Live | ConnectionState::Polling
        );
        if is_up && connection.track.has_caught_up(name, &state.model) {
            connection.watched_until = now;
        }
    }
}

/// Latency and requests: sent to faces only when they changed.
fn refresh_figures(state: &mut State) {
    let now = Instant::now();
    let mut changed = Vec::new();
    for (name, connection) in &mut state.connections {
        let (median, high) = connection.latencies.percentiles(now);
        let (asked, beats) = match connection.source.as_ref().and_then(|source| source.meter()) {
            Some(meter) => (meter.requests_per_minute(), meter.beats()),
            None => (0, Vec::new()),
        };
        let health = &mut connection.health;
        let before = (
            health.latency_p50_ms,
            health.latency_p95_ms,
            health.requests_per_minute,
            std::mem::take(&mut health.beats),
        );
        health.latency_p50_ms = median;
        health.latency_p95_ms = high;
        health.requests_per_minute = asked;
        health.beats.clone_from(&beats);
        if before != (median, high, asked, beats) {
            changed.push(name.clone());
        }
    }
    for name in changed {
        state.mark_connection(&name);
    }
}

fn take_act(shared: &Arc<Shared>, act: ActInput) {
    let is_quiet = matches!(act, ActInput::Mute(..) | ActInput::Focus(_));
    let mut state = shared.state();
    match act {
        ActInput::Task(task) => state.put_task(*task),
        ActInput::Dismiss(id) => state.drop_tasks(|task| task.id == id),
        ActInput::TryNow(name) => {
            for (known, connection) in &state.connections {
                if name.as_ref().is_none_or(|name| name == known) {
                    connection.look_now();
                }
            }
        }
        ActInput::Mute(subject, until) => {
            state.quiet.muted.retain(|(muted, _)| *muted != subject);
            state.quiet.muted.extend(until.map(|until| (subject, until)));
        }
        ActInput::Focus(until) => state.quiet.focus_until = until,
    }
    drop(state);
    if is_quiet {
        shared.keep_quiet();
    }
}

/// Brings connections and lines up to the settings: what is the same goes on undisturbed.
pub(crate) fn apply_settings(shared: &Arc<Shared>, now: Timestamp) -> Vec<ModelChange> {
    let settings = shared.settings.load_full();
    let mut guard = shared.state();
    let state = &mut *guard;
    let mut changes = Vec::new();
    let mut old: HashMap<ConnectionName, Connection> = state.connections.drain(..).collect();
    for wanted in &settings.connections {
        let name = wanted.source.name.clone();
        let kept = old.remove(&name);
        let connection = match kept {
            Some(mut kept) if kept.settings.is_same_source(wanted) => {
                kept.settings = wanted.clone();
                kept.health.read_only = wanted.read_only;
                kept
            }
            kept => {
                let first_run = kept.as_ref().map_or(0, |kept| kept.run + 1);
                if let Some(kept) = &kept {
                    kept.stop.cancel();
                }
                let watched = state.model.scopes_of(&name).filter_map(|(_, as_of)| as_of).max();
                let mut begun = begin(shared, wanted, first_run, Track::default(), now);
                begun.watched_until = watched.unwrap_or(now);
                begun
            }
        };
        state.connections.insert(name.clone(), connection);
        if let Some(connection) = state.connections.get_mut(&name) {
            connection.refresh_scopes(&state.model);
        }
        state.mark_connection(&name);
    }
    for (name, gone) in old {
        gone.stop.cancel();
        changes.extend(remove_connection(&mut state.model, &name, now));
        state.mark_connection(&name);
        let records = shared.records.clone();
        shared.tasks.spawn(async move {
            if let Err(error) = records.forget_connection(name).await {
                tracing::warn!(%error.message, "a connection could not be forgotten");
            }
        });
    }
    // What the cache holds of connections that are no longer configured.
    let strangers: Vec<ConnectionName> = state
        .model
        .items()
        .filter(|item| !matches!(item.as_ref(), Item::Line(_)))
        .map(|item| item.connection().clone())
        .filter(|name| !state.connections.contains_key(name))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    for name in strangers {
        changes.extend(remove_connection(&mut state.model, &name, now));
    }
    changes.extend(set_line_rules(&mut state.model, settings.lines.clone(), now));
    state.mark_items(&changes, None);
    changes
}

/// After a sleep every stream is dead whatever the system says: all begin anew, and what they list is history.
fn restart_all(shared: &Arc<Shared>, state: &mut State, now: Timestamp) {
    let names: Vec<ConnectionName> = state.connections.keys().cloned().collect();
    for name in names {
        let Some(connection) = state.connections.get_mut(&name) else {
            continue;
        };
        if connection.source.is_none() || connection.health.state == ConnectionState::SignedOut {
            continue;
        }
        connection.stop.cancel();
        let mut track = std::mem::take(&mut connection.track);
        track.woke();
        let mut fresh = begin(shared, &connection.settings.clone(), connection.run + 1, track, now);
        fresh.watched_until = connection.watched_until;
        fresh.login = connection.login.take();
        fresh.health.last_good_at = connection.health.last_good_at;
        fresh.health.dialect = connection.health.dialect.take();
        fresh.health.server_version = connection.health.server_version.take();
        *connection = fresh;
        connection.refresh_scopes(&state.model);
        state.mark_connection(&name);
    }
}

/// Makes the source and puts it under supervision.
fn begin(shared: &Arc<Shared>, settings: &CoreConnection, first_run: u64, track: Track, now: Timestamp) -> Connection {
    let source_settings = &settings.source;
    let kind = shared.kinds.iter().find(|kind| kind.word == source_settings.kind);
    let stop = shared.stop.child_token();
    let cx = Cx {
        connection: source_settings.name.clone(),
        stop: CancellationToken::new(),
        look_again: Arc::new(Notify::new()),
        clock: shared.clock().clone(),
        attended: shared.attended.subscribe(),
    };
    let mut warnings = settings.warnings.clone();
    if settings.read_only {
        warnings.push("read_only".to_owned());
    }
    let mut connection = Connection {
        settings: settings.clone(),
        source: None,
        cx,
        stop,
        try_now: Arc::new(Notify::new()),
        run: first_run,
        track,
        latencies: Latencies::default(),
        login: None,
        watched_until: now,
        health: ConnectionHealth {
            name: source_settings.name.clone(),
            kind: source_settings.kind.clone(),
            label: kind.map_or_else(|| source_settings.kind.clone(), |kind| kind.label[0].to_owned()),
            url: source_settings.url.to_string(),
            warnings,
            read_only: settings.read_only,
            ..ConnectionHealth::default()
        },
    };
    if !settings.enabled {
        connection.set_state(ConnectionState::Off, now);
        return connection;
    }
    let made = match (&settings.broken, kind) {
        (Some(error), _) => Err(error.clone()),
        (None, None) => Err(kopi_model::wire::ApiError::new(
            kopi_model::wire::ErrorCode::Config,
            format!("there is no kind of server called {}", source_settings.kind),
        )),
        (None, Some(kind)) => (kind.make)(source_settings).map_err(Into::into),
    };
    match made {
        Ok(source) => {
            connection.set_state(ConnectionState::Starting, now);
            connection.source = Some(source.clone());
            let watched = Watched {
                connection: source_settings.name.clone(),
                source,
                cx: connection.cx.clone(),
                try_now: connection.try_now.clone(),
                stop: connection.stop.clone(),
                machine: shared.machine.clone(),
                first_run,
            };
            shared.tasks.spawn(supervise(watched, shared.inbox.clone()));
        }
        Err(error) => {
            connection.set_state(ConnectionState::Failed, now);
            connection.health.error = Some(error);
        }
    }
    connection
}
