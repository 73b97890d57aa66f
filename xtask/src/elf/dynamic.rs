//! The dynamic section: what a file tells the loader, entry by entry.

use std::cell::Cell;

use object::elf::{self, DynamicTag};
use object::endian::Endianness;
use object::read::elf::{Dyn as _, FileHeader, ProgramHeader as _};

use super::file::BrokenElf;
use super::image::{Image, broken};

/// A real dynamic section has some thirty entries; one with a library per entry has some hundreds.
const MAX_ENTRIES: usize = 1 << 16;

/// Mangled C++ names of some kilobytes exist.
const MAX_NAME: usize = 1 << 16;

/// Bytes of names read from one file. The largest library we know of has a tenth of it. The limit
/// is there because any number of symbols can share one long name, which the file holds once.
const MAX_NAMES: usize = 64 << 20;

/// The entries of a dynamic section, and the strings they point to.
pub(super) struct Dynamic<'data> {
    entries: Vec<(DynamicTag, u64)>,
    strings: &'data [u8],
    names_left: Cell<usize>,
}

impl<'data> Dynamic<'data> {
    /// The dynamic section of the image; none in a fixed static program.
    pub fn parse<Elf: FileHeader<Endian = Endianness>>(
        image: &Image<'data, Elf>,
    ) -> Result<Option<Dynamic<'data>>, BrokenElf> {
        let Some(segment) = image.only(elf::PT_DYNAMIC, "dynamic")? else { return Ok(None) };
        let table = match segment.dynamic(image.endian, image.bytes) {
            Ok(Some(table)) => table,
            Ok(None) => return Ok(None),
            Err(error) => return broken(format!("dynamic section: {error}")),
        };
        let mut entries = Vec::new();
        for entry in table {
            let tag = entry.tag(image.endian);
            if tag == elf::DT_NULL {
                break;
            }
            if entries.len() == MAX_ENTRIES {
                return broken(format!("its dynamic section has more than {MAX_ENTRIES} entries"));
            }
            entries.push((tag, entry.val(image.endian)));
        }
        let mut dynamic = Dynamic { entries, strings: &[], names_left: Cell::new(MAX_NAMES) };
        if let Some(address) = dynamic.value(elf::DT_STRTAB) {
            let size = dynamic.value(elf::DT_STRSZ).unwrap_or(0);
            dynamic.strings = image.range(address, size, "string table")?;
        }
        Ok(Some(dynamic))
    }

    /// The value of an entry that counts once. The loader lets a later one win.
    pub fn value(&self, tag: DynamicTag) -> Option<u64> {
        self.entries.iter().rev().find(|(candidate, _)| *candidate == tag).map(|(_, value)| *value)
    }

    /// Whether there is an entry of that tag.
    pub fn has(&self, tag: DynamicTag) -> bool {
        self.value(tag).is_some()
    }

    /// The flags an entry holds; none where there is no such entry.
    pub fn flags(&self, tag: DynamicTag) -> u64 {
        self.value(tag).unwrap_or(0)
    }

    /// The text of every entry of that tag, in order.
    pub fn texts(&self, tag: DynamicTag, what: &str) -> Result<Vec<String>, BrokenElf> {
        self.entries
            .iter()
            .filter(|(candidate, _)| *candidate == tag)
            .map(|(_, offset)| self.name(*offset, what))
            .collect()
    }

    /// The string at `offset` of the string table.
    pub fn name(&self, offset: u64, what: &str) -> Result<String, BrokenElf> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.strings.get(offset..)).unwrap_or_default();
        let Some(length) = memchr::memchr(0, &rest[..rest.len().min(MAX_NAME)]) else {
            return broken(format!("the name of {what}, at {offset} of the string table, has no end"));
        };
        match self.names_left.get().checked_sub(length + 1) {
            Some(left) => self.names_left.set(left),
            None => return broken(format!("its names are longer than {MAX_NAMES} bytes altogether")),
        }
        Ok(String::from_utf8_lossy(&rest[..length]).into_owned())
    }
}
