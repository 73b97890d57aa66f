//! `cargo xtask list`: what there is.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::{Format, Outcome, json};
use crate::catalog::Catalog;
use crate::session::Session;

/// List the layers that can be built, the recipes they are made from and the targets they run on.
#[derive(Debug, Args)]
pub struct List {
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What `list` prints.
#[derive(Debug, Serialize)]
struct Listing<'a> {
    layers: Vec<LayerRow<'a>>,
    recipes: Vec<RecipeRow<'a>>,
    targets: Vec<TargetRow<'a>>,
}

#[derive(Debug, Serialize)]
struct LayerRow<'a> {
    name: &'a str,
    versions: Vec<&'a str>,
    summary: &'a str,
}

#[derive(Debug, Serialize)]
struct RecipeRow<'a> {
    name: &'a str,
    default: &'a str,
    versions: Vec<VersionRow<'a>>,
    license: &'a str,
    summary: &'a str,
}

#[derive(Debug, Serialize)]
struct VersionRow<'a> {
    version: &'a str,
    note: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct TargetRow<'a> {
    name: &'a str,
    title: &'a str,
    glibc: String,
    architectures: Vec<&'a str>,
    runtimes: &'a [String],
}

impl List {
    /// Prints the listing.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let listing = Listing::of(&session.catalog);
        let text = match self.format {
            Format::Json => json(&listing)?,
            Format::Text => listing.render()?,
        };
        session.ui.data(&text)?;
        Ok(Outcome::Done)
    }
}

impl Listing<'_> {
    fn of(catalog: &Catalog) -> Listing<'_> {
        let recipes = catalog.recipes.values().map(|entry| &entry.recipe);
        Listing {
            layers: catalog
                .layers
                .values()
                .map(|layer| LayerRow {
                    name: layer.name.as_str(),
                    versions: catalog.recipes[&layer.recipe]
                        .recipe
                        .versions
                        .iter()
                        .map(|it| it.version.as_str())
                        .collect(),
                    summary: &layer.summary,
                })
                .collect(),
            recipes: recipes
                .map(|recipe| RecipeRow {
                    name: recipe.name.as_str(),
                    default: recipe.default.as_str(),
                    versions: recipe
                        .versions
                        .iter()
                        .map(|it| VersionRow { version: it.version.as_str(), note: it.note.as_deref() })
                        .collect(),
                    license: &recipe.license.spdx,
                    summary: &recipe.summary,
                })
                .collect(),
            targets: catalog
                .targets
                .targets
                .iter()
                .map(|target| TargetRow {
                    name: &target.name,
                    title: &target.title,
                    glibc: target.glibc.to_string(),
                    architectures: target.architectures.iter().map(|arch| arch.name()).collect(),
                    runtimes: &target.runtimes,
                })
                .collect(),
        }
    }

    fn render(&self) -> Result<String> {
        let mut text = String::from("layers\n");
        for layer in &self.layers {
            writeln!(text, "  {:12} {}", layer.name, layer.summary)?;
            writeln!(text, "  {:12} versions: {}", "", layer.versions.join(", "))?;
        }
        text.push_str("\nrecipes\n");
        for recipe in &self.recipes {
            writeln!(text, "  {:12} {:12} {:28} {}", recipe.name, recipe.default, recipe.license, recipe.summary)?;
            for row in recipe.versions.iter().filter(|row| row.version != recipe.default) {
                writeln!(text, "  {:12} {:12} on request", "", row.version)?;
            }
            for row in &recipe.versions {
                if let Some(note) = row.note {
                    writeln!(text, "  {:12} {:12} note: {note}", "", row.version)?;
                }
            }
        }
        text.push_str("\ntargets\n");
        for target in &self.targets {
            let runtimes =
                if target.runtimes.is_empty() { "no managed runtime".to_owned() } else { target.runtimes.join(", ") };
            writeln!(
                text,
                "  {:12} glibc {:6} {:14} {runtimes}",
                target.name,
                target.glibc,
                target.architectures.join(", ")
            )?;
        }
        Ok(text)
    }
}
