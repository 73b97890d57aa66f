//! The cache of built packages, below the user's cache folder and outside the checkout.
//!
//! ```text
//! packages/<key>/files/…      what the package left
//! packages/<key>/tree         the digest of files/, checked at every use
//! work/<key>.<random>/        a build going on; whoever finds one without an owner removes it
//! locks/<key>                 held while a package is being built
//! users                       held by whoever uses the cache, so that nobody cleans it meanwhile
//! logs/<package>.log          the last build's output
//! toolchain/<key>/            the compiler's own cache
//! ```
//!
//! A package exists when its folder does: one rename puts it there. A killed build
//! leaves its files in `work/`, where nothing uses them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};

use crate::error::invalid;
use crate::files;
use crate::model::Sha256;
use crate::plan::Key;
use crate::process::guard::Guarded;
use crate::source::Tree;
use crate::ui::Ui;

/// Built packages by key.
#[derive(Debug)]
pub struct PackageCache {
    root: PathBuf,
    /// Shared by all who use the cache; `clean` wants it alone.
    _users: File,
}

/// A build going on; its folder goes when it is dropped.
#[derive(Debug)]
pub struct Work {
    folder: tempfile::TempDir,
    _guarded: Guarded,
    /// Held for as long as the folder is in use, so that others can tell it from a leftover.
    _owner: File,
}

impl PackageCache {
    /// The cache below `root`, which is made if it is not there.
    pub fn open(root: &Path) -> Result<PackageCache> {
        let text = root.to_str().unwrap_or_default();
        // Compilers and their build systems split at spaces and read quotes, so such a path cannot work.
        if !text.starts_with('/')
            || text.contains(|c: char| c.is_whitespace() || "\"'\\$`,;:=#&|<>*?()[]{}".contains(c))
        {
            return Err(invalid(format!(
                "the cache folder `{}` cannot be used: build systems cannot work with its name\n\nhint: name an absolute path of plain letters with `--cache-dir` or MEDIA_LAYERS_CACHE",
                root.display()
            )));
        }
        for folder in ["packages", "work", "locks", "logs", "toolchain"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make the cache folder {}", folder.display()))?;
        }
        let users = open_users(root)?;
        users.lock_shared().with_context(|| format!("cannot lock the cache {}", root.display()))?;
        let cache = PackageCache { root: root.to_owned(), _users: users };
        let _making = cache.making()?;
        cache.remove_leftovers();
        Ok(cache)
    }

    /// Keeps everybody else from using the cache below `root` until the returned file is dropped; an
    /// error if somebody does already.
    pub fn claim(root: &Path) -> Result<File> {
        let users = open_users(root)?;
        users.try_lock().map_err(|_| {
            anyhow!("the cache {} is being used by another run\n\nhint: try again when that has ended", root.display())
        })?;
        Ok(users)
    }

    /// The folder of the cache.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the files of a package are, if it is there and they are what was built. A package
    /// that was changed since is thrown away, with a warning.
    pub fn find(&self, key: Key, label: &str, ui: &Ui) -> Result<Option<PathBuf>> {
        let package = self.package(key);
        let files = package.join("files");
        if !package.is_dir() {
            return Ok(None);
        }
        let recorded =
            fs::read_to_string(package.join("tree")).ok().and_then(|text| text.trim().parse::<Sha256>().ok());
        let actual = Tree::read(&files).ok().map(|tree| tree.digest());
        if recorded.is_some() && recorded == actual {
            return Ok(Some(files));
        }
        ui.warn(format!(
            "the cached {label} is not what was built; it is removed and built again ({})",
            package.display()
        ));
        fs::remove_dir_all(&package).with_context(|| format!("cannot remove {}", package.display()))?;
        Ok(None)
    }

    /// Whether a package is there, without looking into it.
    pub fn has(&self, key: Key) -> bool {
        self.package(key).is_dir()
    }

