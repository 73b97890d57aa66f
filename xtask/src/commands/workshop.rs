//! Where packages are compiled, as the command line says: on this machine or in a container.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::compile::{ContainerRunner, HostRunner, Runner};
use crate::container::{self, Engine, Image};
use crate::error::{did_you_mean, invalid};
use crate::model::{Arch, BuilderIdentity, Target};
use crate::session::Session;
use crate::smoke;

/// The builder that needs no container.
const HOST: &str = "host";

/// Who compiles.
#[derive(Debug, Args)]
#[command(next_help_heading = "Builder")]
pub struct BuilderArgs {
    /// Where to compile: on this machine (`host`), or in a container of a target (`al2`, `al2023`, …). The zip's bytes
    /// are the same.
    #[arg(long, value_name = "BUILDER", default_value = HOST)]
    builder: String,
    /// The image that the builder's Dockerfile starts from, instead of the target's own: one of a mirror, of a private
    /// registry, or of this machine.
    #[arg(long, value_name = "IMAGE")]
    base_image: Option<String>,
}

/// A place to compile in.
#[derive(Debug)]
pub enum Workshop {
    /// This machine.
    Host,
    /// Containers.
    Containers(Box<Contained>),
}

/// An engine with the images of a target.
#[derive(Debug)]
pub struct Contained {
    /// Who makes containers.
    engine: Engine,
    /// What the target's functions run on.
    base: Image,
    /// The image that build steps run in.
    image: Image,
    target: String,
}

impl BuilderArgs {
    /// A container of the target of that name.
    pub fn container(target: &str, base_image: Option<&str>) -> BuilderArgs {
        BuilderArgs { builder: target.to_owned(), base_image: base_image.map(str::to_owned) }
    }

    /// The words of a command line that say the same.
    pub fn words(&self) -> Vec<String> {
        let builder = ["--builder".to_owned(), self.builder.clone()];
        let base = self.base_image.iter().flat_map(|image| ["--base-image".to_owned(), image.clone()]);
        builder.into_iter().chain(base).collect()
    }

    /// Sees to it that the builder is there.
    pub fn open(&self, session: &Session) -> Result<Workshop> {
        if self.builder == HOST {
            return match &self.base_image {
                None => Ok(Workshop::Host),
                Some(_) => Err(invalid(
                    "`--base-image` names the image of a container, and nothing is built in one\n\nhint: add `--builder` with a target, such as `al2`",
                )),
            };
        }
        let target = target(session, &self.builder, &format!("`{HOST}`, "))?;
        let engine = engine(session)?;
        let base = base(session, &engine, target, self.base_image.as_deref())?;
        let image = {
            let _progress = session.ui.busy(&format!("{}: building the builder's image", target.name));
            let dockerfile = session.catalog.root.join("docker").join(&target.name).join("Dockerfile");
            let log = log(session, target)?;
            let tag = format!("media-layers-builder:{}", target.name);
            Image::build(&engine, &dockerfile, &base, &tag, &log).with_context(|| {
                format!("{} could not be built; the whole log: {}", dockerfile.display(), log.display())
            })?
        };
        Ok(Workshop::Containers(Box::new(Contained { engine, base, image, target: target.name.clone() })))
    }
}

impl Workshop {
    /// Where packages are kept. Containers have a place of their own for every image: with the packages of another
    /// builder there would be nothing to compile, and so nothing would be shown.
    pub fn cache(&self, session: &Session) -> PathBuf {
        match self {
            Workshop::Host => session.cache.clone(),
            Workshop::Containers(contained) => {
                let digest = contained.image.id.rsplit(':').next().unwrap_or_default();
                session.cache.join("builders").join(format!("{}-{digest:.12}", contained.target))
            }
        }
    }

    /// Who runs the programs of build steps.
    pub fn runner(&self) -> Box<dyn Runner + '_> {
        match self {
            Workshop::Host => Box::new(HostRunner),
            Workshop::Containers(contained) => {
                Box::new(ContainerRunner { engine: &contained.engine, image: &contained.image })
            }
        }
    }

    /// How layers for `arch` are run: in the target's own image, where this machine can run it.
    pub fn smoke_options(&self, session: &Session, arch: Arch) -> smoke::Options {
        let target = match self {
            Workshop::Containers(contained) if Arch::of_this_machine() == Some(arch) => {
                Some(smoke::sandbox::target::Target {
                    engine: contained.engine.clone(),
                    image: contained.base.clone(),
                    name: contained.target.clone(),
                })
            }
            _ => None,
        };
        smoke::Options { target, ..session.smoke_options() }
    }

    /// Who compiles, for the record.
    pub fn identity(&self) -> BuilderIdentity {
        match self {
            Workshop::Host => BuilderIdentity::Host,
            Workshop::Containers(contained) => BuilderIdentity::Container {
                target: contained.target.clone(),
                base_image: contained.base.reference.clone(),
                base_digests: contained.base.digests.clone(),
                image_id: contained.image.id.clone(),
            },
        }
    }
}

/// The target of that name, which must have an image that runs here. `also` are other names that could be given.
pub fn target<'s>(session: &'s Session, name: &str, also: &str) -> Result<&'s Target> {
    let targets = &session.catalog.targets;
    let machine = super::selection::this_machine()?;
    match targets.get(name) {
        Some(target) if target.image.is_some() && target.architectures.contains(&machine) => Ok(target),
        Some(target) if target.image.is_some() => Err(invalid(format!(
            "the image of `{name}` is for {} and this machine is {machine}\n\nhint: layers for another architecture can be built by any builder, with `--arch`",
            target.architectures.iter().map(|arch| arch.name()).collect::<Vec<_>>().join(", ")
        ))),
        found => {
            let known = targets.targets.iter().filter(|target| target.image.is_some());
            let names: Vec<_> = known.map(|target| target.name.as_str()).collect();
            let known: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            let near = if found.is_some() { String::new() } else { did_you_mean(name, names) };
            let problem = if found.is_some() { "has no image of its own" } else { "is not known" };
            Err(invalid(format!("`{name}` {problem}\n\nhint: {near}there are {also}{}", known.join(", "))))
        }
    }
}

/// The engine of this machine, with nothing of killed runs in it.
pub fn engine(session: &Session) -> Result<Engine> {
    let engine = Engine::find()?;
    session.ui.note(format!("containers by {}", engine.description()));
    container::remove_leftovers(&engine, &[&session.cache, &std::env::temp_dir()])?;
    Ok(engine)
}

/// The image that a target's functions run on, or another one that was named.
pub fn base(session: &Session, engine: &Engine, target: &Target, named: Option<&str>) -> Result<Image> {
    let own = target.image.as_ref().context("the target has no image")?;
    let reference = named.map_or_else(|| own.reference(), str::to_owned);
    let base = {
        let _progress = session.ui.busy(&format!("{}: getting the image {reference}", target.name));
        Image::obtain(engine, &reference, &log(session, target)?)?
    };
    if named.is_some() || own.digest.is_none() {
        let digests = if base.digests.is_empty() { "no registry".to_owned() } else { base.digests.join(", ") };
        session.ui.note(format!("{}: {reference} is not pinned: it is {} of {digests}", target.name, base.id));
    }
    Ok(base)
}

fn log(session: &Session, target: &Target) -> Result<PathBuf> {
    let folder = session.cache.join("logs");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder.join(format!("image-{}.log", target.name)))
}
