//! ELF files: an error or facts, and findings that are sorted and written.

use std::sync::LazyLock;

use xtask::elf::{CarriedLibraries, Context, Place, audit, read};
use xtask::model::{Arch, ByArch, Targets};

static TARGETS: LazyLock<Targets> =
    LazyLock::new(|| toml::from_str(include_str!("../../../docker/targets.toml")).expect("our targets"));

/// The runtimes of this checkout.
pub fn targets() -> &'static Targets {
    &TARGETS
}

/// Reads and audits the bytes as a file of a layer.
pub fn elf(bytes: &[u8]) {
    let Ok(Some(file)) = read(bytes) else { return };
    let mut carried = CarriedLibraries::new();
    carried.add("lib/libx.so.1", file.soname.as_deref());
    let protections = ByArch::default();
    for (path, place) in [("bin/x", Place::Layer), ("lib/libx.so.1", Place::Layer), ("x", Place::Alone)] {
        let context = Context {
            path,
            place,
            arch: Some(Arch::X86_64),
            carried: &carried,
            exports: None,
            protections: &protections,
        };
        let findings = audit(&file, &context, targets());
        assert!(findings.is_sorted(), "{findings:?}");
    }
    assert!(file.exports.is_sorted() && file.unversioned.is_sorted());
}
