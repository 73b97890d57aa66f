//! The files that are probed: made once with Debian's ffmpeg, and kept with a manifest.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::debian::Debian;
use crate::digest;
use xtask::model::Sha256;
use xtask::pack::landing::land_text;
use xtask::process::bounded::{self, Command};
use xtask::ui::Ui;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Media {
    /// An mp4 of more than 500 MB with its index at the end, as encoders write it.
    Mp4End,
    /// The same with its index in front.
    Mp4Front,
    /// As much of another film with its index at the end. MediaInfo reports how H.264's groups of pictures are built, and
    /// must see some of them for it: here each is four times as long, at more than twice the rate.
    Mp4LongGop,
    /// Matroska.
    Mkv,
    /// An MPEG transport stream.
    Ts,
    /// Ten minutes of sound.
    Mp3,
    /// A playlist of transport streams.
    Hls,
    /// A photo, as small as thumbnails are.
    Photo,
    /// A minute of sound with a large picture in front of it, as podcasts have.
    Mp3Cover,
    /// A Matroska file of 55 MB, which is less than some programs ask for at once.
    MkvShort,
}

impl Media {
    /// Every kind, in the order in which results are shown.
    pub const ALL: [Media; 10] = [
        Media::Mp4End,
        Media::Mp4Front,
        Media::Mp4LongGop,
        Media::Mkv,
        Media::MkvShort,
        Media::Ts,
        Media::Mp3,
        Media::Mp3Cover,
        Media::Hls,
        Media::Photo,
    ];

    /// What `bench probe` probes.
    pub const PROBE: [Media; 7] =
        [Media::Mp4End, Media::Mp4Front, Media::Mp4LongGop, Media::Mkv, Media::Ts, Media::Mp3, Media::Hls];

    /// What `bench function` probes.
    pub const FUNCTION: [Media; 8] = [
        Media::Mp4End,
        Media::Mp4Front,
        Media::Mp4LongGop,
        Media::MkvShort,
        Media::Ts,
        Media::Hls,
        Media::Mp3Cover,
        Media::Photo,
    ];

