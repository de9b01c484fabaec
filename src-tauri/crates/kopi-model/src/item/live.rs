//! What an orchestrator reports: environments, stacks, services, containers, hosts; and images of a registry.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ConnectionName, ItemId, LiveStatus, Scope, Verb};

/// An environment (Rancher 1.6: project). Native id: the server's, `1a5`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Environment {
    /// `environment:connection/1a5`.
    pub id: ItemId,
    /// The connection it came from.
    pub connection: ConnectionName,
    /// The listing it belongs to.
    pub scope: Scope,
    /// Its name.
    pub name: String,
    /// Costly acts ask first: set in `kopi.toml`, else the name says so (`prod…`).
    pub production: bool,
    /// The key in use may change things; none while unknown.
    pub may_act: Option<bool>,
    /// The orchestrator it runs (`cattle`); others are shown, not read.
    pub orchestration: Option<String>,
    /// Normalised.
    pub status: LiveStatus,
    /// The server's own words.
    pub server_state: String,
    /// Its page.
    pub url: Option<String>,
}

/// A stack of services. Native id: the server's, `1st4`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Stack {
    /// `stack:connection/1st4`.
    pub id: ItemId,
    /// The connection it came from.
    pub connection: ConnectionName,
    /// The listing it belongs to.
    pub scope: Scope,
    /// Environment it lives in.
    pub environment: ItemId,
    /// Its name.
    pub name: String,
    /// Infrastructure: hidden by default.
    pub system: bool,
    /// The server's own state; the shown status is derived from its services (`apis/rancher.md § 4.4`).
    pub status: LiveStatus,
    /// The server's own words.
    pub server_state: String,
    /// What it says while it changes or fails.
    pub message: Option<String>,
    /// Its page.
    pub url: Option<String>,
}

/// What a service is made of (`apis/rancher.md § 3.3`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// Containers of an image.
    #[default]
    Service,
    /// A load balancer.
    LoadBalancer,
    /// Points outside; has no containers.
    External,
    /// A name for other services.
    Alias,
    /// Adopts containers by selector.
    Selector,
    /// Anything else: shown, never acted on.
    Other,
}

/// Where an upgrade of a service stands, in our words (Rancher 1.6: from `state`, `apis/rancher.md § 4.1`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum UpgradePhase {
    /// None under way.
    #[default]
    None,
    /// Containers are being replaced (`upgrading`).
    Running,
    /// All replaced; a person (or Kopi) must finish or go back (`upgraded`).
    AwaitsFinish,
    /// Stopped half-way, old and new mixed (`canceling-upgrade`, `canceled-upgrade`).
    Cancelled,
    /// Going back (`rolling-back`).
    RollingBack,
    /// Old containers are being removed (`finishing-upgrade`).
    Finishing,
}

/// A secondary container that goes with each copy of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Sidekick {
    /// Its name inside the service.
    pub name: String,
    /// Image reference without `docker:`.
    pub image: String,
    /// Generation of its configuration.
    pub version: Option<String>,
}

/// What ran before the last upgrade, and can be gone back to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct PreviousVersion {
    /// Image reference without `docker:`.
    pub image: String,
    /// Generation of that configuration.
    pub version: Option<String>,
}

/// How the server replaces containers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct UpgradeFacts {
    /// Copies replaced at a time.
    pub batch_size: u32,
    /// Pause after each batch, milliseconds.
    pub interval_ms: u64,
    /// New before old.
    pub start_first: bool,
}

