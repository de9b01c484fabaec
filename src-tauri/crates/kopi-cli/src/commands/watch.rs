//! `kopi watch`: every change as it comes, one a line, until interrupted.

use kopi_model::Item;
use kopi_model::wire::{ApiError, ErrorCode, Frame, RequestBody};
use serde_json::json;

use crate::print::{Exit, Printer};
use crate::reach::Reach;
use crate::{shapes, words};

/// Prints until the core goes away.
pub(crate) async fn watch(mut reach: Reach, printer: Printer) -> Result<Exit, ApiError> {
    let snapshot = reach.subscribe().await?;
    reach.send(RequestBody::Ack { rev: snapshot.rev }).await?;
    printer.progress(printer.lang.pick("watching; Ctrl+C ends it", "盯着了，Ctrl+C 结束"));
    while let Some(frame) = reach.next().await {
        match frame {
            Frame::Patch(patch) => {
                let at = jiff::Timestamp::now();
                for item in &patch.upserts {
                    if printer.json {
                        printer.object(&json!({
                            "version": 1, "rev": patch.rev, "at": at, "change": "upsert", "kind": item.kind(), "item": &**item,
                        }));
                    } else if let Some(line) = line(item, printer) {
                        printer.line(&line);
                    }
                }
                for id in &patch.gone {
                    if printer.json {
                        printer.object(&json!({
                            "version": 1, "rev": patch.rev, "at": at, "change": "gone", "kind": id.kind(), "item": { "id": id },
                        }));
                    } else {
                        printer.line(&format!("{} {id}", printer.lang.pick("gone", "没了")));
                    }
                }
                reach.send(RequestBody::Ack { rev: patch.rev }).await?;
            }
            Frame::Snapshot(snapshot) => {
                reach.send(RequestBody::Ack { rev: snapshot.rev }).await?;
            }
            Frame::Bye { .. } => break,
            _ => {}
        }
    }
    Err(ApiError::new(ErrorCode::CoreGone, "the core went away"))
}

fn line(item: &Item, printer: Printer) -> Option<String> {
    let lang = printer.lang;
    Some(match item {
        Item::Build(build) => {
            let status = printer.tint(
                words::build_status(build.status, lang),
                shapes::standing_of_build(build.status),
            );
            let running = build
                .steps
                .iter()
                .find(|step| step.status == kopi_model::BuildStatus::Running && !step.is_service);
            let step = kopi_model::decide::broken_step(build).or(running);
            format!(
                "{}#{} {status} {}",
                build.repo,
                build.number,
                step.map_or("", |step| step.name.as_str())
            )
        }
        Item::Service(service) => {
            let status = words::live_status(service.status, service.phase, lang);
            let status = printer.tint(status, shapes::standing_of_live(service.status));
            format!("{}/{} {status} {}", service.stack_name, service.name, service.image)
        }
        Item::Container(container) => {
            format!(
                "{} {} {}",
                container.name,
                container.server_state,
                container.health.as_deref().unwrap_or("")
            )
        }
        Item::Host(host) => format!("{} {}", host.name, host.server_state),
        _ => return None,
    })
}
