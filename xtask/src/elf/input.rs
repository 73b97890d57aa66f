//! What the audit is given: a file, a folder or a zip.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

/// What was given to the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// One ELF file, without the layer around it.
    File,
    /// A folder with a layer's files.
    Folder,
    /// A layer's zip.
    Zip,
}

impl Input {
    /// What is at `path`, by what it is and by its first bytes; its name does not count.
    pub(super) fn of(path: &Path) -> Result<Input> {
        let meta = fs::metadata(path)?;
        if meta.is_dir() {
            return Ok(Input::Folder);
        }
        if !meta.is_file() {
            bail!("it is neither a file nor a folder");
        }
        let mut magic = Vec::new();
        File::open(path)?.take(4).read_to_end(&mut magic)?;
        match magic.as_slice() {
            b"\x7fELF" => Ok(Input::File),
            // An entry, or the end of a zip without any.
            b"PK\x03\x04" | b"PK\x05\x06" => Ok(Input::Zip),
            _ => bail!("it is neither an ELF file nor a zip"),
        }
    }
}
