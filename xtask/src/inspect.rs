//! What is in a layer's zip, where each file came from, and whether the zip, its manifest, its SBOM and the lock agree.
//!
//! The zip may be anybody's: one that cannot be read, or that has no manifest of ours, is an error; one that
//! contradicts itself gives findings.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::Value;

use crate::elf::archive;
use crate::elf::entry::{Content, Entry, LIMITS};
use crate::lock::{Comparison, Lock};
use crate::model::{Arch, GlibcVersion, LayerName, RecipeName, Sha256, Version};
use crate::pack::manifest::{Manifest, ManifestRecipe};
use crate::pack::{licenses, release};

/// How a layer's own documents are called, below its folder.
const MANIFEST: &str = "manifest.json";
const SBOM: &str = "sbom.cdx.json";

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
    /// What compiled it.
    pub compiler: String,
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
    /// What does not agree, in words. Empty for a sound zip.
    pub findings: Vec<String>,
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
    let contents = Contents::read(path).with_context(failed)?;
    let manifest = contents.manifest().with_context(failed)?;
    let (size, sha256) = crate::pack::file::digest(path).with_context(failed)?;
    let mut findings = contents.oddities.clone();
    contents.compare(&manifest, &mut findings);
    contents.compare_sbom(&manifest, &mut findings);
    contents.find_licences(&manifest, &mut findings);
    let comparison = lock.compare(&manifest, sha256);
    if let Comparison::Different { expected } = comparison {
        findings.push(format!("the zip has another digest than {} wants: {expected}", crate::lock::FILE));
    }
    findings.sort();
    let provider: BTreeMap<&str, String> = manifest.files.iter().filter_map(|file| provider(&manifest, file)).collect();
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
        compiler: format!("{} {}", manifest.compiler.name, manifest.compiler.version),
        pinned: manifest.pinned,
        size,
        sha256,
        code_sha256: release::code_sha256(&sha256),
        lock: comparison,
        files: contents.files.iter().map(file).collect(),
        recipes: manifest.recipes,
        findings,
    })
}

fn provider<'m>(manifest: &'m Manifest, file: &'m crate::pack::manifest::ManifestFile) -> Option<(&'m str, String)> {
    let name = file.recipe.as_ref()?;
    let recipe = manifest.recipes.iter().find(|recipe| recipe.name == *name)?;
    Some((file.path.as_str(), format!("{name} {}", recipe.version)))
}

/// A file as it is in the zip.
#[derive(Debug)]
struct Found {
    size: u64,
    mode: Option<u32>,
    sha256: Sha256,
}

/// What a zip holds.
#[derive(Debug, Default)]
struct Contents {
    files: BTreeMap<String, Found>,
    /// Texts of manifests and SBOMs, by path.
    documents: BTreeMap<String, String>,
    /// Entries that no layer has.
    oddities: Vec<String>,
}

impl Contents {
    fn read(path: &Path) -> Result<Contents> {
        let mut contents = Contents::default();
        archive::each(File::open(path)?, LIMITS, &mut |entry| contents.add(entry))?;
        Ok(contents)
    }

    fn add(&mut self, entry: Entry<'_>) -> Result<()> {
        let Entry { path, mode, content } = entry;
        let Content::File { size, bytes } = content else {
            self.oddities.push(format!("`{path}` is not a file, and a layer holds only files"));
            return Ok(());
        };
        // The archive's own limits bound what comes.
        let mut content = Vec::new();
        bytes.read_to_end(&mut content).with_context(|| format!("cannot unpack `{path}`"))?;
        let sha256 = Sha256::of(&content);
        if path.starts_with("share/media-layers/")
            && [MANIFEST, SBOM].iter().any(|name| path.ends_with(&format!("/{name}")))
        {
            let text = String::from_utf8(content).with_context(|| format!("`{path}` is not text"))?;
            self.documents.insert(path.clone(), text);
        }
        self.files.insert(path, Found { size, mode, sha256 });
        Ok(())
    }

    fn manifest(&self) -> Result<Manifest> {
        let name = format!("/{MANIFEST}");
        let mut found = self.documents.iter().filter(|(path, _)| path.ends_with(&name));
        let Some((path, text)) = found.next() else {
            bail!("it has no manifest (`share/media-layers/<name>/{MANIFEST}`): it was not built by this tool");
        };
        if let Some((other, _)) = found.next() {
            bail!("it has two manifests, `{path}` and `{other}`");
        }
        let manifest = Manifest::from_json(text).with_context(|| format!("in `{path}`"))?;
        if *path != document(&manifest.layer, MANIFEST) {
            bail!("the manifest of layer `{}` is at `{path}`", manifest.layer);
        }
        Ok(manifest)
    }

