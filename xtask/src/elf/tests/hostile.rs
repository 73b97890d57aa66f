//! Files that are cut off, damaged or made to keep the reader busy: an error or facts, never a
//! panic (which would fail the test), and never long.

use std::time::{Duration, Instant};

use object::elf::{self, FileHeader64, ProgramHeader64};
use object::endian::Endianness;
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};

use super::*;
use crate::model::ByArch;

/// Reads and audits; the outcome is of no interest.
fn survive(bytes: &[u8], targets: &Targets) {
    if let Ok(Some(file)) = read(bytes) {
        let carried = CarriedLibraries::new();
        let protections = ByArch::default();
        let context = Context {
            path: "bin/x",
            place: Place::Layer,
            arch: None,
            carried: &carried,
            exports: None,
            protections: &protections,
        };
        let findings = audit(&file, &context, targets);
        assert!(findings.is_sorted());
    }
}

/// A program with needed versions, a RUNPATH, sections and symbols.
fn victim() -> Vec<u8> {
    let source = "#include <stdio.h>\nint shown(void) { return puts(\"x\"); }\nint main(void) { return shown(); }";
    let shop = Workshop::new();
    let path = shop.cc("victim", source, &["-rdynamic", "-g", "-Wl,-rpath,$ORIGIN/../lib,--hash-style=both"]);
    fs::read(path).expect("a file")
}

/// A library that defines versions.
fn versioned() -> Vec<u8> {
    let shop = Workshop::new();
    shop.write("map", "A_1 { global: f; local: *; }; A_2 { global: g; } A_1;");
    let source = "int f(void) { return 1; } int g(void) { return 2; }";
    fs::read(shop.cc("x.so", source, &[CLEAN, &["-Wl,--version-script,map"]].concat())).expect("a file")
}

/// A small generator with a fixed seed (xorshift), so that a failure comes back.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

#[test]
fn a_file_cut_off_anywhere_is_broken() {
    let targets = targets();
    let bytes = victim();
    for length in (4..1024).chain((1024..bytes.len()).step_by(61)) {
        let error = read(&bytes[..length]).expect_err("the section headers at the end are missing");
        assert!(!error.0.is_empty());
        survive(&bytes[..length], &targets);
    }
    assert!(read(&bytes).is_ok());
}

#[test]
fn a_file_without_sections_is_read_and_still_found_cut_off() {
    let mut bytes = victim();
    let whole = read(&bytes).expect("sound").expect("an ELF file");
    set(&mut bytes, 40, &[0; 8]);
    set(&mut bytes, 60, &[0; 4]);
    let bare = read(&bytes).expect("sound").expect("an ELF file");
    assert_eq!(ElfFile { leftovers: whole.leftovers, ..bare }, whole);
    let ranges = segments(&bytes).iter().map(|segment| segment.file_range(Endianness::Little));
    let end =
        usize::try_from(ranges.map(|(offset, size)| offset + size).max().expect("segments")).expect("a small file");
    assert!(read(&bytes[..end]).is_ok());
    assert!(error(&bytes[..end - 1]).contains("does not fit into the file's"), "{}", error(&bytes[..end - 1]));
}

#[test]
fn hidden_symbols_are_no_exports() {
    let mut bytes = versioned();
    let exports = read(&bytes).expect("sound").expect("an ELF file").exports;
    assert_eq!(exports, ["f", "g"]);
    let table = entry(&bytes, elf::DT_SYMTAB).expect("a symbol table");
    let start = usize::try_from(word(&bytes, table + 8)).expect("an address in the file");
    // No linker leaves a hidden symbol there, but the loader would not give it to others either.
    for symbol in 1..=2 + 2 {
        bytes[start + 24 * symbol + 5] = elf::STV_HIDDEN.0;
    }
    assert!(read(&bytes).expect("sound").expect("an ELF file").exports.is_empty());
}

