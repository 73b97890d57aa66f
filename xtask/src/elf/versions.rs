//! Symbol versions: those a file needs from others, and those it defines.

use std::collections::{BTreeMap, BTreeSet};

use object::elf::{self, Verdaux, Verdef, Vernaux, Verneed};
use object::endian::Endianness;
use object::pod::{self, Pod};
use object::read::elf::FileHeader;

use super::dynamic::Dynamic;
use super::file::{BrokenElf, VersionNeed};
use super::image::{Image, broken};

/// Symbols name a version by 15 bits, so a file has no use for more. The records form chains of
/// offsets, which may overlap: without a limit a small file could keep us busy for hours.
const MAX_VERSIONS: usize = 1 << 15;

/// The versions of one file.
#[derive(Default)]
pub(super) struct Versions {
    /// What it needs, in the file's order.
    pub needs: Vec<VersionNeed>,
    /// For the index that symbols carry, the position in `needs`.
    pub by_index: BTreeMap<u16, usize>,
    /// Names of what it defines.
    pub defined: BTreeSet<String>,
}

/// Follows chains of records and stops after too many.
struct Chains<'data> {
    bytes: &'data [u8],
    endian: Endianness,
    left: usize,
}

impl Versions {
    pub fn parse<Elf: FileHeader<Endian = Endianness>>(
        image: &Image<'_, Elf>,
        dynamic: &Dynamic<'_>,
    ) -> Result<Versions, BrokenElf> {
        let mut versions = Versions::default();
        if let Some(address) = dynamic.value(elf::DT_VERNEED) {
            let bytes = image.at(address, "table of needed versions")?;
            versions.read_needs(&mut Chains { bytes, endian: image.endian, left: MAX_VERSIONS }, dynamic)?;
        }
        if let Some(address) = dynamic.value(elf::DT_VERDEF) {
            let bytes = image.at(address, "table of defined versions")?;
            versions.read_definitions(&mut Chains { bytes, endian: image.endian, left: MAX_VERSIONS }, dynamic)?;
        }
        Ok(versions)
    }

    fn read_needs(&mut self, chains: &mut Chains<'_>, dynamic: &Dynamic<'_>) -> Result<(), BrokenElf> {
        let endian = chains.endian;
        let mut at = Some(0);
        while let Some(offset) = at {
            let library: &Verneed<Endianness> = chains.record(offset)?;
            let mut next = step(offset, library.vn_aux.get(endian));
            while let Some(offset) = next {
                let version: &Vernaux<Endianness> = chains.record(offset)?;
                self.by_index.insert(version.vna_other.get(endian).0 & elf::VERSYM_VERSION, self.needs.len());
                self.needs.push(VersionNeed {
                    // Read anew for each version, so that every copy counts against the limit on names.
                    library: dynamic.name(library.vn_file.get(endian).into(), "a library of a needed version")?,
                    version: dynamic.name(version.vna_name.get(endian).into(), "a needed version")?,
                    weak: version.vna_flags.get(endian).contains(elf::VER_FLG_WEAK),
                    symbols: Vec::new(),
                });
                next = step(offset, version.vna_next.get(endian));
            }
            at = step(offset, library.vn_next.get(endian));
        }
        Ok(())
    }

    fn read_definitions(&mut self, chains: &mut Chains<'_>, dynamic: &Dynamic<'_>) -> Result<(), BrokenElf> {
        let endian = chains.endian;
        let mut at = Some(0);
        while let Some(offset) = at {
            let version: &Verdef<Endianness> = chains.record(offset)?;
            // The first name is the version's own; further ones are those it follows on.
            if let Some(first) = step(offset, version.vd_aux.get(endian)) {
                let name: &Verdaux<Endianness> = chains.record(first)?;
                self.defined.insert(dynamic.name(name.vda_name.get(endian).into(), "a defined version")?);
            }
            at = step(offset, version.vd_next.get(endian));
        }
        Ok(())
    }
}

impl<'data> Chains<'data> {
    fn record<T: Pod>(&mut self, offset: usize) -> Result<&'data T, BrokenElf> {
        let Some(left) = self.left.checked_sub(1) else {
            return broken(format!("its version tables have more than {MAX_VERSIONS} records"));
        };
        self.left = left;
        match self.bytes.get(offset..).map(pod::from_bytes) {
            Some(Ok((record, _))) => Ok(record),
            _ => broken("a record of its version tables lies outside the segment"),
        }
    }
}

/// Where a chain goes on: nowhere if the distance is 0.
fn step(offset: usize, distance: u32) -> Option<usize> {
    let distance = usize::try_from(distance).ok().filter(|distance| *distance != 0)?;
    offset.checked_add(distance)
}
