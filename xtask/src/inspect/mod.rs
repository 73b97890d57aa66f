//! What is in a layer's zip, where each file came from, and whether the zip, its manifest, its SBOM and the lock agree.
//!
//! The zip may be anybody's: one that cannot be read, or that has no manifest of ours, is an error; one that
//! contradicts itself gives findings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use sha2::Digest as _;

use self::contents::{Contents, Found};
use crate::lock::{Comparison, Lock};
use crate::model::{Arch, GlibcVersion, LayerName, RecipeName, Sha256, Version};
use crate::pack::manifest::{Manifest, ManifestRecipe};
use crate::pack::release;

mod contents;

/// A layer's zip, looked into.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Inspection {
    /// The layer.
    pub layer: LayerName,
    /// Its version.
    pub version: Version,
    /// What its programs run on.
    pub arch: Arch,
    /// The oldest glibc it runs with.
    pub glibc: GlibcVersion,
    /// What compiled it; absent where nothing in it is compiled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
    /// Whether every recipe was built from its pinned sources.
    pub pinned: bool,
    /// Bytes of the zip.
    pub size: u64,
    /// Of the zip.
    pub sha256: Sha256,
    /// The same digest as Lambda shows it.
    pub code_sha256: String,
    /// How the zip compares with the lock.
    pub lock: Comparison,
    /// What is in it, by path.
    pub files: Vec<InspectedFile>,
    /// The recipes that it was made from, those that are linked in included.
    pub recipes: Vec<ManifestRecipe>,
    /// The package URLs that its SBOM names.
    pub packages: Vec<String>,
    /// What is known against each of them; absent where nobody was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vulnerabilities: Option<BTreeMap<String, Vulnerabilities>>,
    /// What does not agree, in words. Empty for a sound zip.
    pub findings: Vec<String>,
}

/// What is known against one package.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vulnerabilities {
    /// Identifiers; none where nothing is known.
    Known(Vec<String>),
    /// Why it could not be asked.
    NotAsked(String),
}

impl From<std::result::Result<Vec<String>, String>> for Vulnerabilities {
    fn from(told: std::result::Result<Vec<String>, String>) -> Vulnerabilities {
        told.map_or_else(Vulnerabilities::NotAsked, Vulnerabilities::Known)
    }
}

/// One entry of the zip that is a file.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InspectedFile {
    /// Below `/opt`.
    pub path: String,
    /// Bytes, once unpacked.
    pub size: u64,
    /// Its permissions, in octal; absent where the zip has none.
    pub mode: Option<String>,
    /// Of its bytes.
    pub sha256: Sha256,
    /// The recipe and version that provide it; absent for what the packer wrote.
    pub from: Option<String>,
}

/// Reads the zip at `path` and holds it against its manifest, its SBOM and `lock`.
///
/// # Errors
/// It cannot be read, is no zip, is made to harm whoever unpacks it, or has no manifest of ours.
pub fn inspect(path: &Path, lock: &Lock) -> Result<Inspection> {
    let failed = || format!("cannot inspect `{}`", path.display());
    // One opened file: what is hashed is what was looked at, though the path may lead elsewhere by then.
    let mut zip = File::open(path).with_context(failed)?;
    let contents = Contents::read(zip.try_clone().with_context(failed)?).with_context(failed)?;
    let manifest = contents.manifest().with_context(failed)?;
    let (size, sha256) = digest(&mut zip).with_context(failed)?;
    let mut findings = contents.oddities.clone();
    contents.compare(&manifest, &mut findings);
    contents.compare_sbom(&manifest, &mut findings);
    contents.find_licences(&manifest, &mut findings);
    let comparison = lock.compare(&manifest, sha256);
    if let Comparison::Different { expected } = comparison {
        findings.push(format!("the zip has another digest than {}, which has {expected}", crate::lock::FILE));
    }
    findings.sort();
    let packages = contents.package_urls(&manifest);
    let provider = providers(&manifest);
    let file = |(path, found): (&String, &Found)| InspectedFile {
        path: path.clone(),
        size: found.size,
        mode: found.mode.map(|mode| format!("{mode:04o}")),
        sha256: found.sha256,
        from: provider.get(path.as_str()).cloned(),
    };
    Ok(Inspection {
        layer: manifest.layer.clone(),
        version: manifest.version.clone(),
        arch: manifest.arch,
        glibc: manifest.glibc,
        compiler: manifest.compiler.as_ref().map(|compiler| format!("{} {}", compiler.name, compiler.version)),
        pinned: manifest.pinned,
        size,
        sha256,
        code_sha256: release::code_sha256(&sha256),
        lock: comparison,
        files: contents.files.iter().map(file).collect(),
        recipes: manifest.recipes,
        packages,
        vulnerabilities: None,
        findings,
    })
}

