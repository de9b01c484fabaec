//! The fake server's world in the server's own terms, and how it is written as JSON (`apis/drone.md §§ 4.2, 4.3`): the
//! keys, their order and which are left out are the real server's.
//!
//! Refuses: time and chance; both are given.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What a user may do with a repository; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// See.
    Pull,
    /// Restart, cancel, approve.
    Push,
    /// Enable, disable, settings.
    Admin,
}

/// A person with a token.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FakeUser {
    /// Database id.
    pub id: i64,
    /// Login.
    pub login: String,
    /// E-mail.
    pub email: String,
    /// Picture.
    pub avatar_url: String,
    /// As the server stores it: false for most.
    pub active: bool,
    /// Last repository sync, seconds since 1970.
    pub synced: i64,
    /// Listed in `DRONE_ADMIN`.
    #[serde(skip_serializing_if = "is_false")]
    pub admin: bool,
    /// What they send as `Bearer`.
    #[serde(skip)]
    pub token: String,
    /// Rights by `owner/name`.
    #[serde(skip)]
    pub rights: BTreeMap<String, Right>,
    /// Right on every repository not named in `rights`.
    #[serde(skip)]
    pub everywhere: Option<Right>,
}

/// A repository.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FakeRepo {
    /// Database id.
    #[serde(skip_serializing_if = "is_zero")]
    pub id: i64,
    /// Owner.
    pub owner: String,
    /// Name.
    pub name: String,
    /// `owner/name`.
    pub full_name: String,
    /// Picture.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub avatar_url: String,
    /// Page at the forge.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub link_url: String,
    /// `git`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scm: String,
    /// For cloning.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub clone_url: String,
    /// Main branch.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub default_branch: String,
    /// Minutes.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: i64,
    /// `private`, `public`, `internal`.
    pub visibility: String,
    /// Private on the forge: guests do not see it.
    #[serde(rename = "private")]
    pub is_private: bool,
    /// May mount volumes.
    pub trusted: bool,
    /// Strangers' pull requests wait for approval.
    pub gated: bool,
    /// Built.
    pub active: bool,
    /// Which hooks build.
    pub allow_pr: bool,
    /// Which hooks build.
    pub allow_push: bool,
    /// Which hooks build.
    pub allow_deploys: bool,
    /// Which hooks build.
    pub allow_tags: bool,
    /// Number counter.
    pub last_build: u64,
    /// Pipeline file.
    pub config_file: String,
}

impl FakeRepo {
    /// An active private repository `owner/name` of the forge at `forge` (`https://github.com`), main branch `master`.
    pub fn new(full_name: &str, forge: &str) -> Self {
        let (owner, name) = full_name.split_once('/').unwrap_or((full_name, ""));
        Self {
            owner: owner.into(),
            name: name.into(),
            full_name: full_name.into(),
            avatar_url: format!("{forge}/{owner}.png"),
            link_url: format!("{forge}/{full_name}"),
            scm: "git".into(),
            clone_url: format!("{forge}/{full_name}.git"),
            default_branch: "master".into(),
            timeout: 60,
            visibility: "private".into(),
            is_private: true,
            active: true,
            allow_pr: true,
            allow_push: true,
            config_file: ".drone.yml".into(),
            ..Self::default()
        }
    }
}

/// A proc: a matrix axis (`ppid` 0) or one of its steps.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FakeProc {
    /// Database id.
    pub id: i64,
    /// Its build's database id.
    pub build_id: i64,
    /// Names it inside the build.
    pub pid: u64,
    /// Its axis; 0 for an axis.
    pub ppid: u64,
    /// Same for steps that run side by side.
    pub pgid: u64,
    /// Step's name; empty for an axis.
    pub name: String,
    /// `pending running success failure error killed skipped`.
    pub state: String,
    /// Engine problems, `Cancelled`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// As the process returned it.
    pub exit_code: i64,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_time: i64,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "is_zero")]
    pub end_time: i64,
    /// Agent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine: String,
    /// Matrix axis.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environ: BTreeMap<String, String>,
}

