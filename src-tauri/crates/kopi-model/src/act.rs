//! Verbs, plans and what comes of them (design § 7).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ItemId;

/// Something that can be done to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Build: run again. Service, container: restart.
    Restart,
    /// Build: stop it. Service: stop an upgrade.
    Cancel,
    /// Build: let it run.
    Approve,
    /// Build: refuse it.
    Decline,
    /// Build: deploy it to an environment (argument `environment`).
    Promote,
    /// Repository: build it from now on.
    Enable,
    /// Repository: stop building it.
    Disable,
    /// Service: same tag, image pulled anew.
    Redeploy,
    /// Service: another tag (argument `tag`).
    Upgrade,
    /// Service: keep the new version, remove the old containers.
    Finish,
    /// Service: back to what ran before.
    Rollback,
    /// Service: so many copies (argument `scale`).
    Scale,
    /// Service, container: start.
    Start,
    /// Service, container: stop.
    Stop,
}

/// How much it costs to be wrong (`look.md § 11`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Danger {
    /// Done after a 5 s undo bar.
    Reversible,
    /// The plan dialog asks.
    Costly,
    /// The name is typed.
    Destructive,
}

/// What a person asks for, before it is planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Order {
    /// To what.
    pub target: ItemId,
    /// Which verb.
    pub verb: Verb,
    /// Tag for `Upgrade`.
    #[serde(default)]
    pub tag: Option<String>,
    /// Copies for `Scale`.
    #[serde(default)]
    pub scale: Option<u32>,
    /// Target for `Promote`.
    #[serde(default)]
    pub environment: Option<String>,
    /// Replacement strategy for `Redeploy` and `Upgrade`; the service's last one, else 1 at a time, 2 s, as the plan says.
    #[serde(default)]
    pub strategy: Option<crate::item::UpgradeFacts>,
    /// The generation (`Service::version`) the plan was made on: the source refuses when the server has moved on.
    #[serde(default)]
    pub based_on: Option<String>,
}

/// What a server answered to an order that it accepted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The item's new generation, where there is one (Rancher: `launchConfig.version`).
    pub version: Option<String>,
    /// Generations of replaced sidekicks, by name.
    pub sidekick_versions: Vec<(String, String)>,
    /// A new item that the order made (a restarted build).
    pub made: Option<ItemId>,
    /// The server's state right after.
    pub server_state: Option<String>,
}

/// One numbered step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct PlanStep {
    /// Message key (`plan_pull`, `plan_replace`, …), worded by each face in its language.
    pub message: String,
    /// The message's named parts.
    pub parts: Vec<(String, String)>,
    /// The request that will be sent, method and path without secrets; none for steps the server takes.
    pub request: Option<String>,
}

/// What exactly will happen: a value that can be shown, tested and refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Plan {
    /// Binds `Act::Run` to what was shown; changes when the plan would.
    pub token: String,
    /// What was asked.
    pub order: Order,
    /// How it must be confirmed.
    pub danger: Danger,
    /// `stack/service` or `owner/repo#n`.
    pub target_name: String,
    /// Environment's name, where there is one.
    pub environment_name: Option<String>,
    /// It is production.
    pub production: bool,
    /// What runs now (image or number).
    pub from: Option<String>,
    /// What would run.
    pub to: Option<String>,
    /// Containers that will be replaced or touched.
    pub containers: Option<u32>,
    /// Numbered steps.
    pub steps: Vec<PlanStep>,
    /// What is not touched: message keys with parts.
    pub untouched: Vec<PlanStep>,
    /// Known risks: message keys with parts.
    pub risks: Vec<PlanStep>,
    /// Why it cannot be done now (message key with parts), for instance an unfinished upgrade; the verbs that help follow.
    pub refused: Option<PlanStep>,
    /// Verbs that would help when refused.
    pub instead: Vec<Verb>,
    /// Made at.
    #[cfg_attr(test, ts(as = "String"))]
    pub made_at: Timestamp,
}
