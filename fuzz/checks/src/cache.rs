//! Entries of the shared cache: whatever a store answers, a package that nobody sealed is never taken.

use std::fs;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::Result;
use tempfile::TempDir;
use xtask::compile::PackageCache;
use xtask::model::Sha256;
use xtask::plan::Plan;
use xtask::shared::{Entry, Objects, Secret, SharedCache};
use xtask::ui::Ui;

use crate::ours;
use crate::places::folder;

const SECRET: &str = "a secret of the fuzz targets";

static PLAN: LazyLock<Plan> =
    LazyLock::new(|| ours::planned(ours::LAYER, &ours::recipe("app", "platform = \"target\"")).expect("a plan"));

/// The cache of this machine.
static CACHE: LazyLock<(TempDir, Mutex<PackageCache>)> = LazyLock::new(|| {
    let folder = folder();
    let cache = PackageCache::open(folder.path()).expect("a cache");
    (folder, Mutex::new(cache))
});

/// A store that answers every question for an entry with one text, and every one for an archive with the same bytes.
struct Store {
    entry: Vec<u8>,
    archive: Vec<u8>,
}

impl Objects for Store {
    fn address(&self) -> &str {
        "memory"
    }

    fn writable(&self) -> bool {
        false
    }

    fn get(&self, name: &str, file: &Path, limit: u64) -> Result<bool> {
        let bytes = if name.starts_with("packages/") { &self.entry } else { &self.archive };
        anyhow::ensure!(bytes.len() as u64 <= limit, "it is too long");
        fs::write(file, bytes)?;
        Ok(true)
    }

    fn put(&self, _name: &str, _file: &Path) -> Result<()> {
        unreachable!("nothing is put into a store that cannot be written to")
    }
}

/// Pulls packages from a store. The input begins with an entry up to a line `---`, or with nothing but that line: then
/// the entry is sealed for the archive that follows, as only somebody with the secret could.
pub fn pulled(bytes: &[u8]) {
    let mark = b"\n---\n";
    let end = bytes.windows(mark.len()).position(|window| window == mark);
    let (entry, archive) = end.map_or((bytes, &[][..]), |end| (&bytes[..end], &bytes[end + mark.len()..]));
    let secret = Secret::new(SECRET).expect("long enough");
    let wanted = PLAN.packages.last().expect("a package");
    // An archive that is not what was built: its tree is another one.
    let sealed = Entry {
        key: wanted.key,
        tree: Sha256::of("what was built"),
        archive: Sha256::of(archive),
        size: archive.len() as u64,
    };
    let entry = if entry.is_empty() { sealed.sealed(&secret).expect("JSON").into_bytes() } else { entry.to_vec() };
    let store = Store { entry, archive: archive.to_vec() };
    let cache = CACHE.1.lock().unwrap_or_else(PoisonError::into_inner);
    let rejected = SharedCache::new(Box::new(store), secret).pull(&[wanted], &cache, &Ui::silent());
    assert!(!cache.has(wanted.key), "a package was taken that nobody sealed");
    assert!(rejected.contains(&wanted.key), "an entry was taken for absent");
    let left = fs::read_dir(cache.root().join("work")).expect("the folder").count();
    assert_eq!(left, 0, "something was left behind");
}

/// Inputs to begin with.
pub fn seeds(archives: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let wanted = PLAN.packages.last().expect("a package");
    let [tree, archive] = ["tree", "archive"].map(Sha256::of);
    let entry = Entry { key: wanted.key, tree, archive, size: 12 };
    let other = Secret::new("another secret of the targets").expect("long enough");
    let stolen = [entry.sealed(&other).expect("JSON").as_bytes(), b"\n---\n"].concat();
    archives.iter().map(|archive| [b"\n---\n", &archive[..]].concat()).chain([stolen]).collect()
}
