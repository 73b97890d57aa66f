//! From bytes to facts.

use object::elf;
use object::endian::Endianness;
use object::read::elf::{FileHeader, ProgramHeader as _, SectionHeader as _};

use crate::model::Arch;

use super::detect;
use super::dynamic::Dynamic;
use super::file::{BrokenElf, ElfFile, Hardening, Kind, Leftovers, Search, Stack, StaticGlibc};
use super::image::{Image, broken};
use super::policy;
use super::symbols::{self, Symbols};

/// The facts of the ELF file that `bytes` hold, or none if they hold something else.
///
/// # Errors
/// The file begins with the ELF magic and is cut off, contradicts itself, or claims to hold more
/// than any real file does.
pub fn read(bytes: &[u8]) -> Result<Option<ElfFile>, BrokenElf> {
    if !bytes.starts_with(&elf::ELFMAG) {
        return Ok(None);
    }
    match bytes.get(elf::ELFMAG.len()) {
        Some(class) if *class == elf::ELFCLASS32.0 => facts::<elf::FileHeader32<Endianness>>(bytes).map(Some),
        Some(class) if *class == elf::ELFCLASS64.0 => facts::<elf::FileHeader64<Endianness>>(bytes).map(Some),
        Some(class) => broken(format!("its class is {class}, neither 32-bit nor 64-bit")),
        None => broken("it ends after the magic number"),
    }
}

fn facts<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<ElfFile, BrokenElf> {
    let image = Image::<Elf>::parse(bytes)?;
    let leftovers = leftovers(&image)?;
    let dynamic = Dynamic::parse(&image)?;
    let interpreter = interpreter(&image)?;
    let texts = |tag, what| dynamic.as_ref().map_or(Ok(Vec::new()), |dynamic| dynamic.texts(tag, what));
    let soname = texts(elf::DT_SONAME, "its soname")?.pop();
    let needed = texts(elf::DT_NEEDED, "a needed library")?;
    let search = Search {
        rpath: split(texts(elf::DT_RPATH, "its RPATH")?.pop()),
        runpath: split(texts(elf::DT_RUNPATH, "its RUNPATH")?.pop()),
    };
    let symbols = match &dynamic {
        Some(dynamic) => symbols::read(&image, dynamic)?,
        None => Symbols::default(),
    };
    let kind = kind(&image, dynamic.as_ref(), interpreter.is_some() && soname.is_none());
    let is_static = kind.is_program() && interpreter.is_none() && needed.is_empty();
    let (machine, arch) = machine(&image);
    let protections = detect::protections(&image, arch, &symbols);
    let Symbols { exports, unversioned, needs } = symbols;
    Ok(ElfFile {
        machine,
        arch,
        kind,
        interpreter,
        soname,
        needed,
        search,
        versions: needs,
        exports,
        unversioned,
        hardening: hardening(&image, dynamic.as_ref())?,
        protections,
        leftovers,
        packed_relocations: dynamic.is_some_and(|dynamic| dynamic.has(elf::DT_RELR)),
        static_glibc: if is_static { static_glibc(bytes) } else { None },
    })
}

fn machine<Elf: FileHeader<Endian = Endianness>>(image: &Image<'_, Elf>) -> (String, Option<Arch>) {
    let wide = image.header.is_type_64() && image.header.is_little_endian();
    let machine = image.header.e_machine(image.endian);
    match machine {
        elf::EM_X86_64 if wide => (Arch::X86_64.to_string(), Some(Arch::X86_64)),
        elf::EM_AARCH64 if wide => (Arch::Arm64.to_string(), Some(Arch::Arm64)),
        elf::EM_X86_64 => ("x86_64 with 32-bit pointers (x32)".to_owned(), None),
        elf::EM_AARCH64 => ("32-bit or big-endian aarch64".to_owned(), None),
        elf::EM_386 => ("32-bit i386".to_owned(), None),
        elf::EM_ARM => ("32-bit arm".to_owned(), None),
        elf::EM_RISCV => ("riscv".to_owned(), None),
        other => (format!("a machine of ELF number {}", other.0), None),
    }
}

