//! One file of a layer: where it goes, what it holds, who provides it.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::path::LayerPath;
use crate::model::{RecipeName, Sha256};

/// The permissions of a file in a layer. There are only two, and both let everybody read, because
/// the user that runs a function is neither the owner nor in the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Read by all: data, and shared libraries too unless their package marks them executable.
    #[serde(rename = "0644")]
    Plain,
    /// Read and run by all.
    #[serde(rename = "0755")]
    Executable,
}

impl Mode {
    /// The permission bits.
    pub fn bits(self) -> u32 {
        match self {
            Mode::Plain => 0o644,
            Mode::Executable => 0o755,
        }
    }

    /// What a file with these permission bits gets: the builder's umask must not show.
    pub fn of_bits(bits: u32) -> Mode {
        if bits & 0o111 == 0 { Mode::Plain } else { Mode::Executable }
    }
}

/// A file that goes into a layer. Its size and digest are taken once, when it is staged; whoever
/// reads it later gets those bytes or an error.
#[derive(Debug, Clone)]
pub struct PackedFile {
    path: LayerPath,
    mode: Mode,
    recipe: Option<RecipeName>,
    size: u64,
    sha256: Sha256,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl PackedFile {
    /// A file made of `bytes`. `recipe` is absent for what the packer itself writes.
    pub fn from_bytes(path: LayerPath, mode: Mode, recipe: Option<RecipeName>, bytes: Vec<u8>) -> PackedFile {
        let (size, sha256) = (bytes.len() as u64, Sha256::of(&bytes));
        PackedFile { path, mode, recipe, size, sha256, content: Content::Bytes(bytes) }
    }

    /// The regular file at `source`, which is read once now and again when the layer is written.
    ///
    /// # Errors
    /// If it cannot be read, is not a regular file, or is setuid, setgid or sticky.
    pub fn from_file(path: LayerPath, recipe: RecipeName, source: &Path) -> Result<PackedFile> {
        let said = || format!("`{}` of recipe `{recipe}`", source.display());
        // Opening a named pipe would wait for somebody to write into it.
        let found = fs::metadata(source).with_context(said)?;
        ensure!(found.is_file(), "{} is not a regular file: a layer holds only files", said());
        let bits = found.permissions().mode();
        if bits & 0o7000 != 0 {
            bail!(
                "{} has mode {:04o}: setuid, setgid and sticky have no place in a layer; clear them in the recipe",
                said(),
                bits & 0o7777
            );
        }
        let (size, sha256) = digest(source).with_context(said)?;
        let content = Content::File(source.to_owned());
        Ok(PackedFile { path, mode: Mode::of_bits(bits), recipe: Some(recipe), size, sha256, content })
    }

    /// Its path in the layer.
    pub fn path(&self) -> &LayerPath {
        &self.path
    }

    /// Its permissions.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// The recipe that provides it; none where the packer wrote it.
    pub fn recipe(&self) -> Option<&RecipeName> {
        self.recipe.as_ref()
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest of its bytes.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// The bytes that were staged.
    ///
    /// # Errors
    /// If the file can no longer be read or has changed since: its digest is in the manifest by now.
    pub fn read(&self) -> Result<Vec<u8>> {
        let source = match &self.content {
            Content::Bytes(bytes) => return Ok(bytes.clone()),
            Content::File(source) => source,
        };
        let bytes = fs::read(source).with_context(|| format!("`{}`", source.display()))?;
        ensure!(
            Sha256::of(&bytes) == self.sha256,
            "`{}` changed while the layer was being packed: run the command again",
            source.display()
        );
        Ok(bytes)
    }
}

/// Size and digest of a file, without holding it in memory.
pub fn digest(source: &Path) -> std::io::Result<(u64, Sha256)> {
    let mut file = fs::File::open(source)?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((size, Sha256::from_bytes(hasher.finalize().into()))),
            count => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staged(bits: u32) -> (tempfile::TempDir, PathBuf, Result<PackedFile>) {
        let folder = tempfile::tempdir().expect("a folder");
        let source = folder.path().join("tool");
        fs::write(&source, "abc").expect("written");
        fs::set_permissions(&source, fs::Permissions::from_mode(bits)).expect("mode set");
        let file = PackedFile::from_file(path(), recipe(), &source);
        (folder, source, file)
    }

    fn path() -> LayerPath {
        "bin/tool".parse().expect("a path")
    }

    fn recipe() -> RecipeName {
        "tool".parse().expect("a name")
    }

    #[test]
    fn the_umask_of_the_builder_does_not_show() {
        for (bits, mode) in [(0o600, 0o644), (0o444, 0o644), (0o700, 0o755), (0o775, 0o755)] {
            let (_folder, _, file) = staged(bits);
            let file = file.expect("staged");
            assert_eq!(file.mode().bits(), mode);
            assert_eq!((file.size(), file.sha256()), (3, Sha256::of("abc")));
            assert_eq!(file.read().expect("read"), b"abc");
        }
    }

    #[test]
    fn special_bits_are_refused() {
        for bits in [0o4755, 0o2755, 0o1644] {
            let (_folder, source, file) = staged(bits);
            let error = file.expect_err("refused").to_string();
            assert!(
                error.starts_with(&format!("`{}` of recipe `tool` has mode {bits:04o}: ", source.display())),
                "{error}"
            );
        }
    }

    #[test]
    fn only_regular_files_are_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = PackedFile::from_file(path(), recipe(), folder.path()).expect_err("refused").to_string();
        assert!(error.ends_with("is not a regular file: a layer holds only files"), "{error}");
        let missing = folder.path().join("missing");
        let error = PackedFile::from_file(path(), recipe(), &missing).expect_err("refused");
        assert_eq!(error.to_string(), format!("`{}` of recipe `tool`", missing.display()));
    }

    #[test]
    fn bytes_that_change_later_are_noticed() {
        let (_folder, source, file) = staged(0o644);
        fs::write(&source, "abd").expect("changed");
        let error = file.expect("staged").read().expect_err("noticed").to_string();
        assert!(error.ends_with("changed while the layer was being packed: run the command again"), "{error}");
    }
}
