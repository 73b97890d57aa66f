//! Tar files.

use std::io::Read;

use anyhow::{Context as _, bail};
use tar::EntryType;

use super::Limits;
use super::landing::Landing;
use super::members::Members;
use crate::archive::name::{Kind, shown};

/// Unpacks an uncompressed tar stream, and makes sure that it ends where the archive does.
pub(super) fn unpack(reader: impl Read, limits: Limits, landing: &mut Landing<'_>) -> anyhow::Result<()> {
    let mut members = Members::new(reader, limits);
    while let Some(member) = members.next()? {
        let shown = shown(&member.name);
        let kind = match member.kind {
            EntryType::Regular | EntryType::Continuous | EntryType::Link => Kind::File,
            EntryType::Symlink => Kind::Link,
            EntryType::Directory => Kind::Folder,
            EntryType::Char | EntryType::Block => bail!("entry `{shown}` is a device"),
            EntryType::Fifo => bail!("entry `{shown}` is a named pipe"),
            EntryType::GNUSparse => bail!("entry `{shown}` is a file with holes, which is not supported"),
            other => bail!("entry `{shown}` is of an unknown kind, {:?}", char::from(other.as_byte())),
        };
        let is_file = kind == Kind::File && member.kind != EntryType::Link;
        if !is_file && member.size > 0 {
            bail!("entry `{shown}` is no file and says that it has {} bytes", member.size);
        }
        if kind != Kind::Folder && member.name.ends_with(b"/") && member.name.iter().any(|byte| !b"./".contains(byte)) {
            bail!("entry `{shown}` is named like a folder but is none");
        }
        let Some(path) = landing.admit(&member.name, kind, member.size)? else { continue };
        match member.kind {
            EntryType::Symlink => landing.link(&path, &member.target)?,
            EntryType::Link => landing.hard_link(&path, &member.target)?,
            _ => {
                let mode = member.mode.with_context(|| format!("entry `{shown}` has no mode"))?;
                landing.file(&path, mode & 0o111 != 0, member.size, &mut members)?;
            }
        }
    }
    Ok(())
}
