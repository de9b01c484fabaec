//! Health of services and stacks, counted as the server does (`apis/rancher.md § 4.1`).

use super::world::{Service, Step, World};

/// Health of a service, counted as the server does (`§ 4.1`).
pub(super) fn health(world: &World, service: &Service) -> &'static str {
    if !service.has_containers() {
        return "healthy";
    }
    if service.state == "registering" {
        return "healthy";
    }
    let members = world.members.get(&service.id).into_iter().flatten();
    let counted: Vec<_> = members
        .filter_map(|id| world.containers.get(id))
        .filter(|container| !container.marked && container.step == Step::Running)
        .collect();
    let good = counted.iter().filter(|container| container.is_good()).count();
    let starting = counted
        .iter()
        .any(|container| matches!(container.health, Some("initializing" | "reinitializing")));
    let expected = if service.is_global() {
        let hosts = world.hosts.values().filter(|host| {
            host.project == service.project
                && host.state == "active"
                && host.removed.is_none()
                && host.agent_state.is_none()
        });
        hosts.count()
    } else {
        service.scale as usize
    } * service.configurations().len();
    if service.state == "inactive" {
        "unhealthy"
    } else if good >= expected {
        "healthy"
    } else if starting {
        "initializing"
    } else if good > 0 {
        "degraded"
    } else {
        "unhealthy"
    }
}

/// Health of a stack, over its services.
pub(super) fn stack_health(world: &World, stack: u32) -> &'static str {
    let services: Vec<&Service> = world
        .services
        .values()
        .filter(|service| service.stack == stack && service.removed.is_none())
        .collect();
    let good = |service: &&Service| {
        let activeish = matches!(
            service.state,
            "active"
                | "upgrading"
                | "upgraded"
                | "canceled-upgrade"
                | "rolling-back"
                | "finishing-upgrade"
                | "restarting"
                | "activating"
                | "updating-active"
        );
        activeish && health(world, service) == "healthy"
    };
    let count = services.iter().filter(|service| good(service)).count();
    if count == services.len() {
        "healthy"
    } else if services.iter().any(|service| health(world, service) == "initializing") {
        "initializing"
    } else if count > 0 {
        "degraded"
    } else {
        "unhealthy"
    }
}
