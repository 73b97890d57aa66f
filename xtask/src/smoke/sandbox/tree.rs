//! Copying files into a root.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Copies a file and its mode, with the folders above it. Links are followed: the copy is a file.
///
/// Never a hard link: what runs in the root could write through it.
pub fn copy_file(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copy = || -> io::Result<u64> {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(from, to)
    };
    copy().map(drop).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// Copies what is in a folder, as far as `wanted` likes its path.
pub fn copy_tree(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool) -> anyhow::Result<()> {
    let cannot_read = || format!("cannot read {}", from.display());
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(cannot_read)? {
        let entry = entry.with_context(cannot_read)?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if !wanted(&source) {
            continue;
        }
        let kind = entry.file_type().with_context(cannot_read)?;
        if kind.is_dir() {
            copy_tree(&source, &copy, wanted)?;
        } else if source.is_file() {
            copy_file(&source, &copy)?;
        }
    }
    Ok(())
}

/// All paths below a folder, relative to it, leaving out what is below `except`.
pub fn listing(folder: &Path, except: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let (mut found, mut todo) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(current) = todo.pop() {
        let cannot_read = || format!("cannot read {}", current.display());
        for entry in fs::read_dir(&current).with_context(cannot_read)? {
            let entry = entry.with_context(cannot_read)?;
            let path = entry.path();
            if entry.file_type().with_context(cannot_read)?.is_dir() && path != except {
                todo.push(path.clone());
            }
            found.insert(path.strip_prefix(folder).unwrap_or(&path).to_owned());
        }
    }
    Ok(found)
}

/// Writes a small file, with the folders above it.
pub fn write(to: &Path, content: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(to, content)
    };
    write().with_context(|| format!("cannot write {}", to.display()))
}
