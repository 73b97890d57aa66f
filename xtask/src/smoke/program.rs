//! The command-line program: asked as a function would ask it.

use super::case::{Answer, Case, Trust};
use super::output::{self, Media};
use crate::process::bounded::{self, Command, Output, SpawnError};
use crate::smoke::report::{Failure, Outcome, excerpt};
use crate::smoke::sandbox::Sandbox;

/// The program of a layer in a sandbox.
#[derive(Debug, Clone)]
pub struct Program<'a> {
    /// Where it runs.
    pub sandbox: &'a Sandbox,
    /// Its path in the sandbox.
    pub path: String,
    /// How long one call may take.
    pub timeout: std::time::Duration,
}

/// Reads one form of output.
type Reader = fn(&[u8]) -> Result<Option<Media>, String>;

/// Where the certificate of the test server's authority is in the sandbox.
pub const AUTHORITY: &str = "/tmp/authority.pem";

/// Where the certificate of another authority is in the sandbox.
pub const STRANGER: &str = "/tmp/stranger.pem";

/// What `SSL_CERT_FILE` names.
pub fn bundle(trust: Trust) -> Option<&'static str> {
    match trust {
        Trust::Default => None,
        Trust::Authority => Some(AUTHORITY),
        Trust::Stranger => Some(STRANGER),
    }
}

impl Program<'_> {
    /// A call with these arguments.
    pub fn command(&self, arguments: &[&str], trust: Trust) -> Command {
        let path = self.sandbox.path(&self.path);
        let command = self.sandbox.command([path.as_str()].iter().chain(arguments));
        let command = match bundle(trust) {
            Some(bundle) => command.env("SSL_CERT_FILE", self.sandbox.path(bundle)),
            None => command,
        };
        Command { timeout: self.timeout, ..command }
    }

    /// Asks for a report as JSON. Gives the answer, and the command that was run.
    pub fn ask(&self, case: &Case) -> (Answer, String) {
        let command = self.command(&["--Output=JSON", &case.input], case.trust);
        (answer(bounded::run(&command), output::read_json), command.shell_line())
    }

    /// Asks for a report as XML.
    pub fn ask_xml(&self, case: &Case) -> (Answer, String) {
        let command = self.command(&["--Output=XML", &case.input], case.trust);
        (answer(bounded::run(&command), output::read_xml), command.shell_line())
    }

    /// Checks what comes of a call that asks for no report.
    pub fn check(&self, argument: &str, expected: &str, fits: impl Fn(&Output) -> bool) -> Outcome {
        let command = self.command(&[argument], Trust::Default);
        let actual = match bounded::run(&command) {
            Ok(output) if fits(&output) => return Outcome::Passed,
            Ok(output) => describe(&output),
            Err(error) => error.to_string(),
        };
        Outcome::Failed(Failure { expected: expected.to_owned(), actual, command: command.shell_line() })
    }
}

/// An exit code of zero with a report and nothing else is a report; any other with a message and no report is an error.
fn answer(run: Result<Output, SpawnError>, read: Reader) -> Answer {
    let output = match run {
        Ok(output) => output,
        Err(error) => return Answer::Odd(error.to_string()),
    };
    let text = || describe(&output);
    let media = match read(&output.stdout) {
        Ok(media) => media,
        // An error may leave stdout empty, but must not half fill it.
        Err(_) if output.stdout.trim_ascii().is_empty() => None,
        Err(complaint) => return Answer::Odd(format!("{complaint}\n{}", text())),
    };
    match (output.success(), media) {
        (true, Some(media)) => Answer::Report(media),
        (false, None) if !output.timed_out && said_by_program(&output) && !output.stderr.is_empty() => {
            Answer::Error(excerpt(&output.stderr))
        }
        (false, None) => Answer::Odd(text()),
        (true, None) => Answer::Odd(format!("no report, but a good exit code\n{}", text())),
        (false, Some(_)) => Answer::Odd(format!("a report, but a bad exit code\n{}", text())),
    }
}

/// Whether the program itself chose its exit code. A signal is no choice, and 125 and above are chroot's and unshare's
/// way to say that there was nothing to run.
fn said_by_program(output: &Output) -> bool {
    output.status.code().is_some_and(|code| code < 125)
}

/// All that is known of a call, for a message.
fn describe(output: &Output) -> String {
    let (stdout, stderr) = (excerpt(&output.stdout), excerpt(&output.stderr));
    format!("{}\nstdout: {stdout}\nstderr: {stderr}", output.ending())
}
