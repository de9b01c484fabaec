//! Changes `kopi.toml` as a careful person would: comments, order and what is not understood stay as they are.

use std::io::Write;
use std::path::{Path, PathBuf};

use kopi_model::ConnectionName;
use kopi_model::wire::{ApiError, ErrorCode, Settings};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

use super::fields::SETTINGS;
use super::secret::SecretPlace;

/// A connection to be written.
#[derive(Clone, Debug)]
pub(super) struct Addition {
    pub(super) name: ConnectionName,
    pub(super) kind: String,
    pub(super) url: String,
    /// Name, value, and whether it is written as a list.
    pub(super) fields: Vec<(String, String, bool)>,
    pub(super) secrets: Vec<(String, SecretPlace)>,
    pub(super) read_only: bool,
}

/// With a connection at the end.
pub(super) fn add_connection(text: &str, addition: &Addition) -> Result<String, ApiError> {
    let mut document = parse(text)?;
    let mut table = Table::new();
    table["name"] = value(addition.name.as_str());
    table["kind"] = value(&addition.kind);
    table["url"] = value(&addition.url);
    for (name, text, is_list) in &addition.fields {
        table[name] = if *is_list {
            value(words(text.split(',')))
        } else {
            value(text)
        };
    }
    for (name, place) in &addition.secrets {
        table[name] = value(secret(place));
    }
    if addition.read_only {
        table["read_only"] = value(true);
    }
    table.decor_mut().set_prefix("\n");
    // A file of comments alone has them at its end: they stay on top.
    if document.is_empty() {
        let comments = document.trailing().as_str().unwrap_or_default().to_owned();
        let gap = if comments.is_empty() { "" } else { "\n" };
        table.decor_mut().set_prefix(format!("{comments}{gap}"));
        document.set_trailing("");
    }
    tables(&mut document)?.push(table);
    Ok(document.to_string())
}

/// Without a connection.
pub(super) fn remove_connection(text: &str, name: &ConnectionName) -> Result<String, ApiError> {
    let mut document = parse(text)?;
    let tables = tables(&mut document)?;
    let place = tables.iter().position(|table| is_called(table, name)).ok_or_else(|| {
        ApiError::new(
            ErrorCode::NoSuchConnection,
            format!("remove {name}: there is no such connection in kopi.toml"),
        )
    })?;
    tables.remove(place);
    if tables.is_empty() {
        document.remove("connection");
    }
    Ok(document.to_string())
}

/// With a secret of a connection kept elsewhere.
pub(super) fn set_secret(
    text: &str,
    name: &ConnectionName,
    field: &str,
    place: &SecretPlace,
) -> Result<String, ApiError> {
    let mut document = parse(text)?;
    let table = tables(&mut document)?
        .iter_mut()
        .find(|table| is_called(table, name))
        .ok_or_else(|| {
            ApiError::new(
                ErrorCode::NoSuchConnection,
                format!("change {name}: there is no such connection in kopi.toml"),
            )
        })?;
    put(table, field, secret(place).into());
    Ok(document.to_string())
}

/// With what differs between two settings; everything else is left as it was written.
pub(super) fn set_settings(text: &str, now: &Settings, wanted: &Settings) -> Result<String, ApiError> {
    let mut document = parse(text)?;
    let form = |settings: &Settings| {
        serde_json::to_value(settings)
            .map_err(|error| ApiError::new(ErrorCode::Internal, format!("change settings: {error}")))
    };
    let (now, wanted) = (form(now)?, form(wanted)?);
    for known in SETTINGS {
        let value = &wanted[known.name];
        if *value == now[known.name] {
            continue;
        }
        let value: Option<Value> = match value {
            serde_json::Value::Bool(flag) => Some((*flag).into()),
            serde_json::Value::Number(number) => number.as_i64().map(Into::into),
            serde_json::Value::String(text) => Some(text.as_str().into()),
            serde_json::Value::Array(list) => Some(words(list.iter().filter_map(serde_json::Value::as_str)).into()),
            _ => None,
        };
        if let Some(value) = value {
            put(&mut document, known.name, value);
        }
    }
    Ok(document.to_string())
}

/// Replaces a value and keeps what stands around it, or adds it.
fn put(table: &mut Table, name: &str, mut new: Value) {
    match table.get_mut(name) {
        Some(Item::Value(old)) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        _ => table[name] = value(new),
    }
}

fn secret(place: &SecretPlace) -> InlineTable {
    let mut table = InlineTable::new();
    match place {
        SecretPlace::Keychain => table.insert("keychain", true.into()),
        SecretPlace::Env(name) => table.insert("env", name.into()),
        SecretPlace::File(path) => table.insert("file", path.display().to_string().into()),
        SecretPlace::Command(list) => table.insert("command", words(list.iter().map(String::as_str)).into()),
        SecretPlace::Plain(secret) => table.insert("plain", secret.expose().into()),
    };
    table
}

fn words<'a>(list: impl Iterator<Item = &'a str>) -> Array {
    list.map(str::trim).filter(|word| !word.is_empty()).collect()
}

fn is_called(table: &Table, name: &ConnectionName) -> bool {
    table.get("name").and_then(Item::as_str) == Some(name.as_str())
}

fn tables(document: &mut DocumentMut) -> Result<&mut ArrayOfTables, ApiError> {
    document
        .entry("connection")
        .or_insert(Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .ok_or_else(|| {
            ApiError::new(ErrorCode::Config, "kopi.toml: connection is no list of tables").hint("write [[connection]]")
        })
}

fn parse(text: &str) -> Result<DocumentMut, ApiError> {
    text.parse().map_err(|_| {
        ApiError::new(
            ErrorCode::Config,
            "kopi.toml is broken and cannot be changed by the program",
        )
        .hint("kopi config check says where")
    })
}

/// Writes it whole or not at all; only this user may read it. A link stays a link.
pub(super) fn write(path: &Path, text: &str) -> Result<(), ApiError> {
    let failed = |error: std::io::Error| {
        ApiError::new(ErrorCode::Config, format!("write {}: {error}", path.display()))
            .hint("is the disk full, may Kopi write there?")
    };
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().map(Path::to_owned).unwrap_or_default();
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new: PathBuf = folder.join(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&new).map_err(failed)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    drop(file);
    std::fs::rename(&new, &target).map_err(failed)
}
