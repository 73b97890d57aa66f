//! The small process that starts a subject: in the right network, and measured.
//!
//! It is this program again, called with one word that no user types, before anything else is done: what a starting
//! process has in memory counts as the started one's, so it must have next to nothing.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::thread::{CpuSet, LinkNameSpaceType, move_into_link_name_space, sched_setaffinity};
use serde::{Deserialize, Serialize};

use crate::measured::{Cost, Program};
use xtask::process::bounded::{self, Command};

/// The word that makes this program a launcher.
pub const WORD: &str = "bench-launch";

/// What a launcher reads from its stdin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// What to run and measure.
    pub program: Program,
    /// The network namespace it is run in, as a file of `/proc`; the launcher's own where absent.
    pub network: Option<PathBuf>,
    /// Whether nothing of it may be in memory when it starts.
    pub cold: bool,
    /// The only core that it may use; every core where absent.
    pub core: Option<usize>,
}

impl Order {
    /// Carries the order out in a launcher of its own.
    pub fn send(&self) -> Result<Cost> {
        // By this name it is found even if its file has been replaced by a new build meanwhile.
        let mut command = Command::new(["/proc/self/exe", WORD]);
        command.stdin = serde_json::to_vec(self)?;
        command.timeout = self.program.timeout + Duration::from_secs(30);
        let output = bounded::run(&command)?;
        if !output.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("the launcher failed ({}): {}", output.ending(), said.trim());
        }
        serde_json::from_slice(&output.stdout).context("the launcher gave a strange answer")
    }
}

/// The work of a launcher: an order on stdin, its cost on stdout.
pub fn main() -> Result<()> {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text).context("cannot read the order")?;
    let order: Order = serde_json::from_slice(&text).context("the order is broken")?;
    drop(text);
    if let Some(path) = &order.network {
        let network = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
            .with_context(|| format!("cannot enter `{}`", path.display()))?;
    }
    if let Some(core) = order.core {
        pin(core)?;
    }
    if order.cold {
        rustix::fs::sync();
        fs::write("/proc/sys/vm/drop_caches", "3").context("cannot drop the caches")?;
    }
    let cost = order.program.run().context("cannot run the subject")?;
    std::io::stdout().write_all(&serde_json::to_vec(&cost)?).context("cannot write the answer")
}

/// Keeps this thread, and what it starts from now on, on one core.
pub fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("cannot stay on core {core}"))
}

/// Whether this process may drop the kernel's caches, which only the machine's superuser may.
pub fn may_drop_caches() -> bool {
    File::options().write(true).open("/proc/sys/vm/drop_caches").is_ok()
}
