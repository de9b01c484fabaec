//! Environments, hosts, stacks and services as they stand when the day begins (`office.md`,
//! `look/mock/environments.html`).
//!
//! Refuses: what a server makes of it; the fake Rancher is given this and goes on by its own rules.

use super::repos::image;

/// An environment of Rancher.
#[derive(Clone, Debug, PartialEq)]
pub struct EnvironmentPlan {
    /// Its name; `production` is recognised by it.
    pub name: &'static str,
    /// Its machines.
    pub hosts: Vec<HostPlan>,
    /// Its stacks.
    pub stacks: Vec<StackPlan>,
}

/// A machine.
#[derive(Clone, Debug, PartialEq)]
pub struct HostPlan {
    /// Its name.
    pub name: String,
    /// The agent's address.
    pub address: String,
    /// Percent of its cores in use when the day begins.
    pub cpu: u8,
    /// Percent of its memory.
    pub memory: u8,
    /// Its memory, megabytes.
    pub memory_mb: u32,
}

/// A stack.
#[derive(Clone, Debug, PartialEq)]
pub struct StackPlan {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: &'static str,
    /// Its services.
    pub services: Vec<ServicePlan>,
}

/// How a service stands when the day begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Runs.
    Running,
    /// Upgraded and never finished: this many minutes ago, from this image.
    LeftOpen {
        /// What ran before; its containers are kept, stopped.
        before: String,
        /// Where they stand.
        kept: Vec<Place>,
    },
    /// Stopped by somebody.
    Stopped {
        /// Login.
        by: &'static str,
    },
    /// One of its containers is being restarted, again and again, by hand.
    Restarting {
        /// Login.
        by: &'static str,
    },
}

/// Where a container stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Host's name.
    pub host: String,
    /// Overlay address.
    pub address: String,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicePlan {
    /// Its name.
    pub name: String,
    /// Image reference.
    pub image: String,
    /// Copies.
    pub scale: u32,
    /// One a host.
    pub global: bool,
    /// Port, which also answers the health check.
    pub port: Option<u16>,
    /// Has a health check.
    pub checked: bool,
    /// Host name it is reached at.
    pub reached_at: Option<String>,
    /// Secondary containers: name, image.
    pub sidekicks: Vec<(String, String)>,
    /// Environment variables.
    pub variables: Vec<(String, String)>,
    /// Extra labels.
    pub labels: Vec<(String, String)>,
    /// Minutes since its containers started.
    pub up_min: i64,
    /// What the last finished upgrade replaced.
    pub before: Option<String>,
    /// A version that was tried and rolled back: its image, upgraded and back so many minutes ago.
    pub tried: Option<(String, i64, i64)>,
    /// How it stands.
    pub standing: Standing,
    /// Where its containers stand, where the story says so.
    pub places: Vec<Place>,
}

impl ServicePlan {
    fn new(name: &str, image: String, scale: u32, up_min: i64) -> Self {
        Self {
            name: name.to_owned(),
            image,
            scale,
            global: false,
            port: None,
            checked: false,
            reached_at: None,
            sidekicks: Vec::new(),
            variables: Vec::new(),
            labels: Vec::new(),
            up_min,
            before: None,
            tried: None,
            standing: Standing::Running,
            places: Vec::new(),
        }
    }

    fn ours(name: &str, tag: &str, scale: u32, up_min: i64) -> Self {
        Self::new(name, image(name, tag), scale, up_min)
    }

    fn at(mut self, host: &str, port: u16) -> Self {
        self.reached_at = Some(host.to_owned());
        self.on(port)
    }

    fn on(mut self, port: u16) -> Self {
        self.port = Some(port);
        self.checked = true;
        self
    }

    fn unchecked(mut self) -> Self {
        self.checked = false;
        self
    }

    fn global(mut self) -> Self {
        self.global = true;
        self
    }

    fn was(mut self, tag: &str) -> Self {
        self.before = Some(image(&self.name, tag));
        self
    }

    fn tried(mut self, tag: &str, upgraded_min: i64, back_min: i64) -> Self {
        self.tried = Some((image(&self.name, tag), upgraded_min, back_min));
        self
    }

    fn placed(mut self, places: &[(&str, &str)]) -> Self {
        self.places = places_of(places);
        self
    }

