//! `LICENSES.md`: under which terms each part of a layer comes, and where the texts are.

use std::fmt::Write as _;

use super::facts::{LayerFacts, PackedRecipe};
use super::path::{InvalidPath, LayerPath};
use crate::model::LayerName;

/// The folder of a layer's own documents. It has the layer's name because all layers of a function
/// are unpacked over each other.
pub fn documents(layer: &LayerName) -> Result<LayerPath, InvalidPath> {
    format!("share/media-layers/{layer}").parse()
}

/// Where the licence text that is at `file` in the recipe's sources goes. The whole relative path is
/// kept, since two texts of one project may have the same file name.
pub fn text_path(layer: &LayerName, recipe: &PackedRecipe, file: &str) -> Result<LayerPath, InvalidPath> {
    documents(layer)?.join(&format!("licenses/{}/{file}", recipe.name))
}

/// Whether [`text_path`] could have given this path.
pub fn is_text(path: &LayerPath) -> bool {
    let mut parts = path.as_str().split('/');
    parts.by_ref().take(2).eq(["share", "media-layers"]) && parts.nth(1) == Some("licenses")
}

/// The text of `LICENSES.md`. Its recipes are those of `facts`, in that order.
pub fn index(facts: &LayerFacts) -> String {
    let mut text = format!(
        "# Licences of the {} layer, version {}, {}\n\n\
         This layer is a collection. Each part keeps its own terms, named by SPDX identifier below; its texts are in\n\
         `licenses/` beside this file. Some parts have no file of their own: they are linked into the programs.\n",
        facts.name, facts.version, facts.arch
    );
    for recipe in &facts.recipes {
        // Writing to a string cannot fail.
        let _ = section(&mut text, recipe);
    }
    text
}

fn section(text: &mut String, recipe: &PackedRecipe) -> std::fmt::Result {
    writeln!(text, "\n## {} {}\n\n{}\n", recipe.name, recipe.version, recipe.summary)?;
    writeln!(text, "- Licence: `{}`", recipe.spdx)?;
    writeln!(text, "- Home page: <{}>", recipe.homepage)?;
    for file in &recipe.license_files {
        writeln!(text, "- Text: `licenses/{}/{file}`", recipe.name)?;
    }
    for patch in &recipe.patches {
        writeln!(text, "- Changed by our patch: `{}`", patch.file)?;
    }
    if !recipe.pinned {
        writeln!(text, "- Built from a local tree, not from the pinned sources")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn every_recipe_has_its_section() {
        let folder = sample::Packages::new();
        insta::assert_snapshot!(index(&folder.facts()));
    }

    #[test]
    fn texts_keep_their_folders() {
        let packages = sample::Packages::new();
        let facts = packages.facts();
        let path = text_path(&facts.name, &facts.recipes[0], "third/party/LICENSE").expect("a path");
        assert!(path.as_str().ends_with("/licenses/bundle/third/party/LICENSE"), "{path}");
        assert!(is_text(&path));
        assert!(!is_text(&"share/media-layers/sample/ca.pem".parse().expect("a path")));
        assert!(text_path(&facts.name, &facts.recipes[0], "../../LICENSE").is_err());
    }
}
