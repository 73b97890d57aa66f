//! Zip files.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};

use anyhow::{Context as _, bail};
use zip::ZipArchive;

use super::landing::Landing;
use super::name::Kind;

/// The end record of a zip file without comment: its length and what it begins with.
const END_LENGTH: u64 = 22;
const END_MAGIC: &[u8] = b"PK\x05\x06";

/// Unix file types, in the upper half of an entry's attributes.
const TYPE_MASK: u32 = 0o170_000;
const TYPE_LINK: u32 = 0o120_000;
const TYPE_FILE: u32 = 0o100_000;
const TYPE_FOLDER: u32 = 0o040_000;

/// A link's target is a path, so more than this is none.
const LONGEST_TARGET: u64 = 4096;

/// Unpacks a zip file of which every byte belongs to it.
pub(super) fn unpack(mut file: File, landing: &mut Landing<'_>) -> anyhow::Result<()> {
    let length = file.seek(SeekFrom::End(0)).context("it cannot be read")?;
    let mut archive = ZipArchive::new(BufReader::new(file)).context("it is not a whole zip file")?;
    if archive.has_duplicate_names() {
        bail!("two of its entries have the same name");
    }
    if archive.offset() != 0 {
        bail!("there is something in front of its first entry");
    }
    archive.validate_header_consistency().context("its two lists of entries differ")?;
    if archive.has_overlapping_entries().context("its entries cannot be read")? {
        bail!("two of its entries share bytes");
    }
    let comment = archive.comment().len() as u64;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).with_context(|| format!("entry {index} cannot be read"))?;
        let raw = entry.name_raw().to_vec();
        let shown = String::from_utf8_lossy(&raw).into_owned();
        if raw.contains(&b'\\') {
            bail!("entry `{shown}` has a backslash in its name");
        }
        let mode = entry.unix_mode().unwrap_or(0);
        let kind = match mode & TYPE_MASK {
            _ if raw.ends_with(b"/") => Kind::Folder,
            TYPE_FOLDER => bail!("entry `{shown}` is a folder but not named like one"),
            TYPE_LINK => Kind::Link,
            0 | TYPE_FILE => Kind::File,
            _ => bail!("entry `{shown}` is neither a file, a folder nor a link"),
        };
        let size = entry.size();
        let Some(path) = landing.admit(&raw, kind, size)? else { continue };
        if kind == Kind::Link {
            let mut target = Vec::new();
            let read = (&mut entry).take(LONGEST_TARGET).read_to_end(&mut target);
            read.with_context(|| format!("entry `{path}` cannot be read"))?;
            landing.link(&path, &target)?;
        } else {
            landing.file(&path, mode & 0o111 != 0, size, &mut entry)?;
        }
    }
    let mut file = archive.into_inner();
    let end = length.saturating_sub(END_LENGTH + comment);
    let mut magic = [0; 4];
    file.seek(SeekFrom::Start(end)).and_then(|_| file.read_exact(&mut magic)).context("it cannot be read")?;
    if magic != END_MAGIC {
        bail!("there is something behind its end");
    }
    Ok(())
}
