//! Every plain request of `apis/drone.md § 4.1`, answered from the state.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{delete, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::guard::{
    Caller, Refusal, dress, empty, indented_json, json as reply, need_user, page, refuse, refuse_empty, stored, text,
    typed,
};
use super::state::{
    BuildState, FakeBuild, FakeLine, Procs, RepoState, Right, build_json, feed_row, repo_json, user_json,
};
use super::{Did, FakeDrone, stream};

type Answer = Result<Response, Refusal>;
type Drone = State<FakeDrone>;
type Asked = Query<HashMap<String, String>>;
type RepoPath = Path<(String, String)>;
type BuildPath = Path<(String, String, String)>;

/// Builds a page of a list holds.
const PAGE_SIZE: usize = 50;

pub(super) fn router(drone: FakeDrone) -> Router {
    let repo = "/api/repos/{owner}/{name}";
    let at = |rest: &str| format!("{repo}{rest}");
    Router::new()
        .route("/version", get(version))
        .route("/healthz", get(|| async { text(StatusCode::OK, "") }))
        .route("/metrics", get(metrics))
        .route("/api/user", get(user))
        .route("/api/user/token", post(token).delete(token))
        .route("/api/user/repos", get(repos))
        .route("/api/user/feed", get(feed))
        .route("/api/builds", get(all_builds))
        .route("/api/info/queue", get(queue))
        .route(repo, get(one_repo).post(enable).patch(settings).delete(disable))
        .route(&at("/chown"), post(chown))
        .route(&at("/repair"), post(repair))
        .route(&at("/builds"), get(builds))
        .route(&at("/builds/latest"), get(latest))
        .route(&at("/builds/{number}"), get(build).post(restart).delete(kill))
        .route(&at("/builds/{number}/{verb}"), post(review).delete(cancel))
        .route(&at("/logs/{number}"), delete(purge))
        .route(&at("/logs/{number}/{pid}"), get(log))
        .route(&at("/logs/{number}/{pid}/{step}"), get(log_by_name))
        .route(&at("/files/{number}"), get(files))
        .route("/api/badges/{owner}/{name}/status.svg", get(badge))
        .route("/api/badges/{owner}/{name}/cc.xml", get(cc_menu))
        .route("/stream/events", get(stream::events))
        .route("/stream/logs/{owner}/{name}/{number}/{pid}", get(stream::logs))
        .fallback(|| async { page() })
        .method_not_allowed_fallback(|| async { page() })
        .layer(axum::middleware::map_response_with_state(drone.clone(), dress))
        .with_state(drone)
}

pub(super) fn full(owner: &str, name: &str) -> String {
    format!("{owner}/{name}")
}

/// A number in a path, or 400.
pub(super) fn number_in(path: &str) -> Result<u64, Refusal> {
    path.parse().map_err(|_| refuse_empty(StatusCode::BAD_REQUEST))
}

async fn version(State(drone): Drone) -> Response {
    let version = drone.world().version.clone();
    reply(
        StatusCode::OK,
        &json!({"source": "https://github.com/drone/drone", "version": version}),
    )
}

async fn metrics(State(drone): Drone) -> Response {
    let world = drone.world();
    let count = |wanted: Option<&str>| {
        let builds = world.repos.values().flat_map(|repo| repo.builds.values());
        builds
            .filter(|state| wanted.is_none_or(|status| state.build.status == status))
            .count()
    };
    let gauges = [
        ("drone_build_count", "Build count.", count(None)),
        ("drone_pending_jobs", "Pending job count.", count(Some("pending"))),
        ("drone_running_jobs", "Running job count.", count(Some("running"))),
        ("drone_repo_count", "Repo count.", world.repos.len()),
        ("drone_user_count", "User count.", world.users.len()),
    ];
    let lines =
        gauges.map(|(name, help, value)| format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n"));
    typed("text/plain; version=0.0.4", lines.concat())
}

async fn user(State(drone): Drone, caller: Caller) -> Answer {
    need_user(&caller)?;
    let world = drone.world();
    let user = world.users.iter().find(|user| user.login == caller.login());
    Ok(user.map_or_else(page, |user| reply(StatusCode::OK, &user_json(user))))
}

async fn token(State(drone): Drone, caller: Caller) -> Answer {
    need_user(&caller)?;
    let world = drone.world();
    let user = world.users.iter().find(|user| user.login == caller.login());
    Ok(user.map_or_else(page, |user| text(StatusCode::OK, &user.token)))
}

async fn repos(State(drone): Drone, caller: Caller, Query(asked): Asked) -> Answer {
    need_user(&caller)?;
    let all = asked.get("all").is_some_and(|all| all == "true");
    let world = drone.world();
    let seen = world.repos.values().filter(|known| {
        (all || known.repo.active) && world.listed_right(caller.login(), &known.repo.full_name).is_some()
    });
    Ok(reply(
        StatusCode::OK,
        &seen.map(|known| repo_json(&known.repo)).collect(),
    ))
}

async fn feed(State(drone): Drone, caller: Caller, Query(asked): Asked) -> Answer {
    need_user(&caller)?;
    let world = drone.world();
    let seen = world
        .repos
        .values()
        .filter(|known| world.listed_right(caller.login(), &known.repo.full_name).is_some());
    if asked.get("latest").is_some_and(|latest| latest == "true") {
        // Newest by database id, whatever its event: a pull request hides the last push.
        let rows = seen.filter(|known| known.repo.active).map(|known| {
            let newest = known.builds.values().max_by_key(|state| state.build.id);
            feed_row(&known.repo, newest.map(|state| &state.build))
        });
        return Ok(reply(StatusCode::OK, &rows.collect()));
    }
    let mut rows: Vec<(&RepoState, &FakeBuild)> = seen
        .flat_map(|known| known.builds.values().map(move |state| (known, &state.build)))
        .collect();
    rows.sort_by_key(|(_, build)| std::cmp::Reverse(build.id));
    Ok(reply(StatusCode::OK, &feed_rows(rows.into_iter().take(PAGE_SIZE))))
}

fn feed_rows<'a>(rows: impl Iterator<Item = (&'a RepoState, &'a FakeBuild)>) -> Value {
    rows.map(|(known, build)| feed_row(&known.repo, Some(build))).collect()
}

