//! Dynamic symbols: what a file takes from others and what it gives them.

use object::elf;
use object::endian::{Endianness, U16};
use object::pod;
use object::read::elf::{FileHeader, GnuHashTable, HashTable, Rel as _, Rela as _, Sym};

use super::dynamic::Dynamic;
use super::file::{BrokenElf, VersionNeed};
use super::image::{Image, broken};
use super::versions::Versions;

/// More than any library we know of has, by a factor of ten.
const MAX_SYMBOLS: usize = 1 << 20;

/// The dynamic symbols of one file, sorted by what they mean to others.
#[derive(Default)]
pub(super) struct Symbols {
    pub exports: Vec<String>,
    pub unversioned: Vec<String>,
    pub needs: Vec<VersionNeed>,
}

/// Reads the dynamic symbol table and credits each symbol to the version it needs.
pub(super) fn read<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    dynamic: &Dynamic<'_>,
) -> Result<Symbols, BrokenElf> {
    let mut versions = Versions::parse(image, dynamic)?;
    let mut symbols = Symbols::default();
    let (table, indices) = tables(image, dynamic)?;
    // Symbol 0 is there so that 0 can mean none.
    for (position, symbol) in table.iter().enumerate().skip(1) {
        let bind = symbol.st_bind();
        if bind == elf::STB_LOCAL || symbol.st_name(image.endian) == 0 {
            continue;
        }
        let index = indices.get(position).map_or(elf::VER_NDX_GLOBAL.0, |index| index.get(image.endian));
        let need = versions.by_index.get(&(index & elf::VERSYM_VERSION)).copied();
        let name = dynamic.name(symbol.st_name(image.endian).into(), "a symbol")?;
        if let Some(need) = need.and_then(|need| versions.needs.get_mut(need)) {
            // A variable of another library that is copied into the program is defined here and
            // has a needed version: it is taken, not given.
            need.symbols.push(name);
        } else if symbol.st_shndx(image.endian) == elf::SHN_UNDEF {
            symbols.unversioned.push(name);
        } else if is_visible(symbol) && !versions.defined.contains(&name) {
            // GNU ld gives each version it defines a symbol of the same name.
            symbols.exports.push(name);
        }
    }
    sort(&mut symbols.exports);
    sort(&mut symbols.unversioned);
    versions.needs.iter_mut().for_each(|need| sort(&mut need.symbols));
    symbols.needs = versions.needs;
    Ok(symbols)
}

fn sort(names: &mut Vec<String>) {
    names.sort_unstable();
    names.dedup();
}

fn is_visible<S: Sym>(symbol: &S) -> bool {
    matches!(symbol.st_visibility(), elf::STV_DEFAULT | elf::STV_PROTECTED)
}

/// The symbol table, and the version index of each symbol (empty where none has a version).
#[allow(clippy::type_complexity)]
fn tables<'data, Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'data, Elf>,
    dynamic: &Dynamic<'data>,
) -> Result<(&'data [Elf::Sym], &'data [U16<Endianness>]), BrokenElf> {
    let count = count(image, dynamic)?;
    let Some(address) = dynamic.value(elf::DT_SYMTAB).filter(|_| count > 0) else { return Ok((&[], &[])) };
    if count > MAX_SYMBOLS {
        return broken(format!("it claims to have {count} dynamic symbols, more than {MAX_SYMBOLS}"));
    }
    if dynamic.value(elf::DT_SYMENT) != Some(size_of::<Elf::Sym>() as u64) {
        return broken("the entries of its symbol table do not have the size of a symbol");
    }
    let outside = |_| BrokenElf(format!("its table of {count} dynamic symbols ends outside its segment"));
    let (table, _) = pod::slice_from_bytes(image.at(address, "symbol table")?, count).map_err(outside)?;
    let indices = match dynamic.value(elf::DT_VERSYM) {
        Some(address) => {
            pod::slice_from_bytes(image.at(address, "table of version indices")?, count).map_err(outside)?.0
        }
        None => &[],
    };
    Ok((table, indices))
}

/// How many symbols there are. No entry says so: the loader only ever sees those that a hash table
/// or a relocation leads to, so the highest of these is the last that matters.
fn count<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    dynamic: &Dynamic<'_>,
) -> Result<usize, BrokenElf> {
    let mut count = 0;
    if let Some(address) = dynamic.value(elf::DT_HASH) {
        let table = HashTable::<Elf>::parse(image.endian, image.at(address, "hash table")?)
            .map_err(|error| BrokenElf(format!("hash table: {error}")))?;
        count = count.max(table.symbol_table_length());
    }
    if let Some(address) = dynamic.value(elf::DT_GNU_HASH) {
        let table = GnuHashTable::<Elf>::parse(image.endian, image.at(address, "GNU hash table")?)
            .map_err(|error| BrokenElf(format!("GNU hash table: {error}")))?;
        // The length is none for a table without any symbol, which is what most programs have.
        count = count.max(table.symbol_table_length(image.endian).unwrap_or(0));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Ok(count.max(relocated(image, dynamic)?))
}

/// One more than the highest symbol that a relocation names; 0 where none does.
fn relocated<Elf: FileHeader<Endian = Endianness>>(
    image: &Image<'_, Elf>,
    dynamic: &Dynamic<'_>,
) -> Result<usize, BrokenElf> {
    let procedures_have_addends = dynamic.value(elf::DT_PLTREL) == Some(elf::DT_RELA.0 as u64);
    let tables = [
        (elf::DT_RELA, elf::DT_RELASZ, true),
        (elf::DT_REL, elf::DT_RELSZ, false),
        (elf::DT_JMPREL, elf::DT_PLTRELSZ, procedures_have_addends),
    ];
    let mut highest = 0;
    for (start, size, addends) in tables {
        let Some(address) = dynamic.value(start) else { continue };
        let size = dynamic.value(size).unwrap_or(0);
        if size == 0 {
            continue;
        }
        let bytes = image.range(address, size, "relocation table")?;
        let symbol = if addends {
            let table: &[Elf::Rela] = whole(bytes)?;
            table.iter().map(|relocation| relocation.r_sym(image.endian, false)).max()
        } else {
            let table: &[Elf::Rel] = whole(bytes)?;
            table.iter().map(|relocation| relocation.r_sym(image.endian)).max()
        };
        highest = highest.max(symbol.unwrap_or(0));
    }
    Ok(if highest == 0 { 0 } else { usize::try_from(highest).map_or(usize::MAX, |highest| highest.saturating_add(1)) })
}

fn whole<T: pod::Pod>(bytes: &[u8]) -> Result<&[T], BrokenElf> {
    pod::slice_from_all_bytes(bytes)
        .map_err(|()| BrokenElf("the size of a relocation table is no multiple of a relocation's".to_owned()))
}