    fn standing(mut self, standing: Standing) -> Self {
        self.standing = standing;
        self
    }

    /// Labels of the launch configuration: Traefik's and the plan's own.
    pub fn all_labels(&self) -> Vec<(String, String)> {
        let mut labels = self.labels.clone();
        if let (Some(host), Some(port)) = (&self.reached_at, self.port) {
            labels.push(("traefik.enable".to_owned(), "true".to_owned()));
            labels.push(("traefik.alias.fqdn".to_owned(), host.clone()));
            labels.push(("traefik.port".to_owned(), port.to_string()));
        }
        if self.global {
            labels.push(("io.rancher.scheduler.global".to_owned(), "true".to_owned()));
        }
        if !self.sidekicks.is_empty() {
            let names: Vec<&str> = self.sidekicks.iter().map(|(name, _)| name.as_str()).collect();
            labels.push(("io.rancher.sidekicks".to_owned(), names.join(",")));
        }
        labels
    }
}

fn places_of(places: &[(&str, &str)]) -> Vec<Place> {
    places
        .iter()
        .map(|(host, address)| Place {
            host: (*host).to_owned(),
            address: (*address).to_owned(),
        })
        .collect()
}

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

fn hosts(prefix: &str, subnet: u8, load: &[(u8, u8)]) -> Vec<HostPlan> {
    load.iter()
        .enumerate()
        .map(|(index, &(cpu, memory))| HostPlan {
            name: format!("{prefix}-{:02}", index + 1),
            address: format!("10.42.{subnet}.{}", 11 + index),
            cpu,
            memory,
            memory_mb: 16_048,
        })
        .collect()
}

fn stack(name: &str, description: &'static str, services: Vec<ServicePlan>) -> StackPlan {
    StackPlan {
        name: name.to_owned(),
        description,
        services,
    }
}

fn api(tag: &str, scale: u32, up_min: i64, host: &str) -> ServicePlan {
    let mut service = ServicePlan::ours("api", tag, scale, up_min).at(host, 8080);
    service.sidekicks = vec![("api-nginx".to_owned(), "nginx:1.15-alpine".to_owned())];
    service.variables = vec![("SPRING_PROFILES_ACTIVE".to_owned(), "docker".to_owned())];
    service
}

/// Rancher as the plot knows it: dev 24, staging 19, production 20 services.
pub fn team() -> Vec<EnvironmentPlan> {
    vec![dev(), staging(), production()]
}

fn dev() -> EnvironmentPlan {
    let ours = ServicePlan::ours;
    EnvironmentPlan {
        name: "dev",
        hosts: hosts("dev", 3, &[(57, 71), (49, 64)]),
        stacks: vec![
            stack(
                "core",
                "accounts, gateway, messages",
                vec![
                    api("dev-a7713fd", 2, 17, "api-dev.company.com"),
                    ours("gateway", "dev-c90b4e2", 1, HOUR).at("gw-dev.company.com", 8000),
                    ours("user-center", "dev-e01b7aa", 1, 3 * DAY).at("user-dev.company.com", 8080),
                    ours("notify", "dev-5f20c1e", 1, 2 * DAY).at("notify-dev.company.com", 8080),
                    ours("scheduler", "2.2.8", 1, 3 * DAY),
                ],
            ),
            stack(
                "device",
                "what speaks to devices",
                vec![
                    ours("bp-sync", "dev-77e4d01", 2, 11).at("bp-dev.company.com", 3000),
                    ours("glucose-sync", "dev-a41c9e2", 2, 118)
                        .at("glucose-dev.company.com", 3000)
                        .placed(&[("dev-01", "10.42.12.66"), ("dev-02", "10.42.40.9")]),
                    ours("device-hub", "dev-f01d7b8", 2, 300).at("hub-dev.company.com", 8443),
                    ours("ota-server", "dev-9d31b02", 1, 8 * DAY).at("ota-dev.company.com", 8080),
                    ours("report-worker", "dev-4416cf0", 1, 4 * DAY),
                ],
            ),
            stack(
                "web",
                "what people see",
                vec![
                    ours("web", "dev-1f0e2b8", 2, 195).at("dev.company.com", 80),
                    ours("admin-web", "dev-98a3f1d", 1, 6 * HOUR).at("admin-dev.company.com", 80),
                    ours("open-api", "dev-71c0d4e", 1, 9 * DAY).at("open-dev.company.com", 8080),
                    ours("wechat-h5", "latest", 1, 2 * DAY).at("h5-dev.company.com", 80),
                ],
            ),
            infra(
                1,
                vec![
                    ServicePlan::new("mysql", "mysql:5.7.24".to_owned(), 1, 120 * DAY),
                    ServicePlan::new("emqx", "emqx/emqx:v3.0.1".to_owned(), 1, 40 * DAY)
                        .on(1883)
                        .unchecked(),
                ],
                1,
                1,
            ),
            stack(
                "tools",
                "for those who build",
                vec![
                    ServicePlan::new("mailhog", "mailhog/mailhog:v1.0.0".to_owned(), 1, 90 * DAY),
                    ServicePlan::new("swagger-ui", "swaggerapi/swagger-ui:v3.20.1".to_owned(), 1, 30 * DAY)
                        .at("swagger-dev.company.com", 8080),
                    ServicePlan::new("adminer", "adminer:4.7.0".to_owned(), 1, 60 * DAY),
                    ours("api-mock", "1.3.0", 1, 25 * DAY).on(8080),
                ],
            ),
        ],
    }
}