/// Bytes and digest of a file, read from its beginning.
fn digest(file: &mut File) -> io::Result<(u64, Sha256)> {
    file.rewind()?;
    let mut hasher = sha2::Sha256::new();
    let size = io::copy(file, &mut hasher)?;
    Ok((size, Sha256::from_bytes(hasher.finalize().into())))
}

/// The recipe and version that provide each file, by path.
fn providers(manifest: &Manifest) -> BTreeMap<&str, String> {
    let versions: BTreeMap<_, _> = manifest.recipes.iter().map(|recipe| (&recipe.name, &recipe.version)).collect();
    let provided = manifest.files.iter().filter_map(|file| {
        let name = file.recipe.as_ref()?;
        Some((file.path.as_str(), format!("{name} {}", versions.get(name)?)))
    });
    provided.collect()
}

impl Inspection {
    /// The recipes that no file of the layer comes from, licence texts aside: they are linked in.
    pub fn linked_in(&self) -> impl Iterator<Item = &RecipeName> {
        let provides = |file: &InspectedFile| {
            let recipe = file.from.as_ref()?.split(' ').next()?.to_owned();
            (!file.path.contains(&format!("/licenses/{recipe}/"))).then_some(recipe)
        };
        let providing: BTreeSet<String> = self.files.iter().filter_map(provides).collect();
        self.recipes.iter().map(|recipe| &recipe.name).filter(move |name| !providing.contains(name.as_str()))
    }

