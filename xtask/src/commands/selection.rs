//! The arguments that several commands share: which layer, for which architectures, from which sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use super::sourcing::Archives;
use crate::choice::choose;
use crate::error::invalid;
use crate::model::{Arch, LayerName, RecipeName, Version};
use crate::plan::{Override, Plan, Request, resolve};
use crate::session::Session;
use crate::source::Tree;

/// The layer that a command works on.
#[derive(Debug, Args)]
pub struct Selection {
    /// The layer: `mediainfo` is the newest version whose sources can be fetched, `mediainfo@26.05` is that version only.
    #[arg(value_name = "LAYER[@VERSION]")]
    layer: LayerRef,
    /// The architecture to build for [default: that of this machine].
    #[arg(long, value_enum)]
    arch: Option<ArchChoice>,
    /// Take a recipe's source from a folder; the result is then marked as unpinned.
    #[arg(long = "override", value_name = "RECIPE=DIR")]
    overrides: Vec<OverrideArg>,
}

/// `NAME` or `NAME@VERSION`.
#[derive(Debug, Clone)]
pub struct LayerRef {
    /// Which layer.
    pub name: LayerName,
    /// Which version; the newest that can be fetched where none is named.
    pub version: Option<Version>,
}

impl FromStr for LayerRef {
    type Err = crate::model::InvalidText;

    fn from_str(text: &str) -> Result<LayerRef, Self::Err> {
        Ok(match text.split_once('@') {
            Some((name, version)) => LayerRef { name: name.parse()?, version: Some(version.parse()?) },
            None => LayerRef { name: text.parse()?, version: None },
        })
    }
}

/// One architecture or all.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ArchChoice {
    #[value(name = "x86_64")]
    X86_64,
    #[value(name = "arm64")]
    Arm64,
    All,
}

/// `RECIPE=DIR`.
#[derive(Debug, Clone)]
struct OverrideArg {
    recipe: RecipeName,
    folder: PathBuf,
}

impl FromStr for OverrideArg {
    type Err = String;

    fn from_str(text: &str) -> Result<OverrideArg, String> {
        let (recipe, folder) = text.split_once('=').ok_or("expected RECIPE=DIR")?;
        let recipe = recipe.parse::<RecipeName>().map_err(|error| error.to_string())?;
        Ok(OverrideArg { recipe, folder: PathBuf::from(folder) })
    }
}

impl LayerRef {
    /// With a version: the named one, or the one that is chosen, with a warning if it is not the newest. `finished` says
    /// which versions need no sources any more.
    pub fn settled(
        &self,
        session: &Session,
        archives: &Archives,
        finished: &dyn Fn(&Version) -> bool,
    ) -> Result<LayerRef> {
        match &self.version {
            Some(_) => Ok(self.clone()),
            None => {
                let version = chosen(session, archives, &Request::of(self.name.clone()), finished)?;
                Ok(LayerRef { version: Some(version), ..self.clone() })
            }
        }
    }
}

/// The version that is taken for a layer whose version nobody named; the user is warned if it is not the newest.
fn chosen(
    session: &Session,
    archives: &Archives,
    request: &Request,
    finished: &dyn Fn(&Version) -> bool,
) -> Result<Version> {
    let choice = choose(&session.catalog, &archives.context(), request, finished)?;
    if let Some(warning) = choice.warning() {
        session.ui.warn(warning);
    }
    Ok(choice.version)
}

impl Selection {
    /// Chooses a version where none is named, with a warning if it is not the newest, and works out the plan.
    pub fn plan(&self, session: &Session, archives: &Archives) -> Result<Plan> {
        let builder = this_machine()?;
        let archs = match self.arch {
            Some(ArchChoice::X86_64) => vec![Arch::X86_64],
            Some(ArchChoice::Arm64) => vec![Arch::Arm64],
            Some(ArchChoice::All) => Arch::ALL.to_vec(),
            None => vec![builder],
        };
        let mut overrides = BTreeMap::new();
        for own in &self.overrides {
            if overrides.insert(own.recipe.clone(), read_override(&own.folder)?).is_some() {
                return Err(invalid(format!("`--override {}=…` is given twice", own.recipe)));
            }
        }
        let LayerRef { name, version } = self.layer.clone();
        let mut request = Request { layer: name, version, archs, builder, overrides };
        if request.version.is_none() {
            request.version = Some(chosen(session, archives, &request, &|_| false)?);
        }
        resolve(&session.catalog, &request)
    }
}

/// The architecture of this machine, which must be one that the compiler exists for.
pub fn this_machine() -> Result<Arch> {
    Arch::of_this_machine().filter(|_| cfg!(target_os = "linux")).ok_or_else(|| {
        invalid(format!(
            "layers are built on Linux, x86_64 or arm64; this machine is {} on {}\n\nhint: use a container or a virtual machine",
            std::env::consts::OS,
            std::env::consts::ARCH
        ))
    })
}

fn read_override(folder: &Path) -> Result<Override> {
    if !folder.is_dir() {
        return Err(invalid(format!("`--override`: {} is not a folder", folder.display())));
    }
    let folder = std::path::absolute(folder).context("cannot tell where the folder of `--override` is")?;
    let tree = Tree::read(&folder).with_context(|| format!("cannot read the source tree {}", folder.display()))?;
    Ok(Override { folder, tree: tree.digest() })
}