fn kind<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    dynamic: Option<&Dynamic<'_>>,
    asks_for_loader: bool,
) -> Kind {
    let says_pie = dynamic.is_some_and(|dynamic| dynamic.flags(elf::DT_FLAGS_1) & elf::DF_1_PIE.0 != 0);
    match image.header.e_type(image.endian) {
        elf::ET_EXEC => Kind::FixedProgram,
        // Linkers before 2017 do not mark a PIE; a library with an interpreter, such as glibc
        // itself, has a soname.
        elf::ET_DYN if says_pie || asks_for_loader => Kind::Program,
        elf::ET_DYN => Kind::SharedLibrary,
        _ => Kind::NotLoadable,
    }
}

fn interpreter<Elf: FileHeader<Endian = Endianness>>(image: &Image<'_, Elf>) -> Result<Option<String>, BrokenElf> {
    let Some(segment) = image.only(elf::PT_INTERP, "interpreter")? else { return Ok(None) };
    match segment.interpreter(image.endian, image.bytes) {
        // The kernel takes no longer path than this either.
        Ok(Some(path)) if path.len() < 4096 => Ok(Some(String::from_utf8_lossy(path).into_owned())),
        _ => broken("the path of its interpreter has no end"),
    }
}

/// The entries of a list of folders. An empty entry stays: it means the current folder.
fn split(list: Option<String>) -> Vec<String> {
    list.map_or_else(Vec::new, |list| list.split(':').map(str::to_owned).collect())
}

fn hardening<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    dynamic: Option<&Dynamic<'_>>,
) -> Result<Hardening, BrokenElf> {
    let flags = dynamic.map_or(0, |dynamic| dynamic.flags(elf::DT_FLAGS));
    let flags_1 = dynamic.map_or(0, |dynamic| dynamic.flags(elf::DT_FLAGS_1));
    let has = |tag| dynamic.is_some_and(|dynamic| dynamic.has(tag));
    Ok(Hardening {
        dynamic: dynamic.is_some(),
        bind_now: has(elf::DT_BIND_NOW) || flags & elf::DF_BIND_NOW.0 != 0 || flags_1 & elf::DF_1_NOW.0 != 0,
        relro: image.of(elf::PT_GNU_RELRO).next().is_some(),
        stack: match image.only(elf::PT_GNU_STACK, "stack")? {
            Some(segment) if segment.p_flags(image.endian).contains(elf::PF_X) => Stack::Executable,
            Some(_) => Stack::Data,
            None => Stack::Unsaid,
        },
        text_relocations: has(elf::DT_TEXTREL) || flags & elf::DF_TEXTREL.0 != 0,
        writable_code: image.of(elf::PT_LOAD).any(|segment| {
            let flags = segment.p_flags(image.endian);
            flags.contains(elf::PF_W) && flags.contains(elf::PF_X)
        }),
    })
}

/// Looks for what only the section headers tell. Without any the file is as stripped as can be.
fn leftovers<Elf: FileHeader<Endian = Endianness>>(image: &Image<'_, Elf>) -> Result<Leftovers, BrokenElf> {
    let damaged = |error| BrokenElf(format!("section headers: {error}"));
    let sections = image.header.section_headers(image.endian, image.bytes).map_err(damaged)?;
    if sections.is_empty() || image.header.e_shstrndx(image.endian) == elf::SHN_UNDEF {
        return Ok(Leftovers::default());
    }
    let index = image.header.shstrndx(image.endian, image.bytes).map_err(damaged)?;
    let names = usize::try_from(index).ok().and_then(|index| sections.get(index));
    let Some(Ok(names)) = names.map(|section| section.data(image.endian, image.bytes)) else {
        return broken("the names of its sections lie outside the file");
    };
    let is_debug = |offset: u32| {
        let name = usize::try_from(offset).ok().and_then(|offset| names.get(offset..)).unwrap_or_default();
        name.starts_with(b".debug_") || name.starts_with(b".zdebug_")
    };
    Ok(Leftovers {
        symbols: sections.iter().any(|section| section.sh_type(image.endian) == elf::SHT_SYMTAB),
        debug: sections.iter().any(|section| is_debug(section.sh_name(image.endian))),
    })
}

fn static_glibc(bytes: &[u8]) -> Option<StaticGlibc> {
    let has = |sign: &[u8]| memchr::memmem::find(bytes, sign).is_some();
    if !policy::STATIC_GLIBC_SIGNS.iter().all(|sign| has(sign.as_bytes())) {
        return None;
    }
    let resolver = has(policy::STATIC_RESOLVER_SIGN.as_bytes());
    Some(if resolver { StaticGlibc::Resolver } else { StaticGlibc::NoResolver })
}
