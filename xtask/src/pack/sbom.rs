//! The software bill of materials: CycloneDX 1.6 as JSON.
//!
//! Every recipe is a component that contains its files, licence texts
//! included; what is linked in has no other files, but a place in the graph of
//! dependencies. There is no time in it, so that equal layers have equal bytes.
//! `ci/check-sbom.py` holds it against the schema of CycloneDX.

use anyhow::Result;

use super::cyclonedx::{
    Component, Dependency, Diff, Hash, License, LicenseId, Lifecycle, Metadata, Patch, Pedigree, Property, Reference,
    Sbom, Tools,
};
use super::facts::{LayerFacts, PackedRecipe};
use super::file::PackedFile;
use super::licenses;
use super::manifest::pretty;
use super::purl::purl;
use crate::model::{Origin, RecipeName, Sha256};

/// The text of `sbom.cdx.json`. `files` are those of the recipes, licence texts included; whatever
/// names no recipe is listed beside the recipes.
pub fn text(facts: &LayerFacts, files: &[PackedFile]) -> Result<String> {
    let mut sbom = unnumbered(facts, files);
    sbom.serial_number = Some(serial_number(Sha256::of(pretty(&sbom)?)));
    pretty(&sbom)
}

fn unnumbered(facts: &LayerFacts, files: &[PackedFile]) -> Sbom {
    let mut files: Vec<&PackedFile> = files.iter().collect();
    files.sort_by_key(|file| file.path());
    let mut recipes: Vec<&PackedRecipe> = facts.recipes.iter().collect();
    recipes.sort_by_key(|recipe| &recipe.name);
    let others = files.iter().filter(|file| file.recipe().is_none()).map(|file| of_file(file));
    Sbom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: None,
        version: 1,
        metadata: metadata(facts),
        components: recipes.iter().map(|recipe| of_recipe(recipe, &files)).chain(others).collect(),
        dependencies: dependencies(facts, &recipes, &files),
    }
}

/// A UUID of version 8, which RFC 9562 leaves to the application: here it is the digest of the rest,
/// so that a serial number stands for one content.
fn serial_number(digest: Sha256) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes[6] = 0x80 | bytes[6] & 0x0f;
    bytes[8] = 0x80 | bytes[8] & 0x3f;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn metadata(facts: &LayerFacts) -> Metadata {
    let compiler = facts.compiler.iter().map(|compiler| Component {
        r#type: "application",
        bom_ref: format!("tool:{}@{}", compiler.name, compiler.version),
        name: compiler.name.to_string(),
        version: compiler.version.to_string(),
        description: "the compiler of every program and library in the layer".to_owned(),
        ..Component::default()
    });
    let property = |name, value| Property { name, value };
    let layer = Component {
        r#type: "application",
        bom_ref: layer_ref(facts),
        name: facts.name.to_string(),
        version: facts.version.to_string(),
        description: facts.summary.clone(),
        properties: vec![
            property("media-layers:arch", facts.arch.to_string()),
            property("media-layers:glibc", facts.glibc.to_string()),
        ],
        ..Component::default()
    };
    Metadata {
        lifecycles: vec![Lifecycle { phase: "build" }],
        tools: Tools { components: compiler.collect() },
        component: layer,
    }
}

