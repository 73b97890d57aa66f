//! Targets as written: the runtimes a layer must run on, and what they offer a program.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Arch, GlibcVersion, Runtime};

/// `docker/targets.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Targets {
    /// What we link for: at most the glibc of the oldest target.
    pub floor: GlibcVersion,
    /// Shared libraries that every target has and that a layer may need.
    pub libraries: Libraries,
    /// Names of runtimes that no target has, such as ended ones.
    #[serde(default)]
    pub other_runtimes: BTreeMap<Cloud, BTreeSet<String>>,
    /// The targets, oldest glibc first.
    #[serde(rename = "target")]
    pub targets: Vec<Target>,
}

/// Sonames that a layer may need without carrying them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Libraries {
    /// On every architecture.
    pub any: Vec<String>,
    /// On x86_64 only.
    pub x86_64: Vec<String>,
    /// On arm64 only.
    pub arm64: Vec<String>,
}

impl Libraries {
    /// Whether a program for `arch` may need `soname`.
    pub fn allow(&self, arch: Arch, soname: &str) -> bool {
        let own = match arch {
            Arch::X86_64 => &self.x86_64,
            Arch::Arm64 => &self.arm64,
        };
        self.any.iter().chain(own).any(|allowed| allowed == soname)
    }
}

/// One runtime image that functions run on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Target {
    /// The short name used on the command line.
    pub name: String,
    /// The name for humans.
    pub title: String,
    /// Whose functions run on it.
    pub cloud: Cloud,
    /// Its glibc.
    pub glibc: GlibcVersion,
    /// The architectures it exists for.
    pub architectures: Vec<Arch>,
    /// The cloud's runtimes that are built on it: by language, the newest first.
    pub runtimes: Vec<Runtime>,
    /// Its container image, where there is one to build in.
    #[serde(default)]
    pub image: Option<Image>,
}

/// A container image.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Image {
    /// Registry, repository and tag.
    pub name: String,
    /// `sha256:…`; absent where nobody has published one, which the builder then says.
    #[serde(default)]
    pub digest: Option<String>,
}

impl Image {
    /// What an engine is asked for: the pinned bytes, where they are known.
    pub fn reference(&self) -> String {
        match &self.digest {
            // Not every engine takes a tag beside a digest.
            Some(digest) => {
                format!("{}@{digest}", self.name.rsplit_once(':').map_or(self.name.as_str(), |(name, _)| name))
            }
            None => self.name.clone(),
        }
    }
}

/// A cloud with functions and layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cloud {
    /// AWS Lambda.
    Aws,
    /// Alibaba Cloud Function Compute.
    Aliyun,
}

impl Cloud {
    /// As files and command lines have it.
    pub fn name(self) -> &'static str {
        match self {
            Cloud::Aws => "aws",
            Cloud::Aliyun => "aliyun",
        }
    }
}

impl Targets {
    /// The target of that name.
    pub fn get(&self, name: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.name == name)
    }
}
