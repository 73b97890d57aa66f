//! The records of a zip file, read as strictly as our own writer writes them (`APPNOTE.TXT` 4.3).
//!
//! A zip says most things twice: in a list at its end, and in front of each entry's bytes. Where the two differ, tools
//! differ in what they unpack. So both are read, and must agree.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use anyhow::{Context as _, Result, bail, ensure};

use super::name::shown;

/// Lengths of the records without names, extra fields and comments.
pub(super) const END: u64 = 22;
const LISTED: u64 = 46;
const LOCAL: u64 = 30;

/// The longest comment behind the last record.
const LONGEST_COMMENT: u64 = 65_535;

/// What begins the record that locates a 64-bit end record, and that locator's length.
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_LENGTH: u64 = 20;

/// Flags of an entry that we understand: sizes behind the bytes, a name in UTF-8, and two bits of the compressor.
const BEHIND: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;
const COMPRESSOR: u16 = 0b110;
/// The flags of the two kinds of encryption.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// Extra fields that say something else than the record they belong to: 64-bit sizes, another name, encryption.
const CONTRADICTING: [(u16, &str); 4] = [
    (0x0001, "64-bit sizes, which no file of a layer needs"),
    (0x7075, "a second name"),
    (0x9901, "another kind of encryption"),
    (0x0017, "another kind of encryption"),
];

/// How an entry's bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// As they are.
    Stored,
    /// Deflate.
    Deflated,
}

/// The record at a zip's end.
#[derive(Debug)]
pub(super) struct EndRecord {
    /// Where it begins, which is where the list ends.
    pub at: u64,
    /// Where the list begins.
    pub list: u64,
    /// How many entries it has.
    pub count: u16,
    /// Bytes of the comment behind it.
    pub comment: u16,
}

/// What the list says of one entry.
#[derive(Debug)]
pub(super) struct Listed {
    /// The name as it is written.
    pub name: Vec<u8>,
    /// The system whose attributes the entry has.
    pub system: u8,
    /// The attributes; the upper half is a `st_mode`.
    pub attributes: u32,
    /// Where the entry's own record begins.
    pub at: u64,
    /// Its packing.
    pub method: Method,
    /// Bytes as they are packed.
    pub packed: u64,
    /// Bytes once unpacked.
    pub size: u64,
    /// Of the unpacked bytes.
    pub crc32: u32,
    flags: u16,
}

/// Fields of a record, one after another.
struct Fields<'b>(&'b [u8]);

impl Fields<'_> {
    fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    fn half(&mut self) -> u16 {
        let value = self.0.first_chunk().map_or(0, |bytes| u16::from_le_bytes(*bytes));
        self.skip(2);
        value
    }

    fn word(&mut self) -> u32 {
        let value = self.0.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        self.skip(4);
        value
    }
}

