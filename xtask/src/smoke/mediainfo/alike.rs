//! Files for which a report by URL easily differs from the report of the file: they must be equal, at a bounded cost.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::process::bounded::{self, Output};
use crate::smoke::cases::Cases;
use crate::smoke::fixture;
use crate::smoke::long_files::{add_cover, spread};
use crate::smoke::notes::Notes;
use crate::smoke::program::{Program, describe, is_error};
use crate::smoke::report::{Failure, Outcome};
use crate::smoke::server::Resource;
use crate::smoke::setting::MEDIA;
use crate::smoke::trust::Trust;
use crate::ui::counted;

/// How fields begin that hold the name or a date of a file, in which both reports differ.
const NAMES: [&str; 6] = ["@ref", "CompleteName", "FolderName", "FileName", "File_Modified_Date", "File_Created_Date"];

/// All that can be said, and no limit of CPU time: an emulator takes twenty times as long.
const OPTIONS: &[&str] = &["-f", "--Output=JSON", "--File_Limit_Cpu=0"];

/// A file, and how it is to be asked for.
struct Kind {
    name: &'static str,
    file: &'static str,
    bytes: Vec<u8>,
    /// At most so many requests.
    requests: usize,
    /// On at least so many connections.
    connections: usize,
}

/// Asks for a report of every kind by path and by URL.
pub fn check(program: &Program<'_>, cases: &Cases<'_>, notes: &mut Notes, at: &str) -> anyhow::Result<()> {
    changing(program, cases, notes, at)?;
    for Kind { name, file, bytes, requests, connections } in kinds()? {
        let inside = format!("{MEDIA}/{file}");
        program.sandbox.write(&inside, &bytes)?;
        let size = bytes.len() as u64;
        let path = cases.put(file, Resource::new(bytes));
        let ask = |input: &str| bounded::run(&program.command(&[OPTIONS, &[input]].concat(), Trust::Default));
        let by_path = ask(&program.sandbox.path(&inside))?;
        let url = cases.setting.server.http(&path);
        let by_url = ask(&url)?;
        let records = cases.setting.server.requests(&path);
        let sent: u64 = records.iter().map(|record| record.sent).sum();
        let same = by_url.success()
            && by_path.success()
            && by_url.stderr.is_empty()
            && report(&by_path).is_some_and(|report_by_path| report(&by_url) == Some(report_by_path));
        // Nothing twice, but for what a test of several formats reads again.
        let modest = records.len() <= requests && sent <= size + size / 10;
        let used = records.iter().map(|record| record.connection).collect::<BTreeSet<u64>>().len();
        let modest = modest && used >= connections;
        let outcome = if same && modest {
            Outcome::Passed
        } else {
            Outcome::Failed(Failure {
                expected: format!(
                    "{}\nin at most {} on at least {}",
                    describe(&by_path),
                    counted(requests, "request"),
                    counted(connections, "connection")
                ),
                actual: format!(
                    "{}\nin {} on {}, for {sent} of {size} bytes",
                    describe(&by_url),
                    counted(records.len(), "request"),
                    counted(used, "connection")
                ),
                command: program.command(&[OPTIONS, &[&url]].concat(), Trust::Default).shell_line(),
            })
        };
        notes.add(format!("{at}: the same report by URL as by path of {name}"), outcome);
    }
    Ok(())
}

/// What is known of the first content is reported, as of a file that cannot be read to its end; nothing of the second.
fn changing(program: &Program<'_>, cases: &Cases<'_>, notes: &mut Notes, at: &str) -> anyhow::Result<()> {
    let case = cases.changing()?;
    let expected = "an error that says `changed`, and at most the General track";
    let outcome = program.check(&["--Output=JSON", &case.input], expected, |output| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // The index, which tells of the other tracks, is in what was asked for second.
        let tracks = text(&output.stdout).matches("\"@type\"").count();
        is_error(output) && text(&output.stderr).contains("changed") && tracks <= 1
    });
    notes.add(format!("{at}: {}", case.name), outcome);
    Ok(())
}

fn kinds() -> anyhow::Result<Vec<Kind>> {
    let (_, stream) = fixture::embedded_file("film.ts")?;
    let (_, sound) = fixture::embedded_file("tone.mp3")?;
    let (_, fragments) = fixture::embedded_file("fragments.mp4")?;
    let (_, movie) = fixture::embedded_file("moov-end.mp4")?;
    let kind =
        |name, file, bytes, requests| Kind { name, file, bytes, requests, connections: usize::from(requests > 0) };
    Ok(vec![
        // A range of nothing is answered with 416, and that is answer enough.
        kind("an empty object", "empty.mp3", Vec::new(), 1),
        kind("content that is no media", "noise.bin", noise(300_000), 4),
        kind("a transport stream that begins inside a packet", "cut.ts", stream[1_000..].to_vec(), 1),
        kind("a sound whose tag has a large picture", "cover.mp3", [&tag(&noise(1_500_000)), sound].concat(), 4),
        // Larger than what is kept of what was read before.
        kind("a film whose index has a large picture", "cover.mp4", add_cover(movie, &noise(9_000_000))?, 4),
        kind("one byte", "one.mp4", vec![0], 1),
        // Longer than what is asked for at first.
        kind("a long transport stream", "long.ts", stream.repeat(200), 3),
        // One round trip for each of the forty would be a connection that is used forty times.
        Kind {
            connections: 4,
            ..kind("a film in fragments far from each other", "far.mp4", spread(fragments, 1 << 20)?, 120)
        },
    ])
}

/// The report without names and dates; nothing where it is none.
fn report(output: &Output) -> Option<Value> {
    let mut report: Value = serde_json::from_slice(&output.stdout).ok()?;
    remove_names(&mut report);
    Some(report)
}

fn remove_names(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !NAMES.iter().any(|prefix| name.starts_with(prefix)));
            fields.values_mut().for_each(remove_names);
        }
        Value::Array(values) => values.iter_mut().for_each(remove_names),
        _ => {}
    }
}

/// An ID3v2.3 tag with a picture.
fn tag(picture: &[u8]) -> Vec<u8> {
    let content = [b"\0image/png\0\x03\0", picture].concat();
    let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let frame = [b"APIC", &size.to_be_bytes()[..], &[0, 0], &content].concat();
    let size = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    // Seven bits in each byte.
    let size = [21, 14, 7, 0].map(|shift| (size >> shift & 0x7f) as u8);
    [b"ID3\x03\0\0", &size[..], &frame].concat()
}

/// Bytes without a pattern, the same each time (xorshift).
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_dates_are_no_difference() {
        let mut report = serde_json::json!({"media": {"@ref": "a", "track": [
            {"FileNameExtension": "a.mp3", "FileSize": "3", "File_Modified_Date_Local": "2026"}
        ]}});
        remove_names(&mut report);
        assert_eq!(report, serde_json::json!({"media": {"track": [{"FileSize": "3"}]}}));
    }

    #[test]
    fn a_tag_says_how_long_it_is() {
        assert_eq!(tag(&[9; 300])[..10], *b"ID3\x03\0\0\0\0\x02\x43");
        assert_eq!(tag(&[9; 300]).len(), 10 + 0x143);
    }
}
