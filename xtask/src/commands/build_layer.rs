//! `cargo xtask build-layer`: the main job.

use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::Args;

use super::Outcome;
use super::selection::Selection;
use super::sharing::SharedCacheArgs;
use super::sourcing::{EntryOrder, FetchArgs, ReversedFolders, to_build};
use super::workshop::{BuilderArgs, Workshop};
use crate::assembly::{Assembled, BuildContext, about, assemble, pack_unproven, up_to_date};
use crate::compile::{Builder, PackageCache, schedule};
use crate::elf;
use crate::files::size;
use crate::lock::{self, Comparison, Lock};
use crate::pack::landing::check_landing;
use crate::pack::{Release, image_name, write_image};
use crate::plan::Plan;
use crate::session::Session;
use crate::smoke::report::Report;

/// Build a layer: fetch its sources, compile them, audit and run the result, and pack it into dist/.
///
/// What is in the cache already is not made again. The zip's bytes depend on nothing but the recipes.
#[derive(Debug, Args)]
pub struct BuildLayer {
    #[command(flatten)]
    selection: Selection,
    /// How many compilers run at once [default: the number of cores].
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Record the digests of the zips in layers/digests.toml instead of comparing with it.
    #[arg(long, conflicts_with = "overrides")]
    update_digests: bool,
    /// Also write an OCI image with what is in the zips, for functions that are container images and cannot have layers.
    #[arg(long)]
    image: bool,
    #[command(flatten)]
    fetch: FetchArgs,
    #[command(flatten)]
    builder: BuilderArgs,
    #[command(flatten)]
    shared: SharedCacheArgs,
    /// What the zip is for. No flag sets it: `verify` does, in a process of its own.
    #[arg(skip)]
    pub(crate) purpose: Purpose,
}

/// What a zip is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// For use: it is audited, run, and compared with the lock.
    #[default]
    Use,
    /// Only for comparing its bytes.
    Comparison(EntryOrder),
}

