//! Rows of any kind → JSON: logs, and the way to a row by its number.

use serde_json::{Value, json};

use super::render::{Row, View, container, host, project, service, stack};
use super::world::{AuditLog, Host, Kind, ServiceLog, World};

/// A service log row.
pub(super) fn service_log(log: &ServiceLog, view: &View) -> Value {
    let id = Kind::ServiceLog.id(log.id);
    let mut row = Row::new("serviceLog", view, "servicelogs", &id, &[])
        .set("accountId", Kind::Project.id(log.project))
        .set("description", log.description.as_str())
        .set("eventType", log.event.as_str())
        .set(
            "instanceId",
            log.container.map(|container| Kind::Container.id(container)),
        )
        .set("level", if log.error { "error" } else { "info" })
        .set("serviceId", Kind::Service.id(log.service))
        .set("subLog", log.sub)
        .set("transactionId", log.transaction.as_str())
        .date("created", Some(log.created))
        .date("endTime", log.ended);
    if log.container.is_some() {
        let own = format!("{}/servicelogs/{id}/instance", view.prefix());
        if let Some(Value::Object(links)) = row.out.get_mut("links") {
            links.insert("instance".into(), own.into());
        }
    }
    row.done()
}

/// An audit log row.
pub(super) fn audit_log(log: &AuditLog, view: &View) -> Value {
    let id = Kind::AuditLog.id(log.id);
    let resource = format!(
        "{}/{}s/{}",
        view.prefix(),
        log.resource_type.to_lowercase(),
        log.resource_id
    );
    let mut row = Row::new("auditLog", view, "auditlogs", &id, &[]);
    if let Some(Value::Object(links)) = row.out.get_mut("links") {
        links.insert("resource".into(), resource.into());
    }
    row.set("accountId", Kind::Project.id(log.project))
        .set("authenticatedAsAccountId", log.by.as_str())
        .set(
            "authenticatedAsIdentityId",
            format!("1i!rancher_id:{}", log.by.trim_start_matches("1a")),
        )
        .set("eventType", log.event.as_str())
        .set("resourceType", log.resource_type.as_str())
        .set("resourceId", log.resource_id.as_str())
        .set("responseCode", log.status)
        .set("requestObject", log.request.clone())
        .set("responseObject", log.response.clone())
        .date("created", Some(log.created))
        .done()
}

/// The row with that number, as GET gives it; `None` when it is not there.
pub(super) fn row(world: &World, kind: Kind, number: u32, view: &View) -> Option<Value> {
    Some(match kind {
        Kind::Project => project(world, world.projects.get(&number)?, view, false, false),
        Kind::Stack => stack(world, world.stacks.get(&number)?, view),
        Kind::Service => service(world, world.services.get(&number)?, view),
        Kind::Container => container(world, world.containers.get(&number)?, view),
        Kind::Host => host(world, world.hosts.get(&number)?, view),
        Kind::ServiceLog => service_log(world.service_logs.get(&number)?, view),
        Kind::AuditLog => audit_log(world.audit_logs.get(&number)?, view),
    })
}

/// The row's project, for access.
pub(super) fn project_of(world: &World, kind: Kind, number: u32) -> Option<u32> {
    match kind {
        Kind::Project => world.projects.contains_key(&number).then_some(number),
        Kind::Stack => world.stacks.get(&number).map(|row| row.project),
        Kind::Service => world.services.get(&number).map(|row| row.project),
        Kind::Container => world.containers.get(&number).map(|row| row.project),
        Kind::Host => world.hosts.get(&number).map(|row| row.project),
        Kind::ServiceLog => world.service_logs.get(&number).map(|row| row.project),
        Kind::AuditLog => world.audit_logs.get(&number).map(|row| row.project),
    }
}

/// What the agent reports of a host.
pub(super) fn info(host: &Host) -> Value {
    let total = f64::from(host.memory_mb);
    let free = total * (1.0 - host.memory_percent / 100.0);
    let rounded = |number: f64| (number * 10.0).round() / 10.0;
    let cores: Vec<f64> = (0..host.cores)
        .map(|core| rounded(host.cpu_percent + f64::from(core % 3) - 1.0).max(0.0))
        .collect();
    let load = format!("{:.2}", host.cpu_percent / 100.0 * f64::from(host.cores));
    let disk = 100_000.0;
    json!({
        "cpuInfo": {"count": host.cores, "loadAvg": [load, load, load], "modelName": "Intel(R) Xeon(R) CPU E5-2680 v4", "mhz": 2399.9,
            "cpuCoresPercentages": cores},
        "memoryInfo": {"memTotal": rounded(total), "memFree": rounded(free * 0.6), "memAvailable": rounded(free)},
        "diskInfo": {"fileSystems": {}, "mountPoints": {"/dev/sda1": {"free": disk * (1.0 - host.disk_percent / 100.0), "total": disk,
            "used": disk * host.disk_percent / 100.0, "percentUsed": rounded(host.disk_percent)}}},
        "osInfo": {"dockerVersion": "Docker version 17.03.2-ce, build f5ec1e2", "kernelVersion": "4.4.0-142-generic",
            "operatingSystem": "Ubuntu 16.04.6 LTS"},
    })
}