fn staging() -> EnvironmentPlan {
    let ours = ServicePlan::ours;
    EnvironmentPlan {
        name: "staging",
        hosts: hosts("stg", 2, &[(31, 52), (28, 49), (35, 58)]),
        stacks: vec![
            stack(
                "core",
                "accounts, gateway, messages",
                vec![
                    api("2.14.0-rc.3", 2, 170, "api-stg.company.com"),
                    ours("gateway", "1.31.0-rc.2", 2, 5 * HOUR).at("gw-stg.company.com", 8000),
                    ours("user-center", "3.2.0", 2, DAY)
                        .was("3.1.9")
                        .at("user-stg.company.com", 8080),
                    // 1.8.3 was pushed, but the pipeline's deploy step names 1.8.2.
                    ours("notify", "1.8.2", 2, 3 * DAY).at("notify-stg.company.com", 8080),
                    ours("scheduler", "2.2.8", 1, 3 * DAY),
                ],
            ),
            stack(
                "device",
                "what speaks to devices",
                vec![
                    ours("bp-sync", "1.17.4-rc.1", 2, 7 * HOUR).at("bp-stg.company.com", 3000),
                    ours("glucose-sync", "1.22.0", 2, 2 * DAY).at("glucose-stg.company.com", 3000),
                    ours("device-hub", "0.32.0-rc.1", 2, 3 * DAY).at("hub-stg.company.com", 8443),
                    ours("ota-server", "1.4.0", 1, 34 * DAY).at("ota-stg.company.com", 8080),
                    ours("report-worker", "0.9.12", 1, DAY),
                ],
            ),
            stack(
                "web",
                "what people see",
                vec![
                    ours("web", "3.8.0-rc.1", 2, 126).at("stg.company.com", 80),
                    ours("admin-web", "2.3.0", 1, 22 * HOUR).at("admin-stg.company.com", 80),
                    ours("open-api", "0.6.2", 1, 20 * DAY).at("open-stg.company.com", 8080),
                    ours("wechat-h5", "latest", 1, 9 * DAY).at("h5-stg.company.com", 80),
                ],
            ),
            infra(
                1,
                vec![ServicePlan::new("mysql", "mysql:5.7.24".to_owned(), 1, 120 * DAY)],
                1,
                1,
            ),
        ],
    }
}

