//! Zips of layers: as raw bytes, and with the documents that `inspect` reads.

use std::fs;

use xtask::elf::{Options, layer};
use xtask::inspect::inspect;
use xtask::lock::Lock;

use crate::archives::unpacked;
use crate::elves::targets;
use crate::places::folder;

/// Audits, inspects and unpacks the bytes as a zip.
pub fn zip(bytes: &[u8]) {
    audit_and_inspect(bytes);
    unpacked("zip", bytes);
}

/// Puts the parts of the input into a sound zip, so that they reach what looks into the files. Parts end at a line
/// `---`; the first line of each is the file's path.
pub fn documents(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts: Vec<(&str, &str)> =
        text.split("\n---\n").map(|part| part.split_once('\n').unwrap_or((part, ""))).collect();
    parts.sort_unstable();
    parts.dedup_by(|one, other| one.0 == other.0);
    audit_and_inspect(&stored(&parts));
}

fn audit_and_inspect(bytes: &[u8]) {
    let folder = folder();
    let path = folder.path().join("layer.zip");
    fs::write(&path, bytes).expect("a file");
    let audited = layer::audit(&path, targets(), &Options::default());
    if let Ok(report) = &audited {
        assert!(report.findings.is_sorted());
        report.to_json().expect("JSON");
    }
    if let Ok(inspection) = inspect(&path, &Lock::default()) {
        // What the one can read, the other can.
        let report = audited.expect("audited");
        assert_eq!(report.unpacked, inspection.files.iter().map(|file| file.size).sum::<u64>());
        assert!(inspection.findings.is_sorted());
        serde_json::to_string(&inspection).expect("JSON");
        inspection.linked_in().for_each(drop);
        assert!(!inspection.verdict().is_empty());
    }
}

/// A zip of files that are not compressed.
fn stored(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut zip, mut list) = (Vec::new(), Vec::new());
    for (path, content) in files {
        let mut sum = flate2::Crc::new();
        sum.update(content.as_bytes());
        let mut common = Vec::new();
        for half in [1_u16 << 11, 0, 0, 33] {
            common.extend(half.to_le_bytes());
        }
        for word in [sum.sum(), length(content), length(content)] {
            common.extend(word.to_le_bytes());
        }
        common.extend(half(path.len()));
        common.extend(half(0));
        let at = u32::try_from(zip.len()).expect("small").to_le_bytes();
        zip.extend([b"PK\x03\x04\x14\0", &common[..], path.as_bytes(), content.as_bytes()].concat());
        list.extend([b"PK\x01\x02\x14\x03\x14\0", &common[..], &[0; 6], &(0o100_755_u32 << 16).to_le_bytes()].concat());
        list.extend([&at, path.as_bytes()].concat());
    }
    let count = half(files.len());
    let sizes = [list.len(), zip.len()].map(|size| u32::try_from(size).expect("small").to_le_bytes()).concat();
    [&zip[..], &list, b"PK\x05\x06\0\0\0\0", &count, &count, &sizes, &[0; 2]].concat()
}

fn half(number: usize) -> [u8; 2] {
    // A fuzzer's input is short, and a length that is cut is refused.
    (number as u16).to_le_bytes()
}

fn length(content: &str) -> u32 {
    u32::try_from(content.len()).expect("small")
}
