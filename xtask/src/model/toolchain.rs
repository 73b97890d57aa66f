//! The toolchain as written: what every build step of a target package finds on its `PATH` and in its environment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Arch, Protection, RecipeRef};

/// `recipes/toolchain.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Toolchain {
    /// The recipe of the compiler.
    pub compiler: RecipeRef,
    /// The recipe of the pip that is asked for the Python package index where the machine has none.
    pub pip: RecipeRef,
    /// What stands for `{flags}` in the wrappers.
    #[serde(default)]
    pub flags: ByArch<String>,
    /// What these flags must achieve: the audit demands it of every program and library that a layer carries.
    #[serde(default)]
    pub protections: ByArch<Protection>,
    /// Wrapper scripts by name: the command line that each puts before its own arguments.
    pub wrappers: BTreeMap<String, Vec<String>>,
    /// Texts that lie beside the wrappers, by file name.
    pub files: BTreeMap<String, String>,
    /// The environment of every build step; nothing else of the caller's gets in.
    pub env: BTreeMap<String, String>,
}

/// A list that depends on the architecture in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, bound(deserialize = "T: Deserialize<'de>"))]
pub struct ByArch<T> {
    /// On every architecture.
    pub any: Vec<T>,
    /// On x86_64 only.
    pub x86_64: Vec<T>,
    /// On arm64 only.
    pub arm64: Vec<T>,
}

impl<T> Default for ByArch<T> {
    fn default() -> ByArch<T> {
        ByArch { any: Vec::new(), x86_64: Vec::new(), arm64: Vec::new() }
    }
}

impl<T> ByArch<T> {
    /// What holds on `arch`: first what all have in common.
    pub fn on(&self, arch: Arch) -> impl Iterator<Item = &T> {
        let own = match arch {
            Arch::X86_64 => &self.x86_64,
            Arch::Arm64 => &self.arm64,
        };
        self.any.iter().chain(own)
    }
}
