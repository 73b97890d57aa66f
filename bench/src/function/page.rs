//! The results as tables for a reader.

use std::fmt::Write as _;

use anyhow::Result;

use super::results::{Cell, Results, Start};
use crate::markdown::{header, introduce, row, subjects};
use crate::media::Media;
use crate::peers::Kind;
use crate::results::{Measure, Measured, Outcome};
use crate::statistics::spread;
use crate::subject::Role;

/// The whole page.
pub fn render(results: &Results) -> Result<String> {
    let mut text = String::from("# What a probe costs a function\n\n");
    introduction(&mut text, results)?;
    for media in results.media() {
        let size = results.media.files.get(media.path()).map_or(0, |file| file.size);
        writeln!(text, "\n## {media} ({:.2} MB)\n\n{}\n", size as f64 / 1e6, media.content())?;
        times(&mut text, results, media)?;
        bill(&mut text, results, media)?;
    }
    comparison(&mut text, results)?;
    subjects(&mut text, &results.subjects)?;
    Ok(text)
}

fn introduction(text: &mut String, results: &Results) -> Result<()> {
    let Results { facts, conditions, .. } = results;
    writeln!(
        text,
        "Made by `{}`. Medians, every subject in turn: of {} runs for warm starts on the two films in mp4 and the photo, of {} \
         for all else, of 2 for peers that take twice as long as the fastest one of their kind. Machine: {}, {} cores, {} MiB; Linux {}, {}; load before: {}.\n",
        results.command,
        results.runs(),
        results.runs().div_ceil(2),
        facts.processor,
        facts.cores,
        facts.memory_mib,
        facts.kernel,
        facts.system,
        facts.load_before
    )?;
    writeln!(
        text,
        "A function with {} MB has a whole core, one with less its share of that: control groups grant it anew every {} ms, \
         and limit memory. Subjects run on a core that they do not share with the server. \"Cold\" means that the program \
         and what else a function brings along for it were dropped from the kernel's memory first (libc and Python, which \
         the runtime has in memory, were not){}; \"warm\" that they were not.\n",
        conditions.whole_core_mb,
        conditions.period_us / 1000,
        conditions.read_ahead_kb.map_or_else(String::new, |kb| format!("; the disk reads {kb} KB ahead"))
    )?;
    writeln!(
        text,
        "Server: {}. It waits {} ms before each answer and sends {} MB/s on each connection. Network: {}; {} ms round trip; \
         congestion control {}. Files by {}.\n",
        facts.server,
        conditions.wait_ms,
        conditions.bytes_per_second / 1_000_000,
        facts.network,
        conditions.round_trip_ms,
        facts.congestion_control,
        results.media.encoder
    )?;
    writeln!(
        text,
        "Milliseconds are those of one probe, from the start of the program to its end. GB-seconds are what a cloud bills for \
         a thousand of them: memory in units of 1024 MB, times begun milliseconds. Bold is ours; a subject that does not \
         answer is shown with what came of it."
    )?;
    introduce(text, &results.subjects)
}

fn times(text: &mut String, results: &Results, media: Media) -> Result<()> {
    let columns = columns(results, media);
    let heads: Vec<_> = columns.iter().map(|(memory, start)| format!("{memory} MB {start}")).collect();
    header(text, "milliseconds", &heads)?;
    for measured in results.probing(media) {
        let cells = columns.iter().map(|(memory, start)| {
            let cell = results.cell(&measured.subject.name, media, *memory, *start);
            shown(cell.map(|cell| cell.median(Measure::Wall)), 0)
        });
        row(text, measured, cells)?;
    }
    Ok(())
}

fn bill(text: &mut String, results: &Results, media: Media) -> Result<()> {
    let sizes = results.sizes(media);
    let Some(smallest) = sizes.first() else { return Ok(()) };
    let mut heads: Vec<_> = sizes.iter().map(|memory| format!("GB-s at {memory} MB")).collect();
    let of_smallest = ["CPU ms", "CPU ms cold", "peak MB", "requests", "MB served", "± %"];
    heads.extend(of_smallest.map(str::to_owned));
    writeln!(text)?;
    header(text, &format!("warm; from CPU on at {smallest} MB"), &heads)?;
    for measured in results.probing(media) {
        let name = &measured.subject.name;
        let cell = |memory: u32, start| results.cell(name, media, memory, start);
        let billed = |memory: &u32| shown(cell(*memory, Start::Warm).map(Cell::gigabyte_seconds), 1);
        let mut cells: Vec<_> = sizes.iter().map(billed).collect();
        let warm = cell(*smallest, Start::Warm);
        let number = |cell: Option<&Cell>, measure, digits| shown(cell.map(|cell| cell.median(measure)), digits);
        let answering = warm.filter(|cell| cell.median(Measure::Wall).is_ok());
        let scatter = answering.and_then(|cell| spread(cell.runs.iter().map(|run| run.get(Measure::Wall))));
        let is_crash = warm.is_some_and(|cell| cell.median(Measure::Wall).is_err());
        if is_crash {
            // Said once per row is enough.
            row(text, measured, std::iter::repeat_n("–".to_owned(), heads.len()))?;
            continue;
        }
        cells.extend([
            number(warm, Measure::Cpu, 0),
            number(cell(*smallest, Start::Cold), Measure::Cpu, 0),
            number(warm, Measure::Memory, 1),
            number(warm, Measure::Requests, 0),
            number(warm, Measure::Served, 2),
            scatter.map_or_else(|| "–".to_owned(), |share| format!("{:.1}", share * 100.0)),
        ]);
        row(text, measured, cells.into_iter())?;
    }
    Ok(())
}