/// A build. Its procs are kept flat and written as a tree, except where the real server writes them flat.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "named as on the wire: apis/drone.md §§ 3.3, 4.3")]
pub struct FakeBuild {
    pub id: i64,
    pub number: u64,
    pub parent: u64,
    pub event: String,
    pub status: String,
    pub error: String,
    pub enqueued_at: i64,
    pub created_at: i64,
    pub started_at: i64,
    pub finished_at: i64,
    pub deploy_to: String,
    pub commit: String,
    pub branch: String,
    #[serde(rename = "ref")]
    pub git_ref: String,
    pub refspec: String,
    pub remote: String,
    pub title: String,
    pub message: String,
    pub timestamp: i64,
    pub sender: String,
    pub author: String,
    pub author_avatar: String,
    pub author_email: String,
    pub link_url: String,
    pub signed: bool,
    pub verified: bool,
    pub reviewed_by: String,
    pub reviewed_at: i64,
    #[serde(skip)]
    pub procs: Vec<FakeProc>,
}

impl FakeBuild {
    /// From the server's own JSON, with a tree or a flat list of procs.
    ///
    /// # Errors
    /// When it is not a build.
    pub fn from_json(value: &Value) -> Result<Self, serde_json::Error> {
        let mut build: Self = serde_json::from_value(value.clone())?;
        let mut open: Vec<&Value> = value
            .get("procs")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .collect();
        while let Some(row) = open.pop() {
            build.procs.push(serde_json::from_value(row.clone())?);
            open.extend(row.get("children").and_then(Value::as_array).into_iter().flatten());
        }
        build.procs.sort_by_key(|proc| proc.pid);
        Ok(build)
    }
}

/// How the procs of a build are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Procs {
    /// Not at all: lists, approve, decline.
    Absent,
    /// Steps under their axis: one build, most frames.
    Tree,
    /// One list: restart's reply, the frame of a job picked up.
    Flat,
}

/// A chunk of a log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FakeLine {
    /// Step.
    pub proc: String,
    /// Whole seconds since the step began.
    #[serde(skip_serializing_if = "is_zero")]
    pub time: i64,
    /// From 0, in each step.
    pub pos: u64,
    /// Text; several lines or half a line.
    pub out: String,
}

/// The log of one step.
#[derive(Clone, Debug, Default)]
pub(super) struct StepLog {
    pub lines: Vec<FakeLine>,
    /// Uploaded: before that there is nothing to GET.
    pub stored: bool,
}

/// One matrix axis of a pipeline and its steps' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FakeAxis {
    /// `GO_VERSION=1.9`; empty without matrix.
    pub environ: BTreeMap<String, String>,
    /// Names in order, with `clone` (the real server adds it) as the first.
    pub steps: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct BuildState {
    pub build: FakeBuild,
    /// What the stored pipeline file makes; empty when the file is lost.
    pub plan: Vec<FakeAxis>,
    pub logs: BTreeMap<u64, StepLog>,
    /// Step and position of each line of an axis as they arrived: what its log stream replays.
    pub streams: HashMap<u64, Vec<(u64, usize)>>,
    /// Came in by a hook: its job's labels name the repository.
    pub labelled: bool,
}

