//! The media files the checks read, and the truth about them.
//!
//! They are part of the program, so that a check needs no checkout. The files
//! and their truth come from `fixtures/make.sh` and `fixtures/truth.toml`.

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// A media file with what is known about it.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// Its content.
    pub bytes: &'static [u8],
    /// What a reader must find in it.
    pub truth: Truth,
}

/// What a reader must find in a file, in the words of MediaInfo.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Truth {
    /// The name of the file.
    pub file: String,
    /// The container format.
    pub format: String,
    /// Seconds.
    pub duration: f64,
    /// The only video track, if there is one.
    pub video: Option<Video>,
    /// The only audio track, if there is one.
    pub audio: Option<Audio>,
}

/// The truth about a video track.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
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

/// The truth about an audio track.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
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
    /// In the order of `truth.toml`.
    pub all: Vec<Fixture>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TruthFile {
    duration_tolerance: f64,
    #[serde(rename = "fixture")]
    fixtures: Vec<Truth>,
}

macro_rules! embedded {
    ($($file:literal),* $(,)?) => {
        &[$(($file, include_bytes!(concat!("../../fixtures/", $file)))),*]
    };
}

const FILES: &[(&str, &[u8])] = embedded!["moov-front.mp4", "moov-end.mp4", "clip.mkv", "tone.mp3", "tone.wav"];

impl Fixtures {
    /// The fixtures that are part of this program.
    ///
    /// # Errors
    /// Where `truth.toml` was edited into something broken; a test keeps that from happening.
    pub fn embedded() -> anyhow::Result<Fixtures> {
        let text = include_str!("../../fixtures/truth.toml");
        let truth: TruthFile = toml::from_str(text).context("cannot read xtask/fixtures/truth.toml")?;
        let mut all = Vec::new();
        for truth in truth.fixtures {
            let Some((_, bytes)) = FILES.iter().find(|(file, _)| *file == truth.file) else {
                bail!("`{}` of xtask/fixtures/truth.toml is not embedded; add it to smoke/fixture.rs", truth.file);
            };
            all.push(Fixture { bytes, truth });
        }
        Ok(Fixtures { duration_tolerance: truth.duration_tolerance, all })
    }

    /// The fixture of that name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn get(&self, file: &str) -> anyhow::Result<&Fixture> {
        let found = self.all.iter().find(|fixture| fixture.truth.file == file);
        found.with_context(|| format!("there is no fixture `{file}` in xtask/fixtures/truth.toml"))
    }
}

/// Makes a long file of an mp4 whose index is at the end: `padding` bytes that nobody needs, between the frames and
/// the index. A reader that seeks gets it for the price of the small one.
///
/// # Errors
/// Where the file is not laid out like that.
pub fn stretch(mp4: &[u8], padding: u32) -> anyhow::Result<Vec<u8>> {
    let (mut at, mut frames, mut index) = (0, None, None);
    while let Some((size, kind)) = mp4_box(mp4, at) {
        match kind {
            b"mdat" => frames = Some((at, size)),
            b"moov" => index = Some(at),
            _ => {}
        }
        at += size;
    }
    let (Some((frames, size)), Some(index)) = (frames, index) else {
        bail!("the mp4 to stretch has no `mdat` or no `moov` box");
    };
    if index != frames + size {
        bail!("the mp4 to stretch must have its `moov` box right behind `mdat`");
    }
    let size = u32::try_from(size)?.checked_add(padding).context("an mp4 box is at most 4 GiB long")?;
    // Zeros that were never written cost no memory until somebody reads them.
    let mut long = vec![0; mp4.len() + padding as usize];
    long[..index].copy_from_slice(&mp4[..index]);
    long[frames..frames + 4].copy_from_slice(&size.to_be_bytes());
    long[index + padding as usize..].copy_from_slice(&mp4[index..]);
    Ok(long)
}

