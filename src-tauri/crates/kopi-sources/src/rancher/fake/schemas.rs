//! Schemas and indexes: what a caller may do, and where the collections are (`apis/rancher.md § 1.2`). Taken from a real
//! server's answer, cut to the types that this one speaks.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::render::View;
use super::world::Role;

fn types() -> &'static Vec<Value> {
    static TYPES: OnceLock<Vec<Value>> = OnceLock::new();
    TYPES.get_or_init(|| serde_json::from_str(include_str!("shapes/schemas.json")).unwrap_or_default())
}

/// All schemas, or one.
pub(super) fn answer(id: Option<&String>, view: &View) -> Option<Value> {
    let shown = types()
        .iter()
        .filter(|schema| view.project.is_some() || name(schema) != "subscribe");
    if let Some(id) = id {
        let mut shown = shown;
        return shown
            .find(|schema| name(schema).eq_ignore_ascii_case(id))
            .map(|schema| one(schema, view));
    }
    let data: Vec<Value> = shown.map(|schema| one(schema, view)).collect();
    Some(json!({
        "type": "collection",
        "resourceType": "schema",
        "links": {"self": format!("{}/schemas", view.prefix())},
        "createTypes": {},
        "actions": {},
        "data": data,
        "sortLinks": {},
        "pagination": null,
        "sort": null,
        "filters": {},
        "createDefaults": {},
    }))
}

fn name(schema: &Value) -> &str {
    schema.get("id").and_then(Value::as_str).unwrap_or_default()
}

fn one(schema: &Value, view: &View) -> Value {
    let mut schema = schema.clone();
    let prefix = view.prefix();
    if let Some(Value::Object(links)) = schema.get_mut("links") {
        for (_, link) in links.iter_mut() {
            *link = format!("{prefix}/{}", link.as_str().unwrap_or_default()).into();
        }
    }
    let outside = view.project.is_none();
    if view.role == Role::Readonly || outside {
        schema["resourceMethods"] = json!(["GET"]);
        schema["collectionMethods"] = json!(["GET"]);
    }
    if view.role == Role::Readonly {
        let logs = schema
            .get("resourceActions")
            .and_then(|actions| actions.get("logs"))
            .cloned();
        let kept: Map<String, Value> = logs.map(|logs| ("logs".to_owned(), logs)).into_iter().collect();
        schema["resourceActions"] = kept.into();
        if let Some(Value::Object(fields)) = schema.get_mut("resourceFields") {
            fields.shift_remove("environment");
        }
    }
    schema
}

/// The answer of `/`, `/v1`, `/v2-beta`.
pub(super) fn index(view: &View) -> Value {
    static LINKS: OnceLock<Map<String, Value>> = OnceLock::new();
    let known = LINKS.get_or_init(|| serde_json::from_str(include_str!("shapes/index.json")).unwrap_or_default());
    let prefix = view.prefix();
    let own = known.get(view.dialect).and_then(Value::as_object).into_iter().flatten();
    let links: Map<String, Value> = own
        .map(|(name, tail)| {
            (
                name.clone(),
                format!("{prefix}{}", tail.as_str().unwrap_or_default()).into(),
            )
        })
        .collect();
    json!({"id": view.dialect, "type": "apiVersion", "links": links, "actions": {}, "baseType": "apiVersion"})
}
