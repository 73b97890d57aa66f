//! From nothing to results: everything fetched and made, measured in the room, and put together.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::launch::Order;
use crate::machine::Facts;
use crate::measure::{self, Findings, Job};
use crate::measured::Program;
use crate::media::{self, Media};
use crate::nginx::Nginx;
use crate::results::Results;
use crate::room;
use crate::subject::{Candidate, version_in};
use crate::subjects::{Stock, Subjects};
use crate::workshop::Workshop;
use xtask::ui::Ui;

/// What the user wants measured.
#[derive(Debug)]
pub struct Wish<'a> {
    /// Our layers.
    pub dist: &'a Path,
    /// The cache.
    pub cache: &'a Path,
    /// The user's own builds.
    pub stock: &'a [Stock],
    /// Names of subjects; all where empty.
    pub only: &'a [String],
    /// The files.
    pub media: Vec<Media>,
    /// How often.
    pub runs: usize,
    /// What was called, for the results.
    pub command: String,
}

/// Measures what is wished.
///
/// # Errors
/// Where something cannot be fetched, made or measured.
pub fn probe(wish: Wish<'_>, ui: &Ui) -> Result<Results> {
    let workshop = Workshop::open(wish.cache)?;
    let debian = workshop.debian(ui)?;
    let mut subjects = Subjects::ours(wish.dist, workshop.arch, &debian)?;
    subjects.add_stock(wish.stock, &debian)?;
    subjects.add_peers(&workshop.peers, &workshop.folder, workshop.arch, &debian, ui)?;
    subjects.select(wish.only)?;
    let files = workshop.folder.join("media");
    let media = media::make(&files, &debian, ui)?;
    let run = tempfile::Builder::new().prefix("run.").tempdir_in(&workshop.folder).context("cannot make a folder")?;
    let mut candidates = std::mem::take(&mut subjects.list);
    ask_versions(&mut candidates, run.path())?;
    let server = format!("Debian nginx {}", debian.version("nginx"));
    let network = format!("{}; at 0 ms the loopback", room::description(measure::RATE));
    let facts = Facts::gather(server, network);
    let job = Job {
        candidates,
        media: wish.media,
        nginx: Nginx::prepare(run.path(), &files, room::SERVER, &debian)?,
        runs: wish.runs,
        folder: run.path().to_owned(),
    };
    let path = run.path().join("job.json");
    fs::write(&path, serde_json::to_vec(&job)?).with_context(|| format!("cannot write `{}`", path.display()))?;
    room::enter(measure::WORD, &path)?;
    let path = run.path().join("findings.json");
    let text = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let Findings { subjects, cells } = serde_json::from_slice(&text).context("the findings are broken")?;
    Ok(Results { format: 1, command: wish.command, facts, media, subjects, cells })
}

/// Asks every subject for its own version.
pub fn ask_versions(candidates: &mut [Candidate], folder: &Path) -> Result<()> {
    candidates.iter_mut().try_for_each(|candidate| {
        candidate.subject.version = version(candidate, folder)?;
        Ok(())
    })
}

/// What a subject says of its own version.
fn version(candidate: &Candidate, folder: &Path) -> Result<String> {
    let program = Program {
        argv: candidate.call.for_version(),
        env: candidate.call.env.clone().into_iter().collect(),
        cwd: folder.to_owned(),
        stdout: folder.join("version"),
        stderr: folder.join("complaint"),
        timeout: std::time::Duration::from_secs(60),
        groups: Vec::new(),
    };
    let cost = Order { program, network: None, cold: false, core: None }.send()?;
    let said = fs::read(folder.join("version")).unwrap_or_default();
    version_in(candidate.subject.kind, &String::from_utf8_lossy(&said)).with_context(|| {
        let complaint = fs::read_to_string(folder.join("complaint")).unwrap_or_default();
        format!("`{}` does not print its version ({:?}): {}", candidate.subject.name, cost.end, complaint.trim())
    })
}
