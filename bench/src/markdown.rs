//! The results as tables for a reader.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;

use crate::measured::{Cost, End};
use crate::media::Media;
use crate::peers::Kind;
use crate::results::{Cell, Measure, Measured, Results, Scheme, Way, wall_ms};
use crate::statistics::{median, spread};
use crate::subject::Role;

/// The way of which everything is shown: what a function sees of a bucket in its own region, and a little worse.
pub const TYPICAL: Way = Way { scheme: Scheme::Https, round_trip_ms: 20 };

/// How much slower than stock counts as slower.
const TOLERANCE: f64 = 1.05;

/// The whole page.
pub fn render(results: &Results) -> Result<String> {
    let mut text = String::from("# Probing media by URL: our layers beside their peers\n\n");
    introduction(&mut text, results)?;
    for media in results.media() {
        let size = results.media.files.get(media.path()).map_or(0, |file| file.size);
        writeln!(text, "\n## {media} ({:.1} MB)\n\n{}\n", size as f64 / 1e6, media.content())?;
        times(&mut text, results, media)?;
        costs(&mut text, results, media)?;
    }
    comparisons(&mut text, results)?;
    starts(&mut text, results)?;
    subjects(&mut text, &results.subjects)?;
    Ok(text)
}

fn introduction(text: &mut String, results: &Results) -> Result<()> {
    let facts = &results.facts;
    let runs = results.cells.iter().map(|cell| cell.runs.len()).max().unwrap_or(0);
    writeln!(
        text,
        "Made by `{}`. Medians of {runs} runs, every subject in turn. Machine: {}, {} cores, {} MiB; Linux {}, {}; load before: {}.\n",
        results.command, facts.processor, facts.cores, facts.memory_mib, facts.kernel, facts.system, facts.load_before
    )?;
    writeln!(
        text,
        "Server: {}, files by {}. Network: {}; congestion control {}. Bytes are those of answers as the server handed \
         them to its kernel: after a client hangs up, some were still on their way. Bold is ours; a subject that does \
         not answer is shown with what came of it.",
        facts.server, results.media.encoder, facts.network, facts.congestion_control
    )?;
    introduce(text, &results.subjects)
}

/// Says which subjects had to be told something, and what.
pub fn introduce(text: &mut String, subjects: &[Measured]) -> Result<()> {
    for measured in subjects {
        if let Some(crash) = &measured.crashes_on_host_names {
            let name = &measured.subject.name;
            write!(text, "\n`{name}`: {crash} on a host name. Its numbers are with the server's IP address.\n")?;
        }
        if let Some(failure) = &measured.finds_no_certificates {
            let name = &measured.subject.name;
            let told = "Its numbers over https are with an option that names the machine's certificates";
            write!(text, "\n`{name}`: {failure} over https with nothing configured. {told}.\n")?;
        }
    }
    Ok(())
}

fn times(text: &mut String, results: &Results, media: Media) -> Result<()> {
    let ways = results.ways(media);
    let heads = ways.iter().map(|way| format!("{way}")).collect::<Vec<_>>();
    header(text, "milliseconds", &heads)?;
    for measured in results.probing(media) {
        let cells = ways.iter().map(|way| shown(results.cell(&measured.subject.name, media, *way), Measure::Wall, 0));
        row(text, measured, cells)?;
    }
    Ok(())
}

fn costs(text: &mut String, results: &Results, media: Media) -> Result<()> {
    writeln!(text)?;
    let heads = ["CPU ms", "peak MB", "connections", "requests", "MB served", "± %"].map(str::to_owned);
    header(text, &TYPICAL.to_string(), &heads)?;
    for measured in results.probing(media) {
        let cell = results.cell(&measured.subject.name, media, TYPICAL);
        let answering = cell.filter(|cell| cell.median(Measure::Wall).is_ok());
        let scatter = answering.and_then(|cell| spread(cell.runs.iter().map(|run| run.get(Measure::Wall))));
        let cells = [
            shown(cell, Measure::Cpu, 0),
            shown(cell, Measure::Memory, 1),
            shown(cell, Measure::Connections, 0),
            shown(cell, Measure::Requests, 0),
            shown(cell, Measure::Served, 2),
            scatter.map_or_else(|| "–".to_owned(), |share| format!("{:.1}", share * 100.0)),
        ];
        row(text, measured, cells.into_iter())?;
    }
    Ok(())
}

/// A median, or what came of the runs instead.
fn shown(cell: Option<&Cell>, measure: Measure, digits: usize) -> String {
    match cell.map(|cell| cell.median(measure)) {
        Some(Ok(value)) => format!("{value:.digits$}"),
        // Said once per row is enough.
        Some(Err(outcome)) if measure == Measure::Wall => outcome.to_string(),
        Some(Err(_)) | None => "–".to_owned(),
    }
}

fn comparisons(text: &mut String, results: &Results) -> Result<()> {
    let mut best = String::new();
    for media in results.media() {
        for way in results.ways(media) {
            for kind in Kind::ALL {
                best_peer(&mut best, results, media, way, kind)?;
            }
        }
    }
    if !best.is_empty() {
        writeln!(text, "\n## Beside the best peer of its kind\n\n| file | way | ours | best peer | of its time |")?;
        write!(text, "|---|---|---|---|---:|\n{best}")?;
    }
    let stock: Vec<_> = results.subjects.iter().filter(|measured| measured.subject.role == Role::Stock).collect();
    if stock.is_empty() {
        return Ok(());
    }
    writeln!(text, "\n## Beside stock builds of the same version\n")?;
    let (mut slower, mut different) = (String::new(), String::new());
    for stock in stock {
        for ours in of(results, stock.subject.kind, Role::Ours) {
            slower_than_stock(&mut slower, results, ours, stock)?;
            different_from_stock(&mut different, results, ours, stock)?;
        }
    }
    match slower.is_empty() {
        true => writeln!(text, "Nowhere slower by more than 5 %.")?,
        false => write!(text, "Slower by more than 5 %:\n\n{slower}")?,
    }
    match different.is_empty() {
        true => writeln!(text, "\nEvery answer is the same, field by field.")?,
        false => write!(text, "\nAnswers that are not the same:\n\n{different}")?,
    }
    Ok(())
}

