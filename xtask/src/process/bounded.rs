//! Programs that are not trusted to end or to be brief: run to their end, output kept.
//!
//! Such a program gets exactly the environment it is given, what is kept of its output is
//! bounded, and when its time is up it is killed together with whatever it started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::session::Session;
use crate::files::quoted;

/// How much of each of stdout and stderr is kept, in bytes. The rest is read and dropped.
pub const OUTPUT_LIMIT: u64 = 16 * 1024 * 1024;

/// How long a program may take where nobody says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// A program to run, as data.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// The whole environment; nothing is inherited.
    pub env: BTreeMap<OsString, OsString>,
    /// Where it runs; this process's folder where absent.
    pub cwd: Option<PathBuf>,
    /// What it reads from stdin.
    pub stdin: Vec<u8>,
    /// When it is killed.
    pub timeout: Duration,
}

/// What came of a program.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Whether it was killed because its time was up.
    pub timed_out: bool,
    /// The first [`OUTPUT_LIMIT`] bytes of its stdout.
    pub stdout: Vec<u8>,
    /// The first [`OUTPUT_LIMIT`] bytes of its stderr.
    pub stderr: Vec<u8>,
}

/// A program could not be run at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot run `{program}`: {source}")]
pub struct SpawnError {
    /// Its path or name.
    pub program: String,
    /// Why.
    pub source: io::Error,
}

impl Command {
    /// A program with arguments, an empty environment and empty stdin.
    pub fn new<I, S>(argv: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        Command {
            argv: argv.into_iter().map(Into::into).collect(),
            env: BTreeMap::new(),
            cwd: None,
            stdin: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// The same with one more variable in its environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Command {
        self.env.insert(name.into(), value.into());
        self
    }

    /// A line that does the same in a shell.
    pub fn shell_line(&self) -> String {
        let mut line = String::from("env -i");
        for (name, value) in &self.env {
            // Writing to a string cannot fail.
            let _ = write!(line, " {}={}", name.to_string_lossy(), quoted(&value.to_string_lossy()));
        }
        for argument in &self.argv {
            line.push(' ');
            line.push_str(&quoted(&argument.to_string_lossy()));
        }
        line
    }
}

impl Output {
    /// Whether the program said that all is well.
    pub fn success(&self) -> bool {
        self.status.success() && !self.timed_out
    }

    /// How it ended, for a message.
    pub fn ending(&self) -> String {
        if self.timed_out {
            return "no end in time".to_owned();
        }
        match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("killed by signal {signal}"),
            (None, None) => "an unknown end".to_owned(),
        }
    }
}

/// Runs a program to its end.
///
/// # Errors
/// Only where it cannot be started; how it ended is in the [`Output`].
pub fn run(command: &Command) -> Result<Output, SpawnError> {
    let program = command.argv.first().cloned().unwrap_or_default();
    let failed = |source| SpawnError { program: program.to_string_lossy().into_owned(), source };
    let mut spawned = std::process::Command::new(&program);
    spawned
        .args(command.argv.iter().skip(1))
        .env_clear()
        .envs(&command.env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(cwd) = &command.cwd {
        spawned.current_dir(cwd);
    }
    let mut session = Session::start(&mut spawned).map_err(failed)?;
    let (stdin, stdout, stderr) = session.pipes();
    thread::scope(|scope| {
        scope.spawn(move || {
            // A program that does not read its input is free to do so.
            let _ = stdin.map(|mut pipe| pipe.write_all(&command.stdin));
        });
        let stdout = scope.spawn(move || read(stdout));
        let stderr = scope.spawn(move || read(stderr));
        let (status, timed_out) = session.wait_until(Instant::now() + command.timeout).map_err(failed)?;
        Ok(Output {
            status,
            timed_out,
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
        })
    })
}

/// Finds a program in the folders where a system keeps them, then on `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    usual.into_iter().chain(std::env::split_paths(&path)).map(|folder| folder.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.is_absolute() && path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Reads a pipe to its end, keeping only the beginning.
pub(super) fn read(pipe: Option<impl Read>) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut pipe) = pipe {
        // A pipe that breaks has simply ended.
        let _ = pipe.by_ref().take(OUTPUT_LIMIT).read_to_end(&mut kept);
        let _ = io::copy(&mut pipe, &mut io::sink());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        Command::new(["/bin/sh", "-c", script])
    }

    #[test]
    fn gives_output_status_and_only_the_named_environment() {
        let mut command = shell("cat; env | grep -c HOME; echo $WORD >&2; exit 3").env("WORD", "here");
        command.stdin = b"in ".to_vec();
        let output = run(&command).expect("runs");
        assert_eq!(output.stdout, b"in 0\n");
        assert_eq!(output.stderr, b"here\n");
        assert_eq!(output.ending(), "exit code 3");
        assert!(!output.success());
    }

    #[test]
    fn kills_what_takes_too_long_with_its_children() {
        let mut command = shell("sleep 60 & sleep 60; echo late");
        command.timeout = Duration::from_millis(200);
        let begin = Instant::now();
        let output = run(&command).expect("runs");
        assert!(output.timed_out);
        assert_eq!(output.ending(), "no end in time");
        assert!(begin.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn does_not_wait_for_what_a_program_leaves_behind() {
        let begin = Instant::now();
        let output = run(&shell("sleep 60 & echo done")).expect("runs");
        assert_eq!((output.stdout.as_slice(), output.success()), (&b"done\n"[..], true));
        assert!(begin.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn names_the_program_that_is_missing() {
        let error = run(&Command::new(["/nonexistent/program"])).expect_err("missing");
        assert!(error.to_string().contains("/nonexistent/program"), "{error}");
    }

    #[test]
    fn shows_a_line_for_the_shell() {
        let command = Command::new(["/bin/x", "it's", "a=b"]).env("A", "1 2");
        assert_eq!(command.shell_line(), r"env -i A='1 2' /bin/x 'it'\''s' a=b");
    }
}