    /// Its path on the server.
    pub fn path(self) -> &'static str {
        match self {
            Media::Mp4End => "end.mp4",
            Media::Mp4Front => "front.mp4",
            Media::Mp4LongGop => "long-gop.mp4",
            Media::Mkv => "film.mkv",
            Media::Ts => "film.ts",
            Media::Mp3 => "sound.mp3",
            Media::Hls => "film.m3u8",
            Media::Photo => "photo.jpg",
            Media::Mp3Cover => "cover.mp3",
            Media::MkvShort => "short.mkv",
        }
    }

    /// What it is, for a reader.
    pub fn title(self) -> &'static str {
        match self {
            Media::Mp4End => "mp4, index at the end",
            Media::Mp4Front => "mp4, index in front",
            Media::Mp4LongGop => "mp4, index at the end, long GOPs",
            Media::Mkv => "Matroska",
            Media::Ts => "MPEG-TS",
            Media::Mp3 => "mp3",
            Media::Hls => "HLS",
            Media::Photo => "photo",
            Media::Mp3Cover => "mp3 with a picture",
            Media::MkvShort => "Matroska, short",
        }
    }

    /// What is in it, for a reader.
    pub fn content(self) -> &'static str {
        match self {
            Media::Mp4End | Media::Mp4Front => {
                "19 minutes of H.264 (720p, 3.5 Mbit/s, a key frame every half second) and AAC."
            }
            Media::Mp4LongGop => {
                "8 minutes of H.264 (1080p, 9 Mbit/s, a key frame every two seconds) and AAC. MediaInfo reads on until it \
                 has seen four groups of pictures, and reports how they are built."
            }
            Media::Mkv => "4 minutes of the first film.",
            Media::Ts => "A minute of the first film.",
            Media::Mp3 => "10 minutes of sound at 128 kbit/s.",
            Media::Hls => "A minute of the first film, in segments of six seconds.",
            Media::Photo => "A jpg of 400 by 300 pixels.",
            Media::Mp3Cover => "A minute of sound at 128 kbit/s behind a jpg of 1400 by 1400 pixels.",
            Media::MkvShort => "2 minutes of the first film.",
        }
    }

    /// What it is made from, if it is a film.
    fn seed(self) -> Option<Seed> {
        match self {
            Media::Mp4End | Media::Mp4Front | Media::Mkv | Media::MkvShort | Media::Ts | Media::Hls => Some(SHORT_GOP),
            Media::Mp4LongGop => Some(LONG_GOP),
            Media::Mp3 | Media::Mp3Cover | Media::Photo => None,
        }
    }

    /// What makes it, of the seed in that file, but for its own name at the end.
    fn arguments(self, seed: &str) -> Vec<String> {
        let line = match self {
            // So often that it is over 500 MB, with the index of a real film.
            Media::Mp4End => format!("-stream_loop 18 -i {seed} -c copy"),
            Media::Mp4Front => format!("-stream_loop 18 -i {seed} -c copy -movflags +faststart"),
            Media::Mp4LongGop => format!("-stream_loop 7 -i {seed} -c copy"),
            Media::Mkv => format!("-stream_loop 3 -i {seed} -c copy"),
            Media::Ts => format!("-i {seed} -c copy"),
            Media::Mp3 => {
                "-f lavfi -i aevalsrc=random(0)*0.1+sin(440*2*PI*t)*0.5:s=44100 -t 600 -c:a libmp3lame -b:a 128k"
                    .to_owned()
            }
            Media::Hls => format!("-i {seed} -c copy -f hls -hls_time 6 -hls_list_size 0"),
            Media::Photo => format!("-f lavfi -i {PICTURE}=size=400x300 -q:v 5 -frames:v 1"),
            Media::Mp3Cover => format!(
                "-f lavfi -i sine=frequency=440:sample_rate=44100 -f lavfi -t 0.04 -i {PICTURE}=size=1400x1400 -t 60 \
                 -map 0 -map 1 -c:a libmp3lame -b:a 128k -c:v mjpeg -q:v 2 -disposition:v attached_pic"
            ),
            Media::MkvShort => format!("-stream_loop 1 -i {seed} -c copy"),
        };
        line.split(' ').map(str::to_owned).collect()
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

/// A minute of H.264 and AAC from which films are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seed {
    /// Its name among the others.
    name: &'static str,
    /// Pixels.
    size: &'static str,
    /// Frames from one key frame to the next, at 30 a second.
    gop: u32,
    /// Kilobits a second, constant: the encoder fills up where the picture needs less.
    rate: u32,
}

/// Half a second of GOP, as cameras write it, at a rate for the web.
const SHORT_GOP: Seed = Seed { name: "short-gop", size: "1280x720", gop: 15, rate: 3500 };
/// Two seconds of GOP, as encoders write them for streaming, at the rate of a good original.
const LONG_GOP: Seed = Seed { name: "long-gop", size: "1920x1080", gop: 60, rate: 9000 };

impl Seed {
    /// What makes it, but for the file's name at the end.
    fn arguments(self) -> Vec<String> {
        let Seed { size, gop, rate, .. } = self;
        let line = format!(
            "-f lavfi -i testsrc2=size={size}:rate=30 -f lavfi -i sine=frequency=440:sample_rate=48000 -t 60 \
             -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g {gop} -b:v {rate}k -minrate {rate}k -maxrate {rate}k \
             -bufsize {rate}k -x264-params nal-hrd=cbr:force-cfr=1 -c:a aac -b:a 128k"
        );
        line.split(' ').map(str::to_owned).collect()
    }
}

/// What photos show: a picture with as many details as a real one.
const PICTURE: &str = "mandelbrot";

/// How long making one file may take on a slow machine.
const ENCODING: Duration = Duration::from_secs(900);

