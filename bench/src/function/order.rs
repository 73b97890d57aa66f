//! From nothing to results: everything fetched and made, measured in the room, and put together.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use xtask::ui::Ui;

use super::results::{Conditions, Findings, Results};
use super::room::Job;
use super::{BYTES_PER_SECOND, RATE, ROUND_TRIP, Sizes, WAIT, read_ahead};
use crate::machine::Facts;
use crate::media::{self, Media};
use crate::subjects::{Stock, Subjects};
use crate::workshop::Workshop;
use crate::{function, prepare, room};
use xtask::invoke::limits;

/// What the user wants measured.
#[derive(Debug)]
pub struct Order<'a> {
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
    /// The sizes of functions, in MB; those that are worth it for each file where empty.
    pub memory: &'a [u32],
    /// How often everything is measured.
    pub runs: usize,
    /// What was called, for the results.
    pub command: String,
}

/// Measures what is ordered.
///
/// # Errors
/// Where something cannot be fetched, made, limited or measured.
pub fn carry_out(order: Order<'_>, ui: &Ui) -> Result<Results> {
    let sizes = Sizes::make(if order.memory.is_empty() { &function::SIZES } else { order.memory })?;
    let workshop = Workshop::open(order.cache)?;
    let debian = workshop.debian(ui)?;
    let mut subjects = Subjects::ours(order.dist, workshop.arch, &debian)?;
    subjects.add_stock(order.stock, &debian)?;
    subjects.add_peers(&workshop.peers, &workshop.folder, workshop.arch, &debian, ui)?;
    subjects.select(order.only)?;
    let files = workshop.folder.join("media");
    let media = media::make(&files, &debian, ui)?;
    let run = tempfile::Builder::new().prefix("run.").tempdir_in(&workshop.folder).context("cannot make a folder")?;
    let mut candidates = std::mem::take(&mut subjects.list);
    prepare::ask_versions(&mut candidates, run.path())?;
    let facts = Facts::gather(
        "the server of our smoke checks (rustls), with four certificates as S3 sends them, RSA-2048 keys, TLS 1.3 \
         (1.2 for clients that do not know it) and AES-128-GCM"
            .to_owned(),
        room::description(RATE),
    );
    let conditions = Conditions {
        round_trip_ms: millis(ROUND_TRIP),
        wait_ms: millis(WAIT),
        bytes_per_second: BYTES_PER_SECOND,
        period_us: limits::PERIOD,
        whole_core_mb: limits::WHOLE_CORE,
        read_ahead_kb: candidates.first().and_then(|it| read_ahead(it.brings.first()?)),
    };
    let job = Job {
        candidates,
        media: order.media,
        everywhere: !order.memory.is_empty(),
        sizes: sizes.list(),
        files,
        runs: order.runs,
        folder: run.path().to_owned(),
    };
    let path = run.path().join("job.json");
    fs::write(&path, serde_json::to_vec(&job)?).with_context(|| format!("cannot write `{}`", path.display()))?;
    room::enter(super::room::WORD, &path)?;
    let path = run.path().join("findings.json");
    let text = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let Findings { subjects, cells } = serde_json::from_slice(&text).context("the findings are broken")?;
    Ok(Results { format: 1, command: order.command, facts, conditions, media, subjects, cells })
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
