//! The command line: what can be asked for, and what the exit code says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};

use crate::commands::build_layer::Purpose;
use crate::commands::passed::{BENCH, CompanionCommand, PUBLISH};
use crate::commands::sourcing::EntryOrder;
use crate::commands::{
    Outcome, audit, build_layer, bump, check_groups, clean, doctor, fetch, inspect, invoke as invoke_command, list,
    matrix, outdated, plan, smoke, verify,
};
use crate::error::InvalidInput;
use crate::files::keep_others_out;
use crate::invoke;
use crate::process::guard;
use crate::session::Session;
use crate::ui::Ui;
use crate::verify::trial;

/// Builds MediaInfo, ffprobe and ffmpeg as layers for serverless functions.
///
/// Exit codes: 0 done, 1 something failed or was found, 2 wrong usage or a broken file.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command accepts.
#[derive(Debug, Args)]
pub struct Global {
    /// The cache of archives and built packages [default: media-layers in the user's cache folder].
    #[arg(long, global = true, value_name = "DIR", env = "MEDIA_LAYERS_CACHE")]
    cache_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build a layer: fetch, compile, audit, run and pack it.
    BuildLayer(build_layer::BuildLayer),
    /// Show newer versions of what is pinned, and known vulnerabilities.
    Outdated(outdated::Outdated),
    /// Move a recipe to another version: fetch, measure, try its patches, and edit it in place.
    Bump(bump::Bump),
    /// Show that files which are compiled together give the same code as each by itself.
    CheckGroups(check_groups::CheckGroups),
    /// Show what build-layer would do.
    Plan(plan::PlanCommand),
    /// Download what a layer is made from.
    Fetch(fetch::Fetch),
    /// List layers, recipes and targets.
    List(list::List),
    /// Print what a release builds, for a pipeline.
    Matrix(matrix::MatrixCommand),
    /// Check ELF files against the runtimes they must run on.
    Audit(audit::Audit),
    /// Show what is in a layer's zip and where it came from, and check it against its manifest and the lock.
    Inspect(inspect::Inspect),
    /// Run a finished layer, cut off from the system's libraries and certificates.
    Smoke(smoke::Smoke),
    /// Run a function with its layers as AWS Lambda or Function Compute would.
    Invoke(invoke_command::Invoke),
    /// Build a layer twice from nothing, under different conditions, and compare every byte.
    Verify(verify::Verify),
    /// Publish layers of dist/ to regions of AWS Lambda or Alibaba Cloud Function Compute.
    Publish(CompanionCommand),
    /// Render layers/published.json for people.
    Index(CompanionCommand),
    /// List the regions that layers can be published to.
    Regions(CompanionCommand),
    /// Measure the layers in dist/ beside their peers.
    Bench(CompanionCommand),
    /// Check whether this machine has what building needs.
    Doctor(doctor::Doctor),
    /// Remove what builds have left in the cache.
    Clean(clean::Clean),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    keep_others_out();
    if let Some(code) = as_helper() {
        return code;
    }
    let cli = Cli::parse();
    let ui = Ui::new();
    guarded(&ui, || {
        let session = Session::open(cli.global.cache_dir.as_deref(), ui.clone())?;
        match cli.command {
            Command::BuildLayer(command) => command.run(&session),
            Command::Bump(command) => command.run(&session),
            Command::Outdated(command) => command.run(&session),
            Command::CheckGroups(command) => command.run(&session),
            Command::Plan(command) => command.run(&session),
            Command::Fetch(command) => command.run(&session),
            Command::List(command) => command.run(&session),
            Command::Matrix(command) => command.run(&session),
            Command::Audit(command) => command.run(&session),
            Command::Inspect(command) => command.run(&session),
            Command::Smoke(command) => command.run(&session),
            Command::Invoke(command) => command.run(&session),
            Command::Verify(command) => command.run(&session),
            Command::Publish(command) => command.run(&session, PUBLISH, Some("publish")),
            Command::Index(command) => command.run(&session, PUBLISH, Some("index")),
            Command::Regions(command) => command.run(&session, PUBLISH, Some("regions")),
            Command::Bench(command) => command.run(&session, BENCH, None),
            Command::Doctor(command) => command.run(&session),
            Command::Clean(command) => command.run(&session),
        }
    })
}

/// Does the work of a program of ours, so that nothing goes on when this process is killed. What it ends with.
pub fn guarded(ui: &Ui, work: impl FnOnce() -> Result<Outcome>) -> ExitCode {
    let said = |error| {
        ui.warn(format!("cannot start a guard: {error}; if this is killed, the processes that it has started go on"))
    };
    let guard = guard::start().map_err(said).ok();
    let code = exit_code(work(), ui);
    if let Some(guard) = guard {
        guard.finish(ui);
    }
    code
}

/// What a program of ours ends with, after whatever went wrong was said.
pub fn exit_code(result: Result<Outcome>, ui: &Ui) -> ExitCode {
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) => {
            ui.note(format!("error: {error:#}"));
            ExitCode::from(if error.chain().any(|cause| cause.is::<InvalidInput>()) { 2 } else { 1 })
        }
    }
}

/// What `invoke`, `verify` or any run starts this program for once more, if it was started so.
fn as_helper() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let word = arguments.next()?;
    let result = match word.to_str()? {
        guard::WORD => {
            guard::run(std::io::stdin().lock());
            Ok(())
        }
        invoke::room::WORD => invoke::room::main(),
        trial::WORD => {
            let ui = Ui::new();
            // Who started this one kills its process group, which what it starts is not in.
            let order = arguments.next()?;
            return Some(guarded(&ui, || build_for_comparison(Path::new(&order), &ui)));
        }
        _ => return None,
    };
    Some(match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever started it reads this.
            Ui::new().note(format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    })
}

/// A build of `verify`, in the checkout and the cache that `file` names.
fn build_for_comparison(file: &Path, ui: &Ui) -> Result<Outcome> {
    let order = trial::Order::read(file)?;
    let cli = Cli::try_parse_from(std::iter::once("xtask".to_owned()).chain(order.arguments))?;
    let Command::BuildLayer(mut command) = cli.command else { bail!("a verification only builds layers") };
    command.purpose =
        Purpose::Comparison(if order.reversed { EntryOrder::ReversedFolders } else { EntryOrder::Archive });
    command.run(&Session::at(&order.checkout, order.cache, ui.clone())?)
}
