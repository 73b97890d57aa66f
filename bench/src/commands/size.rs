//! `bench size`: how large downloads are.

use anyhow::Result;
use clap::Args;
use xtask::commands::{Outcome, json};
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
        let sizes = size::measure(&session.dist, &session.cache, &session.ui)?;
        let table = sizes.to_markdown()?;
        session.ui.data(&table)?;
        let folder = session.docs.join("benchmark");
        write(session, &folder, "size.json", &json(&sizes)?)?;
        write(session, &folder, "size.md", &table)?;
        Ok(Outcome::Done)
    }
}