impl BuildState {
    /// The lines of an axis from the `skip`-th on, and whether more may come.
    pub(super) fn axis_lines(&self, axis: u64, skip: usize) -> (Vec<FakeLine>, bool) {
        let order = self.streams.get(&axis).map(Vec::as_slice).unwrap_or_default();
        let line = |(pid, index): &(u64, usize)| self.logs.get(pid)?.lines.get(*index).cloned();
        let proc = self.build.procs.iter().find(|proc| proc.pid == axis);
        let open = proc.is_some_and(|proc| matches!(proc.state.as_str(), "running" | "killed"));
        (
            order.iter().skip(skip).filter_map(line).collect(),
            open && self.build.finished_at == 0,
        )
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct RepoState {
    pub repo: FakeRepo,
    pub builds: BTreeMap<u64, BuildState>,
}

#[derive(Debug, Default)]
pub(super) struct World {
    pub users: Vec<FakeUser>,
    pub repos: BTreeMap<String, RepoState>,
    pub idle_agents: u32,
    pub next_build_id: i64,
    pub next_proc_id: i64,
    pub version: String,
}

impl World {
    pub(super) fn user_with(&self, token: &str) -> Option<&FakeUser> {
        self.users.iter().find(|user| !token.is_empty() && user.token == token)
    }

    /// The right of a user, or of a guest, on a repository.
    pub(super) fn right(&self, login: Option<&str>, full_name: &str) -> Option<Right> {
        let repo = self.repos.get(full_name)?;
        let public = (!repo.repo.is_private).then_some(Right::Pull);
        match login {
            Some(login) => self.listed_right(login, full_name).or(public),
            None => public,
        }
    }

    /// The right by the user's own permission list: what lists and feeds go by.
    pub(super) fn listed_right(&self, login: &str, full_name: &str) -> Option<Right> {
        let user = self.users.iter().find(|user| user.login == login)?;
        user.rights.get(full_name).copied().or(user.everywhere)
    }

    pub(super) fn build(&self, full_name: &str, number: u64) -> Option<&BuildState> {
        self.repos.get(full_name)?.builds.get(&number)
    }

    pub(super) fn build_mut(&mut self, full_name: &str, number: u64) -> Option<&mut BuildState> {
        self.repos.get_mut(full_name)?.builds.get_mut(&number)
    }

    /// The procs that a plan makes (`apis/drone.md § 4.3`): axes 1…k, then their steps.
    pub(super) fn make_procs(&mut self, build_id: i64, plan: &[FakeAxis]) -> Vec<FakeProc> {
        let mut next_pid = plan.len() as u64;
        let mut procs = Vec::new();
        for (index, axis) in plan.iter().enumerate() {
            let top = index as u64 + 1;
            procs.push(self.make_proc(build_id, top, 0, "", axis.environ.clone()));
            for step in &axis.steps {
                next_pid += 1;
                procs.push(self.make_proc(build_id, next_pid, top, step, BTreeMap::new()));
            }
        }
        procs.sort_by_key(|proc| proc.pid);
        procs
    }

    fn make_proc(
        &mut self,
        build_id: i64,
        pid: u64,
        ppid: u64,
        name: &str,
        environ: BTreeMap<String, String>,
    ) -> FakeProc {
        self.next_proc_id += 1;
        FakeProc {
            id: self.next_proc_id,
            build_id,
            pid,
            ppid,
            pgid: pid,
            name: name.into(),
            state: "pending".into(),
            environ,
            ..FakeProc::default()
        }
    }
}

fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

pub(super) fn repo_json(repo: &FakeRepo) -> Value {
    to_value(repo)
}

pub(super) fn user_json(user: &FakeUser) -> Value {
    to_value(user)
}

pub(super) fn build_json(build: &FakeBuild, procs: Procs) -> Value {
    let mut value = to_value(build);
    if let (Value::Object(fields), false) = (&mut value, build.procs.is_empty()) {
        let listed = match procs {
            Procs::Absent => return value,
            Procs::Flat => build.procs.iter().map(to_value).collect(),
            Procs::Tree => build
                .procs
                .iter()
                .filter(|proc| proc.ppid == 0)
                .map(|axis| proc_tree(build, axis))
                .collect(),
        };
        fields.insert("procs".into(), Value::Array(listed));
    }
    value
}

fn proc_tree(build: &FakeBuild, axis: &FakeProc) -> Value {
    let mut value = to_value(axis);
    let children: Vec<Value> = build
        .procs
        .iter()
        .filter(|proc| proc.ppid == axis.pid)
        .map(to_value)
        .collect();
    if let (Value::Object(fields), false) = (&mut value, children.is_empty()) {
        fields.insert("children".into(), Value::Array(children));
    }
    value
}

/// A feed row: every key that is empty or zero is left out.
pub(super) fn feed_row(repo: &FakeRepo, build: Option<&FakeBuild>) -> Value {
    let mut row = Map::new();
    row.insert("owner".into(), json!(repo.owner));
    row.insert("name".into(), json!(repo.name));
    row.insert("full_name".into(), json!(repo.full_name));
    if let Some(Value::Object(build)) = build.map(to_value) {
        for key in [
            "number",
            "event",
            "status",
            "created_at",
            "started_at",
            "finished_at",
            "commit",
            "branch",
            "ref",
            "refspec",
            "remote",
            "title",
            "message",
            "author",
            "author_avatar",
            "author_email",
        ] {
            match build.get(key) {
                Some(Value::String(text)) if text.is_empty() => {}
                Some(Value::Number(number)) if number.as_i64() == Some(0) => {}
                Some(value) => {
                    row.insert(key.into(), value.clone());
                }
                None => {}
            }
        }
    }
    Value::Object(row)
}
