//! The catalog: every recipe, layer and target file of the checkout, read strictly and cross-checked.
//!
//! A catalog that loads is whole: every name that a file mentions exists, and
//! every file that a recipe mentions is there. Planning needs no other input.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;

use crate::error::{did_you_mean, invalid};
use crate::model::{Layer, LayerName, Recipe, RecipeName, Sha256, Targets, Toolchain};

/// What the checkout says.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The checkout.
    pub root: PathBuf,
    /// By name.
    pub recipes: BTreeMap<RecipeName, CatalogRecipe>,
    /// By name.
    pub layers: BTreeMap<LayerName, Layer>,
    /// The runtimes.
    pub targets: Targets,
    /// The compiler and its wrappers.
    pub toolchain: Toolchain,
}

/// A recipe and the files that lie beside it.
#[derive(Debug, Clone)]
pub struct CatalogRecipe {
    /// As written.
    pub recipe: Recipe,
    /// Its folder.
    pub folder: PathBuf,
    /// Every other file of the folder, by path in it; patches are below `patches/`.
    pub files: BTreeMap<String, RecipeFile>,
}

/// A file that belongs to a recipe.
#[derive(Debug, Clone)]
pub struct RecipeFile {
    /// Where it is.
    pub path: PathBuf,
    /// Of its bytes.
    pub sha256: Sha256,
}

impl Catalog {
    /// Reads the catalog of the checkout at `root`.
    pub fn load(root: &Path) -> Result<Catalog> {
        let mut recipes = BTreeMap::new();
        for folder in sorted_entries(&root.join("recipes"))? {
            let file = folder.join("recipe.toml");
            if folder.is_dir() {
                let recipe: Recipe = read_toml(&file)?;
                expect_name(&file, recipe.name.as_str(), &folder)?;
                let files = digest_files(&folder)?;
                recipes.insert(recipe.name.clone(), CatalogRecipe { recipe, folder, files });
            }
        }
        share_files(&mut recipes)?;
        let mut layers = BTreeMap::new();
        for file in sorted_entries(&root.join("layers"))? {
            if file.extension().is_some_and(|extension| extension == "toml") && !is_reserved(&file) {
                let layer: Layer = read_toml(&file)?;
                expect_name(&file, layer.name.as_str(), &file.with_extension(""))?;
                layers.insert(layer.name.clone(), layer);
            }
        }
        let catalog = Catalog {
            root: root.to_owned(),
            recipes,
            layers,
            targets: read_toml(&root.join("docker/targets.toml"))?,
            toolchain: read_toml(&root.join("recipes/toolchain.toml"))?,
        };
        catalog.check()?;
        Ok(catalog)
    }

    /// The recipe of that name.
    pub fn recipe(&self, name: &RecipeName) -> Result<&CatalogRecipe> {
        self.recipes.get(name).ok_or_else(|| {
            let near = did_you_mean(name.as_str(), self.recipes.keys().map(|known| known.as_str()));
            let known = list(self.recipes.keys());
            invalid(format!("there is no recipe `{name}`\n\nhint: {near}known recipes are {known}"))
        })
    }

    /// The layer of that name.
    pub fn layer(&self, name: &LayerName) -> Result<&Layer> {
        self.layers.get(name).ok_or_else(|| {
            let near = did_you_mean(name.as_str(), self.layers.keys().map(|known| known.as_str()));
            let known = list(self.layers.keys());
            invalid(format!("there is no layer `{name}`\n\nhint: {near}known layers are {known}"))
        })
    }

    fn check(&self) -> Result<()> {
        for entry in self.recipes.values() {
            self.check_recipe(entry).with_context(|| format!("in {}", entry.folder.join("recipe.toml").display()))?;
        }
        for layer in self.layers.values() {
            let file = self.root.join("layers").join(format!("{}.toml", layer.name));
            self.check_layer(layer).with_context(|| format!("in {}", file.display()))?;
        }
        for tool in [&self.toolchain.compiler, &self.toolchain.pip] {
            self.recipe(&tool.name)
                .with_context(|| format!("in {}", self.root.join("recipes/toolchain.toml").display()))?;
        }
        for target in &self.targets.targets {
            if target.glibc < self.targets.floor {
                return Err(invalid(format!(
                    "in {}: target `{}` has glibc {}, older than the floor {}",
                    self.root.join("docker/targets.toml").display(),
                    target.name,
                    target.glibc,
                    self.targets.floor
                )));
            }
        }
        Ok(())
    }

