//! The verbs (`apis/rancher.md §§ 4.3, 5, 6`): read the service anew, refuse what the server would let one do and then hang
//! in, send one request, say what came of it.
//!
//! Refuses: a launch configuration decoded into a struct (what it does not know would be lost): it goes back as it came,
//! with one key changed.

use http::Method;
use kopi_feed::{FeedError, Reply, Sent};
use kopi_model::item::{ServiceKind, UpgradeFacts, UpgradePhase};
use kopi_model::wire::ErrorCode;
use kopi_model::{ItemKind, Order, Receipt, Service, Verb};
use serde_json::{Map, Value, json};

use super::api::{Api, one_path};
use super::parse::{self, Place};

const PULL_LABEL: &str = "io.rancher.container.pull_image";
/// More copies than that were never meant.
const MOST_COPIES: u32 = 1_000;

/// The server's action of a verb; none: a PUT, or not spoken.
fn action_of(verb: Verb, kind: ItemKind) -> Option<&'static str> {
    match (kind, verb) {
        (ItemKind::Service, Verb::Redeploy | Verb::Upgrade) => Some("upgrade"),
        (ItemKind::Service, Verb::Finish) => Some("finishupgrade"),
        (ItemKind::Service, Verb::Rollback) => Some("rollback"),
        (ItemKind::Service, Verb::Cancel) => Some("cancelupgrade"),
        (ItemKind::Service, Verb::Start) => Some("activate"),
        (ItemKind::Service, Verb::Stop) => Some("deactivate"),
        (ItemKind::Service | ItemKind::Container, Verb::Restart) => Some("restart"),
        (ItemKind::Container, Verb::Start) => Some("start"),
        (ItemKind::Container, Verb::Stop) => Some("stop"),
        _ => None,
    }
}

fn collection_of(kind: ItemKind) -> Option<&'static str> {
    match kind {
        ItemKind::Service => Some("services"),
        ItemKind::Container => Some("containers"),
        _ => None,
    }
}

/// What an order would send: method and path. `project`: unknown ones are written as the key's own.
pub(super) fn requests(order: &Order, project: Option<&str>) -> Vec<String> {
    let Some((kind, collection)) = order.target.kind().and_then(|kind| Some((kind, collection_of(kind)?))) else {
        return Vec::new();
    };
    let id = order.target.native();
    let path = match project {
        Some(project) => one_path(project, collection, id),
        None => format!("/v2-beta/{collection}/{id}"),
    };
    match (order.verb, action_of(order.verb, kind)) {
        (Verb::Scale, _) if kind == ItemKind::Service => vec![format!("GET {path}"), format!("PUT {path}")],
        (_, Some(action)) => vec![format!("GET {path}"), format!("POST {path}?action={action}")],
        _ => Vec::new(),
    }
}

/// Carries out an order in an environment.
///
/// # Errors
/// Nothing left (`sent` is `No`): `ActionNotAvailable`, `PlanOutdated`, `ReadOnly`, `InvalidRequest`, `NotSupported`. Else
/// what the server answered, or that it did not.
pub(super) async fn carry_out(api: &Api, place: &Place, order: &Order) -> Result<Receipt, FeedError> {
    let described = requests(order, Some(&place.project)).pop();
    let described = described.unwrap_or_else(|| format!("{:?}", order.verb).to_lowercase());
    let refuse = |code: ErrorCode, what: &str| FeedError::new(code, &described, what);
    let kind = order.target.kind().unwrap_or(ItemKind::Change);
    let collection =
        collection_of(kind).ok_or_else(|| refuse(ErrorCode::NotSupported, "Rancher has no such verb for this"))?;
    let id = order.target.native();
    let path = one_path(&place.project, collection, id);
    let fresh = api
        .one(&place.project, collection, id)
        .await
        .map_err(|error| not_sent(error, &described))?;
    if parse::native_id(&fresh, "id").as_deref() != Some(id) {
        return Err(refuse(
            ErrorCode::UnexpectedAnswer,
            "the server answered with another resource",
        ));
    }
    let reply = match (kind, order.verb) {
        (ItemKind::Service, Verb::Scale) => {
            let service = usable(place, &fresh, &described)?;
            let scale = check_scale(order, &service).map_err(|(code, what)| refuse(code, &what))?;
            check_base(order, &service, &described)?;
            accepted(api.send(Method::PUT, &path, Some(&json!({"scale": scale}))).await)?
        }
        (_, verb) => {
            let action = action_of(verb, kind)
                .ok_or_else(|| refuse(ErrorCode::NotSupported, "Rancher has no such verb for this"))?;
            let body = if kind == ItemKind::Service {
                let service = usable(place, &fresh, &described)?;
                check_base(order, &service, &described)?;
                check_service(order.verb, action, &fresh, &service).map_err(|(code, what)| refuse(code, &what))?;
                body_of(order, &fresh, &service).map_err(|(code, what)| refuse(code, &what))?
            } else {
                check_listed(action, &fresh).map_err(|(code, what)| refuse(code, &what))?;
                None
            };
            accepted(
                api.send(Method::POST, &format!("{path}?action={action}"), body.as_ref())
                    .await,
            )?
        }
    };
    let Some(reply) = reply else {
        return Ok(Receipt::default());
    };
    match reply.json::<Value>() {
        Ok(answer) => Ok(receipt(&answer)),
        // A web page is no answer of this server: nothing is known to be done.
        Err(error) if error.code == ErrorCode::NotJson => Err(error),
        // It was accepted, though its answer is broken.
        Err(_) => Ok(Receipt::default()),
    }
}

