//! Provenance: a statement that says which inputs became a zip, and who turned them into it.
//!
//! The form is in-toto's Statement v1 with SLSA's provenance v1 as predicate,
//! so that `slsa-verifier`, `cosign` and GitHub's attestations can carry it. It
//! is not in the zip, and, unlike the manifest, tells of one build: which
//! archive and which origin were in fact used, where, and, if given, when.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use super::facts::Patch;
use super::manifest::pretty;
use super::release::Release;
use crate::model::recipe::Archive;
use crate::model::{Arch, GlibcVersion, LayerName, Origin, RecipeName, Sha256, Version};

/// What kind of build the parameters are for. It changes with their meaning.
pub const BUILD_TYPE: &str = "urn:media-layers:build-layer:1";

/// The one build a statement is about.
#[derive(Debug, Clone)]
pub struct Build {
    /// Where it compiled: `host`, or the name of a target.
    pub builder: String,
    /// Who answers for it, as a URI: the workflow that ran it, or one of ours for a person's machine.
    pub builder_id: String,
    /// Archives and recipe files that went in; patches are taken from the manifest.
    pub materials: Vec<Material>,
    /// When it began, in RFC 3339; absent where statements are to be compared.
    pub started: Option<String>,
    /// When it ended, likewise.
    pub finished: Option<String>,
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
    compiler: String,
    glibc: GlibcVersion,
    plan_key: Sha256,
}

#[derive(Debug, Clone, Serialize)]
struct RunDetails {
    builder: Builder,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
}

#[derive(Debug, Clone, Serialize)]
struct Builder {
    id: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    started_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_on: Option<String>,
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
            builder: build.builder,
            overrides: unpinned.map(|recipe| recipe.name.clone()).collect(),
        };
        let internal_parameters = InternalParameters {
            compiler: format!("{}@{}", manifest.compiler.name, manifest.compiler.version),
            glibc: manifest.glibc,
            plan_key: release.plan_key,
        };
        let timed = build.started.is_some() || build.finished.is_some();
        let metadata = timed.then_some(Metadata { started_on: build.started, finished_on: build.finished });
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
                run_details: RunDetails { builder: Builder { id: build.builder_id }, metadata },
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

    use super::super::{sample, write_layer};
    use super::*;

    fn statement(started: Option<&str>, turn: usize) -> String {
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
        let build = Build {
            builder: "host".to_owned(),
            builder_id: "https://example.org/builders/1".to_owned(),
            materials,
            started: started.map(str::to_owned),
            finished: None,
        };
        Statement::new(&release, build).to_json().expect("JSON")
    }

    #[test]
    fn the_shape_is_this() {
        insta::assert_snapshot!(statement(None, 0));
    }

    #[test]
    fn the_order_of_materials_does_not_show() {
        assert_eq!(statement(None, 0), statement(None, 5));
    }

    #[test]
    fn times_are_there_only_if_given() {
        assert!(!statement(None, 0).contains("\"metadata\""));
        let text = statement(Some("2026-01-02T03:04:05Z"), 0);
        assert!(text.contains("\"metadata\": {\n        \"startedOn\": \"2026-01-02T03:04:05Z\"\n"), "{text}");
    }
}
