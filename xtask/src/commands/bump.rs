//! `cargo xtask bump`: a recipe moves to another version.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use super::sourcing::{Archives, FetchArgs};
use super::{Format, Outcome, check_groups, json};
use crate::bump::{self, Order, Place, Tools, prepare};
use crate::catalog::Catalog;
use crate::error::invalid;
use crate::fresh::{Asker, osv, recipes};
use crate::model::{Recipe, RecipeName, Version};
use crate::session::Session;
use crate::source::http::Patience;
use crate::source::proxy::Proxies;
use crate::source::{Client, Context};

/// Move a recipe to another version, and with it the recipes that must have the same version.
///
/// Fetches the version from every origin, measures size, digest and tree, tries every patch, compares licence texts and
/// options of the build, and edits recipe.toml in place. Exit code 1 if something is left for a person to do.
#[derive(Debug, Args)]
pub struct Bump {
    /// The recipe.
    recipe: RecipeName,
    /// The version to move to [default: the newest that the recipe's places know].
    version: Option<Version>,
    /// The pinned version that the new one is modelled on [default: the newest].
    #[arg(long, value_name = "VERSION")]
    from: Option<Version>,
    /// Keep the old version and add the new one beside it.
    #[arg(long)]
    beside: bool,
    /// Take a version that is older than the pinned one.
    #[arg(long)]
    allow_downgrade: bool,
    /// Show the change instead of making it.
    #[arg(long)]
    dry_run: bool,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    fetch: FetchArgs,
}

/// How long indexes may take.
const WITHIN: Duration = Duration::from_secs(180);

/// What `bump` prints.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    bumps: &'a [bump::Bump],
    diff: String,
}

impl Bump {
    /// Works out the change, makes it, and prints what was found.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let catalog = &session.catalog;
        let recipe = &catalog.recipe(&self.recipe)?.recipe;
        let archives = self.fetch.open(session)?;
        archives.find_an_index(catalog);
        let context = archives.context();
        if context.network.client().is_none() {
            return Err(invalid("a new version cannot be found with `--offline`"));
        }
        let asker = Asker::new(context.mirrors, Some(Asker::client()), &session.cache, WITHIN);
        let Some(order) = self.order(session, recipe, &asker)? else { return Ok(Outcome::Done) };
        let mut bumps = work_out(catalog, &context, &asker, &order)?;
        let diff: String = bumps.iter().map(|bump| diff(&catalog.root, bump)).collect();
        if !self.dry_run {
            write_all(catalog, &bumps)?;
        }
        for bump in &mut bumps {
            self.check_groups(session, &archives, bump)?;
        }
        session.ui.data(&match self.format {
            Format::Json => json(&Printed { bumps: &bumps, diff })?,
            Format::Text => render(&bumps, if self.dry_run { &diff } else { "" })?,
        })?;
        Ok(if bumps.iter().all(|bump| bump.todo.is_empty()) { Outcome::Done } else { Outcome::Findings })
    }

    /// Checks that files which are compiled together give the same code in the new version, too, or says how to.
    fn check_groups(&self, session: &Session, archives: &Archives, bump: &mut bump::Bump) -> Result<()> {
        let recipe = &session.catalog.recipe(&bump.recipe)?.recipe;
        if !recipe.grouped {
            return Ok(());
        }
        let command = check_groups::command(recipe, &bump.to);
        if self.dry_run || !bump.compiles {
            bump.todo.push(format!("then check that files compiled together give the same code: `{command}`"));
            return Ok(());
        }
        let edited = Session::at(&session.catalog.root, session.cache.clone(), session.ui.clone())?;
        let recipe = &edited.catalog.recipe(&bump.recipe)?.recipe;
        match check_groups::check(&edited, archives, recipe, &bump.to, None) {
            Ok(report) if report.differences.is_empty() => bump.said.push(report.summary()),
            Ok(report) => bump.todo.push(format!("look at what differs: `{command}`; {}", report.summary())),
            Err(error) => {
                let why = format!("{error:#}");
                let why = why.lines().next().unwrap_or_default();
                bump.todo.push(format!(
                    "check that files compiled together give the same code: `{command}`, which failed: {why}"
                ));
            }
        }
        Ok(())
    }

    /// What is to be done; nothing where no newer version is known.
    fn order(&self, session: &Session, recipe: &Recipe, asker: &Asker<'_>) -> Result<Option<Order>> {
        let versions = recipe.versions.iter().map(|pinned| &pinned.version);
        let newest = versions.max_by(|a, b| a.compare_age(b)).context("the recipe pins no version")?;
        let from = self.from.clone().unwrap_or_else(|| newest.clone());
        let to = match &self.version {
            Some(version) => version.clone(),
            None => {
                let progress = session.ui.busy("looking for newer versions");
                let news = recipes::look(asker, &[recipe], osv::API, &progress);
                let news = news.first().context("no answer")?;
                match &news.newest {
                    Some(newest) if news.outdated => newest.clone(),
                    _ => {
                        session
                            .ui
                            .note(format!("{} {newest}: no place that answers knows a newer version", recipe.name));
                        return Ok(None);
                    }
                }
            }
        };
        let place = if self.beside { Place::Beside } else { Place::Instead };
        Ok(Some(Order { recipe: recipe.name.clone(), from, to, place, downgrade: self.allow_downgrade }))
    }
}

fn work_out(catalog: &Catalog, context: &Context<'_>, asker: &Asker<'_>, order: &Order) -> Result<Vec<bump::Bump>> {
    let patience = Patience { silence: Duration::from_secs(30), attempts: 3, ..Asker::patience() };
    let client = Client::new(patience, Proxies::of_environment());
    prepare(&Tools { context, asker, client: &client, fetched: Mutex::default() }, catalog, order)
}

/// Writes every recipe, or none: a checkout that cannot be read could not be bumped again.
fn write_all(catalog: &Catalog, bumps: &[bump::Bump]) -> Result<()> {
    for bump in bumps {
        write(&bump.file, &bump.after)?;
    }
    Catalog::load(&catalog.root).map(drop).map_err(|error| {
        for bump in bumps {
            // The first error is the one that counts.
            let _ = write(&bump.file, &bump.before);
        }
        error.context("the recipes would no longer fit together, so nothing was changed")
    })
}

fn write(file: &Path, text: &str) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut new = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")))?;
        new.write_all(text.as_bytes())?;
        // A temporary file is its owner's only.
        new.as_file().set_permissions(fs::metadata(file)?.permissions())?;
        new.persist(file)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

fn diff(root: &Path, bump: &bump::Bump) -> String {
    let name = bump.file.strip_prefix(root).unwrap_or(&bump.file).display().to_string();
    let patch = diffy::create_patch(&bump.before, &bump.after).to_string();
    patch.replacen("--- original", &format!("--- a/{name}"), 1).replacen("+++ modified", &format!("+++ b/{name}"), 1)
}

fn render(bumps: &[bump::Bump], diff: &str) -> Result<String> {
    let mut text = String::new();
    for bump in bumps {
        writeln!(text, "{} {} -> {}", bump.recipe, bump.from, bump.to)?;
        for line in &bump.said {
            writeln!(text, "  {line}")?;
        }
        writeln!(text, "  what changed: {}", bump.changes)?;
        for line in &bump.todo {
            writeln!(text, "  TO DO: {line}")?;
        }
    }
    if !diff.is_empty() {
        write!(text, "\n{diff}")?;
    }
    Ok(text)
}
