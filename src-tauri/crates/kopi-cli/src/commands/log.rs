//! `kopi log`: a build's log, whole or followed, with the step's name in front where there are several.

use std::collections::BTreeSet;
use std::io::IsTerminal;

use kopi_model::wire::{Answer, ApiError, ErrorCode, Frame, LogAsk, LogEnd, LogLine, Query, RequestBody};
use kopi_model::{Build, Item, ItemId};
use serde_json::json;

use crate::args::LogArguments;
use crate::print::{Exit, Printer};
use crate::reach::Reach;

/// Prints it. Without a step all steps follow each other in order.
pub(crate) async fn log(
    mut reach: Reach,
    id: ItemId,
    arguments: &LogArguments,
    printer: Printer,
) -> Result<Exit, ApiError> {
    let build = match reach.query(Query::Item { id: id.clone() }).await? {
        Answer::Item(item) => match *item {
            Item::Build(build) => build,
            _ => return Err(ApiError::new(ErrorCode::BadRequest, format!("{id} is not a build"))),
        },
        _ => return Err(ApiError::new(ErrorCode::Internal, "the core answered something else")),
    };
    let steps = wanted(&build, arguments.step.as_deref())?;
    let several = steps.len() > 1;
    let plain = arguments.plain || !std::io::stdout().is_terminal() && !printer.json;
    let mut lines = Vec::new();
    for (key, name) in &steps {
        let ask = LogAsk {
            item: id.clone(),
            step: Some(key.clone()),
            follow: arguments.follow,
        };
        let opened = reach.send(RequestBody::OpenLog(ask)).await?;
        loop {
            match reach.next().await {
                Some(Frame::Log(frame)) if frame.id == opened => {
                    if frame.gap {
                        printer.progress(printer.lang.pick("… lines were lost here", "… 这里丢了几行"));
                    }
                    for line in frame.lines {
                        if printer.json && !arguments.follow {
                            lines.push(shape(&line, name, arguments.plain));
                        } else if printer.json {
                            printer.object(&shape(&line, name, arguments.plain));
                        } else {
                            let text = if plain { strip_ansi(&line.text) } else { line.text };
                            printer.line(&if several { format!("{name} | {text}") } else { text });
                        }
                    }
                    match frame.ended {
                        Some(LogEnd::Failed { error }) => return Err(error),
                        Some(_) => break,
                        None => {}
                    }
                }
                Some(_) => {}
                None => return Err(ApiError::new(ErrorCode::CoreGone, "the core went away")),
            }
        }
    }
    if printer.json && !arguments.follow {
        printer.document(&json!({ "version": 1, "at": jiff::Timestamp::now(), "connections": [], "lines": lines }));
    }
    reach.leave().await;
    Ok(Exit::Fine)
}

fn wanted(build: &Build, step: Option<&str>) -> Result<Vec<(String, String)>, ApiError> {
    let named = |step: &kopi_model::Step| (step.key.clone(), step.name.clone());
    match step {
        None => Ok(build.steps.iter().map(named).collect()),
        Some(name) => {
            let found: Vec<_> = build.steps.iter().filter(|step| step.name == name).map(named).collect();
            if found.is_empty() {
                let names = build
                    .steps
                    .iter()
                    .map(|step| step.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ");
                let message = format!("{}#{} has no step {name}", build.repo, build.number);
                return Err(ApiError::new(ErrorCode::NoSuchItem, message).hint(format!("its steps: {names}")));
            }
            Ok(found)
        }
    }
}

fn shape(line: &LogLine, step: &str, plain: bool) -> serde_json::Value {
    let text = if plain {
        strip_ansi(&line.text)
    } else {
        line.text.clone()
    };
    json!({ "step": line.step.as_deref().unwrap_or(step), "at_s": line.at_s, "text": text, "number": line.number })
}

/// Without escape sequences.
pub(crate) fn strip_ansi(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            plain.push(character);
        } else if characters.next_if_eq(&'[').is_some() {
            // Parameters and intermediates end with one byte of @ to ~.
            while characters
                .next()
                .is_some_and(|character| !('@'..='~').contains(&character))
            {}
        } else {
            characters.next();
        }
    }
    plain
}

