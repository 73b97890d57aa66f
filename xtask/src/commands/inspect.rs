//! `cargo xtask inspect`: what is inside a layer.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::outdated::OsvArgs;
use super::{Format, Outcome, json};
use crate::archive::name::shown;
use crate::error::invalid;
use crate::files::size;
use crate::fresh::{Asker, printable, recipes};
use crate::inspect::{Inspection, Vulnerabilities, inspect};
use crate::lock::Lock;
use crate::session::Session;
use crate::source::Mirrors;

/// A path that is longer moves what stands behind it.
const WIDEST: usize = 80;

/// Show every file of a layer with its size, mode and origin, and check the zip against its manifest, SBOM and lock.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The zip: one of ours or anybody else's.
    #[arg(value_name = "ZIP")]
    zip: PathBuf,
    /// How the result is written to stdout.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also look up known vulnerabilities of the components in its SBOM.
    #[arg(long)]
    vulnerabilities: bool,
    #[command(flatten)]
    osv: OsvArgs,
}

/// How long that question may take.
const WITHIN: Duration = Duration::from_secs(15);

impl Inspect {
    /// Prints what is in the zip; exit code 1 if something in it does not agree.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let lock = Lock::load(&session.catalog.root)?;
        let mut inspection = inspect(&self.zip, &lock).map_err(|error| invalid(format!("{error:#}")))?;
        if self.vulnerabilities {
            let _progress = session.ui.busy("asking about vulnerabilities");
            let mirrors = Mirrors::default();
            let asker = Asker::new(&mirrors, Some(Asker::client()), &session.cache, WITHIN);
            let known = recipes::about(&asker, &inspection.packages, &self.osv.api);
            inspection.vulnerabilities = Some(known.into_iter().map(|(name, told)| (name, told.into())).collect());
        }
        session.ui.data(&match self.format {
            Format::Text => render(&inspection)?,
            Format::Json => json(&inspection)?,
        })?;
        Ok(if inspection.findings.is_empty() { Outcome::Done } else { Outcome::Findings })
    }
}

fn render(layer: &Inspection) -> Result<String> {
    let mut text = String::new();
    writeln!(text, "{} {} for {}", layer.layer, layer.version, layer.arch)?;
    writeln!(text, "  glibc        {} or later", layer.glibc)?;
    writeln!(text, "  compiler     {}", layer.compiler.as_deref().unwrap_or("none: nothing in it is compiled"))?;
    writeln!(text, "  sources      {}", if layer.pinned { "all pinned" } else { "NOT all pinned (`--override`)" })?;
    writeln!(text, "  size         {}", size(layer.size))?;
    writeln!(text, "  sha256       {}", layer.sha256)?;
    writeln!(text, "  CodeSha256   {}", layer.code_sha256)?;
    writeln!(text, "  lock         {}\n", layer.lock)?;
    let width = layer.files.iter().map(|file| file.path.len()).max().unwrap_or_default().min(WIDEST);
    for file in &layer.files {
        let from = file.from.as_deref().unwrap_or("written by the packer");
        let mode = file.mode.as_deref().unwrap_or("none");
        writeln!(text, "  {mode}  {:>12}  {:width$}  {from}", size(file.size), file.path)?;
    }
    writeln!(text, "\nmade from")?;
    let linked: BTreeSet<_> = layer.linked_in().collect();
    for recipe in &layer.recipes {
        let how = if linked.contains(&&recipe.name) { ", linked in" } else { "" };
        let patches = match recipe.patches.len() {
            0 => String::new(),
            count => format!(", patches of ours: {count}"),
        };
        writeln!(text, "  {} {}  {}{how}{patches}", recipe.name, recipe.version, shown(recipe.license.as_bytes()))?;
    }
    for (name, known) in layer.vulnerabilities.iter().flatten() {
        let known = match known {
            Vulnerabilities::Known(found) if found.is_empty() => "no known vulnerabilities".to_owned(),
            Vulnerabilities::Known(found) => found.join(", "),
            Vulnerabilities::NotAsked(why) => format!("not asked: {why}"),
        };
        writeln!(text, "  {}: {known}", printable(name))?;
    }
    match layer.findings.len() {
        0 => writeln!(text, "\n{}", layer.verdict())?,
        count => writeln!(text, "\nfindings: {count}")?,
    }
    for finding in &layer.findings {
        writeln!(text, "  {finding}")?;
    }
    Ok(text)
}
