//! The checks of the ffprobe program, alone in its layer or beside ffmpeg.

mod about;
mod own;
mod report;
mod suite;
mod whole;

pub use self::about::about;
pub use self::suite::{ask, check_answers, check_bundles};
use super::fixture::Vocabulary;
use super::suite::{NeedsPython, Suite};

/// The program, as a path in the layer.
pub const PROGRAM: &str = "bin/ffprobe";

/// The suite.
pub const SUITE: Suite<'static> = Suite {
    name: "ffprobe",
    program: PROGRAM,
    vocabulary: Vocabulary::Ffprobe,
    python: NeedsPython::No,
    checks: &suite::checks,
};

#[cfg(test)]
mod tests;
