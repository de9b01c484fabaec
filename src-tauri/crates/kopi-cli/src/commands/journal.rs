//! `kopi journal`: what was done through Kopi.

use jiff::Timestamp;
use kopi_model::wire::JournalEntry;
use serde_json::{Value, json};

use crate::print::{Exit, Printer};
use crate::{shapes, words};

/// Prints it.
pub(crate) fn journal(entries: &[JournalEntry], printer: Printer, now: Timestamp) -> Exit {
    if printer.json {
        let list = Value::from(entries.iter().map(shapes::journal).collect::<Vec<_>>());
        printer.document(&json!({ "version": 1, "at": now, "entries": list }));
        return Exit::Fine;
    }
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            vec![
                entry.id.to_string(),
                words::age(Some(entry.at), now, printer.lang),
                entry.who.clone(),
                entry.via.clone(),
                words::verb(entry.verb, printer.lang).to_owned(),
                entry.target_name.clone(),
                entry.result.clone(),
                entry.detail.clone().unwrap_or_default(),
            ]
        })
        .collect();
    printer.table(&rows);
    Exit::Fine
}
