//! `publish`, `index` and `regions`: commands of a program of their own, because the clouds' libraries are large.

use std::ffi::OsString;

use anyhow::{Context as _, Result};
use clap::Args;

use super::Outcome;
use crate::companion;
use crate::process::become_program;
use crate::session::Session;

/// The workspace member that does it.
const COMPANION: &str = "publish";

/// Arguments that the other program understands; it has a `--help` of its own.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct Passed {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<OsString>,
}

impl Passed {
    /// Compiles the program if it is not yet, and becomes it, with `word` before the arguments.
    ///
    /// # Errors
    /// If it cannot be compiled or started.
    pub fn run(&self, session: &Session, word: &str) -> Result<Outcome> {
        let program = companion::program(&session.catalog.root, COMPANION, &session.ui)?;
        let mut arguments = vec!["--cache-dir".into(), session.cache.clone().into_os_string(), word.into()];
        arguments.extend(self.arguments.iter().cloned());
        let error = become_program(&program, &arguments);
        Err(error).with_context(|| format!("cannot run {}", program.display()))
    }
}