impl BuildLayer {
    /// Builds every zip that was asked for; the summary goes to stdout.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let ui = &session.ui;
        let mut lock = Lock::load(&session.catalog.root)?;
        if self.update_digests {
            check_landing(&session.catalog.root.join(lock::FILE))?;
        }
        let sources = self.fetch.open(session)?;
        let plan = self.selection.plan(session, &sources)?;
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
            let outcome = present.iter().try_fold(Outcome::Done, |outcome, release| -> Result<Outcome> {
                Ok(outcome.and(self.show(session, &mut lock, release, None)?))
            })?;
            return Ok(outcome.and(self.write_image(session, &present)?));
        }
        self.check_dist(session, &plan)?;
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
        // Comparison builds start from an empty cache. A container must compile everything itself to count as evidence.
        let shared = match (self.purpose, &workshop) {
            (Purpose::Use, Workshop::Host) => self.shared.open(session)?,
            _ => None,
        };
        let rejected = shared.as_ref().map(|shared| shared.pull(&to_build(&plan, &cache), &cache, ui));
        sources.fetch(&to_build(&plan, &cache), &session.catalog)?;
        let runner = workshop.runner();
        let reversed = ReversedFolders(&sources);
        let builder = Builder {
            catalog: &session.catalog,
            cache: &cache,
            sources: match self.purpose {
                Purpose::Comparison(EntryOrder::ReversedFolders) => &reversed,
                _ => &sources,
            },
            runner: runner.as_ref(),
            jobs: jobs.get(),
            ui,
        };
        let ready = schedule::build_all(&builder, &plan)?;
        if let (Some(shared), Some(rejected)) = (shared, rejected) {
            shared.push(&plan.packages, &ready, &rejected, &cache, ui);
        }
        if let Purpose::Comparison(_) = self.purpose {
            for zip in &plan.zips {
                pack_unproven(session, &plan, zip, &ready, jobs)?;
            }
            return Ok(Outcome::Done);
        }
        let (mut outcome, mut releases) = (Outcome::Done, Vec::new());
        for zip in &plan.zips {
            let build_context =
                BuildContext { builder: workshop.identity(), smoke: workshop.smoke_options(session, zip.arch), jobs };
            match assemble(session, &cache, &plan, zip, &ready, &build_context)? {
                Assembled::Released(release, report) => {
                    outcome = outcome.and(self.show(session, &mut lock, &release, Some(&report))?);
                    releases.push(*release);
                }
                Assembled::AuditFailed(report) => {
                    ui.note(format!("{}: the audit has findings; nothing was written to dist/\n", zip.file));
                    ui.data(&elf::text::render(&report))?;
                    outcome = Outcome::Findings;
                }
                Assembled::SmokeFailed(report) => {
                    ui.note(format!("{}: a smoke check failed; nothing was written to dist/\n", zip.file));
                    ui.data(&report.to_string())?;
                    outcome = Outcome::Findings;
                }
            }
        }
        if releases.len() == plan.zips.len() {
            outcome = outcome.and(self.write_image(session, &releases)?);
        }
        if !plan.pinned {
            ui.warn("made from a source that is not pinned (`--override`): the manifest records that, nothing is compared with layers/digests.toml, and `publish` will refuse it");
        }
        Ok(outcome)
    }

    /// Sees to it that what is going to be made can be written, before hours are spent on making it.
    fn check_dist(&self, session: &Session, plan: &Plan) -> Result<()> {
        let archs: Vec<_> = plan.zips.iter().map(|zip| zip.arch).collect();
        let image = self.image.then(|| image_name(&plan.layer, &plan.version, &archs));
        let files = plan.zips.iter().flat_map(|zip| about(&session.dist, zip));
        files.chain(image.map(|name| session.dist.join(name))).try_for_each(|file| check_landing(&file))
    }

    /// Writes the image of the zips, if one is wanted, and compares it with the lock or records it there.
    fn write_image(&self, session: &Session, releases: &[Release]) -> Result<Outcome> {
        if !self.image {
            return Ok(Outcome::Done);
        }
        let image = {
            let _progress = session.ui.busy("writing the image");
            write_image(releases, &session.dist)?
        };
        let root = &session.catalog.root;
        let pinned = releases.iter().all(|release| release.manifest.pinned);
        if self.update_digests && pinned {
            Lock::update_image(root, &image)?;
        }
        let comparison = if pinned { Lock::load(root)?.compare_image(&image) } else { Comparison::Unpinned };
        session.ui.data(&format!(
            "{}\n  size         {}\n  sha256       {}\n  lock         {comparison}\n\nnext: podman load --input {0}; its name is then localhost/{}\n\n",
            shown(&session.dist.join(&image.name)).display(),
            size(image.size),
            image.sha256,
            image.reference,
        ))?;
        Ok(match comparison {
            Comparison::Different { .. } => Outcome::Findings,
            Comparison::Unknown => {
                session.ui.warn(format!(
                    "{} has no digest of {} to compare with\n\nhint: `--update-digests` records this one",
                    lock::FILE,
                    image.name
                ));
                Outcome::Done
            }
            Comparison::Same | Comparison::Unpinned => Outcome::Done,
        })
    }

    /// Shows what is in dist/ now, and compares it with the lock or records it there.
    fn show(&self, session: &Session, lock: &mut Lock, release: &Release, smoke: Option<&Report>) -> Result<Outcome> {
        if self.update_digests {
            *lock = Lock::update(&session.catalog.root, release)?;
        }
        let comparison = lock.compare(&release.manifest, release.zip.sha256);
        session.ui.data(&summary(session, release, smoke, comparison))?;
        match comparison {
            Comparison::Different { expected } => {
                session.ui.data(&lock::difference(release, expected))?;
                return Ok(Outcome::Findings);
            }
            Comparison::Unknown => session.ui.warn(format!(
                "{} has no digest of {} to compare with\n\nhint: `--update-digests` records this one",
                lock::FILE,
                release.zip.name
            )),
            Comparison::Same | Comparison::Unpinned => {}
        }
        Ok(Outcome::Done)
    }
}

/// A path as the user would type it: from the folder they are in, if it is below that.
fn shown(path: &Path) -> &Path {
    std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path)
}

/// What was built, how big it is, how to recognise it, and what to do with it.
fn summary(session: &Session, release: &Release, smoke: Option<&Report>, comparison: Comparison) -> String {
    let zip = &release.zip;
    let path = session.dist.join(&zip.name);
    let shown = shown(&path);
    let checks = smoke.map(|report| format!("  smoke        {}\n", report.summary())).unwrap_or_default();
    format!(
        "{}\n  size         {} zipped, {} unpacked\n  sha256       {}\n  CodeSha256   {}\n  audit        no findings for {}\n{checks}  lock         {comparison}\n  contents     {}\n\nnext: cargo xtask publish {}@{} --arch {} --region us-east-1 --dry-run\n\n",
        shown.display(),
        size(zip.size),
        size(zip.unpacked_size),
        zip.sha256,
        zip.code_sha256,
        release.manifest.targets.join(", "),
        shown.with_extension("json").display(),
        release.manifest.layer,
        release.manifest.version,
        release.manifest.arch,
    )
}
