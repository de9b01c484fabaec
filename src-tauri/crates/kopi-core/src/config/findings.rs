//! What is wrong with the file, each with line and column, what was expected and the nearest valid name.

use std::ops::Range;
use std::path::Path;

use kopi_model::wire::{ApiError, CheckedLine, ErrorCode};

/// Gathers findings about one text.
pub(super) struct Findings<'a> {
    file: String,
    text: &'a str,
    pub(super) lines: Vec<CheckedLine>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(file: &Path, text: &'a str) -> Self {
        Self {
            file: file.display().to_string(),
            text,
            lines: Vec::new(),
        }
    }

    pub(super) fn error(&mut self, span: Option<Range<usize>>, message: impl Into<String>, hint: Option<String>) {
        self.add(span, message.into(), hint, true);
    }

    pub(super) fn warning(&mut self, span: Option<Range<usize>>, message: impl Into<String>, hint: Option<String>) {
        self.add(span, message.into(), hint, false);
    }

    pub(super) fn failed(&self) -> bool {
        self.lines.iter().any(|line| line.is_error)
    }

    /// A word that is not known there.
    pub(super) fn unknown(&mut self, span: Option<Range<usize>>, what: &str, found: &str, valid: &[&str]) {
        let hint = match nearest(found, valid) {
            Some(name) => format!("did you mean {name}?"),
            None => format!("there are {}", valid.join(", ")),
        };
        self.error(span, format!("{what} {found:?} is not known"), Some(hint));
    }

    fn add(&mut self, span: Option<Range<usize>>, message: String, hint: Option<String>, is_error: bool) {
        let (line, column) = span.map_or((0, 0), |span| self.place(span.start));
        let mut error = ApiError::new(ErrorCode::Config, message);
        error.hint = hint;
        self.lines.push(CheckedLine {
            file: self.file.clone(),
            line,
            column,
            is_error,
            error,
        });
    }

    /// Line and column from 1, the column in characters.
    pub(super) fn place(&self, offset: usize) -> (u32, u32) {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line as u32, column as u32)
    }
}

/// The valid name that was probably meant.
pub(super) fn nearest<'a>(found: &str, valid: &[&'a str]) -> Option<&'a str> {
    let found = found.to_lowercase();
    valid
        .iter()
        .map(|name| (strsim::jaro_winkler(&found, name), *name))
        .filter(|(likeness, name)| *likeness >= 0.8 || strsim::damerau_levenshtein(&found, name) <= 2 && name.len() > 3)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

/// A finding as the one error that `About` shows: `kopi.toml:3:5: …`.
pub(super) fn as_error(line: &CheckedLine) -> ApiError {
    let place = if line.line == 0 {
        line.file.clone()
    } else {
        format!("{}:{}:{}", line.file, line.line, line.column)
    };
    ApiError {
        message: format!("{place}: {}", line.error.message),
        ..line.error.clone()
    }
}
