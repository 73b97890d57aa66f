//! The checks of the ffmpeg layer: its ffprobe as in the layer of that name, and ffmpeg with what functions use it for:
//! pictures out of films, sound, segments, subtitles.

mod job;
mod jobs;
mod judge;
mod picture;
mod suite;

use super::fixture::Vocabulary;
use super::suite::{NeedsPython, Suite};

/// The program, as a path in the layer.
const PROGRAM: &str = "bin/ffmpeg";

/// The suite.
pub const SUITE: Suite<'static> = Suite {
    name: "ffmpeg",
    program: PROGRAM,
    vocabulary: Vocabulary::Ffprobe,
    python: NeedsPython::No,
    checks: &suite::checks,
};

#[cfg(test)]
mod tests;
