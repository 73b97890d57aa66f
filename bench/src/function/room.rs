//! The measuring itself, in the closed room: pass after pass, each with every subject, file, size and start.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use xtask::pack::landing::land_text;
use xtask::smoke::server::{Pace, Place, Record, Resource, Server};
use xtask::ui::{Progress, Ui};

use super::results::{Cell, Findings, Start};
use super::{BYTES_PER_SECOND, RATE, ROUND_TRIP, Size, WAIT};
use crate::log::Served;
use crate::media::Media;
use crate::nginx::NAME;
use crate::peers::Kind;
use crate::results::{Measured, Outcome, Run, Scheme};
use crate::room::{self, Networks};
use crate::runner::{RunOptions, Runner, find_out_what_it_needs, goes_on};
use crate::subject::{Candidate, Role};
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

/// How much slower than the fastest peer of its kind another peer must be to be run only [`ENOUGH`] times.
const FAR_BEHIND: u64 = 2;

/// How often a peer is run that is far behind.
const ENOUGH: usize = 2;

/// The files of which anything is claimed. Everything for all files would take an hour.
fn is_key(media: Media) -> bool {
    matches!(media, Media::Mp4End | Media::Mp4Front | Media::Photo)
}

/// Whether a file is probed in functions of that size: the others only in the smallest and in those with a whole core.
fn is_worth_it(media: Media, memory: u32) -> bool {
    memory <= 128 || memory >= 1769 || is_key(media)
}

/// Whether that is part of a pass, of which the first is number one: every second pass has only the warm starts of the key
/// files.
fn belongs_to(pass: usize, media: Media, start: Start) -> bool {
    pass % 2 == 1 || (is_key(media) && start == Start::Warm)
}

/// Whether a subject of this kind probes such a file. The Python module reads with the same library as the program.
fn concerns(kind: Kind, media: Media) -> bool {
    kind != Kind::Pymediainfo || media == Media::Mp4End
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
    for candidate in &job.candidates {
        page_cache::settle(&page_cache::files_below(&candidate.brings)?)?;
    }
    let subjects = job.candidates.iter().map(|candidate| bench.subject(candidate, ui)).collect::<Result<Vec<_>>>()?;
    drop(progress);
    let mut cells = Cells::default();
    for pass in 1..=job.runs {
        let took = bench.pass(&subjects, &mut cells, &ui.busy(&format!("pass {pass} of {}", job.runs)), pass)?;
        networks.with_round_trip(ROUND_TRIP)?;
        if pass == 1 {
            let more = |media, start| (2..=job.runs).filter(|pass| belongs_to(*pass, media, start)).count();
            let rest = took.iter().map(|((media, start), took)| took.as_secs_f64() * more(*media, *start) as f64);
            let rest: f64 = rest.sum();
            ui.note(format!("  the rest will take about {:.0} min, or less", (rest / 60.0).ceil()));
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

    /// Whether a peer has been run often enough, as it is far behind the fastest peer of its kind.
    fn is_enough(&self, job: &Job, candidate: &Candidate, media: Media, memory: u32, start: Start) -> bool {
        let runs = |name: &str| self.0.get(&(name.to_owned(), media, memory, start));
        let fastest = |runs: &Vec<Run>| runs.iter().map(|run| run.cost.wall_us).min();
        let is_peer = |it: &&Candidate| it.subject.role == Role::Peer && it.subject.kind == candidate.subject.kind;
        if !is_peer(&candidate) || runs(&candidate.subject.name).is_none_or(|runs| runs.len() < ENOUGH) {
            return false;
        }
        let answered = |runs: &&Vec<Run>| runs.iter().all(|run| run.outcome == Outcome::Answered);
        let peers = job.candidates.iter().filter(is_peer);
        let best = peers.filter_map(|peer| runs(&peer.subject.name).filter(answered).and_then(fastest)).min();
        let own = runs(&candidate.subject.name).and_then(fastest);
        own.zip(best).is_some_and(|(own, best)| own > best * FAR_BEHIND)
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

    /// Every subject once on every file in every size, cold and warm, as far as it belongs to the pass. How long that took.
    fn pass(
        &self,
        subjects: &[Measured],
        cells: &mut Cells,
        progress: &Progress,
        pass: usize,
    ) -> Result<BTreeMap<(Media, Start), Duration>> {
        let mut took = BTreeMap::new();
        let all = self.job.media.iter().flat_map(|media| self.job.sizes.iter().map(move |size| (*media, size)));
        for (media, size) in all.filter(|(media, size)| self.job.everywhere || is_worth_it(*media, size.memory)) {
            progress.say(format!("pass {pass} of {}: {media}, {} MB", self.job.runs, size.memory));
            for (candidate, measured) in self.job.candidates.iter().zip(subjects) {
                if !concerns(candidate.subject.kind, media) {
                    continue;
                }
                for start in [Start::Cold, Start::Warm].into_iter().filter(|start| belongs_to(pass, media, *start)) {
                    let began = Instant::now();
                    if !cells.is_enough(self.job, candidate, media, size.memory, start) {
                        let runs = cells.runs(&candidate.subject.name, media, size.memory, start);
                        self.once_more(candidate, measured, runs, (media, size, start))?;
                    }
                    *took.entry((media, start)).or_default() += began.elapsed();
                }
            }
        }
        Ok(took)
    }

    fn once_more(
        &self,
        candidate: &Candidate,
        measured: &Measured,
        runs: &mut Vec<Run>,
        (media, size, start): (Media, &Size, Start),
    ) -> Result<()> {
        if !goes_on(runs) {
            return Ok(());
        }
        if start == Start::Cold {
            page_cache::forget(&page_cache::files_below(&candidate.brings)?)?;
        }
        runs.push(self.probe(candidate, measured, (Scheme::Https, media), size.groups.clone())?);
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
    fn every_second_pass_has_less() {
        let of = |pass| Media::FUNCTION.map(|media| [Start::Cold, Start::Warm].map(|it| belongs_to(pass, media, it)));
        assert!(of(1).concat().into_iter().all(|is| is));
        assert_eq!(of(2).concat().into_iter().filter(|is| *is).count(), 3);
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
