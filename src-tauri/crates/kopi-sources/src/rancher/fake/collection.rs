//! Lists: filters, sorting, paging and the wrapper, with the server's silences (`apis/rancher.md § 2`).

use std::cmp::Ordering;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::world::number_of;

const MODIFIERS: [&str; 10] = [
    "ne", "lt", "lte", "gt", "gte", "prefix", "like", "notlike", "null", "notnull",
];
const MAXIMUM: usize = 3_000;

/// How a list was asked for.
pub(super) struct Asked<'a> {
    /// Its own address without the query.
    pub(super) address: String,
    /// Prefix of `createTypes`.
    pub(super) prefix: String,
    /// The query as it came.
    pub(super) query: &'a str,
    /// Element type, `service`.
    pub(super) kind: &'a str,
    /// Reached by a link that ignores limit, marker and filters (`stacks/{id}/services`).
    pub(super) whole: bool,
    /// What a new element would have.
    pub(super) defaults: Value,
    /// Readonly callers make nothing.
    pub(super) may_create: bool,
}

fn collections() -> &'static Map<String, Value> {
    static COLLECTIONS: OnceLock<Map<String, Value>> = OnceLock::new();
    COLLECTIONS.get_or_init(|| serde_json::from_str(include_str!("shapes/collections.json")).unwrap_or_default())
}

fn decode(text: &str) -> String {
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    pairs.map(|(key, _)| key.into_owned()).next().unwrap_or_default()
}

/// The query's pairs, decoded.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(key), decode(value))
        })
        .collect()
}

struct Filter {
    field: String,
    modifier: String,
    value: String,
}

/// The wrapper around `rows`, as `asked` wants it.
pub(super) fn wrap(rows: Vec<Value>, asked: &Asked<'_>) -> Value {
    let known = collections().get(asked.kind).or_else(|| match asked.kind {
        "instance" => collections().get("container"),
        "environment" => collections().get("stack"),
        _ => None,
    });
    let fields: Vec<String> = known
        .and_then(|known| known.get("filters")?.as_array())
        .map(|fields| {
            fields
                .iter()
                .filter_map(|field| field.as_str().map(str::to_owned))
                .collect()
        })
        .unwrap_or_default();
    let query = pairs(asked.query);
    let filters = filters(&query, &fields);
    let mut rows = rows;
    if !asked.whole {
        rows.retain(|row| filters.iter().all(|filter| passes(row, filter)));
    }
    let one = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let sort = one("sort").filter(|sort| fields.iter().any(|field| field == sort));
    let descending = one("order") == Some("desc");
    if let Some(sort) = sort {
        rows.sort_by(|left, right| {
            let order = compare(left, right, sort);
            if descending { order.reverse() } else { order }
        });
    }
    let limit = limit(one("limit"));
    let start = one("marker")
        .and_then(|marker| marker.strip_prefix('m')?.parse().ok())
        .unwrap_or(0);
    let total = rows.len();
    let paged = !fields.is_empty();
    let data: Vec<Value> = if asked.whole || !paged {
        rows
    } else {
        rows.into_iter().skip(start).take(limit).collect()
    };
    let more = paged && !asked.whole && start + data.len() < total && !data.is_empty();
    let next = more.then(|| {
        with(
            &asked.address,
            asked.query,
            &["marker"],
            &format!("marker=m{}", start + limit),
        )
    });
    let create: Map<String, Value> = known
        .filter(|_| asked.may_create)
        .and_then(|known| known.get("createTypes")?.as_object())
        .map(|types| {
            let types = types
                .iter()
                .filter(|(kind, _)| asked.kind != "instance" || *kind == "container");
            types
                .map(|(kind, tail)| {
                    (
                        kind.clone(),
                        format!("{}/{}", asked.prefix, tail.as_str().unwrap_or("")).into(),
                    )
                })
                .collect()
        })
        .unwrap_or_default();
    let sort_links: Map<String, Value> = fields
        .iter()
        .map(|field| {
            (
                field.clone(),
                with(
                    &asked.address,
                    asked.query,
                    &["sort", "order"],
                    &format!("sort={field}"),
                )
                .into(),
            )
        })
        .collect();
    let echoed: Map<String, Value> = fields
        .iter()
        .map(|field| {
            let own: Vec<Value> = filters
                .iter()
                .filter(|filter| filter.field == *field)
                .map(|filter| json!({"value": plain(field, &filter.value), "modifier": filter.modifier}))
                .collect();
            (field.clone(), if own.is_empty() { Value::Null } else { own.into() })
        })
        .collect();
    json!({
        "type": "collection",
        "resourceType": asked.kind,
        "links": {"self": asked.address},
        "createTypes": create,
        "actions": {},
        "data": data,
        "sortLinks": sort_links,
        "pagination": if paged {
            json!({"first": null, "previous": null, "next": next, "limit": limit, "total": null, "partial": more})
        } else {
            Value::Null
        },
        "sort": sort.map(|sort| json!({
            "name": sort,
            "reverse": with(&asked.address, asked.query, &["order"], if descending { "order=asc" } else { "order=desc" }),
            "order": if descending { "desc" } else { "asc" },
        })),
        "filters": echoed,
        "createDefaults": asked.defaults,
    })
}

