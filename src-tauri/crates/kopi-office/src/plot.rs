//! The plot of the first day (`office.md`): what a newcomer sees and when; each entry can also be ordered by name.
//!
//! Refuses: acting. It says what, [`crate::run`] does it.

use jiff::SignedDuration;
use serde::Serialize;

/// A push that the plot wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlotPush {
    /// Repository.
    pub repo: &'static str,
    /// Branch; of a pull request its base.
    pub branch: &'static str,
    /// Pull request's number.
    pub pull: Option<u32>,
    /// Login.
    pub author: &'static str,
    /// First digits of the sha.
    pub sha: &'static str,
    /// Message.
    pub message: &'static str,
    /// Version it publishes.
    pub version: Option<&'static str>,
    /// Step that fails.
    pub fails: Option<&'static str>,
}

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Somebody pushes.
    Push(PlotPush),
    /// Somebody pushes and the hook is refused: nothing builds.
    HookRefused(PlotPush),
    /// Production's containers of an image run out of memory, again and again.
    OutOfMemory {
        /// Repository.
        repo: &'static str,
        /// Tag.
        tag: &'static str,
    },
    /// A host is away.
    HostAway {
        /// Environment.
        environment: &'static str,
        /// Host.
        host: &'static str,
        /// Seconds.
        for_s: i64,
    },
    /// A server answers 503 for a while.
    ServerDown {
        /// Server, as in `--fault`.
        server: &'static str,
        /// Seconds.
        for_s: i64,
    },
}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlotEntry {
    /// By this it is ordered.
    pub name: &'static str,
    /// Seconds from the start.
    pub at_s: i64,
    /// What happens.
    pub scene: Scene,
}

impl PlotEntry {
    /// When.
    pub fn at(&self) -> SignedDuration {
        SignedDuration::from_secs(self.at_s)
    }
}

/// An entry as the control page tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlotLine {
    /// By this it is ordered.
    pub name: &'static str,
    /// Seconds from the start at which it comes by itself.
    pub at_s: i64,
    /// It has happened.
    pub done: bool,
}

const fn push(
    repo: &'static str,
    branch: &'static str,
    author: &'static str,
    sha: &'static str,
    message: &'static str,
) -> PlotPush {
    PlotPush {
        repo,
        branch,
        pull: None,
        author,
        sha,
        message,
        version: None,
        fails: None,
    }
}

/// By themselves the laws push only after the plot is over.
pub const LAWS_BEGIN_S: i64 = 13 * 60;

/// The first day.
pub fn first_day() -> Vec<PlotEntry> {
    let entry = |name, at_s, scene| PlotEntry { name, at_s, scene };
    let glucose = push(
        "glucose-sync",
        "develop",
        "sunyue",
        "c41f8a0",
        "fix: 血糖单位 mmol/L 换算误差",
    );
    let glucose_fix = push(
        "glucose-sync",
        "develop",
        "sunyue",
        "f7d20b6",
        "fix: 换算系数改用 18.0182",
    );
    let bp_sync = push(
        "bp-sync",
        "develop",
        "linhao",
        "0ac57be",
        "fix: Omron 设备时区导致的重复上报",
    );
    let web = push(
        "web",
        "develop",
        "chenjing",
        "4d9b3c7",
        "feat(首页): 新增近 30 天血压趋势图",
    );
    let api = push("api", "master", "linhao", "9be07d1", "release: 2.14.0 支持多设备绑定");
    let user_center = push(
        "user-center",
        "release",
        "lixiang",
        "f2280d4",
        "chore: bump spring-boot 2.1.18 → 2.3.12",
    );
    let hub = push("device-hub", "develop", "zhaomin", "5be10f2", "feat: 支持设备批量解绑");
    let ota = push(
        "ota-server",
        "master",
        "zhouhang",
        "a90c3d5",
        "fix: 校验失败时保留旧固件",
    );
    let open_api = push("open-api", "master", "xuan", "1b6e3f0", "feat: partner webhooks v2");
    vec![
        // Red at 0:40, after 108 s.
        entry(
            "glucose-red",
            -68,
            Scene::Push(PlotPush {
                fails: Some("unit"),
                ..glucose
            }),
        ),
        entry("bp-sync-push", 5, Scene::Push(bp_sync)),
        entry("web-push", 20, Scene::Push(web)),
        entry(
            "api-approval",
            90,
            Scene::Push(PlotPush {
                version: Some("2.14.0"),
                ..api
            }),
        ),
        entry(
            "report-worker-memory",
            150,
            Scene::OutOfMemory {
                repo: "report-worker",
                tag: "0.9.12",
            },
        ),
        entry("glucose-fix", GLUCOSE_FIX_S, Scene::Push(glucose_fix)),
        entry(
            "elastic-503",
            240,
            Scene::ServerDown {
                server: "elastic",
                for_s: 30,
            },
        ),
        entry("device-hub-pull", 255, Scene::Push(PlotPush { pull: Some(88), ..hub })),
        entry(
            "open-api-refused",
            300,
            Scene::HookRefused(PlotPush {
                version: Some("0.7.0"),
                ..open_api
            }),
        ),
        entry("ota-server-pull", 375, Scene::Push(PlotPush { pull: Some(31), ..ota })),
        entry(
            "prod-04-away",
            480,
            Scene::HostAway {
                environment: "production",
                host: "prod-04",
                for_s: 120,
            },
        ),
        entry(
            "user-center-hang",
            USER_CENTER_S,
            Scene::Push(PlotPush {
                version: Some("3.3.0-rc.1"),
                ..user_center
            }),
        ),
    ]
}

/// Pushed then, it is green again at about 6:00.
const GLUCOSE_FIX_S: i64 = 236;
/// Pushed then, its upgrade begins at about 12:00.
const USER_CENTER_S: i64 = 591;

#[cfg(test)]
mod tests {
    use super::{LAWS_BEGIN_S, Scene, first_day};
    use crate::world::{Size, World};

    #[test]
    fn the_plot_names_what_there_is() {
        let world = World::new(Size::Team);
        for entry in first_day() {
            assert!(entry.at_s < LAWS_BEGIN_S, "{}", entry.name);
            match entry.scene {
                Scene::Push(push) | Scene::HookRefused(push) => {
                    let repo = world.repo(push.repo).unwrap();
                    assert!(
                        push.pull.is_some() || repo.branches.contains(&push.branch),
                        "{}",
                        entry.name
                    );
                    assert!(crate::world::people::find(push.author).is_some());
                }
                Scene::OutOfMemory { repo, tag } => {
                    let image = crate::world::repos::image(repo, tag);
                    assert!(world.services().any(|(.., service)| service.image == image));
                }
                Scene::HostAway { environment, host, .. } => {
                    let environment = world
                        .environments
                        .iter()
                        .find(|known| known.name == environment)
                        .unwrap();
                    assert!(environment.hosts.iter().any(|known| known.name == host));
                }
                Scene::ServerDown { .. } => {}
            }
        }
    }
}
