//! Compares a report of ffprobe with what is known of the file.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::smoke::case::Findings;
use crate::smoke::fixture::ExpectedReport;
use crate::ui::counted;

/// The options that ask for a report.
pub const OPTIONS: [&str; 6] = ["-v", "error", "-of", "json", "-show_format", "-show_streams"];

/// A report: the fields of the file and of each of its streams.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Report {
    format: Map<String, Value>,
    #[serde(default)]
    streams: Vec<Map<String, Value>>,
}

/// Reads the JSON that comes of [`OPTIONS`], which must be all there is. Nothing where it reports no file.
///
/// # Errors
/// Says what is wrong with it.
pub fn read(stdout: &[u8]) -> Result<Option<Box<dyn Findings + Send>>, String> {
    let broken = |error| format!("stdout is not JSON: {error}");
    let object: Map<String, Value> = serde_json::from_slice(stdout).map_err(broken)?;
    // Of a file that it cannot read ffprobe prints an empty object.
    if object.is_empty() {
        return Ok(None);
    }
    let report: Report = serde_json::from_value(object.into()).map_err(|error| format!("not a report: {error}"))?;
    Ok(Some(Box::new(report)))
}

impl Findings for Report {
    fn differences(&self, expected: &ExpectedReport, tolerance: f64) -> Vec<String> {
        let mut found = Vec::new();
        compare(&mut found, &self.format, "format_name", Some(&expected.format), |value| Some(text(value)));
        compare(&mut found, &self.format, "size", expected.size.as_ref(), |value| text(value).parse().ok());
        let duration = number(&self.format, "duration");
        if !duration.is_some_and(|duration| (duration - expected.duration).abs() <= tolerance) {
            found.push(format!("duration is {} and not {}", shown(&self.format, "duration"), expected.duration));
        }
        found.extend(nameless(&self.format, "format_long_name"));
        if let Some(stream) = self.only("video", expected.video.is_some(), &mut found)
            && let Some(video) = &expected.video
        {
            compare(&mut found, stream, "codec_name", Some(&video.codec), |value| Some(text(value)));
            compare(&mut found, stream, "width", Some(&u64::from(video.width)), Value::as_u64);
            compare(&mut found, stream, "height", Some(&u64::from(video.height)), Value::as_u64);
            compare(&mut found, stream, "avg_frame_rate", Some(&video.frame_rate), fraction);
            found.extend(nameless(stream, "codec_long_name"));
        }
        if let Some(stream) = self.only("audio", expected.audio.is_some(), &mut found)
            && let Some(audio) = &expected.audio
        {
            compare(&mut found, stream, "codec_name", Some(&audio.codec), |value| Some(text(value)));
            compare(&mut found, stream, "sample_rate", Some(&audio.sample_rate), |value| text(value).parse().ok());
            compare(&mut found, stream, "channels", Some(&u64::from(audio.channels)), Value::as_u64);
            found.extend(nameless(stream, "codec_long_name"));
        }
        found
    }
}

impl Report {
    /// The only stream of a kind. Notes where there are more, or whether there is one is not as it should be.
    fn only(&self, kind: &str, expected: bool, found: &mut Vec<String>) -> Option<&Map<String, Value>> {
        let is_kind = |stream: &&Map<String, Value>| stream.get("codec_type").is_some_and(|found| found == kind);
        let streams: Vec<_> = self.streams.iter().filter(is_kind).collect();
        if streams.len() != usize::from(expected) {
            found.push(format!(
                "{} and not {}",
                counted(streams.len(), &format!("{kind} stream")),
                usize::from(expected)
            ));
        }
        streams.first().copied()
    }
}

/// Compares a field, if something is expected of it.
fn compare<T: PartialEq + std::fmt::Display>(
    found: &mut Vec<String>,
    fields: &Map<String, Value>,
    name: &str,
    expected: Option<&T>,
    read: impl Fn(&Value) -> Option<T>,
) {
    if let Some(expected) = expected
        && fields.get(name).and_then(read).as_ref() != Some(expected)
    {
        found.push(format!("{name} is {} and not {expected}", shown(fields, name)));
    }
}

/// Complains of a long name that is not there: a small build drops them, and users show them to people.
fn nameless(fields: &Map<String, Value>, name: &str) -> Option<String> {
    let long = fields.get(name).map(text).unwrap_or_default();
    (long.is_empty() || long == "unknown").then(|| format!("{name} is {}", shown(fields, name)))
}

fn shown(fields: &Map<String, Value>, name: &str) -> String {
    fields.get(name).map_or("missing".to_owned(), Value::to_string)
}

/// A value as text; ffprobe has some numbers in quotes.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn number(fields: &Map<String, Value>, name: &str) -> Option<f64> {
    text(fields.get(name)?).parse().ok()
}

/// A rate such as `25/1`.
fn fraction(value: &Value) -> Option<f64> {
    let (above, below) = value.as_str()?.split_once('/')?;
    Some(above.parse::<f64>().ok()? / below.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smoke::fixture::{Fixtures, Vocabulary};

    const JSON: &str = r#"{"streams":[{"codec_type":"video","codec_name":"h264","codec_long_name":"H.264","width":160,
        "height":120,"avg_frame_rate":"25/1"},{"codec_type":"audio","codec_name":"aac","codec_long_name":"AAC",
        "sample_rate":"48000","channels":2,"avg_frame_rate":"0/0"}],"format":{"format_name":"mov,mp4,m4a,3gp,3g2,mj2",
        "format_long_name":"QuickTime / MOV","duration":"2.010000","size":"21205"}}"#;

    fn differences(json: &str) -> Vec<String> {
        let fixtures = Fixtures::embedded(Vocabulary::Ffprobe).expect("expected");
        let expected = &fixtures.get("moov-end.mp4").expect("fixture").expected;
        read(json.as_bytes()).expect("json").expect("a report").differences(expected, fixtures.duration_tolerance)
    }

    #[test]
    fn a_good_report_agrees() {
        assert_eq!(differences(JSON), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_named() {
        let json = JSON.replace("h264", "hevc").replace("25/1", "0/0").replace("\"H.264\"", "\"unknown\"");
        let json = json.replace("2.010", "2.1").replace("21205", "1").replace(",\"channels\":2", "");
        let json = json.replace("\"format_long_name\":\"QuickTime / MOV\",", "");
        assert_eq!(
            differences(&json),
            [
                "size is \"1\" and not 21205",
                "duration is \"2.1000\" and not 2",
                "format_long_name is missing",
                "codec_name is \"hevc\" and not h264",
                "avg_frame_rate is \"0/0\" and not 25",
                "codec_long_name is \"unknown\"",
                "channels is missing and not 2",
            ]
        );
        let json = JSON.replace("\"audio\"", "\"video\"");
        assert_eq!(differences(&json), ["2 video streams and not 1", "0 audio streams and not 1"]);
    }

    #[test]
    fn an_empty_object_is_no_report_and_noise_is_refused() {
        assert!(read(b"{\n\n}\n").expect("json").is_none());
        for noise in ["", "ffprobe version 9\n{}", "{} bye", "{\"error\": {}}"] {
            assert!(read(noise.as_bytes()).is_err(), "{noise}");
        }
    }
}