/// 2xx and then a broken body: the server has taken the order; what it said about it is lost.
fn accepted(sent: Result<Reply, FeedError>) -> Result<Option<Reply>, FeedError> {
    match sent {
        Ok(reply) => Ok(Some(reply)),
        Err(error)
            if error.sent == Sent::Answered
                && matches!(error.status, Some(200 | 202))
                && error.code != ErrorCode::NotJson =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn not_sent(mut error: FeedError, described: &str) -> FeedError {
    error.sent = Sent::No;
    if error.code == ErrorCode::NotFound {
        error.what = format!("it is gone; nothing was sent ({described})");
    }
    error
}

fn usable(place: &Place, fresh: &Value, described: &str) -> Result<Service, FeedError> {
    parse::service(place, fresh)
        .ok_or_else(|| FeedError::new(ErrorCode::ActionNotAvailable, described, "the service has been removed"))
}

/// The plan was made on this generation, or it is no longer true.
fn check_base(order: &Order, service: &Service, described: &str) -> Result<(), FeedError> {
    match &order.based_on {
        Some(based_on) if service.version.as_ref() != Some(based_on) => {
            let what = format!("{} was changed since the plan was made", service.name);
            Err(FeedError::new(ErrorCode::PlanOutdated, described, what).hint("look again and order anew"))
        }
        _ => Ok(()),
    }
}

type Refused = (ErrorCode, String);

fn check_listed(action: &str, fresh: &Value) -> Result<(), Refused> {
    if parse::lists(fresh, action) {
        return Ok(());
    }
    let nothing = fresh.get("actions").and_then(Value::as_object).is_some_and(|actions| {
        actions
            .keys()
            .all(|name| name == "logs" || name.ends_with("link") || name.ends_with("links"))
    });
    let state = parse::text(fresh, "state", 60).unwrap_or_else(|| "unknown".into());
    if nothing
        && matches!(
            state.as_str(),
            "active" | "inactive" | "running" | "stopped" | "upgraded" | "upgrading"
        )
    {
        return Err((ErrorCode::ReadOnly, "this key may only look".into()));
    }
    Err((
        ErrorCode::ActionNotAvailable,
        format!("it is {state}: {action} is not possible now"),
    ))
}

fn check_service(verb: Verb, action: &str, fresh: &Value, service: &Service) -> Result<(), Refused> {
    let deployable = matches!(service.service_kind, ServiceKind::Service | ServiceKind::LoadBalancer);
    if !deployable && !matches!(verb, Verb::Start | Verb::Stop | Verb::Cancel) {
        // The server lists `upgrade` for these, takes it, and hangs for ever (`§ 4.3`).
        return Err((
            ErrorCode::NotSupported,
            format!("{} has no containers of its own", service.name),
        ));
    }
    if matches!(verb, Verb::Redeploy | Verb::Upgrade) {
        let words = match service.phase {
            UpgradePhase::AwaitsFinish => Some("its last upgrade is not finished: finish it or roll back first"),
            UpgradePhase::Running => Some("it is being upgraded: wait, or roll back"),
            UpgradePhase::Cancelled => Some("its last upgrade was cancelled: roll back first"),
            UpgradePhase::RollingBack => Some("it is being rolled back: wait"),
            UpgradePhase::Finishing => Some("its last upgrade is being finished: wait"),
            UpgradePhase::None => None,
        };
        if let Some(words) = words {
            return Err((ErrorCode::ActionNotAvailable, words.into()));
        }
    }
    check_listed(action, fresh)
}

fn check_scale(order: &Order, service: &Service) -> Result<u32, Refused> {
    let scale = order
        .scale
        .ok_or((ErrorCode::InvalidRequest, "how many copies is not said".to_owned()))?;
    if scale > MOST_COPIES {
        return Err((
            ErrorCode::InvalidRequest,
            format!("{scale} copies are more than {MOST_COPIES}"),
        ));
    }
    if service.global || service.scale.is_none() {
        return Err((
            ErrorCode::NotSupported,
            format!("{} runs once on each host, or has no containers", service.name),
        ));
    }
    if service.phase != UpgradePhase::None {
        // The server would take it and may end the upgrade half-way (`§ 4.3`).
        return Err((
            ErrorCode::ActionNotAvailable,
            "an upgrade is open: finish it or roll back before scaling".into(),
        ));
    }
    if !service.offers.contains(&Verb::Scale) {
        let code = if service.offers.is_empty() {
            ErrorCode::ReadOnly
        } else {
            ErrorCode::ActionNotAvailable
        };
        return Err((
            code,
            format!("it is {}: scaling is not possible now", service.server_state),
        ));
    }
    Ok(scale)
}

fn body_of(order: &Order, fresh: &Value, service: &Service) -> Result<Option<Value>, Refused> {
    match order.verb {
        Verb::Redeploy | Verb::Upgrade => upgrade_body(order, fresh, service).map(Some),
        Verb::Restart => {
            let facts = order.strategy.clone().unwrap_or_default();
            let strategy =
                json!({"batchSize": facts.batch_size.max(1), "intervalMillis": facts.interval_ms.max(2_000)});
            Ok(Some(json!({"rollingRestartStrategy": strategy})))
        }
        _ => Ok(None),
    }
}

/// The whole configuration as read, with the pull label or the new tag, and all sidekicks.
fn upgrade_body(order: &Order, fresh: &Value, service: &Service) -> Result<Value, Refused> {
    let launch = fresh.get("launchConfig").and_then(Value::as_object).cloned();
    let mut launch = launch.ok_or((
        ErrorCode::UnexpectedAnswer,
        "the service has no configuration".to_owned(),
    ))?;
    let image = launch
        .get("imageUuid")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if image.is_empty() {
        // Accepted without an image, and the service is broken (`§ 6.1`).
        return Err((ErrorCode::UnexpectedAnswer, "the service has no image".into()));
    }
    if order.verb == Verb::Upgrade {
        let tag = order.tag.as_deref().unwrap_or_default();
        let retagged =
            with_tag(&image, tag).ok_or_else(|| (ErrorCode::InvalidRequest, format!("{tag:?} is no tag")))?;
        launch.insert("imageUuid".into(), retagged.into());
    } else {
        let labels = launch.entry("labels").or_insert_with(|| json!({}));
        if labels.is_null() {
            *labels = json!({});
        }
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(PULL_LABEL.into(), "always".into());
        }
    }
    let facts = order.strategy.clone().or_else(|| service.upgrade.clone());
    let facts = facts.unwrap_or(UpgradeFacts {
        batch_size: 1,
        interval_ms: 2_000,
        start_first: false,
    });
    let mut strategy = Map::new();
    strategy.insert("batchSize".into(), facts.batch_size.max(1).into());
    strategy.insert("intervalMillis".into(), facts.interval_ms.max(100).into());
    strategy.insert("startFirst".into(), facts.start_first.into());
    strategy.insert("launchConfig".into(), launch.into());
    let secondaries = fresh
        .get("secondaryLaunchConfigs")
        .filter(|configs| configs.is_array())
        .cloned();
    strategy.insert(
        "secondaryLaunchConfigs".into(),
        secondaries.unwrap_or_else(|| json!([])),
    );
    Ok(json!({"inServiceStrategy": strategy}))
}

/// The image with another tag: a digest falls away, a registry's port stays.
fn with_tag(image: &str, tag: &str) -> Option<String> {
    let first = tag.bytes().next()?;
    let fine = tag.len() <= 128
        && (first.is_ascii_alphanumeric() || first == b'_')
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    if !fine {
        return None;
    }
    let (prefix, plain) = image
        .strip_prefix("docker:")
        .map_or(("", image), |plain| ("docker:", plain));
    let plain = plain.split('@').next().unwrap_or(plain);
    let name_starts = plain.rfind('/').map_or(0, |slash| slash + 1);
    let end = plain[name_starts..]
        .find(':')
        .map_or(plain.len(), |colon| name_starts + colon);
    Some(format!("{prefix}{}:{tag}", &plain[..end]))
}

fn receipt(answer: &Value) -> Receipt {
    let version = |config: &Value| parse::text(config, "version", 100);
    let secondaries = answer
        .get("secondaryLaunchConfigs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Receipt {
        version: answer.get("launchConfig").and_then(version),
        sidekick_versions: secondaries
            .filter_map(|config| Some((parse::text(config, "name", 100)?, version(config)?)))
            .collect(),
        made: None,
        server_state: parse::text(answer, "state", 60),
    }
}

#[cfg(test)]
mod tests {
    use super::with_tag;

    #[test]
    fn a_tag_is_changed_and_nothing_else() {
        for (image, tag, expected) in [
            (
                "docker:harbor.company.com/ihealth/web:1.4.0",
                "1.5.0",
                Some("docker:harbor.company.com/ihealth/web:1.5.0"),
            ),
            ("docker:registry:5000/web", "2", Some("docker:registry:5000/web:2")),
            ("docker:nginx", "1.17-alpine", Some("docker:nginx:1.17-alpine")),
            ("docker:nginx:1@sha256:00ff", "2", Some("docker:nginx:2")),
            ("docker:nginx:1", "", None),
            ("docker:nginx:1", "a b", None),
            ("docker:nginx:1", "-x", None),
            ("docker:nginx:1", "x/y", None),
        ] {
            assert_eq!(with_tag(image, tag).as_deref(), expected, "{image} {tag}");
        }
    }
}
