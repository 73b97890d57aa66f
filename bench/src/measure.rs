//! The measuring itself: every subject in turn, again and again, in the closed room.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::launch;
use crate::log;
use crate::measured::Cost;
use crate::media::Media;
use crate::nginx::{self, Nginx};
use crate::peers::Kind;
use crate::results::{Cell, Measured, Run, Scheme, Way};
use crate::room::{self, Networks};
use crate::runner::{self, RunOptions, Runner, goes_on};
use crate::subject::Candidate;
use xtask::pack::landing::land_text;
use xtask::ui::Ui;

/// What is to be measured, as the process in the room reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// The subjects.
    pub candidates: Vec<Candidate>,
    /// The files.
    pub media: Vec<Media>,
    /// The server.
    pub nginx: Nginx,
    /// How often each subject is run.
    pub runs: usize,
    /// Where everything of this run may be written.
    pub folder: PathBuf,
}

/// What the process in the room gives back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Findings {
    /// The subjects, with how they start.
    pub subjects: Vec<Measured>,
    /// How they probe.
    pub cells: Vec<Cell>,
}

/// The word that makes this program the one in the room.
pub const WORD: &str = "bench-probe-room";

/// The line's rate, in bits per second.
pub const RATE: u64 = 400_000_000;

/// The ways in which a file is probed: the films of which anything is claimed in every way, the rest nearby. All of it
/// in every way would take half an hour, most of it waiting at 80 ms.
pub fn ways(media: Media) -> Vec<Way> {
    let way = |(scheme, round_trip_ms)| Way { scheme, round_trip_ms };
    let near = [(Scheme::Http, 20), (Scheme::Https, 0), (Scheme::Https, 20)];
    let far = [(Scheme::Http, 0), (Scheme::Http, 80), (Scheme::Https, 80)];
    let mut ways: Vec<_> = near.map(way).into();
    if matches!(media, Media::Mp4End | Media::Mp4Front) {
        ways.extend(far.map(way));
    }
    ways.sort();
    ways
}

/// Whether a subject of this kind probes such a file. The Python module reads with the same library as the program, so
/// what tells them apart is seen on the largest files.
fn concerns(kind: Kind, media: Media) -> bool {
    kind != Kind::Pymediainfo || matches!(media, Media::Mp4End | Media::Mp4Front)
}

/// The work of the process in the room.
///
/// # Errors
/// Where something cannot be measured at all; what subjects do wrong is a finding.
pub fn main(job: &Path, ui: &Ui) -> Result<()> {
    let text = fs::read(job).with_context(|| format!("cannot read `{}`", job.display()))?;
    let job: Job = serde_json::from_slice(&text).context("the job is broken")?;
    let runner = Runner::new(&job.folder);
    room::introduce(nginx::NAME, &job.nginx.authority, &job.folder)?;
    let bench = Bench { job: &job, ui, runner };
    // Before there is a server, which shares libraries with some subjects and would keep them in memory.
    let started = bench.starts()?;
    let networks = Networks::make(&job.folder, RATE)?;
    let _server = job.nginx.start()?;
    let mut subjects = Vec::new();
    for (candidate, (cold, warm)) in job.candidates.iter().zip(started) {
        let subject = candidate.subject.clone();
        let mut measured = Measured { subject, crashes_on_host_names: None, finds_no_certificates: None, cold, warm };
        let probe = |measured: &Measured, scheme| {
            let way = Way { scheme, round_trip_ms: 0 };
            bench.probe(candidate, measured, Media::Mp4Front, way, None).map(|run| run.outcome)
        };
        runner::find_out_what_it_needs(&mut measured, ui, probe)?;
        subjects.push(measured);
    }
    let mut cells = Vec::new();
    for media in job.media.iter().copied() {
        for way in ways(media) {
            let network = networks.with_round_trip(way.round_trip())?;
            cells.extend(bench.cells(&subjects, media, way, network.as_deref())?);
        }
    }
    let findings = Findings { subjects, cells };
    land_text(&job.folder.join("findings.json"), &serde_json::to_string(&findings)?)
}

struct Bench<'a> {
    job: &'a Job,
    ui: &'a Ui,
    runner: Runner,
}

