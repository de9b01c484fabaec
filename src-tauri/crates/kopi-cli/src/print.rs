//! Where words and data go: data on stdout, words about progress and errors on stderr; colour only on a terminal.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

use kopi_model::wire::ApiError;
use kopi_notify::Lang;
use serde_json::{Value, json};

use crate::words;

/// How a command's end is told to scripts (`cli.md`, Exit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Fine = 0,
    Wrong = 1,
    CouldNotRead = 2,
    Refused = 3,
    OutcomeUnknown = 4,
}

/// The reader of this run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) lang: Lang,
}

#[allow(
    clippy::unused_self,
    reason = "what prints is handed a printer, whether this kind of word needs it or not"
)]
impl Printer {
    /// One JSON document.
    pub(crate) fn document(self, value: &Value) {
        put(&format!("{value:#}\n"));
    }

    /// One JSON object on one line, seen at once.
    pub(crate) fn object(self, value: &Value) {
        put(&format!("{value}\n"));
    }

    /// A line of data.
    pub(crate) fn line(self, line: &str) {
        put(&format!("{line}\n"));
    }

    /// Words about progress.
    pub(crate) fn progress(self, words: &str) {
        if !self.quiet && !self.json {
            eprintln!("{words}");
        }
    }

    /// An error, in both forms; gives the exit that fits.
    pub(crate) fn error(self, error: &ApiError) -> Exit {
        let hint = error
            .hint
            .clone()
            .or_else(|| words::hint(error.code, self.lang).map(str::to_owned));
        if self.json {
            self.document(&json!({
                "version": 1,
                "error": { "code": error.code, "message": error.message, "hint": hint, "retry_at": error.retry_at },
            }));
        } else {
            eprintln!("kopi: {}", error.message);
            if let Some(words) = error.words.as_deref().filter(|words| !error.message.contains(*words)) {
                eprintln!("  {words}");
            }
            if let Some(hint) = hint {
                eprintln!("  {hint}");
            }
        }
        exit_of(error)
    }

    /// Columns as wide as their widest cell; Chinese counts double.
    pub(crate) fn table(self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                rows.iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| width(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let padding = widths[column].saturating_sub(width(cell)) + 2;
                let _ = write!(line, "{cell}{:padding$}", "");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        put(&text);
    }

    /// Colour for a word by how it stands; none unless on a terminal.
    pub(crate) fn tint(self, text: &str, standing: crate::shapes::Standing) -> String {
        use crate::shapes::Standing;
        if self.json
            || !std::io::stdout().is_terminal()
            || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        {
            return text.to_owned();
        }
        let code = match standing {
            Standing::Wrong => "31",
            Standing::Moving => "34",
            Standing::Unknown => "33",
            Standing::Fine => return text.to_owned(),
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// A reader that has gone (`kopi builds | head`) ends the command quietly.
fn put(text: &str) {
    if std::io::stdout()
        .write_all(text.as_bytes())
        .and_then(|()| std::io::stdout().flush())
        .is_err()
    {
        std::process::exit(0);
    }
}

/// Cells a text takes on a terminal: colour codes none, Chinese and full-width two.
fn width(text: &str) -> usize {
    let mut cells = 0;
    let mut in_escape = false;
    for character in text.chars() {
        match (in_escape, character) {
            (true, 'm') => in_escape = false,
            (true, _) => {}
            (false, '\u{1b}') => in_escape = true,
            (
                false,
                '\u{1100}'..='\u{115f}'
                | '\u{2e80}'..='\u{a4cf}'
                | '\u{ac00}'..='\u{d7a3}'
                | '\u{f900}'..='\u{faff}'
                | '\u{fe30}'..='\u{fe4f}'
                | '\u{ff00}'..='\u{ff60}'
                | '\u{ffe0}'..='\u{ffe6}'
                | '\u{1f300}'..='\u{1faff}'
                | '\u{20000}'..='\u{3fffd}',
            ) => cells += 2,
            (false, _) => cells += 1,
        }
    }
    cells
}

/// The exit an error asks for.
pub(crate) fn exit_of(error: &ApiError) -> Exit {
    use kopi_model::wire::ErrorCode as Code;
    match error.code {
        Code::OutcomeUnknown => Exit::OutcomeUnknown,
        Code::ReadOnly | Code::PlanOutdated | Code::NotConfirmed | Code::AlreadyRunning | Code::NotAllowedHere => {
            Exit::Refused
        }
        Code::ActionNotAvailable | Code::Conflict | Code::InvalidRequest | Code::NotSupported => Exit::Wrong,
        _ => Exit::CouldNotRead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kopi_model::wire::ErrorCode;

    #[test]
    fn chinese_takes_two_cells_and_colours_none() {
        assert_eq!(width("api"), 3);
        assert_eq!(width("孙悦"), 4);
        assert_eq!(width("\u{1b}[31mapi\u{1b}[0m"), 3);
    }

    #[test]
    fn exits_are_those_of_the_promise() {
        let exit = |code| exit_of(&ApiError::new(code, ""));
        assert_eq!(exit(ErrorCode::OutcomeUnknown), Exit::OutcomeUnknown);
        assert_eq!(exit(ErrorCode::ReadOnly), Exit::Refused);
        assert_eq!(exit(ErrorCode::ActionNotAvailable), Exit::Wrong);
        assert_eq!(exit(ErrorCode::Dns), Exit::CouldNotRead);
    }
}
