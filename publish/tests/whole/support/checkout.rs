//! A checkout with zips of our own making in its dist/.

use std::fs::{self, Permissions};
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use xtask::catalog::Catalog;
use xtask::lock::Lock;
use xtask::model::{Arch, LayerName, Sha256};
use xtask::pack::{Checks, Compiler, LayerFacts, PackedRecipe, Release, Stage, write_layer};

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

    /// Makes a zip with `content` in its program, as the tool does, and its record.
    pub fn build(&self, layer: &str, arch: Arch, content: &[u8]) -> Release {
        self.build_with(layer, arch, content, true)
    }

    /// The same from sources that are pinned, or not.
    pub fn build_with(&self, layer: &str, arch: Arch, content: &[u8], pinned: bool) -> Release {
        let layer: LayerName = layer.parse().expect("a name");
        let facts = self.facts(&layer, arch, pinned);
        let package = &facts.recipes[0];
        let (recipe, program) = (package.name.clone(), package.out_dir.join("bin/tool"));
        fs::create_dir_all(package.out_dir.join("bin")).expect("a folder");
        fs::create_dir_all(&package.license_dir).expect("a folder");
        fs::write(&program, content).expect("the program");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("its mode");
        fs::write(package.license_dir.join("LICENSE"), "terms").expect("the licence");
        let checks = Checks {
            audited: facts.targets.clone(),
            smoke_place: "a test".to_owned(),
            smoke_passed: 7,
            smoke_skipped: Vec::new(),
        };
        let mut stage = Stage::new(facts).expect("a stage");
        stage.add(&recipe, "bin/tool", &"bin/tool".parse().expect("a path")).expect("staged");
        let (staged, dist) = (stage.finish().expect("staged"), self.root().join("dist"));
        write_layer(&staged, Sha256::of("plan"), Some(checks), &dist, NonZeroUsize::MIN).expect("a zip")
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

    /// A layer of one package.
    fn facts(&self, layer: &LayerName, arch: Arch, pinned: bool) -> LayerFacts {
        let layer = self.catalog.layer(layer).expect("a layer");
        let recipe = &self.catalog.recipe(&layer.recipe).expect("a recipe").recipe;
        let targets = self.catalog.targets.targets.iter().filter(|target| target.architectures.contains(&arch));
        let newest = recipe.newest().expect("a version");
        let package = self.root().join("packages").join(layer.name.as_str());
        LayerFacts {
            name: layer.name.clone(),
            version: newest.version.clone(),
            summary: layer.summary.clone(),
            arch,
            glibc: self.catalog.targets.floor,
            compiler: Some(Compiler { name: "zig".parse().expect("a name"), version: "1".parse().expect("a version") }),
            targets: targets.map(|target| target.name.clone()).collect(),
            recipes: vec![PackedRecipe {
                name: recipe.name.clone(),
                version: newest.version.clone(),
                summary: recipe.summary.clone(),
                homepage: recipe.homepage.clone(),
                cpes: vec![],
                purl: None,
                spdx: recipe.license.spdx.clone(),
                pinned,
                needs: Vec::new(),
                sources: newest.sources.clone(),
                patches: Vec::new(),
                steps: Vec::new(),
                key: Sha256::of(recipe.name.as_str()),
                license_dir: package.join("licenses"),
                license_files: vec!["LICENSE".to_owned()],
                out_dir: package,
            }],
        }
    }
}
