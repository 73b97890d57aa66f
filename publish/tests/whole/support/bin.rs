//! The command line on another checkout than the one it was compiled in, and with less patience, for the tests.
//!
//! `publish-in CHECKOUT ARGUMENT...`; `PUBLISH_TEST_SETTLE` is in milliseconds, `PUBLISH_TEST_CACHE` is the cache folder.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use publish::apply::retry::Patience;
use publish::cli::Cli;
use xtask::catalog::Catalog;
use xtask::cli::exit_code;
use xtask::session::Session;
use xtask::ui::Ui;

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let root = arguments.next().unwrap_or_default();
    let cli = Cli::parse_from([program].into_iter().chain(arguments));
    let ui = Ui::new();
    let result = Catalog::load(Path::new(&root)).and_then(|catalog| {
        let root = catalog.root.clone();
        let cache = std::env::var_os("PUBLISH_TEST_CACHE").map_or_else(|| root.join("cache"), PathBuf::from);
        let (dist, docs) = (root.join("dist"), root.join("docs"));
        cli.run(&Session { catalog, cache, dist, docs, ui: ui.clone() }, patience())
    });
    exit_code(result, &ui)
}

fn patience() -> Patience {
    let milliseconds = |name: &str| Some(Duration::from_millis(std::env::var(name).ok()?.parse().ok()?));
    let usual = Patience::default();
    Patience {
        settle: milliseconds("PUBLISH_TEST_SETTLE").unwrap_or(usual.settle),
        first_pause: milliseconds("PUBLISH_TEST_PAUSE").unwrap_or(usual.first_pause),
        ..usual
    }
}
