//! The measuring itself: every subject in turn, again and again, in the closed room.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::launch::{self, Order};
use crate::log;
use crate::measured::{Cost, Program};
use crate::media::Media;
use crate::nginx::{self, Nginx};
use crate::peers::Kind;
use crate::results::{Cell, Measured, Outcome, Run, Scheme, Way};
use crate::room::{self, Networks};
use crate::subject::{Candidate, answer};
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

/// When a run is ended.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often a subject that does not answer is tried in one cell.
const PATIENCE: usize = 2;
/// Where subjects look for certificates if nobody tells them.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

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
    let abandoned = watch();
    let hosts = format!("127.0.0.1 localhost\n{} {}\n", room::SERVER, nginx::NAME);
    room::cover(Path::new("/etc/hosts"), &hosts, &job.folder)?;
    let bundle = fs::read_to_string(CERTIFICATES)
        .with_context(|| format!("cannot read `{CERTIFICATES}`\n\nhint: `apt install ca-certificates`"))?;
    // The machine's certificates stay, as reading all of them is part of what a subject does.
    room::cover(Path::new(CERTIFICATES), &format!("{bundle}\n{}", job.nginx.authority), &job.folder)?;
    let bench = Bench { job: &job, ui, abandoned };
    // Before there is a server, which shares libraries with some subjects and would keep them in memory.
    let started = bench.starts()?;
    let networks = Networks::make(&job.folder)?;
    let _server = job.nginx.start()?;
    let mut subjects = Vec::new();
    for (candidate, (cold, warm)) in job.candidates.iter().zip(started) {
        let subject = candidate.subject.clone();
        let mut measured = Measured { subject, crashes_on_host_names: None, finds_no_certificates: None, cold, warm };
        bench.find_out_what_it_needs(candidate, &mut measured)?;
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

/// Set when whoever started us is gone: our stdin ends with it.
fn watch() -> Arc<AtomicBool> {
    let abandoned = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&abandoned);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        flag.store(true, Ordering::Relaxed);
    });
    abandoned
}

struct Bench<'a> {
    job: &'a Job,
    ui: &'a Ui,
    abandoned: Arc<AtomicBool>,
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
                    cold.push(self.run(candidate, candidate.call.for_version(), None, true)?);
                }
                // The second start after a cold one may still read what the first left out.
                if !may_be_cold || warm.is_empty() {
                    self.run(candidate, candidate.call.for_version(), None, false)?;
                }
                warm.push(self.run(candidate, candidate.call.for_version(), None, false)?);
            }
        }
        Ok(costs)
    }

    /// Finds out whether a subject can do with the server's name and nothing configured, and what else it must be told.
    fn find_out_what_it_needs(&self, candidate: &Candidate, measured: &mut Measured) -> Result<()> {
        let name = &candidate.subject.name;
        let way = |scheme| Way { scheme, round_trip_ms: 0 };
        let outcome = |measured: &Measured, scheme| {
            self.probe(candidate, measured, Media::Mp4Front, way(scheme), None).map(|run| run.outcome)
        };
        if let crash @ Outcome::Crashed(_) = outcome(measured, Scheme::Http)? {
            let told = Measured { crashes_on_host_names: Some(crash.to_string()), ..measured.clone() };
            if outcome(&told, Scheme::Http)? == Outcome::Answered {
                self.ui.note(format!("  {name}: {crash} on a host name, so it is given the address"));
                *measured = told;
            }
        }
        let failure = outcome(measured, Scheme::Https)?;
        if failure != Outcome::Answered {
            let told = Measured { finds_no_certificates: Some(failure.to_string()), ..measured.clone() };
            if outcome(&told, Scheme::Https)? == Outcome::Answered {
                self.ui.note(format!("  {name}: {failure} over https, so it gets the path of the certificates"));
                *measured = told;
            }
        }
        Ok(())
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
        let argv = candidate.call.for_url(&url, told.then_some(CERTIFICATES));
        let position = log::end(&self.job.nginx.log);
        let cost = self.run(candidate, argv, network, false)?;
        room::wait_for_silence(match way.scheme {
            Scheme::Http => nginx::HTTP,
            Scheme::Https => nginx::HTTPS,
        })?;
        let served = log::since(&self.job.nginx.log, position)?;
        let stdout = fs::read(self.job.folder.join("stdout")).unwrap_or_default();
        let answer = answer(candidate.subject.kind, &stdout);
        let outcome = Outcome::of(cost.end, answer.is_some());
        let said = (outcome != Outcome::Answered).then(|| self.said()).flatten();
        Ok(Run { outcome, answer, cost, served, said })
    }

    /// The last line of the last run's stderr, without the folders of this machine.
    fn said(&self) -> Option<String> {
        let stderr = fs::read(self.job.folder.join("stderr")).unwrap_or_default();
        let text = String::from_utf8_lossy(&stderr);
        let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
        let line = line.replace(&self.job.folder.display().to_string(), "…");
        Some(line.chars().take(200).collect())
    }

    fn run(&self, candidate: &Candidate, argv: Vec<OsString>, network: Option<&Path>, cold: bool) -> Result<Cost> {
        ensure!(!self.abandoned.load(Ordering::Relaxed), "stopped");
        let cwd = self.job.folder.join("empty");
        fs::create_dir_all(&cwd).with_context(|| format!("cannot make `{}`", cwd.display()))?;
        let program = Program {
            argv,
            env: candidate.call.env.clone().into_iter().collect(),
            cwd,
            stdout: self.job.folder.join("stdout"),
            stderr: self.job.folder.join("stderr"),
            timeout: TIMEOUT,
        };
        let order = Order { program, network: network.map(Path::to_owned), cold };
        order.send().with_context(|| format!("cannot run `{}`", candidate.subject.name))
    }
}

/// Whether a subject is run once more: one that does not answer would only take everybody's time.
fn goes_on(runs: &[Run]) -> bool {
    let failed = runs.iter().filter(|run| run.outcome != Outcome::Answered).count();
    failed < PATIENCE && !runs.iter().any(|run| run.outcome == Outcome::TimedOut)
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
    use crate::sample;

    #[test]
    fn every_file_is_probed_where_everything_is_shown() {
        for media in Media::ALL {
            assert!(ways(media).contains(&crate::markdown::TYPICAL), "{media}");
        }
        assert_eq!(ways(Media::Mp4End).len(), 6);
    }

    #[test]
    fn who_does_not_answer_is_tried_twice_and_who_does_not_end_once() {
        let run = |outcome| Run { outcome, ..sample::results().cells[0].runs[0].clone() };
        assert!(goes_on(&[]));
        assert!(goes_on(&[run(Outcome::Answered), run(Outcome::Crashed(11))]));
        assert!(!goes_on(&[run(Outcome::Crashed(11)), run(Outcome::Crashed(11))]));
        assert!(!goes_on(&[run(Outcome::TimedOut)]));
    }

    #[test]
    fn urls_name_the_server_or_its_address() {
        let way = Way { scheme: Scheme::Https, round_trip_ms: 0 };
        assert_eq!(url(Media::Mp3, way, false), "https://media.test:8443/sound.mp3");
        assert_eq!(url(Media::Mp3, Way { scheme: Scheme::Http, ..way }, true), "http://10.77.0.1:8080/sound.mp3");
    }
}
