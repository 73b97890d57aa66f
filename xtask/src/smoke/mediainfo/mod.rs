//! The checks of the MediaInfo layer: its program and its Python module do what a function wants of them, from any
//! folder and where nothing else is.

mod alike;
mod output;
mod python;
mod suite;

use super::fixture::Vocabulary;
use super::suite::{NeedsPython, Suite};

/// The program, as a path in the layer.
const PROGRAM: &str = "bin/mediainfo";

/// The suite.
pub const SUITE: Suite<'static> = Suite {
    name: "mediainfo",
    program: PROGRAM,
    vocabulary: Vocabulary::Mediainfo,
    python: NeedsPython::Yes,
    checks: &suite::checks,
};

#[cfg(test)]
mod tests;