/// Sizes and starts in the order in which they are shown: all warm ones first.
fn columns(results: &Results, media: Media) -> Vec<(u32, Start)> {
    let sizes = results.sizes(media);
    [Start::Warm, Start::Cold].into_iter().flat_map(|start| sizes.iter().map(move |memory| (*memory, start))).collect()
}

/// A number, or what came of the runs instead.
fn shown(value: Option<Result<f64, Outcome>>, digits: usize) -> String {
    match value {
        Some(Ok(value)) => format!("{value:.digits$}"),
        Some(Err(outcome)) => outcome.to_string(),
        None => "–".to_owned(),
    }
}

/// Our times as shares of the best peer's.
fn comparison(text: &mut String, results: &Results) -> Result<()> {
    let mut sizes: Vec<_> = results.media().into_iter().flat_map(|media| results.sizes(media)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut lines = String::new();
    for media in results.media() {
        for ours in results.probing(media).filter(|measured| measured.subject.role == Role::Ours) {
            for start in [Start::Warm, Start::Cold] {
                let shares: Vec<_> = sizes.iter().map(|memory| share(results, ours, media, *memory, start)).collect();
                if shares.iter().any(Option::is_some) {
                    let shares = shares.into_iter().map(|share| share.unwrap_or_else(|| "–".to_owned()));
                    let shares = shares.collect::<Vec<_>>().join(" | ");
                    writeln!(lines, "| {media} | {start} | {} | {shares} |", ours.subject.name)?;
                }
            }
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    let heads = sizes.iter().map(|memory| format!("{memory} MB")).collect::<Vec<_>>().join(" | ");
    writeln!(text, "\n## Beside the best peer of its kind\n\nOur time as a share of the time of the fastest peer.\n")?;
    writeln!(text, "| file | start | ours | {heads} |\n|---|---|---|{}", "---:|".repeat(sizes.len()))?;
    *text += &lines;
    Ok(())
}

/// Our time as a share of the best peer's, if both answered.
fn share(results: &Results, ours: &Measured, media: Media, memory: u32, start: Start) -> Option<String> {
    let wall = |name: &str| results.cell(name, media, memory, start)?.median(Measure::Wall).ok();
    let is_peer = |kind: Kind, it: &Measured| it.subject.kind == kind && it.subject.role == Role::Peer;
    let peers = results.subjects.iter().filter(|it| is_peer(ours.subject.kind, it));
    let best = peers.filter_map(|peer| wall(&peer.subject.name)).min_by(f64::total_cmp)?;
    Some(format!("{:.2}", wall(&ours.subject.name)? / best))
}

#[cfg(test)]
pub mod tests {
    use super::super::results::Conditions;
    use super::*;
    use crate::sample;

    /// What the sample of `bench probe` found over https, as if it had been in two functions.
    pub fn results() -> Results {
        let sample = sample::results();
        let own = sample.cells.iter().filter(|cell| cell.way == crate::markdown::TYPICAL);
        let cells = own.flat_map(|cell| {
            [(128, Start::Cold, 4), (128, Start::Warm, 4), (1769, Start::Cold, 1), (1769, Start::Warm, 1)].map(
                |(memory_mb, start, times)| {
                    let mut runs = cell.runs.clone();
                    runs.iter_mut().for_each(|run| run.cost.wall_us *= times);
                    Cell { subject: cell.subject.clone(), media: cell.media, memory_mb, start, runs }
                },
            )
        });
        let conditions = Conditions {
            round_trip_ms: 1,
            wait_ms: 30,
            bytes_per_second: 90_000_000,
            period_us: 20_000,
            whole_core_mb: 1769,
            read_ahead_kb: Some(128),
        };
        Results {
            format: 1,
            command: "cargo xtask bench function".to_owned(),
            conditions,
            cells: cells.collect(),
            facts: sample.facts,
            media: sample.media,
            subjects: sample.subjects,
        }
    }

    #[test]
    fn shows_bills_crashes_and_shares() {
        insta::assert_snapshot!(render(&results()).expect("rendered"));
    }
}
