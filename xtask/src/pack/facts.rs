//! What the packer has to know about a layer and the packages in it.
//!
//! The plan knows all of this; it is copied into these plain structs so that
//! packing depends on nothing but the model.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::recipe::{Source, Step};
use crate::model::{Arch, GlibcVersion, LayerName, RecipeName, Sha256, Version};

/// One layer for one architecture.
#[derive(Debug, Clone)]
pub struct LayerFacts {
    /// Its name.
    pub name: LayerName,
    /// The version of its main recipe.
    pub version: Version,
    /// One line on what a function gets.
    pub summary: String,
    /// What its programs run on.
    pub arch: Arch,
    /// The oldest glibc it runs with.
    pub glibc: GlibcVersion,
    /// What compiled it; none where nothing in it is compiled.
    pub compiler: Option<Compiler>,
    /// The names of the targets it is audited for; a layer that fails one is never packed.
    pub targets: Vec<String>,
    /// Every recipe whose code or data is in the layer, those that are linked in included.
    pub recipes: Vec<PackedRecipe>,
}

/// The compiler of a layer: the same on every machine that builds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compiler {
    /// The recipe it comes from.
    pub name: RecipeName,
    /// Its version.
    pub version: Version,
}

/// One built package.
#[derive(Debug, Clone)]
pub struct PackedRecipe {
    /// The recipe.
    pub name: RecipeName,
    /// Which of its versions.
    pub version: Version,
    /// One line on what it is.
    pub summary: String,
    /// Upstream's page.
    pub homepage: String,
    /// Its names in the dictionary of CPEs, the usual one first.
    pub cpes: Vec<String>,
    /// Its package URL, where the one that follows from its origin is not the usual one.
    pub purl: Option<String>,
    /// Its terms, as an SPDX expression.
    pub spdx: String,
    /// Whether it was built from the pinned sources; false for a local tree given by `--override`.
    pub pinned: bool,
    /// The recipes of this layer that it is built with: its edges in the SBOM.
    pub needs: Vec<RecipeName>,
    /// Its source trees. Nothing of this machine: for a local tree, its digest and no archive.
    pub sources: Vec<Source>,
    /// Its patches, in the order in which they are applied.
    pub patches: Vec<Patch>,
    /// What was run, in logical paths.
    pub steps: Vec<Step>,
    /// The key of the package in the cache, which covers everything that went into it.
    pub key: Sha256,
    /// The folder that holds the package.
    pub out_dir: PathBuf,
    /// The folder that [`PackedRecipe::license_files`] are in: the source tree or a copy of it.
    pub license_dir: PathBuf,
    /// The texts of its licence, as relative paths. At least one.
    pub license_files: Vec<String>,
}

/// A patch of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// Its file below the recipe's `patches/`.
    pub file: String,
    /// The digest of that file.
    pub sha256: Sha256,
}
