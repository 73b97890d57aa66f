//! Zip files.

use std::fs::File;
use std::io::Read as _;

use anyhow::{Context as _, bail};

use super::landing::Landing;
use crate::archive::name::Kind;
use crate::archive::zip::Zip;

/// Unpacks a zip file of which every byte belongs to it.
pub(super) fn unpack(file: File, landing: &mut Landing<'_>) -> anyhow::Result<()> {
    let zip = Zip::open(file)?;
    for entry in zip.entries() {
        if entry.kind == Kind::Special {
            bail!("entry `{}` is neither a file, a folder nor a link", entry.path);
        }
        let wanted = landing.admit(entry.path.as_bytes(), entry.kind, entry.size)?;
        let mut bytes = zip.read(entry);
        match wanted {
            Some(path) if entry.kind == Kind::Link => {
                let mut target = Vec::new();
                // What a link may say is short: the zip has seen to that.
                bytes.read_to_end(&mut target).with_context(|| format!("entry `{path}` cannot be read"))?;
                landing.link(&path, &target)?;
            }
            Some(path) => {
                let executable = entry.mode.is_some_and(|mode| mode & 0o111 != 0);
                landing.file(&path, executable, entry.size, &mut bytes)?;
            }
            None => {}
        }
    }
    Ok(())
}
