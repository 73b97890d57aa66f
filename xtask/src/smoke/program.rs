//! A command-line program of a layer: asked as a function would ask it.

use super::case::{Answer, Findings};
use super::report::{Failure, Outcome, excerpt};
use super::sandbox::Sandbox;
use super::trust::Trust;
use crate::process::bounded::{self, Command, Output, SpawnError};

/// The program of a layer in a sandbox.
#[derive(Debug, Clone)]
pub struct Program<'a> {
    /// Where it runs.
    pub sandbox: &'a Sandbox,
    /// Its path in the sandbox.
    pub path: String,
    /// What it is called when run, where that is not its path; only an emulator can do that.
    pub name: Option<&'static str>,
    /// How long one call may take.
    pub timeout: std::time::Duration,
}

/// Reads one form of output, which must be all there is. Nothing where it is whole but reports no media.
pub type Reader<'a> = &'a dyn Fn(&[u8]) -> Result<Option<Box<dyn Findings + Send>>, String>;

impl Program<'_> {
    /// A call with these arguments.
    pub fn command(&self, arguments: &[&str], trust: Trust) -> Command {
        let path = self.sandbox.path(&self.path);
        let env = trust.env(self.sandbox);
        let argv = [path.as_str()].into_iter().chain(arguments.iter().copied());
        let command = self.sandbox.command_as(self.name, &env, argv);
        Command { timeout: self.timeout, ..command }
    }

    /// Asks for a report. Gives the answer, and the command that was run.
    pub fn ask(&self, arguments: &[&str], trust: Trust, read: Reader<'_>) -> (Answer, String) {
        let command = self.command(arguments, trust);
        (answer(bounded::run(&command), read), command.shell_line())
    }

    /// Checks what comes of a call that asks for no report.
    pub fn check(&self, arguments: &[&str], expected: &str, fits: impl Fn(&Output) -> bool) -> Outcome {
        self.check_with(Trust::Default, arguments, expected, fits)
    }

    /// The same with certificates to trust.
    pub fn check_with(
        &self,
        trust: Trust,
        arguments: &[&str],
        expected: &str,
        fits: impl Fn(&Output) -> bool,
    ) -> Outcome {
        let command = self.command(arguments, trust);
        let actual = match bounded::run(&command) {
            Ok(output) if fits(&output) => return Outcome::Passed,
            Ok(output) => describe(&output),
            Err(error) => error.to_string(),
        };
        Outcome::Failed(Failure { expected: expected.to_owned(), actual, command: command.shell_line() })
    }
}

/// An exit code of zero with a report and nothing else is a report; any other with a message and no report is an error.
fn answer(run: Result<Output, SpawnError>, read: Reader<'_>) -> Answer {
    let output = match run {
        Ok(output) => output,
        Err(error) => return Answer::Odd(error.to_string()),
    };
    let text = || describe(&output);
    let findings = match read(&output.stdout) {
        Ok(findings) => findings,
        // An error may leave stdout empty, but must not half fill it.
        Err(_) if output.stdout.trim_ascii().is_empty() => None,
        Err(complaint) => return Answer::Odd(format!("{complaint}\n{}", text())),
    };
    match (output.success(), findings) {
        (true, Some(findings)) => Answer::Report(findings),
        (false, None) if is_error(&output) => Answer::Error(String::from_utf8_lossy(&output.stderr).into_owned()),
        (false, None) => Answer::Odd(text()),
        (true, None) => Answer::Odd(format!("no report, but a good exit code\n{}", text())),
        (false, Some(_)) => Answer::Odd(format!("a report, but a bad exit code\n{}", text())),
    }
}

/// Whether the program itself said that something is wrong, by its exit code and in words. A signal is no choice, and
/// 125 to 127 are chroot's and unshare's way to say that there was nothing to run.
pub fn is_error(output: &Output) -> bool {
    let chosen = output.status.code().is_some_and(|code| code != 0 && !(125..=127).contains(&code));
    chosen && !output.timed_out && !output.stderr.is_empty()
}

/// All that is known of a call, for a message.
pub fn describe(output: &Output) -> String {
    let (stdout, stderr) = (excerpt(&output.stdout), excerpt(&output.stderr));
    format!("{}\nstdout: {stdout}\nstderr: {stderr}", output.ending())
}
