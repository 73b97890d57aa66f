//! Trees: the identity of an unpacked source, whatever archive it came from.
//!
//! The digest of a tree is the SHA-256 of its listing, which has one line per file:
//!
//! ```text
//! <kind> <sha256>  <path>\n
//! ```
//!
//! The kind is `f` for a file, `x` for an executable file and `l` for a symbolic link; the digest is that of
//! the file's bytes, or of the link's target. Paths are relative, use `/`, and the lines are sorted by the
//! bytes of their paths. Folders do not count, nor do times, owners and other mode bits. Recipes pin such
//! digests, so this format must never change; a test holds it.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, bail};
use sha2::Digest as _;

use crate::model::Sha256;

/// What a leaf of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A file.
    File,
    /// A file with a run bit.
    Executable,
    /// A symbolic link.
    Link,
}

/// One line of a tree's listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Relative to the tree.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Of its bytes, or of its target.
    pub sha256: Sha256,
}

/// Every leaf of a tree, sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    leaves: Vec<Leaf>,
}

impl Tree {
    /// Reads and hashes what is below `root`, with a few threads. Fails on anything that is neither file,
    /// folder nor link, and on names that the listing could not hold.
    pub fn read(root: &Path) -> anyhow::Result<Tree> {
        let mut paths = Vec::new();
        collect(root, "", "", &mut paths)?;
        Tree::hash(root, paths)
    }

    /// Like [`Tree::read`], of the paths that are `wanted` only, and of nothing that has the name `left` right below
    /// `root`.
    pub(super) fn read_part(root: &Path, left: &str, wanted: &mut dyn FnMut(&str) -> bool) -> anyhow::Result<Tree> {
        let mut paths = Vec::new();
        collect(root, "", left, &mut paths)?;
        paths.retain(|path| wanted(path));
        Tree::hash(root, paths)
    }

    /// A tree with these leaves, in any order.
    pub(super) fn of(mut leaves: Vec<Leaf>) -> Tree {
        leaves.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Tree { leaves }
    }

    fn hash(root: &Path, mut paths: Vec<String>) -> anyhow::Result<Tree> {
        paths.sort_unstable();
        let next = AtomicUsize::new(0);
        let leaves = Mutex::new(Vec::with_capacity(paths.len()));
        let work = || -> anyhow::Result<()> {
            let mut mine = Vec::new();
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                mine.push(read_leaf(root, path)?);
            }
            leaves.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).append(&mut mine);
            Ok(())
        };
        let threads = thread::available_parallelism().map_or(1, |count| count.get().min(4));
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        Ok(Tree::of(leaves.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())))
    }

    /// The leaves, sorted by path.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The listing that the digest is made of.
    pub fn listing(&self) -> String {
        let line = |leaf: &Leaf| {
            let kind = match leaf.kind {
                Kind::File => 'f',
                Kind::Executable => 'x',
                Kind::Link => 'l',
            };
            format!("{kind} {}  {}\n", leaf.sha256, leaf.path)
        };
        self.leaves.iter().map(line).collect()
    }

    /// The digest of the tree.
    pub fn digest(&self) -> Sha256 {
        Sha256::of(self.listing())
    }

    /// What an `other` tree has more, has less or has different, sorted by path: `+ path`, `- path`, `! path`.
    pub fn differences(&self, other: &Tree) -> Vec<String> {
        let (mut ours, mut theirs) = (self.leaves.iter().peekable(), other.leaves.iter().peekable());
        let mut differences = Vec::new();
        loop {
            match (ours.peek(), theirs.peek()) {
                (None, None) => return differences,
                (Some(our), Some(their)) if our.path == their.path => {
                    if our != their {
                        differences.push(format!("! {}", our.path));
                    }
                    ours.next();
                    theirs.next();
                }
                (Some(our), their) if their.is_none_or(|their| our.path < their.path) => {
                    differences.push(format!("- {}", our.path));
                    ours.next();
                }
                (_, Some(their)) => {
                    differences.push(format!("+ {}", their.path));
                    theirs.next();
                }
                // The guard above takes every other case in which only ours is left.
                (Some(_), None) => return differences,
            }
        }
    }
}

