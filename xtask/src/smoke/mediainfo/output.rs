//! Compares a report of MediaInfo, in each of its formats, with what is known of the file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::smoke::case::Findings;
use crate::smoke::fixture::ExpectedReport;
use crate::ui::counted;

/// One track of a report: the names of its fields, as that form of output has them, and their values as text.
pub type Fields = BTreeMap<String, String>;

/// A report, whatever form it came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Media {
    tracks: Vec<Fields>,
    words: &'static FieldNames,
}

/// What a form of output calls things.
#[derive(Debug, PartialEq)]
struct FieldNames {
    kind: &'static str,
    format: &'static str,
    duration: &'static str,
    /// How many of its units of duration make a second.
    per_second: f64,
    width: &'static str,
    height: &'static str,
    frame_rate: &'static str,
    sample_rate: &'static str,
    channels: &'static str,
}

/// The words of the program's JSON and XML.
const PROGRAM: FieldNames = FieldNames {
    kind: "@type",
    format: "Format",
    duration: "Duration",
    per_second: 1.0,
    width: "Width",
    height: "Height",
    frame_rate: "FrameRate",
    sample_rate: "SamplingRate",
    channels: "Channels",
};

/// The words of pymediainfo, which reads an older form of the XML.
const PYTHON: FieldNames = FieldNames {
    kind: "track_type",
    format: "format",
    duration: "duration",
    per_second: 1000.0,
    width: "width",
    height: "height",
    frame_rate: "frame_rate",
    sample_rate: "sampling_rate",
    channels: "channel_s",
};

#[derive(Deserialize)]
struct JsonReport {
    media: Option<JsonMedia>,
}

#[derive(Deserialize)]
struct JsonMedia {
    track: Vec<BTreeMap<String, Value>>,
}

/// Reads `--Output=JSON`, which must be all there is. Nothing where it reports no media.
///
/// # Errors
/// Says what is wrong with it.
pub fn read_json(stdout: &[u8]) -> Result<Option<Media>, String> {
    let report: JsonReport = serde_json::from_slice(stdout).map_err(|error| format!("stdout is not JSON: {error}"))?;
    Ok(report.media.map(|media| Media::new(media.track, &PROGRAM)))
}

/// Reads `--Output=XML`, which must be all there is. Nothing where it reports no media.
///
/// # Errors
/// Says what is wrong with it.
pub fn read_xml(stdout: &[u8]) -> Result<Option<Media>, String> {
    let text = std::str::from_utf8(stdout).map_err(|error| format!("stdout is not UTF-8: {error}"))?;
    let document = roxmltree::Document::parse(text).map_err(|error| format!("stdout is not XML: {error}"))?;
    let named = |name| move |node: &roxmltree::Node<'_, '_>| node.tag_name().name() == name;
    let tracks = document.descendants().filter(named("track")).map(|track| {
        let kind = (PROGRAM.kind.to_owned(), track.attribute("type").unwrap_or_default().to_owned());
        let fields = track.children().filter(roxmltree::Node::is_element);
        let fields = fields.map(|field| (field.tag_name().name().to_owned(), field.text().unwrap_or("").to_owned()));
        fields.chain([kind]).collect::<Fields>()
    });
    let tracks: Vec<Fields> = tracks.collect();
    Ok((!tracks.is_empty()).then_some(Media { tracks, words: &PROGRAM }))
}

/// Takes over what pymediainfo's `to_data()` gave as its tracks.
pub fn from_python(tracks: Vec<BTreeMap<String, Value>>) -> Media {
    Media::new(tracks, &PYTHON)
}

impl Media {
    fn new(tracks: Vec<BTreeMap<String, Value>>, words: &'static FieldNames) -> Media {
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let tracks = tracks.into_iter();
        let tracks = tracks.map(|track| track.into_iter().map(|(name, value)| (name, text(value))).collect());
        Media { tracks: tracks.collect(), words }
    }

    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Fields> {
        self.tracks.iter().filter(move |track| track.get(self.words.kind).is_some_and(|found| found == kind))
    }
}

