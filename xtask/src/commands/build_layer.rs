//! `cargo xtask build-layer`: the main job.

use std::num::NonZeroUsize;

use anyhow::{Context as _, Result};
use clap::Args;

use super::Outcome;
use super::selection::Selection;
use super::sourcing::{FetchArgs, to_build};
use super::workshop::{BuilderArgs, Workshop};
use crate::assembly::{Assembled, assemble, up_to_date};
use crate::compile::{Builder, PackageCache, schedule};
use crate::elf;
use crate::files::size;
use crate::pack::Release;
use crate::session::Session;
use crate::smoke::report::Report;

/// Build a layer: fetch its sources, compile them, audit and run the result, and pack it into dist/.
///
/// What is in the cache already is not made again. The zip's bytes depend on nothing but the recipes.
#[derive(Debug, Args)]
pub struct BuildLayer {
    #[command(flatten)]
    selection: Selection,
    /// How many things are compiled at once [default: the number of cores].
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    fetch: FetchArgs,
    #[command(flatten)]
    builder: BuilderArgs,
}

impl BuildLayer {
    /// Builds every zip that was asked for; the summary goes to stdout.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let ui = &session.ui;
        let plan = self.selection.plan(session)?;
        let workshop = self.builder.open(session)?;
        let present: Vec<_> = match &workshop {
            Workshop::Host => {
                plan.zips.iter().map(|zip| up_to_date(session, &plan, zip)).collect::<Result<Option<_>>>()?
            }
            // What is there may be another builder's, and that this one makes the same is to be shown.
            Workshop::Containers(_) => None,
        }
        .unwrap_or_default();
        if !present.is_empty() {
            ui.note("nothing has changed since the last build");
            for release in &present {
                ui.data(&summary(session, release, None))?;
            }
            return Ok(Outcome::Done);
        }
        let jobs = match self.jobs {
            Some(jobs) => jobs,
            None => std::thread::available_parallelism().context("cannot tell how many cores there are")?,
        };
        if matches!(workshop, Workshop::Host) {
            super::doctor::require(&plan)?;
        }
        // Archives are everybody's.
        let _archives = PackageCache::open(&session.cache)?;
        let cache = PackageCache::open(&workshop.cache(session))?;
        let sources = self.fetch.open(session)?;
        sources.fetch(&to_build(&plan, &cache), &session.catalog)?;
        let runner = workshop.runner();
        let builder = Builder {
            catalog: &session.catalog,
            cache: &cache,
            sources: &sources,
            runner: runner.as_ref(),
            jobs: jobs.get(),
            ui,
        };
        let ready = schedule::build_all(&builder, &plan)?;
        let mut outcome = Outcome::Done;
        for zip in &plan.zips {
            match assemble(session, &cache, &plan, zip, &ready, &workshop.smoke_options(session, zip.arch), jobs)? {
                Assembled::Released(release, report) => ui.data(&summary(session, &release, Some(&report)))?,
                Assembled::AuditFailed(report) => {
                    ui.note(format!("{}: the audit found what would break; nothing was written to dist/\n", zip.file));
                    ui.data(&elf::text::render(&report))?;
                    outcome = Outcome::Findings;
                }
                Assembled::SmokeFailed(report) => {
                    ui.note(format!("{}: it does not run as it should; nothing was written to dist/\n", zip.file));
                    ui.data(&report.to_string())?;
                    outcome = Outcome::Findings;
                }
            }
        }
        if !plan.pinned {
            ui.warn("made from a source that is not pinned (`--override`): the manifest says so, and publishing will refuse it");
        }
        Ok(outcome)
    }
}

/// What was built, how big it is, how to recognise it, and what to do with it.
fn summary(session: &Session, release: &Release, smoke: Option<&Report>) -> String {
    let zip = &release.zip;
    let path = session.dist.join(&zip.name);
    let shown = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(&path);
    let checks = smoke.map(|report| format!("  smoke        {}\n", report.summary())).unwrap_or_default();
    format!(
        "{}\n  size         {} zipped, {} unpacked\n  sha256       {}\n  CodeSha256   {}\n  audit        no findings for {}\n{checks}  contents     {}\n\nnext: aws lambda publish-layer-version --layer-name {} --zip-file fileb://{} --compatible-architectures {}\n\n",
        shown.display(),
        size(zip.size),
        size(zip.unpacked_size),
        zip.sha256,
        zip.code_sha256,
        release.manifest.targets.join(", "),
        shown.with_extension("json").display(),
        release.manifest.layer,
        shown.display(),
        release.manifest.arch,
    )
}