async fn all_builds(State(drone): Drone, caller: Caller) -> Answer {
    drone.need_admin(&caller)?;
    let world = drone.world();
    let mut rows: Vec<(&RepoState, &FakeBuild)> = world
        .repos
        .values()
        .flat_map(|known| known.builds.values().map(move |state| (known, &state.build)))
        .filter(|(_, build)| build.status == "pending" || build.status == "running")
        .collect();
    rows.sort_by_key(|(_, build)| build.id);
    Ok(reply(StatusCode::OK, &feed_rows(rows.into_iter())))
}

async fn queue(State(drone): Drone, caller: Caller) -> Answer {
    drone.need_admin(&caller)?;
    let world = drone.world();
    let (mut pending, mut running) = (Vec::new(), Vec::new());
    for known in world.repos.values() {
        for state in known.builds.values() {
            for axis in state.build.procs.iter().filter(|proc| proc.ppid == 0) {
                match axis.state.as_str() {
                    "pending" => pending.push(job(axis.id, known, state)),
                    "running" => running.push(job(axis.id, known, state)),
                    _ => {}
                }
            }
        }
    }
    let stats = json!({
        "worker_count": world.idle_agents,
        "pending_count": pending.len(),
        "running_count": running.len(),
        "completed_count": 0,
    });
    let list = |jobs: Vec<Value>| {
        if jobs.is_empty() {
            Value::Null
        } else {
            Value::Array(jobs)
        }
    };
    Ok(indented_json(
        &json!({"pending": list(pending), "running": list(running), "stats": stats}),
    ))
}

/// A job as the queue shows it, with the secrets of the build in its data, as the real one.
fn job(id: i64, known: &RepoState, state: &BuildState) -> Value {
    let config = json!({
        "id": id.to_string(),
        "config": {"pipeline": [], "secrets": [{"name": "docker_password", "value": "fake-registry-password"}]},
        "timeout": known.repo.timeout,
    });
    let mut labels = json!({"platform": "linux/amd64"});
    if state.labelled {
        labels["repo"] = json!(known.repo.full_name);
    }
    json!({"id": id.to_string(), "data": STANDARD.encode(config.to_string()), "labels": labels})
}

async fn one_repo(State(drone): Drone, caller: Caller, Path((owner, name)): RepoPath) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Pull)?;
    Ok(repo_reply(&drone, &repo))
}

fn repo_reply(drone: &FakeDrone, repo: &str) -> Response {
    let world = drone.world();
    let found = world.repos.get(repo);
    found.map_or_else(
        || empty(StatusCode::NOT_FOUND),
        |known| reply(StatusCode::OK, &repo_json(&known.repo)),
    )
}

async fn enable(State(drone): Drone, caller: Caller, Path((owner, name)): RepoPath) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Admin)?;
    if let Some(known) = drone.world().repos.get_mut(&repo) {
        if known.repo.active {
            return Err(refuse(StatusCode::CONFLICT, "Repository is already active."));
        }
        known.repo.active = true;
    }
    drone.tell(caller.login(), &repo, Did::Enable);
    Ok(repo_reply(&drone, &repo))
}

