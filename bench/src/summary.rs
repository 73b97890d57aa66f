//! What is kept of a benchmark's results: all that the tables are made of, and each run's time. The lines are those of
//! `docs/benchmark/probe.json`.

use serde::Serialize;

use crate::machine::Facts;
use crate::media::{Media, MediaFiles};
use crate::results::{Cell, Measure, Measured, Outcome, Results, Way};

/// What is kept of a benchmark, with a line for each of its cells.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary<'a, Conditions, Line> {
    pub format: u32,
    pub command: &'a str,
    pub facts: &'a Facts,
    /// Under which all was measured. Probes outside of functions have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<&'a Conditions>,
    pub media: &'a MediaFiles,
    pub subjects: &'a [Measured],
    pub cells: Vec<Line>,
}

/// One subject, one file, one way to the server. Numbers are medians over the runs; none where one did not answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line<'a> {
    subject: &'a str,
    media: Media,
    way: Way,
    /// What came of the runs: of the first that did not answer, if there is one.
    outcome: String,
    /// Of each run, in order.
    wall_us: Vec<u64>,
    cpu_ms: Option<f64>,
    peak_mb: Option<f64>,
    connections: Option<f64>,
    requests: Option<f64>,
    served_mb: Option<f64>,
    /// What the last run asked for; empty where a request named no range.
    ranges: &'a [String],
}

/// What is kept of these results.
pub fn of(results: &Results) -> Summary<'_, (), Line<'_>> {
    let Results { format, command, facts, media, subjects, cells } = results;
    let cells = cells.iter().map(Line::of).collect();
    Summary { format: *format, command, facts, conditions: None, media, subjects, cells }
}

impl<'a> Line<'a> {
    fn of(cell: &'a Cell) -> Line<'a> {
        let median = |measure| cell.median(measure).ok();
        let outcome = cell.median(Measure::Wall).err().unwrap_or(Outcome::Answered).to_string();
        Line {
            subject: &cell.subject,
            media: cell.media,
            way: cell.way,
            outcome,
            wall_us: cell.runs.iter().map(|run| run.cost.wall_us).collect(),
            cpu_ms: median(Measure::Cpu),
            peak_mb: median(Measure::Memory),
            connections: median(Measure::Connections),
            requests: median(Measure::Requests),
            served_mb: median(Measure::Served),
            ranges: cell.runs.last().map_or(&[], |run| &run.served.ranges),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn medians_times_and_crashes_are_kept() {
        let results = sample::results();
        let json = serde_json::to_value(of(&results)).expect("JSON");
        let [ours, crashed] = [&json["cells"][0], &json["cells"][2]];
        assert_eq!(ours["wall-us"], serde_json::json!([99_999, 100_001]));
        assert_eq!((ours["served-mb"].as_f64(), ours["outcome"].as_str()), (Some(2.0), Some("answered")));
        assert_eq!(crashed["outcome"], "crash (SIGSEGV)");
        assert!(crashed["cpu-ms"].is_null());
    }
}
