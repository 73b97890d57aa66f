//! The outcome of an audit, as data; [`super::text`] is the same for humans.

use serde::Serialize;

use crate::model::{Arch, GlibcVersion, Protection, Target};

use super::file::{ElfFile, Kind, Stack};
use super::finding::Finding;
use super::input::Input;
use super::protections::Presence;

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
    /// What makes it harder to attack.
    pub hardening: Hardened,
}

/// What makes a file harder to attack: one line of the report's table.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hardened {
    /// It can be loaded anywhere (PIE, or a library).
    pub position_independent: bool,
    /// How much of its relocated data is read-only.
    pub relro: Relro,
    /// Whether its stack may hold code; so it may where the file does not say.
    pub executable_stack: bool,
    /// Whether its functions notice that their stack was overwritten.
    pub stack_protector: Presence,
    /// Whether it calls functions that check the size of a buffer.
    pub fortify: Presence,
    /// These functions, sorted.
    pub checked_functions: Vec<String>,
    /// The guards of calls and returns that it has or promises, sorted.
    pub branches: Vec<Protection>,
}

/// How much of the relocated data is read-only once it is relocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relro {
    /// Nothing.
    None,
    /// All but the addresses of functions, which are looked up when they are first called.
    Partial,
    /// All.
    Full,
    /// A program at a fixed address without libraries has no such data.
    NotConcerned,
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
            hardening: Hardened::new(file),
        }
    }
}

impl Hardened {
    fn new(file: &ElfFile) -> Hardened {
        let facts = &file.hardening;
        // A program that needs nothing has nobody to bind to.
        let binds = file.kind == Kind::SharedLibrary || !file.needed.is_empty();
        let guards = [Protection::SignedReturns, Protection::BranchTargets, Protection::ShadowStack];
        Hardened {
            position_independent: file.kind != Kind::FixedProgram,
            relro: match (facts.dynamic, facts.relro, facts.bind_now || !binds) {
                (false, false, _) => Relro::NotConcerned,
                (_, false, _) => Relro::None,
                (_, true, false) => Relro::Partial,
                (_, true, true) => Relro::Full,
            },
            executable_stack: facts.stack != Stack::Data,
            stack_protector: file.protections.presence(Protection::StackProtector),
            fortify: file.protections.presence(Protection::Fortify),
            checked_functions: file.protections.checked_functions.clone(),
            branches: guards.into_iter().filter(|guard| file.protections.seen.contains(guard)).collect(),
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