/// `CONNECTION/OWNER/REPO#N`, or `OWNER/REPO#N` where one connection has that repository. Builds beyond the live model are
/// found by the connection's name, or when there is only one that builds.
pub(crate) fn resolve_build(text: &str, builds: &[&Build], connections: &[String]) -> Result<ItemId, ApiError> {
    let usage = || {
        ApiError::new(ErrorCode::BadRequest, format!("{text:?} does not name a build"))
            .hint("CONNECTION/OWNER/REPO#NUMBER, for instance drone/ihealth/web#877")
    };
    let (path, number) = text.rsplit_once('#').ok_or_else(usage)?;
    let number: u64 = number.parse().map_err(|_| usage())?;
    let id = |connection: &str, repo: &str| {
        ItemId::new(
            kopi_model::ItemKind::Build,
            &connection.into(),
            &format!("{repo}#{number}"),
        )
    };
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [connection, owner, repo] => {
            if connections.iter().any(|name| name == connection) {
                Ok(id(connection, &format!("{owner}/{repo}")))
            } else {
                Err(ApiError::new(
                    ErrorCode::NoSuchConnection,
                    format!("there is no connection {connection}"),
                )
                .hint(format!("there are: {}", connections.join(", "))))
            }
        }
        [owner, repo] => {
            let repo = format!("{owner}/{repo}");
            let of_repo = builds.iter().filter(|build| build.repo == repo);
            let found: BTreeSet<&str> = of_repo.map(|build| build.connection.as_str()).collect();
            match found.iter().collect::<Vec<_>>().as_slice() {
                [connection] => Ok(id(connection, &repo)),
                [] => Err(ApiError::new(
                    ErrorCode::NoSuchItem,
                    format!("no connection knows {repo}"),
                )),
                several => Err(
                    ApiError::new(ErrorCode::BadRequest, format!("{repo} is built by several: say which")).hint(
                        several
                            .iter()
                            .map(|name| format!("{name}/{repo}#{number}"))
                            .collect::<Vec<_>>()
                            .join(", "),
                    ),
                ),
            }
        }
        _ => Err(usage()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_go_and_nothing_else() {
        assert_eq!(
            strip_ansi("\u{1b}[1;31mERROR\u{1b}[0m 5.6 mmol/L 应为 \u{1b}[K100"),
            "ERROR 5.6 mmol/L 应为 100"
        );
        assert_eq!(strip_ansi("[INFO] a\u{1b}"), "[INFO] a");
    }

    #[test]
    fn a_build_is_named_by_its_connection_or_found_by_its_repository() {
        let builds = [
            Build {
                connection: "drone".into(),
                repo: "ihealth/web".into(),
                number: 9,
                ..Build::default()
            },
            Build {
                connection: "drone".into(),
                repo: "ihealth/api".into(),
                number: 3,
                ..Build::default()
            },
            Build {
                connection: "ci2".into(),
                repo: "ihealth/api".into(),
                number: 3,
                ..Build::default()
            },
        ];
        let builds: Vec<&Build> = builds.iter().collect();
        let connections = ["drone".to_owned(), "ci2".to_owned()];
        let resolve = |text: &str| resolve_build(text, &builds, &connections);
        assert_eq!(resolve("ihealth/web#4").unwrap().as_str(), "build:drone/ihealth/web#4");
        assert_eq!(
            resolve("ci2/ihealth/api#3").unwrap().as_str(),
            "build:ci2/ihealth/api#3"
        );
        assert_eq!(
            resolve("ihealth/api#3").unwrap_err().code,
            ErrorCode::BadRequest,
            "ambiguity is asked back"
        );
        assert_eq!(
            resolve("nope/ihealth/api#3").unwrap_err().code,
            ErrorCode::NoSuchConnection
        );
        assert_eq!(resolve("web").unwrap_err().code, ErrorCode::BadRequest);
    }
}
