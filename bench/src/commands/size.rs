//! `bench size`: how large downloads are.

use anyhow::Result;
use clap::Args;
use xtask::commands::{Outcome, json};
use xtask::pack::landing::check_landing;
use xtask::session::Session;

use super::write;
use crate::size;

/// How large downloads are.
#[derive(Debug, Args)]
pub struct SizeCommand {}

impl SizeCommand {
    /// Measures every download, and writes docs/benchmark/size.{json,md}.
    ///
    /// # Errors
    /// Where a peer cannot be fetched, or a layer is not in dist/.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let folder = session.docs.join("benchmark");
        ["size.json", "size.md"].iter().try_for_each(|name| check_landing(&folder.join(name)))?;
        let sizes = size::measure(&session.dist, &session.cache, &session.ui)?;
        let table = sizes.to_markdown()?;
        session.ui.data(&table)?;
        write(session, &folder, "size.json", &json(&sizes)?)?;
        write(session, &folder, "size.md", &table)?;
        Ok(Outcome::Done)
    }
}
