//! Folders for temporary files that nobody has to tidy up after: they go when they are dropped, when the tool is killed,
//! or with the next run if the whole machine went down.
//!
//! The one who uses such a folder holds a lock on it, which the kernel takes back when the process ends. A folder whose
//! lock is free belongs to nobody.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::guarded::Guarded;
use crate::files::is_at;

/// How names begin. Folders of older versions of this tool began otherwise, and were not locked.
const PREFIX: &str = "media-layers.";

/// A folder for temporary files.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    _lock: File,
    _guarded: Guarded,
}

impl TemporaryFolder {
    /// Makes one whose name begins with `media-layers.` and this.
    ///
    /// # Errors
    /// Where the folder for temporary files cannot be written to.
    pub fn new(what: &str) -> io::Result<TemporaryFolder> {
        TemporaryFolder::new_in(&std::env::temp_dir(), what)
    }

    /// Makes one in `parent`, and removes those that killed runs have left there.
    ///
    /// # Errors
    /// Where that folder cannot be written to.
    pub fn beside(parent: &Path, what: &str) -> io::Result<TemporaryFolder> {
        sweep(parent);
        TemporaryFolder::new_in(parent, what)
    }

    fn new_in(parent: &Path, what: &str) -> io::Result<TemporaryFolder> {
        loop {
            let folder = tempfile::Builder::new().prefix(&format!("{PREFIX}{what}.")).tempdir_in(parent)?;
            let guarded = Guarded::folder(folder.path());
            // Until it is locked, another run may take it for one that nobody uses.
            let lock = match File::open(folder.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            lock.lock()?;
            if is_at(&lock, folder.path()) {
                return Ok(TemporaryFolder { folder, _lock: lock, _guarded: guarded });
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves it, under a name that no later run takes for its own, for the user to look into.
    ///
    /// # Errors
    /// Where it cannot be renamed.
    pub fn keep(self) -> io::Result<PathBuf> {
        let name = self.path().file_name().unwrap_or_default().to_string_lossy().replacen(PREFIX, "media-layers-", 1);
        let kept = self.path().with_file_name(name);
        fs::rename(self.path(), &kept)?;
        // It is no longer where it was, so there is nothing to remove.
        let _ = self.folder.keep();
        Ok(kept)
    }
}

/// Removes the folders in `parent` that belonged to runs which were killed.
pub(super) fn sweep(parent: &Path) {
    let user = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        // Anybody can put a link or a folder of that name there.
        if !entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == user) {
            continue;
        }
        let path = entry.path();
        if let Ok(lock) = File::open(&path)
            && lock.try_lock().is_ok()
        {
            // What cannot be removed now can be later.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_uses_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().expect("a folder");
        let used = TemporaryFolder::new_in(parent.path(), "test").expect("a folder");
        let kept = TemporaryFolder::new_in(parent.path(), "test").expect("a folder").keep().expect("kept");
        let [left, other, outside] =
            ["media-layers.smoke.abc", "other", "outside"].map(|name| parent.path().join(name));
        for folder in [&left, &other, &outside] {
            fs::create_dir_all(folder.join("deep")).expect("a folder");
        }
        let [link, file] = ["media-layers.link", "media-layers.file"].map(|name| parent.path().join(name));
        std::os::unix::fs::symlink(&outside, &link).expect("a link");
        fs::write(&file, "").expect("a file");
        sweep(parent.path());
        assert!(!left.exists());
        for path in [used.path(), &kept, &other.join("deep"), &outside.join("deep"), &link, &file] {
            assert!(path.exists(), "{}", path.display());
        }
        let path = used.path().to_owned();
        drop(used);
        assert!(!path.exists());
    }

    #[test]
    fn runs_that_sweep_take_nothing_from_those_that_begin() {
        let parent = tempfile::tempdir().expect("a folder");
        std::thread::scope(|scope| {
            let working = scope.spawn(|| {
                for _ in 0..200 {
                    let folder = TemporaryFolder::new_in(parent.path(), "test").expect("a folder");
                    fs::write(folder.path().join("file"), "").expect("the folder is there");
                }
            });
            while !working.is_finished() {
                sweep(parent.path());
            }
        });
        assert_eq!(fs::read_dir(parent.path()).expect("a folder").count(), 0);
    }
}
