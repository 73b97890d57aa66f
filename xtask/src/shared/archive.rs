//! A package's files as one archive, and back. Equal packages give equal archives.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use crate::model::recipe::{Archive, Source};
use crate::model::{Origin, Sha256};
use crate::source::Tree;
use crate::source::tree::Kind;
use crate::source::unpack::unpack as unpack_archive;

/// The folder in the archive that holds the files.
const ROOT: &str = "files";

/// Writes everything in `folder` into the archive `file`.
pub fn pack(folder: &Path, file: &Path) -> Result<()> {
    let write = || -> Result<()> {
        let mut tar = Builder::new(GzEncoder::new(BufWriter::new(File::create(file)?), Compression::fast()));
        for leaf in Tree::read(folder)?.leaves() {
            let (path, name) = (folder.join(&leaf.path), format!("{ROOT}/{}", leaf.path));
            let mut header = Header::new_gnu();
            header.set_mtime(0);
            header.set_mode(if leaf.kind == Kind::File { 0o644 } else { 0o755 });
            if leaf.kind == Kind::Link {
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                tar.append_link(&mut header, name, fs::read_link(&path)?)?;
            } else {
                let content = File::open(&path)?;
                header.set_size(content.metadata()?.len());
                tar.append_data(&mut header, name, content)?;
            }
        }
        tar.into_inner()?.finish()?.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        Ok(())
    };
    write().with_context(|| format!("cannot pack {} into {}", folder.display(), file.display()))
}

/// Puts what [`pack`] wrote into the new folder `folder`, as carefully as any archive that was downloaded.
pub fn unpack(file: &Path, sha256: Sha256, folder: &Path) -> Result<()> {
    let name = Origin::Https("https://shared-cache.invalid/package.tar.gz".to_owned());
    let archive = Archive { root: ROOT.to_owned(), size: None, note: None, sha256, origins: vec![name] };
    let source = Source {
        builder: None,
        tree: None,
        keep: Vec::new(),
        omit: Vec::new(),
        executable: Vec::new(),
        archives: Vec::new(),
    };
    unpack_archive(file, &archive, &source, folder)
}
