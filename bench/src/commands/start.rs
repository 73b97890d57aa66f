//! `bench start`: what a program wants of the disk before it sends its first byte.

use anyhow::{Context as _, Result};
use clap::Args;
use xtask::commands::{Outcome, json};
use xtask::model::Arch;
use xtask::pack::landing::check_landing;
use xtask::session::Session;

use super::write;
use crate::start;

/// How many pages our programs touch, and how many relocations they need, before they send their first byte (as root).
///
/// Each program starts from a small disk of its own with nothing in memory and nothing read ahead, so the numbers do not
/// depend on the machine. Needs layers in dist/ and e2fsprogs. Writes docs/benchmark/start.{json,md}.
#[derive(Debug, Args)]
pub struct Start {}

impl Start {
    /// Measures, and writes what was found.
    ///
    /// # Errors
    /// Where a layer or a program of the machine is missing, or the machine allows no disk of our own.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let arch = Arch::of_this_machine().context("starts are measured on x86_64 and arm64 only")?;
        let folder = session.docs.join("benchmark");
        ["start.json", "start.md"].iter().try_for_each(|name| check_landing(&folder.join(name)))?;
        let starts = start::measure(&session.dist, arch, "cargo xtask bench start".to_owned(), &session.ui)?;
        let table = starts.to_markdown()?;
        session.ui.data(&table)?;
        write(session, &folder, "start.json", &json(&starts)?)?;
        write(session, &folder, "start.md", &table)?;
        Ok(Outcome::Done)
    }
}
