//! The measuring itself, in the closed room: pass after pass, each with every subject, file, size and start.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use xtask::pack::landing::land_text;
use xtask::smoke::server::{Pace, Place, Record, Resource, Server};
use xtask::ui::{Ui, counted};

use super::results::{Cell, Findings, Start};
use super::{BYTES_PER_SECOND, RATE, ROUND_TRIP, Size, WAIT};
use crate::log::Served;
use crate::media::Media;
use crate::nginx::NAME;
use crate::peers::Kind;
use crate::results::{Measured, Run, Scheme};
use crate::room::{self, Networks};
use crate::runner::{RunOptions, Runner, find_out_what_it_needs, goes_on};
use crate::subject::Candidate;
use crate::{identity, launch, page_cache};

/// The word that makes this program the one in the room.
pub const WORD: &str = "bench-function-room";

/// What is to be measured, as the process in the room reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// The subjects.
    pub candidates: Vec<Candidate>,
    /// The files.
    pub media: Vec<Media>,
    /// Whether every file is probed in every size.
    pub everywhere: bool,
    /// The sizes of functions.
    pub sizes: Vec<Size>,
    /// Where the files are.
    pub files: PathBuf,
    /// How many passes.
    pub runs: usize,
    /// Where everything of this run may be written.
    pub folder: PathBuf,
}

/// Whether a file is probed in functions of that size: all films in the smallest and in those with a whole core, and in
/// between those of which anything is claimed. Everything everywhere would take half an hour.
fn is_worth_it(media: Media, memory: u32) -> bool {
    memory <= 128 || memory >= 1769 || matches!(media, Media::Mp4End | Media::Mp4Front | Media::Photo)
}

/// Whether a subject of this kind probes such a file. The Python module reads with the same library as the program.
fn concerns(kind: Kind, media: Media) -> bool {
    kind != Kind::Pymediainfo || matches!(media, Media::Mp4End | Media::Photo)
}

/// The work of the process in the room.
///
/// # Errors
/// Where something cannot be measured at all; what subjects do wrong is a finding.
pub fn main(job: &Path, ui: &Ui) -> Result<()> {
    let text = fs::read(job).with_context(|| format!("cannot read `{}`", job.display()))?;
    let job: Job = serde_json::from_slice(&text).context("the job is broken")?;
    // Subjects have a core for themselves, and the server and the line another one.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let core = (cores > 1).then_some(cores - 1);
    if core.is_some() {
        launch::pin(0)?;
    }
    let networks = Networks::make(&job.folder, RATE)?;
    let network = networks.with_round_trip(ROUND_TRIP)?;
    let server = serve(&job.files)?;
    room::introduce(NAME, server.authority(), &job.folder)?;
    let runner = Runner::new(&job.folder);
    let bench = Bench { job: &job, server, runner, network, core };
    let progress = ui.busy("finding out what every subject needs");
    let subjects = job.candidates.iter().map(|candidate| bench.subject(candidate, ui)).collect::<Result<Vec<_>>>()?;
    drop(progress);
    let mut cells = Cells::default();
    for pass in 1..=job.runs {
        let began = Instant::now();
        bench.pass(&subjects, &mut cells, &ui.busy(&format!("pass {pass} of {}", job.runs)), pass)?;
        networks.with_round_trip(ROUND_TRIP)?;
        if pass == 1 {
            let (one, all) = (began.elapsed(), began.elapsed() * u32::try_from(job.runs).unwrap_or(u32::MAX));
            let passes = counted(job.runs, "pass");
            let passes = passes.replace("passs", "passes");
            ui.note(format!("  a pass takes {} s, {passes} about {:.0} min", one.as_secs(), all.as_secs_f64() / 60.0));
        }
    }
    let findings = Findings { subjects, cells: cells.list(&job) };
    land_text(&job.folder.join("findings.json"), &serde_json::to_string(&findings)?)
}

