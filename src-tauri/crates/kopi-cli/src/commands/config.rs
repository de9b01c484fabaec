//! `kopi config`: the file, its mistakes, its schema.

use kopi_core::config::{KeptConfig, default_commented, schema};
use kopi_model::wire::{ApiError, CheckedLine};
use serde_json::{Value, json};

use crate::args::{Common, ConfigCommand};
use crate::here;
use crate::print::{Exit, Printer};

/// Carries it out.
pub(crate) fn config(command: &ConfigCommand, common: &Common, printer: Printer) -> Result<Exit, ApiError> {
    match command {
        ConfigCommand::Path => {
            printer.line(&here::paths(common)?.config.display().to_string());
            Ok(Exit::Fine)
        }
        ConfigCommand::Schema => {
            printer.line(schema(&kopi_sources::all()).trim_end());
            Ok(Exit::Fine)
        }
        ConfigCommand::Example => {
            printer.line(default_commented(&kopi_sources::all()).trim_end());
            Ok(Exit::Fine)
        }
        ConfigCommand::Check => {
            let paths = here::paths(common)?;
            let findings = KeptConfig::load_or_default(&paths, kopi_sources::all()).check();
            let broken = findings.iter().any(|finding| finding.is_error);
            if printer.json {
                let list = Value::from(findings.iter().map(shape).collect::<Vec<_>>());
                printer.document(&json!({ "version": 1, "ok": !broken, "findings": list }));
            } else {
                for finding in &findings {
                    print(finding, printer);
                }
                if findings.is_empty() {
                    let words = printer.lang.pick("nothing to mend in", "没有要改的：");
                    printer.line(&format!("{words} {}", paths.config.display()));
                }
            }
            Ok(if broken { Exit::CouldNotRead } else { Exit::Fine })
        }
    }
}

fn shape(finding: &CheckedLine) -> Value {
    json!({
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "is_error": finding.is_error,
        "code": finding.error.code,
        "message": finding.error.message,
        "hint": finding.error.hint,
    })
}

/// `file:line:column: what`, as editors jump to.
fn print(finding: &CheckedLine, printer: Printer) {
    let kind = if finding.is_error {
        printer.lang.pick("error", "错误")
    } else {
        printer.lang.pick("warning", "提醒")
    };
    printer.line(&format!(
        "{}:{}:{}: {kind}: {}",
        finding.file, finding.line, finding.column, finding.error.message
    ));
    if let Some(hint) = &finding.error.hint {
        printer.line(&format!("  {hint}"));
    }
}
