//! Reads `kopi.toml`. Every mistake is found in one go, each with its place.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use kopi_feed::{Field, FieldKind, Secret, SourceKind, TlsSettings};
use kopi_model::wire::{CheckedLine, Settings};
use kopi_model::{ConnectionName, LineRule};
use toml_edit::{Document, Item, Table, TableLike, Value};
use url::Url;

use super::fields::{self, CONNECTION, Kind, Known, LINE, SECRET_PLACES, SETTINGS};
use super::findings::Findings;
use super::secret::SecretPlace;

/// The file, understood. Secrets are still where they are.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// In the order of the file.
    pub connections: Vec<ConfigConnection>,
    /// In the order of the file.
    pub lines: Vec<LineRule>,
    /// General settings; `connections` is empty here.
    pub settings: Settings,
}

/// A `[[connection]]`.
#[derive(Clone, Debug)]
pub struct ConfigConnection {
    /// Name.
    pub name: ConnectionName,
    /// Kind.
    pub kind: String,
    /// Address, without user and password.
    pub url: Url,
    /// Plain fields of the kind; lists are joined by commas.
    pub fields: BTreeMap<String, String>,
    /// Where its secrets are; every secret field of the kind.
    pub secrets: BTreeMap<String, SecretPlace>,
    /// Secret fields that it cannot do without.
    pub needed: Vec<String>,
    /// Kopi must not act through it.
    pub read_only: bool,
    /// In use.
    pub enabled: bool,
    /// TLS.
    pub tls: TlsSettings,
    /// Production environments.
    pub production: Vec<String>,
    /// Line of the file, from 1.
    pub line: u32,
}

/// What reading gave.
#[derive(Clone, Debug)]
pub struct Reading {
    /// None when anything is wrong.
    pub config: Option<Config>,
    /// Errors and warnings, in the order of the file.
    pub findings: Vec<CheckedLine>,
}

/// Reads a text. `file` names it in findings, and relative paths start in its folder; `~/` in `home`.
pub fn read(text: &str, file: &Path, home: Option<&Path>, kinds: &[SourceKind]) -> Reading {
    let mut reader = Reader {
        findings: Findings::new(file, text),
        folder: file.parent().map(Path::to_owned).unwrap_or_default(),
        home: home.map(Path::to_owned),
        kinds,
    };
    let config = match Document::parse(text) {
        Ok(document) => reader.document(document.as_table()),
        Err(error) => {
            reader.findings.error(
                error.span(),
                error.message().trim().to_lowercase().replace('\n', "; "),
                None,
            );
            Config::default()
        }
    };
    let failed = reader.findings.failed();
    let mut findings = reader.findings.lines;
    findings.sort_by_key(|finding| (finding.line, finding.column));
    Reading {
        config: (!failed).then_some(config),
        findings,
    }
}

type Span = Option<Range<usize>>;

struct Reader<'a> {
    findings: Findings<'a>,
    folder: PathBuf,
    home: Option<PathBuf>,
    kinds: &'a [SourceKind],
}

