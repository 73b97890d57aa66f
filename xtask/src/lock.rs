//! `layers/digests.toml`: the digest that every zip and every image must have, whoever builds it, wherever and however often.
//!
//! The file is written by `build-layer --update-digests` and by nobody else; every build, `inspect` and publishing
//! compare with it. Zips made from unpinned sources are neither recorded nor compared: nobody else has those sources.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::catalog::read_toml;
use crate::error::invalid;
use crate::files::{lock_folder, size};
use crate::model::{Arch, LayerName, Sha256, Version};
use crate::pack::landing::land_text;
use crate::pack::{ImageArchive, Manifest, Release};

/// Where the lock is, from the root of the checkout.
pub const FILE: &str = "layers/digests.toml";

const HEADER: &str = "\
# The bytes of every zip and image. Written by `cargo xtask build-layer LAYER --update-digests`; every build compares.
";

/// What the file says, sorted by layer, version and architecture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lock {
    /// One entry for each zip.
    #[serde(default, rename = "zip")]
    zips: Vec<LockedZip>,
    /// One entry for each image archive.
    #[serde(default, rename = "image")]
    images: Vec<LockedImage>,
}

/// The bytes that one image archive must have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedImage {
    /// The file's name in `dist/`, which says layer, version and architectures.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Of the file.
    pub sha256: Sha256,
}

/// The bytes that one zip must have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockedZip {
    /// The layer.
    pub layer: LayerName,
    /// Its version.
    pub version: Version,
    /// What its programs run on.
    pub arch: Arch,
    /// Bytes, so that a change of the file shows what it costs.
    pub size: u64,
    /// Of the zip.
    pub sha256: Sha256,
}

/// How a zip compares with the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// It has the digest that it must have.
    Same,
    /// It has another one.
    Different {
        /// The digest in the lock.
        expected: Sha256,
    },
    /// The lock has no digest for it.
    Unknown,
    /// It was made from sources that are not pinned, so that there is nothing to compare.
    Unpinned,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Comparison::Same => write!(f, "the same digest as in {FILE}"),
            Comparison::Different { expected } => write!(f, "another digest than in {FILE}, which has {expected}"),
            Comparison::Unknown => write!(f, "no digest of it in {FILE}"),
            Comparison::Unpinned => write!(f, "not compared: made from sources that are not pinned"),
        }
    }
}

impl Lock {
    /// Reads the lock of the checkout at `root`; one that is not there is empty.
    ///
    /// # Errors
    /// A mistake in it, with its line and a caret.
    pub fn load(root: &Path) -> Result<Lock> {
        let file = path(root);
        if !file.exists() {
            return Ok(Lock::default());
        }
        let mut lock: Lock = read_toml(&file)?;
        lock.zips.sort();
        if let Some(pair) = lock.zips.windows(2).find(|pair| pair[0].is_of_same_zip(&pair[1])) {
            return Err(invalid(format!("in {}: {} is there twice", file.display(), pair[0].name())));
        }
        Ok(lock)
    }

    /// The digest that the zip of that layer must have; none where it was never recorded.
    pub fn digest(&self, layer: &LayerName, version: &Version, arch: Arch) -> Option<Sha256> {
        let found = self.zips.iter().find(|zip| zip.layer == *layer && zip.version == *version && zip.arch == arch);
        found.map(|zip| zip.sha256)
    }

    /// Every entry, sorted.
    pub fn zips(&self) -> &[LockedZip] {
        &self.zips
    }

    /// Compares the zip of that manifest and digest with what it must be.
    pub fn compare(&self, manifest: &Manifest, sha256: Sha256) -> Comparison {
        match self.digest(&manifest.layer, &manifest.version, manifest.arch) {
            _ if !manifest.pinned => Comparison::Unpinned,
            None => Comparison::Unknown,
            Some(expected) if expected == sha256 => Comparison::Same,
            Some(expected) => Comparison::Different { expected },
        }
    }

    /// Compares an image archive, whose layers are pinned, with what it must be.
    pub fn compare_image(&self, image: &ImageArchive) -> Comparison {
        match self.images.iter().find(|locked| locked.name == image.name) {
            None => Comparison::Unknown,
            Some(locked) if locked.sha256 == image.sha256 => Comparison::Same,
            Some(locked) => Comparison::Different { expected: locked.sha256 },
        }
    }

    /// Records an image archive, whose layers are pinned, as [`Self::update`] does zips.
    pub fn update_image(root: &Path, image: &ImageArchive) -> Result<Lock> {
        Lock::change(root, |lock| {
            lock.images.retain(|other| other.name != image.name);
            let ImageArchive { name, size, sha256, .. } = image.clone();
            lock.images.push(LockedImage { name, size, sha256 });
            lock.images.sort();
        })
    }

    /// Records the zip of `release` in the lock of the checkout at `root`, unless it is unpinned, and leaves what it
    /// says of others. Two runs at once wait for each other, so that neither's entry is lost. Returns the new lock.
    pub fn update(root: &Path, release: &Release) -> Result<Lock> {
        Lock::change(root, |lock| {
            if release.manifest.pinned {
                lock.record(LockedZip::of(release));
            }
        })
    }

    fn change(root: &Path, change: impl FnOnce(&mut Lock)) -> Result<Lock> {
        let file = path(root);
        let folder = file.parent().unwrap_or(root);
        let _held = lock_folder(folder)?;
        let before = Lock::load(root)?;
        let mut lock = before.clone();
        change(&mut lock);
        if lock != before {
            land_text(&file, &lock.to_toml()?)?;
        }
        Ok(lock)
    }