impl Findings for Media {
    fn differences(&self, expected: &ExpectedReport, tolerance: f64) -> Vec<String> {
        let words = self.words;
        let mut differences = Differences { media: self, found: Vec::new() };
        differences.text("General", words.format, &expected.format);
        differences.number(
            "General",
            words.duration,
            expected.duration * words.per_second,
            tolerance * words.per_second,
        );
        differences.count("Video", usize::from(expected.video.is_some()));
        if let Some(video) = &expected.video {
            differences.text("Video", words.format, &video.codec);
            differences.number("Video", words.width, video.width.into(), 0.0);
            differences.number("Video", words.height, video.height.into(), 0.0);
            differences.number("Video", words.frame_rate, video.frame_rate, 0.001);
        }
        differences.count("Audio", usize::from(expected.audio.is_some()));
        if let Some(audio) = &expected.audio {
            differences.text("Audio", words.format, &audio.codec);
            differences.number("Audio", words.sample_rate, audio.sample_rate.into(), 0.0);
            differences.number("Audio", words.channels, audio.channels.into(), 0.0);
        }
        differences.found
    }
}

/// Collects differences.
struct Differences<'a> {
    media: &'a Media,
    found: Vec<String>,
}

impl Differences<'_> {
    fn count(&mut self, kind: &str, expected: usize) {
        let count = self.media.of_kind(kind).count();
        if count != expected {
            self.found.push(format!("{} and not {expected}", counted(count, &format!("{kind} track"))));
        }
    }

    fn text(&mut self, kind: &str, field: &str, expected: &str) {
        let found = self.value(kind, field);
        if found != expected {
            self.found.push(format!("{kind} {field} is `{found}` and not `{expected}`"));
        }
    }

    fn number(&mut self, kind: &str, field: &str, expected: f64, tolerance: f64) {
        let found = self.value(kind, field);
        if !found.parse::<f64>().is_ok_and(|number| (number - expected).abs() <= tolerance) {
            self.found.push(format!("{kind} {field} is `{found}` and not {expected}"));
        }
    }

    fn value(&self, kind: &str, field: &str) -> String {
        self.media.of_kind(kind).next().and_then(|track| track.get(field)).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smoke::fixture::{self, Fixtures};

    const JSON: &str = r#"{"media":{"@ref":"tone.wav","track":[
        {"@type":"General","Format":"Wave","Duration":"1.000","extra":{"a":"b"}},
        {"@type":"Audio","Format":"PCM","Channels":"1","SamplingRate":"16000"}]}}"#;

    fn differences(media: &Media) -> Vec<String> {
        let fixtures = Fixtures::embedded(fixture::Vocabulary::Mediainfo).expect("expected");
        media.differences(&fixtures.get("tone.wav").expect("fixture").expected, fixtures.duration_tolerance)
    }

    #[test]
    fn json_xml_and_python_are_read_alike() {
        let xml = br#"<?xml version="1.0"?><MediaInfo xmlns="x"><media ref="tone.wav">
            <track type="General"><Format>Wave</Format><Duration>0.980</Duration></track>
            <track type="Audio"><Format>PCM</Format><Channels>1</Channels><SamplingRate>16000</SamplingRate></track>
            </media></MediaInfo>"#;
        let python = r#"[{"track_type":"General","format":"Wave","duration":1000,"other_duration":["1 s"]},
            {"track_type":"Audio","format":"PCM","channel_s":1,"sampling_rate":16000}]"#;
        for media in [
            read_json(JSON.as_bytes()).expect("json").expect("media"),
            read_xml(xml).expect("xml").expect("media"),
            from_python(serde_json::from_str(python).expect("json")),
        ] {
            assert_eq!(differences(&media), Vec::<String>::new());
        }
    }

    #[test]
    fn every_difference_is_named() {
        let json = JSON.replace("Wave", "AVI").replace("1.000", "1.2").replace("\"Channels\":\"1\",", "");
        let json = json.replace("]}}", r#",{"@type":"Video"}]}}"#);
        let media = read_json(json.as_bytes()).expect("json").expect("media");
        assert_eq!(
            differences(&media),
            [
                "General Format is `AVI` and not `Wave`",
                "General Duration is `1.2` and not 1",
                "1 Video track and not 0",
                "Audio Channels is `` and not 1",
            ]
        );
    }

    #[test]
    fn anything_beside_the_report_is_refused() {
        for noise in [format!("default ca info path: x\n{JSON}"), format!("{JSON}\nbye"), String::new()] {
            assert!(read_json(noise.as_bytes()).expect_err("noise").contains("not JSON"));
            assert!(read_xml(noise.as_bytes()).expect_err("noise").contains("not XML"));
        }
        assert_eq!(read_json(br#"{"creatingLibrary":{},"media":null}"#), Ok(None));
        assert_eq!(read_xml(b"<MediaInfo><creatingLibrary/></MediaInfo>"), Ok(None));
    }
}
