//! What a zip holds, and whether that agrees with its manifest and its SBOM.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use sha2::Digest as _;

use crate::archive::entry::{Content, Entry, LIMITS};
use crate::archive::layer as zipped;
use crate::archive::name::shown;
use crate::model::{LayerName, Sha256};
use crate::pack::licenses;
use crate::pack::manifest::Manifest;

/// How a layer's own documents are called, below its folder.
pub(super) const MANIFEST: &str = "manifest.json";
const SBOM: &str = "sbom.cdx.json";

/// Where that folder is.
const DOCUMENTS: &str = "share/media-layers/";

/// The most bytes of a manifest or an SBOM. The largest of ours has 60 KB.
const LARGEST_DOCUMENT: u64 = 2 << 20;

/// A file as it is in the zip.
#[derive(Debug)]
pub(super) struct Found {
    /// Bytes, once unpacked.
    pub size: u64,
    /// Its permissions.
    pub mode: Option<u32>,
    /// Of its bytes.
    pub sha256: Sha256,
}

/// What a zip holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Its files, by path.
    pub files: BTreeMap<String, Found>,
    /// Texts of manifests and SBOMs, by path.
    documents: BTreeMap<String, String>,
    /// Entries that no layer has.
    pub oddities: Vec<String>,
}

impl Contents {
    /// Reads a zip.
    pub fn read(zip: File) -> Result<Contents> {
        let mut contents = Contents::default();
        zipped::each(zip, LIMITS, &mut |entry| contents.add(entry))?;
        Ok(contents)
    }

    fn add(&mut self, entry: Entry<'_>) -> Result<()> {
        let Entry { path, mode, content } = entry;
        let Content::File { size, bytes } = content else {
            self.oddities.push(format!("`{path}` is not a file, and a layer holds only files"));
            return Ok(());
        };
        let failed = || format!("cannot unpack `{path}`");
        let mut hasher = sha2::Sha256::new();
        // Only documents are kept, and only one of a kind: whatever a file unpacks to, it is hashed as it comes.
        if let Some(kind) = document_kind(&path) {
            ensure!(size <= LARGEST_DOCUMENT, "`{path}` has {size} bytes; the {kind} of a layer has some thousand");
            if let Some(other) = self.documents.keys().find(|other| document_kind(other) == Some(kind)) {
                bail!("it has two files called {kind}, `{other}` and `{path}`");
            }
            let mut content = Vec::new();
            bytes.read_to_end(&mut content).with_context(failed)?;
            hasher.update(&content);
            let text = String::from_utf8(content).with_context(|| format!("`{path}` is not text"))?;
            self.documents.insert(path.clone(), text);
        } else {
            io::copy(bytes, &mut hasher).with_context(failed)?;
        }
        let sha256 = Sha256::from_bytes(hasher.finalize().into());
        self.files.insert(path, Found { size, mode, sha256 });
        Ok(())
    }

    /// Its manifest.
    pub fn manifest(&self) -> Result<Manifest> {
        let Some((path, text)) = self.documents.iter().find(|(path, _)| document_kind(path) == Some(MANIFEST)) else {
            bail!("it has no manifest (`{DOCUMENTS}<name>/{MANIFEST}`): it was not built by this tool");
        };
        let manifest = Manifest::from_json(text).with_context(|| format!("in `{path}`"))?;
        if *path != document(&manifest.layer, MANIFEST) {
            bail!("the manifest of layer `{}` is at `{path}`", manifest.layer);
        }
        Ok(manifest)
    }

    /// The manifest names the same files with the same bytes and modes.
    pub fn compare(&self, manifest: &Manifest, findings: &mut Vec<String>) {
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
        let known: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        for path in self.files.keys().filter(|path| **path != own) {
            if !known.contains(path.as_str()) {
                findings.push(format!("`{path}` is in the zip and not in the manifest"));
            }
        }
    }

    /// The SBOM names the same recipes as the manifest, in the same versions.
    pub fn compare_sbom(&self, manifest: &Manifest, findings: &mut Vec<String>) {
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
                shown(listed.join(", ").as_bytes()),
                shown(made.join(", ").as_bytes())
            ));
        }
    }

    /// The package URLs in the SBOM.
    pub fn package_urls(&self, manifest: &Manifest) -> Vec<String> {
        let text = self.documents.get(&document(&manifest.layer, SBOM)).map_or("", String::as_str);
        let sbom: Value = serde_json::from_str(text).unwrap_or_default();
        let components = sbom["components"].as_array().map(Vec::as_slice).unwrap_or_default();
        let urls = components.iter().filter_map(|component| component["purl"].as_str());
        urls.filter(|url| !url.is_empty()).map(str::to_owned).collect()
    }

    /// There is a licence text of every recipe.
    pub fn find_licences(&self, manifest: &Manifest, findings: &mut Vec<String>) {
        for recipe in &manifest.recipes {
            let folder = format!("{}/", document(&manifest.layer, &format!("licenses/{}", recipe.name)));
            // The first path that could be in it is, if any is.
            if !self.files.range(folder.clone()..).next().is_some_and(|(path, _)| path.starts_with(&folder)) {
                findings.push(format!("the licence text of {} is missing", recipe.name));
            }
        }
    }
}

/// The file name of a manifest or an SBOM, if the path is that of one.
fn document_kind(path: &str) -> Option<&'static str> {
    let name = path.strip_prefix(DOCUMENTS)?.rsplit_once('/')?.1;
    [MANIFEST, SBOM].into_iter().find(|kind| *kind == name)
}

/// The path of one of a layer's own documents.
fn document(layer: &LayerName, name: &str) -> String {
    match licenses::documents(layer).and_then(|folder| folder.join(name)) {
        Ok(path) => path.to_string(),
        // A layer's name is safe in a path, so this cannot be; it would then match nothing.
        Err(_) => String::new(),
    }
}
