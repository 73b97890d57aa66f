//! Files that are read from one end to the other: a reader that asks ahead, or goes on after a lost connection, must
//! neither lose nor repeat a byte, whatever the server does. A file that was cut off is read up to where it ends.

use crate::process::bounded::Output;
use crate::smoke::cases::Cases;
use crate::smoke::long_files::repeat_wav;
use crate::smoke::parallel::in_parallel;
use crate::smoke::program::Program;
use crate::smoke::report::Outcome;
use crate::smoke::server::{Behaviour, Resource};
use crate::smoke::setting::MEDIA;
use crate::smoke::trust::Trust;

/// How often the tone is repeated: 6.4 MB, which takes several ranges of every size.
const TIMES: usize = 200;

/// How many bytes of sound are left of a file that was cut off.
const LEFT: usize = 8_000;

/// Prints the size of every packet, a line each.
const SIZES: [&str; 7] = ["-v", "error", "-show_packets", "-show_entries", "packet=size", "-of", "csv=p=0"];

/// Reads a long file from servers of every kind. Gives the names of the checks with what came of them.
pub fn whole(program: &Program<'_>, cases: &Cases<'_>) -> anyhow::Result<Vec<(String, Outcome)>> {
    let (server, tone) = (cases.setting.server, cases.setting.fixtures.get("tone.wav")?);
    let (long, sound) = repeat_wav(tone.bytes, TIMES)?;
    let resource = Resource::new(long);
    let mut files = Vec::new();
    for (name, behaviour) in [
        ("that serves ranges", Behaviour::Serve),
        ("without ranges", Behaviour::WithoutRanges),
        ("that closes every connection", Behaviour::Closing),
        ("that drops every connection without an answer", Behaviour::Dropping),
    ] {
        let path = cases.put(&format!("whole-{behaviour:?}.wav"), resource.clone().with(behaviour));
        files.push((format!("all of a long file from an http server {name}"), server.http(&path), sound));
        files.push((format!("all of a long file from an https server {name}"), server.https(&path), sound));
    }
    let cut = cut_aiff();
    let inside = format!("{MEDIA}/cut.aiff");
    program.sandbox.write(&inside, &cut)?;
    let path = cases.put("cut.aiff", Resource::new(cut));
    for (way, input) in [("path", program.sandbox.path(&inside)), ("URL", server.http(&path))] {
        files.push((format!("all that is left of a sound that was cut off, by {way}"), input, LEFT));
    }
    let outcomes = in_parallel(&files, |(_, input, sound)| {
        let arguments: Vec<&str> = SIZES.into_iter().chain([input.as_str()]).collect();
        let expected = format!("exit code 0 and packets of {sound} bytes in all");
        let fits = |output: &Output| output.success() && total(&output.stdout) == Some(*sound);
        program.check_with(Trust::Authority, &arguments, &expected, fits)
    });
    Ok(files.into_iter().map(|(name, ..)| name).zip(outcomes).collect())
}

/// An AIFF file that ends within its sound. Behind it there was another chunk, so a reader seeks to where the sound should
/// end: 12,000 bytes behind the end of the file. Upstream takes that for an error, which it does not 40,000 bytes behind it.
fn cut_aiff() -> Vec<u8> {
    const SOUND: u32 = LEFT as u32 + 12_000;
    const BEHIND: u32 = 1_000;
    // Two channels of 16 bits, 44,100 times a second.
    let mut about = [&2_u16.to_be_bytes()[..], &(SOUND / 4).to_be_bytes(), &16_u16.to_be_bytes()].concat();
    about.extend([0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]);
    let about_size = about.len() as u32;
    // Where the sound begins and how it is aligned.
    let place = [0; 8];
    let sound_size = SOUND + place.len() as u32;
    let size = 4 + 8 + about_size + 8 + sound_size + 8 + BEHIND;
    let head = [b"FORM", &size.to_be_bytes()[..], b"AIFF", b"COMM", &about_size.to_be_bytes(), &about];
    let sound = [b"SSND", &sound_size.to_be_bytes()[..], &place, &[0; LEFT]];
    [head.concat(), sound.concat()].concat()
}

/// The sum of numbers that stand on a line each, perhaps with something behind a comma.
fn total(lines: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(lines).ok()?;
    text.lines().map(|line| line.split(',').next()?.parse::<usize>().ok()).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_added_up() {
        assert_eq!(super::total(b"4096\n4096,\n100\n"), Some(8292));
        assert_eq!(super::total(b"4096\nerror\n"), None);
    }
}
