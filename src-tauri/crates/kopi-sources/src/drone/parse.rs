//! Drone 0.8's JSON, read into items (`apis/drone.md §§ 3, 4`). Pure: values in, items out.
//!
//! Refuses: failing on a field. What is missing, null, of another type or unknown becomes empty or `Unknown`; only a
//! row that cannot be named (no repository, no number) is left out. Job data of the queue is never looked at: it holds secrets.

use jiff::Timestamp;
use kopi_feed::text;
use kopi_model::{Agents, Build, BuildStatus, ConnectionName, Item, ItemId, ItemKind, Repo, Scope, Step};
use serde_json::Value;

/// Longest name, branch, login or status kept, in characters.
const NAME_MAX: usize = 300;
/// Longest message or error kept, in characters.
const MESSAGE_MAX: usize = 2_000;

/// Scope of builds.
pub const FEED: &str = "feed";
/// Scope of repositories.
pub const REPOS: &str = "repos";
/// Scope of queue and agents.
pub const QUEUE: &str = "queue";

/// What every item of a connection needs to know of it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The connection.
    pub connection: ConnectionName,
    /// Base address without trailing slash, for links.
    pub base: String,
}

/// Who a token is (`GET /api/user`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login.
    pub login: String,
    /// Listed in `DRONE_ADMIN`: may see the queue.
    pub admin: bool,
}

/// One proc of a build, tree or flat list alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Proc {
    /// Names it inside its build.
    pub pid: u64,
    /// Its axis; 0 for the axis itself.
    pub ppid: u64,
    /// Step's name as the server gives it; empty for an axis.
    pub name: String,
    /// The server's word.
    pub state: String,
    /// As the process returned it.
    pub exit_code: i64,
    /// Engine problems; `Cancelled`.
    pub error: String,
    /// Agent.
    pub machine: String,
    /// Matrix axis, `GO_VERSION=1.9`.
    pub axis: Option<String>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

/// One frame of the event stream (`apis/drone.md § 4.8`).
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// `owner/name`.
    pub repo: String,
    /// The build it carries.
    pub build: Build,
}

/// One chunk of a log, stored or live (`apis/drone.md §§ 4.4, 4.5`): several lines or half a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Step's name.
    pub step: String,
    /// Counts from 0 in each step.
    pub position: u64,
    /// Whole seconds since the step began.
    pub time: u32,
    /// The text, untouched.
    pub out: String,
}

/// The status a word stands for (`apis/drone.md § 3.1`).
pub fn status(word: &str) -> BuildStatus {
    match word {
        "pending" => BuildStatus::Waiting,
        "running" => BuildStatus::Running,
        "success" => BuildStatus::Passed,
        "failure" => BuildStatus::Failed,
        "error" => BuildStatus::Errored,
        "killed" => BuildStatus::Cancelled,
        "blocked" => BuildStatus::Blocked,
        "declined" => BuildStatus::Declined,
        "skipped" => BuildStatus::Skipped,
        _ => BuildStatus::Unknown,
    }
}

/// `GET /api/user`; none when there is no login in it.
pub fn user(value: &Value) -> Option<User> {
    let login = name(value, "login");
    (!login.is_empty()).then(|| User {
        login,
        admin: flag(value, "admin"),
    })
}

/// `GET /api/user/repos`, never `null` (it is a complete listing: nothing must not be read as "all gone"). A repository
/// named twice is taken once, the last.
pub fn repos(value: &Value, place: &Place) -> Option<Vec<Repo>> {
    let mut repos: Vec<Repo> = Vec::new();
    for repo in value.as_array()?.iter().filter_map(|row| repo(row, place)) {
        match repos.iter_mut().find(|known| known.id == repo.id) {
            Some(known) => *known = repo,
            None => repos.push(repo),
        }
    }
    Some(repos)
}

/// One repository.
pub fn repo(value: &Value, place: &Place) -> Option<Repo> {
    let full_name = full_name(value)?;
    Some(Repo {
        id: ItemId::new(ItemKind::Repo, &place.connection, &full_name),
        connection: place.connection.clone(),
        scope: REPOS.into(),
        active: flag(value, "active"),
        gated: flag(value, "gated"),
        default_branch: optional(name(value, "default_branch")),
        url: Some(format!("{}/{full_name}", place.base)),
        name: full_name,
    })
}

/// Rows of a feed (`GET /api/user/feed`, `GET /api/builds`); rows of repositories without builds are left out.
pub fn feed(value: &Value, place: &Place) -> Option<Vec<Build>> {
    let rows = rows(value)?;
    Some(distinct(
        rows.iter().filter_map(|row| build(row, &full_name(row)?, place, false)),
    ))
}

/// Rows of `GET …/builds`, which carry no steps.
pub fn builds(value: &Value, repo: &str, place: &Place) -> Option<Vec<Build>> {
    let rows = rows(value)?;
    Some(distinct(rows.iter().filter_map(|row| build(row, repo, place, false))))
}

/// `GET …/builds/{number}`: steps are told, also when there are none (blocked, declined, did not compile).
pub fn whole_build(value: &Value, repo: &str, place: &Place) -> Option<Build> {
    build(value, repo, place, true)
}

