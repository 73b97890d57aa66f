//! Archives of sources: whatever the bytes are, they are refused or give the same tree twice, and nothing else is touched.

use xtask::model::recipe::{Archive, Source};
use xtask::model::{Origin, Sha256};
use xtask::source::unpack;

use crate::places::{Place, digest};

/// Unpacks an archive whose name ends like this, twice.
pub fn unpacked(ending: &str, bytes: &[u8]) {
    let first = once(ending, bytes);
    if first.is_some() {
        assert_eq!(first, once(ending, bytes), "one archive gives two trees");
    }
}

/// Unpacks a tar file whose headers are given the checksums they ask for: random bytes never have the right ones.
pub fn tar(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    for header in bytes.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
    unpacked("tar", &bytes);
}

/// Unpacks what one of the compressors wrote; the bytes begin with its mark.
pub fn compressed(bytes: &[u8]) {
    let ending = match bytes {
        [0x1f, ..] => "tar.gz",
        [0xfd, ..] => "tar.xz",
        [b'B', ..] => "tar.bz2",
        _ => return,
    };
    unpacked(ending, bytes);
}

/// Unpacks a package of Debian.
pub fn deb(bytes: &[u8]) {
    unpacked("deb", bytes);
}

fn once(ending: &str, bytes: &[u8]) -> Option<String> {
    let place = Place::with(bytes);
    let name = Origin::Https(format!("https://example.org/source.{ending}"));
    let sha256 = Sha256::of(bytes);
    let archive = Archive { root: ".".to_owned(), size: None, note: None, sha256, origins: vec![name] };
    let result = unpack(&place.input(), &archive, &Source::of_tree(sha256), &place.destination());
    place.check();
    match result {
        Ok(()) => Some(digest(&place.destination())),
        Err(error) => {
            assert!(!format!("{error:#}").is_empty());
            None
        }
    }
}
