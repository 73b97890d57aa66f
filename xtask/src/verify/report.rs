//! The result of a verification, for people and for programs.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::compare::{Difference, FileDifference};
use crate::model::{LayerName, Version};
use crate::pack::Release;
use crate::ui::counted;

/// What came of a verification.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// What was built.
    pub layer: LayerName,
    /// Its version.
    pub version: Version,
    /// How often.
    pub builds: usize,
    /// How many packages each build made.
    pub packages: usize,
    /// The zips of the first build.
    pub zips: Vec<Release>,
    /// What was different between the builds: its name, and how.
    pub varied: Vec<(String, String)>,
    /// What this machine could not vary: its name, and why.
    pub not_varied: Vec<(String, String)>,
    /// What came out different, nearest to the cause first.
    pub differences: Vec<Difference>,
    /// Where the builds were kept for a closer look.
    pub kept: Option<PathBuf>,
    /// How long it took.
    pub seconds: u64,
}

impl Report {
    /// Whether everything came out the same.
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed() { "the same every time" } else { "NOT the same" };
        writeln!(
            f,
            "{} {}: {} built {} times from nothing in {} s: {verdict}",
            self.layer,
            self.version,
            counted(self.packages, "package"),
            self.builds,
            self.seconds
        )?;
        for release in self.zips.iter().filter(|_| self.passed()) {
            writeln!(f, "  {}  {}", release.zip.sha256, release.zip.name)?;
        }
        for (what, how) in &self.varied {
            writeln!(f, "  varied      {what}: {how}")?;
        }
        for (what, why) in &self.not_varied {
            writeln!(f, "  not varied  {what}: {why}")?;
        }
        for difference in &self.differences {
            writeln!(f, "\n{difference}")?;
        }
        if let Some(kept) = &self.kept {
            writeln!(f, "\nthe builds are kept in {}", kept.display())?;
        }
        Ok(())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            FileDifference::Offset(offset) => format!("differs, first at byte {offset}"),
            FileDifference::Mode => "has the same bytes and another mode or kind".to_owned(),
            FileDifference::Missing => "is in one build only".to_owned(),
        };
        writeln!(f, "{}: `{}` {how} (files that differ: {})", self.what, self.file, self.files)?;
        write!(f, "  {}\n  {}", self.places[0].display(), self.places[1].display())
    }
}
