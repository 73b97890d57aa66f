//! Provenance: a statement that says which inputs became a zip, and who turned them into it.
//!
//! The form is in-toto's Statement v1 with SLSA's provenance v1 as predicate,
//! so that `slsa-verifier`, `cosign` and GitHub's attestations can carry it. It
//! is not in the zip, and, unlike the manifest, tells of one build: where it
//! was, and from which files of ours and which archives. An
//! archive is named by the first of its origins; its digest is what counts.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::facts::Patch;
use super::landing::land_text;
use super::manifest::pretty;
use super::release::{PROVENANCE, Release, file_name};
use crate::model::recipe::Archive;
use crate::model::{Arch, BuilderIdentity, GlibcVersion, LayerName, Origin, RecipeName, Sha256, Version};

/// What kind of build the parameters are for. It changes with their meaning.
pub const BUILD_TYPE: &str = "urn:media-layers:build-layer:1";

/// Writes the statement about the zip of `release` beside it.
pub fn write_provenance(release: &Release, build: Build, dist: &Path) -> Result<()> {
    let manifest = &release.manifest;
    let name = file_name(&manifest.layer, &manifest.version, manifest.arch, PROVENANCE);
    land_text(&dist.join(name), &Statement::new(release, build).to_json()?)
}

/// The one build a statement is about.
#[derive(Debug, Clone)]
pub struct Build {
    /// Where it compiled.
    pub builder: BuilderIdentity,
    /// Archives and recipe files that went in; patches are taken from the manifest.
    pub materials: Vec<Material>,
}

/// One input of a build, as a resource descriptor of in-toto.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Material {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    digest: BTreeMap<&'static str, Sha256>,
}

impl Material {
    /// An archive of a recipe, and the origin that served it.
    pub fn archive(recipe: &RecipeName, archive: &Archive, origin: &Origin) -> Material {
        Material {
            name: format!("{recipe}/{}", origin.file_name()),
            uri: Some(origin.to_string()),
            digest: digest(archive.sha256),
        }
    }

    /// A file of ours, by its path in the repository; its bytes count, not the commit it is of.
    pub fn file(path: &str, sha256: Sha256) -> Material {
        Material { name: path.to_owned(), uri: None, digest: digest(sha256) }
    }

    /// What a container was made from: the image it was, and the one that was built on, where registries know it.
    fn images(builder: &BuilderIdentity) -> Vec<Material> {
        let BuilderIdentity::Container { target, base_image, base_digests, image_id } = builder else {
            return Vec::new();
        };
        let image = |name: String, uri: Option<String>, id: &str| {
            let (_, sha256) = id.rsplit_once("sha256:")?;
            Some(Material { name, uri, digest: digest(sha256.parse().ok()?) })
        };
        let base = |id: &String| image(format!("base image for {target}"), Some(base_image.clone()), id);
        let built = image(format!("image for {target}"), None, image_id);
        built.into_iter().chain(base_digests.iter().filter_map(base)).collect()
    }

    fn patch(recipe: &RecipeName, patch: &Patch) -> Material {
        Material::file(&format!("recipes/{recipe}/patches/{}", patch.file), patch.sha256)
    }
}

/// A statement, in the terms and the order of its JSON.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Subject>,
    predicate_type: &'static str,
    predicate: Predicate,
}

#[derive(Debug, Clone, Serialize)]
struct Subject {
    name: String,
    digest: BTreeMap<&'static str, Sha256>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    build_definition: BuildDefinition,
    run_details: RunDetails,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition {
    build_type: &'static str,
    external_parameters: ExternalParameters,
    internal_parameters: InternalParameters,
    resolved_dependencies: Vec<Material>,
}

/// What somebody asked for: `build-layer LAYER@VERSION --arch … --builder … --override …`.
#[derive(Debug, Clone, Serialize)]
struct ExternalParameters {
    layer: LayerName,
    version: Version,
    arch: Arch,
    builder: String,
    /// The recipes that were built from local trees.
    overrides: Vec<RecipeName>,
}

/// What followed from it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct InternalParameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    compiler: Option<String>,
    glibc: GlibcVersion,
    plan_key: Sha256,
}