    fn compare(&self, manifest: &Manifest, findings: &mut Vec<String>) {
        let own = document(&manifest.layer, MANIFEST);
        for file in &manifest.files {
            let path = file.path.as_str();
            let Some(found) = self.files.get(path) else {
                findings.push(format!("`{path}` is in the manifest and not in the zip"));
                continue;
            };
            if (found.size, found.sha256) != (file.size, file.sha256) {
                findings.push(format!("`{path}` has other bytes than the manifest says"));
            }
            if found.mode != Some(file.mode.bits()) {
                let mode = found.mode.map_or("none".to_owned(), |mode| format!("{mode:04o}"));
                findings.push(format!("`{path}` has mode {mode}, and {:04o} in the manifest", file.mode.bits()));
            }
        }
        for path in self.files.keys().filter(|path| **path != own) {
            if !manifest.files.iter().any(|file| file.path.as_str() == path) {
                findings.push(format!("`{path}` is in the zip and not in the manifest"));
            }
        }
    }

    /// The SBOM names the same recipes as the manifest, in the same versions.
    fn compare_sbom(&self, manifest: &Manifest, findings: &mut Vec<String>) {
        let path = document(&manifest.layer, SBOM);
        let Some(text) = self.documents.get(&path) else {
            findings.push(format!("there is no SBOM (`{path}`)"));
            return;
        };
        let Ok(sbom) = serde_json::from_str::<Value>(text) else {
            findings.push(format!("the SBOM `{path}` is not JSON"));
            return;
        };
        let components = sbom["components"].as_array().map(Vec::as_slice).unwrap_or_default();
        let references: Vec<&str> = components.iter().filter_map(|component| component["bom-ref"].as_str()).collect();
        let mut listed: Vec<&str> =
            references.iter().filter_map(|reference| reference.strip_prefix("recipe:")).collect();
        listed.sort_unstable();
        let mut made: Vec<String> =
            manifest.recipes.iter().map(|recipe| format!("{}@{}", recipe.name, recipe.version)).collect();
        made.sort_unstable();
        if listed != made {
            findings.push(format!(
                "the SBOM lists {} as parts, and the manifest {}",
                listed.join(", "),
                made.join(", ")
            ));
        }
    }

    fn find_licences(&self, manifest: &Manifest, findings: &mut Vec<String>) {
        for recipe in &manifest.recipes {
            let folder = format!("{}/", document(&manifest.layer, &format!("licenses/{}", recipe.name)));
            if !self.files.keys().any(|path| path.starts_with(&folder)) {
                findings.push(format!("the licence text of {} is missing", recipe.name));
            }
        }
    }
}

/// The path of one of a layer's own documents.
fn document(layer: &LayerName, name: &str) -> String {
    match licenses::documents(layer).and_then(|folder| folder.join(name)) {
        Ok(path) => path.to_string(),
        // A layer's name is safe in a path, so this cannot be; it would then match nothing.
        Err(_) => String::new(),
    }
}

impl Inspection {
    /// The recipes that no file of the layer comes from: they are linked in.
    pub fn linked_in(&self) -> impl Iterator<Item = &RecipeName> {
        let provides = |name: &RecipeName| {
            let of = format!("{name} ");
            let texts = format!("/licenses/{name}/");
            self.files
                .iter()
                .any(|file| file.from.as_ref().is_some_and(|from| from.starts_with(&of)) && !file.path.contains(&texts))
        };
        self.recipes.iter().map(|recipe| &recipe.name).filter(move |name| !provides(name))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroUsize;
    use std::path::PathBuf;

    use super::*;
    use crate::pack::{PackedFile, Staged, sample, write_layer, zip};

    fn written(packages: &sample::Packages) -> PathBuf {
        let release = write_layer(&packages.staged(), Sha256::of("plan"), packages.root(), NonZeroUsize::MIN);
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
        let file = |path: &str| layer.files.iter().find(|file| file.path == path).expect(path);
        let tool = file("bin/tool");
        assert_eq!((tool.size, tool.mode.as_deref(), tool.from.as_deref()), (9, Some("0755"), Some("program 1.2")));
        assert_eq!(file("share/media-layers/sample/sbom.cdx.json").from, None);
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
