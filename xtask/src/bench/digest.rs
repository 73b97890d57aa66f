//! Digests of files that are too large to read at once.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::Digest as _;

use crate::model::Sha256;

/// The digest and the size of a file.
pub fn of_file(path: &Path) -> Result<(Sha256, u64)> {
    let read = || -> std::io::Result<(Sha256, u64)> {
        let (mut file, mut hasher) = (File::open(path)?, sha2::Sha256::new());
        let (mut buffer, mut size) = (vec![0; 1 << 20], 0);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok((Sha256::from_bytes(hasher.finalize().into()), size)),
                count => {
                    hasher.update(&buffer[..count]);
                    size += count as u64;
                }
            }
        }
    };
    read().with_context(|| format!("cannot read `{}`", path.display()))
}
