//! What the Drone plugin does with Rancher (`apis/rancher.md § 6.6`): finds the service, asks for the upgrade with the
//! whole launch configuration, and with `confirm` asks every 3 s until `upgraded`, then finishes. Without it the build is
//! green as soon as Rancher has accepted.
//!
//! Refuses: to look at containers. The plugin does not either.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use kopi_sources::rancher::fake::{Fault, ServiceView};
use serde_json::Value;

use super::{Happening, Run};
use crate::laws::pipeline::{self, CONFIRM_TIMEOUT_S};
use crate::ledger::{BuildKey, DeedRecord};
use crate::world::Standing;
use crate::world::repos::{OWNER, REGISTRY};

/// Between two looks of a confirming plugin.
const ASK_MS: i64 = 3_000;
/// The plugin's own start and its calls.
const CALL_MS: i64 = 1_400;
/// The plugin's defaults.
const BATCH: u32 = 1;
const INTERVAL: Duration = Duration::from_secs(1);

impl Run {
    /// A deploy step begins.
    pub(super) fn begin_deploy(&mut self, key: &BuildKey, pid: u64) {
        let Some(job) = self.jobs.get(key) else { return };
        let name = job.step_name(pid).unwrap_or_default();
        let environment = job.environment(&name).unwrap_or_default();
        let tag = match pipeline::pinned_tag(&job.repo.name, &job.branch) {
            Some(pinned) => pinned.to_owned(),
            None => job.tag.clone(),
        };
        let (image, service) = (job.repo.image(&tag), job.repo.service());
        let confirm = pipeline::confirms(&job.repo, &environment);
        let Some(view) = self.service_in(&environment, &job.repo.stack.clone(), &job.repo.name.clone()) else {
            let words = format!("level=fatal msg=\"Unable to find service {service}\"");
            self.fail_deploy(key, pid, &[words]);
            return;
        };
        let head = format!("level=info msg=\"Upgrading {service} in {environment} to docker:{image}\"");
        self.print(key, pid, &[head]);
        self.check_pushed(&image);
        let result = self.cattle.upgrade(&view.id, &image, BATCH, INTERVAL, true);
        self.ledger.note(DeedRecord {
            at: self.stage.now(),
            by: format!("build {}#{}", key.0, key.1),
            what: "upgrade".to_owned(),
            target: format!("{environment}/{service}"),
            result: result.as_ref().err().cloned().unwrap_or_else(|| image.clone()),
        });
        match result {
            Err(_) => {
                let words = format!(
                    "level=fatal msg=\"Action [upgrade] not available on [{}:{}]\"",
                    view.id, view.name
                );
                self.fail_deploy(key, pid, &[words]);
            }
            Ok(()) if confirm => self.after_ms(
                ASK_MS,
                Happening::Asks {
                    build: key.clone(),
                    pid,
                },
            ),
            Ok(()) => {
                self.print(
                    key,
                    pid,
                    &[format!(
                        "level=info msg=\"Upgraded {service}, not waiting for confirmation\""
                    )],
                );
                self.after_ms(
                    CALL_MS,
                    Happening::StepEnds {
                        build: key.clone(),
                        pid,
                        code: 0,
                    },
                );
            }
        }
    }

    fn fail_deploy(&mut self, key: &BuildKey, pid: u64, words: &[String]) {
        self.print(key, pid, words);
        self.after_ms(
            CALL_MS,
            Happening::StepEnds {
                build: key.clone(),
                pid,
                code: 1,
            },
        );
    }

    /// A confirming plugin looks again.
    pub(super) fn ask_upgrade(&mut self, key: &BuildKey, pid: u64) {
        let Some(job) = self.jobs.get(key) else { return };
        let name = job.step_name(pid).unwrap_or_default();
        let environment = job.environment(&name).unwrap_or_default();
        let began = job.began(pid).unwrap_or_default();
        let (stack, service) = (job.repo.stack.clone(), job.repo.name.clone());
        let Some(view) = self.service_in(&environment, &stack, &service) else {
            self.fail_deploy(key, pid, &[format!("level=fatal msg=\"Service {service} has gone\"")]);
            return;
        };
        if view.state == "upgraded" {
            let finished = self.cattle.order(&view.id, "finishupgrade", &Value::Null);
            let (words, code) = match finished {
                Ok(()) => (format!("level=info msg=\"Finished upgrade of {stack}/{service}\""), 0),
                Err(words) => (format!("level=fatal msg=\"{words}\""), 1),
            };
            self.print(key, pid, &[words]);
            self.after_ms(
                200,
                Happening::StepEnds {
                    build: key.clone(),
                    pid,
                    code,
                },
            );
        } else if self.now() >= began.saturating_add(SignedDuration::from_secs(CONFIRM_TIMEOUT_S)) {
            self.fail_deploy(
                key,
                pid,
                &[format!("level=fatal msg=\"Service not upgraded: {}\"", view.state)],
            );
        } else {
            self.print(
                key,
                pid,
                &[format!("level=info msg=\"waiting, service is {}\"", view.state)],
            );
            self.after_ms(
                ASK_MS,
                Happening::Asks {
                    build: key.clone(),
                    pid,
                },
            );
        }
    }

    /// What runs and what was built before is in the registry.
    pub(super) fn fill_registry(&mut self) {
        let mut pushed: BTreeSet<String> = self.ledger.images.keys().cloned().collect();
        for (.., service) in self.world.services() {
            pushed.insert(service.image.clone());
            pushed.extend(service.before.clone());
            if let Standing::LeftOpen { before, .. } = &service.standing {
                pushed.insert(before.clone());
            }
        }
        self.pushed = pushed;
    }

    /// An image was pushed: from now on it can be pulled.
    pub(super) fn note_pushed(&mut self, image: &str) {
        if self.pushed.insert(image.to_owned()) && self.missing.remove(image) {
            self.cattle.mend_image(image);
        }
    }

    /// Somebody asks for an image: one of ours that was never pushed cannot be pulled.
    pub(super) fn check_pushed(&mut self, image: &str) {
        let ours = image.starts_with(&format!("{REGISTRY}/{OWNER}/"));
        if ours && !self.pushed.contains(image) && self.missing.insert(image.to_owned()) {
            self.cattle.break_image(image, Fault::CannotPull);
        }
    }

    /// A service by its environment's name, stack and name.
    pub(super) fn service_in(&self, environment: &str, stack: &str, name: &str) -> Option<ServiceView> {
        let project = self.places.projects.get(environment)?;
        self.cattle.service_named(project, stack, name)
    }
}
