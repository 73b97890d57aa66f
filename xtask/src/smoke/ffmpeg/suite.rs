//! The checks of the ffmpeg layer, in the order in which they run.

use super::PROGRAM;
use super::job::Job;
use super::jobs::Jobs;
use super::judge::Workshop;
use crate::process::bounded;
use crate::smoke::cases::Cases;
use crate::smoke::ffprobe;
use crate::smoke::notes::Notes;
use crate::smoke::parallel::in_parallel;
use crate::smoke::program::Program;
use crate::smoke::report::{Failure, Outcome};
use crate::smoke::setting::{MEDIA, Setting};
use crate::smoke::trust::Trust;

/// The subtitles, which are no media of which ffprobe has much to say.
const WORDS: &str = "words.srt";

/// Makes all checks of the layer at one of its places.
pub fn checks(setting: &Setting<'_>, at: &str, notes: &mut Notes) -> anyhow::Result<()> {
    setting.sandbox.write(&format!("{MEDIA}/{WORDS}"), crate::smoke::fixture::embedded_file(WORDS)?.1)?;
    let before = setting.sandbox.listing()?;
    let ffmpeg = program(setting, at, PROGRAM);
    let ffprobe = second_name(setting, at, notes);
    ffprobe::check_answers(setting, at, &ffprobe, notes)?;
    let about = ffprobe::about(&ffmpeg, "ffmpeg");
    about.into_iter().for_each(|(name, outcome)| notes.add(format!("{at}: {name}"), outcome));
    jobs(setting, at, &ffmpeg, &ffprobe, notes)?;
    setting.nothing_written(at, &before, notes)?;
    ffprobe::check_bundles(setting, at, &ffprobe, notes)
}

fn program<'a>(setting: &Setting<'a>, at: &str, path: &str) -> Program<'a> {
    Program { sandbox: setting.sandbox, path: format!("{at}/{path}"), name: None, timeout: setting.timeout() }
}

/// The layer's ffprobe. It may be a small program that starts ffmpeg under its own name, which an emulator that the
/// kernel does not know of cannot follow: then ffmpeg is called by that name instead, and the check says so.
fn second_name<'a>(setting: &Setting<'a>, at: &str, notes: &mut Notes) -> Program<'a> {
    let ffprobe = program(setting, at, ffprobe::PROGRAM);
    let command = ffprobe.command(&["-version"], Trust::Default);
    let refused = |said: &[u8]| String::from_utf8_lossy(said).contains("Exec format error");
    let output = bounded::run(&command);
    let stuck = output.as_ref().is_ok_and(|output| !output.success() && refused(&output.stderr));
    let (used, outcome) = if setting.machine.emulator.is_some() && stuck {
        let reason = "this qemu cannot start a program out of a program; bin/ffmpeg is called ffprobe instead";
        let remedy = "register qemu with binfmt_misc (Debian's qemu-user-static does it where /proc/sys is writable)";
        let outcome = Outcome::Skipped { reason: reason.to_owned(), remedy: remedy.to_owned() };
        (Program { name: Some("ffprobe"), ..program(setting, at, PROGRAM) }, outcome)
    } else {
        let fits = |output: &bounded::Output| output.success();
        let outcome = ffprobe.check(&["-version"], "exit code 0", fits);
        (ffprobe, outcome)
    };
    notes.add(format!("{at}: bin/ffprobe starts"), outcome);
    used
}

/// Gives ffmpeg its jobs.
fn jobs(
    setting: &Setting<'_>,
    at: &str,
    ffmpeg: &Program<'_>,
    ffprobe: &Program<'_>,
    notes: &mut Notes,
) -> anyhow::Result<()> {
    let prefix = setting.prefix("ffmpeg", at);
    let folder = format!("/tmp{prefix}");
    // Only to have the folder: ffmpeg makes none.
    setting.sandbox.write(&format!("{folder}/made"), b"")?;
    let cases = Cases { setting: *setting, prefix };
    let all = Jobs { cases: &cases }.all()?;
    let (ffmpeg, ffprobe) = (ffmpeg.clone(), ffprobe.clone());
    let mut workshop = Workshop { setting: *setting, ffmpeg, ffprobe, folder, frame: Vec::new() };
    let options = ["-vf", "select=eq(n\\,50)", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray"];
    match workshop.decode(&format!("{MEDIA}/film.mp4"), &options) {
        Ok(frame) => workshop.frame = frame,
        Err((expected, actual)) => {
            let failure = Failure { expected, actual, command: "see above".to_owned() };
            notes.add(format!("{at}: decoding a frame"), Outcome::Failed(failure));
        }
    }
    let encoders = encoders(&workshop.ffmpeg);
    let outcomes = in_parallel(&all, |job| missing(job, &encoders).unwrap_or_else(|| workshop.judge(job)));
    for (job, outcome) in all.iter().zip(outcomes) {
        notes.add(format!("{at}: {}", job.name), outcome);
    }
    Ok(())
}

/// What ffmpeg says about the encoders it has; nothing where it says nothing.
fn encoders(ffmpeg: &Program<'_>) -> String {
    let output = bounded::run(&ffmpeg.command(&["-v", "error", "-encoders"], Trust::Default));
    output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Why a job cannot be done by this build, if it cannot.
fn missing(job: &Job, encoders: &str) -> Option<Outcome> {
    let encoder = job.needs.filter(|needed| !encoders.split_whitespace().any(|word| word == *needed))?;
    Some(Outcome::Skipped {
        reason: format!("this build has no encoder {encoder}"),
        remedy: "add it to the recipe if the layer is to have it".to_owned(),
    })
}
