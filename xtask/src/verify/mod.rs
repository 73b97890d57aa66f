//! Builds a layer several times, each time from nothing and under other conditions, and compares every byte.
//!
//! Each build is this program started once more, with a copy of the checkout, a cache and a user of its own, and under
//! the [`Conditions`] that this machine can vary. Archives are shared, as their digests are pinned; packages are not.
//! Nothing is audited or run, because what comes out is compared and thrown away.

pub mod compare;
pub mod conditions;
pub mod report;
pub mod trial;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::files;
use crate::model::Sha256;
use crate::plan::{Plan, PlannedSource};
use crate::process::guard::TemporaryFolder;
use crate::session::Session;

pub use conditions::Conditions;
pub use report::Report;
pub use trial::Trial;

/// What of the checkout no build reads.
const NOT_COPIED: [&str; 3] = [".git", "dist", "target"];

/// How far apart two builds begin at least, so that a time in the bytes differs even in seconds.
const APART: Duration = Duration::from_secs(2);

/// What is to be verified.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The program that builds: this one.
    pub program: &'a Path,
    /// What is built.
    pub plan: &'a Plan,
    /// The pinned archives, by digest and place.
    pub archives: &'a [(Sha256, PathBuf)],
    /// How many things a build may do at once.
    pub jobs: usize,
    /// What builds it as well, besides this machine under two sets of conditions.
    pub containers: &'a [Container],
}

/// A builder in a container.
#[derive(Debug)]
pub struct Container {
    /// The target whose image it has.
    pub target: String,
    /// The arguments of `build-layer`, so that it builds there.
    pub words: Vec<String>,
}

/// Builds and compares. The folders of the builds stay where something differs, and go otherwise.
///
/// # Errors
/// If a build fails, or the disk does.
pub fn verify(session: &Session, subject: &Subject<'_>) -> Result<Report> {
    let began = Instant::now();
    // Not in the cache: a build by another user must be able to get there.
    let folder = TemporaryFolder::new("verify");
    let folder = folder.context("cannot make a folder for temporary files")?;
    files::let_pass(folder.path())?;
    let program = folder.path().join("xtask");
    fs::copy(subject.program, &program).with_context(|| format!("cannot copy {}", subject.program.display()))?;
    let mut variations = conditions::of_this_machine(folder.path(), subject.jobs);
    let mut builds = vec![
        Trial::new(folder.path(), "one", variations.first.clone(), arguments(subject)),
        Trial::new(
            folder.path(),
            "another-build-in-a-folder-with-a-longer-name",
            variations.second,
            arguments(subject),
        ),
    ];
    for container in subject.containers {
        // An engine serves whom it knows, so the user and the host name stay; a container has its own anyway.
        let name = format!("in-a-container-of-{}", container.target);
        let words = [arguments(subject), container.words.clone()].concat();
        builds.push(Trial::new(folder.path(), &name, variations.first.clone(), words).in_container());
        variations.varied.push(("builder".to_owned(), format!("this machine and a container of {}", container.target)));
    }
    for (number, build) in builds.iter().enumerate() {
        let progress =
            session.ui.busy(&format!("build {} of {}: {}", number + 1, builds.len(), build.conditions.in_short()));
        prepare(session, subject, build)?;
        drop(progress);
        let started = Instant::now();
        build.run(&program).with_context(|| format!("build {} of {} failed", number + 1, builds.len()))?;
        thread::sleep(APART.saturating_sub(started.elapsed()));
    }
    let progress = session.ui.busy("comparing");
    let mut differences = Vec::new();
    for build in &builds[1..] {
        differences.extend(compare::builds(subject.plan, &builds[0], build, &session.ui)?);
    }
    drop(progress);
    let zips = compare::zips(subject.plan, &builds[0])?;
    let kept = if differences.is_empty() {
        None
    } else {
        let before = folder.path().to_owned();
        let kept = folder.keep().context("cannot keep the folder of the builds")?;
        for place in differences.iter_mut().flat_map(|difference| &mut difference.places) {
            if let Ok(inside) = place.strip_prefix(&before) {
                *place = kept.join(inside);
            }
        }
        Some(kept)
    };
    Ok(Report {
        layer: subject.plan.layer.clone(),
        version: subject.plan.version.clone(),
        builds: builds.len(),
        packages: subject.plan.packages.len(),
        zips,
        varied: variations.varied,
        not_varied: variations.not_varied,
        differences,
        kept,
        seconds: began.elapsed().as_secs(),
    })
}

/// Lays out what a build works with: the checkout, the archives, a home.
fn prepare(session: &Session, subject: &Subject<'_>, build: &Trial) -> Result<()> {
    let root = &session.catalog.root;
    let entries = fs::read_dir(root).with_context(|| format!("cannot read {}", root.display()))?;
    fs::create_dir_all(&build.checkout).with_context(|| format!("cannot make {}", build.checkout.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", root.display()))?;
        let name = entry.file_name();
        if !NOT_COPIED.iter().any(|left| name == *left) {
            files::duplicate(&entry.path(), &build.checkout.join(name))?;
        }
    }
    for (sha256, file) in subject.archives {
        let to = crate::source::Store::new(&build.cache).path(sha256);
        files::duplicate_file(file, &to)?;
    }
    fs::create_dir_all(&build.home).with_context(|| format!("cannot make {}", build.home.display()))?;
    match build.conditions.user {
        Some(user) => files::give_to(&build.folder, user),
        None => Ok(()),
    }
}

/// What `build-layer` is called with.
fn arguments(subject: &Subject<'_>) -> Vec<String> {
    let plan = subject.plan;
    let mut words = vec!["build-layer".to_owned(), format!("{}@{}", plan.layer, plan.version)];
    let arch = match plan.zips.as_slice() {
        [zip] => zip.arch.to_string(),
        _ => "all".to_owned(),
    };
    words.extend(["--offline".to_owned(), "--arch".to_owned(), arch]);
    let mut overrides: Vec<String> = Vec::new();
    for package in &plan.packages {
        if let PlannedSource::Override { folder, .. } = &package.source {
            overrides.push(format!("--override={}={}", package.recipe, folder.display()));
        }
    }
    overrides.dedup();
    words.extend(overrides);
    words
}

/// The program of this process, for [`Subject::program`].
pub fn this_program() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell which file this program is")?;
    if !program.is_file() {
        bail!("{} is gone: it was built anew meanwhile; run the command again", program.display());
    }
    Ok(program)
}
