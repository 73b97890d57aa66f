//! Debian's source indexes: `dists/SUITE/main/source/Sources.xz`, stanzas of fields, one for each source package.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read};

use serde::{Deserialize, Serialize};

use crate::model::Sha256;

/// The suites that have new versions first: `sid` takes what is to be released, `experimental` what is not yet.
pub const SUITES: [&str; 2] = ["sid", "experimental"];

/// The longest index that is read, unpacked: that of sid has 70 MB in 2026.
const LONGEST: u64 = 512 << 20;
/// The longest line, the list of binary packages for one, has some 100 KB.
const LONGEST_LINE: u64 = 4 << 20;

/// One version of a source package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Debian's version.
    pub version: String,
    /// Where its files are below the archive's root.
    pub directory: String,
    /// Its files.
    pub files: Vec<SourceFile>,
}

/// A file of a source package, as the index states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Of its bytes.
    pub sha256: Sha256,
}

/// Where the index of a suite is below an archive's root.
pub fn index(suite: &str) -> String {
    format!("dists/{suite}/main/source/Sources.xz")
}

/// What a packed index says of the packages `wanted`. Fails where it is no such index.
pub fn read(packed: &[u8], wanted: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<SourcePackage>>, String> {
    let mut text = std::io::BufReader::with_capacity(256 << 10, liblzma::read::XzDecoder::new(packed).take(LONGEST));
    let mut found: BTreeMap<String, Vec<SourcePackage>> = BTreeMap::new();
    let (mut line, mut stanza, mut package, mut stanzas) = (Vec::new(), Vec::new(), None, 0_u64);
    loop {
        line.clear();
        let count = (&mut text).take(LONGEST_LINE).read_until(b'\n', &mut line);
        let count = count.map_err(|error| format!("it is not a packed index: {error}"))?;
        if count == 0 || line == b"\n" {
            if let Some(name) = package.take() {
                found.entry(name).or_default().extend(source(&stanza));
            }
            stanza.clear();
            if count == 0 {
                break;
            }
        } else if let Some(name) = line.strip_prefix(b"Package: ") {
            stanzas += 1;
            package =
                std::str::from_utf8(name).ok().map(|name| name.trim().to_owned()).filter(|name| wanted.contains(name));
        } else if package.is_some() {
            stanza.extend_from_slice(&line);
        }
    }
    if stanzas == 0 { Err("it is not an index of source packages".to_owned()) } else { Ok(found) }
}

fn source(stanza: &[u8]) -> Option<SourcePackage> {
    let text = std::str::from_utf8(stanza).ok()?;
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim));
    let mut files = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if !line.starts_with(' ') {
            inside = line.trim_end() == "Checksums-Sha256:";
        } else if inside {
            let mut words = line.split_whitespace();
            let (sha256, size, name) = (words.next()?, words.next()?, words.next()?);
            files.push(SourceFile { name: name.to_owned(), size: size.parse().ok()?, sha256: sha256.parse().ok()? });
        }
    }
    Some(SourcePackage { version: value("Version")?.to_owned(), directory: value("Directory")?.to_owned(), files })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    pub(crate) fn packed(text: &str) -> Vec<u8> {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
        encoder.write_all(text.as_bytes()).expect("packed");
        encoder.finish().expect("packed")
    }

    fn wanted() -> BTreeSet<String> {
        ["curl".to_owned(), "nasm".to_owned()].into()
    }

    #[test]
    fn reads_the_wanted_packages() {
        let digest = "a".repeat(64);
        let text = format!(
            "Package: curl\nBinary: curl,\n libcurl4t64\nVersion: 8.21.0-2\nChecksums-Sha256:\n {digest} 42 curl_8.21.0.orig.tar.gz\n \
             {digest} 7 curl_8.21.0-2.dsc\nFiles:\n 00 7 curl_8.21.0-2.dsc\nDirectory: pool/main/c/curl\n\nPackage: curlftpfs\nVersion: 1\n\n\
             Package: curl\nVersion: 8.23.0~rc3-1\nDirectory: pool/main/c/curl"
        );
        let found = read(&packed(&text), &wanted()).expect("an index");
        assert_eq!(found.keys().collect::<Vec<_>>(), ["curl"]);
        let [released, candidate] = found["curl"].as_slice() else { panic!("{found:?}") };
        assert_eq!((released.version.as_str(), released.directory.as_str()), ("8.21.0-2", "pool/main/c/curl"));
        let names: Vec<_> = released.files.iter().map(|file| (file.name.as_str(), file.size)).collect();
        assert_eq!(names, [("curl_8.21.0.orig.tar.gz", 42), ("curl_8.21.0-2.dsc", 7)]);
        assert_eq!((candidate.version.as_str(), candidate.files.len()), ("8.23.0~rc3-1", 0));
    }

    #[test]
    fn broken_indexes_are_errors_or_empty() {
        for (bytes, error) in [
            (b"<html>not found</html>".to_vec(), "it is not a packed index: "),
            (Vec::new(), "it is not a packed index: "),
            (packed("<html></html>"), "it is not an index of source packages"),
        ] {
            let found = read(&bytes, &wanted()).expect_err("no index");
            assert!(found.starts_with(error), "{found}");
        }
        let whole = packed("Package: nasm\nVersion: 3.01-1\nDirectory: pool/main/n/nasm\n");
        assert!(read(&whole[..whole.len() - 8], &wanted()).is_err(), "cut off");
        // A package without a version is passed over, and so is one with a size that is no number.
        let digest = "a".repeat(64);
        for text in [
            "Package: nasm\n\nPackage: nasm\nVersion: 1\n".to_owned(),
            format!("Package: nasm\nVersion: 1\nDirectory: x\nChecksums-Sha256:\n {digest} many x\n"),
            "Package: nasm\nVersion: 1\nDirectory: x\nChecksums-Sha256:\n zz 1 x\n".to_owned(),
        ] {
            assert!(read(&packed(&text), &wanted()).expect("an index")["nasm"].is_empty(), "{text}");
        }
    }
}
