//! Chance, seeded: every draw is named by what it is for, so that one more draw here never shifts another there, and
//! the same seed and orders give the same day.
//!
//! Refuses: the machine's own randomness.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// The seed of a day, from which every draw is derived by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance {
    seed: u64,
}

impl Chance {
    /// A day's chance.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Draws for one purpose, named: the same name gives the same draws.
    pub fn draws(&self, purpose: &str) -> Draws {
        Draws(StdRng::seed_from_u64(mix(self.seed, purpose)))
    }

    /// Forty hexadecimal digits that begin with `prefix`: a commit's sha.
    pub fn sha(&self, prefix: &str, purpose: &str) -> String {
        let mut draws = self.draws(&format!("sha {purpose}"));
        let mut sha = prefix.to_owned();
        while sha.len() < 40 {
            sha.push(char::from(b"0123456789abcdef"[draws.below(16)]));
        }
        sha
    }
}

/// FNV-1a over the seed and the name: stable over versions of Rust and of the crates.
fn mix(seed: u64, purpose: &str) -> u64 {
    seed.to_le_bytes()
        .into_iter()
        .chain(purpose.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

/// A row of draws.
#[derive(Clone, Debug)]
pub struct Draws(StdRng);

impl Draws {
    /// A number below `end`; 0 for an empty range.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.random_range(0..end) }
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        if to <= from {
            from
        } else {
            self.0.random_range(from..=to)
        }
    }

    /// From 0 to below 1.
    pub fn share(&mut self) -> f64 {
        self.0.random::<f64>()
    }

    /// True with this chance.
    pub fn happens(&mut self, chance: f64) -> bool {
        self.share() < chance
    }

    /// One of these; none when there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// Seconds until the next of something that happens `per_hour` times an hour on average.
    pub fn seconds_until_next(&mut self, per_hour: f64) -> f64 {
        if per_hour <= 0.0 {
            return f64::INFINITY;
        }
        -(1.0 - self.share()).ln() * 3600.0 / per_hour
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn same_name_same_draws() {
        let chance = Chance::new(7);
        assert_eq!(
            chance.draws("a").between(0, 1_000_000),
            chance.draws("a").between(0, 1_000_000)
        );
        assert_ne!(chance.sha("", "x"), chance.sha("", "y"));
        assert_eq!(chance.sha("0ac57be", "x").len(), 40);
        assert!(chance.sha("0ac57be", "x").starts_with("0ac57be"));
    }
}
