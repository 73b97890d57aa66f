//! The command line: what can be asked for, and what the exit code says.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::cli::exit_code;
use xtask::commands::Outcome;
use xtask::session::Session;
use xtask::ui::Ui;

use crate::apply::retry::Patience;
use crate::commands::{index, publish, regions};

/// Puts finished layers into the regions of AWS Lambda and Alibaba Cloud Function Compute.
///
/// Exit codes: 0 done, 1 something failed or was found, 2 wrong usage or a broken file.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
pub struct Cli {
    /// The cache, in which interrupted runs are remembered [default: media-layers in the user's cache folder].
    #[arg(long, global = true, value_name = "DIR", env = "MEDIA_LAYERS_CACHE")]
    cache_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Publish(Box<publish::Publish>),
    Index(index::IndexCommand),
    Regions(regions::RegionsCommand),
}

impl Cli {
    /// Runs the command in `session`.
    ///
    /// # Errors
    /// Those of the command.
    pub fn run(&self, session: &Session, patience: Patience) -> Result<Outcome> {
        match &self.command {
            Command::Publish(command) => command.run(session, patience),
            Command::Index(command) => command.run(session),
            Command::Regions(command) => command.run(session),
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::new();
    let result =
        Session::open(cli.cache_dir.as_deref(), ui.clone()).and_then(|session| cli.run(&session, Patience::default()));
    exit_code(result, &ui)
}