    /// Waits until nobody else builds this package; the lock ends with the returned file.
    pub fn lock(&self, key: Key, label: &str, ui: &Ui) -> Result<File> {
        let path = self.root.join("locks").join(key.to_string());
        let file = File::create(&path).with_context(|| format!("cannot make the lock {}", path.display()))?;
        if file.try_lock().is_err() {
            let _progress = ui.busy(&format!("{label}: waiting for another build of it to end"));
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Ok(file)
    }

    /// A new empty folder to build in.
    pub fn work(&self, key: Key) -> Result<Work> {
        let parent = self.root.join("work");
        let _making = self.making()?;
        self.remove_leftovers();
        let folder = tempfile::Builder::new()
            .prefix(&format!("{}.", key.short()))
            .tempdir_in(&parent)
            .with_context(|| format!("cannot make a folder in {}", parent.display()))?;
        let guarded = Guarded::folder(folder.path());
        let owner = folder.path().join("owner");
        let file = File::create(&owner).with_context(|| format!("cannot make {}", owner.display()))?;
        file.lock().with_context(|| format!("cannot lock {}", owner.display()))?;
        Ok(Work { folder, _guarded: guarded, _owner: file })
    }

    /// Between making a folder and locking it nobody else may take it for a leftover.
    fn making(&self) -> Result<File> {
        let path = self.root.join("locks/work");
        let lock = File::create(&path).and_then(|file| file.lock().map(|()| file));
        lock.with_context(|| format!("cannot lock {}", path.display()))
    }

    /// Removes the folders of builds that were killed. What cannot be removed now can be later.
    fn remove_leftovers(&self) {
        let Ok(entries) = fs::read_dir(self.root.join("work")) else { return };
        for folder in entries.flatten().map(|entry| entry.path()) {
            let owned = File::open(folder.join("owner")).is_ok_and(|owner| owner.try_lock().is_err());
            if !owned {
                let _ = fs::remove_dir_all(&folder);
            }
        }
    }

    /// Takes over what a build left in `out`, normalised, as the result of `key`. Its programs saw the folder of `work`
    /// at `seen`.
    pub fn land(&self, key: Key, work: &Work, out: &Path, seen: &Path) -> Result<PathBuf> {
        let package = self.package(key);
        let landing = work.path().join("landing");
        let land = || -> Result<()> {
            fs::create_dir(&landing)?;
            fs::rename(out, landing.join("files"))?;
            files::normalize(&landing.join("files"))?;
            relocatable(&landing.join("files"), &[work.path(), seen])?;
            let digest = Tree::read(&landing.join("files"))?.digest();
            fs::write(landing.join("tree"), format!("{digest}\n"))?;
            File::open(landing.join("tree"))?.sync_all()?;
            if package.exists() {
                fs::remove_dir_all(&package)?;
            }
            fs::rename(&landing, &package)?;
            Ok(())
        };
        land().with_context(|| format!("cannot put the package into {}", package.display()))?;
        Ok(package.join("files"))
    }

    /// The file that a package's build writes its output to.
    pub fn log(&self, slug: &str) -> PathBuf {
        self.root.join("logs").join(format!("{slug}.log"))
    }

    /// The compiler's own cache, one per compiler.
    pub fn toolchain(&self, compiler: Key) -> PathBuf {
        self.root.join("toolchain").join(compiler.short())
    }

    fn package(&self, key: Key) -> PathBuf {
        self.root.join("packages").join(key.to_string())
    }
}

/// An error if a file below `folder` names the folder it was built in, by any of its `names`: that is gone by the next
/// run, and another one on every machine.
fn relocatable(folder: &Path, names: &[&Path]) -> Result<()> {
    for leaf in Tree::read(folder)?.leaves() {
        let path = folder.join(&leaf.path);
        if !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path)?;
        let names_it = |name: &&Path| memchr::memmem::find(&bytes, name.as_os_str().as_encoded_bytes()).is_some();
        if names.iter().any(names_it) {
            bail!(
                "`{}` names the folder it was built in\n\nhint: have the recipe install it by relative paths, or copy only what is needed",
                leaf.path
            );
        }
    }
    Ok(())
}

fn open_users(root: &Path) -> Result<File> {
    let path = root.join("users");
    fs::create_dir_all(root)
        .and_then(|()| File::create(&path))
        .with_context(|| format!("cannot make the cache's lock {}", path.display()))
}

impl Work {
    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}
