//! Zip files, read so that every byte has one meaning.
//!
//! The entries lie one behind the other from the first byte on, then comes the list of them, then the record that ends
//! the file: nothing in front, between or behind, no two entries that share bytes, no entry that the list does not
//! name. List and entries agree. What is unpacked has exactly the size and the checksum that it says, and takes exactly
//! the bytes that belong to it.
//!
//! The `zip` crate reads more leniently and clears the bits of modes that matter here, so that it serves the tests only.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;

use anyhow::{Context as _, Result, bail, ensure};
use flate2::bufread::DeflateDecoder;

use super::name::{Kind, clean, shown};
use super::records::{EndRecord, Listed, Method};

/// Unix file types, in the upper half of an entry's attributes.
const TYPE_MASK: u32 = 0o170_000;
const TYPE_LINK: u32 = 0o120_000;
const TYPE_FILE: u32 = 0o100_000;
const TYPE_FOLDER: u32 = 0o040_000;
/// The mark of a folder in the lower half, which is DOS'.
const DOS_FOLDER: u32 = 0x10;

/// Systems whose attributes are a mode: Unix and macOS.
const UNIX: [u8; 2] = [3, 19];

/// Programs and texts shrink to a third or a tenth. What shrinks more than this was made to fill a disk or a memory;
/// below the size it does no harm.
const MOST_TIMES: u64 = 100;
const HARMLESS: u64 = 1 << 20;

/// A link's target is a path, so more than this is none.
const LONGEST_TARGET: u64 = 4096;

/// A zip file that has been found sound, but for what is packed in it.
#[derive(Debug)]
pub struct Zip {
    file: File,
    entries: Vec<Entry>,
    comment: u16,
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name as a path: without empty and `.` parts, and without `/` at its end.
    pub path: String,
    /// The name as it is written.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its mode, setuid and the like included; none where it was not made for Unix.
    pub mode: Option<u32>,
    /// Bytes, once unpacked.
    pub size: u64,
    packed: u64,
    crc32: u32,
    method: Method,
    data: u64,
}

impl Zip {
    /// Reads the records of a zip file and holds them against each other. Takes memory for the names, which the file
    /// really has, and nothing for what sizes claim.
    ///
    /// # Errors
    /// Some byte does not belong to it, two records contradict each other, or an entry's name or size is made to harm.
    pub fn open(file: File) -> Result<Zip> {
        let length = file.metadata().context("it cannot be read")?.len();
        let end = EndRecord::find(&file, length)?;
        let mut listed = Vec::new();
        let mut at = end.list;
        for _ in 0..end.count {
            let (entry, next) = Listed::read(&file, at, &end)?;
            listed.push((listed.len(), entry));
            at = next;
        }
        ensure!(at == end.at, "there is something between its list and its end");
        // The list may have another order than the entries.
        listed.sort_by_key(|(_, entry)| entry.at);
        let mut entries = Vec::with_capacity(listed.len());
        let mut expected = 0;
        for (number, listed) in listed {
            let shown = shown(&listed.name);
            if listed.at < expected {
                bail!("entry `{shown}` shares bytes with another entry");
            }
            ensure!(listed.at == expected || expected > 0, "there is something in front of its first entry");
            ensure!(
                listed.at == expected,
                "there is something in front of entry `{shown}` that its list does not name"
            );
            let (data, next) = listed.locate(&file, end.list).with_context(|| format!("entry `{shown}`"))?;
            entries.push((number, Entry::new(listed, data)?));
            expected = next;
        }
        ensure!(expected == end.list, "there is something behind its last entry that its list does not name");
        entries.sort_by_key(|(number, _)| *number);
        Ok(Zip { file, entries: entries.into_iter().map(|(_, entry)| entry).collect(), comment: end.comment })
    }

    /// The entries, in the order of the list.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether there is a comment, in which anything may stand.
    pub fn has_comment(&self) -> bool {
        self.comment > 0
    }

    /// The bytes of an entry, unpacked. The end is only reached if size, checksum and packed size are right.
    pub fn read<'z>(&'z self, entry: &'z Entry) -> Bytes<'z> {
        let packed = Packed { file: &self.file, at: entry.data, left: entry.packed };
        let buffer = usize::try_from(entry.packed).unwrap_or(BUFFER).clamp(1, BUFFER);
        let packed = BufReader::with_capacity(buffer, packed);
        let stream = match entry.method {
            Method::Stored => Stream::Stored(packed),
            Method::Deflated => Stream::Deflated(DeflateDecoder::new(packed)),
        };
        Bytes { stream, entry, sum: flate2::Crc::new() }
    }
}

