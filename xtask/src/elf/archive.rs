//! A layer as a zip.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};

use anyhow::{Context as _, Result, bail};
use zip::ZipArchive;

use super::entry::{Content, Entry, Limits, Tally};

/// What begins the record at a zip's end, which says how many entries there are.
const END_RECORD: &[u8] = b"PK\x05\x06";

/// Bytes of that record without the comment that follows it, which has at most 65,535.
const END_RECORD_SIZE: usize = 22;

/// Shows every entry of a zip, in the zip's order.
///
/// # Errors
/// It is not a zip or a damaged one, an entry's name leads out of the layer, there is more in it
/// than `limits` allow or than it says itself, or `visit` fails.
pub fn each(mut file: File, limits: Limits, visit: &mut dyn FnMut(Entry<'_>) -> Result<()>) -> Result<()> {
    refuse_huge_directory(&mut file)?;
    let mut archive = ZipArchive::new(file).context("it cannot be read as a zip")?;
    if archive.has_duplicate_names() {
        bail!("two entries have the same name, so that tools disagree on what is in it");
    }
    let mut tally = Tally::new(limits);
    let mut seen = BTreeSet::new();
    for index in 0..archive.len() {
        let (name, size) = {
            let entry = archive.by_index_data(index)?;
            let raw = entry.name_raw().escape_ascii().to_string();
            (entry.name().with_context(|| format!("the name of entry `{raw}`"))?.into_owned(), entry.size())
        };
        let path = safe_path(&name)?;
        if !seen.insert(path.clone()) {
            bail!("entry `{path}` is there twice, so that tools disagree on what is in it");
        }
        tally.count(&path, size)?;
        let failed = || format!("entry `{path}` cannot be unpacked");
        let mut entry = archive.by_index(index).with_context(failed)?;
        let mode = entry.unix_mode().map(|mode| mode & 0o7777);
        let is_file = entry.is_file();
        let content = if entry.is_symlink() {
            Content::Link
        } else if entry.is_dir() {
            Content::Folder
        } else {
            Content::File { size, bytes: &mut entry }
        };
        visit(Entry { path: path.clone(), mode, content })?;
        if is_file {
            // Checksum and size are only compared once everything has been read. The reader stops
            // by itself where there is more than the entry says it has.
            io::copy(&mut entry, &mut io::sink()).with_context(failed)?;
        }
    }
    Ok(())
}

/// The name without the slash that marks a folder.
fn safe_path(name: &str) -> Result<String> {
    let path = name.strip_suffix('/').unwrap_or(name);
    let shown = name.escape_debug();
    if path.starts_with('/') || path.contains('\\') {
        bail!("the entry name `{shown}` is absolute or not written with `/`");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        bail!("the entry name `{shown}` does not stay in the layer");
    }
    if path.chars().any(char::is_control) {
        bail!("the entry name `{shown}` has control characters in it");
    }
    Ok(path.to_owned())
}

/// Refuses a zip that claims more entries than fit into 16 bits, before anything allocates memory for them.
fn refuse_huge_directory(file: &mut File) -> Result<()> {
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub((END_RECORD_SIZE + usize::from(u16::MAX)) as u64)))?;
    let mut end = Vec::new();
    Read::take(&mut *file, (END_RECORD_SIZE + usize::from(u16::MAX)) as u64).read_to_end(&mut end)?;
    // Readers may take any of the records they find here, so each of them has to be harmless.
    for at in memchr::memmem::find_iter(&end, END_RECORD) {
        let Some(record) = end.get(at..at + END_RECORD_SIZE) else { continue };
        // Entries of this part, entries in all, bytes of the list: all ones mean "see the 64-bit record".
        if record[8..10] == [0xff; 2] || record[10..12] == [0xff; 2] {
            bail!("it has more than 65,534 entries, which is too many for a layer");
        }
    }
    file.rewind()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_layer_are_refused() {
        for name in
            ["../a", "a/../../b", "/etc/passwd", "a//b", "./a", "", "/", "..", "a\\b", "a\0b", "a/..", "a\x1b[2J"]
        {
            let error = safe_path(name).expect_err(name).to_string();
            assert!(error.contains(&*name.escape_debug().to_string()), "{error}");
        }
        assert_eq!(safe_path("lib/").expect("a folder"), "lib");
        assert_eq!(safe_path("lib/a..b").expect("a file"), "lib/a..b");
    }
}
