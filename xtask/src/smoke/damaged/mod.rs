//! Files that were made to cost much: each is reported or refused in time, and the program says what it left out.

mod kinds;

use serde_json::Value;

use self::kinds::{Kind, Limit, kinds};
use super::notes::Notes;
use super::program::{Program, is_error};
use super::setting::MEDIA;
use crate::process::bounded::Output;

/// What MediaInfo says on stderr at a limit.
const STOPPED: &str = "parsing was stopped";

/// Who is asked, which decides what must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Says in its report and on stderr which limit it reached.
    Mediainfo,
    /// Only has to end in time.
    Ffprobe,
}

/// Asks about every kind with these options.
pub fn check(
    program: &Program<'_>,
    reader: Reader,
    options: &[&str],
    notes: &mut Notes,
    at: &str,
) -> anyhow::Result<()> {
    for Kind { name, file, bytes, limit } in kinds()? {
        let inside = format!("{MEDIA}/{file}");
        program.sandbox.write(&inside, &bytes)?;
        let path = program.sandbox.path(&inside);
        let arguments: Vec<&str> = options.iter().copied().chain([path.as_str()]).collect();
        let limit = if reader == Reader::Mediainfo { limit } else { Limit::DependsOnVersion };
        let expected = match limit {
            Limit::Reached(_) => "a report that is said to be not complete, and exit code 1",
            Limit::NotReached => "a report or an error, without a limit that is reached",
            Limit::DependsOnVersion => "a report or an error, in time",
        };
        let outcome = program.check(&arguments, expected, |output| {
            let stopped = String::from_utf8_lossy(&output.stderr).contains(STOPPED);
            match limit {
                Limit::Reached(reason) => is_said_to_be_incomplete(output, reason),
                Limit::NotReached => ended_well(output) && !stopped,
                Limit::DependsOnVersion => ended_well(output),
            }
        });
        notes.add(format!("{at}: {name}"), outcome);
    }
    Ok(())
}

/// A report with the reason why it is not complete; the reason on stderr, too.
fn is_said_to_be_incomplete(output: &Output, reason: &str) -> bool {
    let says = |bytes: &[u8], words: &str| String::from_utf8_lossy(bytes).contains(words);
    ended_well(output)
        && is_error(output)
        && says(&output.stderr, &format!("{STOPPED}, the report is not complete: {reason}"))
        && says(&output.stdout, "ParsingStopped")
        && says(&output.stdout, reason)
}

/// By itself, with something that can be read.
fn ended_well(output: &Output) -> bool {
    let readable = serde_json::from_slice::<Value>(&output.stdout).is_ok();
    (output.success() && readable) || (is_error(output) && (readable || output.stdout.trim_ascii().is_empty()))
}
