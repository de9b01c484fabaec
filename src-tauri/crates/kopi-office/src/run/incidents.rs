//! What goes wrong by itself: images that run out of memory, hosts that go away, containers that stop by chance.

use jiff::SignedDuration;
use kopi_sources::rancher::fake::ContainerView;

use super::{Happening, Run};
use crate::plot::{PlotEntry, Scene};
use crate::world::repos::image;

/// Containers that stop by chance, an hour, in the whole company.
const CRASHES_PER_HOUR: f64 = 1.5;
/// Seconds between two containers that run out of memory: each of two lasts some 80 s.
const MEMORY_S: (i64, i64) = (34, 46);
/// Hosts report their load so often.
const LOADS_S: i64 = 60;

impl Run {
    /// This office has what the entry needs.
    pub(super) fn can_act(&self, entry: &PlotEntry) -> bool {
        match entry.scene {
            Scene::Push(push) | Scene::HookRefused(push) => self
                .world
                .repo(push.repo)
                .is_some_and(|repo| push.pull.is_some() || repo.branches.contains(&push.branch)),
            Scene::OutOfMemory { repo, .. } => self.world.services().any(|(.., service)| service.name == repo),
            Scene::HostAway { environment, host, .. } => self.places.host(environment, host).is_some(),
            Scene::ServerDown { server, .. } => crate::office::SERVERS.contains(&server),
        }
    }

    /// Plays an entry of the plot now.
    ///
    /// # Errors
    /// There is none of that name, or this office has not what it needs.
    pub fn order_plot(&mut self, name: &str) -> Result<(), String> {
        let Some(entry) = self.plot.iter().find(|entry| entry.name == name).copied() else {
            let names: Vec<&str> = self.plot.iter().map(|entry| entry.name).collect();
            return Err(format!(
                "nothing in the plot is called {name:?}; there are {}",
                names.join(" ")
            ));
        };
        if !self.can_act(&entry) {
            return Err(format!("this office has not what {name} needs"));
        }
        self.play(entry.name);
        Ok(())
    }

    pub(super) fn play(&mut self, name: &'static str) {
        let Some(entry) = self.plot.iter().find(|entry| entry.name == name).copied() else {
            return;
        };
        self.plot_done.insert(name);
        match entry.scene {
            Scene::Push(push) => self.push_of_plot(push, false),
            Scene::HookRefused(push) => self.push_of_plot(push, true),
            Scene::OutOfMemory { repo, tag } => self.run_out_of_memory(&image(repo, tag)),
            Scene::HostAway {
                environment,
                host,
                for_s,
            } => {
                if let Some(id) = self.places.host(environment, host) {
                    self.cattle.host_down(&id);
                }
                self.after(
                    SignedDuration::from_secs(for_s),
                    Happening::HostBack { environment, host },
                );
            }
            Scene::ServerDown { server, for_s } => {
                if (self.server_fault)(server, true) {
                    self.after(SignedDuration::from_secs(for_s), Happening::ServerBack { server });
                }
            }
        }
    }

    pub(super) fn host_back(&mut self, environment: &str, host: &str) {
        if let Some(id) = self.places.host(environment, host) {
            self.cattle.host_up(&id);
        }
    }

    /// A container of that image in production, where the load is, says that its memory is gone, and stops; Rancher
    /// starts it again. Comes again while any runs it.
    pub(super) fn run_out_of_memory(&mut self, image: &str) {
        let production = self.places.projects.get("production").cloned();
        let mut containers: Vec<ContainerView> = self
            .cattle
            .containers()
            .into_iter()
            .filter(|container| {
                container.image == image && !container.old && Some(&container.project) == production.as_ref()
            })
            .collect();
        containers.sort_by(|left, right| left.name.cmp(&right.name));
        if containers.is_empty() {
            return;
        }
        let mut draws = self
            .chance
            .draws(&format!("memory {image} at {}", self.now().as_millis()));
        let again = SignedDuration::from_secs(draws.between(MEMORY_S.0, MEMORY_S.1));
        self.after(
            again,
            Happening::MemoryGone {
                image: image.to_owned(),
            },
        );
        let good: Vec<ContainerView> = containers.into_iter().filter(|container| container.good).collect();
        let Some(victim) = draws.pick(&good) else { return };
        for line in [
            "ERROR c.i.r.PdfRenderer - 渲染第 212 页失败",
            "java.lang.OutOfMemoryError: Java heap space",
            "    at org.apache.pdfbox.pdmodel.PDDocument.save(PDDocument.java:1314)",
            "    at com.ihealth.report.StreamRenderer.flush(StreamRenderer.java:88)",
            "Terminating due to java.lang.OutOfMemoryError: Java heap space",
        ] {
            self.cattle.write_log(&victim.id, true, line);
        }
        self.cattle.crash_container(&victim.id);
    }

