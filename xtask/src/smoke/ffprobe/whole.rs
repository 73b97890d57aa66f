//! Files that are read from one end to the other: a reader that asks ahead, or goes on after a lost connection, must
//! neither lose nor repeat a byte, whatever the server does.

use crate::process::bounded::Output;
use crate::smoke::cases::Cases;
use crate::smoke::long_files::repeat_wav;
use crate::smoke::parallel::in_parallel;
use crate::smoke::program::Program;
use crate::smoke::report::Outcome;
use crate::smoke::server::{Behaviour, Resource};
use crate::smoke::trust::Trust;

/// How often the tone is repeated: 6.4 MB, which takes several ranges of every size.
const TIMES: usize = 200;

/// Prints the size of every packet, a line each.
const SIZES: [&str; 7] = ["-v", "error", "-show_packets", "-show_entries", "packet=size", "-of", "csv=p=0"];

/// Reads a long file from servers of every kind. Gives the names of the checks with what came of them.
pub fn whole(program: &Program<'_>, cases: &Cases<'_>) -> anyhow::Result<Vec<(String, Outcome)>> {
    let (server, tone) = (cases.setting.server, cases.setting.fixtures.get("tone.wav")?);
    let (long, sound) = repeat_wav(tone.bytes, TIMES)?;
    let resource = Resource::new(long);
    let mut urls = Vec::new();
    for (name, behaviour) in [
        ("that serves ranges", Behaviour::Serve),
        ("without ranges", Behaviour::WithoutRanges),
        ("that closes every connection", Behaviour::Closing),
        ("that drops every connection without an answer", Behaviour::Dropping),
    ] {
        let path = cases.put(&format!("whole-{behaviour:?}.wav"), resource.clone().with(behaviour));
        urls.push((format!("all of a long file from an http server {name}"), server.http(&path)));
        urls.push((format!("all of a long file from an https server {name}"), server.https(&path)));
    }
    let expected = format!("exit code 0 and packets of {sound} bytes in all");
    let outcomes = in_parallel(&urls, |(_, url)| {
        let arguments: Vec<&str> = SIZES.into_iter().chain([url.as_str()]).collect();
        let fits = |output: &Output| output.success() && total(&output.stdout) == Some(sound);
        program.check_with(Trust::Authority, &arguments, &expected, fits)
    });
    Ok(urls.into_iter().map(|(name, _)| name).zip(outcomes).collect())
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