async fn disable(State(drone): Drone, caller: Caller, Path((owner, name)): RepoPath, Query(asked): Asked) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Admin)?;
    if let Some(known) = drone.world().repos.get_mut(&repo) {
        known.repo.active = false;
    }
    drone.tell(caller.login(), &repo, Did::Disable);
    let response = repo_reply(&drone, &repo);
    if asked.get("remove").is_some_and(|remove| remove == "true") {
        drone.world().repos.remove(&repo);
    }
    Ok(response)
}

async fn settings(
    State(drone): Drone,
    caller: Caller,
    Path((owner, name)): RepoPath,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Admin)?;
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    // Without the content type the real server reads no field, and says 200 all the same.
    let wish: Value = if kind.starts_with("application/json") {
        serde_json::from_slice(&body).map_err(|_| refuse_empty(StatusCode::BAD_REQUEST))?
    } else {
        Value::Null
    };
    let flag = |key: &str| wish.get(key).and_then(Value::as_bool);
    let timeout = wish.get("timeout").and_then(Value::as_i64);
    if (flag("trusted").is_some() || timeout.is_some()) && drone.need_admin(&caller).is_err() {
        return Err(refuse(StatusCode::FORBIDDEN, "Insufficient privileges"));
    }
    let visibility = wish.get("visibility").and_then(Value::as_str);
    if visibility.is_some_and(|kind| !matches!(kind, "private" | "public" | "internal")) {
        return Err(refuse(StatusCode::BAD_REQUEST, "Invalid visibility type"));
    }
    if let Some(known) = drone.world().repos.get_mut(&repo) {
        let facts = &mut known.repo;
        let flags = [
            ("trusted", &mut facts.trusted),
            ("gated", &mut facts.gated),
            ("allow_pr", &mut facts.allow_pr),
            ("allow_push", &mut facts.allow_push),
            ("allow_deploy", &mut facts.allow_deploys),
            ("allow_tag", &mut facts.allow_tags),
        ];
        for (key, fact) in flags {
            *fact = flag(key).unwrap_or(*fact);
        }
        facts.timeout = timeout.unwrap_or(facts.timeout);
        if let Some(visibility) = visibility {
            facts.visibility = visibility.into();
        }
        if let Some(file) = wish.get("config_file").and_then(Value::as_str) {
            facts.config_file = file.into();
        }
        if let Some(counter) = wish.get("build_counter").and_then(Value::as_u64) {
            facts.last_build = counter;
        }
    }
    drone.tell(caller.login(), &repo, Did::Settings);
    Ok(repo_reply(&drone, &repo))
}

async fn chown(State(drone): Drone, caller: Caller, Path((owner, name)): RepoPath) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Admin)?;
    Ok(repo_reply(&drone, &repo))
}

async fn repair(State(drone): Drone, caller: Caller, Path((owner, name)): RepoPath) -> Answer {
    drone.need(&caller, &full(&owner, &name), Right::Admin)?;
    Ok(empty(StatusCode::OK))
}

async fn builds(State(drone): Drone, caller: Caller, Path((owner, name)): RepoPath, Query(asked): Asked) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Pull)?;
    let page: usize = match asked.get("page") {
        Some(page) => page.parse().map_err(|_| refuse_empty(StatusCode::BAD_REQUEST))?,
        None => 1,
    };
    let world = drone.world();
    let rows = world
        .repos
        .get(&repo)
        .into_iter()
        .flat_map(|known| known.builds.values().rev());
    let rows = rows
        .skip(page.saturating_sub(1).saturating_mul(PAGE_SIZE))
        .take(PAGE_SIZE);
    Ok(reply(
        StatusCode::OK,
        &rows.map(|state| build_json(&state.build, Procs::Absent)).collect(),
    ))
}

async fn latest(State(drone): Drone, caller: Caller, Path((owner, name)): RepoPath, Query(asked): Asked) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Pull)?;
    let world = drone.world();
    let found = world.repos.get(&repo).and_then(|known| {
        let branch = asked.get("branch").unwrap_or(&known.repo.default_branch);
        known
            .builds
            .values()
            .rev()
            .find(|state| state.build.event == "push" && state.build.branch == *branch)
    });
    Ok(match found {
        Some(state) => reply(StatusCode::OK, &build_json(&state.build, Procs::Tree)),
        None => text(StatusCode::INTERNAL_SERVER_ERROR, "sql: no rows in result set"),
    })
}

async fn build(State(drone): Drone, caller: Caller, Path((owner, name, number)): BuildPath) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Pull)?;
    let number = number_in(&number)?;
    let world = drone.world();
    // A missing build is 500, not 404.
    let missing = || empty(StatusCode::INTERNAL_SERVER_ERROR);
    Ok(world.build(&repo, number).map_or_else(missing, |state| {
        reply(StatusCode::OK, &build_json(&state.build, Procs::Tree))
    }))
}

async fn restart(
    State(drone): Drone,
    caller: Caller,
    Path((owner, name, number)): BuildPath,
    Query(asked): Asked,
) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Push)?;
    let parent = number_in(&number)?;
    drone.restart(caller.login(), &repo, parent, &asked)
}

