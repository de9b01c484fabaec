//! Draws the delivery lines: which service runs which repository's branch, and in which group of the Board that puts it.
//! Kept up to date change by change: a build touches its branch, a service the repositories that its image names.
//!
//! Refuses: guessing between several candidates. A link by name alone says so (`LineLink::SameName`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::item::{LineGroup, LineLink, UpgradePhase};
use crate::model::{Model, ModelChange};
use crate::{
    Build, BuildStatus, ConnectionName, Environment, Item, ItemId, ItemKind, Line, LiveStatus, Origin, Scope, Service,
};

/// A `[[line]]` of `kopi.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRule {
    /// `owner/name`.
    pub repo: String,
    /// Branch.
    pub branch: String,
    /// `stack/service`.
    pub service: String,
    /// Environment's name; none: whichever has that service.
    pub environment: Option<String>,
}

/// A repository's branch.
pub(crate) type BranchKey = (String, String);

/// What `relink` needs to find its way.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineIndex {
    rules: Vec<LineRule>,
    /// Builds that are not of pull requests, oldest first: by creation, then number.
    builds: HashMap<BranchKey, BTreeMap<(Option<Timestamp>, u64), ItemId>>,
    /// Branches of the repositories whose last path segment is that name.
    branches_by_name: HashMap<String, BTreeSet<BranchKey>>,
    /// Services whose image's last path segment is that name.
    services_by_name: HashMap<String, BTreeSet<ItemId>>,
    /// Default branches, as far as the build server tells.
    default_branches: HashMap<String, String>,
    /// Lines that a branch has now.
    lines: HashMap<BranchKey, BTreeSet<ItemId>>,
}

impl LineIndex {
    /// Lines that a branch has now.
    pub(crate) fn line_ids(&self, repo: &str, branch: &str) -> impl Iterator<Item = &ItemId> {
        self.lines
            .get(&(repo.to_owned(), branch.to_owned()))
            .into_iter()
            .flatten()
    }
}

/// Replaces the configured lines; all branches are linked anew.
pub fn set_line_rules(model: &mut Model, rules: Vec<LineRule>, now: Timestamp) -> Vec<ModelChange> {
    if model.lines.rules == rules {
        return Vec::new();
    }
    model.lines.rules = rules;
    let mut branches: Vec<BranchKey> = model.lines.builds.keys().cloned().collect();
    branches.sort();
    branches
        .iter()
        .flat_map(|branch| relink(model, branch, Origin::CatchUp, now))
        .collect()
}

/// `host/path:tag@digest` → (path, tag). The first part counts as a host when it has a dot, a colon or is `localhost`.
pub fn split_image(image: &str) -> (&str, &str) {
    let image = image.split('@').next().unwrap_or(image);
    let (name, tag) = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, ""),
    };
    let path = match name.split_once('/') {
        Some((host, path)) if host.contains('.') || host.contains(':') || host == "localhost" => path,
        _ => name,
    };
    (path, tag)
}

fn last_segment(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_lowercase()
}

fn counts(build: &Build) -> bool {
    !build.event.starts_with("pull_request") && !build.branch.is_empty() && !build.repo.is_empty()
}

/// Keeps the index; says which branches must be linked anew.
pub(crate) fn note_change(model: &mut Model, change: &ModelChange) -> Vec<BranchKey> {
    let mut touched = BTreeSet::new();
    for (item, is_after) in [(&change.before, false), (&change.after, true)] {
        match item.as_deref() {
            Some(Item::Build(build)) if counts(build) => {
                let key = (build.repo.clone(), build.branch.clone());
                let order = (build.created_at, build.number);
                let index = &mut model.lines;
                let builds = index.builds.entry(key.clone()).or_default();
                if is_after {
                    builds.insert(order, build.id.clone());
                    index
                        .branches_by_name
                        .entry(last_segment(&build.repo))
                        .or_default()
                        .insert(key.clone());
                } else {
                    builds.remove(&order);
                }
                touched.insert(key);
            }
            Some(Item::Repo(repo)) => {
                let branch = repo.default_branch.clone().filter(|_| is_after);
                if let Some(branch) = branch {
                    let old = model.lines.default_branches.insert(repo.name.clone(), branch.clone());
                    if old.as_ref() != Some(&branch) {
                        touched.extend(
                            model
                                .lines
                                .branches_by_name
                                .get(&last_segment(&repo.name))
                                .cloned()
                                .unwrap_or_default(),
                        );
                    }
                }
            }
            Some(Item::Service(service)) => {
                let name = last_segment(split_image(&service.image).0);
                let services = model.lines.services_by_name.entry(name.clone()).or_default();
                if is_after {
                    services.insert(service.id.clone());
                } else {
                    services.remove(&service.id);
                }
                touched.extend(model.lines.branches_by_name.get(&name).cloned().unwrap_or_default());
                touch_rules(&model.lines.rules, service, &mut touched);
            }
            Some(Item::Environment(environment)) => {
                let names: BTreeSet<String> = model
                    .services_in(&environment.id)
                    .map(|service| last_segment(split_image(&service.image).0))
                    .collect();
                for name in names {
                    touched.extend(model.lines.branches_by_name.get(&name).cloned().unwrap_or_default());
                }
                touched.extend(
                    model
                        .lines
                        .rules
                        .iter()
                        .map(|rule| (rule.repo.clone(), rule.branch.clone())),
                );
            }
            _ => {}
        }
    }
    touched.into_iter().collect()
}

