//! `manifest.json`: what is in a layer and what it was made from, for people and for our own tools.
//!
//! It lies inside the zip, so it holds nothing that depends on the machine,
//! the folder or the hour, and lists every file but itself.
//!
//! Its structs repeat fields of [`super::facts`] on purpose: they are a file format, which changes only with its number,
//! whereas the facts change with the packer.

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::facts::{Compiler, LayerFacts, PackedRecipe, Patch};
use super::file::{Mode, PackedFile};
use super::path::{LayerPath, PathSet};
use crate::model::recipe::{Source, Step};
use crate::model::{Arch, GlibcVersion, LayerName, RecipeName, Sha256, Version};

/// The version of the format. A reader refuses others.
pub const FORMAT: u32 = 1;

/// A layer, described. Lists are sorted, so equal layers have equal texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The layer's name.
    pub layer: LayerName,
    /// The layer's version.
    pub version: Version,
    /// One line on what a function gets.
    pub summary: String,
    /// What its programs run on.
    pub arch: Arch,
    /// The oldest glibc it runs with.
    pub glibc: GlibcVersion,
    /// Whether every recipe was built from its pinned sources.
    pub pinned: bool,
    /// What compiled it; absent where nothing in it is compiled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<Compiler>,
    /// The targets it was audited for.
    pub targets: Vec<String>,
    /// Every recipe in it, by name.
    pub recipes: Vec<ManifestRecipe>,
    /// Every file but the manifest, by path.
    pub files: Vec<ManifestFile>,
}

/// One recipe of a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ManifestRecipe {
    /// Its name.
    pub name: RecipeName,
    /// The version that was built.
    pub version: Version,
    /// Its terms, as an SPDX expression.
    pub license: String,
    /// Upstream's page.
    pub homepage: String,
    /// False if it was built from a local tree.
    pub pinned: bool,
    /// The recipes of this layer that it is built with, by name.
    pub needs: Vec<RecipeName>,
    /// Its source trees and the archives that hold them.
    pub sources: Vec<Source>,
    /// Its patches, in the order in which they are applied.
    pub patches: Vec<Patch>,
    /// What was run, in logical paths.
    pub steps: Vec<Step>,
    /// The key of the package, which covers everything that went into it.
    pub key: Sha256,
}

/// One file of a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Its path below `/opt`.
    pub path: LayerPath,
    /// Bytes.
    pub size: u64,
    /// Of its bytes.
    pub sha256: Sha256,
    /// Its permissions.
    pub mode: Mode,
    /// The recipe that provides it; absent for what the packer wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<RecipeName>,
}

impl Manifest {
    /// Describes a layer of `files`.
    pub fn new(facts: &LayerFacts, files: &[PackedFile]) -> Manifest {
        let mut recipes: Vec<ManifestRecipe> = facts.recipes.iter().map(ManifestRecipe::new).collect();
        recipes.sort_by(|one, other| one.name.cmp(&other.name));
        let mut files: Vec<ManifestFile> = files.iter().map(ManifestFile::new).collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let mut targets = facts.targets.clone();
        targets.sort();
        Manifest {
            format: FORMAT,
            layer: facts.name.clone(),
            version: facts.version.clone(),
            summary: facts.summary.clone(),
            arch: facts.arch,
            glibc: facts.glibc,
            pinned: recipes.iter().all(|recipe| recipe.pinned),
            compiler: facts.compiler.clone(),
            targets,
            recipes,
            files,
        }
    }

    /// The text of the file.
    pub fn to_json(&self) -> Result<String> {
        pretty(self)
    }

    /// Reads a manifest, which may come from a zip of somebody else.
    ///
    /// # Errors
    /// If it is not JSON, has an unknown or missing field or an unknown format, or contradicts itself.
    pub fn from_json(text: &str) -> Result<Manifest> {
        check_format(text, "manifest")?;
        let manifest: Manifest = serde_json::from_str(text).context("this is not a manifest of a layer")?;
        manifest.check().context("the manifest contradicts itself")?;
        Ok(manifest)
    }

    /// The rules that the types cannot express.
    pub(super) fn check(&self) -> Result<()> {
        let mut paths = PathSet::default();
        self.files.iter().try_for_each(|file| paths.insert(&file.path))?;
        ensure!(self.files.is_sorted_by_key(|file| &file.path), "its files are not in the order of their paths");
        if let Some(pair) = self.recipes.windows(2).find(|pair| pair[0].name >= pair[1].name) {
            bail!("its recipes are not in the order of their names, or there are two of `{}`", pair[0].name);
        }
        let known = |name: &RecipeName| self.recipes.iter().any(|recipe| recipe.name == *name);
        for file in &self.files {
            if let Some(recipe) = file.recipe.as_ref().filter(|recipe| !known(recipe)) {
                bail!("`{}` is of recipe `{recipe}`, which it does not list", file.path);
            }
        }
        let pinned = self.recipes.iter().all(|recipe| recipe.pinned);
        ensure!(self.pinned == pinned, "`pinned` is {} for the layer, but {pinned} by its recipes", self.pinned);
        Ok(())
    }
}

