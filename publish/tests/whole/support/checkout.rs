//! A checkout with zips of our own making in its dist/.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;
use xtask::catalog::Catalog;
use xtask::lock::Lock;
use xtask::model::{Arch, LayerName, Sha256};
use xtask::pack::Manifest;
use xtask::pack::release::{Checks, Release, ReleaseZip, code_sha256, file_name};
use zip::write::SimpleFileOptions;

/// A checkout in a temporary folder.
#[derive(Debug)]
pub struct Checkout {
    folder: TempDir,
    catalog: Catalog,
}

impl Checkout {
    /// With the recipes, layers and targets of this one, and nothing in dist/.
    pub fn new() -> Checkout {
        let folder = tempfile::tempdir().expect("a folder");
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout");
        for name in ["recipes", "layers", "docker"] {
            xtask::files::duplicate(&ours.join(name), &folder.path().join(name)).expect("copied");
        }
        for name in ["digests.toml", "published.json"] {
            let _ = fs::remove_file(folder.path().join("layers").join(name));
        }
        let catalog = Catalog::load(folder.path()).expect("the catalog");
        Checkout { folder, catalog }
    }

    /// With small zips of `layers` for both architectures, all of them locked.
    pub fn with(layers: &[&str]) -> Checkout {
        let checkout = Checkout::new();
        for layer in layers {
            for arch in Arch::ALL {
                checkout.lock(&checkout.build(layer, arch, b"first"));
            }
        }
        checkout
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn dist(&self, release: &Release) -> PathBuf {
        self.root().join("dist").join(&release.zip.name)
    }

    /// Makes a zip with `content` in its program, and its record.
    pub fn build(&self, layer: &str, arch: Arch, content: &[u8]) -> Release {
        self.build_with(layer, arch, content, |_| {})
    }

    /// The same after `change` to the record, but for what follows from the zip's bytes.
    pub fn build_with(&self, layer: &str, arch: Arch, content: &[u8], change: impl FnOnce(&mut Release)) -> Release {
        let layer: LayerName = layer.parse().expect("a name");
        let manifest = self.manifest(&layer, arch, content);
        let name = file_name(&layer, &manifest.version, arch, "zip");
        let sha256 = Sha256::of("");
        let zip = ReleaseZip { name, size: 0, unpacked_size: 0, sha256, code_sha256: code_sha256(&sha256) };
        let checks = Checks {
            audited: manifest.targets.clone(),
            smoke_place: "a test".to_owned(),
            smoke_passed: 7,
            smoke_skipped: Vec::new(),
        };
        let mut release = Release { format: 1, zip, plan_key: Sha256::of("plan"), checks: Some(checks), manifest };
        change(&mut release);
        fs::create_dir_all(self.root().join("dist")).expect("dist/");
        let path = self.dist(&release);
        write_zip(&path, &release.manifest, content);
        let bytes = fs::read(&path).expect("the zip");
        release.zip.sha256 = Sha256::of(&bytes);
        release.zip.size = bytes.len() as u64;
        release.zip.unpacked_size = release.zip.unpacked_size.max(bytes.len() as u64);
        release.zip.code_sha256 = code_sha256(&release.zip.sha256);
        fs::write(path.with_extension("json"), release.to_json().expect("JSON")).expect("the record");
        release
    }

    pub fn lock(&self, release: &Release) {
        Lock::update(self.root(), release).expect("locked");
    }

    /// Changes the bytes of a layer, for both architectures.
    pub fn rebuild(&self, layer: &str, content: &[u8]) {
        for arch in Arch::ALL {
            self.lock(&self.build(layer, arch, content));
        }
    }

    fn manifest(&self, layer: &LayerName, arch: Arch, content: &[u8]) -> Manifest {
        let recipe =
            &self.catalog.recipe(&self.catalog.layer(layer).expect("a layer").recipe).expect("a recipe").recipe;
        let targets = self.catalog.targets.targets.iter().filter(|target| target.architectures.contains(&arch));
        let mut targets: Vec<_> = targets.map(|target| target.name.clone()).collect();
        targets.sort();
        let text = json!({
            "format": 1, "layer": layer, "version": recipe.default, "summary": self.catalog.layers[layer].summary,
            "arch": arch, "glibc": "2.17", "pinned": true, "compiler": {"name": "zig", "version": "0.15.2"},
            "targets": targets,
            "recipes": [{
                "name": recipe.name, "version": recipe.default, "license": recipe.license.spdx,
                "homepage": recipe.homepage, "pinned": true, "needs": [], "sources": [], "patches": [], "steps": [],
                "key": Sha256::of(content),
            }],
            "files": [{
                "path": "bin/tool", "size": content.len(), "sha256": Sha256::of(content), "mode": "0755",
                "recipe": recipe.name,
            }],
        });
        Manifest::from_json(&text.to_string()).expect("a manifest")
    }
}

fn write_zip(path: &Path, manifest: &Manifest, content: &[u8]) {
    let mut zip = zip::ZipWriter::new(File::create(path).expect("created"));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let manifest_path = format!("share/media-layers/{}/manifest.json", manifest.layer);
    for (name, bytes) in [("bin/tool", content), (&manifest_path, manifest.to_json().expect("JSON").as_bytes())] {
        zip.start_file(name, options).expect("an entry");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("a zip");
}
