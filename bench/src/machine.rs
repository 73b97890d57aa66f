//! What must be known of the machine to judge its numbers.

use std::fs;

use serde::{Deserialize, Serialize};

/// The machine, the network and the programs that are not subjects.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Facts {
    /// The processor, as it calls itself.
    pub processor: String,
    /// How many cores there are.
    pub cores: usize,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The distribution.
    pub system: String,
    /// How many processes wanted to run before the benchmark, on average over a minute: a quiet machine has next to none.
    pub load_before: f64,
    /// The network between subjects and server.
    pub network: String,
    /// The kernel's congestion control.
    pub congestion_control: String,
    /// The web server.
    pub server: String,
}

impl Facts {
    /// Of this machine, now.
    pub fn gather(server: String, network: String) -> Facts {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let value = |path: &str, key: &str, separator: char| {
            let text = read(path);
            let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
            line.split_once(separator).map_or("unknown", |(_, value)| value.trim().trim_matches('"')).to_owned()
        };
        let memory = value("/proc/meminfo", "MemTotal", ':');
        let memory_kib: u64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default();
        Facts {
            processor: value("/proc/cpuinfo", "model name", ':'),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mib: memory_kib / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            system: value("/etc/os-release", "PRETTY_NAME", '='),
            load_before: read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default(),
            network,
            congestion_control: read("/proc/sys/net/ipv4/tcp_congestion_control").trim().to_owned(),
            server,
        }
    }
}
