//! The outcome of an audit, as data; [`super::text`] is the same for humans.

use serde::Serialize;

use crate::model::{Arch, GlibcVersion, Target};

use super::file::{ElfFile, Kind};
use super::finding::Finding;
use super::input::Input;

/// What an audit found. Its JSON form is part of the command line's interface.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// What was audited, as it was named.
    pub input: String,
    /// What that is.
    pub kind: Input,
    /// The architecture; none where there is no ELF file for one of ours.
    pub arch: Option<Arch>,
    /// How many entries there are, folders and links included.
    pub entries: usize,
    /// Bytes of all files.
    pub unpacked: u64,
    /// The ELF files that could be read, sorted by path.
    pub files: Vec<Audited>,
    /// All that is wrong, sorted.
    pub findings: Vec<Finding>,
    /// One per target, in the order of the targets.
    pub verdicts: Vec<Verdict>,
}

/// One ELF file.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Audited {
    /// Below the layer's root.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Whose instructions it holds.
    pub machine: String,
    /// The oldest glibc it runs with; none where it does not use glibc.
    pub glibc: Option<GlibcVersion>,
    /// The libraries it needs.
    pub needed: Vec<String>,
}

/// What the findings mean for one target.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// Its name.
    pub target: String,
    /// Its glibc.
    pub glibc: GlibcVersion,
    /// Whether the layer can go there.
    pub outcome: Outcome,
    /// How many findings concern it.
    pub findings: usize,
}

/// Whether a layer can go to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing is wrong there.
    Ok,
    /// Something is.
    Findings,
    /// The target does not exist for the layer's architecture.
    OtherArchitecture,
}

impl Report {
    /// Whether nothing at all is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// The report as JSON, with a newline at its end.
    ///
    /// # Errors
    /// None that we know of: the data has neither maps nor numbers that JSON could not hold.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

impl Audited {
    /// The part of the facts that a report shows.
    pub fn new(path: String, file: &ElfFile) -> Audited {
        Audited {
            path,
            kind: file.kind,
            machine: file.machine.clone(),
            glibc: file.needs_glibc(),
            needed: file.needed.clone(),
        }
    }
}

impl Verdict {
    /// The verdict on a layer of that architecture with those findings.
    pub fn new(target: &Target, arch: Option<Arch>, findings: &[Finding]) -> Verdict {
        let concerns = |finding: &&Finding| finding.target.as_ref().is_none_or(|name| *name == target.name);
        let findings = findings.iter().filter(concerns).count();
        let outcome = match arch {
            Some(arch) if !target.architectures.contains(&arch) => Outcome::OtherArchitecture,
            _ if findings == 0 => Outcome::Ok,
            _ => Outcome::Findings,
        };
        Verdict { target: target.name.clone(), glibc: target.glibc, outcome, findings }
    }
}