/// What is read of a file at once.
const BUFFER: usize = 64 << 10;

impl Entry {
    fn new(listed: Listed, data: u64) -> Result<Entry> {
        let Listed { name, system, attributes, method, packed, size, crc32, .. } = listed;
        let shown = shown(&name);
        let path = match clean(&name) {
            Ok(path) => path,
            Err(why) => bail!("entry `{shown}` {why}"),
        };
        ensure!(!path.is_empty() || name.ends_with(b"/"), "entry `{shown}` has no name");
        ensure!(!name.contains(&b'\\'), "entry `{shown}` has a backslash in its name");
        let named_folder = name.ends_with(b"/");
        let marked_folder = attributes & DOS_FOLDER != 0;
        let kind = match (attributes >> 16) & TYPE_MASK {
            0 | TYPE_FOLDER if named_folder => Kind::Folder,
            _ if named_folder => bail!("entry `{shown}` is named like a folder but is none"),
            TYPE_FOLDER => bail!("entry `{shown}` is a folder but not named like one"),
            0 if marked_folder => bail!("entry `{shown}` is a folder but not named like one"),
            0 | TYPE_FILE => Kind::File,
            TYPE_LINK => Kind::Link,
            _ => Kind::Special,
        };
        ensure!(kind != Kind::Folder || size == 0, "entry `{shown}` is a folder and has bytes");
        ensure!(kind != Kind::Link || size <= LONGEST_TARGET, "entry `{shown}` is a link to a path of {size} bytes");
        ensure!(
            size <= HARMLESS || size / MOST_TIMES <= packed,
            "entry `{shown}` unpacks from {packed} to {size} bytes, as only a zip bomb does"
        );
        let mode = (attributes >> 16) & !TYPE_MASK;
        let mode = (UNIX.contains(&system) && attributes >> 16 != 0).then_some(mode);
        let name = String::from_utf8(name).context("it has a name that is not UTF-8")?;
        Ok(Entry { name, path, kind, mode, size, packed, crc32, method, data })
    }
}

/// The packed bytes of one entry.
#[derive(Debug)]
struct Packed<'z> {
    file: &'z File,
    at: u64,
    left: u64,
}

impl Read for Packed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// How packed bytes become an entry's.
#[derive(Debug)]
enum Stream<'z> {
    Stored(BufReader<Packed<'z>>),
    Deflated(DeflateDecoder<BufReader<Packed<'z>>>),
}

/// An entry's bytes.
#[derive(Debug)]
pub struct Bytes<'z> {
    stream: Stream<'z>,
    entry: &'z Entry,
    sum: flate2::Crc,
}

impl Bytes<'_> {
    /// Bytes so far.
    fn length(&self) -> u64 {
        match &self.stream {
            Stream::Stored(packed) => self.entry.packed - packed.get_ref().left - packed.buffer().len() as u64,
            Stream::Deflated(decoder) => decoder.total_out(),
        }
    }

    /// Whether all is as the entry says, once nothing more comes.
    fn check(&self) -> io::Result<()> {
        let damaged = |text: String| Err(io::Error::new(io::ErrorKind::InvalidData, text));
        let used = match &self.stream {
            Stream::Stored(_) => self.entry.packed,
            Stream::Deflated(decoder) => decoder.total_in(),
        };
        if self.length() != self.entry.size {
            damaged(format!("it has {} bytes and says that it has {}", self.length(), self.entry.size))
        } else if used != self.entry.packed {
            damaged(format!("it needs {used} of the {} bytes that belong to it", self.entry.packed))
        } else if self.sum.sum() != self.entry.crc32 {
            damaged("its bytes have another checksum than it says".to_owned())
        } else {
            Ok(())
        }
    }
}

impl Read for Bytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.stream {
            Stream::Stored(packed) => packed.read(buffer)?,
            Stream::Deflated(decoder) => decoder.read(buffer)?,
        };
        self.sum.update(&buffer[..count]);
        if self.length() > self.entry.size {
            let more = format!("it has more than the {} bytes that it says", self.entry.size);
            return Err(io::Error::new(io::ErrorKind::InvalidData, more));
        }
        if count == 0 && !buffer.is_empty() {
            self.check()?;
        }
        Ok(count)
    }
}
