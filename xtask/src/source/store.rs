//! The store: archives by their digest, shared by every run on this machine.
//!
//! `archives/<first two digits>/<sha256>` holds whole, verified archives; a file gets there only by being
//! renamed. `partial/<sha256>.<place>` holds what has come so far. Whoever writes holds the lock on
//! `partial/<sha256>.lock`, which the kernel releases when its process ends, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::disk::DiskError;
use super::tree::hash_file;
use crate::model::Sha256;
use crate::model::recipe::Archive;
use crate::ui::Ui;

/// A store in a cache folder.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// The right to write one archive. Released when dropped, and by the end of the process.
#[derive(Debug)]
pub struct WriteLock<'a> {
    store: &'a Store,
    sha256: Sha256,
    lock: PathBuf,
    _file: File,
}

impl Store {
    /// The store in the folder `cache`. Nothing is created before something is stored.
    pub fn new(cache: impl Into<PathBuf>) -> Store {
        Store { root: cache.into() }
    }

    /// Where the archive of that digest is, if it is there.
    pub fn path(&self, sha256: &Sha256) -> PathBuf {
        let name = sha256.to_string();
        self.root.join("archives").join(&name[..2]).join(name)
    }

    /// Whether a file of the right name and size is there. Quick: its bytes are looked at when it is used.
    pub fn has(&self, archive: &Archive) -> bool {
        fs::metadata(self.path(&archive.sha256)).is_ok_and(|metadata| archive.may_have(metadata.len()))
    }

    /// The archive, hashed again; `None` if it is not there or its bytes have changed since.
    pub fn get(&self, archive: &Archive) -> anyhow::Result<Option<PathBuf>> {
        let path = self.path(&archive.sha256);
        match hash_file(&path) {
            Ok(actual) => Ok((actual == archive.sha256).then_some(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
        }
    }

    /// Waits for the right to write the archive of that digest, and says so after a while. `what` names it.
    pub fn claim(&self, sha256: Sha256, what: &str, ui: &Ui) -> anyhow::Result<WriteLock<'_>> {
        let folder = self.partial_folder()?;
        let lock = folder.join(format!("{sha256}.lock"));
        let cannot_lock = || format!("cannot lock `{}`", lock.display());
        let began = Instant::now();
        let mut waiting = None;
        loop {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&lock);
            let file = file.map_err(|error| DiskError::writing(&lock, 0, error))?;
            match file.try_lock() {
                // The file may have been removed by the one that held the lock before.
                Ok(()) if is_at(&file, &lock) => return Ok(WriteLock { store: self, sha256, lock, _file: file }),
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error).with_context(cannot_lock),
            }
            if waiting.is_none() && began.elapsed() > Duration::from_secs(2) {
                waiting = Some(ui.busy(&format!("waiting for another download of `{what}`")));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Where files are while they come.
    pub(super) fn partial_folder(&self) -> Result<PathBuf, DiskError> {
        let folder = self.root.join("partial");
        fs::create_dir_all(&folder).map_err(|error| DiskError::writing(&folder, 0, error))?;
        Ok(folder)
    }
}

impl WriteLock<'_> {
    /// The file for what comes from `place`. What an earlier run left there goes on from where it broke.
    pub fn partial(&self, place: &str) -> PathBuf {
        let name = format!("{}.{}", self.sha256, Sha256::of(place).short());
        self.lock.with_file_name(name)
    }

    /// Makes a whole, verified file the archive, and removes what came from other places.
    pub fn land(&self, file: &Path) -> Result<PathBuf, DiskError> {
        let path = self.store.path(&self.sha256);
        let disk = |error| DiskError::writing(&path, 0, error);
        let folder = path.parent().unwrap_or(&self.store.root);
        fs::create_dir_all(folder).map_err(disk)?;
        // Without this, a power cut could leave a file of the right name and without its bytes.
        File::open(file).and_then(|opened| opened.sync_all()).map_err(disk)?;
        fs::rename(file, &path).map_err(disk)?;
        File::open(folder).and_then(|opened| opened.sync_all()).map_err(disk)?;
        self.remove_partials();
        Ok(path)
    }

    /// Removes the archive, as its bytes are not what its name says.
    pub fn discard(&self) -> Result<(), DiskError> {
        let path = self.store.path(&self.sha256);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DiskError::writing(&path, 0, error)),
            _ => Ok(()),
        }
    }

    /// What cannot be removed here only takes room.
    fn remove_partials(&self) {
        let prefix = format!("{}.", self.sha256);
        let Some(entries) = self.lock.parent().and_then(|folder| fs::read_dir(folder).ok()) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let ours = name.to_str().is_some_and(|name| name.starts_with(&prefix) && !name.ends_with(".lock"));
            if ours {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for WriteLock<'_> {
    fn drop(&mut self) {
        // The next one to claim makes a new file, and notices if it had opened this one.
        let _ = fs::remove_file(&self.lock);
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(opened), Ok(there)) => opened.ino() == there.ino() && opened.dev() == there.dev(),
        _ => false,
    }
}
