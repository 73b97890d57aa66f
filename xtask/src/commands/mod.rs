//! The commands: each is a struct of arguments that runs itself.

pub mod audit;
pub mod build_layer;
pub mod bump;
pub mod check_groups;
pub mod clean;
pub mod doctor;
pub mod fetch;
pub mod inspect;
pub mod invoke;
pub mod list;
pub mod matrix;
pub mod outdated;
pub mod passed;
pub mod plan;
pub mod selection;
pub mod sharing;
pub mod smoke;
pub mod sourcing;
pub mod verify;
pub mod workshop;

/// How a command that did its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to complain about: exit code 0.
    Done,
    /// What was checked is not as it should be, and the findings have been shown: exit code 1.
    Findings,
}

impl Outcome {
    /// What two pieces of work come to.
    pub fn and(self, other: Outcome) -> Outcome {
        if self == Outcome::Done { other } else { self }
    }
}

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For reading.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// A value as the JSON that commands print.
pub fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}