fn of(results: &Results, kind: Kind, role: Role) -> impl Iterator<Item = &Measured> {
    results.subjects.iter().filter(move |it| it.subject.kind == kind && it.subject.role == role)
}

fn wall(results: &Results, measured: &Measured, media: Media, way: Way) -> Option<f64> {
    results.cell(&measured.subject.name, media, way)?.median(Measure::Wall).ok()
}

fn best_peer(text: &mut String, results: &Results, media: Media, way: Way, kind: Kind) -> Result<()> {
    let peers = of(results, kind, Role::Peer).filter_map(|peer| Some((peer, wall(results, peer, media, way)?)));
    let Some((peer, best)) = peers.min_by(|a, b| a.1.total_cmp(&b.1)) else { return Ok(()) };
    for ours in of(results, kind, Role::Ours) {
        if let Some(own) = wall(results, ours, media, way) {
            let (own_name, name) = (&ours.subject.name, &peer.subject.name);
            writeln!(text, "| {media} | {way} | {own_name} {own:.0} ms | {name} {best:.0} ms | {:.2} |", own / best)?;
        }
    }
    Ok(())
}

fn slower_than_stock(text: &mut String, results: &Results, ours: &Measured, stock: &Measured) -> Result<()> {
    for media in results.media() {
        for way in results.ways(media) {
            let (own, other) = (wall(results, ours, media, way), wall(results, stock, media, way));
            if let (Some(own), Some(other)) = (own, other)
                && own > other * TOLERANCE
            {
                let (ours, stock) = (&ours.subject.name, &stock.subject.name);
                writeln!(text, "- {media}, {way}: `{ours}` {own:.0} ms, `{stock}` {other:.0} ms")?;
            }
        }
    }
    Ok(())
}

fn different_from_stock(text: &mut String, results: &Results, ours: &Measured, stock: &Measured) -> Result<()> {
    for media in results.media() {
        for way in results.ways(media) {
            let cells = [ours, stock].map(|it| results.cell(&it.subject.name, media, way));
            let answers: BTreeSet<_> =
                cells.into_iter().flatten().flat_map(|cell| &cell.runs).filter_map(|run| run.answer.as_ref()).collect();
            if answers.len() > 1 {
                writeln!(text, "- {media}, {way}: `{}` and `{}`", ours.subject.name, stock.subject.name)?;
            }
        }
    }
    Ok(())
}

fn starts(text: &mut String, results: &Results) -> Result<()> {
    writeln!(text, "\n## Starting (`--version`)\n")?;
    header(text, "milliseconds", &["cold", "warm", "peak MB"].map(str::to_owned))?;
    for measured in &results.subjects {
        let time = |costs: &[Cost]| {
            let failed = costs.iter().any(|cost| cost.end != End::Exit(0));
            median(costs.iter().map(wall_ms))
                .filter(|_| !failed)
                .map_or_else(|| "–".to_owned(), |time| format!("{time:.1}"))
        };
        let memory = median(measured.warm.iter().map(|cost| cost.peak_kib as f64 * 1024.0 / 1e6));
        let memory = memory.map_or_else(|| "–".to_owned(), |memory| format!("{memory:.1}"));
        row(text, measured, [time(&measured.cold), time(&measured.warm), memory].into_iter())?;
    }
    Ok(())
}

/// The table of what is behind each name.
pub fn subjects(text: &mut String, subjects: &[Measured]) -> Result<()> {
    writeln!(text, "\n## Subjects\n\n| subject | what | says of itself | SHA-256 |\n|---|---|---|---|")?;
    for measured in subjects {
        let subject = &measured.subject;
        writeln!(text, "| {} | {} | {} | `{}` |", name(measured), subject.title, subject.version, subject.sha256)?;
    }
    Ok(())
}

/// The head of a table of numbers.
pub fn header(text: &mut String, first: &str, heads: &[String]) -> Result<()> {
    writeln!(text, "| {first} | {} |", heads.join(" | "))?;
    writeln!(text, "|---|{}", "---:|".repeat(heads.len()))?;
    Ok(())
}

/// A subject's row.
pub fn row(text: &mut String, measured: &Measured, cells: impl Iterator<Item = String>) -> Result<()> {
    writeln!(text, "| {} | {} |", name(measured), cells.collect::<Vec<_>>().join(" | "))?;
    Ok(())
}

fn name(measured: &Measured) -> String {
    let subject = &measured.subject;
    if subject.role == Role::Ours { format!("**{}**", subject.name) } else { subject.name.clone() }
}

#[cfg(test)]
mod tests {
    use crate::sample;

    #[test]
    fn shows_medians_crashes_and_comparisons() {
        insta::assert_snapshot!(super::render(&sample::results()).expect("rendered"));
    }

    #[test]
    fn answers_that_are_not_those_of_stock_are_named() {
        let mut results = sample::results();
        let stock = results.cells.iter_mut().find(|cell| cell.subject == "stock-mediainfo").expect("stock");
        stock.runs[1].answer = Some(xtask::model::Sha256::of("another answer"));
        let text = super::render(&results).expect("rendered");
        assert!(
            text.contains("not the same:\n\n- mp4, index at the end, http, 20 ms: `mediainfo` and `stock-mediainfo`\n")
        );
    }
}
