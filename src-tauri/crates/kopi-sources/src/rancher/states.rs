//! The server's words for states, normalised (`apis/rancher.md § 4.4`; first match wins).
//!
//! Refuses: calling anything ok that it does not know. The contract lets a healthy service of an unknown state be `ok`;
//! here the state is looked at first, since unknown is never shown as ok.

use kopi_model::LiveStatus;

/// Such a resource is gone: it is dropped, never shown (`apis/rancher.md § 9`).
pub(super) fn is_gone(state: &str) -> bool {
    matches!(state, "removed" | "purging" | "purged")
}

/// Status of a service. `shapeless`: external and alias services, which have no health of their own.
pub(super) fn of_service(state: &str, transitioning: &str, health: Option<&str>, shapeless: bool) -> LiveStatus {
    if transitioning == "error" {
        return LiveStatus::Failed;
    }
    match state {
        "canceled-upgrade" => LiveStatus::Degraded,
        "upgraded" => match by_health(health, shapeless) {
            LiveStatus::Ok => LiveStatus::Working,
            other => other,
        },
        "requested" | "registering" | "activating" | "updating-active" | "updating-inactive" | "deactivating"
        | "upgrading" | "canceling-upgrade" | "rolling-back" | "finishing-upgrade" | "restarting" | "removing" => {
            LiveStatus::Working
        }
        "inactive" => LiveStatus::Stopped,
        "active" => match health {
            None => LiveStatus::Ok,
            some => by_health(some, shapeless),
        },
        _ => LiveStatus::Unknown,
    }
}

fn by_health(health: Option<&str>, shapeless: bool) -> LiveStatus {
    if shapeless {
        return LiveStatus::Ok;
    }
    match health {
        Some("healthy" | "started-once") => LiveStatus::Ok,
        Some("initializing") => LiveStatus::Working,
        Some("degraded") => LiveStatus::Degraded,
        Some("unhealthy") => LiveStatus::Failed,
        _ => LiveStatus::Unknown,
    }
}

/// Status of a container, as if its host could be believed.
pub(super) fn of_container(
    state: &str,
    transitioning: &str,
    health: Option<&str>,
    start_once: bool,
    start_count: u32,
) -> LiveStatus {
    if transitioning == "error" {
        return LiveStatus::Failed;
    }
    match state {
        "error" | "erroring" => LiveStatus::Failed,
        "running" | "updating-running" => match health {
            None | Some("healthy" | "updating-healthy") => LiveStatus::Ok,
            Some("initializing" | "reinitializing" | "updating-reinitializing") => LiveStatus::Working,
            Some("unhealthy" | "updating-unhealthy") => LiveStatus::Failed,
            Some(_) => LiveStatus::Unknown,
        },
        "stopped" if start_once && start_count > 0 => LiveStatus::Ok,
        "stopped" => LiveStatus::Stopped,
        "requested" | "creating" | "starting" | "restarting" | "migrating" | "updating-stopped" | "stopping"
        | "removing" => LiveStatus::Working,
        _ => LiveStatus::Unknown,
    }
}

/// Status of a host.
pub(super) fn of_host(state: &str) -> LiveStatus {
    match state {
        "active" => LiveStatus::Ok,
        "reconnecting" | "disconnecting" => LiveStatus::Degraded,
        "disconnected" | "error" | "erroring" => LiveStatus::Failed,
        "inactive" | "provisioned" => LiveStatus::Stopped,
        "requested"
        | "provisioning"
        | "registering"
        | "activating"
        | "updating-active"
        | "updating-inactive"
        | "deactivating"
        | "reconnected"
        | "finishing-reconnect"
        | "removing" => LiveStatus::Working,
        _ => LiveStatus::Unknown,
    }
}

/// The containers of such a host cannot be believed: their stored state does not change while it is away.
pub(super) fn host_is_away(state: &str) -> bool {
    state == "disconnected"
}

/// Status of a stack by its own state; its services decide what is shown.
pub(super) fn of_stack(state: &str, transitioning: &str) -> LiveStatus {
    if transitioning == "error" {
        return LiveStatus::Failed;
    }
    match state {
        "error" | "erroring" => LiveStatus::Failed,
        "active" => LiveStatus::Ok,
        "canceled-upgrade" => LiveStatus::Degraded,
        "requested" | "activating" | "updating-active" | "upgrading" | "upgraded" | "canceling-upgrade"
        | "rolling-back" | "finishing-upgrade" | "removing" => LiveStatus::Working,
        _ => LiveStatus::Unknown,
    }
}

/// Status of an environment.
pub(super) fn of_environment(state: &str) -> LiveStatus {
    match state {
        "active" => LiveStatus::Ok,
        "inactive" => LiveStatus::Stopped,
        "requested" | "activating" | "updating-active" | "deactivating" | "upgrading" | "removing" => {
            LiveStatus::Working
        }
        _ => LiveStatus::Unknown,
    }
}
