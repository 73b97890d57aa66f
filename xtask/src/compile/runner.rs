//! Who runs a program of a build step: this machine, a container, or a test.

use std::fs::File;

use anyhow::{Context as _, Result, bail};

use crate::process::Isolated;

/// Runs programs for build steps. Steps other than programs are the same everywhere.
pub trait Runner: Sync {
    /// Runs one program to its end, its output in `log`; an error unless it succeeds.
    fn run(&self, program: &Isolated<'_>, log: &File) -> Result<()>;
}

/// Runs programs directly on this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostRunner;

impl Runner for HostRunner {
    fn run(&self, program: &Isolated<'_>, log: &File) -> Result<()> {
        let name = program.argv.first().map(String::as_str).unwrap_or_default();
        let status = program.run(log).with_context(|| format!("cannot start `{name}`"))?;
        if !status.success() {
            bail!("`{name}` ended with {status}");
        }
        Ok(())
    }
}
