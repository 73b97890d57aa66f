//! Which pages of a running program's files are in its memory, and what is in them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _, SectionFlags, elf};
use serde::{Deserialize, Serialize};

/// Bytes of a page.
const PAGE: u64 = 4096;

/// Bytes of an entry in a table of relocations.
const RELOCATION: u64 = 24;

/// Pages by what is in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pages {
    /// Which addresses the loader must fill in.
    pub relocation_tables: u64,
    /// Data that it fills in.
    pub relocated: u64,
    /// Instructions.
    pub code: u64,
    /// Data that nobody writes to.
    pub constants: u64,
    /// Other data.
    pub data: u64,
}

impl Pages {
    /// All of them.
    pub fn all(self) -> u64 {
        self.relocation_tables + self.relocated + self.code + self.constants + self.data
    }

    fn add(&mut self, part: Part) {
        *match part {
            Part::RelocationTable => &mut self.relocation_tables,
            Part::Relocated => &mut self.relocated,
            Part::Code => &mut self.code,
            Part::Constants => &mut self.constants,
            Part::Data => &mut self.data,
        } += 1;
    }
}

/// What a section of a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    RelocationTable,
    Relocated,
    Code,
    Constants,
    Data,
}

/// A file as its program has it in memory.
#[derive(Debug)]
struct Image {
    /// Address, size and use of every section.
    sections: Vec<(u64, u64, Part)>,
    relocations: u64,
}

/// What of the files below `folder` is in the memory of a process: pages, and how many relocations these files have.
///
/// # Errors
/// Where the process has ended, or a file is broken.
pub fn of_process(process: u32, folder: &Path) -> Result<(Pages, u64)> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).context("cannot read the process's memory map")?;
    let table = File::open(format!("/proc/{process}/pagemap")).context("cannot read the process's pages")?;
    let (mut pages, mut images) = (Pages::default(), BTreeMap::new());
    for (begin, end, path) in maps.lines().filter_map(mapping).filter(|(_, _, path)| path.starts_with(folder)) {
        // The kernel lists mappings by address, so the first one of a file says where all of it is.
        let (base, image) = match images.get(&path) {
            Some(known) => known,
            None => images.entry(path.clone()).or_insert((begin, Image::read(&path)?)),
        };
        for page in present(&table, begin, end)? {
            pages.add(image.part(page - base));
        }
    }
    Ok((pages, images.values().map(|(_, image)| image.relocations).sum()))
}

/// Where a mapping begins and ends, and the file it is of.
fn mapping(line: &str) -> Option<(u64, u64, PathBuf)> {
    let mut fields = line.split_whitespace();
    let (begin, end) = fields.next()?.split_once('-')?;
    let path = fields.nth(4).filter(|path| path.starts_with('/'))?;
    Some((u64::from_str_radix(begin, 16).ok()?, u64::from_str_radix(end, 16).ok()?, path.into()))
}

/// The addresses of the pages between these that are in memory.
fn present(table: &File, begin: u64, end: u64) -> Result<Vec<u64>> {
    let mut entries = vec![0; usize::try_from((end - begin) / PAGE * 8)?];
    table.read_exact_at(&mut entries, begin / PAGE * 8).context("cannot read the process's pages")?;
    // The highest bit of the eight bytes of a page.
    let is_present = entries.chunks_exact(8).map(|entry| entry[7] & 0x80 != 0);
    Ok((begin..end).step_by(4096).zip(is_present).filter_map(|(page, is)| is.then_some(page)).collect())
}

impl Image {
    fn read(path: &Path) -> Result<Image> {
        let bytes = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        Image::parse(&bytes).with_context(|| format!("`{}` is broken", path.display()))
    }

    fn parse(bytes: &[u8]) -> Result<Image> {
        let file = ElfFile64::<object::Endianness>::parse(bytes)?;
        let (mut sections, mut relocations) = (Vec::new(), 0);
        for section in file.sections().filter(|section| section.address() != 0) {
            let part = part(section.name()?, section.flags());
            if part == Part::RelocationTable {
                relocations += section.size() / RELOCATION;
            }
            sections.push((section.address(), section.size(), part));
        }
        Ok(Image { sections, relocations })
    }

    /// What most of a page is, by its address in the file's own terms. What is in no section is a header.
    fn part(&self, page: u64) -> Part {
        let overlap = |(address, size, _): &(u64, u64, Part)| {
            (address + size).min(page + PAGE).saturating_sub(*address.max(&page))
        };
        let most = self.sections.iter().filter(|section| overlap(section) > 0).max_by_key(|section| overlap(section));
        most.map_or(Part::Constants, |(_, _, part)| *part)
    }
}

fn part(name: &str, flags: SectionFlags) -> Part {
    let SectionFlags::Elf { sh_flags, .. } = flags else { return Part::Constants };
    let has = |flag| sh_flags.contains(flag);
    let relocated = [".data.rel.ro", ".got", ".got.plt", ".init_array", ".fini_array", ".dynamic", ".relro_padding"];
    match name {
        _ if name.starts_with(".rel") && name != ".relro_padding" => Part::RelocationTable,
        _ if relocated.contains(&name) => Part::Relocated,
        _ if has(elf::SHF_EXECINSTR) => Part::Code,
        _ if has(elf::SHF_WRITE) => Part::Data,
        _ => Part::Constants,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_this_program_are_found() {
        let own = std::env::current_exe().expect("a program").canonicalize().expect("a path");
        let (pages, relocations) = of_process(std::process::id(), &own).expect("readable");
        assert!(pages.code > 0 && pages.relocated > 0 && pages.constants > 0, "{pages:?}");
        assert!(relocations > 100, "{relocations}");
    }

    #[test]
    fn a_page_is_what_most_of_it_is() {
        let sections = vec![(0x1000, 0x800, Part::Constants), (0x1800, 0x1800, Part::Code)];
        let image = Image { sections: sections.clone(), relocations: 0 };
        assert_eq!([0, 0x2000].map(|page| image.part(page)), [Part::Constants, Part::Code]);
        let more = Image { sections: [sections, vec![(0x3000, 0x10, Part::Data)]].concat(), relocations: 0 };
        assert_eq!(more.part(0x3000), Part::Data);
    }

    #[test]
    fn mappings_without_a_file_are_passed_over() {
        let line = "7f00-8f00 r-xp 00001000 07:00 12  /opt/bin/ffprobe";
        assert_eq!(mapping(line), Some((0x7f00, 0x8f00, "/opt/bin/ffprobe".into())));
        assert_eq!(mapping("7f00-8f00 rw-p 00000000 00:00 0  [heap]"), None);
        assert_eq!(mapping("7f00-8f00 rw-p 00000000 00:00 0 "), None);
    }
}