/// The reply of approve and decline: a build before its steps exist.
pub fn bare_build(value: &Value, repo: &str, place: &Place) -> Option<Build> {
    build(value, repo, place, value.get("procs").is_some_and(Value::is_array))
}

/// One frame of the event stream; none for anything that does not name a repository and a build.
pub fn frame(data: &str, place: &Place) -> Option<Frame> {
    let value: Value = serde_json::from_str(data).ok()?;
    let repo = full_name(value.get("repo")?)?;
    let build = bare_build(value.get("build")?, &repo, place)?;
    Some(Frame { repo, build })
}

/// The queue, without looking at the jobs' data. `null` lists are empty lists.
pub fn agents(value: &Value, place: &Place) -> Option<Agents> {
    if !value.is_object() {
        return None;
    }
    let stats = value.get("stats").unwrap_or(&Value::Null);
    let count = |list: &str, stat: &str| {
        let listed = match value.get(list) {
            Some(Value::Array(jobs)) => Some(jobs.len() as u64),
            Some(Value::Null) => Some(0),
            _ => None,
        };
        listed
            .or_else(|| natural(stats, stat))
            .and_then(|count| u32::try_from(count).ok())
    };
    Some(Agents {
        pending: count("pending", "pending_count"),
        running: count("running", "running_count"),
        idle: natural(stats, "worker_count").and_then(|count| u32::try_from(count).ok()),
        ..no_agents(place)
    })
}

/// The queue of a server that does not let us see it: all unknown.
pub fn no_agents(place: &Place) -> Agents {
    Agents {
        id: ItemId::new(ItemKind::Agents, &place.connection, ""),
        connection: place.connection.clone(),
        scope: QUEUE.into(),
        pending: None,
        running: None,
        idle: None,
    }
}

/// A stored log: an array of chunks, or `null` for a step that printed nothing. None when it is neither.
pub fn stored_log(value: &Value) -> Option<Vec<LogEntry>> {
    if value.is_null() {
        return Some(Vec::new());
    }
    let mut entries: Vec<LogEntry> = value.as_array()?.iter().filter_map(log_entry).collect();
    // The agent uploads in order; a stable sort mends what a proxy or another agent did not.
    entries.sort_by_key(|entry| entry.position);
    Some(entries)
}

/// One chunk.
pub fn log_entry(value: &Value) -> Option<LogEntry> {
    Some(LogEntry {
        out: value.get("out")?.as_str()?.to_owned(),
        step: raw(value, "proc"),
        position: natural(value, "pos").unwrap_or(0),
        time: natural(value, "time")
            .and_then(|time| u32::try_from(time).ok())
            .unwrap_or(0),
    })
}

/// All procs of a build, parents before their children, children by pid; empty when there are none.
pub fn procs(build: &Value) -> Vec<Proc> {
    let mut found = Vec::new();
    collect_procs(build.get("procs").unwrap_or(&Value::Null), 0, 0, &mut found);
    let mut procs: Vec<Proc> = Vec::with_capacity(found.len());
    for proc in found {
        if !procs.iter().any(|known: &Proc| known.pid == proc.pid) {
            procs.push(proc);
        }
    }
    procs.sort_by_key(|proc| (proc.ppid != 0, proc.pid));
    procs
}

fn collect_procs(list: &Value, parent: u64, depth: u8, found: &mut Vec<Proc>) {
    // Drone nests once; whoever nests deeper than this is not describing a build.
    if depth > 4 {
        return;
    }
    for row in list.as_array().into_iter().flatten() {
        let Some(pid) = natural(row, "pid").filter(|pid| *pid > 0) else {
            continue;
        };
        found.push(Proc {
            pid,
            ppid: natural(row, "ppid").filter(|ppid| *ppid > 0).unwrap_or(parent),
            name: raw(row, "name"),
            state: name(row, "state"),
            exit_code: integer(row, "exit_code").unwrap_or(0),
            error: text::clean_block(&raw(row, "error"), MESSAGE_MAX),
            machine: name(row, "machine"),
            axis: axis(row),
            started_at: time(row, "start_time"),
            finished_at: time(row, "end_time"),
        });
        if let Some(children) = row.get("children") {
            collect_procs(children, pid, depth + 1, found);
        }
    }
}

fn axis(row: &Value) -> Option<String> {
    let environ = row.get("environ")?.as_object()?;
    let parts: Vec<String> = environ
        .iter()
        .map(|(key, value)| match value {
            Value::String(text) => format!("{key}={text}"),
            other => format!("{key}={other}"),
        })
        .collect();
    optional(text::clean(&parts.join(" "), NAME_MAX))
}

