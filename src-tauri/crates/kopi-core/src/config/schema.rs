//! The published JSON schema of `kopi.toml`, and the commented file a newcomer starts with; both made from the same
//! descriptions the reader uses.

use std::fmt::Write;

use kopi_feed::{Field, FieldKind, SourceKind};
use kopi_model::wire::Settings;
use serde_json::{Map, Value, json};

use super::fields::{CONNECTION, Kind, Known, LINE, SETTINGS};

/// The schema, pretty, with a line end.
pub fn schema(kinds: &[SourceKind]) -> String {
    let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
    let mut top = Map::new();
    for known in SETTINGS {
        let mut described = describe(known);
        described["default"] = defaults[known.name].clone();
        top.insert(known.name.into(), described);
    }
    let connection = json!({
        "type": "array",
        "description": "Servers Kopi speaks to. / Kopi 连接的服务器。",
        "items": {
            "type": "object",
            "required": names_of(CONNECTION),
            "properties": { "kind": { "enum": kinds.iter().map(|kind| kind.word).collect::<Vec<_>>() } },
            "oneOf": kinds.iter().map(connection_of).collect::<Vec<_>>(),
        },
    });
    top.insert("connection".into(), connection);
    let line = json!({
        "type": "array",
        "description": "Delivery lines that Kopi cannot find by itself. / Kopi 无法自动识别的交付线。",
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": names_of(LINE),
            "properties": LINE.iter().map(|known| (known.name.to_owned(), describe(known))).collect::<Map<_, _>>(),
        },
    });
    top.insert("line".into(), line);
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kopi.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": top,
        "$defs": { "secret": secret() },
    });
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// A `kopi.toml` in which everything is explained and nothing is set.
pub fn default_commented(kinds: &[SourceKind]) -> String {
    let mut text = String::from(
        "# Kopi. What is commented out has the value shown; `kopi config check` finds mistakes.\n\
         # 被注释的项即默认值；`kopi config check` 可检查错误。\n",
    );
    let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
    for known in SETTINGS {
        let _ = write!(
            text,
            "\n# {}\n# {}\n# {} = {}\n",
            known.help[0], known.help[1], known.name, defaults[known.name]
        );
    }
    for kind in kinds {
        let _ = write!(
            text,
            "\n# {} / {}\n# [[connection]]\n# name = \"{}\"\n# kind = \"{}\"\n# url = \"https://{}.company.com\"\n",
            kind.label[0], kind.label[1], kind.word, kind.word, kind.word
        );
        for field in kind.fields {
            let example = match field.kind {
                FieldKind::Secret => {
                    "{ keychain = true }  # or { env = \"…\" }, { file = \"…\" }, { command = [\"…\"] }"
                }
                FieldKind::Text => "\"…\"",
                FieldKind::List => "[\"…\"]",
            };
            let _ = write!(
                text,
                "# {} = {example}\n#   {}\n#   {}\n",
                field.name, field.help[0], field.help[1]
            );
        }
    }
    text.push_str("\n# [[line]]\n# repo = \"owner/name\"\n# branch = \"master\"\n# service = \"stack/service\"\n# environment = \"Production\"\n");
    text
}

fn connection_of(kind: &SourceKind) -> Value {
    let mut properties = Map::new();
    for known in CONNECTION {
        properties.insert(known.name.into(), describe(known));
    }
    properties.insert(
        "kind".into(),
        json!({ "const": kind.word, "description": both(kind.label) }),
    );
    for field in kind.fields {
        properties.insert(field.name.into(), describe_field(field));
    }
    let mut required = names_of(CONNECTION);
    required.extend(
        kind.fields
            .iter()
            .filter(|field| field.required && field.kind != FieldKind::Secret)
            .map(|field| field.name),
    );
    json!({
        "title": kind.label[0],
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn describe_field(field: &Field) -> Value {
    let text = format!(
        "{}: {} / {}：{}",
        field.label[0], field.help[0], field.label[1], field.help[1]
    );
    match field.kind {
        FieldKind::Secret => json!({ "$ref": "#/$defs/secret", "description": text }),
        FieldKind::Text => json!({ "type": "string", "description": text }),
        FieldKind::List => json!({ "type": ["array", "string"], "items": { "type": "string" }, "description": text }),
    }
}

fn describe(known: &Known) -> Value {
    let mut described = match known.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Choice(choices) => json!({ "enum": choices }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Number { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Words => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::WordsOf(choices) => json!({ "type": "array", "items": { "enum": choices } }),
        Kind::Hours => json!({ "type": "string", "pattern": "^$|^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$" }),
    };
    if known.name == "name" {
        described["pattern"] = "^[a-z0-9][a-z0-9._-]*$".into();
    }
    described["description"] = both(known.help).into();
    described
}

fn secret() -> Value {
    let place = |name: &str, shape: Value, help: &str| {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": [name],
            "properties": { name: shape },
            "description": help,
        })
    };
    let text = || json!({ "type": "string", "minLength": 1 });
    json!({
        "description": "Where the secret is; left out: in the keychain. / 密钥的存放位置；不填则在系统钥匙串中。",
        "oneOf": [
            place("keychain", json!({ "const": true }), "In the system's keychain. / 系统钥匙串。"),
            place("env", text(), "In a variable of the environment. / 环境变量。"),
            place("file", text(), "In a file. / 文件。"),
            place("command", json!({ "type": "array", "minItems": 1, "items": { "type": "string" } }), "Printed by a program. / 由命令输出。"),
            place("plain", text(), "In the clear: Kopi warns all the time. / 明文：Kopi 会一直警告。"),
        ],
    })
}

fn names_of(known: &[Known]) -> Vec<&'static str> {
    known
        .iter()
        .filter(|known| known.required)
        .map(|known| known.name)
        .collect()
}

fn both(texts: [&str; 2]) -> String {
    format!("{} / {}", texts[0], texts[1])
}