    /// Some container stops by chance and says why.
    pub(super) fn crash_by_law(&mut self) {
        let mut draws = self.chance.draws(&format!("crash at {}", self.now().as_millis()));
        let wait = SignedDuration::from_secs(draws.seconds_until_next(CRASHES_PER_HOUR) as i64);
        self.after(wait.max(SignedDuration::from_secs(30)), Happening::Crashes);
        let running: Vec<ContainerView> = self
            .cattle
            .containers()
            .into_iter()
            .filter(|container| container.state == "running" && container.image.contains("/ihealth/"))
            .collect();
        let Some(victim) = draws.pick(&running) else { return };
        let reasons = [
            "fatal: connection to mysql lost, giving up after 5 tries",
            "panic: runtime error: invalid memory address or nil pointer dereference",
            "java.lang.OutOfMemoryError: GC overhead limit exceeded",
            "Error: EMFILE: too many open files, watch",
        ];
        if let Some(reason) = draws.pick(&reasons) {
            self.cattle.write_log(&victim.id, true, reason);
        }
        self.cattle.crash_container(&victim.id);
    }

    /// What a container of ours has said before anybody looked.
    pub(super) fn speak_at_start(&mut self) {
        for container in self.cattle.containers() {
            if container.state != "running" || !container.image.contains("/ihealth/") {
                continue;
            }
            let name = container.image.rsplit('/').next().unwrap_or_default();
            self.cattle
                .write_log(&container.id, false, &format!("INFO  starting {name}"));
            self.cattle
                .write_log(&container.id, false, "INFO  连接数据库 mysql:3306 成功");
            self.cattle
                .write_log(&container.id, false, "INFO  ready, health check answers on /health");
        }
    }

    /// Some containers of ours say what they do.
    fn speak(&mut self) {
        let mut draws = self.chance.draws(&format!("words at {}", self.now().as_millis()));
        let running: Vec<ContainerView> = self
            .cattle
            .containers()
            .into_iter()
            .filter(|container| container.good && container.image.contains("/ihealth/"))
            .collect();
        for _ in 0..6 {
            let Some(container) = draws.pick(&running) else { return };
            let line = match draws.below(4) {
                0 => format!("INFO  GET /v2/bp/trend?days=30 200 {} ms", draws.between(4, 90)),
                1 => format!(
                    "INFO  批次 {} 写入 {} 条",
                    draws.between(4000, 9000),
                    draws.between(1, 60)
                ),
                2 => format!("DEBUG device DC-{:04} heartbeat", draws.between(0, 9999)),
                _ => "WARN  设备时钟快 43 秒，按服务器时间计".to_owned(),
            };
            self.cattle.write_log(&container.id, false, &line);
        }
    }

    /// Hosts report their load, which moves with what runs there.
    pub(super) fn report_loads(&mut self) {
        self.after(SignedDuration::from_secs(LOADS_S), Happening::Loads);
        self.speak();
        let mut draws = self.chance.draws(&format!("loads at {}", self.now().as_millis()));
        let hosts: Vec<(String, u8, u8)> = self
            .world
            .environments
            .iter()
            .flat_map(|environment| environment.hosts.iter().map(move |host| (environment.name, host)))
            .filter_map(|(environment, host)| Some((self.places.host(environment, &host.name)?, host.cpu, host.memory)))
            .collect();
        for (id, cpu, memory) in hosts {
            // Most minutes nothing moves that anybody would see.
            if draws.happens(0.3) {
                let moved = |value: u8, by: i64| (i64::from(value) + by).clamp(3, 98) as f64;
                let (more_cpu, more_memory) = (draws.between(-6, 6), draws.between(-2, 2));
                self.cattle
                    .set_host_load(&id, moved(cpu, more_cpu), moved(memory, more_memory), 38.0);
            }
        }
    }
}
