//! `cargo xtask index`: the list of published layers, for people.

use anyhow::Result;
use clap::Args;
use xtask::commands::Outcome;
use xtask::error::invalid;
use xtask::pack::landing::land_text;
use xtask::session::Session;

use crate::index::published::{FILE, Index};
use crate::index::{markdown, page};
use crate::model::Regions;

/// Render layers/published.json as docs/layers.md and as one web page, docs/layers.html.
#[derive(Debug, Args)]
pub struct IndexCommand {
    /// Write nothing, and exit with 1 if the files are not what would be written.
    #[arg(long)]
    check: bool,
}

impl IndexCommand {
    /// Writes the two files, or compares them.
    ///
    /// # Errors
    /// If nothing has been published, or a file cannot be read or written.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let root = &session.catalog.root;
        let index = Index::load(root)?;
        if index.entries().is_empty() {
            return Err(invalid(format!("nothing has been published: {FILE} holds nothing")));
        }
        let regions = Regions::load(root)?;
        let mut outcome = Outcome::Done;
        for (name, text) in
            [("layers.md", markdown::render(&index, &regions)), ("layers.html", page::render(&index, &regions))]
        {
            let path = session.docs.join(name);
            if !self.check {
                land_text(&path, &text)?;
                session.ui.note(format!("wrote {}", path.display()));
            } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
                session.ui.data(&format!("{} does not match {FILE}: run `cargo xtask index`\n", path.display()))?;
                outcome = Outcome::Findings;
            }
        }
        Ok(outcome)
    }
}