async fn cancel(
    State(drone): Drone,
    caller: Caller,
    Path((owner, name, number, pid)): Path<(String, String, String, String)>,
) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Push)?;
    drone.cancel(caller.login(), &repo, number_in(&number)?, number_in(&pid)?)
}

async fn kill(State(drone): Drone, caller: Caller, Path((owner, name, number)): BuildPath) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Admin)?;
    drone.kill(caller.login(), &repo, number_in(&number)?)
}

async fn review(
    State(drone): Drone,
    caller: Caller,
    Path((owner, name, number, verb)): Path<(String, String, String, String)>,
) -> Answer {
    let approved = match verb.as_str() {
        "approve" => true,
        "decline" => false,
        _ => return Ok(page()),
    };
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Push)?;
    drone.review(caller.login(), &repo, number_in(&number)?, approved)
}

async fn purge(State(drone): Drone, caller: Caller, Path((owner, name, number)): BuildPath) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Push)?;
    drone.purge(caller.login(), &repo, number_in(&number)?)
}

async fn log(
    State(drone): Drone,
    caller: Caller,
    Path((owner, name, number, pid)): Path<(String, String, String, String)>,
) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Pull)?;
    let (number, pid) = (number_in(&number)?, number_in(&pid)?);
    let world = drone.world();
    Ok(stored_log(world.build(&repo, number), pid))
}

async fn log_by_name(
    State(drone): Drone,
    caller: Caller,
    Path((owner, name, number, pid, step)): Path<(String, String, String, String, String)>,
) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Pull)?;
    let (number, axis) = (number_in(&number)?, number_in(&pid)?);
    let world = drone.world();
    let state = world.build(&repo, number);
    let procs = state.iter().flat_map(|state| &state.build.procs);
    let pid = procs
        .into_iter()
        .find(|proc| proc.ppid == axis && proc.name == step)
        .map_or(0, |proc| proc.pid);
    Ok(stored_log(state, pid))
}

/// What the agent uploaded when the step ended; `null` when the step printed nothing; 404 before that, and for an axis.
fn stored_log(state: Option<&BuildState>, pid: u64) -> Response {
    let Some(log) = state.and_then(|state| state.logs.get(&pid)).filter(|log| log.stored) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let lines: Option<&Vec<FakeLine>> = (!log.lines.is_empty()).then_some(&log.lines);
    stored(super::guard::go_json(serde_json::to_string(&lines).unwrap_or_default()))
}

async fn files(State(drone): Drone, caller: Caller, Path((owner, name, number)): BuildPath) -> Answer {
    let repo = full(&owner, &name);
    drone.need(&caller, &repo, Right::Pull)?;
    let number = number_in(&number)?;
    let known = drone.world().build(&repo, number).is_some();
    Ok(if known {
        reply(StatusCode::OK, &json!([]))
    } else {
        empty(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

/// Status of the newest push to a branch, as badge and CCMenu read it; for guests and private repositories alike.
fn branch_status(drone: &FakeDrone, repo: &str, branch: Option<&String>) -> Option<(String, u64)> {
    let world = drone.world();
    let known = world.repos.get(repo)?;
    let branch = branch.unwrap_or(&known.repo.default_branch);
    let newest = known
        .builds
        .values()
        .rev()
        .find(|state| state.build.event == "push" && state.build.branch == *branch);
    Some(newest.map_or(("none".into(), 0), |state| {
        (state.build.status.clone(), state.build.number)
    }))
}

async fn badge(State(drone): Drone, Path((owner, name)): RepoPath, Query(asked): Asked) -> Response {
    let Some((status, _)) = branch_status(&drone, &full(&owner, &name), asked.get("branch")) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let words = match status.as_str() {
        "success" | "failure" => status,
        "error" | "killed" => "error".into(),
        "pending" | "running" => "started".into(),
        _ => "none".into(),
    };
    typed(
        "image/svg+xml",
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="91" height="20"><text x="6" y="14">build: {words}</text></svg>"#
        ),
    )
}

async fn cc_menu(State(drone): Drone, Path((owner, name)): RepoPath) -> Response {
    let repo = full(&owner, &name);
    let Some((status, number)) = branch_status(&drone, &repo, None) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let activity = if matches!(status.as_str(), "pending" | "running") {
        "Building"
    } else {
        "Sleeping"
    };
    let last = match status.as_str() {
        "success" => "Success",
        "failure" => "Failure",
        _ => "Unknown",
    };
    typed(
        "application/xml; charset=utf-8",
        format!(
            r#"<Projects><Project name="{repo}" activity="{activity}" lastBuildStatus="{last}" lastBuildLabel="{number}"></Project></Projects>"#
        ),
    )
}
