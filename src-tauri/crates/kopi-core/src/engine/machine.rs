//! Time, chance and network as arguments: what the engine would otherwise ask the machine itself.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::UdpSocket;
use std::sync::Arc;

use jiff::tz::TimeZone;
use kopi_feed::Clock;

/// What the engine may ask of the machine it runs on.
#[derive(Clone)]
pub struct Machine {
    /// The clock.
    pub clock: Clock,
    /// A number in `0.0..1.0`, another one each time.
    pub chance: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Changes when the network did; cheap, asked every few seconds.
    pub network: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// The person's time zone.
    pub zone: TimeZone,
    /// The system's locale, `zh_CN.UTF-8`.
    pub locale: Option<String>,
    /// The person's name on this machine, for the journal.
    pub user: String,
}

impl Machine {
    /// The real one.
    pub fn real() -> Self {
        Self {
            clock: Clock::system(),
            chance: Arc::new(rand::random::<f64>),
            network: Arc::new(network_fingerprint),
            zone: TimeZone::system(),
            locale: first_set(&["LC_ALL", "LC_MESSAGES", "LANG"]),
            user: first_set(&["USER", "USERNAME", "LOGNAME"]).unwrap_or_default(),
        }
    }
}

fn first_set(names: &[&str]) -> Option<String> {
    names
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
}

/// Own addresses towards the world (no packet is sent) and, where the system shows them, the routes: a VPN that comes
/// back changes these.
fn network_fingerprint() -> u64 {
    let mut hasher = DefaultHasher::new();
    for (own, far) in [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")] {
        let address = UdpSocket::bind(own)
            .and_then(|socket| socket.connect(far).and_then(|()| socket.local_addr()))
            .map(|address| address.ip());
        address.ok().hash(&mut hasher);
    }
    if let Ok(routes) = std::fs::read_to_string("/proc/net/route") {
        for line in routes.lines().skip(1) {
            let mut columns = line.split_ascii_whitespace();
            (columns.next(), columns.next(), columns.next()).hash(&mut hasher);
        }
    }
    hasher.finish()
}
