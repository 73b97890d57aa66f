//! The results of the checks, as data: sorted in the order in which they ran, and the same on every run that goes well.

use std::fmt::{self, Write as _};

use serde::Serialize;

use super::sandbox::machine::Unavailable;
use crate::model::Arch;

/// What came of running a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The suite that was run.
    pub suite: String,
    /// The architecture of the layer.
    pub arch: Arch,
    /// Where it was run, and how well it was kept from seeing the machine.
    pub place: String,
    /// The checks.
    pub checks: Vec<Check>,
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What must hold, in a few words.
    pub name: String,
    /// Whether it does.
    pub outcome: Outcome,
}

/// Whether something holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed(Failure),
    /// It could not be found out here.
    Skipped {
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
}

/// Why a check failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What must hold.
    pub expected: String,
    /// What was found.
    pub actual: String,
    /// What was run, as a line for a shell.
    pub command: String,
}

impl From<Unavailable> for Outcome {
    fn from(Unavailable { reason, remedy }: Unavailable) -> Outcome {
        Outcome::Skipped { reason, remedy }
    }
}

impl From<Result<(), Failure>> for Outcome {
    fn from(result: Result<(), Failure>) -> Outcome {
        result.map_or_else(Outcome::Failed, |()| Outcome::Passed)
    }
}

impl Report {
    /// Whether nothing failed. What was skipped does not count; [`Report::skipped`] tells it.
    pub fn passed(&self) -> bool {
        !self.checks.iter().any(|check| matches!(check.outcome, Outcome::Failed(_)))
    }

    /// How many checks could not be made here.
    pub fn skipped(&self) -> usize {
        self.skipped_checks().count()
    }

    /// The names of the checks that could not be made here.
    pub fn skipped_checks(&self) -> impl Iterator<Item = &str> {
        let skipped = self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Skipped { .. }));
        skipped.map(|check| check.name.as_str())
    }

    /// One line: how many checks passed, failed and were skipped.
    pub fn summary(&self) -> String {
        let failed = self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed(_))).count();
        let skipped = self.skipped();
        let passed = self.checks.len() - failed - skipped;
        format!("{} {}: {passed} passed, {failed} failed, {skipped} skipped ({})", self.suite, self.arch, self.place)
    }
}

/// Everything, for a human: what passed in a line each, what did not with all that is known.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "smoke {} {}, {}", self.suite, self.arch, self.place)?;
        for check in &self.checks {
            match &check.outcome {
                Outcome::Passed => writeln!(f, "  ok    {}", check.name)?,
                Outcome::Failed(failure) => {
                    writeln!(f, "  FAIL  {}", check.name)?;
                    field(f, "expected", &failure.expected)?;
                    field(f, "actual", &failure.actual)?;
                    field(f, "command", &failure.command)?;
                }
                Outcome::Skipped { reason, remedy } => {
                    writeln!(f, "  skip  {}: {reason}", check.name)?;
                    field(f, "hint", remedy)?;
                }
            }
        }
        writeln!(f, "{}", self.summary())
    }
}

/// A labelled text, its further lines under its first.
fn field(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    let mut label = format!("{label}:");
    for line in text.trim_end().lines() {
        writeln!(f, "          {label:9} {line}")?;
        label.clear();
    }
    Ok(())
}

/// Output of a program for a message: without control characters, and cut where it gets too long.
pub fn excerpt(bytes: &[u8]) -> String {
    const LIMIT: usize = 600;
    let mut text = String::new();
    for character in String::from_utf8_lossy(bytes).trim().chars() {
        if text.len() >= LIMIT {
            // Writing to a string cannot fail.
            let _ = write!(text, "… ({} bytes in all)", bytes.len());
            break;
        }
        match character {
            '\n' | ' '..='~' => text.push(character),
            character if character.is_control() => text.extend(character.escape_default()),
            character => text.push(character),
        }
    }
    if text.is_empty() { "(nothing)".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let failure = Failure {
            expected: "exit code 0".to_owned(),
            actual: "exit code 1\nno such file".to_owned(),
            command: "env -i /opt/bin/mediainfo --version".to_owned(),
        };
        let skipped = Outcome::Skipped { reason: "no python3".to_owned(), remedy: "install python3".to_owned() };
        let checks = [("opens", Outcome::Passed), ("--version", Outcome::Failed(failure)), ("python", skipped)];
        Report {
            suite: "mediainfo".to_owned(),
            arch: Arch::X86_64,
            place: "minimal root".to_owned(),
            checks: checks.map(|(name, outcome)| Check { name: name.to_owned(), outcome }).to_vec(),
        }
    }

    #[test]
    fn a_human_sees_what_failed_and_what_to_do() {
        insta::assert_snapshot!(report().to_string(), @r"
        smoke mediainfo x86_64, minimal root
          ok    opens
          FAIL  --version
                  expected: exit code 0
                  actual:   exit code 1
                            no such file
                  command:  env -i /opt/bin/mediainfo --version
          skip  python: no python3
                  hint:     install python3
        mediainfo x86_64: 1 passed, 1 failed, 1 skipped (minimal root)
        ");
    }

    #[test]
    fn a_program_sees_the_same() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&report()).expect("json"), @r#"
        {
          "suite": "mediainfo",
          "arch": "x86_64",
          "place": "minimal root",
          "checks": [
            {
              "name": "opens",
              "outcome": "passed"
            },
            {
              "name": "--version",
              "outcome": {
                "failed": {
                  "expected": "exit code 0",
                  "actual": "exit code 1\nno such file",
                  "command": "env -i /opt/bin/mediainfo --version"
                }
              }
            },
            {
              "name": "python",
              "outcome": {
                "skipped": {
                  "reason": "no python3",
                  "remedy": "install python3"
                }
              }
            }
          ]
        }
        "#);
    }

    #[test]
    fn excerpts_are_short_and_safe_for_a_terminal() {
        assert_eq!(excerpt(b" a\nb\x1b[31m\xff "), "a\nb\\u{1b}[31m\u{fffd}");
        assert_eq!(excerpt(b""), "(nothing)");
        let long = excerpt(&[b'x'; 5000]);
        assert!(long.len() < 700 && long.ends_with("(5000 bytes in all)"), "{long}");
    }
}
