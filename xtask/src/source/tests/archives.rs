//! Archives made for tests, also such that no tool would make.

use std::io::{Cursor, Write as _};

use tar::{EntryType, Header};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// One entry of a tar file, written as it is said, whatever that means.
pub struct Entry<'a> {
    pub name: &'a [u8],
    pub kind: EntryType,
    pub link: &'a [u8],
    pub mode: u32,
    pub body: &'a [u8],
}

pub fn file<'a>(name: &'a str, body: &'a str) -> Entry<'a> {
    Entry { name: name.as_bytes(), kind: EntryType::Regular, link: b"", mode: 0o644, body: body.as_bytes() }
}

pub fn folder(name: &str) -> Entry<'_> {
    Entry { kind: EntryType::Directory, mode: 0o700, ..file(name, "") }
}

pub fn link<'a>(name: &'a str, target: &'a str) -> Entry<'a> {
    Entry { kind: EntryType::Symlink, link: target.as_bytes(), ..file(name, "") }
}

pub fn hard_link<'a>(name: &'a str, target: &'a str) -> Entry<'a> {
    Entry { kind: EntryType::Link, link: target.as_bytes(), ..file(name, "") }
}

/// A tar file of these entries, each of one header only.
pub fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..entry.name.len()].copy_from_slice(entry.name);
        header.as_old_mut().linkname[..entry.link.len()].copy_from_slice(entry.link);
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_mtime(1_700_000_000);
        header.set_size(entry.body.len() as u64);
        header.set_cksum();
        builder.append(&header, entry.body).expect("memory");
    }
    builder.into_inner().expect("memory")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

pub fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

/// A zip file of these entries, as far as zip files have such.
pub fn zip(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        let name = std::str::from_utf8(entry.name).expect("the crate wants UTF-8");
        let options = SimpleFileOptions::default().unix_permissions(entry.mode);
        match entry.kind {
            EntryType::Directory => writer.add_directory(name, options).expect("memory"),
            EntryType::Symlink => {
                let target = std::str::from_utf8(entry.link).expect("the crate wants UTF-8");
                writer.add_symlink(name, target, options).expect("memory");
            }
            _ => {
                writer.start_file(name, options).expect("memory");
                writer.write_all(entry.body).expect("memory");
            }
        }
    }
    writer.finish().expect("memory").into_inner()
}

/// Replaces bytes by as many others, everywhere: headers that no writer would write.
pub fn patched(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut found = false;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            found = true;
        }
    }
    assert!(found, "nothing to patch");
    bytes
}

/// Replaces bytes of the first entry in a zip file's list at its end, counted from the entry's beginning.
pub fn patched_list(mut bytes: Vec<u8>, at: usize, to: &[u8]) -> Vec<u8> {
    let entry = bytes.windows(4).position(|window| window == b"PK\x01\x02").expect("a list");
    bytes[entry + at..entry + at + to.len()].copy_from_slice(to);
    bytes
}