    fn check_recipe(&self, entry: &CatalogRecipe) -> Result<()> {
        let recipe = &entry.recipe;
        if recipe.versions.is_empty() {
            return Err(invalid("it pins no version"));
        }
        let mut seen = BTreeSet::new();
        for version in &recipe.versions {
            if !seen.insert(&version.version) {
                return Err(invalid(format!("version {} is there twice", version.version)));
            }
            for reference in version.needs.iter().chain(&recipe.needs).chain(&recipe.tools) {
                let needed = self.recipe(&reference.name)?;
                if let Some(wanted) = &reference.version
                    && needed.recipe.version(wanted).is_none()
                {
                    return Err(invalid(format!("`{reference}` is needed, but that recipe has no version {wanted}")));
                }
            }
            for patch in &version.patches {
                if !entry.files.contains_key(&format!("patches/{patch}")) {
                    return Err(invalid(format!("the patch `patches/{patch}` is not there")));
                }
            }
            for source in &version.sources {
                if source.archives.len() > 1 && source.tree.is_none() {
                    return Err(invalid(format!(
                        "version {} can come from several archives, so it needs a `tree` digest that proves them equal",
                        version.version
                    )));
                }
                if source.archives.is_empty() || source.archives.iter().any(|archive| archive.origins.is_empty()) {
                    return Err(invalid(format!("version {} has a source without an origin", version.version)));
                }
            }
            if version.sources.is_empty() {
                return Err(invalid(format!("version {} has no source", version.version)));
            }
        }
        Ok(())
    }

    fn check_layer(&self, layer: &Layer) -> Result<()> {
        self.recipe(&layer.recipe)?;
        let mut seen = BTreeSet::new();
        for file in &layer.files {
            self.recipe(&file.recipe)?;
            if !seen.insert(&file.to) {
                return Err(invalid(format!("two files go to `{}`", file.to)));
            }
        }
        if layer.smoke.is_some() != layer.checks.is_empty() {
            return Err(invalid("a layer needs either `smoke`, the name of a suite, or `checks` of its own"));
        }
        for check in &layer.checks {
            let program = check.run.first().map(String::as_str).unwrap_or_default();
            if !layer.files.iter().any(|file| file.to == program) {
                return Err(invalid(format!("the check `{}` runs `{program}`, which is not in the layer", check.name)));
            }
        }
        Ok(())
    }
}

/// Files of `layers/` that are no layers.
fn is_reserved(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == "digests.toml" || name == "regions.toml")
}

/// Gives recipes the files that lie in another recipe's folder.
fn share_files(recipes: &mut BTreeMap<RecipeName, CatalogRecipe>) -> Result<()> {
    let wanting: Vec<_> = recipes
        .values()
        .filter_map(|entry| Some((entry.recipe.name.clone(), entry.recipe.files_of.clone()?)))
        .collect();
    for (name, owner) in wanting {
        let Some(owned) = recipes.get(&owner).map(|entry| entry.files.clone()) else {
            return Err(invalid(format!("recipe `{name}` uses the files of `{owner}`, which is not there")));
        };
        if let Some(entry) = recipes.get_mut(&name) {
            entry.files.extend(owned);
        }
    }
    Ok(())
}

fn expect_name(file: &Path, name: &str, place: &Path) -> Result<()> {
    let expected = place.file_name().unwrap_or_default().to_string_lossy();
    if name != expected {
        return Err(invalid(format!("in {}: the name is `{name}`, the place says `{expected}`", file.display())));
    }
    Ok(())
}

fn list<T: std::fmt::Display>(names: impl Iterator<Item = T>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let mut paths =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
        paths.sort();
        Ok(paths)
    };
    read().map_err(|error| invalid(format!("cannot read the folder {}: {error}", folder.display())))
}

/// Reads one of our files; a mistake in it is shown with its line and a caret.
pub fn read_toml<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = fs::read_to_string(file).map_err(|error| invalid(format!("cannot read {}: {error}", file.display())))?;
    toml::from_str(&text).map_err(|error| invalid(format!("cannot use {}\n{error}", file.display())))
}

/// Every file below `folder` but the recipe itself, whose meaning is digested instead of its text.
fn digest_files(folder: &Path) -> Result<BTreeMap<String, RecipeFile>> {
    let mut files = BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(current) = pending.pop() {
        for path in sorted_entries(&current)? {
            if path.is_dir() {
                pending.push(path);
            } else if path != folder.join("recipe.toml") {
                let bytes =
                    fs::read(&path).map_err(|error| invalid(format!("cannot read {}: {error}", path.display())))?;
                let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
                files.insert(name, RecipeFile { path, sha256: Sha256::of(bytes) });
            }
        }
    }
    Ok(files)
}
