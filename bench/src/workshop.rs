//! The benchmark's place below the cache: one run at a time, with the peers and Debian's packages.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xtask::error::invalid;
use xtask::model::Arch;
use xtask::ui::Ui;

use crate::debian::Debian;
use crate::peers::Peers;

/// A place in the cache that only one benchmark uses at a time.
#[derive(Debug)]
pub struct Workshop {
    /// The folder.
    pub folder: PathBuf,
    /// The peers there are.
    pub peers: Peers,
    /// This machine's architecture.
    pub arch: Arch,
    _lock: File,
}

impl Workshop {
    /// Opens the place below the cache, and removes what runs that were killed have left there.
    pub fn open(cache: &Path) -> Result<Workshop> {
        let arch = Arch::of_this_machine().context("the benchmark runs on x86_64 and arm64 only")?;
        let folder = cache.join("bench");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        let path = folder.join("lock");
        let lock = File::create(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
        lock.try_lock().map_err(|_| invalid("another benchmark is running\n\nhint: try again when it has ended"))?;
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("run.") {
                let path = entry.path();
                fs::remove_dir_all(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
            }
        }
        Ok(Workshop { folder, peers: Peers::load()?, arch, _lock: lock })
    }

    /// Debian's packages.
    pub fn debian(&self, ui: &Ui) -> Result<Debian> {
        Debian::install(&self.folder.join("debian"), &self.peers, self.arch, ui)
    }
}
