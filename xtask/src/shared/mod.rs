//! The shared cache: built packages in an object store, so that what one machine compiled no other has to.
//!
//! ```text
//! packages/<key>.json              which archive holds the package of that key, sealed
//! archives/<sha256>.tar.gz         the package's files
//! ```
//!
//! # What is protected
//! The store is not trusted. A [`Seal`] ties the key of a package to the digest of its archive and of its files with a
//! secret that the machines share and the store does not have. Whoever can write to the store but lacks the secret can
//! remove entries, and then packages are compiled; they can bring back older entries of the same key, which were made
//! from the same inputs; anything else is detected before a byte is unpacked, and the package is compiled, with a
//! warning that names the entry. Reading the store tells what we build, which is no secret.
//!
//! # What is not
//! Whoever has the secret is trusted as much as the machine itself: tools from the cache run in build steps. A wrong
//! package that went into a zip still shows there, as a digest that is not the one in `layers/digests.toml`; one that
//! harms the building machine does not. A secret that was lost is replaced on all machines, which makes all entries void.

pub mod archive;
pub mod seal;
pub mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::compile::PackageCache;
use crate::model::Sha256;
use crate::pack::file::digest;
use crate::plan::{Key, Package};
use crate::source::Tree;
use crate::ui::Ui;

pub use seal::{Entry, Secret};
pub use store::{ObjectStore, Objects};

/// The most bytes an entry's description may have.
const ENTRY_LIMIT: u64 = 4096;

/// A shared cache.
pub struct SharedCache {
    objects: Box<dyn Objects>,
    secret: Secret,
}

/// What became of a wish for a package.
enum Pulled {
    /// It is in the cache of this machine now.
    Here,
    /// The store has none.
    Absent,
}

impl SharedCache {
    /// The cache in a store, whose entries are sealed with `secret`.
    pub fn new(objects: Box<dyn Objects>, secret: Secret) -> SharedCache {
        SharedCache { objects, secret }
    }

    /// Brings those of `packages` that the store has into `cache`. What is missing, wrong or out of reach is left to be
    /// compiled, and whatever is not simply missing is said. Returns the packages whose entries are no good.
    pub fn pull(&self, packages: &[&Package], cache: &PackageCache, ui: &Ui) -> BTreeSet<Key> {
        let mut rejected = BTreeSet::new();
        for package in packages.iter().filter(|package| package.pinned) {
            let label = package.label();
            let progress = ui.busy(&format!("{label}: looking into the shared cache"));
            let pulled = self.pull_one(package, cache, ui);
            drop(progress);
            match pulled {
                Ok(Pulled::Here) => ui.note(format!("  {label}: from the shared cache")),
                Ok(Pulled::Absent) => {}
                Err(error) => {
                    ui.warn(format!(
                        "{label} cannot be taken from the shared cache and is built ({}, `{}`): {error:#}",
                        self.objects.address(),
                        entry_name(package.key)
                    ));
                    rejected.insert(package.key);
                }
            }
        }
        rejected
    }

    /// Puts those of `packages` into the store that it lacks or of which it has a `rejected` entry. What cannot be put
    /// there is said.
    pub fn push<'p>(
        &self,
        packages: impl IntoIterator<Item = &'p Package>,
        ready: &BTreeMap<Key, PathBuf>,
        rejected: &BTreeSet<Key>,
        cache: &PackageCache,
        ui: &Ui,
    ) {
        if !self.objects.writable() {
            return;
        }
        for package in packages.into_iter().filter(|package| package.pinned) {
            let Some(files) = ready.get(&package.key) else { continue };
            let progress = ui.busy(&format!("{}: into the shared cache", package.label()));
            let replace = rejected.contains(&package.key);
            let pushed =
                if replace || !self.has(package.key, cache) { self.push_one(package, files, cache) } else { Ok(()) };
            drop(progress);
            if let Err(error) = pushed {
                ui.warn(format!(
                    "{} cannot be put into the shared cache ({}): {error:#}",
                    package.label(),
                    self.objects.address()
                ));
            }
        }
    }

    fn pull_one(&self, package: &Package, cache: &PackageCache, ui: &Ui) -> Result<Pulled> {
        let label = package.label();
        let _lock = cache.lock(package.key, &label, ui)?;
        if cache.has(package.key) {
            return Ok(Pulled::Here);
        }
        let work = cache.work(package.key)?;
        let Some(entry) = self.entry(package.key, work.path())? else { return Ok(Pulled::Absent) };
        let file = work.path().join("archive");
        if !self.objects.get(&entry.archive_name(), &file, entry.size)? {
            bail!("its archive `{}` is gone", entry.archive_name());
        }
        let (size, sha256) = digest(&file).with_context(|| format!("cannot read {}", file.display()))?;
        ensure!(
            (size, sha256) == (entry.size, entry.archive),
            "its archive has been changed: expected {}, got {sha256}",
            entry.archive
        );
        let out = work.path().join("out");
        archive::unpack(&file, entry.archive, &out)?;
        let tree = Tree::read(&out)?.digest();
        ensure!(tree == entry.tree, "its files are not what was built: expected {}, got {tree}", entry.tree);
        cache.land(package.key, &work, &out, work.path())?;
        Ok(Pulled::Here)
    }

    fn push_one(&self, package: &Package, files: &Path, cache: &PackageCache) -> Result<()> {
        let work = cache.work(package.key)?;
        let file = work.path().join("archive");
        archive::pack(files, &file)?;
        let (size, archive) = digest(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let entry = Entry { key: package.key, tree: Tree::read(files)?.digest(), archive, size };
        self.objects.put(&entry.archive_name(), &file)?;
        let description = work.path().join("entry");
        fs::write(&description, entry.sealed(&self.secret)?)
            .with_context(|| format!("cannot write {}", description.display()))?;
        // Last, so that an entry never names an archive that is not there yet.
        self.objects.put(&entry_name(package.key), &description)
    }

    /// Whether the store has a sound entry for a key. Whether its archive is sound is seen by whoever pulls it.
    fn has(&self, key: Key, cache: &PackageCache) -> bool {
        cache.work(key).is_ok_and(|work| matches!(self.entry(key, work.path()), Ok(Some(_))))
    }

    /// The entry of a key, if there is one; an error if it is not ours.
    fn entry(&self, key: Key, work: &Path) -> Result<Option<Entry>> {
        let file = work.join("entry");
        if !self.objects.get(&entry_name(key), &file, ENTRY_LIMIT)? {
            return Ok(None);
        }
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Entry::open(&text, key, &self.secret).map(Some)
    }
}

fn entry_name(key: Sha256) -> String {
    format!("packages/{key}.json")
}
