//! The proof that a layer runs: unpacked where nothing else is, and asked to do its work.
//!
//! A suite puts fixtures on a web server of its own and into a sandbox that holds glibc and the layer, asks the
//! layer's programs about them, and compares with what is known to be true. It makes no use of the network beyond the
//! loopback and leaves nothing behind.

mod bundles;
mod case;
mod cases;
mod damaged;
mod ffmpeg;
mod ffprobe;
pub mod fixture;
pub mod layer;
mod long_files;
mod mediainfo;
mod notes;
mod parallel;
mod program;
pub mod report;
pub mod sandbox;
pub mod server;
mod setting;
mod simple;
mod suite;
mod traffic;
mod trust;

use std::path::{Path, PathBuf};

use self::fixture::Vocabulary;
use self::notes::Notes;
use self::report::Report;
use self::sandbox::isolation::Isolation;
use self::sandbox::target::Target;
use self::setting::Setting;
use self::suite::{NeedsPython, Suite};
use crate::model::layer::Suite as Kind;
use crate::model::{Arch, Layer};
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

/// The checks of a layer.
#[derive(Debug, Clone, Copy)]
pub enum Checks<'a> {
    /// Those of a suite.
    Suite(Kind),
    /// Those that the layer's file lists.
    Simple(&'a Layer),
}

impl<'a> Checks<'a> {
    /// Those of `layer`.
    pub fn of(layer: &'a Layer) -> Checks<'a> {
        layer.smoke.map_or(Checks::Simple(layer), Checks::Suite)
    }

    /// Every suite, and the layers of a catalog that have checks of their own.
    pub fn all(layers: impl Iterator<Item = &'a Layer>) -> Vec<Checks<'a>> {
        let simple = layers.map(Checks::of).filter(|checks| matches!(checks, Checks::Simple(_)));
        Kind::ALL.into_iter().map(Checks::Suite).chain(simple).collect()
    }

    /// The program of the layer that is run first of all, as a path in the layer.
    pub fn program(self) -> &'a str {
        match self {
            Checks::Suite(kind) => suite(kind).program,
            Checks::Simple(layer) => layer.checks.iter().flat_map(|check| &check.run).next().map_or("", String::as_str),
        }
    }
}

/// Runs the checks of a layer that is unpacked in a folder.
///
/// # Errors
/// Where the checks cannot be made at all; what they find is in the report.
pub fn run(checks: Checks<'_>, layer: &Path, arch: Arch, options: &Options, ui: &Ui) -> anyhow::Result<Report> {
    match checks {
        Checks::Suite(kind) => suite(kind).run(layer, arch, options, ui),
        Checks::Simple(written) => {
            let list = |setting: &Setting<'_>, at: &str, notes: &mut Notes| {
                simple::checks(&written.checks, setting, at, notes)
            };
            let suite = Suite {
                name: written.name.as_str(),
                program: checks.program(),
                vocabulary: Vocabulary::Ffprobe,
                python: NeedsPython::No,
                checks: &list,
            };
            suite.run(layer, arch, options, ui)
        }
    }
}

fn suite(kind: Kind) -> &'static Suite<'static> {
    match kind {
        Kind::Mediainfo => &mediainfo::SUITE,
        Kind::Ffmpeg => &ffmpeg::SUITE,
        Kind::Ffprobe => &ffprobe::SUITE,
    }
}
