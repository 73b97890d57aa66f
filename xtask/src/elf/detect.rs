//! What the compiler added against attacks, as far as a stripped file shows it.
//!
//! The stack protector and the checked functions are seen by what they call in the C library. A program that holds the C
//! library itself calls nothing outside, so nothing can be said about it. Marks for the processor are a note, which
//! linkers write only if every object file had it.

use std::collections::BTreeSet;

use object::elf::{self, GnuPropertyType, ProgramType};
use object::endian::Endianness;
use object::read::elf::{FileHeader, NoteIterator, ProgramHeader as _};

use crate::model::{Arch, Protection};

use super::image::Image;
use super::policy;
use super::protections::Protections;
use super::symbols::Symbols;

/// Reads the protections of a file for `arch` that takes those symbols from libraries.
pub(super) fn protections<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    arch: Option<Arch>,
    symbols: &Symbols,
) -> Protections {
    let taken = || symbols.needs.iter().flat_map(|need| &need.symbols).chain(&symbols.unversioned);
    let mut seen = BTreeSet::new();
    if taken().any(|name| name == policy::STACK_PROTECTOR_FUNCTION) {
        seen.insert(Protection::StackProtector);
    }
    let checked: BTreeSet<_> = taken().filter(|name| policy::is_checked_function(name)).cloned().collect();
    if !checked.is_empty() {
        seen.insert(Protection::Fortify);
    }
    if let Some(arch) = arch {
        seen.extend(marks(image, arch));
        if arch == Arch::Arm64 && signs_returns(image) {
            seen.insert(Protection::SignedReturns);
        }
    }
    let calls_hidden = taken().next().is_none();
    Protections { seen, checked_functions: checked.into_iter().collect(), calls_hidden }
}

/// What the file's note promises the processor for all of its code.
fn marks<Elf: FileHeader<Endian = Endianness>>(image: &Image<'_, Elf>, arch: Arch) -> Vec<Protection> {
    let (property, bits) = match arch {
        Arch::X86_64 => (elf::GNU_PROPERTY_X86_FEATURE_1_AND, policy::X86_MARKS),
        Arch::Arm64 => (elf::GNU_PROPERTY_AARCH64_FEATURE_1_AND, policy::ARM_MARKS),
    };
    // Loaders look into all notes where a linker did not write the header that leads to this one.
    let note =
        property_of(image, elf::PT_GNU_PROPERTY, property).or_else(|| property_of(image, elf::PT_NOTE, property));
    let flags = note.unwrap_or(0);
    bits.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, protection)| *protection).collect()
}

/// The value of a property, in the segments of that type. A note that cannot be read promises nothing.
fn property_of<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    segments: ProgramType,
    property: GnuPropertyType,
) -> Option<u32> {
    for segment in image.of(segments) {
        let bytes = image.content(segment).ok()?;
        let mut notes = NoteIterator::<Elf>::new(image.endian, segment.p_align(image.endian), bytes).ok()?;
        while let Ok(Some(note)) = notes.next() {
            let Some(mut properties) = note.gnu_properties(image.endian) else { continue };
            while let Ok(Some(candidate)) = properties.next() {
                if candidate.pr_type() == property {
                    return candidate.data_u32(image.endian).ok();
                }
            }
        }
    }
    None
}

/// Whether any function signs its return address. The instructions are hints, which older processors pass over, so a
/// file needs no mark to have them.
fn signs_returns<Elf: FileHeader<Endian = Endianness>>(image: &Image<'_, Elf>) -> bool {
    image.of(elf::PT_LOAD).filter(|segment| segment.p_flags(image.endian).contains(elf::PF_X)).any(|segment| {
        let code = image.content(segment).unwrap_or_default();
        code.as_chunks::<4>().0.iter().any(|word| policy::SIGNING_INSTRUCTIONS.contains(&u32::from_le_bytes(*word)))
    })
}
