//! What exactly an order would do, from the live model alone. Pure but for the names of the requests, which the source
//! knows. Making a plan of a plan's order again gives the same plan, as long as the world is the same.

use kopi_model::item::{ServiceKind, UpgradeFacts, UpgradePhase};
use kopi_model::link::split_image;
use kopi_model::wire::{ApiError, ConnectionState, ErrorCode};
use kopi_model::{
    Build, BuildStatus, Container, Danger, Environment, Item, LiveStatus, Model, Order, Plan, PlanStep, Repo, Service,
    Timestamp, Verb,
};
use sha2::{Digest, Sha256};

use super::upgrade::DEADLINE;
use crate::engine::{Shared, Slots};

/// Plans an order.
///
/// # Errors
/// When the target is not known or the order makes no sense; what cannot be done *now* is in `Plan::refused`.
pub(crate) fn plan(shared: &Shared, order: Order) -> Result<Plan, ApiError> {
    let mut plan = plan_anew(shared, order)?;
    busy(&shared.slots, &mut plan);
    Ok(plan)
}

/// The same for whoever is at it already.
pub(super) fn plan_anew(shared: &Shared, order: Order) -> Result<Plan, ApiError> {
    let finish = shared.settings.load().settings.finish_upgrades;
    let (source, _) = shared.source_of(&order.target)?;
    let mut plan = {
        let state = shared.state();
        let facts = Facts {
            model: &state.model,
            finish,
            now: shared.clock().now(),
        };
        let mut plan = facts.plan(order)?;
        let name = plan.order.target.connection().unwrap_or_default();
        if let Some(connection) = state.connections.get(&name) {
            let parts = [("connection", name.to_string())];
            if connection.settings.read_only {
                refuse(&mut plan, "refused_read_only", &parts, &[]);
            } else if !matches!(
                connection.health.state,
                ConnectionState::Live | ConnectionState::Polling
            ) {
                refuse(&mut plan, "refused_connection_down", &parts, &[]);
            }
        }
        plan
    };
    if let (Some(step), Some(request)) = (plan.steps.first_mut(), source.requests(&plan.order).into_iter().last()) {
        step.request = Some(request);
    }
    plan.token = token_of(&plan);
    Ok(plan)
}

/// Refused when Kopi is at it already.
fn busy(slots: &Slots, plan: &mut Plan) {
    if plan.refused.is_none() && slots.is_taken(&plan.order.target, plan.order.verb) {
        let verb = word_of(plan.order.verb);
        refuse(plan, "refused_already_running", &[("verb", verb)], &[]);
    }
}

/// Changes when anything of the plan does, except when it was made.
fn token_of(plan: &Plan) -> String {
    let mut bare = plan.clone();
    bare.token = String::new();
    bare.made_at = Timestamp::UNIX_EPOCH;
    // Refused or not is asked again anyway; whether Kopi is at it must not make another plan of it.
    bare.refused = None;
    bare.instead = Vec::new();
    let text = serde_json::to_vec(&bare).unwrap_or_default();
    let digest = Sha256::digest(text);
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, &digest[..16])
}

pub(crate) fn word_of(verb: Verb) -> String {
    match serde_json::to_value(verb) {
        Ok(serde_json::Value::String(word)) => word,
        _ => format!("{verb:?}").to_lowercase(),
    }
}

fn step(message: &str, parts: &[(&str, String)]) -> PlanStep {
    PlanStep {
        message: message.to_owned(),
        parts: parts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        request: None,
    }
}

/// The first reason stands.
fn refuse(plan: &mut Plan, message: &str, parts: &[(&str, String)], instead: &[Verb]) {
    if plan.refused.is_none() {
        plan.refused = Some(step(message, parts));
        plan.instead = instead.to_vec();
    }
}

fn senseless(order: &Order, why: &str) -> ApiError {
    ApiError::new(
        ErrorCode::InvalidRequest,
        format!("{} {}: {why}", word_of(order.verb), order.target),
    )
}

struct Facts<'a> {
    model: &'a Model,
    finish: bool,
    now: Timestamp,
}

