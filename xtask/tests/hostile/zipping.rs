//! Zip files, written byte by byte, so that every field can lie.

use std::io::Write as _;

/// An entry, in the list and by itself.
#[derive(Clone)]
pub struct Entry {
    /// What the list says.
    pub listed: Record,
    /// What stands in front of the bytes.
    pub own: Record,
    /// The bytes as they are packed.
    pub packed: Vec<u8>,
    /// What stands behind them.
    pub behind: Vec<u8>,
}

/// The fields that both records have, and the two that only the list has.
#[derive(Clone)]
pub struct Record {
    pub name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub crc32: u32,
    pub packed: u32,
    pub size: u32,
    pub extra: Vec<u8>,
    /// Upper half: a mode.
    pub attributes: u32,
    /// The system that it was made by.
    pub system: u8,
}

/// Names in UTF-8.
pub const UTF8: u16 = 1 << 11;
/// The size stands behind the bytes.
pub const BEHIND: u16 = 1 << 3;

/// A file that is deflated.
pub fn file(name: impl AsRef<[u8]>, body: &[u8]) -> Entry {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    let packed = encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory");
    packed_file(name, 8, packed, body)
}

/// A file that is not.
pub fn stored(name: impl AsRef<[u8]>, body: &[u8]) -> Entry {
    packed_file(name, 0, body.to_vec(), body)
}

fn packed_file(name: impl AsRef<[u8]>, method: u16, packed: Vec<u8>, body: &[u8]) -> Entry {
    let mut sum = flate2::Crc::new();
    sum.update(body);
    let own = Record {
        name: name.as_ref().to_vec(),
        flags: UTF8,
        method,
        crc32: sum.sum(),
        packed: u32::try_from(packed.len()).expect("small"),
        size: u32::try_from(body.len()).expect("small"),
        extra: Vec::new(),
        attributes: 0o100_644 << 16,
        system: 3,
    };
    Entry { listed: own.clone(), own, packed, behind: Vec::new() }
}

impl Entry {
    /// The same with another mode.
    pub fn mode(mut self, mode: u32) -> Entry {
        self.listed.attributes = mode << 16;
        self
    }

    /// The same with something else in both records.
    pub fn both(mut self, change: impl Fn(&mut Record)) -> Entry {
        change(&mut self.listed);
        change(&mut self.own);
        self
    }

    /// The same with something else in the list.
    pub fn listed(mut self, change: impl Fn(&mut Record)) -> Entry {
        change(&mut self.listed);
        self
    }

    /// The same with something else in front of the bytes.
    pub fn own(mut self, change: impl Fn(&mut Record)) -> Entry {
        change(&mut self.own);
        self
    }

    /// The entry's part of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let name = &self.own.name;
        [b"PK\x03\x04\x14\0", &self.own.common()[..], name, &self.own.extra, &self.packed, &self.behind].concat()
    }

    /// The entry's part of the list.
    pub fn line(&self, at: usize) -> Vec<u8> {
        let record = &self.listed;
        let place = u32::try_from(at).expect("small").to_le_bytes();
        let mut line = [b"PK\x01\x02\x14", &[record.system][..], b"\x14\0", &record.common(), &[0; 6]].concat();
        line.extend([&record.attributes.to_le_bytes()[..], &place, &record.name, &record.extra].concat());
        line
    }
}

impl Record {
    fn common(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for half in [self.flags, self.method, 0, 33] {
            bytes.extend(half.to_le_bytes());
        }
        for word in [self.crc32, self.packed, self.size] {
            bytes.extend(word.to_le_bytes());
        }
        for length in [self.name.len(), self.extra.len()] {
            bytes.extend(u16::try_from(length).expect("short").to_le_bytes());
        }
        bytes
    }
}

/// The parts of a zip, to be put together in any way.
pub struct Parts {
    pub entries: Vec<u8>,
    pub list: Vec<u8>,
    pub count: u16,
}

/// The entries one behind the other, and their list.
pub fn parts(entries: &[Entry]) -> Parts {
    let mut parts = Parts { entries: Vec::new(), list: Vec::new(), count: 0 };
    for entry in entries {
        parts.list.extend(entry.line(parts.entries.len()));
        parts.entries.extend(entry.bytes());
        parts.count += 1;
    }
    parts
}

impl Parts {
    /// The record at the end, for a list that begins at `at`.
    pub fn end(&self, at: usize, comment: &[u8]) -> Vec<u8> {
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend([self.count.to_le_bytes(), self.count.to_le_bytes()].concat());
        for length in [self.list.len(), at] {
            end.extend(u32::try_from(length).expect("small").to_le_bytes());
        }
        end.extend(u16::try_from(comment.len()).expect("short").to_le_bytes());
        end.extend(comment);
        end
    }

    /// The whole file.
    pub fn zip(&self) -> Vec<u8> {
        [&self.entries[..], &self.list, &self.end(self.entries.len(), b"")].concat()
    }
}

/// A zip of these entries.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    parts(entries).zip()
}

/// An extra field.
pub fn extra(kind: u16, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("short");
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), bytes].concat()
}
