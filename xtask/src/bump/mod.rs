//! From a pinned version to the next: what a recipe would say, measured, and what only a person can do.
//!
//! Nothing is written here: [`prepare`] gives the new text of each recipe, and the command writes it. [`origins`] finds
//! the new version at every origin and measures its bytes, [`sources`] compares the trees, [`tried`] tries the
//! patches, [`compare`] looks at licences and options, [`edit`] changes the text.

mod compare;
mod edit;
mod family;
mod origins;
mod renamed;
mod sources;
mod tried;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;

pub use edit::Place;
pub use family::family;
pub use origins::Tools;

use self::edit::{Edit, edited};
use self::renamed::names;
use self::sources::{Renewed, renew};
use crate::catalog::{Catalog, CatalogRecipe};
use crate::error::invalid;
use crate::model::recipe::RecipeVersion;
use crate::model::{Recipe, RecipeName, Version};
use crate::source::{Request, obtain};
use crate::ui::counted;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which recipe; its family moves with it.
    pub recipe: RecipeName,
    /// The pinned version that is the pattern.
    pub from: Version,
    /// The new one.
    pub to: Version,
    /// Where the new one goes.
    pub place: Place,
    /// Whether it may be older than the old one.
    pub downgrade: bool,
}

/// One recipe's way to a new version.
#[derive(Debug, Serialize)]
pub struct Bump {
    /// The recipe.
    pub recipe: RecipeName,
    /// The version that was the pattern.
    pub from: Version,
    /// The new version.
    pub to: Version,
    /// What was found.
    pub said: Vec<String>,
    /// What only a person can do.
    pub todo: Vec<String>,
    /// Where upstream says what changed.
    pub changes: String,
    /// Whether nothing that a person must do first keeps it from being compiled: all patches apply, no file is missing.
    #[serde(skip)]
    pub compiles: bool,
    /// The file.
    #[serde(skip)]
    pub file: PathBuf,
    /// Its text as it is.
    #[serde(skip)]
    pub before: String,
    /// Its new text.
    #[serde(skip)]
    pub after: String,
}

/// Works out the new text of a recipe and of its family. Fails, and gives nothing, where any of them cannot be had.
pub fn prepare(tools: &Tools<'_>, catalog: &Catalog, order: &Order) -> Result<Vec<Bump>> {
    check(catalog, order)?;
    let members = family(catalog, &order.recipe, &order.from);
    let work = tempfile::Builder::new().prefix("bump-").tempdir().context("cannot make a temporary folder")?;
    let mut bumps = Vec::new();
    for name in &members {
        let entry = catalog.recipe(name)?;
        let folder = work.path().join(name.as_str());
        let bump = of_recipe(tools, catalog, entry, order, &folder);
        bumps.push(bump.with_context(|| format!("cannot bump {name} from {} to {}", order.from, order.to))?);
    }
    let first = bumps.first_mut().context("no recipe")?;
    first.todo.extend(others_with_the_bytes(catalog, order, &members)?);
    Ok(bumps)
}

fn check(catalog: &Catalog, order: &Order) -> Result<()> {
    let recipe = &catalog.recipe(&order.recipe)?.recipe;
    let Order { recipe: name, from, to, .. } = order;
    if recipe.version(from).is_none() {
        return Err(invalid(format!("{name} does not pin {from}")));
    }
    if recipe.version(to).is_some() {
        return Err(invalid(format!("{name} already pins {to}")));
    }
    if to.compare_age(from).is_lt() && !order.downgrade {
        return Err(invalid(format!(
            "{to} is older than {from}, which {name} pins\n\nhint: `--allow-downgrade` takes it all the same"
        )));
    }
    Ok(())
}

fn of_recipe(tools: &Tools<'_>, catalog: &Catalog, entry: &CatalogRecipe, order: &Order, work: &Path) -> Result<Bump> {
    let Order { from, to, .. } = order;
    let recipe = &entry.recipe;
    let pinned = recipe.version(from).context("the recipe lacks the version")?;
    let renewed: Vec<Renewed> = pinned
        .sources
        .iter()
        .enumerate()
        .map(|(at, source)| renew(tools, source, from, to, &work.join(format!("new-{at}"))))
        .collect::<Result<_>>()?;
    let mut report = Report::default();
    for one in &renewed {
        report.said.extend(one.said.iter().cloned());
        report.todo.extend(one.todo.iter().cloned());
    }
    let new = renewed.first().map(|one| one.folder.clone()).context("the recipe has no source")?;
    let old = old_tree(tools, recipe, pinned, work);
    compare_trees(recipe, order, old.as_deref(), &new, &mut report)?;
    let good = try_patches(entry, pinned, &new, &mut report)?;
    let missing = missing_files(entry, order);
    let compiles = good && missing.is_empty();
    report.todo.extend(missing);
    report.todo.extend(pinned.note.iter().map(|note| format!("the note of {from} was left out: \"{note}\"")));
    let file = entry.folder.join("recipe.toml");
    let before = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let sources = renewed.into_iter().map(|one| one.source).collect();
    let after = edited(&before, &Edit { from, to, place: order.place, sources })?;
    let new: Recipe = toml::from_str(&after).context("the edited recipe is not one")?;
    new.version(to).context("the edited recipe lacks the new version")?;
    report.todo.extend(mentions(&after, order));
    report.said.extend(layers(catalog, recipe, order));
    let Report { said, todo } = report;
    let changes = recipe.upstream.notes.as_ref().map_or_else(|| recipe.homepage.clone(), |notes| notes.of(to));
    Ok(Bump {
        recipe: recipe.name.clone(),
        from: from.clone(),
        to: to.clone(),
        said,
        todo,
        changes,
        compiles,
        file,
        before,
        after,
    })
}

