//! `bench probe`: what a probe costs, and how that compares with everything else that can be installed.

use anyhow::Result;
use clap::Args;
use xtask::commands::{Outcome, json};
use xtask::pack::landing::check_landing;
use xtask::session::Session;

use super::{clap_name, write};
use crate::media::Media;
use crate::prepare::{self, Wish};
use crate::subjects::Stock;
use crate::summary;
use crate::{chart, markdown};

/// How long a probe over http and https takes, and what it reads (as root, about a quarter of an hour).
#[derive(Debug, Args)]
pub struct Probe {
    /// A subject to measure; all of them where none is named.
    #[arg(long, value_name = "SUBJECT")]
    only: Vec<String>,
    /// A kind of file to probe; all of them where none is named.
    #[arg(long, value_name = "KIND")]
    file: Vec<Media>,
    /// How often each subject is run.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// The same version built without our patches: `mediainfo=PROGRAM`, `ffprobe=PROGRAM`, `pymediainfo=FOLDER`.
    #[arg(long, value_name = "NAME=PATH")]
    stock: Vec<Stock>,
}

impl Probe {
    /// Measures, and writes what was found.
    ///
    /// # Errors
    /// Where something cannot be fetched, made or measured; a peer that crashes is a result.
    pub fn run(&self, session: &Session) -> Result<Outcome> {
        let media = if self.file.is_empty() { Media::PROBE.to_vec() } else { self.file.clone() };
        let wish = Wish {
            dist: &session.dist,
            cache: &session.cache,
            stock: &self.stock,
            only: &self.only,
            media,
            runs: self.runs.into(),
            command: self.command()?,
        };
        let whole = self.only.is_empty() && self.file.is_empty();
        let folder = if whole { session.docs.join("benchmark") } else { session.cache.join("bench/part") };
        ["probe.json", "probe.md", "probe.svg"].iter().try_for_each(|name| check_landing(&folder.join(name)))?;
        let results = prepare::probe(wish, &session.ui)?;
        let table = markdown::render(&results)?;
        session.ui.data(&table)?;
        write(session, &folder, "probe.json", &json(&summary::of(&results))?)?;
        write(session, &folder, "probe.md", &table)?;
        write(session, &folder, "probe.svg", &chart::render(&results)?)?;
        if !whole {
            session.ui.note("these are a part of the results: docs/benchmark/ keeps whole ones, so it stays as it is");
        }
        Ok(Outcome::Done)
    }

    /// What was called, less the paths of this machine.
    fn command(&self) -> Result<String> {
        let mut command = "cargo xtask bench probe".to_owned();
        for subject in &self.only {
            command += &format!(" --only {subject}");
        }
        for media in &self.file {
            command += &format!(" --file {}", clap_name(*media)?);
        }
        if self.runs != 7 {
            command += &format!(" --runs {}", self.runs);
        }
        for stock in &self.stock {
            command += &format!(" --stock {}=PATH", stock.kind());
        }
        Ok(command)
    }
}
