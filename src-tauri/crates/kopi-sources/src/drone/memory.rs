//! What a connection remembers of its server between two listings and over a reconnect: the builds it believes in, the
//! repositories, and which builds have to be read again when.
//!
//! Refuses: growing: only builds that the newest listing named or that have not ended are kept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use kopi_model::{Build, Repo};
use tokio::time::Instant;

/// A build is read again at most so often after an answer that helped nothing.
const MOST_TRIES: u8 = 3;

/// Repository and number.
pub(super) type BuildKey = (String, u64);

pub(super) fn key_of(build: &Build) -> BuildKey {
    (build.repo.clone(), build.number)
}

#[derive(Debug, Clone, Copy)]
struct Due {
    at: Instant,
    tries: u8,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    builds: HashMap<BuildKey, Build>,
    /// Name and whether it is built; none before the first listing.
    repos: Option<BTreeMap<String, bool>>,
    due: HashMap<BuildKey, Due>,
    /// Builds that an order was given for, and how often they were read since: the server tells no frame of some.
    ordered: HashMap<BuildKey, u8>,
    /// Where the round of re-reading running builds stands.
    round: usize,
    /// The event stream is open: `builds` follows it.
    pub streaming: bool,
    /// Some listing came well since the source was made.
    pub listed: bool,
}

impl Memory {
    pub(super) fn build(&self, key: &BuildKey) -> Option<&Build> {
        self.builds.get(key)
    }

    /// Keeps a build; true when it is another than before.
    pub(super) fn keep(&mut self, build: Build) -> bool {
        let key = key_of(&build);
        if self.builds.get(&key) == Some(&build) {
            return false;
        }
        self.builds.insert(key, build);
        true
    }

    pub(super) fn forget(&mut self, key: &BuildKey) {
        self.builds.remove(key);
        self.due.remove(key);
        self.ordered.remove(key);
    }

    /// Lets go of ended builds that the listing did not name.
    pub(super) fn keep_only(&mut self, named: &HashSet<BuildKey>) {
        self.builds
            .retain(|key, build| !build.status.is_final() || named.contains(key));
    }

    /// Builds that have not ended as far as is known, in order.
    pub(super) fn unfinished(&self) -> Vec<BuildKey> {
        let open = self.builds.iter().filter(|(_, build)| !build.status.is_final());
        let mut keys: Vec<BuildKey> = open.map(|(key, _)| key.clone()).collect();
        keys.sort_unstable();
        keys
    }

    /// The next so many of these in turn, so that none is left out for ever.
    pub(super) fn next_of(&mut self, mut keys: Vec<BuildKey>, most: usize) -> Vec<BuildKey> {
        if keys.len() <= most {
            return keys;
        }
        let start = self.round % keys.len();
        self.round = self.round.wrapping_add(most);
        keys.rotate_left(start);
        keys.truncate(most);
        keys
    }

    /// Takes a listing; true when a repository is built that was not before: the stream does not show it yet.
    pub(super) fn take_repos(&mut self, repos: &[Repo]) -> bool {
        let names: BTreeMap<String, bool> = repos.iter().map(|repo| (repo.name.clone(), repo.active)).collect();
        let grew = self.repos.as_ref().is_some_and(|known| {
            names
                .iter()
                .any(|(name, active)| *active && known.get(name) != Some(&true))
        });
        self.repos = Some(names);
        grew
    }

    /// The repository is one of ours, or nobody can tell yet.
    pub(super) fn knows_repo(&self, name: &str) -> bool {
        self.repos.as_ref().is_none_or(|repos| repos.contains_key(name))
    }

    /// The build has to be read then; an earlier date stands.
    pub(super) fn read_at(&mut self, key: BuildKey, at: Instant) {
        let due = self.due.entry(key).or_insert(Due { at, tries: 0 });
        due.at = due.at.min(at);
    }

    /// An order was given for the build: it is read soon, and again until it has ended or nothing more is to be expected.
    pub(super) fn follow(&mut self, key: BuildKey, now: Instant) {
        self.ordered.insert(key.clone(), 0);
        self.read_at(key, now + Duration::from_secs(1));
    }

    /// The build was read: one that an order was given for will be read again.
    pub(super) fn was_read(&mut self, key: &BuildKey, is_final: bool, now: Instant) {
        let Some(reads) = self.ordered.get_mut(key) else {
            return;
        };
        if is_final || *reads >= MOST_TRIES {
            self.ordered.remove(key);
            return;
        }
        *reads += 1;
        let wait = Duration::from_secs(1 << *reads);
        self.read_at(key.clone(), now + wait);
    }

    /// It could not be read: later again, but not for ever.
    pub(super) fn read_failed(&mut self, key: BuildKey, tries: u8, now: Instant) {
        if tries < MOST_TRIES {
            let wait = Duration::from_secs(5 << tries);
            self.due.entry(key).or_insert(Due {
                at: now + wait,
                tries: tries + 1,
            });
        }
    }

    pub(super) fn next_read(&self) -> Option<Instant> {
        self.due.values().map(|due| due.at).min()
    }

    /// Takes out what is due, with the number of tries before.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<(BuildKey, u8)> {
        let mut due: Vec<(BuildKey, u8)> = self
            .due
            .iter()
            .filter(|(_, due)| due.at <= now)
            .map(|(key, due)| (key.clone(), due.tries))
            .collect();
        due.sort_unstable();
        for (key, _) in &due {
            self.due.remove(key);
        }
        due
    }

    pub(super) fn newest_number(&self, repo: &str) -> Option<u64> {
        self.builds
            .keys()
            .filter(|(name, _)| name == repo)
            .map(|(_, number)| *number)
            .max()
    }
}