/// What was found, and what a person must do.
#[derive(Debug, Default)]
struct Report {
    said: Vec<String>,
    todo: Vec<String>,
}

/// The tree of the old version, if it can be had.
fn old_tree(tools: &Tools<'_>, recipe: &Recipe, pinned: &RecipeVersion, work: &Path) -> Option<PathBuf> {
    let (folder, what) = (work.join("old"), format!("{} {}", recipe.name, pinned.version));
    let request = Request { what, source: pinned.sources.first()? };
    obtain(tools.context, &request, &folder).ok().map(|_| folder)
}

fn compare_trees(recipe: &Recipe, order: &Order, old: Option<&Path>, new: &Path, report: &mut Report) -> Result<()> {
    report.todo.extend(compare::licences(recipe, &order.from, &order.to, old, new));
    let Some(old) = old else {
        let from = &order.from;
        report
            .todo
            .push(format!("{from} could not be had, so licence texts and options of the build were not compared"));
        return Ok(());
    };
    let (came, gone) = compare::options(recipe, old, new)?;
    if came.is_empty() && gone.is_empty() {
        report.said.push("the options of upstream's build are the same".to_owned());
    }
    if !came.is_empty() {
        report.todo.push(format!("upstream's build has new options; see whether one must be off: {}", came.join(", ")));
    }
    if !gone.is_empty() {
        report.todo.push(format!("the recipe sets options that upstream's build no longer has: {}", gone.join(", ")));
    }
    Ok(())
}

/// Tries every patch; whether a build would apply all of them.
fn try_patches(entry: &CatalogRecipe, pinned: &RecipeVersion, tree: &Path, report: &mut Report) -> Result<bool> {
    let mut good = 0;
    let mut moved = Vec::new();
    for name in &pinned.patches {
        let file = entry.files.get(&format!("patches/{name}"));
        let file = file.with_context(|| format!("the patch `{name}` is not there"))?;
        let tried = tried::try_on(&file.path, tree).with_context(|| format!("cannot try the patch `{name}`"))?;
        if !tried.problems.is_empty() {
            report.todo.push(format!("rewrite the patch {name}:\n    {}", tried.problems.join("\n    ")));
            continue;
        }
        good += 1;
        if let Some(most) = tried.moved.iter().max() {
            moved.push(format!("{name} ({}, by up to {})", counted(tried.moved.len(), "hunk"), counted(*most, "line")));
        }
    }
    if !pinned.patches.is_empty() {
        report.said.push(format!("{good} of {} patches apply", pinned.patches.len()));
    }
    if !moved.is_empty() {
        report.said.push(format!("a build moves what these patches change to where its text is: {}", moved.join(", ")));
    }
    Ok(good == pinned.patches.len())
}

/// Files of the recipe that the steps name by version and that are not there for the new one.
fn missing_files(entry: &CatalogRecipe, order: &Order) -> Vec<String> {
    let steps = format!("{:?}", entry.recipe.steps);
    let named: BTreeSet<&str> = steps
        .split("{recipe}/")
        .skip(1)
        .filter_map(|rest| rest.split(['"', ' ', ';', ',']).next())
        .filter(|name| name.contains("{version}"))
        .collect();
    let of = |name: &str, version: &Version| name.replace("{version}", version.as_str());
    let missing = named.into_iter().filter(|name| !entry.files.contains_key(&of(name, &order.to)));
    missing
        .map(|name| {
            let (old, new) = (of(name, &order.from), of(name, &order.to));
            format!("write {new}, with {old} as the pattern: it holds what is true of one version only, such as which files are compiled together")
        })
        .collect()
}

/// Lines that still speak of the old version.
fn mentions(text: &str, order: &Order) -> Vec<String> {
    if order.place == Place::Beside {
        return Vec::new();
    }
    let lines = text.lines().enumerate().filter(|(_, line)| names(line, &order.from));
    lines.map(|(at, line)| format!("line {} still speaks of {}: {}", at + 1, order.from, line.trim())).collect()
}

/// Layers whose zips get a new name and digest.
fn layers(catalog: &Catalog, recipe: &Recipe, order: &Order) -> Vec<String> {
    let of = catalog.layers.values().filter(|layer| layer.recipe == recipe.name);
    of.map(|layer| {
        format!("layers/digests.toml does not know {0} {1} yet: `cargo xtask build-layer {0}@{1} --arch all --update-digests`", layer.name, order.to)
    })
    .collect()
}

/// Recipes outside the family that pin an archive of the old version, such as the library that comes in the compiler's.
fn others_with_the_bytes(catalog: &Catalog, order: &Order, members: &[RecipeName]) -> Result<Vec<String>> {
    let digests = |version: &RecipeVersion| -> BTreeSet<crate::model::Sha256> {
        version.sources.iter().flat_map(|source| &source.archives).map(|archive| archive.sha256).collect()
    };
    let recipe = &catalog.recipe(&order.recipe)?.recipe;
    let own = recipe.version(&order.from).map(digests).unwrap_or_default();
    let others = catalog.recipes.values().map(|entry| &entry.recipe).filter(|other| !members.contains(&other.name));
    let sharing = others.filter(|other| other.versions.iter().any(|version| !digests(version).is_disjoint(&own)));
    Ok(sharing
        .map(|other| format!("{} comes from the same archive: give it the new one by hand", other.name))
        .collect())
}

#[cfg(test)]
mod tests;
