//! `cargo xtask check-groups`: whether files that are compiled together give the same code.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use anyhow::{Context as _, Result};
use clap::Args;

use super::sourcing::{Archives, FetchArgs, to_build};
use super::{Format, Outcome, json, selection};
use crate::catalog::Catalog;
use crate::compile::{Builder, HostRunner, PackageCache, schedule};
use crate::error::invalid;
use crate::groups::{self, Report};
use crate::model::{Recipe, RecipeRef, Version};
use crate::plan::{Key, Package, Plan, Request, resolve};
use crate::session::Session;

/// Show that files which are compiled together give the same code as each by itself.
///
/// For recipes that say `grouped`. Compiles every file to LLVM IR twice, alone and with its group, and compares every
/// function: about the time of a build. Exit code 1 if anything differs, which a person must look at.
#[derive(Debug, Args)]
pub struct CheckGroups {
    /// The recipe: `mediainfolib` for its newest version, or `mediainfolib@23.04`.
    #[arg(value_name = "RECIPE[@VERSION]")]
    recipe: RecipeRef,
    /// How many files are compiled at once [default: the number of cores].
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// How the result is written to stdout.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    fetch: FetchArgs,
}

impl CheckGroups {
    /// Compiles, compares and prints what differs.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let recipe = &session.catalog.recipe(&self.recipe.name)?.recipe;
        let version = match &self.recipe.version {
            Some(version) => version.clone(),
            None => recipe.newest().context("the recipe pins no version")?.version.clone(),
        };
        if !recipe.grouped {
            return Err(invalid(format!(
                "recipe `{0}` compiles each file by itself\n\nhint: where it does not, its recipe.toml must say `grouped = true`",
                recipe.name
            )));
        }
        let report = check(session, &self.fetch.open(session)?, recipe, &version, self.jobs)?;
        session.ui.data(&match self.format {
            Format::Text => report.to_string(),
            Format::Json => json(&report)?,
        })?;
        Ok(if report.differences.is_empty() { Outcome::Done } else { Outcome::Findings })
    }
}

/// The command line that checks a version.
pub fn command(recipe: &Recipe, version: &Version) -> String {
    format!("cargo xtask check-groups {}@{version}", recipe.name)
}

/// Builds what `version` of `recipe` is compiled with, and checks its groups.
pub fn check(
    session: &Session,
    archives: &Archives,
    recipe: &Recipe,
    version: &Version,
    jobs: Option<NonZeroUsize>,
) -> Result<Report> {
    let (plan, package) = planned(&session.catalog, recipe, version)?;
    super::doctor::require(&plan)?;
    let cache = PackageCache::open(&session.cache)?;
    let wanted: Vec<&Package> = to_build(&plan, &cache).into_iter().chain([&package]).collect();
    archives.fetch(&wanted, &session.catalog)?;
    let jobs = match jobs {
        Some(jobs) => jobs,
        None => std::thread::available_parallelism().context("cannot tell how many cores there are")?,
    };
    let builder = Builder {
        catalog: &session.catalog,
        cache: &cache,
        sources: archives,
        runner: &HostRunner,
        jobs: jobs.get(),
        ui: &session.ui,
    };
    let ready = schedule::build_all(&builder, &plan)?;
    groups::check(&builder, &package, &ready)
}

/// The package of that version for this machine, and a plan of all that it is compiled with.
fn planned(catalog: &Catalog, recipe: &Recipe, version: &Version) -> Result<(Plan, Package)> {
    let arch = selection::this_machine()?;
    for (layer, main) in catalog.layers.values().filter_map(|layer| Some((layer, catalog.recipes.get(&layer.recipe)?)))
    {
        for of_layer in main.recipe.newest_first() {
            let request = Request { version: Some(of_layer.version.clone()), ..Request::of(layer.name.clone()) };
            let mut plan = resolve(catalog, &Request { archs: vec![arch], builder: arch, ..request })?;
            let is_it = |package: &&Package| package.recipe == recipe.name && package.version == *version;
            if let Some(package) = plan.packages.iter().find(is_it).cloned() {
                let needed = needed(&plan, &package);
                plan.packages.retain(|other| needed.contains(&other.key));
                return Ok((plan, package));
            }
        }
    }
    Err(invalid(format!("no layer has {} {version}, so nothing says what it is compiled with", recipe.name)))
}

/// The keys of all that `package` is compiled with.
fn needed(plan: &Plan, package: &Package) -> BTreeSet<Key> {
    let mut keys = BTreeSet::new();
    let mut open: Vec<&Package> = vec![package];
    while let Some(package) = open.pop() {
        for key in package.needs.values().chain(package.tools.values()) {
            if keys.insert(*key) {
                open.extend(plan.package(*key));
            }
        }
    }
    keys
}
