//! Memory and share of a core, limited by the kernel's control groups of either version.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::process::guard::Guarded;
use crate::process::watch::remove_control_group;

/// MB for which Lambda gives a whole core.
pub const WHOLE_CORE: u64 = 1769;

/// Microseconds. A short period keeps the pauses short of a function with a small share.
pub const PERIOD: u64 = 20_000;

/// Where the groups are.
const ROOT: &str = "/sys/fs/cgroup";

/// Control groups of one function. They go when dropped, or when this process ends, however it ends.
#[derive(Debug)]
pub struct Limits {
    /// Their folders.
    pub groups: Vec<PathBuf>,
    version: Version,
    memory: u64,
    _guarded: Vec<Guarded>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Limits {
    /// Makes groups with a limit on memory, in MB. The share of a core is limited from [`Self::throttle`] on. The label is
    /// part of the groups' name: one process can have several, each with its own label.
    ///
    /// # Errors
    /// Where this machine or this user has no such groups.
    pub fn new(label: &str, megabytes: u32) -> io::Result<Limits> {
        let (root, name) = (Path::new(ROOT), format!("media-layers-{label}-{}", std::process::id()));
        let version = if root.join("cgroup.controllers").exists() { Version::Two } else { Version::One };
        let groups = match version {
            Version::One => ["memory", "cpu"].map(|controller| root.join(controller).join(&name)).to_vec(),
            Version::Two => vec![root.join(&name)],
        };
        let guarded = groups.iter().map(|folder| Guarded::control_group(folder)).collect();
        let memory = u64::from(megabytes);
        let limits = Limits { groups, version, memory, _guarded: guarded };
        for group in &limits.groups {
            fs::create_dir(group)?;
        }
        let bytes = (memory * 1024 * 1024).to_string();
        match version {
            Version::One => {
                limits.write("memory.limit_in_bytes", &bytes)?;
                // Kernels that do not count swap have no such file.
                let _ = limits.write("memory.memsw.limit_in_bytes", &bytes);
            }
            Version::Two => {
                limits.write("memory.max", &bytes)?;
                let _ = limits.write("memory.swap.max", "0");
            }
        }
        Ok(limits)
    }

    /// From now on the function has its share of a core: Lambda starts functions with more than that.
    pub fn throttle(&self) -> io::Result<()> {
        let quota = PERIOD * self.memory / WHOLE_CORE;
        match self.version {
            Version::One => {
                self.write("cpu.cfs_period_us", &PERIOD.to_string())?;
                self.write("cpu.cfs_quota_us", &quota.to_string())
            }
            Version::Two => self.write("cpu.max", &format!("{quota} {PERIOD}")),
        }
    }

    /// How many of the function's processes the kernel has killed for want of memory.
    pub fn killed(&self) -> u64 {
        let file = match self.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        let text = self.file(file).and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
        count.unwrap_or(0)
    }

    fn file(&self, name: &str) -> Option<PathBuf> {
        self.groups.iter().map(|group| group.join(name)).find(|path| path.exists())
    }

    fn write(&self, name: &str, value: &str) -> io::Result<()> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("there is no {name} in {:?}", self.groups));
        fs::write(self.file(name).ok_or_else(missing)?, value)
    }
}

impl Drop for Limits {
    fn drop(&mut self) {
        self.groups.iter().for_each(|group| remove_control_group(group));
    }
}
