//! What the compiler added against attacks, as facts of one file.

use std::collections::BTreeSet;

use crate::model::Protection;

/// The protections of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protections {
    /// Those that the file shows.
    pub seen: BTreeSet<Protection>,
    /// The checked functions of the C library that it calls, sorted.
    pub checked_functions: Vec<String>,
    /// It takes nothing from any library, so its calls cannot be seen.
    pub calls_hidden: bool,
}

/// Whether a file has a protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It has.
    Present,
    /// It has not.
    Absent,
    /// The file does not show it.
    Unknown,
}

impl Protections {
    /// Whether the file has that protection.
    pub fn presence(&self, protection: Protection) -> Presence {
        let by_calls = matches!(protection, Protection::StackProtector | Protection::Fortify);
        if self.seen.contains(&protection) {
            Presence::Present
        } else if by_calls && self.calls_hidden {
            Presence::Unknown
        } else {
            Presence::Absent
        }
    }
}