impl Reader<'_> {
    fn document(&mut self, root: &Table) -> Config {
        let mut config = Config::default();
        let mut settings = serde_json::Map::new();
        let names: Vec<&str> = SETTINGS
            .iter()
            .map(|known| known.name)
            .chain(["connection", "line"])
            .collect();
        for (name, item) in root {
            let span = key_span(root, name);
            match (name, SETTINGS.iter().find(|known| known.name == name)) {
                ("connection", _) => {
                    for table in self.tables(item, span, "connection") {
                        config.connections.extend(self.connection(table, &config.connections));
                    }
                }
                ("line", _) => {
                    for table in self.tables(item, span, "line") {
                        config.lines.extend(self.line(table));
                    }
                }
                (_, Some(known)) => {
                    if let Some(value) = self.value(item, known) {
                        settings.insert(name.to_owned(), value);
                    }
                }
                (_, None) => self.findings.unknown(span, "the setting", name, &names),
            }
        }
        match serde_json::from_value(settings.into()) {
            Ok(settings) => config.settings = settings,
            Err(error) => self.findings.error(None, format!("settings: {error}"), None),
        }
        config
    }

    fn tables<'t>(&mut self, item: &'t Item, span: Span, name: &str) -> Vec<&'t Table> {
        if let Some(tables) = item.as_array_of_tables() {
            return tables.iter().collect();
        }
        self.findings.error(
            span,
            format!("{name} is a list of tables"),
            Some(format!("begin each with a line [[{name}]] (two brackets)")),
        );
        Vec::new()
    }

    fn connection(&mut self, table: &Table, before: &[ConfigConnection]) -> Option<ConfigConnection> {
        let start = table.span();
        let name = self.name(table, before);
        let kind = self.kind(table);
        let url = self.url(table);
        let mut known: Vec<&str> = CONNECTION.iter().map(|known| known.name).collect();
        known.extend(kind.iter().flat_map(|kind| kind.fields.iter().map(|field| field.name)));
        let mut made = ConfigConnection {
            name: name.clone().unwrap_or_default().into(),
            kind: kind.map(|kind| kind.word.to_owned()).unwrap_or_default(),
            url: url.clone().or_else(|| Url::parse("http://unknown").ok())?,
            fields: BTreeMap::new(),
            secrets: BTreeMap::new(),
            needed: Vec::new(),
            read_only: false,
            enabled: true,
            tls: TlsSettings::default(),
            production: Vec::new(),
            line: start.clone().map_or(0, |span| self.findings.place(span.start).0),
        };
        for (word, item) in table {
            if let Some(known) = CONNECTION.iter().find(|known| known.name == word) {
                self.common(known, item, &mut made);
            } else if kind.is_some() && !known.contains(&word) {
                let what = format!("the setting of a {} connection", made.kind);
                self.findings.unknown(key_span(table, word), &what, word, &known);
            }
        }
        for field in kind.map_or(&[][..], |kind| kind.fields) {
            self.field(field, table, &mut made);
        }
        (name.is_some() && kind.is_some() && url.is_some()).then_some(made)
    }

    fn name(&mut self, table: &Table, before: &[ConfigConnection]) -> Option<String> {
        let (span, name) = self.needed_text(table, "name", "a connection")?;
        if !fields::is_name(&name) {
            self.findings.error(
                span,
                format!("{name:?} is no name"),
                Some("a-z, 0-9, then also . _ -".into()),
            );
            return None;
        }
        if before.iter().any(|other| other.name.as_str() == name) {
            self.findings.error(
                span,
                format!("there are two connections called {name}"),
                Some("give each its own name".into()),
            );
            return None;
        }
        Some(name)
    }

    fn kind(&mut self, table: &Table) -> Option<SourceKind> {
        let (span, word) = self.needed_text(table, "kind", "a connection")?;
        let kind = self.kinds.iter().find(|kind| kind.word == word).copied();
        if kind.is_none() {
            let words: Vec<&str> = self.kinds.iter().map(|kind| kind.word).collect();
            self.findings.unknown(span, "the kind", &word, &words);
        }
        kind
    }

    fn url(&mut self, table: &Table) -> Option<Url> {
        let (span, text) = self.needed_text(table, "url", "a connection")?;
        let url = match Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
            _ => {
                let shown = text.rsplit('@').next().unwrap_or_default();
                self.findings.error(
                    span,
                    format!("{shown:?} is no address"),
                    Some("it begins with http:// or https://, as https://drone.company.com".into()),
                );
                return None;
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            self.findings.error(
                span,
                "url holds a user or a password",
                Some("take it out; secrets have settings of their own".into()),
            );
            return None;
        }
        Some(url)
    }

    fn common(&mut self, known: &Known, item: &Item, made: &mut ConfigConnection) {
        let Some(value) = self.value(item, known) else { return };
        let text = || value.as_str().unwrap_or_default().to_owned();
        match known.name {
            "read_only" => made.read_only = value.as_bool().unwrap_or_default(),
            "enabled" => made.enabled = value.as_bool().unwrap_or(true),
            "ca_file" => made.tls.ca_file = Some(self.path(&text())),
            "fingerprint" => made.tls.fingerprint = Some(text()),
            "production" => {
                let words = value.as_array().into_iter().flatten();
                made.production = words.filter_map(|word| word.as_str().map(str::to_owned)).collect();
            }
            // Name, kind and address were read before.
            _ => {}
        }
    }

    fn field(&mut self, field: &Field, table: &Table, made: &mut ConfigConnection) {
        let item = table.get(field.name);
        if field.kind == FieldKind::Secret {
            let place = match item {
                Some(item) => self.secret(field.name, item),
                None => Some(SecretPlace::Keychain),
            };
            if field.required {
                made.needed.push(field.name.to_owned());
            }
            made.secrets.extend(place.map(|place| (field.name.to_owned(), place)));
            return;
        }
        let Some(item) = item else {
            if field.required {
                self.findings.error(
                    table.span(),
                    format!("a {} connection needs {}", made.kind, field.name),
                    Some(field.help[0].to_owned()),
                );
            }
            return;
        };
        let words = match (field.kind, item.as_array(), item.as_str()) {
            (_, None, Some(text)) => Some(text.to_owned()),
            (FieldKind::List, Some(array), _) => {
                let words: Option<Vec<&str>> = array.iter().map(Value::as_str).collect();
                words.map(|words| words.join(","))
            }
            _ => None,
        };
        match words {
            Some(text) => {
                made.fields.insert(field.name.to_owned(), text);
            }
            None if field.kind == FieldKind::List => {
                self.expected(item, field.name, "a list of texts, [\"one\", \"two\"]");
            }
            None => self.expected(item, field.name, "a text in quotes"),
        }
    }

    fn secret(&mut self, name: &str, item: &Item) -> Option<SecretPlace> {
        let span = item.span();
        if item.as_str().is_some() {
            self.findings.error(
                span,
                format!("{name} stands in the clear"),
                Some(format!(
                    "say where it is: {name} = {{ env = \"…\" }}, {{ file = \"…\" }}, {{ command = [\"…\"] }}, or leave it out \
                     and put it into the keychain; if it must stand here, {name} = {{ plain = \"…\" }}"
                )),
            );
            return None;
        }
        let Some(table) = item.as_table_like() else {
            self.expected(
                item,
                name,
                "where the secret is: { keychain = true }, { env = \"…\" }, { file = \"…\" } or { command = [\"…\"] }",
            );
            return None;
        };
        let words: Vec<&str> = table.iter().map(|(word, _)| word).collect();
        let &[word] = words.as_slice() else {
            self.findings.error(
                span,
                format!("{name} needs exactly one of {}", SECRET_PLACES.join(", ")),
                None,
            );
            return None;
        };
        let inner = table.get(word)?;
        self.secret_place(name, word, inner, table).map(|place| {
            if matches!(place, SecretPlace::Plain(_)) {
                self.findings.warning(
                    span,
                    format!("{name} stands in the clear"),
                    Some(
                        "whoever can read this file can act as you; the keychain, env, file or command are safer"
                            .into(),
                    ),
                );
            }
            place
        })
    }

    fn secret_place(&mut self, name: &str, word: &str, item: &Item, table: &dyn TableLike) -> Option<SecretPlace> {
        let text = item.as_str().map(str::trim).filter(|text| !text.is_empty());
        match (word, text) {
            ("keychain", _) if item.as_bool() == Some(true) => Some(SecretPlace::Keychain),
            ("env", Some(variable)) => Some(SecretPlace::Env(variable.to_owned())),
            ("file", Some(path)) => Some(SecretPlace::File(self.path(path))),
            ("plain", Some(secret)) => Some(SecretPlace::Plain(Secret::new(secret))),
            ("command", _) => {
                let words: Option<Vec<String>> = item
                    .as_array()
                    .map(|array| array.iter().map(|word| word.as_str().map(str::to_owned)).collect())
                    .unwrap_or_default();
                let words = words.filter(|words| !words.is_empty());
                if words.is_none() {
                    self.expected(item, "command", "program and arguments, [\"pass\", \"drone\"]");
                }
                words.map(SecretPlace::Command)
            }
            ("keychain", _) => {
                self.expected(item, word, "true");
                None
            }
            ("env" | "file" | "plain", None) => {
                self.expected(item, word, "a text in quotes");
                None
            }
            _ => {
                let span = table.key(word).and_then(toml_edit::Key::span);
                self.findings
                    .unknown(span, &format!("the place of {name}"), word, SECRET_PLACES);
                None
            }
        }
    }

    fn line(&mut self, table: &Table) -> Option<LineRule> {
        let names: Vec<&str> = LINE.iter().map(|known| known.name).collect();
        for (word, _) in table {
            if !names.contains(&word) {
                self.findings
                    .unknown(key_span(table, word), "the setting of a line", word, &names);
            }
        }
        let mut texts = BTreeMap::new();
        for known in LINE {
            let text = if known.required {
                self.needed_text(table, known.name, "a line").map(|(_, text)| text)
            } else {
                table
                    .get(known.name)
                    .and_then(|item| self.value(item, known))
                    .and_then(|value| value.as_str().map(str::to_owned))
            };
            texts.extend(text.map(|text| (known.name, text)));
        }
        for name in ["repo", "service"] {
            if texts.get(name).is_some_and(|text| !text.contains('/')) {
                let expected = if name == "repo" { "owner/name" } else { "stack/service" };
                self.expected(table.get(name)?, name, expected);
            }
        }
        Some(LineRule {
            repo: texts.remove("repo")?,
            branch: texts.remove("branch")?,
            service: texts.remove("service")?,
            environment: texts.remove("environment"),
        })
    }

    fn needed_text(&mut self, table: &Table, name: &str, of: &str) -> Option<(Span, String)> {
        let Some(item) = table.get(name) else {
            self.findings.error(table.span(), format!("{of} needs {name}"), None);
            return None;
        };
        match item.as_str().map(str::trim) {
            Some(text) if !text.is_empty() => Some((item.span(), text.to_owned())),
            _ => {
                self.expected(item, name, "a text in quotes");
                None
            }
        }
    }

    fn value(&mut self, item: &Item, known: &Known) -> Option<serde_json::Value> {
        let words = |item: &Item| -> Option<Vec<String>> {
            item.as_array()?
                .iter()
                .map(|word| word.as_str().map(str::to_owned))
                .collect()
        };
        match known.kind {
            Kind::Text => {
                let Some(text) = item.as_str() else {
                    return self.not(item, known.name, "a text in quotes");
                };
                Some(text.into())
            }
            Kind::Hours => match item.as_str().filter(|text| fields::is_hours(text)) {
                Some(text) => Some(text.into()),
                None => self.not(item, known.name, "hours as \"22:00-08:00\", or \"\""),
            },
            Kind::Choice(choices) => match item.as_str() {
                Some(text) if choices.contains(&text) => Some(text.into()),
                Some(text) => {
                    self.findings
                        .unknown(item.span(), &format!("the {}", known.name), text, choices);
                    None
                }
                None => self.not(item, known.name, &format!("one of {}", choices.join(", "))),
            },
            Kind::Flag => match item.as_bool() {
                Some(flag) => Some(flag.into()),
                None => self.not(item, known.name, "true or false"),
            },
            Kind::Number { least, most } => {
                match item
                    .as_integer()
                    .filter(|number| (i64::from(least)..=i64::from(most)).contains(number))
                {
                    Some(number) => Some(number.into()),
                    None => self.not(item, known.name, &format!("a number from {least} to {most}")),
                }
            }
            Kind::Words => match words(item) {
                Some(words) => Some(words.into()),
                None => self.not(item, known.name, "a list of texts, [\"one\", \"two\"]"),
            },
            Kind::WordsOf(choices) => {
                let Some(words) = words(item) else {
                    return self.not(item, known.name, "a list of texts, [\"one\", \"two\"]");
                };
                for word in words.iter().filter(|word| !choices.contains(&word.as_str())) {
                    self.findings
                        .unknown(item.span(), &format!("in {} the word", known.name), word, choices);
                }
                Some(words.into())
            }
        }
    }

    fn not(&mut self, item: &Item, name: &str, expected: &str) -> Option<serde_json::Value> {
        self.expected(item, name, expected);
        None
    }

    fn expected(&mut self, item: &Item, name: &str, expected: &str) {
        self.findings.error(
            item.span(),
            format!("{name} is {}", item.type_name()),
            Some(format!("expected {expected}")),
        );
    }

    fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(tail), Some(home)) => home.join(tail),
            _ => self.folder.join(text),
        }
    }
}

fn key_span(table: &Table, name: &str) -> Span {
    table.key(name).and_then(toml_edit::Key::span)
}
