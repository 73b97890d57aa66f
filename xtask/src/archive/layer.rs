//! A layer as a zip: read strictly, so that a zip is accepted only if every unpacker unpacks the same from it.

use std::fs::File;
use std::io;

use anyhow::{Context as _, Result, bail, ensure};

use super::entry::{Content, Entry, Limits, Tally};
use super::name::{Kind, Names, Room};
use super::zip::Zip;

/// Bytes of all names of a layer. No layer comes near; a path has at most 1,024.
const MOST_NAME_BYTES: usize = 16 << 20;

/// Shows every entry of a zip, in the zip's order.
///
/// # Errors
/// It is not a zip or a damaged one, tools could disagree on what is in it, an entry's name leads out of the layer,
/// there is more in it than `limits` allow or than it says itself, or `visit` fails.
pub fn each(file: File, limits: Limits, visit: &mut dyn FnMut(Entry<'_>) -> Result<()>) -> Result<()> {
    let zip = Zip::open(file).context("it cannot be read as a zip")?;
    ensure!(!zip.has_comment(), "it has a comment, in which anything may hide");
    let mut tally = Tally::new(limits);
    let mut names = Names::new(Room { names: limits.entries.saturating_mul(2), bytes: MOST_NAME_BYTES });
    for entry in zip.entries() {
        let path = &entry.path;
        let is_plain = entry.name.strip_suffix('/').unwrap_or(&entry.name) == path;
        ensure!(is_plain, "entry `{}` is not written as the plain path `{path}`", entry.name);
        if let Err(why) = names.add(path, entry.kind) {
            bail!("entry `{path}` {why}, so that tools disagree on what is in it");
        }
        tally.count(path, entry.size)?;
    }
    for entry in zip.entries() {
        let failed = || format!("entry `{}` cannot be unpacked", entry.path);
        let (path, mode, mut bytes) = (entry.path.clone(), entry.mode, zip.read(entry));
        let content = match entry.kind {
            Kind::Folder => Content::Folder,
            Kind::Link => Content::Link,
            Kind::Special => Content::Special,
            Kind::File => Content::File { size: entry.size, bytes: &mut bytes },
        };
        visit(Entry { path, mode, content })?;
        // Checksum and size are only known once everything has been read.
        io::copy(&mut bytes, &mut io::sink()).with_context(failed)?;
    }
    Ok(())
}
