//! `kopi probe`: one connection, all of them, or one that is not configured yet.

use kopi_model::wire::{Answer, ApiError, ErrorCode, NewConnection, ProbeReport, Query, SecretText};
use serde_json::Value;

use crate::args::ProbeArguments;
use crate::print::{Exit, Printer};
use crate::reach::Reach;
use crate::shapes;

/// Prints what was found.
pub(crate) async fn probe(
    reach: &Reach,
    names: &[String],
    arguments: &ProbeArguments,
    printer: Printer,
) -> Result<Exit, ApiError> {
    let reports = if let (Some(kind), Some(url)) = (&arguments.kind, &arguments.url) {
        let connection = NewConnection {
            name: None,
            kind: kind.clone(),
            url: url.clone(),
            fields: arguments
                .fields
                .iter()
                .map(|field| pair(field))
                .collect::<Result<_, _>>()?,
            secrets: arguments
                .secrets
                .iter()
                .map(|field| secret(field))
                .collect::<Result<_, _>>()?,
            found: None,
            read_only: false,
        };
        vec![(None, report(reach.query(Query::ProbeNew { connection }).await?)?)]
    } else {
        let wanted: Vec<&String> = match &arguments.name {
            Some(name) => vec![names.iter().find(|known| *known == name).ok_or_else(|| {
                ApiError::new(ErrorCode::NoSuchConnection, format!("there is no connection {name}"))
                    .hint(format!("there are: {}", names.join(", ")))
            })?],
            None => names.iter().collect(),
        };
        let mut reports = Vec::new();
        for name in wanted {
            let answer = reach
                .query(Query::Probe {
                    connection: name.as_str().into(),
                })
                .await?;
            reports.push((Some(name.clone()), report(answer)?));
        }
        reports
    };
    let ok = reports.iter().all(|(_, report)| report.ok);
    if printer.json {
        let shapes: Vec<Value> = reports
            .iter()
            .map(|(name, report)| shapes::probe(name.as_deref(), report))
            .collect();
        match <[Value; 1]>::try_from(shapes) {
            Ok([only]) => printer.document(&only),
            Err(several) => printer.document(&serde_json::json!({ "version": 1, "ok": ok, "probes": several })),
        }
    } else {
        for (name, report) in &reports {
            print(name.as_deref(), report, printer);
        }
    }
    Ok(if ok { Exit::Fine } else { Exit::CouldNotRead })
}

fn report(answer: Answer) -> Result<ProbeReport, ApiError> {
    match answer {
        Answer::Probe(report) => Ok(*report),
        _ => Err(ApiError::new(ErrorCode::Internal, "the core answered something else")),
    }
}

fn pair(text: &str) -> Result<(String, String), ApiError> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| ApiError::new(ErrorCode::BadRequest, format!("{text:?} is not NAME=VALUE")))
}

fn secret(text: &str) -> Result<(String, SecretText), ApiError> {
    let (name, variable) = pair(text)?;
    let value = std::env::var(&variable).map_err(|_| {
        ApiError::new(
            ErrorCode::Secret,
            format!("the environment variable {variable} is not set"),
        )
    })?;
    Ok((name, SecretText::new(value)))
}

fn print(name: Option<&str>, report: &ProbeReport, printer: Printer) {
    let lang = printer.lang;
    let head = name.unwrap_or(&report.kind);
    match &report.error {
        None => {
            let what = [
                Some(report.kind.clone()),
                report.dialect.clone(),
                report.server_version.clone(),
            ];
            let what = what.into_iter().flatten().collect::<Vec<_>>().join(" ");
            let user = report.user.as_deref().unwrap_or("?");
            let may = report.may.join(", ");
            printer.line(&format!("{head}: {what} · {user} · {may} · {} ms", report.took_ms));
            for (id, name) in &report.choices {
                printer.line(&format!("  {id} {name}"));
            }
        }
        Some(error) => {
            printer.line(&format!(
                "{head}: {} {}",
                lang.pick("does not work:", "不通："),
                error.message
            ));
            for text in [&error.words, &error.hint].into_iter().flatten() {
                printer.line(&format!("  {text}"));
            }
        }
    }
}
