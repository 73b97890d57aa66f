//! Chance that can be repeated.

use std::time::{SystemTime, UNIX_EPOCH};

/// Names the seed of an earlier run.
const VARIABLE: &str = "KILL_TEST_SEED";

/// A generator of numbers (SplitMix64).
pub struct Xorshift(u64);

impl Xorshift {
    /// From the seed in the environment, or one of its own, which is printed.
    pub fn new() -> Xorshift {
        let named = std::env::var(VARIABLE).ok().map(|text| text.parse().expect("a number"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
        let seed = named.unwrap_or(now.as_nanos() as u64 ^ u64::from(std::process::id()));
        eprintln!("{VARIABLE}={seed}");
        Xorshift(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of several.
    pub fn one_of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[(self.next() % all.len() as u64) as usize]
    }
}