#[test]
fn thousands_of_damaged_files_do_no_harm() {
    let targets = targets();
    let mut chance = Xorshift(0x9e37_79b9_7f4a_7c15);
    let begun = Instant::now();
    for original in [victim(), versioned()] {
        let hot = hot_spots(&original);
        for round in 0..6000 {
            let mut bytes = original.clone();
            for _ in 0..=chance.below(3) {
                // Mostly where the tables are: damaged code is of no interest.
                let at = if round % 8 == 0 { chance.below(bytes.len()) } else { hot[chance.below(hot.len())] };
                match chance.below(4) {
                    0 => bytes[at] ^= 1 << chance.below(8),
                    1 => bytes[at] = chance.next() as u8,
                    2 => fill(&mut bytes, at, 0xff, 8),
                    _ => {
                        let word = INTERESTING[chance.below(INTERESTING.len())].to_le_bytes();
                        let end = (at + 8).min(bytes.len());
                        bytes[at..end].copy_from_slice(&word[..end - at]);
                    }
                }
            }
            survive(&bytes, &targets);
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

const INTERESTING: [u64; 10] =
    [0, 1, 0x7fff_ffff, 0xffff_ffff, 1 << 32, u64::MAX, u64::MAX - 7, 0x8000_0000_0000_0000, 0x1000, 24];

fn fill(bytes: &mut [u8], at: usize, value: u8, length: usize) {
    let end = (at + length).min(bytes.len());
    bytes[at..end].fill(value);
}

/// Bytes of headers, the dynamic section, versions, symbols and hash tables.
fn hot_spots(bytes: &[u8]) -> Vec<usize> {
    let header = header(bytes);
    let endian = header.endian().expect("endian");
    let mut spots: Vec<usize> = (0..64 + 56 * usize::from(header.e_phnum.get(endian))).collect();
    let dynamic = offset_of(bytes, elf::PT_DYNAMIC);
    spots.extend(dynamic..dynamic + 480);
    for tag in [elf::DT_VERNEED, elf::DT_VERDEF, elf::DT_GNU_HASH, elf::DT_HASH, elf::DT_SYMTAB, elf::DT_VERSYM] {
        if let Some(entry) = entry(bytes, tag) {
            let address = word(bytes, entry + 8);
            // Tables of the first segment are mapped where they are in the file.
            let start = usize::try_from(address).expect("an address in the file");
            spots.extend(start..(start + 96).min(bytes.len()));
        }
    }
    spots.retain(|spot| *spot < bytes.len());
    spots
}

fn header(bytes: &[u8]) -> &FileHeader64<Endianness> {
    FileHeader64::parse(bytes).expect("a header")
}

fn segments(bytes: &[u8]) -> &[ProgramHeader64<Endianness>] {
    let header = header(bytes);
    header.program_headers(header.endian().expect("endian"), bytes).expect("program headers")
}

/// Where in the file the segment of that type is.
fn offset_of(bytes: &[u8], kind: elf::ProgramType) -> usize {
    let segment = segments(bytes).iter().find(|segment| segment.p_type(Endianness::Little) == kind);
    segment.expect("a segment").p_offset(Endianness::Little) as usize
}

/// Where in the file the dynamic entry of that tag is.
fn entry(bytes: &[u8], tag: elf::DynamicTag) -> Option<usize> {
    let segment = segments(bytes).iter().find(|segment| segment.p_type(Endianness::Little) == elf::PT_DYNAMIC)?;
    let table = segment.dynamic(Endianness::Little, bytes).ok()??;
    let position = table.iter().position(|entry| entry.tag(Endianness::Little) == tag)?;
    Some(offset_of(bytes, elf::PT_DYNAMIC) + position * 16)
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

fn set(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn error(bytes: &[u8]) -> String {
    read(bytes).expect_err("a broken file").to_string()
}

#[test]
fn counts_that_no_file_can_hold_are_refused() {
    let original = victim();
    // e_phnum, e_phentsize, e_shnum, e_shstrndx, e_phoff and e_shoff.
    for (at, value) in [
        (56, &[0xfe, 0xff][..]),
        (54, &[1, 0]),
        (60, &[0xff, 0xfe]),
        (62, &[0xf0, 0xfe]),
        (32, &[0xff; 8]),
        (40, &[0xf0; 8]),
    ] {
        let mut bytes = original.clone();
        set(&mut bytes, at, value);
        assert!(error(&bytes).starts_with("broken ELF file: "), "{at}");
    }
    // A symbol table of 4 thousand million symbols, by its hash table.
    let mut bytes = original.clone();
    let hash = word(&bytes, entry(&bytes, elf::DT_HASH).expect("a hash table") + 8) as usize;
    set(&mut bytes, hash + 4, &[0xff; 4]);
    assert!(error(&bytes).contains("hash"), "{}", error(&bytes));
    // A string table that ends elsewhere.
    let mut bytes = original;
    set_entry(&mut bytes, elf::DT_STRSZ, u64::MAX);
    assert!(error(&bytes).contains("string table"), "{}", error(&bytes));
}

#[test]
fn a_segment_that_is_there_twice_is_refused() {
    let mut bytes = victim();
    let stack = segments(&bytes).iter().position(|segment| segment.p_type(Endianness::Little) == elf::PT_GNU_STACK);
    let at = 64 + 56 * stack.expect("a stack header");
    set(&mut bytes, at, &elf::PT_INTERP.0.to_le_bytes());
    assert_eq!(error(&bytes), "broken ELF file: it has more than one interpreter segment");
}

/// Appends bytes to a file and maps them at [`FAR`], in place of its stack header.
fn append_segment(mut bytes: Vec<u8>, content: &[u8]) -> Vec<u8> {
    let start = bytes.len().next_multiple_of(8);
    bytes.resize(start, 0);
    bytes.extend(content);
    let stack = segments(&bytes).iter().position(|segment| segment.p_type(Endianness::Little) == elf::PT_GNU_STACK);
    let header = 64 + 56 * stack.expect("a stack header");
    let size = content.len() as u64;
    set(&mut bytes, header, &[elf::PT_LOAD.0.to_le_bytes(), 4u32.to_le_bytes()].concat());
    set(&mut bytes, header + 8, &[start as u64, FAR, FAR, size, size, 4].map(u64::to_le_bytes).concat());
    bytes
}

/// An address beyond everything in a small file.
const FAR: u64 = 0x4000_0000;

fn set_entry(bytes: &mut [u8], tag: elf::DynamicTag, value: u64) {
    let at = entry(bytes, tag).expect("an entry of that tag");
    set(bytes, at + 8, &value.to_le_bytes());
}

#[test]
fn chains_without_end_are_left() {
    let begun = Instant::now();
    // At any multiple of four there is a record whose parts all begin four bytes on.
    let mut bytes = append_segment(victim(), &4u32.to_le_bytes().repeat(1 << 20));
    set_entry(&mut bytes, elf::DT_VERNEED, FAR);
    let message = error(&bytes);
    assert!(message.contains("more than 32768 records"), "{message}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn names_without_end_are_left() {
    // One library and 2,000 versions of it, which all have the same long name.
    let mut table = [1u16, 2000].map(u16::to_le_bytes).concat();
    table.extend([1u32, 16, 0].map(u32::to_le_bytes).concat());
    for _ in 0..2000 {
        table.extend([0u32, 0, 1, 16].map(u32::to_le_bytes).concat());
    }
    let names = table.len() as u64;
    table.extend([b"\0", &[b'a'; 60_000][..], b"\0"].concat());
    let size = table.len() as u64 - names;
    let mut bytes = append_segment(victim(), &table);
    set_entry(&mut bytes, elf::DT_VERNEED, FAR);
    set_entry(&mut bytes, elf::DT_STRTAB, FAR + names);
    set_entry(&mut bytes, elf::DT_STRSZ, size);
    // The offsets of other names are none of this table's.
    for tag in [elf::DT_NEEDED, elf::DT_RUNPATH] {
        set_entry(&mut bytes, tag, 1);
    }
    assert_eq!(error(&bytes), "broken ELF file: its names are longer than 67108864 bytes altogether");
}

#[test]
fn libraries_without_end_are_left() {
    let mut bytes = victim();
    let dynamic = segments(&bytes).iter().position(|segment| segment.p_type(Endianness::Little) == elf::PT_DYNAMIC);
    let header = 64 + 56 * dynamic.expect("a dynamic segment");
    let start = bytes.len().next_multiple_of(16);
    bytes.resize(start, 0);
    bytes.extend([1u64, 1].map(u64::to_le_bytes).concat().repeat(100_000));
    let size = (bytes.len() - start) as u64;
    set(&mut bytes, header + 8, &(start as u64).to_le_bytes());
    set(&mut bytes, header + 32, &size.to_le_bytes());
    assert!(error(&bytes).contains("more than 65536 entries"), "{}", error(&bytes));
}

#[test]
fn a_name_without_end_is_refused() {
    let mut bytes = victim();
    set_entry(&mut bytes, elf::DT_NEEDED, u64::MAX);
    assert!(error(&bytes).contains("the name of a needed library, at 18446744073709551615"), "{}", error(&bytes));
}

#[test]
fn packed_relocations_are_seen() {
    let mut bytes = victim();
    assert!(!read(&bytes).expect("sound").expect("an ELF file").packed_relocations);
    let at = entry(&bytes, elf::DT_DEBUG).expect("a place for a debugger's data");
    set(&mut bytes, at, &elf::DT_RELR.0.to_le_bytes());
    assert!(read(&bytes).expect("sound").expect("an ELF file").packed_relocations);
}
