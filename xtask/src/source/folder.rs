//! Trees in folders of this machine: a folder is as good as an archive if what the source takes of it is the pinned tree.
//!
//! It may be a checkout: git's own folder never counts. The tree goes into the store as a tar file under the digest of
//! the tree, so that it is there when the folder is gone, and is unpacked like any archive.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;

use super::disk::DiskError;
use super::tree::{Kind, Leaf, Tree};
use super::unpack::Selection;
use crate::model::recipe::Source;

/// Git's own folder, or the file that stands for it where there are several work trees.
const GIT: &str = ".git";

/// The tree that `source` takes of a folder.
///
/// # Errors
/// If the folder cannot be read, or has what a tree cannot hold.
pub(super) fn read(folder: &Path, source: &Source) -> anyhow::Result<Tree> {
    let mut selection = Selection::new(".", source)?;
    let tree = Tree::read_part(folder, GIT, &mut |path| selection.path_in_tree(path).is_some())?;
    let executable = |leaf: &Leaf| match leaf.kind {
        Kind::File if selection.makes_executable(&leaf.path) => Leaf { kind: Kind::Executable, ..leaf.clone() },
        _ => leaf.clone(),
    };
    Ok(Tree::of(tree.leaves().iter().map(executable).collect()))
}

/// Writes a tree that was read from `folder` as a tar file.
pub(super) fn pack(folder: &Path, tree: &Tree, file: &Path) -> anyhow::Result<()> {
    let disk = |error| DiskError::writing(file, 0, error);
    let mut tar = tar::Builder::new(BufWriter::new(File::create(file).map_err(disk)?));
    for leaf in tree.leaves() {
        let full = folder.join(&leaf.path);
        let cannot_read = || format!("cannot read `{}`", full.display());
        let mut header = tar::Header::new_gnu();
        header.set_mode(if leaf.kind == Kind::Executable { 0o755 } else { 0o644 });
        if leaf.kind == Kind::Link {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            let target = full.read_link().with_context(cannot_read)?;
            tar.append_link(&mut header, &leaf.path, &target).map_err(disk)?;
        } else {
            let opened = File::open(&full).with_context(cannot_read)?;
            header.set_size(opened.metadata().with_context(cannot_read)?.len());
            tar.append_data(&mut header, &leaf.path, opened).map_err(disk)?;
        }
    }
    let mut inner = tar.into_inner().map_err(disk)?;
    inner.flush().map_err(disk)?;
    Ok(())
}
