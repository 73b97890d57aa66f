//! The members of a tar file, each with what the headers before it say of it.
//!
//! The `tar` crate reads the fields of a header. The way from header to header is ours, because the crate takes a long
//! name into memory before anybody can ask how long it is, and takes the end of the bytes for the end of the archive.

use std::io::{self, Read};

use anyhow::{Context as _, Result, bail, ensure};
use tar::{EntryType, Header};

use super::Limits;
use super::pax::{self, Records};
use crate::archive::name::shown;

/// A tar file is made of blocks of this size, and ends in two of zeros.
const BLOCK: u64 = 512;

/// The longest name or target of a link in a header of its own. No path of a system is longer.
const LONGEST_TEXT: u64 = 4096;
/// The most that one header of records may hold. A path, times and a comment take some hundred bytes.
const LONGEST_RECORDS: u64 = 64 << 10;

/// The most zeros behind the end. Programs fill up to ten kilobytes, and some tapes to half a megabyte.
const MOST_ZEROS: u64 = 16 << 20;

/// Headers for all entries. What git and others put in front is one.
const MOST_GLOBAL: u32 = 1000;

/// What is not understood is said with these words.
const BROKEN: &str = "it is broken or cut off";

/// One member: what it is, and its bytes as long as nobody asks for the next.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryType,
    /// Where it leads, if it is a link.
    pub target: Vec<u8>,
    /// Its mode, if the header has one.
    pub mode: Option<u32>,
    /// Its bytes.
    pub size: u64,
}

/// The members of a tar stream.
#[derive(Debug)]
pub struct Members<R> {
    reader: R,
    /// Bytes of the current member that have not been read.
    left: u64,
    /// Zeros behind them, to the end of a block.
    padding: u64,
    /// Headers for all entries that have come. Of the others an entry has at most four.
    global: u32,
    /// Bytes that may still come, whatever they are.
    room: u64,
}

/// What headers said of the entry that comes next.
#[derive(Debug, Default)]
struct Extension {
    name: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    records: Option<Records>,
}

impl<R: Read> Members<R> {
    /// The members of a stream, within these limits.
    pub fn new(reader: R, limits: Limits) -> Members<R> {
        // With four headers for every entry, and records that count like the bytes of entries.
        let room = limits.entries.saturating_mul(8 * BLOCK).saturating_add(limits.bytes.saturating_mul(2));
        Members { reader, left: 0, padding: 0, global: 0, room }
    }

    /// The next member. `None` at the end, behind which there is nothing then.
    pub fn next(&mut self) -> Result<Option<Member>> {
        let mut extension = Extension::default();
        loop {
            let Some(header) = self.header()? else {
                ensure!(extension.is_empty(), "its last header belongs to no entry");
                return self.end().map(|()| None);
            };
            let size = size(&header)?;
            match header.entry_type() {
                EntryType::GNULongName => put(&mut extension.name, self.text(size)?, "names")?,
                EntryType::GNULongLink => put(&mut extension.target, self.text(size)?, "targets")?,
                EntryType::XHeader => {
                    let records = pax::read(&self.extension(size, LONGEST_RECORDS)?)?;
                    put(&mut extension.records, records, "headers of records")?;
                }
                // The comment that git puts in front, for example.
                EntryType::XGlobalHeader => {
                    self.global += 1;
                    ensure!(self.global <= MOST_GLOBAL, "it has more than {MOST_GLOBAL} headers for all entries");
                    let records = pax::read(&self.extension(size, LONGEST_RECORDS)?)?;
                    ensure!(records.is_comment(), "a header for all entries says what each must say itself");
                }
                _ => return extension.member(&header, size, self).map(Some),
            }
        }
    }

