//! Files out of memory, so that the next program that wants them waits for the disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::{Advice, fadvise};

/// Every file below these paths, which may be files themselves.
pub fn files_below(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut rest = paths.to_vec();
    while let Some(path) = rest.pop() {
        let unreadable = || format!("cannot read `{}`", path.display());
        if path.is_dir() {
            for entry in fs::read_dir(&path).with_context(unreadable)? {
                rest.push(entry.with_context(unreadable)?.path());
            }
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Has these files written to the disk, as the kernel cannot forget what is not there yet. On some disks that takes ten
/// milliseconds for each file.
pub fn settle(files: &[PathBuf]) -> Result<()> {
    let settle = |path: &Path| File::open(path)?.sync_all();
    files.iter().try_for_each(|path| settle(path).with_context(|| format!("cannot write `{}`", path.display())))
}

/// Has the kernel forget what it has of these files in memory. It keeps what a running program has mapped, and what has not
/// been written yet ([`settle`]).
pub fn forget(files: &[PathBuf]) -> Result<()> {
    let forget = |path: &Path| -> io::Result<()> { Ok(fadvise(File::open(path)?, 0, None, Advice::DontNeed)?) };
    files.iter().try_for_each(|path| forget(path).with_context(|| format!("cannot drop `{}`", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_files_in_folders_and_by_themselves() {
        let folder = tempfile::tempdir().expect("a folder");
        let (inner, alone) = (folder.path().join("inner"), folder.path().join("alone"));
        fs::create_dir(&inner).expect("a folder");
        fs::write(inner.join("file"), "text").expect("written");
        fs::write(&alone, "text").expect("written");
        let found = files_below(&[inner.clone(), alone.clone()]).expect("readable");
        assert_eq!(found, [alone, inner.join("file")]);
        settle(&found).expect("written");
        forget(&found).expect("forgotten");
        assert!(files_below(&[folder.path().join("missing")]).is_ok_and(|files| forget(&files).is_err()));
    }
}
