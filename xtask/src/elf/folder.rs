//! A layer as a folder on this machine.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::archive::entry::{Content, Entry, Limits, Tally};

/// Shows every entry below `root`, sorted by path. Links are shown and not followed.
///
/// # Errors
/// A folder or file cannot be read, there is more than `limits` allow, or `visit` fails.
pub(super) fn each(root: &Path, limits: Limits, visit: &mut dyn FnMut(Entry<'_>) -> Result<()>) -> Result<()> {
    let mut tally = Tally::new(limits);
    let mut left = vec![String::new()];
    while let Some(path) = left.pop() {
        let real = root.join(&path);
        let failed = || format!("cannot read `{}`", real.display());
        if path.is_empty() {
            push_names(&real, &path, limits, &mut left).with_context(failed)?;
            continue;
        }
        let meta = fs::symlink_metadata(&real).with_context(failed)?;
        let kind = meta.file_type();
        tally.count(&path, if kind.is_file() { meta.len() } else { 0 })?;
        let mode = Some(meta.permissions().mode() & 0o7777);
        if kind.is_file() {
            // A file that grows while it is read is read as far as it was counted.
            let mut bytes = File::open(&real).with_context(failed)?.take(meta.len());
            visit(Entry { path, mode, content: Content::File { size: meta.len(), bytes: &mut bytes } })?;
        } else if kind.is_dir() {
            push_names(&real, &format!("{path}/"), limits, &mut left).with_context(failed)?;
            visit(Entry { path, mode, content: Content::Folder })?;
        } else if kind.is_symlink() {
            visit(Entry { path, mode, content: Content::Link })?;
        } else {
            visit(Entry { path, mode, content: Content::Special })?;
        }
    }
    Ok(())
}

/// Puts what a folder holds on the stack, last name first.
fn push_names(folder: &Path, prefix: &str, limits: Limits, left: &mut Vec<String>) -> Result<()> {
    let start = left.len();
    // One more than allowed is enough for the tally to say so.
    for entry in fs::read_dir(folder)?.take(limits.entries.saturating_add(1)) {
        let name = entry?.file_name();
        let name = name.to_str().with_context(|| format!("the name `{}` is not UTF-8", name.display()))?;
        left.push(format!("{prefix}{name}"));
    }
    left[start..].sort_unstable_by(|left, right| right.cmp(left));
    Ok(())
}
