//! The API over HTTP: paths as forgiving as the real server's, collections, resources, actions
//! (`apis/rancher.md §§ 1.1, 2, 4.3`).

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State, WebSocketUpgrade};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::access::{self, Caller, Outcome};
use super::collection::{self, Asked};
use super::create;
use super::render::{self, View};
use super::render_rows;
use super::schemas;
use super::verbs::Refusal;
use super::world::{AuditLog, Kind, Role, World, number_of};
use super::{ClientAction, FakeCattle, live};

/// Largest body that is read, bytes.
const BODY_LIMIT: usize = 4 * 1024 * 1024;
const NOT_HERE: &str = "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\"/>\n<title>Error 404 Not Found</title>\n</head>\n<body><h2>HTTP ERROR 404</h2>\n<p>Problem accessing /index.html. Reason:\n<pre>    Not Found</pre></p><hr><i><small>Powered by Jetty://</small></i><hr/>\n\n</body>\n</html>\n";

/// A request, taken apart.
struct Call<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    query: &'a str,
    /// Below the project, empty ones removed.
    segments: &'a [String],
    body: &'a Value,
    caller: &'a Caller,
    view: View,
    /// The path as it came, for links of lists.
    address: String,
    /// The project whose rows may be seen; none: an account without project.
    scope: Option<u32>,
}

/// Answers every path.
pub(super) async fn answer(State(fake): State<FakeCattle>, request: Request) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let segments: Vec<String> = parts
        .uri
        .path()
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let wants_socket = parts.headers.contains_key("sec-websocket-key");
    if wants_socket {
        return match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => live::socket(&fake, upgrade, &segments, &query, &parts.headers),
            Err(refused) => refused.into_response(),
        };
    }
    let bytes = axum::body::to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    answer_plain(
        &fake,
        &parts.method,
        parts.uri.path(),
        &segments,
        &query,
        &parts.headers,
        &bytes,
    )
}

