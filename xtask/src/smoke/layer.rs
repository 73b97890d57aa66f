//! A layer as it is handed over: a folder, or a zip that is unpacked for the time being.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use object::elf::{EM_AARCH64, EM_X86_64};

use crate::archive::entry::{Content, Entry, Limits};
use crate::archive::layer as zipped;
use crate::model::Arch;
use crate::process::guard::TemporaryFolder;

/// The most bytes of an unpacked layer: what Lambda allows a function with all its layers.
const SIZE_LIMIT: u64 = 262_144_000;

/// The most entries of a zip.
const ENTRY_LIMIT: usize = 10_000;

/// An unpacked layer.
#[derive(Debug)]
pub struct Layer {
    folder: PathBuf,
    /// Goes when the layer goes.
    _unpacked: Option<TemporaryFolder>,
}

/// What was handed over is not a layer that can be run.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct InvalidLayer {
    /// The zip or folder.
    pub path: String,
    /// What is wrong, and what to do about it.
    pub problem: String,
}

impl Layer {
    /// Opens a folder, or unpacks a zip into a folder of its own.
    ///
    /// # Errors
    /// Where it cannot be read, holds what a layer must not hold, or unpacks to more than a function may have.
    pub fn open(path: &Path) -> Result<Layer, InvalidLayer> {
        if path.is_dir() {
            return Ok(Layer { folder: path.to_owned(), _unpacked: None });
        }
        let unpack = || -> Result<TemporaryFolder, String> {
            let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
            let unpacked = TemporaryFolder::new("layer");
            let unpacked = unpacked.map_err(|error| format!("cannot make a folder to unpack it: {error}"))?;
            unpack(file, unpacked.path())?;
            Ok(unpacked)
        };
        let unpacked = unpack().map_err(|problem| InvalidLayer { path: path.display().to_string(), problem })?;
        Ok(Layer { folder: unpacked.path().to_owned(), _unpacked: Some(unpacked) })
    }

    /// The folder that holds what goes to `/opt`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The architecture a program of the layer is for; nothing where there is no such ELF file.
    pub fn arch(&self, program: &str) -> Option<Arch> {
        let mut head = [0; 20];
        File::open(self.folder.join(program)).ok()?.read_exact(&mut head).ok()?;
        if !head.starts_with(b"\x7fELF") {
            return None;
        }
        match u16::from_le_bytes([head[18], head[19]]) {
            machine if machine == EM_X86_64.0 => Some(Arch::X86_64),
            machine if machine == EM_AARCH64.0 => Some(Arch::Arm64),
            _ => None,
        }
    }
}

/// Unpacks a zip that anybody may have made.
fn unpack(file: File, into: &Path) -> Result<(), String> {
    let limits = Limits { entries: ENTRY_LIMIT, file: SIZE_LIMIT, total: SIZE_LIMIT };
    zipped::each(file, limits, &mut |entry| unpack_entry(entry, into))
        .map_err(|error| format!("cannot be unpacked: {error:#}"))
}

fn unpack_entry(entry: Entry<'_>, into: &Path) -> anyhow::Result<()> {
    let Entry { path, mode, content } = entry;
    let target = into.join(&path);
    let failed = || format!("entry `{path}` cannot be unpacked");
    let bytes = match content {
        Content::File { bytes, .. } => bytes,
        Content::Folder => return fs::create_dir_all(&target).with_context(failed),
        Content::Link => bail!("entry `{path}` is a symbolic link, which some clouds do not keep"),
        Content::Special => bail!("entry `{path}` is neither a file nor a folder"),
    };
    let mode = mode.unwrap_or(0o644);
    ensure!(mode & 0o7000 == 0, "entry `{path}` has mode {mode:04o}, with bits for setuid, setgid or sticky");
    fs::create_dir_all(target.parent().unwrap_or(into)).with_context(failed)?;
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target).with_context(failed)?;
    io::copy(bytes, &mut out).with_context(failed)?;
    out.set_permissions(fs::Permissions::from_mode(mode)).with_context(failed)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn open(write: impl Fn(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Result<Layer, String> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        write(&mut zip);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("layer.zip");
        fs::write(&path, zip.finish().expect("a zip").into_inner()).expect("writes");
        Layer::open(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "layer.zip"))
    }

    fn file(zip: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, content: &[u8]) {
        zip.start_file(name, SimpleFileOptions::default().unix_permissions(0o755)).expect("starts");
        zip.write_all(content).expect("writes");
    }

    #[test]
    fn a_zip_is_unpacked_with_its_modes_and_goes_afterwards() {
        let layer = open(|zip| file(zip, "bin/mediainfo", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xb7\0"))
            .expect("opens");
        let program = layer.folder().join("bin/mediainfo");
        assert_eq!(program.metadata().expect("a file").permissions().mode() & 0o777, 0o755);
        assert_eq!(layer.arch("bin/mediainfo"), Some(Arch::Arm64));
        assert_eq!(layer.arch("bin/other"), None);
        drop(layer);
        assert!(!program.exists());
    }

    #[test]
    fn hostile_zips_are_refused() {
        let errors = [
            open(|zip| file(zip, "../evil", b"")),
            open(|zip| file(zip, "a/../../evil", b"")),
            open(|zip| zip.add_symlink("bin/mediainfo", "/bin/sh", SimpleFileOptions::default()).expect("adds")),
            open(|zip| {
                file(zip, "a", b"");
                file(zip, "a/b", b"");
            }),
            open(|zip| {
                let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
                zip.start_file("zeros", stored).expect("starts");
                zip.write_all(&vec![0; SIZE_LIMIT as usize + 1]).expect("writes");
            }),
        ];
        let errors: Vec<String> = errors.into_iter().map(|result| result.expect_err("hostile")).collect();
        insta::assert_snapshot!(errors.join("\n"), @r"
        layer.zip: cannot be unpacked: it cannot be read as a zip: entry `../evil` has `..` in its path
        layer.zip: cannot be unpacked: it cannot be read as a zip: entry `a/../../evil` has `..` in its path
        layer.zip: cannot be unpacked: entry `bin/mediainfo` is a symbolic link, which some clouds do not keep
        layer.zip: cannot be unpacked: entry `a/b` lies below `a`, which is a file, so that tools disagree on what is in it
        layer.zip: cannot be unpacked: entry `zeros` has 262144001 bytes; no file above 262144000 is read
        ");
    }

    #[test]
    fn what_is_no_zip_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.zip");
        let error = Layer::open(&path).expect_err("missing").to_string();
        assert!(error.contains("x.zip: cannot be opened"), "{error}");
        fs::write(&path, "PK").expect("writes");
        let error = Layer::open(&path).expect_err("broken").to_string();
        assert!(error.contains("x.zip: cannot be unpacked: it cannot be read as a zip"), "{error}");
    }
}
