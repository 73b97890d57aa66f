//! Layers as written: which files of which recipes a user gets below `/opt`.

use serde::Deserialize;

use super::{LayerName, RecipeName};

/// `layers/<name>.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Layer {
    /// The name, equal to its file's.
    pub name: LayerName,
    /// One line on what a function gets; the description in the cloud begins with it.
    pub summary: String,
    /// The recipe whose version is the layer's version.
    pub recipe: RecipeName,
    /// Which suite of checks runs the finished layer; none for a simple program, which has `checks`.
    #[serde(default)]
    pub smoke: Option<Suite>,
    /// The checks of a simple program.
    #[serde(default)]
    pub checks: Vec<SmokeCheck>,
    /// The files, in no particular order.
    pub files: Vec<LayerFile>,
}

/// One file or folder of a layer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LayerFile {
    /// The recipe that provides it.
    pub recipe: RecipeName,
    /// Its path in the recipe's `{out}`.
    pub from: String,
    /// Its path in the zip, which is its path below `/opt`.
    pub to: String,
    /// For a shared library: globs of the only symbols it may export.
    #[serde(default)]
    pub exports: Option<Vec<String>>,
}

/// One call of a program of the layer, and what must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmokeCheck {
    /// What reports call it.
    pub name: String,
    /// The program, as a path in the layer, and its arguments. `{media}` is the folder that holds the files of
    /// `xtask/fixtures/`.
    pub run: Vec<String>,
    /// The exit code.
    #[serde(default)]
    pub exit_code: u8,
    /// What stdout must contain.
    #[serde(default)]
    pub stdout: Vec<String>,
    /// What stderr must contain.
    #[serde(default)]
    pub stderr: Vec<String>,
}

/// The checks that know how to run a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suite {
    /// The MediaInfo program and its Python module.
    Mediainfo,
    /// The ffmpeg program, and ffprobe beside it.
    Ffmpeg,
    /// The ffprobe program alone.
    Ffprobe,
}

impl Suite {
    /// Every suite; one whose layer holds another's program as well comes before it.
    pub const ALL: [Suite; 3] = [Suite::Mediainfo, Suite::Ffmpeg, Suite::Ffprobe];
}
