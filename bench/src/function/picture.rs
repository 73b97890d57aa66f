//! The picture: what is billed for a probe in the smallest function and in one with a whole core.

use anyhow::Result;

use super::results::{Results, Start};
use crate::chart::{SIDES, TOP, column, document, names, words};
use crate::media::Media;
use crate::results::Measured;

/// What is shown, in this order.
const PANELS: [Media; 2] = [Media::Mp4End, Media::Photo];

/// The picture.
pub fn render(results: &Results) -> Result<String> {
    let mut body = String::new();
    let mut top = TOP;
    for media in PANELS.into_iter().filter(|media| results.media().contains(media)) {
        top = panel(&mut body, results, media, top)?;
    }
    let (facts, conditions) = (&results.facts, &results.conditions);
    let title = "What a probe of a URL costs a function";
    let heading = format!(
        "{title}: https, {} ms round trip, {} ms before each answer",
        conditions.round_trip_ms, conditions.wait_ms
    );
    let foot = format!("Medians of {} runs on {}, all warm. Shorter is better.", results.runs(), facts.processor);
    document(title, &heading, &body, top, &foot)
}

/// Draws a file's bars from `top` on; where they end.
fn panel(svg: &mut String, results: &Results, media: Media, top: u32) -> Result<u32> {
    let size = results.media.files.get(media.path()).map_or(0, |file| file.size) as f64;
    let size = if size < 1e6 { format!("{:.0} KB", size / 1e3) } else { format!("{:.0} MB", size / 1e6) };
    words(svg, 16, top + 30, "text bold", &format!("{media}, {size}"))?;
    let subjects: Vec<_> = results.probing(media).collect();
    let sizes = results.sizes(media);
    let ends = [sizes.first(), sizes.last().filter(|_| sizes.len() > 1)];
    for (x, memory) in SIDES.into_iter().zip(ends).filter_map(|(x, memory)| Some((x, *memory?))) {
        let number = |measured: &Measured| {
            results.cell(&measured.subject.name, media, memory, Start::Warm).map(|cell| cell.billed_ms())
        };
        column(svg, (x, top), &format!("milliseconds billed at {memory} MB"), &subjects, 0, number)?;
    }
    names(svg, &subjects, top)
}

#[cfg(test)]
mod tests {
    use super::super::page::tests::results;

    #[test]
    fn shows_both_sizes_and_every_subject() {
        let svg = super::render(&results()).expect("rendered");
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        let texts: Vec<_> =
            document.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text()).collect();
        for wanted in ["mediainfo", "debian-mediainfo", "milliseconds billed at 128 MB", "crash (SIGSEGV)", "400"] {
            assert!(texts.contains(&wanted), "{wanted}: {texts:?}");
        }
    }
}
