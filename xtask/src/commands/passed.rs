//! Commands of programs of their own, because what they need is large: `publish`, `index`, `regions` and `bench`.

use std::ffi::OsString;

use anyhow::{Context as _, Result};
use clap::Args;

use super::Outcome;
use crate::companion;
use crate::process::become_program;
use crate::session::Session;

/// The workspace member that publishes.
pub const PUBLISH: &str = "publish";
/// The workspace member that measures.
pub const BENCH: &str = "bench";

/// Arguments that the other program understands; it has a `--help` of its own.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct CompanionCommand {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<OsString>,
}

impl CompanionCommand {
    /// Compiles the program of the workspace member `package` if it is not yet, and becomes it. The program sees the
    /// arguments, after `command` if it has several commands.
    ///
    /// # Errors
    /// If it cannot be compiled or started.
    pub fn run(&self, session: &Session, package: &str, command: Option<&str>) -> Result<Outcome> {
        let program = companion::program(&session.catalog.root, package, &session.ui)?;
        let mut arguments = vec!["--cache-dir".into(), session.cache.clone().into_os_string()];
        arguments.extend(command.map(OsString::from));
        arguments.extend(self.arguments.iter().cloned());
        let error = become_program(&program, &arguments);
        Err(error).with_context(|| format!("cannot run {}", program.display()))
    }
}