fn steps(procs: &[Proc]) -> Vec<Step> {
    let axes: Vec<&Proc> = procs.iter().filter(|proc| proc.ppid == 0).collect();
    procs
        .iter()
        .filter(|proc| proc.ppid != 0)
        .map(|proc| {
            let parent = axes.iter().find(|axis| axis.pid == proc.ppid);
            let status = status(&proc.state);
            Step {
                key: proc.pid.to_string(),
                name: text::clean(&proc.name, NAME_MAX),
                group: parent.and_then(|axis| {
                    axis.axis
                        .clone()
                        .or_else(|| (axes.len() > 1).then(|| format!("#{}", axis.pid)))
                }),
                status,
                server_status: proc.state.clone(),
                exit_code: (status.is_final() && status != BuildStatus::Skipped)
                    .then(|| i32::try_from(proc.exit_code).ok())
                    .flatten(),
                error: optional(proc.error.clone()),
                is_service: false,
                machine: optional(proc.machine.clone()),
                started_at: proc.started_at,
                finished_at: proc.finished_at,
            }
        })
        .collect()
}

fn build(value: &Value, repo: &str, place: &Place, steps_known: bool) -> Option<Build> {
    let number = natural(value, "number").filter(|number| *number > 0)?;
    let procs = procs(value);
    let server_status = name(value, "status");
    let mut normalised = status(&server_status);
    // § 3.1 rule 1: a cancelled build ends as `failure`, and only its axis tells.
    let cancelled = |proc: &Proc| proc.ppid == 0 && proc.exit_code == 137 && proc.error == "Cancelled";
    if normalised == BuildStatus::Failed && procs.iter().any(cancelled) {
        normalised = BuildStatus::Cancelled;
    }
    let engine_error = procs
        .iter()
        .find(|proc| proc.ppid == 0 && !proc.error.is_empty() && proc.error != "Cancelled");
    let message = text::clean_block(&raw(value, "message"), MESSAGE_MAX);
    let author = name(value, "author");
    let git_ref = name(value, "ref");
    Some(Build {
        id: ItemId::new(ItemKind::Build, &place.connection, &format!("{repo}#{number}")),
        connection: place.connection.clone(),
        scope: Scope::from(FEED),
        repo: repo.to_owned(),
        number,
        parent: natural(value, "parent").filter(|parent| *parent > 0),
        status: normalised,
        server_status,
        event: match name(value, "event").as_str() {
            "deployment" => "deploy".to_owned(),
            other => other.to_owned(),
        },
        branch: branch(&name(value, "branch")),
        git_ref,
        sha: name(value, "commit").to_lowercase(),
        sender: optional(name(value, "sender")).filter(|sender| *sender != author),
        author,
        author_name: None,
        subject: text::first_line(&message, NAME_MAX),
        message,
        environment: optional(name(value, "deploy_to")),
        error: optional(text::clean_block(&raw(value, "error"), MESSAGE_MAX))
            .or_else(|| engine_error.map(|proc| proc.error.clone())),
        reviewed_by: optional(name(value, "reviewed_by")),
        created_at: time(value, "created_at").or_else(|| time(value, "enqueued_at")),
        started_at: time(value, "started_at"),
        finished_at: time(value, "finished_at"),
        url: Some(format!("{}/{repo}/{number}", place.base)),
        steps: steps(&procs),
        steps_known,
    })
}

/// GitHub's tag builds carry `refs/tags/v1` as their branch: that is none.
fn branch(text: &str) -> String {
    if text.starts_with("refs/tags/") {
        return String::new();
    }
    text.strip_prefix("refs/heads/").unwrap_or(text).to_owned()
}

fn distinct(builds: impl Iterator<Item = Build>) -> Vec<Build> {
    let mut seen = std::collections::HashSet::new();
    builds.filter(|build| seen.insert(build.id.clone())).collect()
}

/// `owner/name`, each a plain word: it goes into paths and ids.
fn full_name(value: &Value) -> Option<String> {
    let (owner, repo) = (raw(value, "owner"), raw(value, "name"));
    let full = if owner.is_empty() || repo.is_empty() {
        raw(value, "full_name")
    } else {
        format!("{owner}/{repo}")
    };
    let full = text::clean(&full, NAME_MAX);
    is_repo_name(&full).then_some(full)
}

/// `owner/name` that can stand in a path: no part is empty or leads elsewhere, and `#` begins a build's number.
pub fn is_repo_name(text: &str) -> bool {
    text.contains('/') && !text.contains('#') && text.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn rows(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(rows) => Some(rows),
        Value::Null => Some(&[]),
        _ => None,
    }
}

fn raw(value: &Value, key: &str) -> String {
    value.get(key).and_then(text::text_of).unwrap_or_default()
}

fn name(value: &Value, key: &str) -> String {
    text::clean(&raw(value, key), NAME_MAX)
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(text::flag_of).unwrap_or_default()
}

fn integer(value: &Value, key: &str) -> Option<i64> {
    value.get(key).and_then(text::integer_of)
}

fn natural(value: &Value, key: &str) -> Option<u64> {
    integer(value, key).and_then(|number| u64::try_from(number).ok())
}

/// Seconds since 1970; 0, negative and what no calendar knows is "not yet".
fn time(value: &Value, key: &str) -> Option<Timestamp> {
    value.get(key).and_then(text::timestamp_of)
}

fn optional(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// An item for the inbox.
pub fn item(build: &Build) -> Box<Item> {
    Box::new(Item::Build(build.clone()))
}
