//! Unpacking: from a verified archive to a plain tree, the same on every machine.
//!
//! Archives are pinned by digest, so nothing hostile should ever arrive here. It is refused all the same, as
//! a digest only says that the bytes are those that somebody looked at. Nothing is written outside the
//! folder, and what is written has fixed modes and times.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, bail};

use self::landing::Landing;
pub(super) use self::selection::Selection;
use crate::archive::name::Kind;
use crate::model::Sha256;
use crate::model::recipe::{Archive, Source};

mod deb;
mod landing;
mod members;
mod pax;
mod selection;
mod tarball;
mod zipfile;

/// How an archive is packed, told by its file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A tar file, plain or compressed.
    Tar(Compression),
    /// A zip file; wheels are such.
    Zip,
    /// A binary package of Debian; what it installs is the tree.
    Deb,
    /// Not an archive but the very file that is wanted.
    Plain,
}

/// How a tar file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, of one or more members.
    Gzip,
    /// xz, of one or more streams.
    Xz,
    /// bzip2, of one or more streams.
    Bzip2,
}

impl Format {
    /// The format of a file of that name.
    pub fn of(file_name: &str) -> Format {
        let name = file_name.to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        if ends(&[".tar.gz", ".tgz"]) {
            Format::Tar(Compression::Gzip)
        } else if ends(&[".tar.xz"]) {
            Format::Tar(Compression::Xz)
        } else if ends(&[".tar.bz2"]) {
            Format::Tar(Compression::Bzip2)
        } else if ends(&[".tar"]) {
            Format::Tar(Compression::None)
        } else if ends(&[".zip", ".whl"]) {
            Format::Zip
        } else if ends(&[".deb"]) {
            Format::Deb
        } else {
            Format::Plain
        }
    }
}

/// How much an archive may hold. No source of ours comes near: the largest, zig's wheel, has 18,000 files in 330 MB.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Of all entries together.
    pub bytes: u64,
    /// Entries of any kind.
    pub entries: u64,
    /// Names of entries and of the folders they lie in.
    pub names: usize,
    /// Bytes of all names and links, which are remembered.
    pub name_bytes: usize,
    /// What the xz decoder may take; `xz -9` needs 65 MiB.
    pub memory: u64,
}

pub(super) const LIMITS: Limits =
    Limits { bytes: 2 << 30, entries: 100_000, names: 120_000, name_bytes: 16 << 20, memory: 80 << 20 };

/// The name under which an archive is talked about: that of its first origin's file.
pub(super) fn file_name(archive: &Archive) -> &str {
    archive.origins.first().map_or("archive", |origin| origin.file_name())
}

/// Unpacks `file`, which holds the bytes of `archive`, into the folder `into`, which must be empty or not yet
/// exist. Of the archive's `root`, what the source's `keep` and `omit` leave is taken. Modes become 0755 or
/// 0644, times one fixed instant. Fails on anything hostile or broken, naming archive and entry, and then
/// leaves a part of the tree behind that must not be used.
pub fn unpack(file: &Path, archive: &Archive, source: &Source, into: &Path) -> anyhow::Result<()> {
    unpack_within(LIMITS, file, archive, source, into)
}

/// Unpacks a tree that is in the store ([`super::folder`]) into the folder `into`, which must be empty.
pub(super) fn unpack_tree(file: &Path, into: &Path) -> anyhow::Result<()> {
    let everything = Source::of_tree(Sha256::of(""));
    let mut landing = Landing::new(into, Selection::new(".", &everything)?, LIMITS);
    let opened = File::open(file).with_context(|| format!("cannot open `{}`", file.display()))?;
    let result = tarball::unpack(BufReader::new(opened), LIMITS, &mut landing).and_then(|()| landing.finish());
    result.with_context(|| format!("cannot unpack `{}`", file.display()))
}

pub(super) fn unpack_within(
    limits: Limits,
    file: &Path,
    archive: &Archive,
    source: &Source,
    into: &Path,
) -> anyhow::Result<()> {
    let name = file_name(archive);
    fs::create_dir_all(into).with_context(|| format!("cannot create `{}`", into.display()))?;
    let mut entries = fs::read_dir(into).with_context(|| format!("cannot read `{}`", into.display()))?;
    if entries.next().is_some() {
        bail!("cannot unpack `{name}` into `{}`: the folder is not empty", into.display());
    }
    let format = Format::of(name);
    let root = if format == Format::Plain { "." } else { &archive.root };
    let selection = Selection::new(root, source).with_context(|| format!("cannot unpack `{name}`"))?;
    let mut landing = Landing::new(into, selection, limits);
    let opened = File::open(file).with_context(|| format!("cannot open `{}`", file.display()))?;
    let result = match format {
        Format::Tar(compression) => {
            decoder(opened, compression, limits).and_then(|reader| tarball::unpack(reader, limits, &mut landing))
        }
        Format::Deb => deb::read(BufReader::new(opened), &mut |compression, data| {
            decoder(data, compression, limits).and_then(|reader| tarball::unpack(reader, limits, &mut landing))
        }),
        Format::Zip => zipfile::unpack(opened, &mut landing),
        Format::Plain => plain(opened, archive, &mut landing),
    };
    result.and_then(|()| landing.finish()).with_context(|| format!("cannot unpack `{name}`"))
}

fn plain(mut file: File, archive: &Archive, landing: &mut Landing<'_>) -> anyhow::Result<()> {
    let size = file.metadata().context("cannot tell its size")?.len();
    match landing.admit(archive.root.as_bytes(), Kind::File, size)? {
        Some(path) => landing.file(&path, false, size, &mut file),
        None => bail!("`root` names the file itself, `{}`, but `keep` and `omit` leave nothing of it", archive.root),
    }
}

fn decoder<'r>(file: impl Read + 'r, compression: Compression, limits: Limits) -> anyhow::Result<Box<dyn Read + 'r>> {
    let file = BufReader::with_capacity(256 * 1024, file);
    Ok(match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
        Compression::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(limits.memory, liblzma::stream::CONCATENATED);
            let stream = stream.context("cannot set up the xz decoder")?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(file, stream))
        }
    })
}

#[cfg(test)]
#[path = "../tests/unpack.rs"]
mod tests;

#[cfg(test)]
#[path = "../tests/hostile.rs"]
mod hostile;