    /// The next header, checked; `None` for the block of zeros that begins the end.
    fn header(&mut self) -> Result<Option<Header>> {
        self.skip()?;
        let mut header = Header::new_old();
        let bytes = header.as_mut_bytes();
        let mut filled = 0;
        while filled < bytes.len() {
            match self.reader.read(&mut bytes[filled..]) {
                Ok(0) if filled == 0 => bail!("it is cut off: the blocks that end a tar file are missing"),
                Ok(0) => bail!("{BROKEN}: it ends in the middle of a header"),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context(BROKEN),
            }
        }
        self.count(BLOCK)?;
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let sum = header.as_bytes().iter().enumerate();
        // The sum was made with blanks where it stands itself.
        let sum = sum.map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) }).sum::<u32>();
        ensure!(header.cksum().is_ok_and(|said| said == sum), "{BROKEN}: a header has another checksum than it says");
        Ok(Some(header))
    }

    /// A name in a header of its own, which ends in a zero.
    fn text(&mut self, size: u64) -> Result<Vec<u8>> {
        let mut text = self.extension(size, LONGEST_TEXT)?;
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        ensure!(text[end..].iter().all(|byte| *byte == 0), "there is something behind the end of a long name");
        text.truncate(end);
        Ok(text)
    }

    fn extension(&mut self, size: u64, most: u64) -> Result<Vec<u8>> {
        ensure!(size <= most, "a header for the entry behind it has {size} bytes; no more than {most} are read");
        self.enter(size);
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).context(BROKEN)?;
        ensure!(bytes.len() as u64 == size, "{BROKEN}: it ends in the middle of a header");
        Ok(bytes)
    }

    fn enter(&mut self, size: u64) {
        // The next multiple of a block may be more than the largest number.
        (self.left, self.padding) = (size, (BLOCK - size % BLOCK) % BLOCK);
    }

    /// Passes what nobody wanted to read.
    fn skip(&mut self) -> Result<()> {
        let cut_off = "it is cut off in the middle of an entry";
        io::copy(self, &mut io::sink()).context(BROKEN)?;
        ensure!(self.left == 0, cut_off);
        let padding = std::mem::take(&mut self.padding);
        let passed = io::copy(&mut self.reader.by_ref().take(padding), &mut io::sink()).context(BROKEN)?;
        ensure!(passed == padding, cut_off);
        self.count(padding)
    }

    /// Reads what comes behind the first block of zeros: at least another, and nothing but zeros.
    fn end(&mut self) -> Result<()> {
        let mut buffer = vec![0; 64 << 10];
        let mut zeros = 0;
        // Reading on to the end makes the decoder check its sums as well.
        loop {
            match self.reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    ensure!(buffer[..count].iter().all(|byte| *byte == 0), "there is something behind its end");
                    zeros += count as u64;
                    ensure!(zeros <= MOST_ZEROS, "it goes on and on behind its end");
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context(BROKEN),
            }
        }
        ensure!(zeros >= BLOCK && zeros % BLOCK == 0, "it is cut off: a tar file ends in two blocks of zeros");
        Ok(())
    }

    fn count(&mut self, bytes: u64) -> Result<()> {
        match self.room.checked_sub(bytes) {
            Some(room) => self.room = room,
            None => bail!("it goes on and on, beyond all that its entries can need"),
        }
        Ok(())
    }
}

/// The bytes of the current member.
impl<R: Read> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.reader.read(&mut buffer[..most])?;
        self.left -= count as u64;
        self.count(count as u64).map_err(io::Error::other)?;
        Ok(count)
    }
}

impl Extension {
    fn is_empty(&self) -> bool {
        self.name.is_none() && self.target.is_none() && self.records.is_none()
    }

    /// The member that a header begins, with what came before it.
    fn member<R: Read>(self, header: &Header, size: u64, members: &mut Members<R>) -> Result<Member> {
        let records = self.records.unwrap_or_default();
        let twice =
            (self.name.is_some() && records.path.is_some()) || (self.target.is_some() && records.link.is_some());
        let name = records.path.or(self.name).unwrap_or_else(|| header.path_bytes().into_owned());
        let shown = shown(&name);
        ensure!(!twice, "entry `{shown}` has two long names");
        ensure!(!records.has_holes, "entry `{shown}` is a file with holes, which is not supported");
        if let Some(said) = records.size.filter(|said| *said != size) {
            bail!("entry `{shown}` has {size} bytes by one of its headers and {said} by another");
        }
        let own = || header.link_name_bytes().map(|target| target.into_owned()).unwrap_or_default();
        let target = records.link.or(self.target).unwrap_or_else(own);
        members.enter(size);
        Ok(Member { kind: header.entry_type(), target, mode: header.mode().ok(), size, name })
    }
}

/// The size that a header says, which all readers must read alike.
fn size(header: &Header) -> Result<u64> {
    let field = &header.as_old().size;
    let is_binary = field[0] & 0x80 != 0;
    let is_octal = field.iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ' | 0));
    header
        .entry_size()
        .ok()
        .filter(|_| is_binary || is_octal)
        .with_context(|| format!("entry `{}` has a size that is no number", shown(&header.path_bytes())))
}

fn put<T>(place: &mut Option<T>, value: T, what: &str) -> Result<()> {
    ensure!(place.is_none(), "one of its entries has two long {what}");
    *place = Some(value);
    Ok(())
}
