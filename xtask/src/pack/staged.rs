//! A complete layer that is not a zip yet.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::file::PackedFile;
use super::landing::explain;
use super::manifest::Manifest;

/// Every file of a layer, its documents included. Made by [`super::Stage::finish`].
#[derive(Debug)]
pub struct Staged {
    files: Vec<PackedFile>,
    manifest: Manifest,
}

impl Staged {
    pub(super) fn new(files: Vec<PackedFile>, manifest: Manifest) -> Staged {
        Staged { files, manifest }
    }

    /// The files, in the order of their paths.
    pub fn files(&self) -> &[PackedFile] {
        &self.files
    }

    /// What the manifest among the files says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Bytes of all files.
    pub fn unpacked_size(&self) -> u64 {
        self.files.iter().map(PackedFile::size).sum()
    }

    /// Writes the layer into `folder` as an unpacker would, for the audit and the smoke test. Files are
    /// copied: a link would let a careless test change the package in the cache.
    ///
    /// # Errors
    /// If `folder` is there and not empty, a staged file is gone or changed, or the disk fails.
    pub fn write_tree(&self, folder: &Path) -> Result<()> {
        self.try_write_tree(folder).map_err(|error| explain(error, folder))
    }

    fn try_write_tree(&self, folder: &Path) -> Result<()> {
        make_folder(folder)?;
        let mut entries = fs::read_dir(folder).with_context(|| format!("`{}`", folder.display()))?;
        ensure!(entries.next().is_none(), "`{}` is not empty: the layer needs a folder of its own", folder.display());
        for file in &self.files {
            let target = folder.join(file.path().as_str());
            if let Some(parent) = target.parent() {
                make_folder(parent)?;
            }
            let bytes = file.read()?;
            fs::write(&target, bytes)
                .and_then(|()| fs::set_permissions(&target, Permissions::from_mode(file.mode().bits())))
                .with_context(|| format!("cannot write `{}`", target.display()))?;
        }
        Ok(())
    }
}

/// Makes a folder and those above it, open to all whatever the umask says: the user of a function,
/// whom the smoke test imitates, is not the one who builds.
fn make_folder(folder: &Path) -> Result<()> {
    // The parent of `dist` is the empty path, which means here.
    if folder == Path::new("") || folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_folder(parent)?;
    }
    DirBuilder::new()
        .mode(0o755)
        .create(folder)
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o755)))
        .with_context(|| format!("cannot make the folder `{}`", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_tree_has_the_files_and_the_modes_of_the_zip() {
        let packages = sample::Packages::new();
        let staged = packages.staged();
        let opt = packages.root().join("work/opt");
        staged.write_tree(&opt).expect("written");
        for file in staged.files() {
            let written = opt.join(file.path().as_str());
            assert_eq!(fs::read(&written).expect("read"), file.read().expect("read"), "{}", file.path());
            let found = fs::symlink_metadata(&written).expect("there");
            assert!(found.is_file());
            assert_eq!(found.permissions().mode() & 0o7777, file.mode().bits(), "{}", file.path());
        }
        for folder in ["", "bin", "share/media-layers/sample/licenses/engine/third"] {
            let mode = fs::metadata(opt.join(folder)).expect("there").permissions().mode();
            assert_eq!(mode & 0o7777, 0o755, "{folder}");
        }
    }

    #[test]
    fn the_package_is_safe_from_the_tests() {
        let packages = sample::Packages::new();
        let opt = packages.root().join("opt");
        packages.staged().write_tree(&opt).expect("written");
        fs::write(opt.join("bin/tool"), "spoilt").expect("written");
        assert_eq!(fs::read_to_string(packages.root().join("program/bin/tool")).expect("read"), "a program");
    }

    #[test]
    fn a_folder_in_use_is_refused() {
        let packages = sample::Packages::new();
        let staged = packages.staged();
        let error = staged.write_tree(&packages.root().join("bundle")).expect_err("refused").to_string();
        assert!(error.ends_with("is not empty: the layer needs a folder of its own"), "{error}");
        staged.write_tree(&packages.root().join("opt")).expect("written");
        staged.write_tree(&packages.root().join("opt")).expect_err("the second time");
    }
}
