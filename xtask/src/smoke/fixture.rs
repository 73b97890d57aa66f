//! The media files that the checks read, and what must be reported about them.
//!
//! They are part of the program, so that a check needs no checkout. The files
//! and the expected reports come from `fixtures/make.sh` and `fixtures/expected.toml`.

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// A media file with its expected report.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// Its content.
    pub bytes: &'static [u8],
    /// The files it leads to, which must be beside it: their names and contents.
    pub parts: Vec<(&'static str, &'static [u8])>,
    /// What a program must report about it.
    pub expected: ExpectedReport,
}

/// Which program's names the expected reports use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vocabulary {
    /// MediaInfo's.
    Mediainfo,
    /// ffprobe's.
    Ffprobe,
}

/// What a program must report about a file, in its own names.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedReport {
    /// The name of the file.
    pub file: String,
    /// The size of the file in bytes, where it matters.
    pub size: Option<u64>,
    /// The container format.
    pub format: String,
    /// Seconds.
    pub duration: f64,
    /// The only video track, if there is one.
    pub video: Option<Video>,
    /// The only audio track, if there is one.
    pub audio: Option<Audio>,
}

/// What must be reported about a video track.
#[derive(Debug, Clone, PartialEq)]
pub struct Video {
    /// The codec.
    pub codec: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames per second.
    pub frame_rate: f64,
}

/// What must be reported about an audio track.
#[derive(Debug, Clone, PartialEq)]
pub struct Audio {
    /// The codec.
    pub codec: String,
    /// Samples per second.
    pub sample_rate: u32,
    /// How many.
    pub channels: u32,
}

/// All fixtures.
#[derive(Debug, Clone)]
pub struct Fixtures {
    /// How far a duration may be off, in seconds.
    pub duration_tolerance: f64,
    /// Those that the reader knows, in the order of `expected.toml`.
    pub all: Vec<Fixture>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ExpectedFile {
    duration_tolerance: f64,
    #[serde(rename = "fixture")]
    fixtures: Vec<Entry>,
}

/// What is known of a file, and what each reader calls it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    file: String,
    duration: f64,
    video: Option<Picture>,
    audio: Option<Sound>,
    #[serde(default)]
    parts: Vec<String>,
    mediainfo: Option<Names>,
    ffprobe: Option<Names>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Picture {
    width: u32,
    height: u32,
    frame_rate: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sound {
    sample_rate: u32,
    channels: u32,
}

/// What a reader calls the container and the codecs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    format: String,
    #[serde(default)]
    video: String,
    #[serde(default)]
    audio: String,
}

macro_rules! embedded {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_bytes!(concat!("../../fixtures/", $file)))),*]
    };
}

const FILES: &[(&str, &[u8])] = embedded![
    "moov-front.mp4",
    "moov-end.mp4",
    "clip.mkv",
    "tone.mp3",
    "tone.wav",
    "film.mp4",
    "film.ts",
    "film.m3u8",
    "film0.ts",
    "film1.ts",
    "av1.mp4",
    "av1-10bit.mkv",
    "sound.dts",
    "fragments.mp4",
    "words.srt",
];

impl Fixtures {
    /// The fixtures that are part of this program, as far as a reader has words for them.
    ///
    /// # Errors
    /// Where `expected.toml` was edited into something broken; a test keeps that from happening.
    pub fn embedded(vocabulary: Vocabulary) -> anyhow::Result<Fixtures> {
        let text = include_str!("../../fixtures/expected.toml");
        let expected: ExpectedFile = toml::from_str(text).context("cannot read xtask/fixtures/expected.toml")?;
        let told = expected.fixtures.into_iter().filter_map(|entry| entry.named_in(vocabulary).transpose());
        Ok(Fixtures { duration_tolerance: expected.duration_tolerance, all: told.collect::<anyhow::Result<_>>()? })
    }

    /// The names and contents of the fixtures and of what they lead to.
    pub fn files(&self) -> impl Iterator<Item = (&str, &'static [u8])> {
        let own = self.all.iter().map(|fixture| (fixture.expected.file.as_str(), fixture.bytes));
        own.chain(self.all.iter().flat_map(|fixture| fixture.parts.iter().copied()))
    }

    /// The fixture of that name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn get(&self, file: &str) -> anyhow::Result<&Fixture> {
        let found = self.all.iter().find(|fixture| fixture.expected.file == file);
        found.with_context(|| format!("there is no fixture `{file}` in xtask/fixtures/expected.toml"))
    }
}

