//! The command line: what can be asked for, and what the exit code says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use crate::bench;
use crate::catalog::Catalog;
use crate::commands::{
    Outcome, audit, bench as bench_command, build_layer, clean, doctor, fetch, list, plan, smoke as smoke_command,
};
use crate::error::{InvalidInput, invalid};
use crate::smoke;
use crate::ui::Ui;

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
    /// Show what build-layer would do.
    Plan(plan::PlanCommand),
    /// Download what a layer is made from.
    Fetch(fetch::Fetch),
    /// List layers, recipes and targets.
    List(list::List),
    /// Check ELF files against the runtimes they must run on.
    Audit(audit::Audit),
    /// Run a finished layer, cut off from the system's libraries and certificates.
    Smoke(smoke_command::Smoke),
    /// Measure the layers in dist/ beside their peers.
    Bench(bench_command::Bench),
    /// Check whether this machine has what building needs.
    Doctor(doctor::Doctor),
    /// Remove what builds have left in the cache.
    Clean(clean::Clean),
}

/// What every command works with.
#[derive(Debug)]
pub struct Session {
    /// The recipes, layers and targets of this checkout.
    pub catalog: Catalog,
    /// Where archives and packages are kept.
    pub cache: PathBuf,
    /// Where finished layers go.
    pub dist: PathBuf,
    /// Where the documentation is.
    pub docs: PathBuf,
    /// The printer.
    pub ui: Ui,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    if let Some(code) = as_helper() {
        return code;
    }
    let cli = Cli::parse();
    let ui = Ui::new();
    let result = Session::open(&cli.global, ui.clone()).and_then(|session| match cli.command {
        Command::BuildLayer(command) => command.run(&session),
        Command::Plan(command) => command.run(&session),
        Command::Fetch(command) => command.run(&session),
        Command::List(command) => command.run(&session),
        Command::Audit(command) => command.run(&session),
        Command::Smoke(command) => command.run(&session),
        Command::Bench(command) => command.run(&session),
        Command::Doctor(command) => command.run(&session),
        Command::Clean(command) => command.run(&session),
    });
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Err(error) => {
            ui.note(format!("error: {error:#}"));
            ExitCode::from(if error.chain().any(|cause| cause.is::<InvalidInput>()) { 2 } else { 1 })
        }
    }
}

/// What the benchmark starts this program for once more, if it was started so. A launcher must be small, so this comes
/// before anything else.
fn as_helper() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let word = arguments.next()?;
    let result = match word.to_str()? {
        bench::launch::WORD => bench::launch::main(),
        bench::room::WORD => bench::measure::main(Path::new(&arguments.next()?), &Ui::new()),
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

impl Session {
    /// How layers are run: for another architecture, in the root that `ci/arm64-root` makes in the cache.
    pub fn smoke_options(&self) -> smoke::Options {
        let root = self.cache.join("arm64-root");
        smoke::Options { emulated_root: root.is_dir().then_some(root), ..smoke::Options::default() }
    }

    fn open(global: &Global, ui: Ui) -> Result<Session> {
        let root = checkout()?;
        let cache = match &global.cache_dir {
            Some(folder) => std::path::absolute(folder).context("cannot tell where the cache folder is")?,
            None => default_cache()?,
        };
        Ok(Session { catalog: Catalog::load(&root)?, cache, dist: root.join("dist"), docs: root.join("docs"), ui })
    }
}

/// The checkout this tool was compiled in, which `cargo xtask` makes the one it is called in.
fn checkout() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the tool lies at the root of a file system")?;
    Ok(root.to_owned())
}

fn default_cache() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    variable("XDG_CACHE_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".cache")))
        .map(|base| base.join("media-layers"))
        .ok_or_else(|| invalid("there is no HOME to keep a cache in\n\nhint: name a folder with `--cache-dir`"))
}