fn touch_rules(rules: &[LineRule], service: &Service, touched: &mut BTreeSet<BranchKey>) {
    let full_name = format!("{}/{}", service.stack_name, service.name);
    for rule in rules.iter().filter(|rule| rule.service == full_name) {
        touched.insert((rule.repo.clone(), rule.branch.clone()));
    }
}

/// Makes the lines of one branch what they should be.
pub(crate) fn relink(model: &mut Model, branch: &BranchKey, origin: Origin, now: Timestamp) -> Vec<ModelChange> {
    let wanted = lines_of(model, branch);
    let wanted_ids: BTreeSet<ItemId> = wanted.iter().map(|line| line.id.clone()).collect();
    let old_ids = model.lines.lines.remove(branch).unwrap_or_default();
    let mut changes = Vec::new();
    for id in old_ids.difference(&wanted_ids) {
        changes.extend(model.take(id, false, origin, now));
    }
    for line in wanted {
        changes.extend(model.put(Item::Line(line), origin, now));
    }
    if !wanted_ids.is_empty() {
        model.lines.lines.insert(branch.clone(), wanted_ids);
    }
    changes
}

fn lines_of(model: &Model, branch: &BranchKey) -> Vec<Line> {
    let builds: Vec<&Build> = model
        .lines
        .builds
        .get(branch)
        .into_iter()
        .flat_map(|builds| builds.values().rev())
        .filter_map(|id| model.build(id))
        .collect();
    let Some(newest) = builds.first() else {
        return Vec::new();
    };
    let passed = builds.iter().find(|build| build.status == BuildStatus::Passed);
    let links = links_of(model, branch, &builds);
    let make = |link: Option<(&Service, LineLink)>| {
        let environment = link
            .as_ref()
            .and_then(|(service, _)| model.environment(&service.environment));
        let service = link.as_ref().map(|(service, _)| *service);
        let asks = newest.status == BuildStatus::Blocked;
        let native = match environment {
            // Two servers may both have a "production".
            Some(environment) => {
                format!(
                    "{}@{}/{}:{}",
                    branch.0,
                    branch.1,
                    environment.connection,
                    environment.id.native()
                )
            }
            None => format!("{}@{}", branch.0, branch.1),
        };
        let connection = ConnectionName::from("kopi");
        Line {
            id: ItemId::new(ItemKind::Line, &connection, &native),
            connection,
            scope: Scope::from("lines"),
            repo: branch.0.clone(),
            branch: branch.1.clone(),
            environment: environment.map(|environment| environment.id.clone()),
            environment_name: environment.map(|environment| environment.name.clone()),
            production: environment.is_some_and(|environment| environment.production),
            build: Some(newest.id.clone()),
            passed: passed.map(|build| build.id.clone()),
            service: service.map(|service| service.id.clone()),
            group: group_of(newest, service),
            asks,
            link: link.map(|(_, why)| why),
        }
    };
    if links.is_empty() {
        let is_main =
            environment_words(&branch.1).is_some() || model.lines.default_branches.get(&branch.0) == Some(&branch.1);
        return if is_main { vec![make(None)] } else { Vec::new() };
    }
    links.into_iter().map(|link| make(Some(link))).collect()
}

