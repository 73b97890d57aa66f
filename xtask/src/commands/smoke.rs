//! `smoke`: proves that a layer runs.

use std::path::PathBuf;

use clap::Args;

use super::{Format, Outcome, json, workshop};
use crate::error::invalid;
use crate::model::Arch;
use crate::session::Session;
use crate::smoke::layer::{InvalidLayer, Layer};
use crate::smoke::sandbox::target::Target;
use crate::smoke::{self, Checks};

/// Run a layer where there is nothing but glibc, and compare its reports with what is known of the files.
#[derive(Debug, Args)]
pub struct Smoke {
    /// The layer: a zip, or a folder with what is in one.
    #[arg(value_name = "ZIP|DIR")]
    layer: PathBuf,
    /// The architecture that the layer must be for [default: that of its program].
    #[arg(long)]
    arch: Option<Arch>,
    /// Run it in a container of this target's image (`al2`, `al2023`, …) instead of a root with nothing but glibc.
    #[arg(long = "in", value_name = "TARGET")]
    target: Option<String>,
    /// The image for `--in`, instead of the target's own: one of a mirror, of a private registry, or of this machine.
    #[arg(long, value_name = "IMAGE", requires = "target")]
    base_image: Option<String>,
    /// How the result is written to stdout.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Smoke {
    /// Runs the checks and prints what came of them.
    ///
    /// # Errors
    /// Where the layer cannot be read or the checks cannot be made.
    pub fn run(&self, session: &Session) -> anyhow::Result<Outcome> {
        let layer = Layer::open(&self.layer).map_err(|error| invalid(format!("{error:#}")))?;
        let (checks, arch) = self.checks(session, &layer).map_err(|error| invalid(error.to_string()))?;
        let options = smoke::Options { target: self.target(session, arch)?, ..session.smoke_options() };
        let report = smoke::run(checks, layer.folder(), arch, &options, &session.ui)?;
        session.ui.data(&match self.format {
            Format::Text => report.to_string(),
            Format::Json => json(&report)?,
        })?;
        Ok(if report.passed() { Outcome::Done } else { Outcome::Findings })
    }

    /// The image to run in, if one is wanted.
    fn target(&self, session: &Session, arch: Arch) -> anyhow::Result<Option<Target>> {
        let Some(name) = &self.target else { return Ok(None) };
        let target = workshop::target(session, name, "")?;
        if Arch::of_this_machine() != Some(arch) {
            return Err(invalid(format!(
                "{}: the layer is for {arch}, and images are run for this machine's architecture only\n\nhint: without `--in` it runs under an emulator",
                self.layer.display()
            )));
        }
        let engine = workshop::engine(session)?;
        let image = workshop::base(session, &engine, target, self.base_image.as_deref())?;
        Ok(Some(Target { engine, image, name: target.name.clone() }))
    }

    /// The checks for what is in the layer, and the architecture that was named, or else the one its program is for.
    fn checks<'a>(&self, session: &'a Session, layer: &Layer) -> Result<(Checks<'a>, Arch), InvalidLayer> {
        let invalid = |problem| InvalidLayer { path: self.layer.display().to_string(), problem };
        let all = Checks::all(session.catalog.layers.values());
        let Some((checks, found)) = all.iter().find_map(|checks| Some((*checks, layer.arch(checks.program())?))) else {
            let known: Vec<_> = all.iter().map(|checks| checks.program()).collect();
            let known = known.join(", ");
            let problem =
                format!("has none of {known} for x86_64 or arm64; name the zip or folder of a layer that has");
            return Err(invalid(problem));
        };
        match self.arch {
            Some(arch) if arch != found => {
                let program = checks.program();
                Err(invalid(format!("its {program} is for {found} and not for {arch}")))
            }
            _ => Ok((checks, found)),
        }
    }
}
