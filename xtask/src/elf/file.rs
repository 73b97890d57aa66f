//! The facts of one ELF file: owned, plain, and without any opinion on them.

use std::fmt;

use serde::Serialize;

use crate::model::{Arch, GlibcVersion};

use super::policy;
use super::protections::Protections;

/// The bytes begin as an ELF file and do not go on as one. The text says what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("broken ELF file: {0}")]
pub struct BrokenElf(pub String);

/// What [`super::read()`] found in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElfFile {
    /// Whose instructions it holds, in words, such as `x86_64` or `32-bit i386`.
    pub machine: String,
    /// The same, if it is one that layers are built for (64 bits, little-endian).
    pub arch: Option<Arch>,
    /// What it is.
    pub kind: Kind,
    /// The loader it asks the kernel for; none in libraries and in static programs.
    pub interpreter: Option<String>,
    /// The name it gives itself as a library.
    pub soname: Option<String>,
    /// The libraries it names, in its own order.
    pub needed: Vec<String>,
    /// Where it looks for them; empty where it does not say.
    pub search: Search,
    /// The symbol versions the loader must find, in the file's order.
    pub versions: Vec<VersionNeed>,
    /// Names of the dynamic symbols that others can use, sorted.
    pub exports: Vec<String>,
    /// Names of the dynamic symbols it takes from any library that has them, sorted.
    pub unversioned: Vec<String>,
    /// What makes it harder to attack.
    pub hardening: Hardening,
    /// What its compiler added for the same purpose.
    pub protections: Protections,
    /// What `strip` would take away.
    pub leftovers: Leftovers,
    /// Whether its relative relocations are packed (`DT_RELR`), which loaders before glibc 2.36 do not know.
    pub packed_relocations: bool,
    /// The parts of glibc that a static program carries.
    pub static_glibc: Option<StaticGlibc>,
}

/// What an ELF file is, as the loader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A program that must be loaded at one fixed address.
    FixedProgram,
    /// A program that can be loaded anywhere (PIE).
    Program,
    /// A library, or a module such as Python's.
    SharedLibrary,
    /// An object file, a core dump: nothing that a loader takes.
    NotLoadable,
}

impl Kind {
    /// Whether it is run by its path and therefore needs the run bit.
    pub fn is_program(self) -> bool {
        matches!(self, Kind::FixedProgram | Kind::Program)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::FixedProgram => "program at a fixed address",
            Kind::Program => "program",
            Kind::SharedLibrary => "shared library",
            Kind::NotLoadable => "not loadable, so not audited",
        })
    }
}

/// Folders in which the loader looks for needed libraries, colon by colon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// `DT_RPATH`, which the loader ignores if there is a `DT_RUNPATH`.
    pub rpath: Vec<String>,
    /// `DT_RUNPATH`.
    pub runpath: Vec<String>,
}

impl Search {
    /// The entries the loader uses.
    pub fn effective(&self) -> &[String] {
        if self.runpath.is_empty() { &self.rpath } else { &self.runpath }
    }
}

/// One symbol version that a library must define.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionNeed {
    /// The library's name, as in [`ElfFile::needed`].
    pub library: String,
    /// The version's name, such as `GLIBC_2.17`.
    pub version: String,
    /// Whether the loader goes on without it.
    pub weak: bool,
    /// The symbols that ask for it, sorted; few linkers leave a version that none asks for.
    pub symbols: Vec<String>,
}

/// What linkers and loaders do against attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardening {
    /// Whether there is a dynamic section at all: a fixed static program has none.
    pub dynamic: bool,
    /// All symbols are bound at start (`DT_BIND_NOW` or a flag of that meaning).
    pub bind_now: bool,
    /// Relocated data is read-only once relocated (`PT_GNU_RELRO`).
    pub relro: bool,
    /// What it says about the stack.
    pub stack: Stack,
    /// The loader must write into code (`DT_TEXTREL`).
    pub text_relocations: bool,
    /// A segment is writable and executable.
    pub writable_code: bool,
}

/// What the `PT_GNU_STACK` header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    /// No code on the stack.
    Data,
    /// Code on the stack.
    Executable,
    /// There is no such header, so that loaders and kernels assume the worst.
    Unsaid,
}

/// What is only of use to a debugger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// The full symbol table, `.symtab`.
    pub symbols: bool,
    /// Debug information, `.debug_*`.
    pub debug: bool,
}

/// How much of glibc a static program carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaticGlibc {
    /// With the resolver, which loads the runtime's own plug-ins when it is given a host name.
    Resolver,
    /// Without it.
    NoResolver,
}

impl ElfFile {
    /// The oldest glibc that has every version the file cannot do without.
    pub fn needs_glibc(&self) -> Option<GlibcVersion> {
        self.versions.iter().filter(|need| !need.weak).filter_map(|need| policy::glibc_version(&need.version)).max()
    }
}
