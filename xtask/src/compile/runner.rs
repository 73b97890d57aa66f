//! Who runs the programs of build steps: this machine, a container, or a test.

use std::fs::File;

use anyhow::{Context as _, Result, bail};

use super::places::Places;
use crate::process::Isolated;

/// Runs programs for build steps. Steps other than programs are the same everywhere.
pub trait Runner: Sync {
    /// Opens a room for the programs of one package.
    fn open(&self, places: &Places) -> Result<Box<dyn Room + '_>>;
}

/// Where the programs of one package run.
pub trait Room {
    /// The package's places as the programs in it see them.
    fn places(&self) -> &Places;

    /// Runs one program to its end, its output in `log`; an error unless it succeeds.
    fn run(&mut self, program: &Isolated<'_>, log: &File) -> Result<()>;

    /// Ends what goes on in it, and hands what was made to the caller.
    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// Runs programs directly on this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostRunner;

impl Runner for HostRunner {
    fn open(&self, places: &Places) -> Result<Box<dyn Room + '_>> {
        Ok(Box::new(HostRoom(places.clone())))
    }
}

/// This machine.
#[derive(Debug)]
struct HostRoom(Places);

impl Room for HostRoom {
    fn places(&self) -> &Places {
        &self.0
    }

    fn run(&mut self, program: &Isolated<'_>, log: &File) -> Result<()> {
        let name = program.argv.first().map(String::as_str).unwrap_or_default();
        let status = program.run(log).with_context(|| format!("cannot start `{name}`"))?;
        if !status.success() {
            bail!("`{name}` ended with {status}");
        }
        Ok(())
    }
}