/// The server, with all files.
fn serve(files: &Path) -> Result<Server> {
    let pace = Pace { wait: WAIT, bytes_per_second: NonZeroU64::new(BYTES_PER_SECOND) };
    let place = Place { name: NAME.to_owned(), address: room::SERVER, pace };
    let names = vec![NAME.to_owned(), room::SERVER.to_string()];
    let server = Server::at(place, identity::generate_as_s3(names)?)?;
    let entries = fs::read_dir(files).with_context(|| format!("cannot read `{}`", files.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let resource = Resource::of_file(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        server.put(&format!("/{}", path.file_name().unwrap_or_default().to_string_lossy()), resource);
    }
    Ok(server)
}

/// Every run so far: by subject, file, size and start.
#[derive(Debug, Default)]
struct Cells(BTreeMap<(String, Media, u32, Start), Vec<Run>>);

impl Cells {
    fn runs(&mut self, subject: &str, media: Media, memory: u32, start: Start) -> &mut Vec<Run> {
        self.0.entry((subject.to_owned(), media, memory, start)).or_default()
    }

    /// The cells in the order in which results are shown.
    fn list(mut self, job: &Job) -> Vec<Cell> {
        let mut cells = Vec::new();
        for media in job.media.iter().copied() {
            for memory_mb in job.sizes.iter().map(|size| size.memory) {
                for start in [Start::Cold, Start::Warm] {
                    cells.extend(job.candidates.iter().filter_map(|candidate| {
                        let subject = candidate.subject.name.clone();
                        let runs = self.0.remove(&(subject.clone(), media, memory_mb, start))?;
                        Some(Cell { subject, media, memory_mb, start, runs })
                    }));
                }
            }
        }
        cells
    }
}

struct Bench<'a> {
    job: &'a Job,
    server: Server,
    runner: Runner,
    network: Option<PathBuf>,
    core: Option<usize>,
}

impl Bench<'_> {
    /// A subject, with what it must be told.
    fn subject(&self, candidate: &Candidate, ui: &Ui) -> Result<Measured> {
        let subject = candidate.subject.clone();
        let (cold, warm) = (Vec::new(), Vec::new());
        let mut measured = Measured { subject, crashes_on_host_names: None, finds_no_certificates: None, cold, warm };
        find_out_what_it_needs(&mut measured, ui, |measured, scheme| {
            self.probe(candidate, measured, (scheme, Media::Mp4Front), Vec::new()).map(|run| run.outcome)
        })?;
        Ok(measured)
    }

    /// Every subject once on every file in every size, cold and warm.
    fn pass(
        &self,
        subjects: &[Measured],
        cells: &mut Cells,
        progress: &xtask::ui::Progress,
        pass: usize,
    ) -> Result<()> {
        let all = self.job.media.iter().flat_map(|media| self.job.sizes.iter().map(move |size| (*media, size)));
        for (media, size) in all.filter(|(media, size)| self.job.everywhere || is_worth_it(*media, size.memory)) {
            progress.say(format!("pass {pass} of {}: {media}, {} MB", self.job.runs, size.memory));
            for (candidate, measured) in self.job.candidates.iter().zip(subjects) {
                if concerns(candidate.subject.kind, media) {
                    self.both_starts(candidate, measured, cells, media, size)?;
                }
            }
        }
        Ok(())
    }

    fn both_starts(
        &self,
        candidate: &Candidate,
        measured: &Measured,
        cells: &mut Cells,
        media: Media,
        size: &Size,
    ) -> Result<()> {
        for start in [Start::Cold, Start::Warm] {
            let runs = cells.runs(&candidate.subject.name, media, size.memory, start);
            if !goes_on(runs) {
                continue;
            }
            if start == Start::Cold {
                page_cache::forget(&page_cache::files_below(&candidate.brings)?)?;
            }
            runs.push(self.probe(candidate, measured, (Scheme::Https, media), size.groups.clone())?);
        }
        Ok(())
    }

    /// One run of a subject on a file, told what it needs.
    fn probe(
        &self,
        candidate: &Candidate,
        measured: &Measured,
        (scheme, media): (Scheme, Media),
        groups: Vec<PathBuf>,
    ) -> Result<Run> {
        let target = format!("/{}", media.path());
        let url = match scheme {
            Scheme::Http => self.server.http(&target),
            Scheme::Https => self.server.https(&target),
        };
        let url = if measured.crashes_on_host_names.is_some() { by_address(&url, room::SERVER) } else { url };
        let told = scheme == Scheme::Https && measured.finds_no_certificates.is_some();
        let argv = candidate.call.for_url(&url, told.then_some(room::CERTIFICATES));
        let before = self.server.connections();
        let options = RunOptions { network: self.network.clone(), cold: false, core: self.core, groups };
        let cost = self.runner.run(candidate, argv, options)?;
        Ok(self.runner.judge(candidate.subject.kind, cost, served(&self.server.requests_after(before))))
    }
}

fn by_address(url: &str, address: Ipv4Addr) -> String {
    url.replacen(NAME, &address.to_string(), 1)
}

/// What a run cost the server.
fn served(records: &[Record]) -> Served {
    let mut connections: Vec<_> = records.iter().map(|record| record.connection).collect();
    connections.dedup();
    Served {
        connections: connections.len() as u64,
        requests: records.len() as u64,
        bytes: records.iter().map(|record| record.sent).sum(),
        ranges: records.iter().map(|record| record.range.clone().unwrap_or_default()).collect(),
        statuses: records.iter().map(|record| record.status).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_and_the_largest_function_probe_every_file() {
        for media in Media::FUNCTION {
            assert!(is_worth_it(media, 128) && is_worth_it(media, 1769), "{media}");
        }
        assert!(is_worth_it(Media::Photo, 512) && !is_worth_it(Media::Ts, 512));
    }

    #[test]
    fn a_run_costs_the_server_what_its_log_says() {
        let record = |connection, sent| Record {
            connection,
            method: "GET".to_owned(),
            target: "/end.mp4".to_owned(),
            range: Some("bytes=0-".to_owned()),
            status: 206,
            asked: 100,
            sent,
        };
        let served = served(&[record(7, 60), record(7, 40), record(9, 1)]);
        assert_eq!((served.connections, served.requests, served.bytes), (2, 3, 101));
    }

    #[test]
    fn who_crashes_on_names_gets_the_address() {
        assert_eq!(by_address("https://media.test:99/a", room::SERVER), "https://10.77.0.1:99/a");
    }
}
