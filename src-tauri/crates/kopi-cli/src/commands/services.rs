//! `kopi services`: environments, stacks, services, containers as counts, hosts.

use jiff::Timestamp;
use kopi_model::wire::Snapshot;
use kopi_model::{LiveStatus, Service};
use serde_json::Value;

use crate::args::ServicesArguments;
use crate::print::{Exit, Printer};
use crate::shapes::{self, World};
use crate::words;

/// Prints it.
pub(crate) fn services(snapshot: &Snapshot, arguments: &ServicesArguments, printer: Printer, now: Timestamp) -> Exit {
    let world = World::new(snapshot);
    let wanted = |environment: &kopi_model::ItemId| {
        arguments
            .environment
            .as_deref()
            .is_none_or(|name| world.name_of(environment) == Some(name))
    };
    let mut services: Vec<&Service> = world
        .services()
        .filter(|service| wanted(&service.environment))
        .filter(|service| arguments.system || !service.system)
        .collect();
    services.sort_by_key(|service| {
        (
            world.name_of(&service.environment),
            service.stack_name.clone(),
            service.name.clone(),
        )
    });
    let hosts: Vec<_> = world.hosts().filter(|host| wanted(&host.environment)).collect();
    if printer.json {
        let list: Vec<Value> = services
            .iter()
            .map(|service| world.service(service, &world.containers_of(&service.id)))
            .collect();
        let mut document = shapes::outer(now, &snapshot.connections, "services", Value::from(list));
        document["hosts"] = Value::from(hosts.iter().map(|host| world.host(host)).collect::<Vec<_>>());
        printer.document(&document);
        return super::readable(snapshot, printer);
    }
    let rows: Vec<Vec<String>> = services
        .iter()
        .map(|service| {
            let containers = world.containers_of(&service.id);
            // A copy is its primary container; sidekicks come along.
            let primaries = || containers.iter().filter(|container| container.sidekick.is_none());
            let ok = primaries()
                .filter(|container| container.status == LiveStatus::Ok)
                .count();
            let status = words::live_status(service.status, service.phase, printer.lang);
            vec![
                printer.tint(status, shapes::standing_of_live(service.status)),
                world.name_of(&service.environment).unwrap_or("?").to_owned(),
                format!("{}/{}", service.stack_name, service.name),
                format!(
                    "{ok}/{}",
                    service
                        .scale
                        .map_or_else(|| primaries().count().to_string(), |scale| scale.to_string())
                ),
                service.image.clone(),
                service.message.clone().unwrap_or_default(),
            ]
        })
        .collect();
    printer.table(&rows);
    let rows: Vec<Vec<String>> = hosts
        .iter()
        .map(|host| {
            let percent = |value: Option<u8>| value.map_or_else(|| "?".to_owned(), |value| format!("{value}%"));
            vec![
                printer.tint(
                    words::live_status(host.status, kopi_model::item::UpgradePhase::None, printer.lang),
                    shapes::standing_of_live(host.status),
                ),
                host.name.clone(),
                host.address.clone().unwrap_or_default(),
                format!("cpu {}", percent(host.load.cpu_percent)),
                format!(
                    "{} {}",
                    printer.lang.pick("memory", "内存"),
                    percent(host.load.memory_percent)
                ),
            ]
        })
        .collect();
    printer.table(&rows);
    super::readable(snapshot, printer)
}
