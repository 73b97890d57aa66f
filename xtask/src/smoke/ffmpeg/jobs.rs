//! All the jobs that ffmpeg is given.

use super::job::{Job, Output, PictureContent, PictureKind, Product};
use crate::smoke::cases::{Cases, resource};
use crate::smoke::fixture::{Audio, ExpectedReport, Video};
use crate::smoke::server::Behaviour;
use crate::smoke::setting::MEDIA;
use crate::smoke::traffic::{ExpectedTraffic, Traffic};
use crate::smoke::trust::Trust;

/// What a frame of a long file with its index at the end may cost.
const MODEST: ExpectedTraffic = ExpectedTraffic::Frugal { requests: 6, bytes: 2_500_000 };

/// A film with the fixtures' tone: its container and its tracks.
type Film = (&'static str, f64, Option<(&'static str, u32, u32, f64)>, (&'static str, u32));

/// Makes jobs for one sandbox, putting what they need onto the server.
#[derive(Debug)]
pub struct Jobs<'a> {
    /// The server, and what is on it.
    pub cases: &'a Cases<'a>,
}

impl Jobs<'_> {
    /// All jobs, in the order in which they are reported.
    pub fn all(&self) -> anyhow::Result<Vec<Job>> {
        let mut all = self.frames()?;
        all.extend(self.filters());
        all.extend(self.sound()?);
        all.extend(self.films());
        all.extend(self.failures()?);
        Ok(all)
    }

    /// Pictures out of films, as a thumbnail is made.
    fn frames(&self) -> anyhow::Result<Vec<Job>> {
        let (cases, server) = (self.cases, self.cases.setting.server);
        let fixture = |file: &str| Ok::<_, anyhow::Error>(cases.put_fixture("", cases.setting.fixtures.get(file)?));
        let (mp4, ts, hls) = (fixture("film.mp4")?, fixture("film.ts")?, fixture("film.m3u8")?);
        let local = self.file("film.mp4");
        let seen = |kind| picture(kind, 160, 120, PictureContent::FilmAtTwoSeconds);
        let frame = |name: &str, input: &str, output, kind| {
            let output_options: &[&str] = match output {
                Output::File(_) => &["-frames:v", "1"],
                Output::Stdout(_) => &["-frames:v", "1", "-c:v", "mjpeg", "-f", "image2pipe"],
            };
            let arguments = [&["-ss", "2", "-i", input][..], output_options].concat();
            Job { trust: Trust::Authority, ..job(name, &arguments, output, seen(kind)) }
        };
        let (jpeg, file) = (PictureKind::Jpeg, Output::File);
        let mut all = vec![
            frame("JPEG at 2 s of a file", &local, file("file.jpg"), jpeg),
            frame("JPEG at 2 s over http", &server.http(&mp4), file("http.jpg"), jpeg),
            frame("JPEG at 2 s over https", &server.https(&mp4), file("https.jpg"), jpeg),
            frame("JPEG at 2 s of MPEG-TS over https", &server.https(&ts), file("ts.jpg"), jpeg),
            frame("JPEG at 2 s of HLS over https", &server.https(&hls), file("hls.jpg"), jpeg),
            frame("JPEG at 2 s to stdout", &local, Output::Stdout("stdout.jpg"), jpeg),
            frame("PNG at 2 s of a file", &local, file("file.png"), PictureKind::Png),
            frame("JPEG at 2 s of AV1", &self.file("av1.mp4"), file("av1.jpg"), jpeg),
            frame("JPEG at 2 s of AV1 with 10 bits", &self.file("av1-10bit.mkv"), file("av1-10bit.jpg"), jpeg),
        ];
        let webp = frame("WebP at 2 s of a file", &local, file("file.webp"), PictureKind::Webp);
        all.push(Job { needs: Some("libwebp"), ..webp });
        let (long, _) = cases.put_long()?;
        let target = format!("{long}?frame");
        let url = server.https(&target);
        let any = picture(jpeg, 160, 120, PictureContent::Anything);
        let arguments = ["-ss", "1", "-i", &url, "-frames:v", "1"];
        let long = job("JPEG at 1 s of a long file over https, in ranges", &arguments, file("long.jpg"), any);
        all.push(Job { trust: Trust::Authority, traffic: Traffic::To { prefix: target, demand: MODEST }, ..long });
        Ok(all)
    }

    fn filters(&self) -> Vec<Job> {
        let (film, movie) = (self.file("film.mp4"), self.file("moov-end.mp4"));
        let filter = |name: &str, graph: &str, output, width, height| {
            let product = picture(PictureKind::Jpeg, width, height, PictureContent::Anything);
            job(name, &["-i", &film, "-vf", graph, "-frames:v", "1"], Output::File(output), product)
        };
        let overlay = "[1:v]scale=40:-2[small];[0:v][small]overlay=8:8";
        let arguments = ["-i", &film, "-i", &movie, "-filter_complex", overlay, "-frames:v", "1"];
        let overlaid = picture(PictureKind::Jpeg, 160, 120, PictureContent::Anything);
        vec![
            filter("filters fps, scale and tile", "fps=1,scale=80:60,tile=4x1", "tile.jpg", 320, 60),
            filter(
                "filters select, crop and format",
                "select=eq(n\\,50),crop=80:60:40:30,format=gray",
                "crop.jpg",
                80,
                60,
            ),
            filter("filter thumbnail", "thumbnail=50,scale=64:-2", "thumbnail.jpg", 64, 48),
            filter("filters transpose and pad", "transpose=1,pad=200:200:-1:-1", "pad.jpg", 200, 200),
            job("filter overlay", &arguments, Output::File("overlay.jpg"), overlaid),
        ]
    }

    fn sound(&self) -> anyhow::Result<Vec<Job>> {
        let film = self.file("film.mp4");
        let sound = |name: &str, options: &[&str], output, expected: Film, tolerance| {
            let arguments = [&["-i", film.as_str(), "-vn"], options].concat();
            job(name, &arguments, Output::File(output), Product::Media(truth_of(expected), tolerance))
        };
        let tone = self.cases.put_fixture("", self.cases.setting.fixtures.get("tone.mp3")?);
        let url = self.cases.setting.server.https(&tone);
        let wave = Product::Media(truth_of(("wav", 1.0, None, ("pcm_s16le", 16000))), 0.05);
        let arguments = ["-i", &url, "-ac", "1", "-ar", "16000"];
        let from_url = job("mp3 over https to wav at 16 kHz", &arguments, Output::File("speech.wav"), wave);
        Ok(vec![
            sound("mp4 to wav", &[], "sound.wav", ("wav", 4.0, None, ("pcm_s16le", 44100)), 0.05),
            // A file of bare frames tells no duration; what ffprobe says is worked out from the bit rate.
            sound("mp4 to aac", &[], "sound.aac", ("aac", 4.0, None, ("aac", 44100)), 0.8),
            sound("mp4 to m4a", &[], "sound.m4a", (MP4, 4.0, None, ("aac", 44100)), 0.05),
            sound(
                "mp4 to m4a without coding again",
                &["-c", "copy"],
                "copy.m4a",
                (MP4, 4.0, None, ("aac", 44100)),
                0.05,
            ),
            Job { trust: Trust::Authority, ..from_url },
        ])
    }

    fn films(&self) -> Vec<Job> {
        let (film, clip, words) = (self.file("film.mp4"), self.file("clip.mkv"), self.file("words.srt"));
        let media = |name: &str, arguments: &[&str], output, expected: Film| {
            job(name, arguments, output, Product::Media(truth_of(expected), 0.1))
        };
        let (file, aac, h264) = (Output::File, ("aac", 44100), Some(("h264", 160, 120, 25.0)));
        let hls = ["-i", &film, "-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod"];
        let coded = ["-i", &film, "-vf", "scale=80:60,fps=5", "-c:v", "mpeg4", "-c:a", "aac"];
        let from_mkv = ["-i", &clip, "-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart"];
        let live = ["-i", &film, "-c", "copy", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4"];
        let cues =
            Product::Text(&["WEBVTT", "00:00.500 --> 00:01.500\nfirst words", "00:02.000 --> 00:03.000\nsecond words"]);
        vec![
            media("mp4 to HLS", &hls, file("cut.m3u8"), ("hls", 4.0, h264, aac)),
            media("mp4 to mkv", &["-i", &film, "-c", "copy"], file("copy.mkv"), ("matroska,webm", 4.0, h264, aac)),
            media("mp4 to MPEG-4 video", &coded, file("small.mp4"), (MP4, 4.0, Some(("mpeg4", 80, 60, 5.0)), aac)),
            media(
                "VP9 and Opus to mp4",
                &from_mkv,
                file("from-mkv.mp4"),
                (MP4, 2.0, Some(("mpeg4", 160, 120, 25.0)), ("aac", 48000)),
            ),
            media("mp4 in fragments to stdout", &live, Output::Stdout("live.mp4"), (MP4, 4.0, h264, aac)),
            job("srt to webvtt", &["-i", &words], file("words.vtt"), cues),
        ]
    }

    fn failures(&self) -> anyhow::Result<Vec<Job>> {
        let (cases, server, movie) = (self.cases, self.cases.setting.server, self.cases.movie()?);
        let forbidden = cases.put("forbidden.mp4", resource(movie).with(Behaviour::Refuse(403)));
        let stalling = cases.put("stalling.mp4", resource(movie).with(Behaviour::Stalling));
        let served = cases.put_fixture("", movie);
        let fails = |name: &str, before: &[&str], input: String, trust, words| {
            let arguments = [before, &["-i", &input, "-frames:v", "1"]].concat();
            Job { trust, ..job(name, &arguments, Output::File("none.jpg"), Product::Error(words)) }
        };
        let (authority, quickly) = (Trust::Authority, ["-rw_timeout", "500000"]);
        Ok(vec![
            fails("ffmpeg: status 403 is an error", &[], server.https(&forbidden), authority, &["403"]),
            fails("ffmpeg: status 404 is an error", &[], server.https(&cases.path("none.mp4")), authority, &["404"]),
            fails(
                "ffmpeg: an untrusted authority is an error",
                &[],
                server.https(&served),
                Trust::Default,
                &["certificate"],
            ),
            fails("ffmpeg: a server that stalls is an error in time", &quickly, server.http(&stalling), authority, &[]),
            fails(
                "ffmpeg: a file that is not there is an error",
                &[],
                self.file("none.mp4"),
                authority,
                &["No such file"],
            ),
        ])
    }

    /// The path of a fixture in the sandbox.
    fn file(&self, name: &str) -> String {
        self.cases.setting.sandbox.path(&format!("{MEDIA}/{name}"))
    }
}

const MP4: &str = "mov,mp4,m4a,3gp,3g2,mj2";

fn job(name: &str, arguments: &[&str], output: Output, product: Product) -> Job {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let (name, trust, traffic) = (name.to_owned(), Trust::Default, Traffic::Any);
    Job { name, needs: None, arguments, output, trust, product, traffic }
}

fn picture(kind: PictureKind, width: u32, height: u32, shows: PictureContent) -> Product {
    Product::Picture { kind, width, height, shows }
}

/// The truth about an output. All sound is in one channel, as the film's is.
fn truth_of((format, duration, video, (codec, sample_rate)): Film) -> ExpectedReport {
    let video =
        video.map(|(codec, width, height, frame_rate)| Video { codec: codec.to_owned(), width, height, frame_rate });
    let audio = Some(Audio { codec: codec.to_owned(), sample_rate, channels: 1 });
    ExpectedReport { file: "the output".to_owned(), size: None, format: format.to_owned(), duration, video, audio }
}
