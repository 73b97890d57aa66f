//! The toolchain as written: what every build step of a target package finds on its `PATH` and in its environment.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::RecipeRef;

/// `recipes/toolchain.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Toolchain {
    /// The recipe of the compiler.
    pub compiler: RecipeRef,
    /// The recipe of the pip that is asked for the Python package index where the machine has none.
    pub pip: RecipeRef,
    /// Wrapper scripts by name: the command line that each puts before its own arguments.
    pub wrappers: BTreeMap<String, Vec<String>>,
    /// Texts that lie beside the wrappers, by file name.
    pub files: BTreeMap<String, String>,
    /// The environment of every build step; nothing else of the caller's gets in.
    pub env: BTreeMap<String, String>,
}
