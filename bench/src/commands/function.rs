//! `bench function`: what a probe costs in a small function.

use anyhow::Result;
use clap::Args;
use xtask::commands::{Outcome, json};
use xtask::pack::landing::check_landing;
use xtask::session::Session;

use super::{clap_name, write};
use crate::function::order::{Order, carry_out};
use crate::function::results::summary;
use crate::function::{page, picture};
use crate::media::Media;
use crate::subjects::Stock;

/// What a probe costs in functions of 128 to 1,769 MB: time as billed, CPU and memory (as root, a quarter of an hour).
///
/// Each program probes files on a server that behaves as S3 does, with the share of a core and the memory of a function,
/// once with nothing of the program in memory (cold) and once more (warm). Writes docs/benchmark/function.{json,md,svg}.
///
/// To try it quickly: `--only ffprobe --only npm-ffprobe-static --file photo --memory 128 --runs 3`.
#[derive(Debug, Args)]
pub struct Function {
    /// A subject to measure; all of them where none is named.
    #[arg(long, value_name = "SUBJECT")]
    only: Vec<String>,
    /// A kind of file to probe; all of them where none is named.
    #[arg(long, value_name = "KIND")]
    file: Vec<Media>,
    /// The memory of the function; 128, 256, 512 and 1769 where none is named.
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u32).range(128..=1769))]
    memory: Vec<u32>,
    /// How many passes; every second one is limited to warm starts on the mp4 films and the photo.
    #[arg(long, value_name = "N", default_value_t = RUNS, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// The same version built without our patches: `mediainfo=PROGRAM`, `ffprobe=PROGRAM`, `pymediainfo=FOLDER`.
    #[arg(long, value_name = "NAME=PATH")]
    stock: Vec<Stock>,
}

/// How many passes: as many as a quarter of an hour allows.
const RUNS: u16 = 5;

impl Function {
    /// Measures, and writes what was found.
    ///
    /// # Errors
    /// Where something cannot be fetched, made, limited or measured; a peer that crashes is a result.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let whole = self.only.is_empty() && self.file.is_empty() && self.memory.is_empty();
        let folder = if whole { session.docs.join("benchmark") } else { session.cache.join("bench/part") };
        let names = ["function.json", "function.md", "function.svg"];
        names.iter().try_for_each(|name| check_landing(&folder.join(name)))?;
        let order = Order {
            dist: &session.dist,
            cache: &session.cache,
            stock: &self.stock,
            only: &self.only,
            media: if self.file.is_empty() { Media::FUNCTION.to_vec() } else { self.file.clone() },
            memory: &self.memory,
            runs: self.runs.into(),
            command: self.command()?,
        };
        let results = carry_out(order, &session.ui)?;
        let table = page::render(&results)?;
        session.ui.data(&table)?;
        let texts = [json(&summary(&results))?, table, picture::render(&results)?];
        for (name, text) in names.iter().zip(&texts) {
            write(session, &folder, name, text)?;
        }
        if !whole {
            session.ui.note("these are a part of the results: docs/benchmark/ keeps whole ones, so it stays as it is");
        }
        Ok(Outcome::Done)
    }

    /// What was called, less the paths of this machine.
    fn command(&self) -> Result<String> {
        let mut command = "cargo xtask bench function".to_owned();
        for subject in &self.only {
            command += &format!(" --only {subject}");
        }
        for media in &self.file {
            command += &format!(" --file {}", clap_name(*media)?);
        }
        for memory in &self.memory {
            command += &format!(" --memory {memory}");
        }
        if self.runs != RUNS {
            command += &format!(" --runs {}", self.runs);
        }
        for stock in &self.stock {
            command += &format!(" --stock {}=PATH", stock.kind());
        }
        Ok(command)
    }
}
