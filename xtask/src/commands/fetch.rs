//! `cargo xtask fetch`: downloads without building.

use anyhow::Result;
use clap::Args;

use super::Outcome;
use super::selection::Selection;
use super::sourcing::FetchArgs;
use crate::session::Session;

/// Download every archive that a layer is made from, so that it can then be built with --offline.
#[derive(Debug, Args)]
pub struct Fetch {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    fetch: FetchArgs,
}

impl Fetch {
    /// Brings the archives into the store and prints where each one is.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let sources = self.fetch.open(session)?;
        let plan = self.selection.plan(session, &sources)?;
        let packages: Vec<_> = plan.packages.iter().collect();
        for (sha256, file) in sources.fetch(&packages, &session.catalog)? {
            session.ui.data(&format!("{sha256}  {}\n", file.display()))?;
        }
        Ok(Outcome::Done)
    }
}
