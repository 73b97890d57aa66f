//! An ELF file as the loader maps it: checked headers, and bytes by address.
//!
//! Facts are taken from segments, which the loader uses, and not from sections, which anybody can
//! remove or forge without changing how the file runs.

use object::elf::{self, ProgramType};
use object::endian::Endianness;
use object::read::elf::{FileHeader, ProgramHeader as _};

use super::file::BrokenElf;

/// The parts of a file that everything else is read through.
pub(super) struct Image<'data, Elf: FileHeader<Endian = Endianness>> {
    pub bytes: &'data [u8],
    pub endian: Endianness,
    pub header: &'data Elf,
    pub segments: &'data [Elf::ProgramHeader],
}

/// Says that a file is broken.
pub(super) fn broken<T>(what: impl Into<String>) -> Result<T, BrokenElf> {
    Err(BrokenElf(what.into()))
}

impl<'data, Elf: FileHeader<Endian = Endianness>> Image<'data, Elf> {
    /// Reads the file header and the program headers, and checks that every segment is in the file.
    pub fn parse(bytes: &'data [u8]) -> Result<Self, BrokenElf> {
        let header = Elf::parse(bytes).map_err(|error| BrokenElf(format!("file header: {error}")))?;
        let endian = header.endian().map_err(|error| BrokenElf(format!("file header: {error}")))?;
        let segments =
            header.program_headers(endian, bytes).map_err(|error| BrokenElf(format!("program headers: {error}")))?;
        let image = Image { bytes, endian, header, segments };
        image.segments.iter().try_for_each(|segment| image.content(segment).map(drop))?;
        Ok(image)
    }

    /// The only segment of that type. Two of them would mean that readers disagree on which one counts.
    pub fn only(&self, kind: ProgramType, what: &str) -> Result<Option<&'data Elf::ProgramHeader>, BrokenElf> {
        let mut found = self.of(kind);
        match (found.next(), found.next()) {
            (_, Some(_)) => broken(format!("it has more than one {what} segment")),
            (first, None) => Ok(first),
        }
    }

    /// All segments of that type.
    pub fn of(&self, kind: ProgramType) -> impl Iterator<Item = &'data Elf::ProgramHeader> + '_ {
        self.segments.iter().filter(move |segment| segment.p_type(self.endian) == kind)
    }

    /// What the file holds of a segment.
    pub fn content(&self, segment: &Elf::ProgramHeader) -> Result<&'data [u8], BrokenElf> {
        segment.data(self.endian, self.bytes).or_else(|()| {
            let (offset, size) = segment.file_range(self.endian);
            broken(format!(
                "a segment of {size} bytes at offset {offset} does not fit into the file's {} bytes",
                self.bytes.len()
            ))
        })
    }

    /// The bytes that are mapped at `address`, to the end of their segment's part of the file.
    pub fn at(&self, address: u64, what: &str) -> Result<&'data [u8], BrokenElf> {
        for segment in self.of(elf::PT_LOAD) {
            let start: u64 = segment.p_vaddr(self.endian).into();
            if let Some(skip) = address.checked_sub(start).and_then(|skip| usize::try_from(skip).ok())
                && let Some(rest) = self.content(segment)?.get(skip..)
                && !rest.is_empty()
            {
                return Ok(rest);
            }
        }
        broken(format!("its {what} at address {address:#x} is in no segment of the file"))
    }

    /// `size` bytes that are mapped at `address`.
    pub fn range(&self, address: u64, size: u64, what: &str) -> Result<&'data [u8], BrokenElf> {
        let rest = self.at(address, what)?;
        match usize::try_from(size).ok().and_then(|size| rest.get(..size)) {
            Some(range) => Ok(range),
            None => broken(format!("its {what} of {size} bytes at address {address:#x} ends outside its segment")),
        }
    }
}
