//! What came of it: every run, and what a cloud would bill for it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::machine::Facts;
use crate::media::{Media, MediaFiles};
use crate::results::{Measure, Measured, Outcome, Run};
use crate::statistics::median;
use crate::summary::Summary;

/// Everything.
#[derive(Debug, Clone)]
pub struct Results {
    /// 1.
    pub format: u32,
    /// What was called.
    pub command: String,
    /// Where, when the machine was how busy, and through what network.
    pub facts: Facts,
    /// What functions have.
    pub conditions: Conditions,
    /// The files that were probed.
    pub media: MediaFiles,
    /// What was measured.
    pub subjects: Vec<Measured>,
    /// Every combination of subject, file, size and start.
    pub cells: Vec<Cell>,
}

/// What functions have.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Conditions {
    /// Milliseconds to the server and back.
    pub round_trip_ms: u64,
    /// Milliseconds from a request to the first byte of its answer.
    pub wait_ms: u64,
    /// Bytes of an answer that come in a second.
    pub bytes_per_second: u64,
    /// How often the share of a core is granted anew, in microseconds.
    pub period_us: u64,
    /// MB for which there is a whole core.
    pub whole_core_mb: u64,
    /// How far the disk reads ahead, in KB.
    pub read_ahead_kb: Option<u64>,
}

/// What the process in the room gives back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Findings {
    /// The subjects.
    pub subjects: Vec<Measured>,
    /// How they probe.
    pub cells: Vec<Cell>,
}

/// What of a program is in memory when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Nothing that the function brings along.
    Cold,
    /// What the run before has left there.
    Warm,
}

/// One subject, one file, one size of function, one kind of start.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cell {
    /// The subject's name.
    pub subject: String,
    /// The file.
    pub media: Media,
    /// The function's memory, in MB.
    pub memory_mb: u32,
    /// How it starts.
    pub start: Start,
    /// Every run, in order.
    pub runs: Vec<Run>,
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Start::Cold => "cold",
            Start::Warm => "warm",
        })
    }
}

impl Cell {
    /// The median over all runs; or, if one did not answer, what came of it.
    pub fn median(&self, measure: Measure) -> Result<f64, Outcome> {
        match self.runs.iter().find(|run| run.outcome != Outcome::Answered) {
            Some(run) => Err(run.outcome),
            None => median(self.runs.iter().map(|run| run.get(measure))).ok_or(Outcome::Silent),
        }
    }

    /// Milliseconds that are billed for a probe: begun ones count.
    pub fn billed_ms(&self) -> Result<f64, Outcome> {
        self.median(Measure::Wall).map(f64::ceil)
    }

    /// What is billed for a thousand probes, in seconds of a gigabyte (1024 MB).
    pub fn gigabyte_seconds(&self) -> Result<f64, Outcome> {
        // A thousand probes make seconds of milliseconds.
        self.billed_ms().map(|millis| millis * f64::from(self.memory_mb) / 1024.0)
    }
}

impl Results {
    /// A cell, if it was measured.
    pub fn cell(&self, subject: &str, media: Media, memory: u32, start: Start) -> Option<&Cell> {
        self.cells
            .iter()
            .find(|cell| (cell.media, cell.memory_mb, cell.start) == (media, memory, start) && cell.subject == subject)
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

    /// The sizes of functions in which a file was probed, the smallest first.
    pub fn sizes(&self, media: Media) -> Vec<u32> {
        let mut sizes: Vec<_> =
            self.cells.iter().filter(|cell| cell.media == media).map(|cell| cell.memory_mb).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// How often each subject was run.
    pub fn runs(&self) -> usize {
        self.cells.iter().map(|cell| cell.runs.len()).max().unwrap_or(0)
    }
}

/// A cell. Numbers are medians over the runs; none where one did not answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line<'a> {
    subject: &'a str,
    media: Media,
    memory_mb: u32,
    start: Start,
    /// What came of the runs: of the first that did not answer, if there is one.
    outcome: String,
    /// Of each run, in order.
    wall_us: Vec<u64>,
    billed_ms: Option<f64>,
    gigabyte_seconds_per_thousand: Option<f64>,
    cpu_ms: Option<f64>,
    peak_mb: Option<f64>,
    major_faults: Option<f64>,
    requests: Option<f64>,
    served_mb: Option<f64>,
}

/// What of these results is kept in `docs/benchmark/function.json`: all that the tables are made of, and each run's time.
pub fn summary(results: &Results) -> Summary<'_, Conditions, Line<'_>> {
    let Results { format, command, facts, conditions, media, subjects, cells } = results;
    let cells = cells.iter().map(Line::of).collect();
    Summary { format: *format, command, facts, conditions: Some(conditions), media, subjects, cells }
}

impl<'a> Line<'a> {
    fn of(cell: &'a Cell) -> Line<'a> {
        let number = |measure| cell.median(measure).ok();
        Line {
            subject: &cell.subject,
            media: cell.media,
            memory_mb: cell.memory_mb,
            start: cell.start,
            outcome: cell.median(Measure::Wall).err().unwrap_or(Outcome::Answered).to_string(),
            wall_us: cell.runs.iter().map(|run| run.cost.wall_us).collect(),
            billed_ms: cell.billed_ms().ok(),
            gigabyte_seconds_per_thousand: cell.gigabyte_seconds().ok(),
            cpu_ms: number(Measure::Cpu),
            peak_mb: number(Measure::Memory),
            major_faults: number(Measure::MajorFaults),
            requests: number(Measure::Requests),
            served_mb: number(Measure::Served),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn begun_milliseconds_are_billed() {
        let mut runs = sample::results().cells[0].runs.clone();
        runs.iter_mut().for_each(|run| run.cost.wall_us = 100_001);
        let cell = Cell { subject: String::new(), media: Media::Mp4End, memory_mb: 128, start: Start::Warm, runs };
        assert_eq!(cell.billed_ms(), Ok(101.0));
        assert_eq!(cell.gigabyte_seconds(), Ok(12.625));
        assert_eq!(Line::of(&cell).gigabyte_seconds_per_thousand, Some(12.625));
    }
}