    /// The verdict on a zip without findings. Its parts agree, but that does not show who made it.
    pub fn verdict(&self) -> String {
        match self.lock {
            Comparison::Same => {
                "no findings: the zip, its manifest and its SBOM agree, and it is the locked one".to_owned()
            }
            Comparison::Unpinned => {
                "the zip, its manifest and its SBOM agree, but it was made from sources that are not pinned, so anybody \
                 may have made it"
                    .to_owned()
            }
            Comparison::Unknown | Comparison::Different { .. } => format!(
                "the zip, its manifest and its SBOM agree, but {} has no digest of {} {} for {}, so anybody may have \
                 made it",
                crate::lock::FILE,
                self.layer,
                self.version,
                self.arch
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroUsize;
    use std::path::PathBuf;

    use super::contents::MANIFEST;
    use super::*;
    use crate::pack::{PackedFile, Staged, sample, write_layer, zip};

    fn written(packages: &sample::Packages) -> PathBuf {
        let release =
            write_layer(&packages.staged(), Sha256::of("plan"), sample::checks(), packages.root(), NonZeroUsize::MIN);
        packages.root().join(release.expect("written").zip.name)
    }

    /// The sample layer, packed again with other files.
    fn altered(packages: &sample::Packages, alter: impl Fn(&Staged, &mut Vec<PackedFile>)) -> Result<Inspection> {
        let staged = packages.staged();
        let mut files = staged.files().to_vec();
        alter(&staged, &mut files);
        files.sort_by(|one, other| one.path().cmp(other.path()));
        let path = packages.root().join("altered.zip");
        let mut out = fs::File::create(&path).expect("created");
        zip::write(&files, NonZeroUsize::MIN, &mut out).expect("written");
        inspect(&path, &Lock::default())
    }

    #[test]
    fn a_sound_zip_is_shown_without_findings() {
        let packages = sample::Packages::new();
        let layer = inspect(&written(&packages), &Lock::default()).expect("a layer");
        assert!(layer.findings.is_empty(), "{:?}", layer.findings);
        assert_eq!(layer.lock, Comparison::Unknown);
        // A zip that agrees with itself is not proven: whoever made it may have made all of it.
        assert_eq!(
            layer.verdict(),
            "the zip, its manifest and its SBOM agree, but layers/digests.toml has no digest of sample 1.2 for x86_64, so \
             anybody may have made it"
        );
        let file = |path: &str| layer.files.iter().find(|file| file.path == path).expect(path);
        let tool = file("bin/tool");
        assert_eq!((tool.size, tool.mode.as_deref(), tool.from.as_deref()), (9, Some("0755"), Some("program 1.2")));
        assert_eq!(file("share/media-layers/sample/sbom.cdx.json").from, None);
        assert_eq!(layer.packages.first().map(String::as_str), Some("pkg:pypi/bundle@1.2"));
        assert_eq!(layer.linked_in().map(RecipeName::as_str).collect::<Vec<_>>(), ["engine"]);
    }

    #[test]
    fn whatever_does_not_agree_is_found() {
        let packages = sample::Packages::new();
        let findings = |alter: &dyn Fn(&mut Vec<PackedFile>)| {
            altered(&packages, |_, files| alter(files)).expect("a layer").findings
        };
        let without =
            |part: &'static str| findings(&move |files| files.retain(|file| !file.path().as_str().contains(part)));
        assert_eq!(without("bin/tool"), ["`bin/tool` is in the manifest and not in the zip"]);
        let more = findings(&|files| files.push(sample::file("bin/zz", b"more")));
        assert_eq!(more, ["`bin/zz` is in the zip and not in the manifest"]);
        let other = findings(&|files| {
            files.retain(|file| file.path().as_str() != "bin/tool");
            files.push(sample::file("bin/tool", b"something else"));
        });
        let expected =
            ["`bin/tool` has mode 0644, and 0755 in the manifest", "`bin/tool` has other bytes than the manifest says"];
        assert_eq!(other, expected);
        let sbom = without("sbom.cdx.json");
        assert!(sbom.iter().any(|finding| finding.starts_with("there is no SBOM")), "{sbom:?}");
        let licences = without("licenses/engine/");
        assert!(licences.contains(&"the licence text of engine is missing".to_owned()), "{licences:?}");
    }

    #[test]
    fn modes_that_no_layer_has_are_found() {
        let packages = sample::Packages::new();
        let bytes = fs::read(written(&packages)).expect("the zip");
        // The last time that the name is there is in the list; the upper half of the attributes stands six bytes before.
        let name = memchr::memmem::rfind(&bytes, b"bin/tool").expect("the list");
        let path = packages.root().join("mode.zip");
        let with = |mode: u16| {
            let mut bytes = bytes.clone();
            bytes[name - 6..name - 4].copy_from_slice(&mode.to_le_bytes());
            fs::write(&path, bytes).expect("a file");
            inspect(&path, &Lock::default()).expect("a layer").findings
        };
        assert_eq!(with(0o100_755), [""; 0]);
        assert_eq!(with(0o104_755), ["`bin/tool` has mode 4755, and 0755 in the manifest"]);
        for mode in [0o010_755, 0o020_755, 0o060_755, 0o120_755, 0o140_755] {
            let missing = "`bin/tool` is in the manifest and not in the zip";
            let odd = "`bin/tool` is not a file, and a layer holds only files";
            assert_eq!(with(mode), [missing, odd], "{mode:o}");
        }
    }

    #[test]
    fn what_is_not_a_layer_of_ours_is_an_error() {
        let packages = sample::Packages::new();
        let error = altered(&packages, |_, files| files.retain(|file| !file.path().as_str().ends_with(MANIFEST)));
        let error = format!("{:#}", error.expect_err("no manifest"));
        assert!(error.starts_with("cannot inspect `") && error.contains("it has no manifest"), "{error}");
        let path = packages.root().join("text.zip");
        fs::write(&path, "no zip").expect("a file");
        let error = format!("{:#}", inspect(&path, &Lock::default()).expect_err("no zip"));
        assert!(error.contains("it cannot be read as a zip"), "{error}");
    }

    /// A zip of somebody who means harm gives an error or findings: a panic would fail the test.
    #[test]
    fn damaged_zips_are_survived() {
        let packages = sample::Packages::new();
        let bytes = fs::read(written(&packages)).expect("the zip");
        let path = packages.root().join("damaged.zip");
        for at in (0..bytes.len()).step_by(29) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            fs::write(&path, &damaged).expect("a file");
            if let Ok(layer) = inspect(&path, &Lock::default()) {
                assert!(layer.files.len() < 100, "byte {at}");
            }
            fs::write(&path, &bytes[..at]).expect("a file");
            inspect(&path, &Lock::default()).expect_err("cut off");
        }
    }
}
