//! `cargo xtask audit`: would this file, folder or zip run in every runtime?

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{Format, Outcome};
use crate::elf::{Report, layer, text};
use crate::error::invalid;
use crate::model::{ByArch, Protection, Targets};
use crate::session::Session;

/// Audit the ELF files of a layer, ours or anybody's.
#[derive(Debug, Clone, Args)]
pub struct Audit {
    /// An ELF file, a folder with a layer's files, or a layer's zip
    #[arg(value_name = "FILE|DIR|ZIP")]
    input: PathBuf,
    /// A runtime to audit for [default: all of them]
    #[arg(long = "target", value_name = "TARGET")]
    targets: Vec<String>,
    /// How to print the report
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Audit {
    /// Prints the report on stdout.
    ///
    /// # Errors
    /// A target is not known, or the input cannot be read; both are the user's to mend.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let report = self.report(&session.catalog.targets, &session.catalog.toolchain.protections)?;
        session.ui.data(&match self.format {
            Format::Text => text::render(&report),
            Format::Json => report.to_json()?,
        })?;
        Ok(if report.is_clean() { Outcome::Done } else { Outcome::Findings })
    }

    fn report(&self, targets: &Targets, own_protections: &ByArch<Protection>) -> Result<Report> {
        let targets = select(targets, &self.targets)?;
        let options = layer::Options { own_protections: own_protections.clone(), ..layer::Options::default() };
        layer::audit(&self.input, &targets, &options).map_err(|error| invalid(format!("{error:#}")))
    }
}

/// The targets of those names, in their own order; all of them where no name is given.
fn select(targets: &Targets, names: &[String]) -> Result<Targets> {
    if let Some(unknown) = names.iter().find(|name| targets.get(name).is_none()) {
        let known: Vec<_> = targets.targets.iter().map(|target| target.name.as_str()).collect();
        return Err(invalid(format!("there is no target `{unknown}`\n\nhint: the targets are {}", known.join(", "))));
    }
    let mut selected = targets.clone();
    selected.targets.retain(|target| names.is_empty() || names.contains(&target.name));
    Ok(selected)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        audit: Audit,
    }

    fn targets() -> Targets {
        toml::from_str(include_str!("../../../docker/targets.toml")).expect("targets.toml")
    }

    fn audit(arguments: &[&str]) -> Audit {
        Line::try_parse_from(["audit"].iter().chain(arguments)).expect("arguments").audit
    }

    #[test]
    fn an_unknown_target_is_answered_with_the_known_ones() {
        let audit = audit(&["/nowhere", "--target", "al2", "--target", "al3"]);
        let error = audit.report(&targets(), &ByArch::default()).expect_err("unknown");
        assert_eq!(
            error.to_string(),
            "there is no target `al3`\n\nhint: the targets are alinux2, fc-debian9, al2, fc-debian10, \
             fc-debian11, alinux3, al2023, fc-debian12"
        );
    }

    #[test]
    fn targets_keep_their_own_order_and_are_there_once() {
        let names = ["al2023", "al2", "al2023"].map(str::to_owned);
        let selected = select(&targets(), &names).expect("known targets");
        assert_eq!(selected.targets.iter().map(|target| &*target.name).collect::<Vec<_>>(), ["al2", "al2023"]);
        assert_eq!(select(&targets(), &[]).expect("all").targets.len(), targets().targets.len());
    }

    #[test]
    fn only_the_named_targets_are_judged() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_str().expect("a plain path");
        let report = audit(&[path, "--target", "al2", "--format", "json"])
            .report(&targets(), &ByArch::default())
            .expect("an empty layer");
        assert!(report.is_clean());
        assert_eq!(report.verdicts.iter().map(|verdict| &*verdict.target).collect::<Vec<_>>(), ["al2"]);
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let error = audit(&["/nowhere/at-all"]).report(&targets(), &ByArch::default()).expect_err("nothing there");
        assert!(format!("{error:#}").starts_with("cannot audit `/nowhere/at-all`: No such file"), "{error:#}");
    }
}
