//! The plan: every package a layer is made of, in order, each with its steps and its key.
//!
//! Planning is pure. What `cargo xtask plan` prints is the very value that is
//! executed; nothing is decided later.

pub mod resolve;
pub mod runtimes;
pub mod template;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::model::recipe::Source;
use crate::model::recipe::{Copy, Platform, Run};
use crate::model::{Arch, LayerName, RecipeName, Sha256, Version};

pub use resolve::{Override, Request, resolve};

/// What identifies the result of a package: a digest over everything that can change its bytes.
pub type Key = Sha256;

/// All that has to happen for one layer.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Which layer.
    pub layer: LayerName,
    /// Its version, which is that of its main recipe.
    pub version: Version,
    /// Whether every source is pinned by a digest; false as soon as one recipe is overridden.
    pub pinned: bool,
    /// The packages, each after those it needs.
    pub packages: Vec<Package>,
    /// One zip per architecture.
    pub zips: Vec<PlannedZip>,
}

/// One recipe, in one version, for one place.
#[derive(Debug, Clone, Serialize)]
pub struct Package {
    /// Identifies the result.
    pub key: Key,
    /// What of it goes into the keys of packages made with it: the key itself, but for a tool the same on every
    /// building machine, because a compiler gives the same code wherever it runs.
    pub identity: Key,
    /// Which recipe.
    pub recipe: RecipeName,
    /// Which version of it.
    pub version: Version,
    /// What it is made for.
    pub place: Place,
    /// False if it, or anything it is made with, comes from an overridden source.
    pub pinned: bool,
    /// The terms it comes under.
    pub spdx: String,
    /// Where its source comes from.
    pub source: PlannedSource,
    /// The digests of the recipe's own files that steps see in `{recipe}`, and of its patches.
    pub files: BTreeMap<String, Sha256>,
    /// Libraries it is compiled with, by recipe.
    pub needs: BTreeMap<RecipeName, Key>,
    /// Programs it is compiled with, by recipe.
    pub tools: BTreeMap<RecipeName, Key>,
    /// For a tool: its programs, as paths in `{out}`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
    /// Wrapper scripts on the `PATH` of its steps.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub wrappers: BTreeMap<String, Vec<String>>,
    /// Texts beside the wrapper scripts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub wrapper_files: BTreeMap<String, String>,
    /// The environment of its steps.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// What is done, in order.
    pub steps: Vec<PlannedStep>,
}

/// What a package is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The building machine, of this architecture.
    Builder(Arch),
    /// A function, of this architecture.
    Target(Arch),
    /// Any of them.
    Any,
}

/// Where a package's source comes from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedSource {
    /// Archives with known digests.
    Pinned(Source),
    /// A folder that the user named, with the digest it had when the plan was made.
    Override {
        /// The folder.
        folder: PathBuf,
        /// Its tree digest.
        tree: Sha256,
    },
}

/// Everything that an executor can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedStep {
    /// Brings the source tree to `{src}`.
    Unpack,
    /// Applies a patch of the recipe to `{src}`, exactly: a context that does not match is an error.
    Patch(String),
    /// Runs a program.
    Run(Run),
    /// Copies a file or folder.
    Copy(Copy),
}

/// A zip that the plan ends in.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedZip {
    /// For functions of this architecture.
    pub arch: Arch,
    /// Its name in `dist/`.
    pub file: String,
    /// Every package whose files or object code it contains, by recipe.
    pub packages: BTreeMap<RecipeName, Key>,
}

impl Plan {
    /// The package with that key.
    pub fn package(&self, key: Key) -> Option<&Package> {
        self.packages.iter().find(|package| package.key == key)
    }
}

impl PlannedSource {
    /// The archives with known digests, unless the user brings the source.
    pub fn pinned(&self) -> Option<&Source> {
        match self {
            PlannedSource::Pinned(source) => Some(source),
            PlannedSource::Override { .. } => None,
        }
    }
}

impl Package {
    /// A name for humans, unique within a plan: `curl 8.21.0 (arm64)`.
    pub fn label(&self) -> String {
        format!("{} {} ({})", self.recipe, self.version, self.place)
    }

    /// A name for log files, unique within a plan.
    pub fn slug(&self) -> String {
        format!("{}-{}-{}", self.recipe, self.version, self.place.to_string().replace(' ', "-"))
    }

    /// Whether it runs where it is built.
    pub fn is_tool(&self) -> bool {
        matches!(self.place, Place::Builder(_))
    }
}

impl Place {
    fn of(platform: Platform, builder: Arch, target: Arch) -> Place {
        match platform {
            Platform::Builder => Place::Builder(builder),
            Platform::Target => Place::Target(target),
            Platform::Any => Place::Any,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Builder(_) => f.write_str("tool"),
            Place::Target(arch) => write!(f, "{arch}"),
            Place::Any => f.write_str("any"),
        }
    }
}