impl Bench<'_> {
    /// How every subject starts, cold and warm.
    fn starts(&self) -> Result<Vec<(Vec<Cost>, Vec<Cost>)>> {
        let _progress = self.ui.busy("starting every subject, cold and warm");
        let mut costs = vec![(Vec::new(), Vec::new()); self.job.candidates.len()];
        let may_be_cold = launch::may_drop_caches();
        if !may_be_cold {
            self.ui.warn("only the machine's superuser may drop the kernel's caches: there are no cold starts");
        }
        for _ in 0..self.job.runs {
            for (candidate, (cold, warm)) in self.job.candidates.iter().zip(&mut costs) {
                if may_be_cold {
                    cold.push(self.start(candidate, true)?);
                }
                // The second start after a cold one may still read what the first left out.
                if !may_be_cold || warm.is_empty() {
                    self.start(candidate, false)?;
                }
                warm.push(self.start(candidate, false)?);
            }
        }
        Ok(costs)
    }

    fn start(&self, candidate: &Candidate, cold: bool) -> Result<Cost> {
        let options = RunOptions { cold, ..RunOptions::default() };
        self.runner.run(candidate, candidate.call.for_version(), options)
    }

    /// All subjects on one file and one way.
    fn cells(&self, subjects: &[Measured], media: Media, way: Way, network: Option<&Path>) -> Result<Vec<Cell>> {
        let _progress = self.ui.busy(&format!("{media}: {way}"));
        let mut runs: BTreeMap<&str, Vec<Run>> = BTreeMap::new();
        for _ in 0..self.job.runs {
            for (candidate, measured) in self.job.candidates.iter().zip(subjects) {
                if !concerns(candidate.subject.kind, media) {
                    continue;
                }
                let runs = runs.entry(&candidate.subject.name).or_default();
                if !goes_on(runs) {
                    continue;
                }
                runs.push(self.probe(candidate, measured, media, way, network)?);
            }
        }
        let cells = subjects.iter().filter_map(|measured| {
            let subject = measured.subject.name.clone();
            let runs = runs.remove(subject.as_str())?;
            Some(Cell { subject, media, way, runs })
        });
        Ok(cells.collect())
    }

    /// One run of a subject on a URL, told what it needs.
    fn probe(
        &self,
        candidate: &Candidate,
        measured: &Measured,
        media: Media,
        way: Way,
        network: Option<&Path>,
    ) -> Result<Run> {
        let url = url(media, way, measured.crashes_on_host_names.is_some());
        let told = way.scheme == Scheme::Https && measured.finds_no_certificates.is_some();
        let argv = candidate.call.for_url(&url, told.then_some(room::CERTIFICATES));
        let position = log::end(&self.job.nginx.log);
        let options = RunOptions { network: network.map(Path::to_owned), ..RunOptions::default() };
        let cost = self.runner.run(candidate, argv, options)?;
        room::wait_for_silence(match way.scheme {
            Scheme::Http => nginx::HTTP,
            Scheme::Https => nginx::HTTPS,
        })?;
        let served = log::since(&self.job.nginx.log, position)?;
        Ok(self.runner.judge(candidate.subject.kind, cost, served))
    }
}

fn url(media: Media, way: Way, by_address: bool) -> String {
    let host = if by_address { room::SERVER.to_string() } else { nginx::NAME.to_owned() };
    match way.scheme {
        Scheme::Http => format!("http://{host}:{}/{}", nginx::HTTP, media.path()),
        Scheme::Https => format!("https://{host}:{}/{}", nginx::HTTPS, media.path()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_probed_where_everything_is_shown() {
        for media in Media::ALL {
            assert!(ways(media).contains(&crate::markdown::TYPICAL), "{media}");
        }
        assert_eq!(ways(Media::Mp4End).len(), 6);
    }

    #[test]
    fn urls_name_the_server_or_its_address() {
        let way = Way { scheme: Scheme::Https, round_trip_ms: 0 };
        assert_eq!(url(Media::Mp3, way, false), "https://media.test:8443/sound.mp3");
        assert_eq!(url(Media::Mp3, Way { scheme: Scheme::Http, ..way }, true), "http://10.77.0.1:8080/sound.mp3");
    }
}
