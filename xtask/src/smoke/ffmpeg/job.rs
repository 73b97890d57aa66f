//! A job for ffmpeg and its expected result, as data.

use crate::smoke::fixture::ExpectedReport;
use crate::smoke::traffic::Traffic;
use crate::smoke::trust::Trust;

/// One job.
#[derive(Debug, Clone)]
pub struct Job {
    /// What must come of it, in a few words.
    pub name: String,
    /// The encoder without which it cannot be done; nothing where every build must have it.
    pub needs: Option<&'static str>,
    /// The arguments in front of the output.
    pub arguments: Vec<String>,
    /// Where the output goes.
    pub output: Output,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// What the output must be.
    pub product: Product,
    /// What must have reached the server.
    pub traffic: Traffic,
}

/// Where the output of a job goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Into a file of that name.
    File(&'static str),
    /// To stdout; it is kept as a file of that name.
    Stdout(&'static str),
}

/// What the output of a job must be.
#[derive(Debug, Clone)]
pub enum Product {
    /// A picture with something on it.
    Picture {
        /// Its format.
        kind: PictureKind,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// What it must show.
        shows: PictureContent,
    },
    /// A file of which ffprobe says this, with a tolerance for its duration in seconds; its sound can be heard.
    Media(ExpectedReport, f64),
    /// A text with these parts.
    Text(&'static [&'static str]),
    /// None, but an error that has one of these in it; any where there are none.
    Error(&'static [&'static str]),
}

/// The format of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
}

/// What a picture must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureContent {
    /// Anything that is not of one colour.
    Anything,
    /// The frame of `film.mp4` that is there at two seconds.
    FilmAtTwoSeconds,
}

impl Output {
    /// The name of the file in which the output ends up.
    pub fn file(self) -> &'static str {
        match self {
            Output::File(name) | Output::Stdout(name) => name,
        }
    }
}