#[derive(Debug, Clone, Serialize)]
struct RunDetails {
    builder: Builder,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Builder {
    id: String,
    version: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    builder_dependencies: Vec<Material>,
}

impl Statement {
    /// The statement about the zip of `release`.
    pub fn new(release: &Release, build: Build) -> Statement {
        let manifest = &release.manifest;
        let patches = manifest
            .recipes
            .iter()
            .flat_map(|recipe| recipe.patches.iter().map(|patch| Material::patch(&recipe.name, patch)));
        let mut materials: Vec<Material> = build.materials.into_iter().chain(patches).collect();
        materials.sort();
        materials.dedup();
        let unpinned = manifest.recipes.iter().filter(|recipe| !recipe.pinned);
        let external_parameters = ExternalParameters {
            layer: manifest.layer.clone(),
            version: manifest.version.clone(),
            arch: manifest.arch,
            builder: build.builder.name().to_owned(),
            overrides: unpinned.map(|recipe| recipe.name.clone()).collect(),
        };
        let internal_parameters = InternalParameters {
            compiler: manifest.compiler.as_ref().map(|compiler| format!("{}@{}", compiler.name, compiler.version)),
            glibc: manifest.glibc,
            plan_key: release.plan_key,
        };
        let builder = Builder {
            id: format!("urn:media-layers:builder:{}", build.builder.name()),
            version: BTreeMap::from([("media-layers", env!("CARGO_PKG_VERSION"))]),
            builder_dependencies: Material::images(&build.builder),
        };
        Statement {
            kind: "https://in-toto.io/Statement/v1",
            subject: vec![Subject { name: release.zip.name.clone(), digest: digest(release.zip.sha256) }],
            predicate_type: "https://slsa.dev/provenance/v1",
            predicate: Predicate {
                build_definition: BuildDefinition {
                    build_type: BUILD_TYPE,
                    external_parameters,
                    internal_parameters,
                    resolved_dependencies: materials,
                },
                run_details: RunDetails { builder },
            },
        }
    }

    /// The text of the file.
    pub fn to_json(&self) -> Result<String> {
        pretty(self)
    }
}

fn digest(sha256: Sha256) -> BTreeMap<&'static str, Sha256> {
    BTreeMap::from([("sha256", sha256)])
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use serde_json::Value;

    use super::super::{sample, write_layer};
    use super::*;

    fn statement(turn: usize) -> String {
        let packages = sample::Packages::new();
        let dist = packages.root().join("dist");
        let release = write_layer(&packages.staged(), Sha256::of("plan"), sample::checks(), &dist, NonZeroUsize::MIN)
            .expect("written");
        let mut materials = Vec::new();
        for recipe in packages.facts().recipes {
            let archive = &recipe.sources[0].archives[0];
            materials.push(Material::archive(&recipe.name, archive, &archive.origins[0]));
            let path = format!("recipes/{}/recipe.toml", recipe.name);
            materials.push(Material::file(&path, Sha256::of(&path)));
        }
        materials.extend(materials.clone());
        materials.rotate_left(turn);
        let builder = BuilderIdentity::Container {
            target: "al2".to_owned(),
            base_image: "registry.example.org/base:1".to_owned(),
            base_digests: vec![format!("registry.example.org/base@sha256:{}", Sha256::of("a base"))],
            image_id: format!("sha256:{}", Sha256::of("an image")),
        };
        let build = Build { builder, materials };
        Statement::new(&release, build).to_json().expect("JSON")
    }

    #[test]
    fn the_shape_is_this() {
        insta::assert_snapshot!(statement(0));
    }

    /// What in-toto's Statement v1 and SLSA's provenance v1 ask for, which have no schema that could be carried along.
    #[test]
    fn it_has_what_the_specifications_require() {
        let statement: Value = serde_json::from_str(&statement(0)).expect("JSON");
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
        let digest = |of: &Value| of["digest"]["sha256"].as_str().is_some_and(|text| text.parse::<Sha256>().is_ok());
        let subjects = statement["subject"].as_array().expect("subjects");
        assert!(!subjects.is_empty() && subjects.iter().all(digest));
        let definition = &statement["predicate"]["buildDefinition"];
        assert!(definition["buildType"].as_str().is_some_and(|uri| uri.contains(':')));
        assert!(definition["externalParameters"].as_object().is_some_and(|parameters| !parameters.is_empty()));
        let materials = definition["resolvedDependencies"].as_array().expect("materials");
        assert!(materials.len() > 6 && materials.iter().all(digest), "{materials:?}");
        let builder = &statement["predicate"]["runDetails"]["builder"];
        assert!(builder["id"].as_str().is_some_and(|uri| uri.contains(':')));
        assert!(builder["version"].as_object().is_some_and(|versions| versions.values().all(Value::is_string)));
        assert!(builder["builderDependencies"].as_array().is_some_and(|images| images.iter().all(digest)));
    }

    #[test]
    fn the_order_of_materials_does_not_show() {
        assert_eq!(statement(0), statement(5));
    }
}
