//! The commands: each is a struct of arguments that runs itself.

pub mod function;
pub mod instructions;
pub mod probe;
pub mod size;
pub mod start;

use std::path::Path;

use anyhow::{Context as _, Result};
use xtask::pack::landing::land_text;
use xtask::session::Session;

use crate::media::Media;

/// Writes a file of results, and says so.
fn write(session: &Session, folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    land_text(&path, text)?;
    session.ui.note(format!("wrote {}", path.display()));
    Ok(())
}

/// What a kind of file is called on the command line.
fn clap_name(media: Media) -> Result<String> {
    use clap::ValueEnum as _;
    let value = media.to_possible_value().context("a file without a name")?;
    Ok(value.get_name().to_owned())
}
