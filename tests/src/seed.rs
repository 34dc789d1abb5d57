//! How far the tests go, and chance that can be had again.

use std::env;

/// How far the tests go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// On every change: a sample.
    Ci,
    /// Every night: the full count.
    Nightly,
}

/// What `ALTAIR_TEST_TIER` says; without it, [`Tier::Ci`].
pub fn tier() -> Tier {
    match env::var("ALTAIR_TEST_TIER").as_deref() {
        Ok("nightly") => Tier::Nightly,
        Ok("ci" | "") | Err(_) => Tier::Ci,
        Ok(other) => panic!("ALTAIR_TEST_TIER is `{other}`: use ci or nightly"),
    }
}

impl Tier {
    /// One number for each tier.
    pub const fn of(self, ci: usize, nightly: usize) -> usize {
        match self {
            Self::Ci => ci,
            Self::Nightly => nightly,
        }
    }
}

/// Pseudo-random numbers (SplitMix64, from Steele, Lea and Flood 2014). The start is `ALTAIR_TEST_SEED`, or the same in every run.
#[derive(Debug, Clone)]
pub struct Seed(u64);

impl Seed {
    /// The numbers of one test. Its start is printed, which cargo shows when the test fails.
    pub fn of(test: &str) -> Self {
        let start = env::var("ALTAIR_TEST_SEED")
            .ok()
            .map_or(0x5eed, |text| text.parse().expect("ALTAIR_TEST_SEED is a number"));
        eprintln!("{test}: ALTAIR_TEST_SEED={start}");
        Self(test.bytes().fold(start, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into())))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which isn't 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }
}