/// Size and kind of the box at `at`, if a whole one is there.
fn mp4_box(mp4: &[u8], at: usize) -> Option<(usize, &[u8; 4])> {
    let head = mp4.get(at..at.checked_add(8)?)?;
    let size = u32::from_be_bytes(*head.first_chunk()?) as usize;
    (size >= 8 && size <= mp4.len() - at).then_some((size, head.last_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(mp4: &[u8]) -> Vec<(usize, String)> {
        let (mut at, mut boxes) = (0, Vec::new());
        while let Some((size, kind)) = mp4_box(mp4, at) {
            boxes.push((size, String::from_utf8_lossy(kind).into_owned()));
            at += size;
        }
        assert_eq!(at, mp4.len(), "the boxes fill the file");
        boxes
    }

    fn number(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(*bytes[at..].first_chunk().expect("four bytes"))
    }

    #[test]
    fn every_file_has_its_truth_and_is_small() {
        let fixtures = Fixtures::embedded().expect("truth.toml");
        assert_eq!(fixtures.all.len(), FILES.len());
        for fixture in &fixtures.all {
            assert!(fixture.bytes.len() < 60_000, "{}", fixture.truth.file);
        }
        assert!(fixtures.get("other.mp4").expect_err("unknown").to_string().contains("other.mp4"));
    }

    #[test]
    fn the_indexes_of_the_mp4_files_are_where_their_names_say() {
        let fixtures = Fixtures::embedded().expect("truth.toml");
        let order = |file| {
            let boxes = boxes(fixtures.get(file).expect(file).bytes);
            boxes.into_iter().map(|(_, kind)| kind).filter(|kind| kind != "free").collect::<Vec<_>>()
        };
        assert_eq!(order("moov-front.mp4"), ["ftyp", "moov", "mdat"]);
        assert_eq!(order("moov-end.mp4"), ["ftyp", "mdat", "moov"]);
    }

    #[test]
    fn the_headers_agree_with_the_truth() {
        let fixtures = Fixtures::embedded().expect("truth.toml");
        let wav = fixtures.get("tone.wav").expect("tone.wav");
        let audio = wav.truth.audio.as_ref().expect("audio");
        assert_eq!((&wav.bytes[..4], &wav.bytes[8..16]), (&b"RIFF"[..], &b"WAVEfmt "[..]));
        assert_eq!(number(wav.bytes, 22) & 0xffff, audio.channels);
        assert_eq!(number(wav.bytes, 24), audio.sample_rate);
        let samples = f64::from(number(wav.bytes, 40)) / 2.0 / f64::from(audio.channels);
        assert!((samples / f64::from(audio.sample_rate) - wav.truth.duration).abs() < 1e-9);

        let mkv = fixtures.get("clip.mkv").expect("clip.mkv").bytes;
        assert_eq!(mkv[..4], [0x1a, 0x45, 0xdf, 0xa3]);
        for codec in ["V_VP9", "A_OPUS"] {
            assert!(mkv.windows(codec.len()).any(|window| window == codec.as_bytes()), "{codec}");
        }

        let mp4 = fixtures.get("moov-front.mp4").expect("moov-front.mp4");
        let video = mp4.truth.video.as_ref().expect("video");
        let entries: Vec<usize> = (0..mp4.bytes.len() - 36).filter(|&at| &mp4.bytes[at..at + 4] == b"avc1").collect();
        // Width and height stand 28 bytes behind the kind of a sample entry.
        let size = [video.width as u16, video.height as u16].map(u16::to_be_bytes).concat();
        assert!(entries.iter().any(|at| mp4.bytes[at + 28..at + 32] == size), "{entries:?}");
    }

    #[test]
    fn a_stretched_mp4_has_the_same_frames_and_the_same_index() {
        let short = Fixtures::embedded().expect("truth.toml").get("moov-end.mp4").expect("fixture").bytes;
        let long = stretch(short, 1_000_000).expect("stretches");
        assert_eq!(long.len(), short.len() + 1_000_000);
        let (before, after) = (boxes(short), boxes(&long));
        assert_eq!(before.last(), after.last());
        assert_eq!(before.len(), after.len());
        assert!(stretch(b"not an mp4", 10).is_err());
    }
}
