//! Recipes as written: one upstream project, its pinned versions, how to compile it.
//!
//! A recipe says everything in logical paths (`{src}`, `{out}`, …). What it
//! means for one architecture is worked out in [`crate::plan`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Arch, Origin, RecipeName, RecipeRef, Sha256, Upstream, Version};

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
    /// What others call it, and where it announces versions.
    #[serde(default)]
    pub upstream: Upstream,
    /// Where the result runs.
    pub platform: Platform,
    /// For a tool: the programs it brings, as paths in its `{out}`.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Recipes whose programs the steps run.
    #[serde(default)]
    pub tools: Vec<RecipeRef>,
    /// Recipes whose headers and libraries the steps use, for every version.
    #[serde(default)]
    pub needs: Vec<RecipeRef>,
    /// The recipe in whose folder this one's patches and other files lie, where two compile the same source differently.
    #[serde(default)]
    pub files_of: Option<RecipeName>,
    /// Whether its build compiles several files together, so that one could change the code of another:
    /// `check-groups` shows that none does.
    #[serde(default)]
    pub grouped: bool,
    /// The pinned versions, in any order.
    pub versions: Vec<RecipeVersion>,
    /// How to get from `{src}` to `{out}`. Without any, `{out}` is the source tree itself.
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
    /// Files below `patches/`, applied in this order.
    #[serde(default)]
    pub patches: Vec<String>,
    /// What a user should know before choosing it.
    #[serde(default)]
    pub note: Option<String>,
    /// The source tree; for a tool, one per architecture of the building machine.
    pub sources: Vec<Source>,
}

/// One source tree, which one or more archives hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Archive {
    /// The folder inside the archive that is the source tree; for a plain file, the name it gets.
    pub root: String,
    /// Bytes. Absent only where nobody publishes it and we could not measure it; `note` then says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Of the archive as served.
    pub sha256: Sha256,
    /// In order of preference.
    pub origins: Vec<Origin>,
    /// What could not be verified about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One step of a build. What may stand in braces is listed in [`crate::plan::template`].
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

impl Archive {
    /// The most that is read of an archive whose size nobody publishes, in bytes: far above any source we know.
    pub const MOST: u64 = 256 << 20;

    /// The most bytes it may have.
    pub fn most(&self) -> u64 {
        self.size.unwrap_or(Archive::MOST)
    }

    /// Whether it may have that many bytes.
    pub fn may_have(&self, size: u64) -> bool {
        self.size.map_or(size <= Archive::MOST, |pinned| size == pinned)
    }
}

impl Source {
    /// What is known of a tree that a user brings: its digest, and no place that serves it.
    pub fn of_tree(tree: Sha256) -> Source {
        Source { builder: None, tree: Some(tree), keep: vec![], omit: vec![], executable: vec![], archives: vec![] }
    }
}

impl Recipe {
    /// The pinned versions, newest first. There is at least one in a recipe of a catalog.
    pub fn newest_first(&self) -> Vec<&RecipeVersion> {
        let mut versions: Vec<&RecipeVersion> = self.versions.iter().collect();
        versions.sort_by(|a, b| b.version.compare_age(&a.version));
        versions
    }

    /// The newest of the pinned versions, which is taken where none is named.
    pub fn newest(&self) -> Option<&RecipeVersion> {
        self.versions.iter().max_by(|a, b| a.version.compare_age(&b.version))
    }

    /// The pinned version of that name.
    pub fn version(&self, version: &Version) -> Option<&RecipeVersion> {
        self.versions.iter().find(|candidate| candidate.version == *version)
    }
}