/// A service. Native id: the server's, `1s47`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Service {
    /// `service:connection/1s47`.
    pub id: ItemId,
    /// The connection it came from.
    pub connection: ConnectionName,
    /// The listing it belongs to.
    pub scope: Scope,
    /// Environment it lives in.
    pub environment: ItemId,
    /// Stack it lives in.
    pub stack: ItemId,
    /// The stack's name, so that `stack/service` can be said without a look-up.
    pub stack_name: String,
    /// Its name.
    pub name: String,
    /// What it is made of.
    pub service_kind: ServiceKind,
    /// Infrastructure: hidden by default.
    pub system: bool,
    /// Normalised (`apis/rancher.md § 4.4`).
    pub status: LiveStatus,
    /// The server's own state, `upgraded`.
    pub server_state: String,
    /// The server's own health, `degraded`.
    pub health: Option<String>,
    /// What it says while it changes or fails.
    pub message: Option<String>,
    /// The last run failed; the server may be retrying.
    pub failing: bool,
    /// Image of the primary container, without `docker:`. Right after an upgrade was accepted this is already the new one.
    pub image: String,
    /// Generation of the primary configuration: containers of the same generation carry the same.
    pub version: Option<String>,
    /// Secondary containers.
    pub sidekicks: Vec<Sidekick>,
    /// Copies wanted; none for global services and those without containers.
    pub scale: Option<u32>,
    /// One a host.
    pub global: bool,
    /// Has a health check.
    pub has_health_check: bool,
    /// What an unfinished or the last upgrade replaced; none after a roll back.
    pub previous: Option<PreviousVersion>,
    /// How the last upgrade went about it.
    pub upgrade: Option<UpgradeFacts>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// What the server would let this key do now (Rancher: mapped from `actions`).
    pub offers: Vec<Verb>,
    /// Where an upgrade stands.
    pub phase: UpgradePhase,
    /// `host:port` it is reached at.
    pub endpoints: Vec<String>,
    /// Made.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub created_at: Option<Timestamp>,
    /// Its page.
    pub url: Option<String>,
}

/// A container. Native id: the server's, `1i31`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Container {
    /// `container:connection/1i31`.
    pub id: ItemId,
    /// The connection it came from.
    pub connection: ConnectionName,
    /// The listing it belongs to.
    pub scope: Scope,
    /// Environment it lives in.
    pub environment: ItemId,
    /// Services it belongs to; empty when started by hand.
    pub services: Vec<ItemId>,
    /// Host it is on.
    pub host: Option<ItemId>,
    /// Its name.
    pub name: String,
    /// Primary, or the sidekick's name.
    pub sidekick: Option<String>,
    /// Normalised (`apis/rancher.md § 4.4`).
    pub status: LiveStatus,
    /// The server's own state.
    pub server_state: String,
    /// The server's own health.
    pub health: Option<String>,
    /// What it says while it changes or fails.
    pub message: Option<String>,
    /// Image it was created with, without `docker:`.
    pub image: String,
    /// Generation of the configuration it was built from.
    pub version: Option<String>,
    /// Copies that go together share this.
    pub unit: Option<String>,
    /// Docker's id.
    pub docker_id: Option<String>,
    /// Address inside the environment.
    pub address: Option<String>,
    /// How often it was started.
    pub start_count: Option<u32>,
    /// Infrastructure.
    pub system: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Made.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub created_at: Option<Timestamp>,
    /// First seen running.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub started_at: Option<Timestamp>,
    /// What the server would let this key do now.
    pub offers: Vec<Verb>,
}

/// Load of a host; each is none while the agent has not reported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct HostLoad {
    /// Percent of all cores.
    pub cpu_percent: Option<u8>,
    /// Percent of memory in use.
    pub memory_percent: Option<u8>,
    /// Percent of the fullest disk in use.
    pub disk_percent: Option<u8>,
}

/// A machine. Native id: the server's, `1h3`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Host {
    /// `host:connection/1h3`.
    pub id: ItemId,
    /// The connection it came from.
    pub connection: ConnectionName,
    /// The listing it belongs to.
    pub scope: Scope,
    /// Environment it serves.
    pub environment: ItemId,
    /// Its name.
    pub name: String,
    /// Normalised (`apis/rancher.md § 4.4`).
    pub status: LiveStatus,
    /// The server's own state.
    pub server_state: String,
    /// Address the agent reports.
    pub address: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Load, rounded so that noise is not a change.
    pub load: HostLoad,
    /// What it runs, "Ubuntu 16.04, Docker 17.03".
    pub system_text: Option<String>,
}

/// A tag in a registry. Native id: `host/repo:tag`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
#[cfg_attr(test, ts(optional_fields = nullable))]
pub struct Image {
    /// `image:connection/host/repo:tag`.
    pub id: ItemId,
    /// The connection it came from.
    pub connection: ConnectionName,
    /// The listing it belongs to.
    pub scope: Scope,
    /// `host/path`.
    pub repository: String,
    /// Tag.
    pub tag: String,
    /// `sha256:…`.
    pub digest: Option<String>,
    /// Pushed.
    #[cfg_attr(test, ts(as = "Option<String>"))]
    pub pushed_at: Option<Timestamp>,
    /// Bytes.
    pub size: Option<u64>,
}
