//! Runtimes: what a cloud calls the language and system that a function runs with, and until when it can be used.

use serde::{Deserialize, Serialize};

use super::date::Date;

/// A runtime of a target. A day that nobody has announced is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Runtime {
    /// The cloud's name: `python3.14`.
    pub name: String,
    /// From this day on the cloud does not support it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<Date>,
    /// From this day on no function can be created with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_create: Option<Date>,
    /// From this day on no function that has it can be updated, so none can get a layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_update: Option<Date>,
}

/// What can be done with a runtime on a day. The better comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is supported.
    Supported,
    /// It is not supported any more, and functions can still be created.
    Deprecated,
    /// Functions that have it can still be updated.
    NoCreate,
    /// Functions that have it stay as they are.
    NoUpdate,
}

impl Runtime {
    /// The language or the kind: the letters that its name begins with.
    pub fn language(&self) -> &str {
        let end = self.name.find(|next: char| !next.is_ascii_alphabetic()).unwrap_or(self.name.len());
        &self.name[..end]
    }

    /// What can be done with it on the day `today`.
    pub fn state(&self, today: Date) -> State {
        let reached = |day: Option<Date>| day.is_some_and(|day| day <= today);
        if reached(self.no_update) {
            State::NoUpdate
        } else if reached(self.no_create) {
            State::NoCreate
        } else if reached(self.deprecated) {
            State::Deprecated
        } else {
            State::Supported
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_ages_in_three_steps() {
        let runtime: Runtime = toml::from_str(
            "name = \"python3.10\"\ndeprecated = \"2026-10-31\"\nno-create = \"2027-02-01\"\nno-update = \"2027-03-03\"",
        )
        .expect("a runtime");
        for (day, state) in [
            ("2026-10-30", State::Supported),
            ("2026-10-31", State::Deprecated),
            ("2027-02-01", State::NoCreate),
            ("2027-03-02", State::NoCreate),
            ("2027-03-03", State::NoUpdate),
        ] {
            assert_eq!(runtime.state(day.parse().expect(day)), state, "{day}");
        }
        assert_eq!(runtime.language(), "python");
    }

    #[test]
    fn what_nobody_has_announced_is_supported() {
        let runtime: Runtime = toml::from_str("name = \"custom\"").expect("a runtime");
        assert_eq!(runtime.state("9999-12-31".parse().expect("a day")), State::Supported);
        assert_eq!(runtime.language(), "custom");
    }
}