    fn record(&mut self, zip: LockedZip) {
        self.zips.retain(|other| !other.is_of_same_zip(&zip));
        self.zips.push(zip);
        self.zips.sort();
    }

    fn to_toml(&self) -> Result<String> {
        let mut text = HEADER.to_owned();
        for zip in &self.zips {
            writeln!(text, "\n[[zip]]\n{}", toml::to_string(zip).context("cannot be written as TOML")?.trim_end())?;
        }
        for image in &self.images {
            let image = toml::to_string(image).context("cannot be written as TOML")?;
            writeln!(text, "\n[[image]]\n{}", image.trim_end())?;
        }
        Ok(text)
    }
}

impl LockedZip {
    fn of(release: &Release) -> LockedZip {
        LockedZip {
            layer: release.manifest.layer.clone(),
            version: release.manifest.version.clone(),
            arch: release.manifest.arch,
            size: release.zip.size,
            sha256: release.zip.sha256,
        }
    }

    fn is_of_same_zip(&self, other: &LockedZip) -> bool {
        (&self.layer, &self.version, self.arch) == (&other.layer, &other.version, other.arch)
    }

    fn name(&self) -> String {
        format!("{} {} for {}", self.layer, self.version, self.arch)
    }
}

/// What is to be said about a zip that is not what the lock wants, with both digests and the ways to the reason.
pub fn difference(release: &Release, expected: Sha256) -> String {
    let (zip, layer) = (&release.zip, &release.manifest.layer);
    format!(
        "{}: these are not the bytes that {FILE} expects\n  expected  {expected}\n  built     {} ({})\n\nhint: `cargo xtask verify {layer}` builds it twice and names the first file that differs between two builds; `cargo xtask inspect dist/{}` shows what is in it; if recipes or packing were changed on purpose, accept it with `--update-digests`\n",
        zip.name,
        zip.sha256,
        size(zip.size),
        zip.name,
    )
}

fn path(root: &Path) -> PathBuf {
    root.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::InvalidText;

    fn zip(layer: &str, version: &str, arch: Arch, content: &str) -> LockedZip {
        let named = || -> Result<(LayerName, Version), InvalidText> { Ok((layer.parse()?, version.parse()?)) };
        let (layer, version) = named().expect("names");
        LockedZip { layer, version, arch, size: content.len() as u64, sha256: Sha256::of(content) }
    }

    fn root(text: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(root.path().join("layers")).expect("a folder");
        std::fs::write(path(root.path()), text).expect("a file");
        root
    }

    #[test]
    fn is_sorted_and_reads_back() {
        let mut lock = Lock::default();
        lock.record(zip("b", "1.0", Arch::X86_64, "one"));
        lock.record(zip("a", "1.0", Arch::Arm64, "two"));
        lock.record(zip("a", "1.0", Arch::X86_64, "three"));
        lock.record(zip("b", "1.0", Arch::X86_64, "four"));
        let text = lock.to_toml().expect("TOML");
        let root = root(&text);
        let read = Lock::load(root.path()).expect("read");
        assert_eq!(read, lock);
        let names: Vec<_> = read.zips().iter().map(LockedZip::name).collect();
        assert_eq!(names, ["a 1.0 for x86_64", "a 1.0 for arm64", "b 1.0 for x86_64"]);
        let digest =
            |layer: &str, arch| read.digest(&layer.parse().expect("a name"), &"1.0".parse().expect("a version"), arch);
        assert_eq!(digest("b", Arch::X86_64), Some(Sha256::of("four")), "the newest is kept");
        assert_eq!(digest("b", Arch::Arm64), None);
        assert!(text.starts_with("# The bytes"));
        let second = "\n[[zip]]\nlayer = \"a\"\nversion = \"1.0\"\narch = \"arm64\"\nsize = 3\nsha256 = \"";
        assert!(text.contains(second), "{text}");
    }

    #[test]
    fn images_are_recorded_and_compared() {
        let root = root("");
        let image = |content: &str| ImageArchive {
            name: "a-1.0-x86_64.oci.tar".to_owned(),
            reference: "media-layers/a:1.0".to_owned(),
            size: 3,
            sha256: Sha256::of(content),
        };
        assert_eq!(Lock::load(root.path()).expect("read").compare_image(&image("one")), Comparison::Unknown);
        for content in ["one", "two"] {
            Lock::update_image(root.path(), &image(content)).expect("recorded");
        }
        let lock = Lock::load(root.path()).expect("read");
        assert_eq!(lock.compare_image(&image("two")), Comparison::Same);
        assert_eq!(lock.compare_image(&image("one")), Comparison::Different { expected: Sha256::of("two") });
    }

    #[test]
    fn a_lock_that_is_not_there_is_empty() {
        let root = tempfile::tempdir().expect("a folder");
        assert_eq!(Lock::load(root.path()).expect("read"), Lock::default());
    }

    #[test]
    fn mistakes_are_shown_with_their_line() {
        let good = {
            let mut lock = Lock::default();
            lock.record(zip("a", "1.0", Arch::X86_64, "one"));
            lock.to_toml().expect("TOML")
        };
        for (text, message) in [
            (good.replace("size", "bytes"), "7 | bytes = 3\n  | ^^^^^\nunknown field `bytes`"),
            (good.replace("sha256 = \"", "sha256 = \"x"), "is not a SHA-256 digest"),
            (format!("{good}{}", good.replacen('#', "\n#", 1)), "a 1.0 for x86_64 is there twice"),
        ] {
            assert_ne!(text, good);
            let root = root(&text);
            let error = format!("{:#}", Lock::load(root.path()).expect_err(message));
            assert!(error.contains("layers/digests.toml") && error.contains(message), "{error}");
        }
    }
}