/// The content of an embedded file, whether or not a reader has words for it.
///
/// # Errors
/// Where there is none of that name.
pub fn embedded_file(file: &str) -> anyhow::Result<(&'static str, &'static [u8])> {
    let found = FILES.iter().find(|(name, _)| *name == file).copied();
    found.with_context(|| format!("`{file}` of xtask/fixtures is not embedded; add it to smoke/fixture.rs"))
}

impl Entry {
    /// The fixture with its expected report in that program's names; nothing where the file has no names of it.
    fn named_in(self, vocabulary: Vocabulary) -> anyhow::Result<Option<Fixture>> {
        let (_, bytes) = embedded_file(&self.file)?;
        let parts = self.parts.iter().map(|part| embedded_file(part)).collect::<anyhow::Result<_>>()?;
        let names = match vocabulary {
            Vocabulary::Mediainfo => self.mediainfo,
            Vocabulary::Ffprobe => self.ffprobe,
        };
        let Some(names) = names else { return Ok(None) };
        if self.video.is_some() == names.video.is_empty() || self.audio.is_some() == names.audio.is_empty() {
            bail!("`{}` of xtask/fixtures/expected.toml needs a codec for each of its tracks, and no other", self.file);
        }
        let video = self.video.map(|Picture { width, height, frame_rate }| Video {
            codec: names.video,
            width,
            height,
            frame_rate,
        });
        let audio =
            self.audio.map(|Sound { sample_rate, channels }| Audio { codec: names.audio, sample_rate, channels });
        let size = Some(bytes.len() as u64);
        let expected =
            ExpectedReport { file: self.file, size, format: names.format, duration: self.duration, video, audio };
        Ok(Some(Fixture { bytes, parts, expected }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(*bytes[at..].first_chunk().expect("four bytes"))
    }

    #[test]
    fn every_file_has_its_truth_and_is_small() {
        let fixtures = Fixtures::embedded(Vocabulary::Ffprobe).expect("expected.toml");
        for (name, bytes) in FILES {
            assert!(bytes.len() < 60_000, "{name}");
            assert!(*name == "words.srt" || fixtures.files().any(|(known, _)| known == *name), "{name}");
        }
        let mediainfo = Fixtures::embedded(Vocabulary::Mediainfo).expect("expected.toml");
        assert!(mediainfo.all.len() >= 5 && mediainfo.all.len() <= fixtures.all.len());
        assert!(fixtures.get("other.mp4").expect_err("unknown").to_string().contains("other.mp4"));
    }

    #[test]
    fn the_headers_agree_with_the_truth() {
        let fixtures = Fixtures::embedded(Vocabulary::Ffprobe).expect("expected.toml");
        let wav = fixtures.get("tone.wav").expect("tone.wav");
        let audio = wav.expected.audio.as_ref().expect("audio");
        assert_eq!((&wav.bytes[..4], &wav.bytes[8..16]), (&b"RIFF"[..], &b"WAVEfmt "[..]));
        assert_eq!(number(wav.bytes, 22) & 0xffff, audio.channels);
        assert_eq!(number(wav.bytes, 24), audio.sample_rate);
        let samples = f64::from(number(wav.bytes, 40)) / 2.0 / f64::from(audio.channels);
        assert!((samples / f64::from(audio.sample_rate) - wav.expected.duration).abs() < 1e-9);

        let mkv = fixtures.get("clip.mkv").expect("clip.mkv").bytes;
        assert_eq!(mkv[..4], [0x1a, 0x45, 0xdf, 0xa3]);
        for codec in ["V_VP9", "A_OPUS"] {
            assert!(mkv.windows(codec.len()).any(|window| window == codec.as_bytes()), "{codec}");
        }

        let mp4 = fixtures.get("moov-front.mp4").expect("moov-front.mp4");
        let video = mp4.expected.video.as_ref().expect("video");
        let entries: Vec<usize> = (0..mp4.bytes.len() - 36).filter(|&at| &mp4.bytes[at..at + 4] == b"avc1").collect();
        // Width and height stand 28 bytes behind the kind of a sample entry.
        let size = [video.width as u16, video.height as u16].map(u16::to_be_bytes).concat();
        assert!(entries.iter().any(|at| mp4.bytes[at + 28..at + 32] == size), "{entries:?}");
    }
}
