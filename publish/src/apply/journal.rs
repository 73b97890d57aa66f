//! Requests that were begun and not finished. Each request that makes a version has a file here until its answer comes.
//!
//! A file that exists at the start belongs to a run that was killed. The time of its last change is when the request
//! was last alive.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use xtask::model::Sha256;
use xtask::ui::Ui;

use crate::model::Region;
use crate::order::Order;

/// The journal of this machine, locked for one run.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    /// Free again when this is closed, however the process ends.
    _lock: File,
}

/// A request that is on its way.
#[derive(Debug)]
pub struct Entry {
    file: File,
}

impl Journal {
    /// Opens the journal below `cache`, and waits for another run that has it.
    ///
    /// # Errors
    /// If the folder cannot be made or locked.
    pub fn open(cache: &Path, ui: &Ui) -> Result<Journal> {
        let folder = cache.join("publish");
        let said = || format!("cannot keep a journal in {}", folder.display());
        fs::create_dir_all(&folder).with_context(said)?;
        let lock = File::create(folder.join("lock")).with_context(said)?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let _progress = ui.busy("waiting for another run of publish");
                lock.lock().with_context(said)?;
            }
            other => other.map_err(std::io::Error::from).with_context(said)?,
        }
        Ok(Journal { folder, _lock: lock })
    }

    /// Notes that a version of `order` is about to be made.
    ///
    /// # Errors
    /// If the file cannot be written: then nothing must be sent.
    pub fn begin(&self, region: &Region, order: &Order) -> Result<Entry> {
        let path = self.path(region, order);
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Entry { file })
    }

    /// Notes that it is known what came of it.
    pub fn forget(&self, region: &Region, order: &Order) {
        // One that stays only makes the next run wait a moment.
        let _ = fs::remove_file(self.path(region, order));
    }

    /// How long what a killed run sent may still turn up; nothing if there was no such run.
    pub fn unsettled(&self, region: &Region, order: &Order, settle: Duration) -> Option<Duration> {
        let touched = fs::metadata(self.path(region, order)).ok()?.modified().ok()?;
        // A clock that was set back must not make us wait for hours.
        let age = SystemTime::now().duration_since(touched).unwrap_or_default();
        Some(settle.saturating_sub(age))
    }

    fn path(&self, region: &Region, order: &Order) -> PathBuf {
        let name = format!("{:?} {} {} {}", region.partition, region.name, order.name, order.sha256);
        self.folder.join(Sha256::of(name).to_string())
    }
}

impl Entry {
    /// Notes that the request is alive.
    pub fn beat(&self) {
        // Without it the next run might look a moment too short; nothing else depends on it.
        let _ = self.file.set_modified(SystemTime::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Partition;
    use crate::order::tests::order;

    fn region() -> Region {
        Region {
            name: "us-east-1".to_owned(),
            partition: Partition::Aws,
            title: String::new(),
            opt_in: false,
            endpoint: None,
        }
    }

    #[test]
    fn what_was_begun_is_known_until_it_is_finished() {
        let cache = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(cache.path(), &Ui::silent()).expect("opened");
        let order = order(PathBuf::new(), b"zip");
        let settle = Duration::from_secs(10);
        assert_eq!(journal.unsettled(&region(), &order, settle), None);
        let entry = journal.begin(&region(), &order).expect("begun");
        entry.beat();
        let rest = journal.unsettled(&region(), &order, settle).expect("unsettled");
        assert!(rest > Duration::from_secs(5) && rest <= settle, "{rest:?}");
        entry.file.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("older");
        assert_eq!(journal.unsettled(&region(), &order, settle), Some(Duration::ZERO));
        journal.forget(&region(), &order);
        assert_eq!(journal.unsettled(&region(), &order, settle), None);
    }
}