/// Services that run this branch, one an environment, with the reason.
fn links_of<'a>(model: &'a Model, branch: &BranchKey, builds: &[&Build]) -> Vec<(&'a Service, LineLink)> {
    let rules: Vec<&LineRule> = model
        .lines
        .rules
        .iter()
        .filter(|rule| rule.repo == branch.0 && rule.branch == branch.1)
        .collect();
    if !rules.is_empty() {
        return rules.into_iter().filter_map(|rule| configured(model, rule)).collect();
    }
    let name = last_segment(&branch.0);
    let mut by_environment: BTreeMap<&ItemId, Vec<&Service>> = BTreeMap::new();
    for service in model
        .lines
        .services_by_name
        .get(&name)
        .into_iter()
        .flatten()
        .filter_map(|id| model.service(id))
    {
        by_environment.entry(&service.environment).or_default().push(service);
    }
    let words = environment_words(&branch.1);
    let mut links = Vec::new();
    for (environment, services) in by_environment {
        let Some(service) = only_candidate(&services, &branch.0, &name) else {
            continue;
        };
        let tag = split_image(&service.image).1;
        let seen = builds.iter().find(|build| tag_names_build(tag, build));
        let fits = match (words, model.environment(environment)) {
            (Some(words), Some(environment)) => environment_fits(words, environment),
            _ => false,
        };
        match seen {
            Some(build) => links.push((
                service,
                LineLink::SeenRunning {
                    build: build.id.clone(),
                },
            )),
            None if fits => links.push((service, LineLink::SameName)),
            None => {}
        }
    }
    links
}

fn configured<'a>(model: &'a Model, rule: &LineRule) -> Option<(&'a Service, LineLink)> {
    let mut found = model
        .items_of(ItemKind::Service)
        .filter_map(|item| match item.as_ref() {
            Item::Service(service) => Some(service),
            _ => None,
        });
    found
        .find(|service| {
            rule.service == format!("{}/{}", service.stack_name, service.name)
                && rule.environment.as_ref().is_none_or(|wanted| {
                    model
                        .environment(&service.environment)
                        .is_some_and(|environment| environment.name == *wanted)
                })
        })
        .map(|service| (service, LineLink::Configured))
}

/// The service with the full path, else the one with the repository's own name, else the only one.
fn only_candidate<'a>(services: &[&'a Service], repo: &str, name: &str) -> Option<&'a Service> {
    let repo = repo.to_lowercase();
    let narrowed: Vec<&&Service> = services
        .iter()
        .filter(|service| split_image(&service.image).0.to_lowercase() == repo)
        .collect();
    let pool: Vec<&Service> = if narrowed.is_empty() {
        services.to_vec()
    } else {
        narrowed.into_iter().copied().collect()
    };
    let named: Vec<&&Service> = pool
        .iter()
        .filter(|service| service.name.to_lowercase() == name)
        .collect();
    match (named.as_slice(), pool.as_slice()) {
        ([service], _) => Some(service),
        (_, [service]) => Some(service),
        _ => None,
    }
}

/// A tag that carries at least seven digits of the build's sha names it.
fn tag_names_build(tag: &str, build: &Build) -> bool {
    tag.split(|character: char| !character.is_ascii_hexdigit())
        .any(|part| part.len() >= 7 && build.sha.starts_with(&part.to_lowercase()))
}

/// How environments of that branch are usually called; none for feature branches.
fn environment_words(branch: &str) -> Option<&'static [&'static str]> {
    match branch {
        "develop" | "dev" | "development" => Some(&["dev", "开发"]),
        "release" | "staging" | "stage" | "test" | "uat" | "pre" => Some(&[
            "staging", "stage", "stg", "test", "uat", "pre", "release", "预发", "测试",
        ]),
        "master" | "main" | "production" | "prod" => Some(&["prod", "生产", "线上", "live"]),
        _ => None,
    }
}

fn environment_fits(words: &[&str], environment: &Environment) -> bool {
    let name = environment.name.to_lowercase();
    words.iter().any(|word| name.starts_with(word))
}

fn group_of(build: &Build, service: Option<&Service>) -> LineGroup {
    let service_wrong = service.is_some_and(|service| {
        matches!(service.status, LiveStatus::Failed | LiveStatus::Degraded)
            || matches!(service.phase, UpgradePhase::AwaitsFinish | UpgradePhase::Cancelled)
    });
    if service_wrong || build.status.is_broken() || build.status == BuildStatus::Blocked {
        LineGroup::Wrong
    } else if matches!(build.status, BuildStatus::Waiting | BuildStatus::Running)
        || service.is_some_and(|service| service.status == LiveStatus::Working)
    {
        LineGroup::Moving
    } else {
        LineGroup::Quiet
    }
}
