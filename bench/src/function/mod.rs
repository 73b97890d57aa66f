//! `bench function`: what a probe costs in a small function, where processor time is scarce and answers take long.
//!
//! A function's share of a core is that of its memory ([`SIZES`]), limited by the kernel's control groups as `invoke` limits
//! it. The server of the smoke checks stands in for S3: it waits before each answer and sends only so much a second.
//! Every subject is run with the files that it brings along dropped from the kernel's memory (cold), and once more (warm).

pub mod order;
pub mod page;
pub mod picture;
pub mod results;
pub mod room;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use xtask::invoke::limits::Limits;

/// The sizes of functions, in MB. The last one has a whole core.
pub const SIZES: [u32; 4] = [128, 256, 512, 1769];

/// From a packet to its answer's: within a region.
pub const ROUND_TRIP: Duration = Duration::from_millis(1);

/// From a request to the first byte of its answer, as S3 takes it.
pub const WAIT: Duration = Duration::from_millis(30);

/// How many bytes of an answer come in a second.
pub const BYTES_PER_SECOND: u64 = 90_000_000;

/// The line's rate, in bits per second: more than what a few connections carry.
pub const RATE: u64 = 2_000_000_000;

/// The limits of a function with so much memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Size {
    /// MB.
    pub memory: u32,
    /// Its control groups.
    pub groups: Vec<PathBuf>,
}

/// Control groups for each of these sizes. They go when the result is dropped, or when this process ends.
#[derive(Debug)]
pub struct Sizes {
    limits: Vec<(u32, Limits)>,
}

impl Sizes {
    /// Makes them.
    ///
    /// # Errors
    /// Where this machine or this user has no such groups.
    pub fn make(memory: &[u32]) -> Result<Sizes> {
        let make = |memory: &u32| {
            let limits = Limits::new(&format!("bench-{memory}"), *memory)?;
            limits.throttle()?;
            Ok((*memory, limits))
        };
        let limits: std::io::Result<_> = memory.iter().map(make).collect();
        let hint = "hint: run it as root, where the kernel's control groups `cpu` and `memory` may be used";
        Ok(Sizes { limits: limits.with_context(|| format!("memory and share of a core cannot be limited\n\n{hint}"))? })
    }

    /// What the process in the room needs to know of them.
    pub fn list(&self) -> Vec<Size> {
        self.limits.iter().map(|(memory, limits)| Size { memory: *memory, groups: limits.groups.clone() }).collect()
    }
}

/// Read-ahead of the disk that a file is on, in KB; none where the kernel does not say.
pub fn read_ahead(file: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let device = std::fs::metadata(file).ok()?.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    std::fs::read_to_string(format!("/sys/class/bdi/{major}:{minor}/read_ahead_kb")).ok()?.trim().parse().ok()
}