impl Facts<'_> {
    fn plan(&self, order: Order) -> Result<Plan, ApiError> {
        let item = self
            .model
            .get(&order.target)
            .cloned()
            .ok_or_else(|| ApiError::new(ErrorCode::NoSuchItem, format!("{} is not known", order.target)))?;
        match item.as_ref() {
            Item::Service(service) => self.plan_service(order, service),
            Item::Container(container) => self.plan_container(order, container),
            Item::Build(build) => self.plan_build(order, build),
            Item::Repo(repo) => self.plan_repo(order, repo),
            _ => Err(senseless(&order, "nothing can be done to this kind of thing")),
        }
    }

    fn blank(&self, order: Order, target_name: String, environment: Option<&Environment>) -> Plan {
        let production = environment.is_some_and(|environment| environment.production);
        let mut plan = Plan {
            token: String::new(),
            order,
            danger: if production { Danger::Costly } else { Danger::Reversible },
            target_name,
            environment_name: environment.map(|environment| environment.name.clone()),
            production,
            from: None,
            to: None,
            containers: None,
            steps: Vec::new(),
            untouched: Vec::new(),
            risks: Vec::new(),
            refused: None,
            instead: Vec::new(),
            made_at: self.now,
        };
        if let Some(environment) = environment.filter(|environment| environment.may_act == Some(false)) {
            let name = environment.name.clone();
            refuse(&mut plan, "refused_key_reads_only", &[("environment", name)], &[]);
        }
        plan
    }

    fn plan_service(&self, mut order: Order, service: &Service) -> Result<Plan, ApiError> {
        let verb = order.verb;
        let environment = self.model.environment(&service.environment);
        let name = format!("{}/{}", service.stack_name, service.name);
        let primaries = || {
            self.model
                .containers_of(&service.id)
                .filter(|container| container.sidekick.is_none())
        };
        let current = primaries()
            .filter(|container| container.version == service.version && container.status != LiveStatus::Stopped)
            .count() as u32;
        let old = primaries()
            .filter(|container| container.version != service.version)
            .count() as u32;
        order.based_on.clone_from(&service.version);
        let is_upgrade = matches!(verb, Verb::Redeploy | Verb::Upgrade);
        if is_upgrade {
            let strategy = order
                .strategy
                .take()
                .or_else(|| service.upgrade.clone())
                .unwrap_or_default();
            order.strategy = Some(UpgradeFacts {
                batch_size: strategy.batch_size.max(1),
                interval_ms: if strategy.interval_ms == 0 {
                    2000
                } else {
                    strategy.interval_ms
                },
                start_first: strategy.start_first,
            });
        } else {
            order.strategy = None;
        }
        let mut plan = self.blank(order, name, environment);
        plan.from = Some(service.image.clone()).filter(|image| !image.is_empty());
        plan.containers = Some(current);
        let state = service.server_state.clone();
        match verb {
            Verb::Redeploy | Verb::Upgrade => self.plan_upgrade(&mut plan, service, current)?,
            Verb::Finish | Verb::Rollback | Verb::Cancel => {
                if service.phase == UpgradePhase::None {
                    refuse(&mut plan, "refused_no_upgrade", &[], &[]);
                }
                match verb {
                    Verb::Finish => {
                        plan.containers = Some(old);
                        plan.steps.push(step("plan_remove_old", &[("count", old.to_string())]));
                    }
                    Verb::Rollback => {
                        let image = service.previous.as_ref().map(|previous| previous.image.clone());
                        plan.to.clone_from(&image);
                        let image = image.unwrap_or_default();
                        plan.steps.push(step("plan_restore_old", &[("image", image)]));
                        let minutes = (DEADLINE.as_secs() / 60).to_string();
                        plan.steps.push(step("plan_watch", &[("minutes", minutes)]));
                    }
                    _ => plan.steps.push(step("plan_cancel_upgrade", &[])),
                }
            }
            Verb::Scale => {
                let to = plan
                    .order
                    .scale
                    .ok_or_else(|| senseless(&plan.order, "how many is not said"))?;
                let Some(from) = service.scale.filter(|_| !service.global) else {
                    return Err(senseless(&plan.order, "it has no scale of its own"));
                };
                plan.from = Some(from.to_string());
                plan.to = Some(to.to_string());
                let parts = [("from", from.to_string()), ("to", to.to_string())];
                plan.steps.push(step("plan_scale", &parts));
                if to == 0 {
                    plan.risks.push(step("risk_nothing_left", &[]));
                }
                if from == to {
                    refuse(&mut plan, "refused_already_so", &[("state", to.to_string())], &[]);
                }
            }
            Verb::Start => {
                let count = service.scale.unwrap_or(0).to_string();
                plan.steps.push(step("plan_start", &[("count", count)]));
            }
            Verb::Stop => {
                plan.steps.push(step("plan_stop", &[("count", current.to_string())]));
                plan.risks.push(step("risk_nothing_left", &[]));
            }
            Verb::Restart => {
                plan.steps.push(step("plan_restart", &[("count", current.to_string())]));
                if current < 2 {
                    plan.risks.push(step("risk_restart_gap", &[]));
                }
            }
            _ => return Err(senseless(&plan.order, "a service has no such verb")),
        }
        let others = self
            .model
            .services_in(&service.environment)
            .filter(|other| other.stack == service.stack && other.id != service.id)
            .count();
        if others > 0 {
            let parts = [("count", others.to_string()), ("stack", service.stack_name.clone())];
            plan.untouched.push(step("untouched_services", &parts));
        }
        if is_upgrade {
            plan.untouched.push(step("untouched_configuration", &[]));
        }
        if !service.offers.contains(&verb) {
            let instead = settle_verbs(service);
            refuse(&mut plan, "refused_not_offered", &[("state", state)], &instead);
        }
        Ok(plan)
    }

    fn plan_upgrade(&self, plan: &mut Plan, service: &Service, current: u32) -> Result<(), ApiError> {
        let (_, running_tag) = split_image(&service.image);
        let to = match (plan.order.verb, &plan.order.tag) {
            (Verb::Upgrade, None) => return Err(senseless(&plan.order, "the tag is not said")),
            (Verb::Upgrade, Some(tag)) => {
                if !is_tag(tag) {
                    return Err(senseless(&plan.order, "that is not a tag"));
                }
                if tag == running_tag {
                    plan.risks.push(step("risk_same_tag", &[("tag", tag.clone())]));
                }
                let bare = service.image.split('@').next().unwrap_or_default();
                let untagged = match bare.rsplit_once(':') {
                    Some((name, tag)) if !tag.contains('/') => name,
                    _ => bare,
                };
                format!("{untagged}:{tag}")
            }
            _ => {
                plan.order.tag = None;
                service.image.clone()
            }
        };
        let state = [("state", service.server_state.clone())];
        match service.phase {
            UpgradePhase::None => {}
            UpgradePhase::AwaitsFinish => {
                refuse(plan, "refused_upgraded", &state, &settle_verbs(service));
            }
            UpgradePhase::Cancelled => {
                refuse(plan, "refused_upgrade_cancelled", &state, &settle_verbs(service));
            }
            UpgradePhase::Running | UpgradePhase::RollingBack | UpgradePhase::Finishing => {
                refuse(plan, "refused_upgrading", &state, &settle_verbs(service));
            }
        }
        if !matches!(service.service_kind, ServiceKind::Service | ServiceKind::LoadBalancer) {
            let kind = format!("{:?}", service.service_kind).to_lowercase();
            refuse(plan, "refused_kind", &[("kind", kind)], &[]);
        }
        let strategy = plan.order.strategy.clone().unwrap_or_default();
        let count = service.scale.filter(|_| !service.global).unwrap_or(current);
        let hosts: std::collections::BTreeSet<_> = self
            .model
            .containers_of(&service.id)
            .filter_map(|container| container.host.clone())
            .collect();
        let minutes = (DEADLINE.as_secs() / 60).to_string();
        let order = if strategy.start_first {
            "start_first"
        } else {
            "stop_first"
        };
        plan.steps = vec![
            step(
                "plan_pull",
                &[("image", to.clone()), ("hosts", hosts.len().to_string())],
            ),
            step(
                "plan_replace",
                &[
                    ("count", count.to_string()),
                    ("batch", strategy.batch_size.to_string()),
                    ("order", order.to_owned()),
                    ("pause_s", (strategy.interval_ms / 1000).to_string()),
                ],
            ),
            step("plan_keep_old", &[("count", current.to_string())]),
            step("plan_watch", &[("minutes", minutes)]),
            step(
                if self.finish {
                    "plan_finish"
                } else {
                    "plan_finish_by_hand"
                },
                &[],
            ),
        ];
        let (_, tag) = split_image(&to);
        if plan.order.verb == Verb::Redeploy && !to.contains('@') {
            plan.risks.push(step("risk_moving_tag", &[("tag", tag.to_owned())]));
        }
        if !strategy.start_first && count == 1 {
            plan.risks.push(step("risk_gap", &[]));
        }
        if strategy.start_first && !service.endpoints.is_empty() {
            let ports = service.endpoints.join(", ");
            plan.risks.push(step("risk_start_first_ports", &[("ports", ports)]));
        }
        if !service.has_health_check {
            plan.risks.push(step("risk_no_health_check", &[]));
        }
        match service.status {
            LiveStatus::Stopped => plan.risks.push(step("risk_starts_stopped", &[])),
            LiveStatus::Degraded | LiveStatus::Failed if service.phase == UpgradePhase::None => {
                plan.risks.push(step("risk_not_well_now", &state));
            }
            _ => {}
        }
        plan.to = Some(to);
        Ok(())
    }

    fn plan_container(&self, order: Order, container: &Container) -> Result<Plan, ApiError> {
        let environment = self.model.environment(&container.environment);
        let verb = order.verb;
        let mut plan = self.blank(order, container.name.clone(), environment);
        plan.from = Some(container.image.clone());
        plan.containers = Some(1);
        let one = [("count", "1".to_owned())];
        let message = match verb {
            Verb::Restart => "plan_restart",
            Verb::Start => "plan_start",
            Verb::Stop => "plan_stop",
            _ => return Err(senseless(&plan.order, "a container has no such verb")),
        };
        plan.steps.push(step(message, &one));
        if !container.offers.contains(&verb) {
            let state = container.server_state.clone();
            refuse(&mut plan, "refused_not_offered", &[("state", state)], &[]);
        }
        Ok(plan)
    }

    fn plan_build(&self, order: Order, build: &Build) -> Result<Plan, ApiError> {
        let verb = order.verb;
        let name = format!("{}#{}", build.repo, build.number);
        let mut plan = self.blank(order, name, None);
        plan.from = Some(format!("#{}", build.number));
        let number = ("number", build.number.to_string());
        let goes_to = plan.order.environment.clone().or_else(|| build.environment.clone());
        let (one_step, is_possible) = match verb {
            Verb::Restart => {
                let branch = ("branch", build.branch.clone());
                (step("plan_build_again", &[number, branch]), build.status.is_final())
            }
            Verb::Cancel => {
                let is_open = matches!(
                    build.status,
                    BuildStatus::Running | BuildStatus::Waiting | BuildStatus::Blocked
                );
                (step("plan_build_cancel", &[number]), is_open)
            }
            Verb::Approve => (
                step("plan_build_approve", &[number]),
                build.status == BuildStatus::Blocked,
            ),
            Verb::Decline => (
                step("plan_build_decline", &[number]),
                build.status == BuildStatus::Blocked,
            ),
            Verb::Promote => {
                let Some(to) = plan.order.environment.clone().filter(|to| !to.trim().is_empty()) else {
                    return Err(senseless(&plan.order, "the environment is not said"));
                };
                plan.to = Some(to.clone());
                (
                    step("plan_promote", &[number, ("environment", to)]),
                    build.status == BuildStatus::Passed,
                )
            }
            _ => return Err(senseless(&plan.order, "a build has no such verb")),
        };
        plan.steps.push(one_step);
        plan.untouched.push(step("untouched_other_builds", &[]));
        if matches!(verb, Verb::Approve | Verb::Promote) {
            let named = goes_to.as_deref().is_some_and(is_production_name);
            let drawn = self
                .model
                .lines_of(&build.repo, &build.branch)
                .any(|line| line.production);
            plan.production = named || (verb == Verb::Approve && drawn);
            plan.environment_name = goes_to;
            if plan.production {
                plan.danger = Danger::Costly;
            }
        }
        if !is_possible {
            let state = build.server_status.clone();
            refuse(&mut plan, "refused_not_offered", &[("state", state)], &[]);
        }
        Ok(plan)
    }

    fn plan_repo(&self, order: Order, repo: &Repo) -> Result<Plan, ApiError> {
        let verb = order.verb;
        let mut plan = self.blank(order, repo.name.clone(), None);
        let part = [("repo", repo.name.clone())];
        let (message, wanted) = match verb {
            Verb::Enable => ("plan_repo_enable", true),
            Verb::Disable => ("plan_repo_disable", false),
            _ => return Err(senseless(&plan.order, "a repository has no such verb")),
        };
        plan.steps.push(step(message, &part));
        if repo.active == wanted {
            let state = if wanted { "active" } else { "inactive" };
            refuse(&mut plan, "refused_already_so", &[("state", state.to_owned())], &[]);
        }
        Ok(plan)
    }
}

/// What the server offers to settle an upgrade.
pub(crate) fn settle_verbs(service: &Service) -> Vec<Verb> {
    [Verb::Finish, Verb::Rollback, Verb::Cancel]
        .into_iter()
        .filter(|verb| service.offers.contains(verb))
        .collect()
}

fn is_tag(tag: &str) -> bool {
    !tag.is_empty()
        && tag.len() <= 128
        && !tag.starts_with(['.', '-'])
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_production_name(name: &str) -> bool {
    name.trim().to_ascii_lowercase().starts_with("prod") || name.contains("生产")
}
