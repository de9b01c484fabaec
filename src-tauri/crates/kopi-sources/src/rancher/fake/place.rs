//! Where containers stand, when the office's story says so.

use super::FakeCattle;
use super::world::{Kind, number_of};

impl FakeCattle {
    /// Puts a container on a host and at an address, as if it had been scheduled there (the office's seed).
    pub fn place_container(&self, container: &str, host: &str, address: &str) {
        let (Some(container), Some(host)) = (number_of(container), number_of(host)) else {
            return;
        };
        let mut world = self.lock();
        let known = world.hosts.contains_key(&host);
        let mut left = None;
        if let Some(row) = world.containers.get_mut(&container).filter(|_| known) {
            left = row.host.replace(host).filter(|before| *before != host);
            row.address = Some(address.to_owned());
            let image = row.image();
            if let Some(host) = world.hosts.get_mut(&host) {
                host.images.insert(image);
            }
        }
        if let Some(before) = left {
            world.touch(Kind::Host, before);
        }
        world.touch_container(container);
    }
}
