//! The results as a picture: an SVG that needs no font, no script and nothing from elsewhere.

use std::fmt::Write as _;

use anyhow::Result;

use crate::markdown::TYPICAL;
use crate::media::Media;
use crate::results::{Measure, Measured, Outcome, Results};
use crate::subject::Role;

/// What is shown, in this order.
const PANELS: [Media; 2] = [Media::Mp4End, Media::Mp4Front];

/// All lengths are in the picture's own pixels.
const WIDTH: u32 = 900;
const LABELS: u32 = 230;
/// Where the first panel begins.
pub const TOP: u32 = 34;
/// Where the two columns of bars begin.
pub const SIDES: [u32; 2] = [LABELS, 570];
/// Where each column of bars begins, what it shows, and the digits behind its point.
const COLUMNS: [(u32, Measure, &str, usize); 2] =
    [(SIDES[0], Measure::Wall, "milliseconds", 0), (SIDES[1], Measure::Served, "megabytes served", 1)];
/// The longest bar; the rest of a column is for its number.
const BAR: u32 = 250;
const ROW: u32 = 22;
const HEAD: u32 = 62;
const GAP: u32 = 8;

/// Colours for light and dark; the picture brings its own ground, as the page's may differ from the system's.
const STYLE: &str = "\
svg{font:13px system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}\
.ground{fill:#fff}.text{fill:#1f2328}.faint{fill:#59636e}.ours{fill:#0969da}.stock{fill:#8250df}.peer{fill:#9aa4af}\
.bad{fill:#cf222e}.bold{font-weight:600}\
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}.text{fill:#e6edf3}.faint{fill:#9198a1}.ours{fill:#4493f8}\
.stock{fill:#ab7df8}.peer{fill:#656c76}.bad{fill:#f85149}}";

/// The picture.
pub fn render(results: &Results) -> Result<String> {
    let mut body = String::new();
    let mut top = TOP;
    for media in PANELS.into_iter().filter(|media| results.media().contains(media)) {
        top = panel(&mut body, results, media, top)?;
    }
    let facts = &results.facts;
    let runs = results.cells.iter().map(|cell| cell.runs.len()).max().unwrap_or(0);
    let foot = format!("Medians of {runs} runs on {}, {} cores. Shorter is better.", facts.processor, facts.cores);
    let title = "Probing a film by its URL";
    document(title, &format!("{title}: {TYPICAL} round trip, 400 Mbit/s"), &body, top, &foot)
}

/// A whole picture with its title, its ground, a heading above what was drawn down to `end`, and a line below it.
pub fn document(title: &str, heading: &str, body: &str, end: u32, foot: &str) -> Result<String> {
    let height = end + 40;
    let mut svg = String::new();
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>"
    )?;
    words(&mut svg, 16, 26, "text bold", heading)?;
    svg += body;
    words(&mut svg, 16, height - 14, "faint", foot)?;
    svg += "</svg>\n";
    Ok(svg)
}

/// Draws a file's bars from `top` on; where they end.
fn panel(svg: &mut String, results: &Results, media: Media, top: u32) -> Result<u32> {
    let size = results.media.files.get(media.path()).map_or(0, |file| file.size);
    words(svg, 16, top + 30, "text bold", &format!("{media}, {:.0} MB", size as f64 / 1e6))?;
    let subjects: Vec<_> = results.subjects.iter().collect();
    for (x, measure, title, digits) in COLUMNS {
        let number =
            |measured: &Measured| results.cell(&measured.subject.name, media, TYPICAL).map(|cell| cell.median(measure));
        column(svg, (x, top), title, &subjects, digits, number)?;
    }
    names(svg, &subjects, top)
}

/// Draws a column of bars, one for each subject, under a title.
pub fn column(
    svg: &mut String,
    (x, top): (u32, u32),
    title: &str,
    subjects: &[&Measured],
    digits: usize,
    number: impl Fn(&Measured) -> Option<Result<f64, Outcome>>,
) -> Result<()> {
    words(svg, x, top + 52, "faint", title)?;
    let longest = subjects.iter().filter_map(|measured| number(measured)?.ok()).fold(0.0, f64::max);
    for (y, measured) in rows(subjects, top + HEAD) {
        bar(svg, (x, y), class(measured), number(measured), longest, digits)?;
    }
    Ok(())
}

/// Writes the subjects' names in front of their bars; where the last row ends.
pub fn names(svg: &mut String, subjects: &[&Measured], top: u32) -> Result<u32> {
    let mut end = top + HEAD;
    for (y, measured) in rows(subjects, top + HEAD) {
        let class = if measured.subject.role == Role::Ours { "text bold" } else { "text" };
        words(svg, 16, y + 13, class, &measured.subject.name)?;
        end = y + ROW;
    }
    Ok(end)
}

/// Where each subject's row is, with a gap in front of every other kind.
fn rows<'a>(subjects: &[&'a Measured], top: u32) -> Vec<(u32, &'a Measured)> {
    let (mut y, mut kind, mut rows) = (top, None, Vec::new());
    for measured in subjects {
        let own = measured.subject.kind;
        if kind.replace(own).is_some_and(|before| before != own) {
            y += GAP;
        }
        rows.push((y, *measured));
        y += ROW;
    }
    rows
}

fn bar(
    svg: &mut String,
    (x, y): (u32, u32),
    class: &str,
    value: Option<Result<f64, Outcome>>,
    longest: f64,
    digits: usize,
) -> Result<()> {
    match value {
        Some(Ok(value)) => {
            let width = if longest > 0.0 { (value / longest * f64::from(BAR)).max(1.0) } else { 1.0 };
            writeln!(svg, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width:.1}\" height=\"16\" rx=\"2\"/>")?;
            // Rounded up, so that the number never touches its bar.
            words(svg, x + width.ceil() as u32 + 6, y + 13, "text", &format!("{value:.digits$}"))
        }
        Some(Err(outcome)) => words(svg, x, y + 13, "bad", &outcome.to_string()),
        None => words(svg, x, y + 13, "faint", "not measured"),
    }
}

fn class(measured: &Measured) -> &'static str {
    match measured.subject.role {
        Role::Ours => "ours",
        Role::Stock => "stock",
        Role::Peer => "peer",
    }
}

/// Writes a line of text.
pub fn words(svg: &mut String, x: u32, y: u32, class: &str, text: &str) -> Result<()> {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    writeln!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::sample;

    #[test]
    fn is_well_formed_and_shows_every_subject() {
        let mut results = sample::results();
        results.facts.processor = "A <fast> & old one".to_owned();
        let svg = super::render(&results).expect("rendered");
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        let texts: Vec<_> =
            document.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text()).collect();
        for measured in &results.subjects {
            assert!(texts.contains(&&*measured.subject.name), "{texts:?}");
        }
        assert!(texts.contains(&"crash (SIGSEGV)"), "{texts:?}");
        assert!(!svg.contains("href"), "nothing from elsewhere");
    }

    #[test]
    fn bars_are_as_long_as_their_numbers() {
        let svg = super::render(&sample::results()).expect("rendered");
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        let widths = |class: &str| -> Vec<f64> {
            let bars = document.descendants().filter(|node| node.attribute("class") == Some(class));
            bars.filter_map(|node| node.attribute("width")?.parse().ok()).collect()
        };
        assert_eq!((widths("ours"), widths("peer")), (vec![125.0, 25.0], vec![250.0, 250.0]));
    }
}
