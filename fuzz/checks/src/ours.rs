//! Files of our own, as a hand might have spoilt them: an error with a place in the file, or something that can be used.

use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use xtask::catalog::Catalog;
use xtask::lock::Lock;
use xtask::model::{Arch, Layer, LayerName, Recipe, Targets, Toolchain};
use xtask::pack::Manifest;
use xtask::plan::{Plan, Request, resolve};

use crate::places::folder;

/// Reads the bytes as each of our files.
pub fn file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = toml::from_str::<Targets>(text);
    let _ = toml::from_str::<Toolchain>(text);
    let _ = toml::from_str::<Layer>(text);
    if let Ok(recipe) = toml::from_str::<Recipe>(text) {
        for version in recipe.versions {
            version.sources.iter().for_each(same_when_written);
        }
        recipe.steps.iter().for_each(same_when_written);
    }
    if let Ok(lock) = toml::from_str::<Lock>(text) {
        let written = toml::to_string(&lock).expect("TOML");
        assert_eq!(toml::from_str::<Lock>(&written).expect("what we wrote"), lock);
    }
    if let Ok(manifest) = Manifest::from_json(text) {
        let written = manifest.to_json().expect("JSON");
        assert_eq!(Manifest::from_json(&written).expect("what we wrote"), manifest);
    }
}

fn same_when_written<T: Serialize + DeserializeOwned + Debug + PartialEq>(value: &T) {
    let written = serde_json::to_string(value).expect("JSON");
    assert_eq!(&serde_json::from_str::<T>(&written).expect("what we wrote"), value);
}

/// A layer that is made of one recipe.
pub const LAYER: &str = r#"name = "app"
summary = "s"
recipe = "app"
smoke = "mediainfo"
files = [{ recipe = "app", from = "bin/app", to = "bin/app" }]
"#;

/// A checkout with one recipe and one layer, which are written anew for each input.
static CHECKOUT: LazyLock<TempDir> = LazyLock::new(|| {
    let checkout = folder();
    let root = checkout.path();
    write(root, "recipes/toolchain.toml", include_str!("../../../recipes/toolchain.toml"));
    write(root, "docker/targets.toml", include_str!("../../../docker/targets.toml"));
    for tool in ["zig", "pip"] {
        let lines = format!("platform = \"builder\"\nprograms = [\"{tool}\"]");
        write(root, &format!("recipes/{tool}/recipe.toml"), &recipe(tool, &lines));
    }
    checkout
});

/// Plans a layer `app`; the input is its file, a line `---`, and its recipe.
pub fn plan(bytes: &[u8]) {
    let Some((layer, recipe)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once("\n---\n")) else {
        return;
    };
    if let Ok(plan) = planned(layer, recipe) {
        let again = planned(layer, recipe).expect("planned before");
        assert_eq!(serde_json::to_string(&plan).expect("JSON"), serde_json::to_string(&again).expect("JSON"));
    }
}

/// The plan of a layer `app` and its recipe, for both architectures.
///
/// # Errors
/// One of them is wrong.
pub fn planned(layer: &str, recipe: &str) -> Result<Plan> {
    let root = CHECKOUT.path();
    write(root, "layers/app.toml", layer);
    write(root, "recipes/app/recipe.toml", recipe);
    let catalog = Catalog::load(root)?;
    let name: LayerName = "app".parse()?;
    resolve(&catalog, &Request { archs: Arch::ALL.to_vec(), builder: Arch::X86_64, ..Request::of(name) })
}

/// A recipe with these lines.
pub fn recipe(name: &str, lines: &str) -> String {
    let digest = "a".repeat(64);
    format!(
        r#"name = "{name}"
summary = "s"
homepage = "https://example.org"
license = {{ spdx = "MIT", files = ["LICENSE"] }}
{lines}
[[versions]]
version = "1.0"
[[versions.sources]]
tree = "{digest}"
[[versions.sources.archives]]
root = "app"
size = 1
sha256 = "{digest}"
origins = ["https://example.org/app-1.0.tar.gz", "debian:pool/main/a/app.tar.xz"]
"#
    )
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}
