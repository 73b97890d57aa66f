//! `cargo xtask list`: layers, recipes and targets.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::sourcing::{Archives, FetchArgs};
use super::{Format, Outcome, json};
use crate::catalog::Catalog;
use crate::choice::choose;
use crate::model::{Layer, Recipe, Runtime, Version};
use crate::plan::Request;
use crate::session::Session;

/// List the layers that can be built, the recipes they are made from and the targets they run on.
#[derive(Debug, Args)]
pub struct List {
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    fetch: FetchArgs,
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
    /// Newest first.
    versions: Vec<&'a str>,
    /// What is built here where no version is named, and why that is not the newest.
    default: Version,
    remark: Option<String>,
    summary: &'a str,
}

#[derive(Debug, Serialize)]
struct RecipeRow<'a> {
    name: &'a str,
    /// Newest first.
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
    runtimes: &'a [Runtime],
}

impl List {
    /// Prints the listing.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let listing = Listing::of(&session.catalog, &self.fetch.open(session)?)?;
        let text = match self.format {
            Format::Json => json(&listing)?,
            Format::Text => listing.render()?,
        };
        session.ui.data(&text)?;
        Ok(Outcome::Done)
    }
}

impl Listing<'_> {
    fn of<'c>(catalog: &'c Catalog, archives: &Archives) -> Result<Listing<'c>> {
        let layer_row = |layer: &'c Layer| {
            let choice = choose(catalog, &archives.context(), &Request::of(layer.name.clone()), &|_| false)?;
            let versions = catalog.recipe(&layer.recipe)?.recipe.newest_first();
            Ok(LayerRow {
                name: layer.name.as_str(),
                versions: versions.iter().map(|it| it.version.as_str()).collect(),
                remark: choice.warning(),
                default: choice.version,
                summary: &layer.summary,
            })
        };
        let recipe_row = |recipe: &'c Recipe| RecipeRow {
            name: recipe.name.as_str(),
            versions: recipe
                .newest_first()
                .iter()
                .map(|it| VersionRow { version: it.version.as_str(), note: it.note.as_deref() })
                .collect(),
            license: &recipe.license.spdx,
            summary: &recipe.summary,
        };
        Ok(Listing {
            layers: catalog.layers.values().map(layer_row).collect::<Result<_>>()?,
            recipes: catalog.recipes.values().map(|entry| recipe_row(&entry.recipe)).collect(),
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
        })
    }

    fn render(&self) -> Result<String> {
        let mut text = String::from("layers\n");
        for layer in &self.layers {
            writeln!(text, "  {:12} {}", layer.name, layer.summary)?;
            writeln!(text, "  {:12} versions: {}", "", layer.versions.join(", "))?;
            if let Some(remark) = &layer.remark {
                writeln!(text, "  {:12} {remark}", "")?;
            }
        }
        text.push_str("\nrecipes\n");
        for recipe in &self.recipes {
            let mut versions = recipe.versions.iter();
            let newest = versions.next().map_or("", |row| row.version);
            writeln!(text, "  {:12} {newest:12} {:28} {}", recipe.name, recipe.license, recipe.summary)?;
            for row in versions {
                writeln!(text, "  {:12} {:12} older", "", row.version)?;
            }
            for row in &recipe.versions {
                if let Some(note) = row.note {
                    writeln!(text, "  {:12} {:12} note: {note}", "", row.version)?;
                }
            }
        }
        text.push_str("\ntargets\n");
        for target in &self.targets {
            let names: Vec<_> = target.runtimes.iter().map(|runtime| runtime.name.as_str()).collect();
            let runtimes = if names.is_empty() { "no managed runtime".to_owned() } else { names.join(", ") };
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