fn limit(asked: Option<&str>) -> usize {
    match asked.map(str::parse::<i64>) {
        Some(Ok(limit)) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=MAXIMUM).contains(limit))
            .unwrap_or(MAXIMUM),
        _ => 100,
    }
}

fn with(address: &str, query: &str, without: &[&str], added: &str) -> String {
    let kept = query.split('&').filter(|part| {
        let key = part.split('=').next().unwrap_or_default();
        !part.is_empty() && !without.contains(&key)
    });
    let mut parts: Vec<&str> = kept.collect();
    parts.push(added);
    format!("{address}?{}", parts.join("&"))
}

fn filters(query: &[(String, String)], fields: &[String]) -> Vec<Filter> {
    let known = |name: &str| fields.iter().any(|field| field == name);
    query
        .iter()
        .filter_map(|(key, value)| {
            let (field, modifier) = match key.rsplit_once('_') {
                Some((field, modifier)) if MODIFIERS.contains(&modifier) && known(field) => (field, modifier),
                _ if known(key) => (key.as_str(), "eq"),
                // A typo filters nothing (`§ 2`).
                _ => return None,
            };
            Some(Filter {
                field: field.into(),
                modifier: modifier.into(),
                value: value.clone(),
            })
        })
        .collect()
}

/// References are kept as numbers: `1st2` is `2`.
fn plain(field: &str, value: &str) -> String {
    if field.ends_with("Id") && field != "externalId" {
        return number_of(value).map_or_else(|| value.to_owned(), |number| number.to_string());
    }
    value.to_owned()
}

fn field_text(row: &Value, field: &str) -> Option<String> {
    let text = match row.get(field)? {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(if field == "id" {
        number_of(&text).map_or(text, |number| number.to_string())
    } else {
        plain(field, &text)
    })
}

fn passes(row: &Value, filter: &Filter) -> bool {
    let found = field_text(row, &filter.field);
    let wanted = plain(&filter.field, &filter.value);
    match (filter.modifier.as_str(), found) {
        ("null", found) => found.is_none(),
        ("notnull", found) => found.is_some(),
        ("ne", found) => found.as_deref() != Some(&wanted),
        ("notlike", found) => !found.is_some_and(|found| like(&found, &wanted)),
        (_, None) => false,
        ("prefix", Some(found)) => found.starts_with(&wanted),
        ("like", Some(found)) => like(&found, &wanted),
        ("lt", Some(found)) => order(&found, &wanted) == Ordering::Less,
        ("lte", Some(found)) => order(&found, &wanted) != Ordering::Greater,
        ("gt", Some(found)) => order(&found, &wanted) == Ordering::Greater,
        ("gte", Some(found)) => order(&found, &wanted) != Ordering::Less,
        (_, Some(found)) => found == wanted,
    }
}

fn like(text: &str, pattern: &str) -> bool {
    let inner = pattern.trim_matches('%');
    match (pattern.starts_with('%'), pattern.ends_with('%')) {
        (true, true) => text.contains(inner),
        (true, false) => text.ends_with(inner),
        (false, true) => text.starts_with(inner),
        (false, false) => text == inner,
    }
}

fn order(left: &str, right: &str) -> Ordering {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.total_cmp(&right),
        _ => left.cmp(right),
    }
}

fn compare(left: &Value, right: &Value, field: &str) -> Ordering {
    let exact = format!("{field}TS");
    let stamp = |row: &Value| row.get(&exact).and_then(Value::as_i64);
    if let (Some(left), Some(right)) = (stamp(left), stamp(right)) {
        return left.cmp(&right);
    }
    order(
        &field_text(left, field).unwrap_or_default(),
        &field_text(right, field).unwrap_or_default(),
    )
}
