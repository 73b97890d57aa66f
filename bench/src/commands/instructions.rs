//! `bench instructions`: what a probe costs, exactly.

use std::fs;

use anyhow::{Context as _, Result};
use clap::Args;
use xtask::commands::{Outcome, json};
use xtask::error::invalid;
use xtask::model::Arch;
use xtask::session::Session;

use super::write;
use crate::counts::Counts;
use crate::instructions;

/// How many instructions our programs take for a probe, counted by valgrind.
///
/// Needs the layers mediainfo and ffprobe in dist/, valgrind and openssl. Writes docs/benchmark/instructions.{json,md}.
#[derive(Debug, Args)]
pub struct Instructions {
    /// Compare with docs/benchmark/instructions.json instead, and fail where a count has grown by more than 2 %.
    #[arg(long)]
    check: bool,
}

impl Instructions {
    /// Counts, and compares or writes.
    ///
    /// # Errors
    /// Where a layer or a program of the machine is missing, or the kept counts cannot be read.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let arch = Arch::of_this_machine().context("instructions are counted on x86_64 and arm64 only")?;
        let folder = session.docs.join("benchmark");
        let path = folder.join("instructions.json");
        let kept = if self.check { Some(read(&path)?) } else { None };
        if let Some(kept) = kept.as_ref().filter(|kept| kept.arch != arch) {
            session.ui.note(format!("not checked: the counts that are kept are those of {}", kept.arch));
            return Ok(Outcome::Done);
        }
        let counts = instructions::count(&session.dist, arch, &session.ui)?;
        session.ui.data(&counts.to_markdown()?)?;
        let Some(kept) = kept else {
            write(session, &folder, "instructions.json", &json(&counts)?)?;
            write(session, &folder, "instructions.md", &counts.to_markdown()?)?;
            return Ok(Outcome::Done);
        };
        compare(session, &counts, &kept)
    }
}

fn read(path: &std::path::Path) -> Result<Counts> {
    let hint = "hint: write it with `cargo xtask bench instructions`";
    let text = fs::read_to_string(path)
        .map_err(|error| invalid(format!("cannot read `{}`: {error}\n\n{hint}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| invalid(format!("`{}` is broken: {error}\n\n{hint}", path.display())))
}

fn compare(session: &Session, counts: &Counts, kept: &Counts) -> Result<Outcome> {
    let remedy =
        "hint: if that is intended, write the new counts with `cargo xtask bench instructions` and commit them";
    let findings = counts.findings(kept);
    for finding in &findings {
        session.ui.note(format!("error: {finding}"));
    }
    if !findings.is_empty() {
        if kept.glibc != counts.glibc || kept.valgrind != counts.valgrind {
            session.ui.note(format!(
                "the kept counts were made with glibc {} and {}, these with glibc {} and {}",
                kept.glibc, kept.valgrind, counts.glibc, counts.valgrind
            ));
        }
        session.ui.note(format!("\n{remedy}"));
        return Ok(Outcome::Findings);
    }
    match counts.gains(kept) {
        0 => session.ui.note("no count has grown"),
        _ => session.ui.note(format!("no count has grown, and some have shrunk\n\n{remedy}")),
    }
    Ok(Outcome::Done)
}
