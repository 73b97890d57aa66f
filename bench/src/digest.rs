//! Digests of files that are too large to read at once.

use std::path::Path;

use anyhow::{Context as _, Result};
use xtask::model::Sha256;
use xtask::pack::file;

/// The digest and the size of a file.
pub fn of_file(path: &Path) -> Result<(Sha256, u64)> {
    let (size, sha256) = file::digest(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok((sha256, size))
}