fn production() -> EnvironmentPlan {
    let ours = ServicePlan::ours;
    EnvironmentPlan {
        name: "production",
        hosts: hosts(
            "prod",
            1,
            &[(44, 61), (52, 66), (38, 58), (47, 91), (41, 63), (29, 55), (35, 72)],
        ),
        stacks: vec![
            stack(
                "core",
                "accounts, gateway, messages",
                vec![
                    api("2.13.4", 4, 6 * DAY, "api.company.com").was("2.13.3").placed(&[
                        ("prod-01", "10.42.3.7"),
                        ("prod-02", "10.42.58.20"),
                        ("prod-05", "10.42.91.144"),
                        ("prod-06", "10.42.187.3"),
                    ]),
                    ours("gateway", "1.31.0", 3, HOUR)
                        .was("1.30.2")
                        .at("m.company.com", 8000),
                    ours("user-center", "3.1.9", 3, 6 * DAY)
                        .was("3.1.8")
                        .at("user.company.com", 8080),
                    ours("notify", "1.8.1", 2, 9 * DAY)
                        .was("1.8.0")
                        .at("notify.company.com", 8080),
                    ours("scheduler", "2.2.7", 4, 16 * DAY),
                ],
            ),
            stack(
                "device",
                "what speaks to devices",
                vec![
                    ours("bp-sync", "1.17.4", 3, 38)
                        .at("bp.company.com", 3000)
                        .placed(&[
                            ("prod-02", "10.42.7.31"),
                            ("prod-05", "10.42.113.8"),
                            ("prod-07", "10.42.201.77"),
                        ])
                        .standing(Standing::LeftOpen {
                            before: image("bp-sync", "1.17.3"),
                            kept: places_of(&[
                                ("prod-02", "10.42.7.19"),
                                ("prod-03", "10.42.90.4"),
                                ("prod-06", "10.42.166.12"),
                            ]),
                        }),
                    ours("glucose-sync", "1.22.0", 3, 2 * DAY)
                        .was("1.21.3")
                        .at("glucose.company.com", 3000),
                    ours("device-hub", "0.31.5", 4, 11 * DAY)
                        .was("0.31.4")
                        .at("hub.company.com", 8443)
                        .placed(&[
                            ("prod-01", "10.42.22.41"),
                            ("prod-04", "10.42.98.5"),
                            ("prod-03", "10.42.144.17"),
                            ("prod-07", "10.42.230.9"),
                        ]),
                    ours("ota-server", "1.4.0", 2, 34 * DAY).at("ota.company.com", 8080),
                    ours("report-worker", "0.9.12", 2, 35)
                        .was("0.9.11")
                        .on(9090)
                        .placed(&[("prod-04", "10.42.187.19"), ("prod-06", "10.42.61.8")]),
                ],
            ),
            stack(
                "web",
                "what people see",
                vec![
                    ours("web", "3.7.2", 3, 4 * HOUR)
                        .was("3.7.0")
                        // Rolled back yesterday evening.
                        .tried("3.7.1", 20 * HOUR + 9, 19 * HOUR + 17)
                        .at("www.company.com", 80),
                    ours("admin-web", "2.3.0", 2, 21 * HOUR)
                        .was("2.2.9")
                        .at("admin.company.com", 80),
                    ours("open-api", "0.6.2", 2, 20 * DAY).at("open.company.com", 8080),
                    ours("wechat-h5", "latest", 2, 47 * DAY).at("h5.company.com", 80),
                ],
            ),
            infra(
                3,
                vec![
                    ServicePlan::new("emqx", "emqx/emqx:v3.0.1".to_owned(), 5, 40 * DAY).on(1883),
                    ours("mysql-backup", "1.0.3", 1, 2 * DAY).standing(Standing::Stopped { by: "zhouhang" }),
                ],
                2,
                3,
            ),
        ],
    }
}

/// What every environment has, and its own beside.
fn infra(traefik: u32, own: Vec<ServicePlan>, redis: u32, rabbitmq: u32) -> StackPlan {
    let rabbit = ServicePlan::new("rabbitmq", "rabbitmq:3.6.16-management".to_owned(), rabbitmq, 120 * DAY);
    let mut services = vec![
        ServicePlan::new("traefik", "rancher/traefik:v1.5.4-1".to_owned(), traefik, 62 * DAY).on(8000),
        {
            let mut logspout =
                ServicePlan::new("logspout", "gliderlabs/logspout:v3.2.6".to_owned(), 1, 62 * DAY).global();
            logspout.variables = vec![("LOGSPOUT".to_owned(), "ignore".to_owned())];
            logspout
        },
        ServicePlan::new("redis", "redis:3.2.12-alpine".to_owned(), redis, 120 * DAY).on(6379),
        if rabbitmq > 1 {
            rabbit.on(5672).standing(Standing::Restarting { by: "zhouhang" })
        } else {
            rabbit
        },
    ];
    services.extend(own);
    stack("infra", "what the others stand on", services)
}
