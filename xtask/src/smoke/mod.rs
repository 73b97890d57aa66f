//! The proof that a layer runs: unpacked where nothing else is, and asked to do its work.
//!
//! A suite puts fixtures on a web server of its own and into a sandbox that holds glibc and the layer, asks the
//! layer's programs about them, and compares with what is known to be true. It makes no use of the network beyond the
//! loopback and leaves nothing behind.

mod bundles;
mod case;
mod cases;
mod ffmpeg;
mod ffprobe;
pub mod fixture;
pub mod layer;
mod mediainfo;
mod notes;
mod parallel;
mod program;
pub mod report;
pub mod sandbox;
pub mod server;
mod setting;
mod stretch;
mod suite;
mod traffic;
mod trust;

use std::path::{Path, PathBuf};

use self::report::Report;
use self::sandbox::isolation::Isolation;
use self::sandbox::target::Target;
use crate::model::Arch;
use crate::model::layer::Suite as Kind;
use crate::ui::Ui;

/// What the one who runs the checks may want differently.
#[derive(Debug, Clone)]
pub struct Options {
    /// The root of a system of the layer's architecture, for an emulator; see `ci/arm64-root`.
    pub emulated_root: Option<PathBuf>,
    /// The ways to isolate programs that may be tried, best first.
    pub isolations: Vec<Isolation>,
    /// The image to run in, instead of a root that holds nothing but glibc; this machine must be able to run it.
    pub target: Option<Target>,
}

impl Default for Options {
    fn default() -> Options {
        Options { emulated_root: None, isolations: Isolation::ALL.to_vec(), target: None }
    }
}

/// Runs a suite on a layer that is unpacked in a folder.
///
/// # Errors
/// Where the checks cannot be made at all; what they find is in the report.
pub fn run(suite: Kind, layer: &Path, arch: Arch, options: &Options, ui: &Ui) -> anyhow::Result<Report> {
    checks(suite).run(layer, arch, options, ui)
}

/// The program of a layer that a suite runs first of all, as a path in the layer.
pub fn program(suite: Kind) -> &'static str {
    checks(suite).program
}

fn checks(suite: Kind) -> &'static suite::Suite {
    match suite {
        Kind::Mediainfo => &mediainfo::SUITE,
        Kind::Ffmpeg => &ffmpeg::SUITE,
        Kind::Ffprobe => &ffprobe::SUITE,
    }
}
