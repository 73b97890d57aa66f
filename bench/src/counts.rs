//! How many instructions our programs take for each probe, as it is kept in the tree, and what has grown.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use xtask::model::{Arch, Sha256};

use crate::peers::Kind;

/// By how much of itself a count may grow before somebody must have said so.
const GROWTH: f64 = 0.02;

/// What is asked of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// Its version.
    Version,
    /// About a photo on the disk.
    PhotoFile,
    /// About the same over https.
    PhotoHttps,
    /// About a second of sound on the disk.
    SoundFile,
    /// About the same over https.
    SoundHttps,
    /// About half a gigabyte of film on the disk.
    FilmFile,
    /// About the same over http.
    FilmHttp,
    /// About the same over https.
    FilmHttps,
}

impl Probe {
    /// Every probe, in the order in which results are shown.
    pub const ALL: [Probe; 8] = [
        Probe::Version,
        Probe::PhotoFile,
        Probe::PhotoHttps,
        Probe::SoundFile,
        Probe::SoundHttps,
        Probe::FilmFile,
        Probe::FilmHttp,
        Probe::FilmHttps,
    ];
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Probe::Version => "`--version`",
            Probe::PhotoFile => "jpg of 25 KB, file",
            Probe::PhotoHttps => "jpg of 25 KB, https",
            Probe::SoundFile => "wav of 1 s, file",
            Probe::SoundHttps => "wav of 1 s, https",
            Probe::FilmFile => "mp4 of 518 MB with its index at the end, file",
            Probe::FilmHttp => "mp4 of 518 MB with its index at the end, http",
            Probe::FilmHttps => "mp4 of 518 MB with its index at the end, https",
        })
    }
}

/// Everything that was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Counts {
    /// 1.
    pub format: u32,
    /// Whose instructions.
    pub arch: Arch,
    /// Valgrind's version.
    pub valgrind: String,
    /// The version of the machine's glibc, whose instructions count too.
    pub glibc: String,
    /// Our programs.
    pub programs: Vec<Program>,
}

/// One program of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Program {
    /// Its name.
    pub name: Kind,
    /// The layer's name and version.
    pub layer: String,
    /// Of the layer's zip.
    pub sha256: Sha256,
    /// Its instructions for each probe.
    pub instructions: BTreeMap<Probe, u64>,
}

impl Counts {
    /// What has grown since `kept` was written, and what is missing there.
    pub fn findings(&self, kept: &Counts) -> Vec<String> {
        let mut findings = Vec::new();
        for program in &self.programs {
            let name = program.name;
            let Some(before) = kept.programs.iter().find(|before| before.name == name) else {
                findings.push(format!("{name} has not been counted yet"));
                continue;
            };
            if before.layer != program.layer {
                findings.push(format!("{name} was counted in {}, and is now that of {}", before.layer, program.layer));
                continue;
            }
            for (probe, count) in &program.instructions {
                match before.instructions.get(probe) {
                    None => findings.push(format!("{name}, {probe}: has not been counted yet")),
                    Some(before) if change(*before, *count) > GROWTH => findings.push(format!(
                        "{name}, {probe}: {} million instructions, {:+.1} % (kept: {})",
                        millions(*count),
                        change(*before, *count) * 100.0,
                        millions(*before)
                    )),
                    Some(_) => {}
                }
            }
        }
        findings
    }

    /// What takes fewer instructions than is kept, by more than what counts as growth.
    pub fn gains(&self, kept: &Counts) -> usize {
        let before = |name: Kind| kept.programs.iter().find(|before| before.name == name);
        let programs = self.programs.iter().filter_map(|program| Some((program, before(program.name)?)));
        let pairs = programs.flat_map(|(program, before)| {
            let both = program.instructions.iter();
            both.filter_map(|(probe, count)| Some((*before.instructions.get(probe)?, *count)))
        });
        pairs.filter(|(before, count)| change(*before, *count) < -GROWTH).count()
    }

    /// The table for people.
    pub fn to_markdown(&self) -> Result<String> {
        let mut text = String::from("# Instructions of a probe\n\n");
        writeln!(text, "| millions of instructions ({}) |{}", self.arch, cells(&self.programs, |it| it.layer.clone()))?;
        writeln!(text, "|---|{}", "---:|".repeat(self.programs.len()))?;
        for probe in Probe::ALL {
            let count =
                |program: &Program| program.instructions.get(&probe).map_or_else(String::new, |it| millions(*it));
            writeln!(text, "| {probe} |{}", cells(&self.programs, count))?;
        }
        write!(
            text,
            "\nCounted by callgrind ({}) with glibc {}: all instructions of the program and its libraries, the kernel's not. \
             They do not depend on how busy a machine is; two runs differ by less than 0.1 %. https is TLS 1.3 with \
             AES-128-GCM, an RSA-2048 key and an RSA-2048 authority in between, and the layer's own bundle of authorities.\n\n\
             `cargo xtask bench instructions` wrote this file. With `--check` it compares instead, and fails where a count \
             has grown by more than {:.0} %.\n",
            self.valgrind,
            self.glibc,
            GROWTH * 100.0
        )?;
        Ok(text)
    }
}

/// The last cells of a row.
fn cells(programs: &[Program], cell: impl Fn(&Program) -> String) -> String {
    programs.iter().map(|program| format!(" {} |", cell(program))).collect()
}

/// By how much of itself a number has grown.
fn change(before: u64, now: u64) -> f64 {
    now as f64 / before.max(1) as f64 - 1.0
}

fn millions(count: u64) -> String {
    format!("{:.2}", count as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(layer: &str, photo: u64, film: u64) -> Counts {
        let program = Program {
            name: Kind::Ffprobe,
            layer: layer.to_owned(),
            sha256: Sha256::of("zip"),
            instructions: [(Probe::PhotoHttps, photo), (Probe::FilmHttps, film)].into(),
        };
        Counts {
            format: 1,
            arch: Arch::X86_64,
            valgrind: "valgrind-3.19.0".to_owned(),
            glibc: "2.36".to_owned(),
            programs: vec![program],
        }
    }

    #[test]
    fn growth_beyond_two_percent_is_found() {
        let kept = counts("ffprobe-9", 20_000_000, 100_000_000);
        assert_eq!(counts("ffprobe-9", 20_300_000, 90_000_000).findings(&kept), [""; 0]);
        assert_eq!(
            counts("ffprobe-9", 20_500_000, 100_000_000).findings(&kept),
            ["ffprobe, jpg of 25 KB, https: 20.50 million instructions, +2.5 % (kept: 20.00)"]
        );
        assert_eq!(counts("ffprobe-9", 20_000_000, 90_000_000).gains(&kept), 1);
    }

    #[test]
    fn what_was_not_counted_is_found() {
        let kept = counts("ffprobe-9", 1, 1);
        let other = counts("ffprobe-10", 1, 1);
        assert_eq!(other.findings(&kept), ["ffprobe was counted in ffprobe-9, and is now that of ffprobe-10"]);
        let nothing = Counts { programs: Vec::new(), ..kept.clone() };
        assert_eq!(kept.findings(&nothing), ["ffprobe has not been counted yet"]);
        assert_eq!(kept.findings(&kept), [""; 0]);
    }

    #[test]
    fn the_table_has_a_row_for_every_probe() {
        let text = counts("ffprobe-9", 71_500_000, 205_000_000).to_markdown().expect("rendered");
        assert!(text.contains("| jpg of 25 KB, https | 71.50 |\n"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with('|')).count(), 2 + Probe::ALL.len());
    }
}
