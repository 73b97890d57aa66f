//! Recipes as written: one upstream project, its pinned versions, how to compile it.
//!
//! A recipe says everything in logical paths (`{src}`, `{out}`, …). What it
//! means for one architecture is worked out in [`crate::plan`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Arch, Origin, RecipeName, RecipeRef, Sha256, Version};

/// `recipes/<name>/recipe.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// The name, equal to its folder's.
    pub name: RecipeName,
    /// One line on what it is, for `list` and the SBOM.
    pub summary: String,
    /// Upstream's page.
    pub homepage: String,
    /// Under which terms upstream gives it.
    pub license: License,
    /// Where the result runs.
    pub platform: Platform,
    /// The version used where none is named.
    pub default: Version,
    /// Recipes whose programs the steps run.
    #[serde(default)]
    pub tools: Vec<RecipeRef>,
    /// Recipes whose headers and libraries the steps use, for every version.
    #[serde(default)]
    pub needs: Vec<RecipeRef>,
    /// The pinned versions.
    pub versions: Vec<RecipeVersion>,
    /// How to get from `{src}` to `{out}`.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// Where the result of a recipe runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// On the machine that builds: a tool.
    Builder,
    /// In the function: compiled once per architecture.
    Target,
    /// Anywhere: plain files, the same for every architecture.
    Any,
}

/// The terms of an upstream project.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct License {
    /// An SPDX expression.
    pub spdx: String,
    /// The texts, as paths in the source tree; they go into every layer that contains the recipe.
    pub files: Vec<String>,
}

/// One pinned version.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecipeVersion {
    /// As upstream writes it.
    pub version: Version,
    /// What this version needs beyond [`Recipe::needs`], such as a library of the same version.
    #[serde(default)]
    pub needs: Vec<RecipeRef>,
    /// Files below the recipe's `patches/`, applied in this order.
    #[serde(default)]
    pub patches: Vec<String>,
    /// The source tree; for a tool, one per architecture of the building machine.
    pub sources: Vec<Source>,
}

/// One source tree, to be had from one or more archives.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Source {
    /// The building machine this is for; any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<Arch>,
    /// The digest of the tree ([`crate::source::tree`]) after `keep` and `omit`. It proves that
    /// archives whose bytes differ hold the same source, so it must be there if there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<Sha256>,
    /// Globs of what to take from the archive; everything where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<String>,
    /// Globs of what to leave out, such as files that a distribution removes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omit: Vec<String>,
    /// Globs of files to make executable: wheels drop the run bit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub executable: Vec<String>,
    /// The archives, in order of preference.
    pub archives: Vec<Archive>,
}

/// One archive: exact bytes, and the places that serve them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Archive {
    /// The folder inside the archive that is the source tree; for a plain file, the name it gets.
    pub root: String,
    /// Bytes.
    pub size: u64,
    /// Of the archive as served.
    pub sha256: Sha256,
    /// In order of preference.
    pub origins: Vec<Origin>,
}

/// One step of a build. Paths are logical: `{src}`, `{build}`, `{out}`, `{recipe}` (the recipe's own
/// folder) and `{needs:NAME}`; `{version}`, `{arch}`, `{jobs}` are values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Step {
    /// Runs a program, without a shell, in a cleared environment.
    Run(Run),
    /// Copies a file or a whole folder.
    Copy(Copy),
}

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Run {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Where it runs.
    #[serde(default = "Run::default_cwd")]
    pub cwd: String,
    /// What it finds in its environment beyond the builder's few variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
}

impl Run {
    fn default_cwd() -> String {
        "{build}".to_owned()
    }
}

/// A file or folder to copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Copy {
    /// What.
    pub from: String,
    /// Its new path, not the folder it goes into.
    pub to: String,
}

impl Recipe {
    /// The pinned version of that name.
    pub fn version(&self, version: &Version) -> Option<&RecipeVersion> {
        self.versions.iter().find(|candidate| candidate.version == *version)
    }
}
