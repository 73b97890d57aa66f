//! The commands: each is a struct of arguments that runs itself.

pub mod instructions;
pub mod probe;
pub mod size;

use std::path::Path;

use anyhow::Result;
use xtask::pack::landing::land_text;
use xtask::session::Session;

/// Writes a file of results, and says so.
fn write(session: &Session, folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    land_text(&path, text)?;
    session.ui.note(format!("wrote {}", path.display()));
    Ok(())
}
