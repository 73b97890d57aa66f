//! `bench/peers.toml`: what the layers are compared with, and where each comes from.

use std::fmt;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use xtask::model::Sha256;

/// The file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Peers {
    /// Wheels.
    pub pypi: Vec<Pinned>,
    /// npm packages.
    pub npm: Vec<Pinned>,
    /// Debian packages.
    pub debian: Vec<Packaged>,
    /// What measuring takes.
    pub tools: Tools,
}

/// A peer whose every byte is pinned.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pinned {
    /// What it is called on the command line and in results.
    pub name: String,
    /// How it is called.
    pub kind: Kind,
    /// Its name in the registry.
    pub package: String,
    /// Its version there, which is not that of the program inside.
    pub version: String,
    /// The file that the registry's client leaves.
    pub file: String,
    /// Of the file, in bytes.
    pub size: u64,
    /// Of the file.
    pub sha256: Sha256,
    /// The program or library inside.
    pub program: String,
    /// What else of it is needed, as globs.
    #[serde(default)]
    pub keep: Vec<String>,
}

/// A peer from Debian.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Packaged {
    /// What it is called on the command line and in results.
    pub name: String,
    /// How it is called.
    pub kind: Kind,
    /// The package.
    pub package: String,
    /// The program inside.
    pub program: String,
}

/// What measuring takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tools {
    /// Packages that are installed beside those of the peers.
    pub debian: Vec<String>,
}

/// How a subject is called, which is also what it may be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The `mediainfo` program.
    Mediainfo,
    /// MediaInfo's library, through the Python module.
    Pymediainfo,
    /// The `ffprobe` program.
    Ffprobe,
}

impl Kind {
    /// Every kind, in the order in which results are shown.
    pub const ALL: [Kind; 3] = [Kind::Mediainfo, Kind::Pymediainfo, Kind::Ffprobe];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Mediainfo => "mediainfo",
            Kind::Pymediainfo => "pymediainfo",
            Kind::Ffprobe => "ffprobe",
        })
    }
}

impl Peers {
    /// Reads the file that this tool was compiled with.
    pub fn load() -> Result<Peers> {
        toml::from_str(include_str!("../peers.toml")).context("`bench/peers.toml` is broken")
    }

    /// Every Debian package that is to be installed, each once and in a fixed order.
    pub fn debian_packages(&self) -> Vec<String> {
        let mut packages: Vec<_> = self.debian.iter().map(|peer| peer.package.clone()).collect();
        packages.extend(self.tools.debian.iter().cloned());
        packages.sort();
        packages.dedup();
        packages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_can_be_read_and_names_each_peer_once() {
        let peers = Peers::load().expect("a good file");
        let pinned = peers.pypi.iter().chain(&peers.npm).map(|peer| &peer.name);
        let mut names: Vec<_> = pinned.chain(peers.debian.iter().map(|peer| &peer.name)).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(peers.debian_packages().contains(&"nginx-light".to_owned()));
    }
}