fn answer_plain(
    fake: &FakeCattle,
    method: &Method,
    path: &str,
    segments: &[String],
    query: &str,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Response<Body> {
    let dialect = match segments.first().map(String::as_str) {
        None | Some("v1") => "v1",
        Some("v2-beta") => "v2-beta",
        Some("ping") => return "pong".into_response(),
        Some(_) => return not_here(fake),
    };
    let origin = access::origin(headers);
    let rest = segments.get(1..).unwrap_or_default();
    let in_path = rest.first().is_some_and(|segment| is_projects(segment)) && rest.len() > 2;
    let mut world = fake.lock();
    let named = rest.get(1).filter(|_| in_path);
    let project = named.and_then(|id| number_of(id));
    let root = format!("{origin}/{dialect}");
    let schemas = match named {
        Some(id) => format!("{root}/projects/{id}/schemas"),
        None => format!("{root}/schemas"),
    };
    let reading = *method == Method::GET;
    let caller = match access::caller(&world, headers) {
        Ok(caller) => caller,
        Err(unauthorized) => {
            let refusal = Refusal::plain(401, "Unauthorized");
            let outcome = refused(&mut world, &refusal);
            return access::reply(&world, None, &schemas, &outcome, reading, unauthorized.challenge);
        }
    };
    let by_header = access::header(headers, "x-api-project-id").map(str::to_owned);
    let by_query = collection::pairs(query)
        .into_iter()
        .find(|(key, _)| key == "projectId")
        .map(|(_, value)| value);
    let scope = match (in_path, by_header.or(by_query)) {
        (true, _) => Some(project),
        (false, Some(id)) => Some(number_of(&id)),
        (false, None) => None,
    };
    let scope = match (scope, &caller.holder) {
        (None, super::Holder::Environment(own)) => Ok(Some(*own)),
        (None, _) => Ok(None),
        (Some(asked), _) => {
            let usable = asked.filter(|asked| world.projects.contains_key(asked) && caller.role_in(*asked).is_some());
            usable.map(Some).ok_or(())
        }
    };
    let Ok(scope) = scope else {
        let outcome = refused(&mut world, &Refusal::plain(403, "Forbidden"));
        return access::reply(&world, Some(&caller), &schemas, &outcome, reading, false);
    };
    let body = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    let role = scope.and_then(|scope| caller.role_in(scope)).unwrap_or(Role::Owner);
    let call = Call {
        method,
        headers,
        query,
        segments: if in_path { &rest[2..] } else { rest },
        body: &body,
        caller: &caller,
        view: View {
            origin: origin.clone(),
            dialect,
            project: project.filter(|_| in_path),
            role,
            action_links: headers.contains_key("x-api-action-links"),
        },
        address: format!("{origin}{}", path.replace("//", "/")),
        scope,
    };
    let browser = access::header(headers, "user-agent").is_some_and(|agent| agent.to_lowercase().contains("mozilla"));
    let result = if browser && !reading && !csrf_matches(headers) {
        Err(Refusal {
            message: Some("CSRF header and cookie do not match".into()),
            ..Refusal::plain(403, "InvalidCSRFToken")
        })
    } else {
        route(fake, &mut world, &call)
    };
    let outcome = result.unwrap_or_else(|refusal| refused(&mut world, &refusal));
    let mut response = access::reply(&world, Some(&caller), &schemas, &outcome, reading, false);
    if let Some(scope) = scope {
        access::put(response.headers_mut(), "x-api-account-id", &Kind::Project.id(scope));
    }
    if *method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    if browser {
        as_browser(&mut response, headers, &outcome, &schemas);
    }
    response
}

fn not_here(fake: &FakeCattle) -> Response<Body> {
    let mut response = Response::new(Body::from(NOT_HERE));
    *response.status_mut() = StatusCode::NOT_FOUND;
    access::put(response.headers_mut(), "content-type", "text/html; charset=ISO-8859-1");
    access::put(response.headers_mut(), "x-rancher-version", &fake.lock().version);
    access::put(
        response.headers_mut(),
        "cache-control",
        "must-revalidate,no-cache,no-store",
    );
    response
}

fn csrf_matches(headers: &HeaderMap) -> bool {
    let cookies = access::header(headers, "cookie").unwrap_or_default();
    let cookie = cookies
        .split(';')
        .find_map(|cookie| cookie.trim().strip_prefix("CSRF="));
    cookie.is_some() && cookie == access::header(headers, "x-api-csrf")
}

/// Browsers get a page around the JSON, and a cookie (`§ 1.2`, browser traps).
fn as_browser(response: &mut Response<Body>, headers: &HeaderMap, outcome: &Outcome, schemas: &str) {
    let cookie = http::HeaderValue::from_static("CSRF=5A18B7F9CA;Path=/");
    response.headers_mut().append("set-cookie", cookie);
    let accept = access::header(headers, "accept");
    if accept.is_none_or(|accept| accept.contains("*/*")) {
        let page = format!(
            "<!DOCTYPE html>\n<!-- If you are reading this, there is a good chance you would prefer sending an\n\"Accept: application/json\" header and receiving actual JSON responses. -->\n<script>\nvar schemas=\"{schemas}\";\nvar data = \n{}\n;\n</script>\n",
            outcome.body.to_string().replace('/', "\\/")
        );
        *response.body_mut() = Body::from(page);
        access::put(response.headers_mut(), "content-type", "text/html; charset=UTF-8");
    }
}

fn refused(world: &mut World, refusal: &Refusal) -> Outcome {
    Outcome {
        status: refusal.status,
        body: access::error_body(world, refusal),
    }
}

fn is_projects(segment: &str) -> bool {
    segment.eq_ignore_ascii_case("projects") || segment.eq_ignore_ascii_case("project")
}

fn not_found() -> Refusal {
    Refusal::plain(404, "Not Found")
}

fn not_allowed() -> Refusal {
    Refusal::plain(405, "Method not allowed")
}

/// `(kind, only that type)` of a collection's name, in any spelling.
fn kind_of(segment: &str, dialect: &str) -> Option<(Kind, Option<&'static str>, &'static str)> {
    let name = segment.to_lowercase();
    Some(match name.trim_end_matches('s') {
        "project" => (Kind::Project, None, "project"),
        "stack" => (Kind::Stack, None, "stack"),
        "environment" if dialect == "v1" => (Kind::Stack, None, "environment"),
        "service" => (Kind::Service, None, "service"),
        "loadbalancerservice" => (Kind::Service, Some("loadBalancerService"), "loadBalancerService"),
        "externalservice" => (Kind::Service, Some("externalService"), "externalService"),
        "dnsservice" => (Kind::Service, Some("dnsService"), "dnsService"),
        "container" => (Kind::Container, None, "container"),
        "instance" => (Kind::Container, None, "instance"),
        "host" => (Kind::Host, None, "host"),
        "servicelog" => (Kind::ServiceLog, None, "serviceLog"),
        "auditlog" => (Kind::AuditLog, None, "auditLog"),
        _ => return None,
    })
}

fn route(fake: &FakeCattle, world: &mut World, call: &Call<'_>) -> Result<Outcome, Refusal> {
    if matches!(*call.method, Method::HEAD | Method::OPTIONS | Method::PATCH) {
        return Err(not_allowed());
    }
    let Some(first) = call.segments.first() else {
        return Ok(Outcome::ok(schemas::index(&call.view)));
    };
    match first.to_lowercase().trim_end_matches('s') {
        "schema" => {
            return schemas::answer(call.segments.get(1), &call.view)
                .map(Outcome::ok)
                .ok_or_else(not_found);
        }
        "setting" => return setting(world, call),
        _ => {}
    }
    let (kind, only, word) = kind_of(first, call.view.dialect).ok_or_else(not_found)?;
    match (call.segments.get(1), call.segments.get(2)) {
        (None, _) if *call.method == Method::GET => Ok(Outcome::ok(list(world, call, kind, only, word))),
        (None, _) if *call.method == Method::POST => make(fake, world, call, kind),
        (None, _) => Err(not_allowed()),
        (Some(id), None) => one(fake, world, call, kind, id),
        (Some(id), Some(link)) if *call.method == Method::GET => follow(world, call, kind, id, link),
        (Some(_), Some(_)) => Err(Refusal::invalid("InvalidAction", "action")),
    }
}

fn setting(world: &World, call: &Call<'_>) -> Result<Outcome, Refusal> {
    match call.segments.get(1).map(String::as_str) {
        Some(name @ "rancher.server.version") => Ok(Outcome::ok(json!({
            "id": name,
            "type": "activeSetting",
            "links": {"self": format!("{}/settings/{name}", call.view.prefix())},
            "actions": {},
            "baseType": "setting",
            "name": name,
            "activeValue": world.version,
            "value": world.version,
        }))),
        _ => Err(not_found()),
    }
}

fn visible(world: &World, call: &Call<'_>, kind: Kind, number: u32) -> bool {
    let Some(project) = render_rows::project_of(world, kind, number) else {
        return false;
    };
    if kind == Kind::Project {
        return call.caller.role_in(project).is_some();
    }
    match call.scope {
        Some(scope) => scope == project,
        None => call.caller.is_admin(),
    }
}

fn numbers(world: &World, kind: Kind) -> Vec<u32> {
    match kind {
        Kind::Project => world.projects.keys().copied().collect(),
        Kind::Stack => world
            .stacks
            .values()
            .filter(|row| row.removed.is_none())
            .map(|row| row.id)
            .collect(),
        Kind::Service => world
            .services
            .values()
            .filter(|row| row.removed.is_none())
            .map(|row| row.id)
            .collect(),
        Kind::Container => world
            .containers
            .values()
            .filter(|row| row.removed.is_none())
            .map(|row| row.id)
            .collect(),
        Kind::Host => world
            .hosts
            .values()
            .filter(|row| row.removed.is_none())
            .map(|row| row.id)
            .collect(),
        Kind::ServiceLog => world.service_logs.keys().copied().collect(),
        Kind::AuditLog => world.audit_logs.keys().copied().collect(),
    }
}

fn shown(world: &World, call: &Call<'_>, kind: Kind, number: u32) -> Option<Value> {
    match kind {
        Kind::Project => {
            let project = world.projects.get(&number)?;
            let user = matches!(call.caller.holder, super::Holder::Account { .. });
            Some(render::project(
                world,
                project,
                &call.view,
                call.caller.is_admin(),
                user,
            ))
        }
        _ => render_rows::row(world, kind, number, &call.view),
    }
}

fn list(world: &World, call: &Call<'_>, kind: Kind, only: Option<&str>, word: &str) -> Value {
    let rows = numbers(world, kind)
        .into_iter()
        .filter(|number| visible(world, call, kind, *number))
        .filter_map(|number| shown(world, call, kind, number))
        .filter(|row| only.is_none_or(|only| row.get("type").and_then(Value::as_str) == Some(only)));
    wrap(rows.collect(), call, word, false)
}

fn wrap(rows: Vec<Value>, call: &Call<'_>, kind: &str, whole: bool) -> Value {
    let asked = Asked {
        address: call.address.clone(),
        prefix: call.view.prefix(),
        query: call.query,
        kind,
        whole,
        defaults: match (whole, call.segments.first(), call.segments.get(1)) {
            (true, Some(from), Some(id)) if from.eq_ignore_ascii_case("stacks") => json!({"stackId": id}),
            _ => json!({}),
        },
        may_create: call.view.role != Role::Readonly && call.scope.is_some(),
    };
    collection::wrap(rows, &asked)
}

/// Collections and single rows reached from a row.
fn follow(world: &World, call: &Call<'_>, kind: Kind, id: &str, link: &str) -> Result<Outcome, Refusal> {
    let number = number_of(id)
        .filter(|number| visible(world, call, kind, *number))
        .ok_or_else(not_found)?;
    let lower = link.to_lowercase();
    let pick = |wanted: Kind, test: &dyn Fn(u32) -> bool, word: &str, whole: bool| {
        let rows = numbers(world, wanted).into_iter().filter(|row| test(*row));
        let rows = rows
            .filter_map(|row| render_rows::row(world, wanted, row, &call.view))
            .collect();
        Ok(Outcome::ok(wrap(rows, call, word, whole)))
    };
    let belongs = |row: u32| world.containers.get(&row);
    match (kind, lower.as_str()) {
        (Kind::Service, "instances") => {
            let own = |row| {
                belongs(row)
                    .is_some_and(|container| container.service == Some(number) || container.also.contains(&number))
            };
            pick(Kind::Container, &own, "instance", false)
        }
        (Kind::Host, "instances") => pick(
            Kind::Container,
            &|row| belongs(row).is_some_and(|container| container.host == Some(number)),
            "instance",
            false,
        ),
        (Kind::Stack, "services") => {
            let own = |row| world.services.get(&row).is_some_and(|service| service.stack == number);
            pick(Kind::Service, &own, "service", true)
        }
        (Kind::Service, "servicelogs") => {
            let own = |row| world.service_logs.get(&row).is_some_and(|log| log.service == number);
            pick(Kind::ServiceLog, &own, "serviceLog", false)
        }
        (Kind::Container, "services") => {
            let own = |row| belongs(number).is_some_and(|container| container.service == Some(row));
            pick(Kind::Service, &own, "service", true)
        }
        (Kind::Container, "hosts") => {
            let own = |row| belongs(number).is_some_and(|container| container.host == Some(row));
            pick(Kind::Host, &own, "host", true)
        }
        (Kind::Service, "stack") => {
            let stack = world
                .services
                .get(&number)
                .map(|service| service.stack)
                .ok_or_else(not_found)?;
            render_rows::row(world, Kind::Stack, stack, &call.view)
                .map(Outcome::ok)
                .ok_or_else(not_found)
        }
        _ => Err(not_found()),
    }
}

fn make(fake: &FakeCattle, world: &mut World, call: &Call<'_>, kind: Kind) -> Result<Outcome, Refusal> {
    let (Some(project), false) = (call.scope, call.view.role == Role::Readonly) else {
        return Err(not_allowed());
    };
    let made = match kind {
        Kind::Stack => create::stack_from(world, project, call.body)?,
        Kind::Service => create::service_from(world, project, call.body)?,
        _ => return Err(not_allowed()),
    };
    let word = if kind == Kind::Stack { "stack" } else { "service" };
    announce(fake, world, call, word, &kind.id(made), "create", 201);
    let body = render_rows::row(world, kind, made, &call.view).ok_or_else(not_found)?;
    Ok(Outcome { status: 201, body })
}

fn one(fake: &FakeCattle, world: &mut World, call: &Call<'_>, kind: Kind, id: &str) -> Result<Outcome, Refusal> {
    let number = number_of(id)
        .filter(|number| visible(world, call, kind, *number))
        .ok_or_else(not_found)?;
    let word = match kind {
        Kind::Stack => "stack",
        Kind::Service => "service",
        Kind::Container => "container",
        Kind::Host => "host",
        Kind::Project if *call.method == Method::POST => return Err(Refusal::invalid("ActionNotAvailable", "action")),
        _ if *call.method == Method::GET => "",
        _ => return Err(not_allowed()),
    };
    let readonly = call.view.role == Role::Readonly;
    let pairs = collection::pairs(call.query);
    let action = pairs
        .iter()
        .find(|(key, _)| key == "action")
        .map(|(_, value)| value.to_lowercase());
    let (verb, result) = match (call.method, action) {
        (&Method::GET, _) => {
            return shown(world, call, kind, number).map(Outcome::ok).ok_or_else(not_found);
        }
        (&Method::POST, Some(action)) => {
            if readonly && !(kind == Kind::Container && action == "logs") {
                return Err(Refusal::invalid("InvalidAction", "action"));
            }
            if let Some(outcome) = live::access(fake, world, kind, number, &action, call.body, &call.view) {
                return outcome;
            }
            let result = act(world, kind, number, &action, call.body);
            (action, result)
        }
        (&Method::PUT, _) if !readonly => ("update".to_owned(), update(world, kind, number, call.body)),
        (&Method::DELETE, _) if !readonly => ("delete".to_owned(), remove(world, kind, number)),
        _ => return Err(not_allowed()),
    };
    let status = match &result {
        Err(refusal) => refusal.status,
        Ok(()) if verb == "update" || verb == "delete" || verb.ends_with("links") || verb.ends_with("link") => 200,
        Ok(()) => 202,
    };
    announce(fake, world, call, word, &kind.id(number), &verb, status);
    result?;
    let body = render_rows::row(world, kind, number, &call.view).ok_or_else(not_found)?;
    Ok(Outcome { status, body })
}

/// An action, whoever asks.
pub(super) fn act(world: &mut World, kind: Kind, number: u32, action: &str, body: &Value) -> Result<(), Refusal> {
    match kind {
        Kind::Service => world.service_action(number, action, body),
        Kind::Container => world.container_action(number, action),
        Kind::Host => world.host_action(number, action),
        Kind::Stack => create::stack_action(world, number, action),
        _ => Err(Refusal::invalid("ActionNotAvailable", "action")),
    }
}

fn update(world: &mut World, kind: Kind, number: u32, body: &Value) -> Result<(), Refusal> {
    match kind {
        Kind::Service => world.put_service(number, body),
        Kind::Stack => create::put_stack(world, number, body),
        _ => Ok(()),
    }
}

fn remove(world: &mut World, kind: Kind, number: u32) -> Result<(), Refusal> {
    let gone = match kind {
        Kind::Service => world
            .services
            .get(&number)
            .is_some_and(|row| matches!(row.state, "removing" | "removed")),
        Kind::Stack => world.stacks.get(&number).is_some_and(|row| row.removed.is_some()),
        _ => false,
    };
    if gone {
        return Ok(());
    }
    if kind == Kind::Container {
        world.stop_container(number, super::world::AfterStop::Remove);
        return Ok(());
    }
    act(world, kind, number, "remove", &Value::Null)
}

/// Writes the audit log and tells the office.
fn announce(fake: &FakeCattle, world: &mut World, call: &Call<'_>, word: &str, id: &str, verb: &str, status: u16) {
    let Some(project) = call.scope else { return };
    let number = world.next(Kind::AuditLog);
    let mut request = call.body.clone();
    let mut response = None;
    if let Some(service) = number_of(id)
        .filter(|_| word == "service")
        .and_then(|id| world.services.get(&id))
    {
        if verb == "upgrade" && status == 202 {
            request = service.upgrade.clone();
        }
        response = Some(render::service(world, service, &call.view).to_string());
    }
    let row = AuditLog {
        id: number,
        project,
        event: format!("api.{word}.{verb}"),
        resource_type: word.into(),
        resource_id: id.into(),
        by: call.caller.account(),
        status,
        request: (!request.is_null()).then(|| request.to_string()),
        response,
        created: world.now,
    };
    world.audit_logs.insert(number, row);
    fake.tell(ClientAction {
        at: world.now,
        key: call.caller.access.clone(),
        who: call.caller.name(world),
        project: Kind::Project.id(project),
        resource: word.into(),
        id: id.into(),
        action: verb.into(),
        status,
        body: call.body.clone(),
        user_agent: access::header(call.headers, "user-agent")
            .unwrap_or_default()
            .to_owned(),
    });
}
