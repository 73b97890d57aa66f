//! `cargo xtask plan`: what build-layer would do.

use std::fmt::Write as _;
use std::time::SystemTime;

use anyhow::Result;
use clap::Args;

use super::selection::Selection;
use super::sourcing::FetchArgs;
use super::{Format, Outcome, json};
use crate::compile::PackageCache;
use crate::files::{quoted, size};
use crate::model::{Cloud, Date, Targets};
use crate::plan::runtimes::{Listed, MOST, listed};
use crate::plan::{Package, Plan, PlannedSource, PlannedStep};
use crate::session::Session;

/// Show every package that build-layer would make, in order, with its source, key and steps.
#[derive(Debug, Args)]
pub struct PlanCommand {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    fetch: FetchArgs,
    /// How to print it; `json` is the very value that is executed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl PlanCommand {
    /// Prints the plan.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let plan = self.selection.plan(session, &self.fetch.open(session)?)?;
        let text = match self.format {
            Format::Json => json(&plan)?,
            Format::Text => {
                let mut text = render(&plan, &PackageCache::open(&session.cache)?)?;
                render_runtimes(&mut text, &plan, &session.catalog.targets, Date::of(SystemTime::now()))?;
                text
            }
        };
        session.ui.data(&text)?;
        Ok(Outcome::Done)
    }
}

fn render(plan: &Plan, cache: &PackageCache) -> Result<String> {
    let mut text = String::new();
    for package in &plan.packages {
        let state = if cache.has(package.key) { "in the cache" } else { "to be built" };
        writeln!(text, "{}  {}  {state}", package.label(), package.key.short())?;
        render_source(&mut text, package)?;
        for step in &package.steps {
            match step {
                PlannedStep::Unpack => writeln!(text, "    unpack")?,
                PlannedStep::Patch(name) => writeln!(text, "    patch {name}")?,
                PlannedStep::Copy(copy) => writeln!(text, "    copy {} to {}", copy.from, copy.to)?,
                PlannedStep::Run(run) => {
                    let words: Vec<_> = run.argv.iter().map(|word| quoted(word)).collect();
                    writeln!(text, "    run {} (in {})", words.join(" "), run.cwd)?;
                }
            }
        }
        writeln!(text)?;
    }
    for zip in &plan.zips {
        let names: Vec<_> = zip.packages.keys().map(ToString::to_string).collect();
        writeln!(text, "dist/{} with {}", zip.file, names.join(", "))?;
    }
    Ok(text)
}

/// What a version of each zip would list if it was published today.
fn render_runtimes(text: &mut String, plan: &Plan, targets: &Targets, today: Date) -> Result<()> {
    for zip in &plan.zips {
        writeln!(text, "\nruntimes that {} lists if it is published on {today}", zip.file)?;
        for cloud in [Cloud::Aws, Cloud::Aliyun] {
            let Listed { listed, no_place, ended } = listed(targets, cloud, zip.arch, &|_| true, today);
            if listed.is_empty() {
                continue;
            }
            writeln!(text, "    {}: {}", cloud.name(), listed.join(", "))?;
            if !no_place.is_empty() {
                writeln!(text, "        it runs on {} too, but can list only {MOST}", no_place.join(", "))?;
            }
            if !ended.is_empty() {
                writeln!(text, "        ended: {}", ended.join(", "))?;
            }
        }
    }
    Ok(())
}

fn render_source(text: &mut String, package: &Package) -> Result<()> {
    match &package.source {
        PlannedSource::Override { folder, tree } => {
            writeln!(text, "    from {} (not pinned; now {})", folder.display(), tree.short())?;
        }
        PlannedSource::Pinned(source) => {
            for archive in &source.archives {
                let bytes = archive.size.map_or("size unknown".to_owned(), size);
                for origin in &archive.origins {
                    writeln!(text, "    from {origin} ({bytes}, sha256 {})", archive.sha256.short())?;
                }
            }
        }
    }
    Ok(())
}
