//! The message keys that plans and tasks carry, with the names of their parts. Each face words them in its language
//! (`ui/messages`, `kopi-cli`); this is the one list.
//!
//! Numbers are decimal text; `order` is `stop_first` or `start_first`.

/// A key and its parts.
pub type Key = (&'static str, &'static [&'static str]);

/// Steps, in the order in which they happen.
pub const STEPS: &[Key] = &[
    // The hosts pull the image anew.
    ("plan_pull", &["image", "hosts"]),
    // So many containers are replaced, so many at a time, with a pause in seconds between.
    ("plan_replace", &["count", "batch", "order", "pause_s"]),
    // The old ones stay, stopped, until the upgrade is finished.
    ("plan_keep_old", &["count"]),
    // Kopi watches until every container is up, at most so long.
    ("plan_watch", &["minutes"]),
    // Then Kopi finishes the upgrade by itself: the old containers are removed.
    ("plan_finish", &[]),
    // Then a person finishes or goes back.
    ("plan_finish_by_hand", &[]),
    // The old containers are removed; there is no way back after it but a new upgrade.
    ("plan_remove_old", &["count"]),
    // The old containers are started again, the new ones stopped and removed.
    ("plan_restore_old", &["image"]),
    // The upgrade stops after the step under way.
    ("plan_cancel_upgrade", &[]),
    // From so many copies to so many.
    ("plan_scale", &["from", "to"]),
    ("plan_start", &["count"]),
    ("plan_stop", &["count"]),
    ("plan_restart", &["count"]),
    // A new build of the same commit.
    ("plan_build_again", &["number", "branch"]),
    ("plan_build_cancel", &["number"]),
    ("plan_build_approve", &["number"]),
    ("plan_build_decline", &["number"]),
    // A build that deploys that one to an environment.
    ("plan_promote", &["number", "environment"]),
    ("plan_repo_enable", &["repo"]),
    ("plan_repo_disable", &["repo"]),
];

/// What is not touched.
pub const UNTOUCHED: &[Key] = &[
    // The other services of the stack.
    ("untouched_services", &["count", "stack"]),
    // Environment variables, labels, volumes, ports and scale.
    ("untouched_configuration", &[]),
    ("untouched_other_builds", &[]),
    ("untouched_containers", &[]),
];

/// Known risks.
pub const RISKS: &[Key] = &[
    // One copy, stopped before the new one starts: nothing serves meanwhile.
    ("risk_gap", &[]),
    // The tag can be moved: what comes cannot be told before.
    ("risk_moving_tag", &["tag"]),
    // No health check: up means only that the process runs.
    ("risk_no_health_check", &[]),
    // New before old needs the ports free on another host.
    ("risk_start_first_ports", &["ports"]),
    // It is stopped now and will be started by it.
    ("risk_starts_stopped", &[]),
    // It is not well now, in the server's words.
    ("risk_not_well_now", &["state"]),
    // That tag runs already.
    ("risk_same_tag", &["tag"]),
    // Nothing serves after it.
    ("risk_nothing_left", &[]),
    // One after the other is gone for a moment.
    ("risk_restart_gap", &[]),
];

/// Why not now.
pub const REFUSED: &[Key] = &[
    // The connection is read-only in `kopi.toml`.
    ("refused_read_only", &["connection"]),
    // The key may only read there.
    ("refused_key_reads_only", &["environment"]),
    // The connection is down: a plan on an old picture would be a guess.
    ("refused_connection_down", &["connection"]),
    // An upgrade waits to be finished or rolled back.
    ("refused_upgraded", &["state"]),
    // An upgrade is under way.
    ("refused_upgrading", &["state"]),
    // An upgrade was cancelled half-way.
    ("refused_upgrade_cancelled", &["state"]),
    // There is no upgrade to finish, cancel or go back from.
    ("refused_no_upgrade", &[]),
    // This kind of thing cannot be upgraded (`apis/rancher.md § 4.3`).
    ("refused_kind", &["kind"]),
    // The server does not offer it in this state.
    ("refused_not_offered", &["state"]),
    // Kopi is at it already.
    ("refused_already_running", &["verb"]),
    // It is that already.
    ("refused_already_so", &["state"]),
];

/// Details of a task that are ours; anything else there is the server's words.
pub const DETAILS: &[Key] = &[
    ("task_awaits_finish", &[]),
    ("task_rolled_back", &[]),
    ("task_superseded", &[]),
    ("task_interrupted", &[]),
    ("task_gone", &[]),
    ("task_overdue", &[]),
    ("task_connection_down", &[]),
    ("task_never_arrived", &[]),
    ("task_outcome_unknown", &[]),
    ("task_plan_changed", &[]),
    ("task_not_sent", &[]),
    ("task_no_effect", &[]),
];