fn of_recipe(recipe: &PackedRecipe, files: &[&PackedFile]) -> Component {
    let archives = || recipe.sources.iter().flat_map(|source| &source.archives);
    let mut references = vec![Reference { r#type: "website", url: recipe.homepage.clone(), hashes: Vec::new() }];
    for archive in archives() {
        // Debian's and PyPI's files are on whatever mirror a machine has; the manifest names them.
        references.extend(archive.origins.iter().filter_map(|origin| match origin {
            Origin::Https(url) => Some(Reference {
                r#type: "source-distribution",
                url: url.clone(),
                hashes: vec![sha256(archive.sha256)],
            }),
            Origin::Debian(_) | Origin::Pypi { .. } => None,
        }));
    }
    let patches: Vec<Patch> = recipe.patches.iter().map(|patch| of_patch(recipe, &patch.file)).collect();
    // What a local tree holds is not known, so no list of vulnerabilities speaks of it.
    let mut cpes = recipe.cpes.iter().filter(|_| recipe.pinned).cloned();
    let cpe = cpes.next();
    // CycloneDX has room for one. This is where syft writes the others, and grype reads them there.
    let aliases = cpes.map(|alias| Property { name: "syft:cpe23", value: alias });
    let own = [
        Property { name: "media-layers:pinned", value: recipe.pinned.to_string() },
        Property { name: "media-layers:key", value: recipe.key.to_string() },
    ];
    Component {
        r#type: kind(recipe, files),
        bom_ref: recipe_ref(recipe),
        name: recipe.name.to_string(),
        version: recipe.version.to_string(),
        description: recipe.summary.clone(),
        hashes: archives().take(1).map(|archive| sha256(archive.sha256)).collect(),
        licenses: vec![license(&recipe.spdx)],
        cpe,
        purl: purl(recipe),
        pedigree: (!patches.is_empty()).then_some(Pedigree { patches }),
        external_references: references,
        properties: own.into_iter().chain(aliases).collect(),
        components: of(recipe, files).map(of_file).collect(),
    }
}

fn of_file(file: &PackedFile) -> Component {
    Component {
        r#type: "file",
        bom_ref: format!("file:{}", file.path()),
        name: file.path().to_string(),
        hashes: vec![sha256(file.sha256())],
        ..Component::default()
    }
}

fn of_patch(recipe: &PackedRecipe, file: &str) -> Patch {
    Patch { r#type: "unofficial", diff: Diff { url: format!("recipes/{}/patches/{file}", recipe.name) } }
}

/// A recipe with something in `bin` is a program; one that is only linked in, or has files where
/// libraries and modules are, is a library; the rest is data.
fn kind(recipe: &PackedRecipe, files: &[&PackedFile]) -> &'static str {
    let has = |folder| payload(recipe, files).any(|file| file.path().as_str().starts_with(folder));
    if has("bin/") {
        "application"
    } else if has("lib/") || has("python/") || payload(recipe, files).next().is_none() {
        "library"
    } else {
        "data"
    }
}

/// The files of a recipe.
fn of<'a>(recipe: &'a PackedRecipe, files: &'a [&PackedFile]) -> impl Iterator<Item = &'a PackedFile> {
    files.iter().copied().filter(|file| file.recipe() == Some(&recipe.name))
}

/// The files of a recipe without its licence texts.
fn payload<'a>(recipe: &'a PackedRecipe, files: &'a [&PackedFile]) -> impl Iterator<Item = &'a PackedFile> {
    of(recipe, files).filter(|file| !licenses::is_text(file.path()))
}

/// The layer depends on the recipes it takes files of, and those on what is linked into them.
fn dependencies(facts: &LayerFacts, recipes: &[&PackedRecipe], files: &[&PackedFile]) -> Vec<Dependency> {
    let by_name =
        |name: &RecipeName| recipes.iter().find(|recipe| recipe.name == *name).map(|recipe| recipe_ref(recipe));
    let direct = recipes.iter().filter(|recipe| payload(recipe, files).next().is_some());
    let layer = Dependency { r#ref: layer_ref(facts), depends_on: direct.map(|recipe| recipe_ref(recipe)).collect() };
    let rest = recipes.iter().map(|recipe| Dependency {
        r#ref: recipe_ref(recipe),
        depends_on: recipe.needs.iter().filter_map(by_name).collect(),
    });
    std::iter::once(layer).chain(rest).collect()
}

/// CycloneDX wants identifiers and expressions told apart, and takes listed identifiers only.
fn license(spdx: &str) -> License {
    let simple = spdx.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    if simple && !spdx.starts_with("LicenseRef-") {
        License { license: Some(LicenseId { id: spdx.to_owned() }), expression: None }
    } else {
        License { license: None, expression: Some(spdx.to_owned()) }
    }
}

fn sha256(content: Sha256) -> Hash {
    Hash { alg: "SHA-256", content }
}

fn layer_ref(facts: &LayerFacts) -> String {
    format!("layer:{}@{}", facts.name, facts.version)
}

fn recipe_ref(recipe: &PackedRecipe) -> String {
    format!("recipe:{}@{}", recipe.name, recipe.version)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::super::sample;
    use super::*;

    fn sample_text() -> String {
        let packages = sample::Packages::new();
        let staged = packages.staged();
        let file = staged.files().iter().find(|file| file.path().as_str().ends_with("/sbom.cdx.json"));
        String::from_utf8(file.expect("the SBOM").read().expect("read")).expect("UTF-8")
    }

    fn all<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get(key));
                fields.values().for_each(|field| all(field, key, found));
            }
            Value::Array(items) => items.iter().for_each(|item| all(item, key, found)),
            _ => {}
        }
    }

    #[test]
    fn the_shape_is_this() {
        insta::assert_snapshot!(sample_text());
    }

    #[test]
    fn equal_layers_have_equal_texts() {
        assert_eq!(sample_text(), sample_text());
        let packages = sample::Packages::new();
        let (facts, files) = (packages.facts(), sample::files());
        let mut turned = (packages.facts(), sample::files());
        turned.0.recipes.reverse();
        turned.1.reverse();
        assert_eq!(text(&facts, &files).expect("text"), text(&turned.0, &turned.1).expect("text"));
    }

    #[test]
    fn references_are_unique_and_lead_somewhere() {
        let sbom: Value = serde_json::from_str(&sample_text()).expect("JSON");
        let (mut refs, mut edges) = (Vec::new(), Vec::new());
        all(&sbom, "bom-ref", &mut refs);
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        refs.iter().filter_map(|one| one.as_str()).for_each(|one| *times.entry(one).or_default() += 1);
        assert!(times.values().all(|times| *times == 1), "{times:?}");
        all(&sbom["dependencies"], "ref", &mut edges);
        let mut lists = Vec::new();
        all(&sbom["dependencies"], "dependsOn", &mut lists);
        edges.extend(lists.iter().filter_map(|list| list.as_array()).flatten());
        assert!(edges.len() > 4);
        for edge in edges {
            assert!(times.contains_key(edge.as_str().expect("text")), "{edge}");
        }
    }

    #[test]
    fn the_serial_number_follows_the_content() {
        let number = |text: &str| -> String {
            let sbom: Value = serde_json::from_str(text).expect("JSON");
            sbom["serialNumber"].as_str().expect("a serial number").to_owned()
        };
        let packages = sample::Packages::new();
        let mut facts = packages.facts();
        let one = number(&text(&facts, &[]).expect("text"));
        facts.summary.push('!');
        let other = number(&text(&facts, &[]).expect("text"));
        assert_ne!(one, other);
        let uuid = one.strip_prefix("urn:uuid:").expect("a UUID");
        let lengths: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(uuid.as_bytes()[14], b'8', "the version");
        assert!(b"89ab".contains(&uuid.as_bytes()[19]), "the variant");
    }

    #[test]
    fn a_local_tree_has_no_name_of_a_release() {
        let packages = sample::Packages::new();
        let mut facts = packages.facts();
        let named = text(&facts, &[]).expect("text");
        assert_eq!(named.matches("cpe:2.3:a:").count(), 2, "the name and its alias");
        facts.recipes.iter_mut().for_each(|recipe| recipe.pinned = false);
        let local = text(&facts, &[]).expect("text");
        assert!(!local.contains("cpe:2.3:a:") && !local.contains("pkg:github"), "{local}");
    }

    #[test]
    fn identifiers_and_expressions_are_told_apart() {
        let is_id = |spdx| license(spdx).license.is_some();
        assert!(is_id("BSD-2-Clause") && is_id("Zlib") && is_id("curl"));
        for expression in ["MIT OR Apache-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", "MPL-1.1+", "LicenseRef-x"]
        {
            assert!(!is_id(expression), "{expression}");
            assert_eq!(license(expression).expression.as_deref(), Some(expression));
        }
    }

    #[test]
    fn a_recipe_is_what_its_files_are() {
        let packages = sample::Packages::new();
        let recipe = &packages.facts().recipes[0];
        for (paths, expected) in [
            (vec!["bin/a", "lib/b"], "application"),
            (vec!["lib/b", "share/c"], "library"),
            (vec!["python/a.py"], "library"),
            (vec!["share/media-layers/sample/ca.pem"], "data"),
            (vec!["share/media-layers/sample/licenses/bundle/MIT"], "library"),
            (vec![], "library"),
        ] {
            let files: Vec<PackedFile> = paths
                .iter()
                .map(|path| {
                    let path = path.parse().expect("a path");
                    PackedFile::from_bytes(path, super::super::Mode::Plain, Some(recipe.name.clone()), Vec::new())
                })
                .collect();
            let files: Vec<&PackedFile> = files.iter().collect();
            assert_eq!(kind(recipe, &files), expected, "{paths:?}");
        }
    }
}