/// Exactly so many bytes from a place of the file.
fn bytes(file: &File, at: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

impl EndRecord {
    /// Finds the one record that ends a file of that length.
    pub fn find(file: &File, length: u64) -> Result<EndRecord> {
        let start = length.saturating_sub(END + LONGEST_COMMENT);
        let tail = bytes(file, start, length - start).context("it cannot be read")?;
        // Every reader searches backwards, and the first place with this mark must be the record.
        let Some(position) = memchr::memmem::rfind(&tail, b"PK\x05\x06") else {
            bail!("it is not a whole zip file: it has no record at its end");
        };
        let at = start + position as u64;
        ensure!(length - at >= END, "it is not a whole zip file: the record at its end is cut off");
        let mut fields = Fields(&tail[position + 4..]);
        let disks = [fields.half(), fields.half()];
        let counts = [fields.half(), fields.half()];
        let (size, list, comment) = (fields.word(), fields.word(), fields.half());
        ensure!(length - at - END >= u64::from(comment), "it is cut off in its comment");
        ensure!(length - at - END == u64::from(comment), "there is something behind its end");
        let located = at
            .checked_sub(LOCATOR_LENGTH)
            .is_some_and(|locator| bytes(file, locator, 4).is_ok_and(|magic| magic == LOCATOR));
        if located || counts.contains(&u16::MAX) || size == u32::MAX || list == u32::MAX {
            bail!("it is a zip of 64-bit records, which are for more than 65,534 entries or 4 GB");
        }
        ensure!(disks == [0, 0] && counts[0] == counts[1], "it is one part of a zip in several parts");
        let (size, list) = (u64::from(size), u64::from(list));
        ensure!(list + size <= at, "it is not a whole zip file: its list does not fit in front of its end");
        // What was put in front moves everything by its length.
        ensure!(list + size == at || !is_moved(file, at - size), "there is something in front of its first entry");
        ensure!(list + size == at, "there is something between its list and its end");
        Ok(EndRecord { at, list, count: counts[1], comment })
    }
}

/// Whether a list begins here, although the record at the end says that it begins elsewhere.
fn is_moved(file: &File, at: u64) -> bool {
    bytes(file, at, 4).is_ok_and(|magic| magic == b"PK\x01\x02")
}

impl Listed {
    /// Reads the entry of the list at `at`. Also where the next one begins.
    pub fn read(file: &File, at: u64, end: &EndRecord) -> Result<(Listed, u64)> {
        let cut_off = "its list of entries is cut off";
        ensure!(end.at - at >= LISTED, cut_off);
        let fixed = bytes(file, at, LISTED).context("it cannot be read")?;
        ensure!(fixed.starts_with(b"PK\x01\x02"), "its list of entries is broken");
        let mut fields = Fields(&fixed[4..]);
        let [_made_by, system] = fields.half().to_le_bytes();
        fields.skip(2);
        let (flags, method) = (fields.half(), fields.half());
        fields.skip(4);
        let (crc32, packed, size) = (fields.word(), fields.word(), fields.word());
        let [name, extra, comment, disk] = [(); 4].map(|()| fields.half());
        fields.skip(2);
        let (attributes, place) = (fields.word(), fields.word());
        let lengths = u64::from(name) + u64::from(extra);
        let next = at + LISTED + lengths + u64::from(comment);
        ensure!(next <= end.at, cut_off);
        let mut name_and_extra = bytes(file, at + LISTED, lengths).context("it cannot be read")?;
        let extra = name_and_extra.split_off(usize::from(name));
        let name = name_and_extra;
        let shown = shown(&name);
        check_flags(flags, &name).with_context(|| format!("entry `{shown}`"))?;
        check_extra(&extra).with_context(|| format!("entry `{shown}`"))?;
        ensure!(disk == 0, "entry `{shown}` is in another part of a zip in several parts");
        ensure!(
            ![packed, size, place].contains(&u32::MAX),
            "entry `{shown}` says that it has 64-bit sizes, and has none"
        );
        let method = match method {
            0 => Method::Stored,
            8 => Method::Deflated,
            other => bail!("entry `{shown}` is packed by method {other}; only deflate is supported"),
        };
        let (packed, size, at) = (u64::from(packed), u64::from(size), u64::from(place));
        ensure!(method == Method::Deflated || packed == size, "entry `{shown}` is not packed and still has two sizes");
        ensure!(
            method == Method::Deflated || flags & BEHIND == 0 || size == 0,
            "entry `{shown}` is not packed and has its size behind it, so that tools disagree where it ends"
        );
        Ok((Listed { name, system, attributes, at, method, packed, size, crc32, flags }, next))
    }

    /// Reads the entry's own record, which must say the same as the list. Where its bytes begin, and where all that
    /// belongs to it ends; nothing of it may lie at `end` or beyond.
    pub fn locate(&self, file: &File, end: u64) -> Result<(u64, u64)> {
        let differ = "its two lists of entries differ";
        ensure!(end.saturating_sub(self.at) >= LOCAL, differ);
        let fixed = bytes(file, self.at, LOCAL).context("it cannot be read")?;
        ensure!(fixed.starts_with(b"PK\x03\x04"), "{differ}: there is no entry where the list says one");
        let mut fields = Fields(&fixed[6..]);
        let (flags, method) = (fields.half(), fields.half());
        fields.skip(4);
        let sums = [fields.word(), fields.word(), fields.word()];
        let (name_length, extra_length) = (u64::from(fields.half()), u64::from(fields.half()));
        let data = self.at + LOCAL + name_length + extra_length;
        ensure!(data <= end, differ);
        let own = bytes(file, self.at + LOCAL, name_length + extra_length).context("it cannot be read")?;
        let (name, extra) = own.split_at(usize::from(u16::try_from(name_length).unwrap_or_default()));
        ensure!(name == self.name, "{differ}: the entry itself is called `{}`", shown(name));
        check_extra(extra)?;
        ensure!(flags == self.flags, "{differ} in the flags");
        ensure!(method == self.method.number(), "{differ} in how it is packed");
        let expected = [u64::from(self.crc32), self.packed, self.size];
        let behind = flags & BEHIND != 0;
        let same = sums.map(u64::from) == expected || (behind && sums == [0; 3]);
        ensure!(same, "{differ} in its sizes or its checksum");
        let packed_end = data + self.packed;
        ensure!(packed_end <= end, "its bytes reach into its list of entries");
        if !behind {
            return Ok((data, packed_end));
        }
        let length = (end - packed_end).min(16);
        let found = bytes(file, packed_end, length).context("it cannot be read")?;
        let (marked, sums) = found.strip_prefix(b"PK\x07\x08").map_or((0, &found[..]), |sums| (4, sums));
        ensure!(sums.len() >= 12, "the sizes behind it are missing");
        let mut fields = Fields(sums);
        let sums = [fields.word(), fields.word(), fields.word()].map(u64::from);
        ensure!(sums == expected, "{differ}: there are other sizes or another checksum behind the bytes");
        Ok((data, packed_end + marked + 12))
    }
}

impl Method {
    fn number(self) -> u16 {
        match self {
            Method::Stored => 0,
            Method::Deflated => 8,
        }
    }
}

fn check_flags(flags: u16, name: &[u8]) -> Result<()> {
    ensure!(flags & ENCRYPTED == 0, "it is encrypted");
    let unknown = flags & !(BEHIND | UTF8 | COMPRESSOR);
    ensure!(unknown == 0, "it has flags that are not supported, {unknown:#06x}");
    ensure!(
        flags & UTF8 != 0 || name.is_ascii(),
        "its name is not marked as UTF-8, so that tools disagree on what it is called"
    );
    Ok(())
}

/// Refuses extra fields that contradict the record, and such that are cut off.
fn check_extra(mut extra: &[u8]) -> Result<()> {
    while !extra.is_empty() {
        ensure!(extra.len() >= 4, "its extra fields are cut off");
        let mut fields = Fields(extra);
        let (kind, length) = (fields.half(), usize::from(fields.half()));
        ensure!(fields.0.len() >= length, "its extra fields are cut off");
        if let Some((_, what)) = CONTRADICTING.iter().find(|(known, _)| *known == kind) {
            bail!("its extra fields say {what}");
        }
        extra = &fields.0[length..];
    }
    Ok(())
}
