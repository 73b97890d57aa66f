//! What came of a benchmark: every single run.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::log::Served;
use crate::machine::Facts;
use crate::measured::{Cost, End};
use crate::media::{Media, MediaFiles};
use crate::statistics::median;
use crate::subject::Subject;
use xtask::model::Sha256;

/// Everything.
#[derive(Debug, Clone)]
pub struct Results {
    /// 1.
    pub format: u32,
    /// What was called.
    pub command: String,
    /// Where, when the machine was how busy, and through what network.
    pub facts: Facts,
    /// The files that were probed.
    pub media: MediaFiles,
    /// What was measured.
    pub subjects: Vec<Measured>,
    /// Every combination of subject, file, scheme and round trip.
    pub cells: Vec<Cell>,
}

/// A subject and how it starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Measured {
    /// What it is.
    pub subject: Subject,
    /// How it crashed when the server was called by its name; it was then given the server's address instead.
    pub crashes_on_host_names: Option<String>,
    /// What came of https with nothing configured, if it must be told by an option where the machine's certificates
    /// are; it was then told.
    pub finds_no_certificates: Option<String>,
    /// Telling the version with nothing of it in memory; empty where the benchmark may not drop the kernel's caches.
    pub cold: Vec<Cost>,
    /// Telling the version right afterwards.
    pub warm: Vec<Cost>,
}

/// http or https.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// In the clear.
    Http,
    /// By TLS.
    Https,
}

/// How the server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Way {
    /// By which scheme.
    pub scheme: Scheme,
    /// Milliseconds to the server and back.
    pub round_trip_ms: u32,
}

/// One subject, one file, one way to the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cell {
    /// The subject's name.
    pub subject: String,
    /// The file.
    pub media: Media,
    /// The way.
    pub way: Way,
    /// Every run, in order.
    pub runs: Vec<Run>,
}

/// One run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Run {
    /// What came of it.
    pub outcome: Outcome,
    /// Of what it told of the file.
    pub answer: Option<Sha256>,
    /// What it cost the machine.
    pub cost: Cost,
    /// What it cost the server.
    pub served: Served,
    /// The last thing it said on stderr, if it gave no answer.
    pub said: Option<String>,
}

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It told of the file.
    Answered,
    /// It ended by this signal.
    Crashed(i32),
    /// It ended with this exit code.
    Failed(i32),
    /// It ended as if all was well, but told nothing.
    Silent,
    /// It had not ended when its time was up.
    TimedOut,
}

impl Outcome {
    /// What an end and an answer come to.
    pub fn of(end: End, answered: bool) -> Outcome {
        match end {
            End::Timeout => Outcome::TimedOut,
            End::Signal(signal) => Outcome::Crashed(signal),
            End::Exit(0) if answered => Outcome::Answered,
            End::Exit(0) => Outcome::Silent,
            End::Exit(code) => Outcome::Failed(code),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Answered => f.pad("answered"),
            Outcome::Crashed(11) => f.pad("crash (SIGSEGV)"),
            Outcome::Crashed(6) => f.pad("crash (SIGABRT)"),
            Outcome::Crashed(signal) => f.pad(&format!("crash (signal {signal})")),
            Outcome::Failed(code) => f.pad(&format!("error (exit {code})")),
            Outcome::Silent => f.pad("no answer"),
            Outcome::TimedOut => f.pad("no end in time"),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        f.pad(&format!("{scheme}, {} ms", self.round_trip_ms))
    }
}

impl Way {
    /// The round trip.
    pub fn round_trip(&self) -> Duration {
        Duration::from_millis(self.round_trip_ms.into())
    }
}

/// A number of a run that medians are taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Milliseconds from start to end.
    Wall,
    /// Milliseconds of processor time.
    Cpu,
    /// The most memory, in megabytes of a million bytes.
    Memory,
    /// How often it waited for the disk.
    MajorFaults,
    /// Connections.
    Connections,
    /// Requests.
    Requests,
    /// Megabytes that the server sent.
    Served,
}

impl Run {
    /// That number of it.
    pub fn get(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Wall => wall_ms(&self.cost),
            Measure::Cpu => (self.cost.user_us + self.cost.system_us) as f64 / 1e3,
            Measure::Memory => self.cost.peak_kib as f64 * 1024.0 / 1e6,
            Measure::MajorFaults => self.cost.major_faults as f64,
            Measure::Connections => self.served.connections as f64,
            Measure::Requests => self.served.requests as f64,
            Measure::Served => self.served.bytes as f64 / 1e6,
        }
    }
}

/// Milliseconds from start to end.
pub fn wall_ms(cost: &Cost) -> f64 {
    cost.wall_us as f64 / 1e3
}

impl Cell {
    /// The median over all runs; or, if one did not answer, what came of it.
    pub fn median(&self, measure: Measure) -> Result<f64, Outcome> {
        match self.runs.iter().find(|run| run.outcome != Outcome::Answered) {
            Some(run) => Err(run.outcome),
            None => median(self.runs.iter().map(|run| run.get(measure))).ok_or(Outcome::Silent),
        }
    }
}

impl Results {
    /// A cell, if it was measured.
    pub fn cell(&self, subject: &str, media: Media, way: Way) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.subject == subject && cell.media == media && cell.way == way)
    }

    /// The subjects that probed a file.
    pub fn probing(&self, media: Media) -> impl Iterator<Item = &Measured> {
        let cell = move |name: &str| self.cells.iter().any(|cell| cell.media == media && cell.subject == name);
        self.subjects.iter().filter(move |measured| cell(&measured.subject.name))
    }

    /// The files of which there are results, in their order.
    pub fn media(&self) -> Vec<Media> {
        Media::ALL.into_iter().filter(|media| self.cells.iter().any(|cell| cell.media == *media)).collect()
    }

    /// The ways in which a file was probed, in their order.
    pub fn ways(&self, media: Media) -> Vec<Way> {
        let mut ways: Vec<_> = self.cells.iter().filter(|cell| cell.media == media).map(|cell| cell.way).collect();
        ways.sort();
        ways.dedup();
        ways
    }
}
