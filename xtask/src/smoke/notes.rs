//! The checks as they are made: kept for the report, and shown while they run.

use super::report::{Check, Outcome};
use crate::ui::{Progress, Ui};

/// The checks that have been made.
#[derive(Debug)]
pub struct Notes {
    /// In the order in which they were made.
    pub checks: Vec<Check>,
    title: String,
    progress: Progress,
}

impl Notes {
    /// Begins without any.
    pub fn begin(ui: &Ui, title: &str) -> Notes {
        Notes { checks: Vec::new(), title: title.to_owned(), progress: ui.busy(title) }
    }

    /// Adds what came of a check, and shows it.
    pub fn add(&mut self, name: String, outcome: Outcome) {
        self.progress.say(format!("{}: {name}", self.title));
        self.checks.push(Check { name, outcome });
    }
}