impl ManifestRecipe {
    fn new(recipe: &PackedRecipe) -> ManifestRecipe {
        let mut needs = recipe.needs.clone();
        needs.sort();
        ManifestRecipe {
            name: recipe.name.clone(),
            version: recipe.version.clone(),
            license: recipe.spdx.clone(),
            homepage: recipe.homepage.clone(),
            pinned: recipe.pinned,
            needs,
            sources: recipe.sources.clone(),
            patches: recipe.patches.clone(),
            steps: recipe.steps.clone(),
            key: recipe.key,
        }
    }
}

impl ManifestFile {
    fn new(file: &PackedFile) -> ManifestFile {
        ManifestFile {
            path: file.path().clone(),
            size: file.size(),
            sha256: file.sha256(),
            mode: file.mode(),
            recipe: file.recipe().cloned(),
        }
    }
}

/// JSON as we write it everywhere: indented, fields in the order of their struct, a newline at the end.
pub(super) fn pretty(value: &impl Serialize) -> Result<String> {
    let mut text = serde_json::to_string_pretty(value).context("cannot be written as JSON")?;
    text.push('\n');
    Ok(text)
}

/// Looks at the format before the strict reader does, whose complaint about a newer format would
/// be some unknown field.
pub(super) fn check_format(text: &str, what: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct Header {
        format: u32,
    }
    let header: Header = serde_json::from_str(text).with_context(|| format!("this is not a {what} of a layer"))?;
    ensure!(
        header.format == FORMAT,
        "this {what} has format {}, and this tool reads format {FORMAT}: use the tool that wrote it",
        header.format
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let manifest = sample::Packages::new().staged().manifest().clone();
        let text = manifest.to_json().expect("JSON");
        assert!(text.ends_with("}\n"));
        assert_eq!(Manifest::from_json(&text).expect("read"), manifest);
    }

    /// Whoever reads manifests depends on this shape: a change of it needs a new format number.
    #[test]
    fn the_shape_is_this() {
        let manifest = sample::Packages::new().staged().manifest().clone();
        insta::assert_snapshot!(manifest.to_json().expect("JSON"));
    }

    #[test]
    fn nothing_of_this_machine_is_in_it() {
        let packages = sample::Packages::new();
        let text = packages.staged().manifest().to_json().expect("JSON");
        let folder = packages.root().to_string_lossy().into_owned();
        assert!(!text.contains(&folder), "{text}");
    }

    #[test]
    fn one_local_tree_makes_the_layer_unpinned() {
        let packages = sample::Packages::new();
        let mut facts = packages.facts();
        assert!(Manifest::new(&facts, &[]).pinned);
        facts.recipes[1].pinned = false;
        assert!(!Manifest::new(&facts, &[]).pinned);
    }

    #[test]
    fn broken_manifests_are_refused_with_the_reason() {
        let manifest = sample::Packages::new().staged().manifest().clone();
        let text = manifest.to_json().expect("JSON");
        for (from, to, message) in [
            ("{", "[", "this is not a manifest of a layer"),
            ("\"format\": 1", "\"format\": 2", "this manifest has format 2, and this tool reads format 1"),
            ("\"format\": 1", "\"format\": 1, \"fast\": true", "unknown field `fast`"),
            ("\"pinned\": true", "\"pinned\": false", "`pinned` is false for the layer, but true by its recipes"),
            ("\"path\": \"bin/", "\"path\": \"/bin/", "cannot be a path in a layer: it is absolute"),
            ("\"path\": \"bin/tool\"", "\"path\": \"zz\"", "its files are not in the order of their paths"),
            ("\"mode\": \"0755\"", "\"mode\": \"4755\"", "unknown variant `4755`"),
            ("\"recipe\": \"program\"", "\"recipe\": \"other\"", "is of recipe `other`, which it does not list"),
            ("\"name\": \"bundle\"", "\"name\": \"program\"", "its recipes are not in the order of their names"),
        ] {
            let broken = text.replacen(from, to, 1);
            assert_ne!(broken, text, "{from} is not in the manifest");
            let error = format!("{:#}", Manifest::from_json(&broken).expect_err(message));
            assert!(error.contains(message), "{error}");
        }
    }
}