fn collect(root: &Path, below: &str, left: &str, paths: &mut Vec<String>) -> anyhow::Result<()> {
    let folder = root.join(below);
    let cannot_read = || format!("cannot read `{}`", folder.display());
    for entry in fs::read_dir(&folder).with_context(cannot_read)? {
        let entry = entry.with_context(cannot_read)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !name.contains('\n')) else {
            bail!("`{}` has a name that a listing cannot hold", entry.path().display());
        };
        let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        if path == left {
            continue;
        }
        if entry.file_type().with_context(cannot_read)?.is_dir() {
            collect(root, &path, left, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn read_leaf(root: &Path, path: &str) -> anyhow::Result<Leaf> {
    let full = root.join(path);
    let cannot_read = || format!("cannot read `{}`", full.display());
    let metadata = full.symlink_metadata().with_context(cannot_read)?;
    let (kind, sha256) = if metadata.is_symlink() {
        let target = full.read_link().with_context(cannot_read)?;
        (Kind::Link, Sha256::of(target.as_os_str().as_bytes()))
    } else if metadata.is_file() {
        let executable = metadata.permissions().mode() & 0o111 != 0;
        let kind = if executable { Kind::Executable } else { Kind::File };
        (kind, hash_file(&full).with_context(cannot_read)?)
    } else {
        bail!("`{}` is neither a file, a folder nor a link", full.display());
    };
    Ok(Leaf { path: path.to_owned(), kind, sha256 })
}

/// The digest of a file's bytes.
pub(super) fn hash_file(path: &Path) -> std::io::Result<Sha256> {
    let mut file = File::open(path)?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Sha256::from_bytes(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn sample() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("lib/empty")).expect("folders");
        fs::write(root.join("lib.c"), "int x;\n").expect("a file");
        fs::write(root.join("lib/a b"), "").expect("a file");
        fs::write(root.join("run"), "#!/bin/sh\n").expect("a file");
        fs::set_permissions(root.join("run"), fs::Permissions::from_mode(0o700)).expect("a mode");
        symlink("../run", root.join("lib/é")).expect("a link");
        folder
    }

    /// This digest is pinned by the recipes' format: if it changes, every recipe breaks.
    #[test]
    fn the_format_never_changes() {
        let folder = sample();
        let tree = Tree::read(folder.path()).expect("a tree");
        assert_eq!(
            tree.listing(),
            "\
f 7c725f30854a46033dd94f728ac6b08caf10845993cd3ed48e40079cdb0a76a6  lib.c
f e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  lib/a b
l 5dc648769241816064b84cb4435542be83eda94eb02035e77f2c9e8df4a980bf  lib/é
x a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf  run
"
        );
        assert_eq!(tree.digest().to_string(), "e34a76ac0833409667b88481341d92bac949a9b88cf7ef1ecfcd08da60c9c25b");
    }

    #[test]
    fn differences_are_named() {
        let folder = sample();
        let before = Tree::read(folder.path()).expect("a tree");
        assert_eq!(before.differences(&before), [""; 0]);
        fs::remove_file(folder.path().join("lib.c")).expect("it exists");
        fs::write(folder.path().join("new"), "").expect("a file");
        fs::set_permissions(folder.path().join("run"), fs::Permissions::from_mode(0o600)).expect("a mode");
        let after = Tree::read(folder.path()).expect("a tree");
        assert_eq!(before.differences(&after), ["- lib.c", "+ new", "! run"]);
        assert_eq!(after.differences(&before), ["+ lib.c", "- new", "! run"]);
    }

    #[test]
    fn odd_things_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a\nb"), "").expect("a file");
        let error = Tree::read(folder.path()).expect_err("a line break").to_string();
        assert!(error.ends_with("has a name that a listing cannot hold"), "{error}");
        let error = Tree::read(&folder.path().join("none")).expect_err("no folder").to_string();
        assert!(error.starts_with("cannot read `"), "{error}");
    }
}
