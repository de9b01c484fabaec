//! Where the office's servers are and how to sign in: the first line of `kopi office` (`cli.md`).
//!
//! The secrets in it are made up and open nothing but this office.

use serde::{Deserialize, Serialize};

/// The line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeAddress {
    /// Of this shape: 1.
    pub version: u32,
    /// The control page.
    pub control: String,
    /// The `kopi.toml` that was written for it.
    pub config: Option<String>,
    /// The servers that exist so far.
    pub servers: ServerAddresses,
}

/// Servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerAddresses {
    /// Drone 0.8.
    pub drone: DroneAddress,
    /// Rancher 1.6.
    pub rancher: RancherAddress,
}

/// Drone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroneAddress {
    /// Address.
    pub url: String,
    /// Token of the person at this desk.
    pub token: String,
}

/// Rancher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RancherAddress {
    /// Address.
    pub url: String,
    /// Account key of the person at this desk: sees every environment.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// Id of the environment `production`.
    pub project: Option<String>,
    /// Keys of single environments.
    pub environments: Vec<EnvironmentKey>,
    /// A key that may only look.
    pub readonly: KeyAddress,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAddress {
    /// Access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}

/// An environment's own key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentKey {
    /// Environment's name.
    pub name: String,
    /// Its id.
    pub project: String,
    /// Access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
}
