//! The command line: what can be measured, and what the exit code says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::cli::{exit_code, guarded};
use xtask::commands::Outcome;
use xtask::process::guard;
use xtask::session::Session;
use xtask::ui::Ui;

use crate::commands::{function, instructions, probe, size, start};
use crate::function::room as function_room;
use crate::start::room as start_room;
use crate::{launch, measure};

/// Measure the layers in dist/ beside every peer that a package registry carries.
///
/// Peers, web server and files are fetched and made below the cache, once. Results go to docs/benchmark/.
///
/// Exit codes: 0 done, 1 something failed or was found, 2 wrong usage or a broken file.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench", max_term_width = 100)]
struct Cli {
    /// The cache, which also holds the peers [default: media-layers in the user's cache folder].
    #[arg(long, global = true, value_name = "DIR", env = "MEDIA_LAYERS_CACHE")]
    cache_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Function(function::Function),
    Probe(probe::Probe),
    Size(size::SizeCommand),
    Instructions(instructions::Instructions),
    Start(start::Start),
}

impl Cli {
    fn run(&self, session: &Session) -> Result<Outcome> {
        match &self.command {
            Command::Function(command) => command.run(session),
            Command::Probe(command) => command.run(session),
            Command::Size(command) => command.run(session),
            Command::Instructions(command) => command.run(session),
            Command::Start(command) => command.run(session),
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    if let Some(result) = as_helper() {
        return exit_code(result.map(|()| Outcome::Done), &Ui::new());
    }
    let cli = Cli::parse();
    let ui = Ui::new();
    guarded(&ui, || cli.run(&Session::open(cli.cache_dir.as_deref(), ui.clone())?))
}

/// Does what the benchmark starts this program for once more, if it was started so. A launcher must be small, so this
/// comes before anything else.
fn as_helper() -> Option<Result<()>> {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next()?.to_str()? {
        launch::WORD => Some(launch::main()),
        measure::WORD => Some(measure::main(Path::new(&arguments.next()?), &Ui::new())),
        function_room::WORD => Some(function_room::main(Path::new(&arguments.next()?), &Ui::new())),
        start_room::WORD => Some(start_room::main(Path::new(&arguments.next()?))),
        guard::WORD => {
            guard::run(std::io::stdin().lock());
            Some(Ok(()))
        }
        _ => None,
    }
}
