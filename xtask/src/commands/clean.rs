//! `cargo xtask clean`: what builds have left in the cache.

use std::fs;
use std::io;

use anyhow::{Context as _, Result};
use clap::Args;

use super::Outcome;
use crate::compile::PackageCache;
use crate::pack::landing;
use crate::session::Session;

/// Remove built packages, unfinished work and logs from the cache.
///
/// Downloaded archives stay unless `--archives` is given: they are pinned by digest, and cost time to fetch again.
#[derive(Debug, Args)]
pub struct Clean {
    /// Remove downloaded archives too.
    #[arg(long)]
    archives: bool,
}

/// What a build makes again by itself.
const BUILT: [&str; 5] = ["builders", "packages", "work", "logs", "toolchain"];
/// What would have to be downloaded again.
const FETCHED: [&str; 2] = ["archives", "partial"];

impl Clean {
    /// Removes the folders.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let _alone = PackageCache::claim(&session.cache)?;
        let fetched = if self.archives { &FETCHED[..] } else { &[] };
        for name in BUILT.iter().chain(fetched) {
            let folder = session.cache.join(name);
            let _progress = session.ui.busy(&format!("removing {}", folder.display()));
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove {}", folder.display()));
                }
                _ => {}
            }
        }
        // Finished zips stay.
        landing::remove_leftovers(&session.dist, "");
        Ok(Outcome::Done)
    }
}