/// The files, as made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MediaFiles {
    /// Of the way they are made; other files are made when it changes.
    pub recipe: Sha256,
    /// The package that made them.
    pub encoder: String,
    /// Every file, by its path on the server.
    pub files: BTreeMap<String, MediaFile>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MediaFile {
    /// Bytes.
    pub size: u64,
    /// Of the file.
    pub sha256: Sha256,
}

/// Makes the files in `folder` if they are not there; what they are.
pub fn make(folder: &Path, debian: &Debian, ui: &Ui) -> Result<MediaFiles> {
    let manifest = folder.with_extension("json");
    let seeds = [SHORT_GOP, LONG_GOP];
    let seed_file = |seed: Seed| folder.with_extension(format!("{}.mp4", seed.name));
    let commands = seeds.map(Seed::arguments).into_iter().chain(Media::ALL.map(|media| media.arguments("seed")));
    let recipe = Sha256::of(commands.map(|arguments| arguments.join(" ")).collect::<Vec<_>>().join("\n"));
    let known = fs::read_to_string(&manifest).ok().and_then(|text| serde_json::from_str::<MediaFiles>(&text).ok());
    if let Some(files) = known.filter(|files| files.recipe == recipe && files.are_in(folder)) {
        return Ok(files);
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    for seed in seeds {
        let _progress = ui.busy(&format!("encoding a minute of film ({}), once", seed.name));
        encode(debian, seed.arguments(), &seed_file(seed))?;
    }
    for media in Media::ALL {
        let _progress = ui.busy(&format!("making {}", media.path()));
        let seed = media.seed().map(seed_file).unwrap_or_default();
        encode(debian, media.arguments(&seed.to_string_lossy()), &folder.join(media.path()))?;
    }
    for seed in seeds.map(seed_file) {
        fs::remove_file(&seed).with_context(|| format!("cannot remove `{}`", seed.display()))?;
    }
    let mut files = BTreeMap::new();
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let (sha256, size) = digest::of_file(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.insert(name, MediaFile { size, sha256 });
    }
    let files = MediaFiles { recipe, encoder: format!("Debian ffmpeg {}", debian.version("ffmpeg")), files };
    land_text(&manifest, &format!("{}\n", serde_json::to_string_pretty(&files)?))?;
    Ok(files)
}

impl MediaFiles {
    /// Whether all of them are there with the right size. Nobody else writes there.
    fn are_in(&self, folder: &Path) -> bool {
        let same =
            |(name, file): (&String, &MediaFile)| folder.join(name).metadata().is_ok_and(|it| it.len() == file.size);
        !self.files.is_empty() && self.files.iter().all(same)
    }
}

fn encode(debian: &Debian, arguments: Vec<String>, to: &PathBuf) -> Result<()> {
    let mut argv = debian.argv("usr/bin/ffmpeg");
    let always = ["-nostdin", "-v", "error", "-y", "-fflags", "+bitexact"];
    argv.extend(always.map(OsString::from));
    argv.extend(arguments.into_iter().map(OsString::from));
    argv.extend(["-flags", "+bitexact"].map(OsString::from));
    argv.push(to.into());
    let output = bounded::run(&Command { timeout: ENCODING, ..Command::new(argv) })?;
    if !output.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("cannot make `{}` with Debian's ffmpeg ({}): {}", to.display(), output.ending(), said.trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_its_own_path() {
        let mut paths = Media::ALL.map(Media::path).to_vec();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), Media::ALL.len());
    }

    #[test]
    fn files_that_are_gone_are_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = MediaFile { size: 3, sha256: Sha256::of("abc") };
        let files = [("a.mp3".to_owned(), file)].into();
        let files = MediaFiles { recipe: Sha256::of(""), encoder: String::new(), files };
        assert!(!files.are_in(folder.path()));
        fs::write(folder.path().join("a.mp3"), "abc").expect("written");
        assert!(files.are_in(folder.path()));
    }
}
