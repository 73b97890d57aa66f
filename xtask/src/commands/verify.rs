//! `cargo xtask verify`: proves that a layer comes out the same under other conditions.

use std::num::NonZeroUsize;
use std::thread;

use anyhow::{Context as _, Result};
use clap::Args;

use super::selection::Selection;
use super::sourcing::FetchArgs;
use super::workshop::{BuilderArgs, Workshop};
use super::{Format, Outcome, doctor, json};
use crate::error::invalid;
use crate::lock::{self, Comparison, Lock};
use crate::process;
use crate::session::Session;
use crate::verify::compare::Difference;
use crate::verify::{Container, Subject, this_program, verify};

/// Build a layer twice from nothing, under different conditions, and compare every package and the zip.
///
/// Takes twice the time of a build with an empty cache, and some gigabytes in the folder for temporary files (TMPDIR).
#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    selection: Selection,
    /// How many compilers the first build runs at once; the second runs one more [default: the number of cores].
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Build once more in a container of a target (`al2`, `al2023`, …); can be given several times.
    #[arg(long = "builder", value_name = "TARGET")]
    builders: Vec<String>,
    /// The image that the builder's Dockerfile starts from, instead of the target's own.
    #[arg(long, value_name = "IMAGE", requires = "builders")]
    base_image: Option<String>,
    /// How the result is written to stdout.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    fetch: FetchArgs,
}

impl Verify {
    /// Builds, compares and prints what came of it; then the zips are compared with the lock.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let sources = self.fetch.open(session)?;
        let plan = self.selection.plan(session, &sources)?;
        let lock = Lock::load(&session.catalog.root)?;
        doctor::require(&plan)?;
        let packages: Vec<_> = plan.packages.iter().collect();
        let archives = sources.fetch(&packages, &session.catalog)?;
        let jobs = match self.jobs {
            Some(jobs) => jobs,
            None => thread::available_parallelism().context("cannot tell how many cores there are")?,
        };
        let containers = self.containers(session)?;
        let subject = Subject {
            program: &this_program()?,
            plan: &plan,
            archives: &archives,
            jobs: jobs.get(),
            containers: &containers,
        };
        let report = verify(session, &subject)?;
        session.ui.data(&match self.format {
            Format::Text => report.to_string(),
            Format::Json => json(&report)?,
        })?;
        if let Some(first) = report.differences.first() {
            look_closer(session, first)?;
            return Ok(Outcome::Findings);
        }
        let mut outcome = Outcome::Done;
        for release in &report.zips {
            let comparison = lock.compare(&release.manifest, release.zip.sha256);
            session.ui.note(format!("{}: {comparison}", release.zip.name));
            if let Comparison::Different { expected } = comparison {
                session.ui.note(lock::difference(release, expected));
                outcome = Outcome::Findings;
            }
        }
        Ok(outcome)
    }
}

impl Verify {
    /// The containers that are to build as well. Their images are made now: after two builds is too late to learn that
    /// one cannot be pulled.
    fn containers(&self, session: &Session) -> Result<Vec<Container>> {
        if self.base_image.is_some() && self.builders.len() > 1 {
            return Err(invalid(
                "`--base-image` is for one builder, and there are several\n\nhint: verify them one after the other",
            ));
        }
        let prepare = |target: &String| {
            let builder = BuilderArgs::container(target, self.base_image.as_deref());
            match builder.open(session)? {
                Workshop::Containers(_) => Ok(Container { target: target.clone(), words: builder.words() }),
                Workshop::Host => Err(invalid("the host always builds\n\nhint: leave `--builder host` out")),
            }
        };
        self.builders.iter().map(prepare).collect()
    }
}

/// Has diffoscope explain the first difference, where it is installed.
fn look_closer(session: &Session, difference: &Difference) -> Result<()> {
    let _progress = session.ui.busy("diffoscope looks at the first difference");
    match process::output("diffoscope", difference.places.iter().map(|place| place.as_os_str())) {
        Ok(output) => session.ui.note(String::from_utf8_lossy(&output.stdout)),
        Err(_) => session.ui.note("hint: with `diffoscope` installed, this would show what is different in the file"),
    }
    Ok(())
}
