//! The one place where processes are started.
//!
//! Plain `std::process`: build steps need a cleared environment and output that
//! goes straight to a log file, which a shell-like library only hides.

pub mod background;
pub mod bounded;
pub mod guard;
pub mod guarded;
pub mod session;
pub mod temporary;
pub mod watch;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::thread;

use self::bounded::read;
use self::session::Session;

/// Runs a program of the machine in our own environment and collects what it prints.
pub fn output<I, S>(program: impl AsRef<OsStr>, args: I) -> io::Result<Output>
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    collect(Command::new(program).args(args))
}

/// Runs a program to its end and collects what it prints, up to [`bounded::OUTPUT_LIMIT`] of each stream.
fn collect(command: &mut Command) -> io::Result<Output> {
    let mut session = Session::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let (_, stdout, stderr) = session.pipes();
    thread::scope(|scope| {
        let (stdout, stderr) = (scope.spawn(move || read(stdout)), scope.spawn(move || read(stderr)));
        let status = session.wait()?;
        Ok(Output { status, stdout: stdout.join().unwrap_or_default(), stderr: stderr.join().unwrap_or_default() })
    })
}

/// Runs a program to its end that talks to the user on our stderr. Its stdin is a pipe that says nothing and ends when
/// this process does, however it does, so that the program can tell that nobody waits for it any more.
/// It sees `env` on top of our own environment.
pub fn attached(argv: &[String], env: &BTreeMap<String, String>) -> io::Result<ExitStatus> {
    let (program, args) = argv.split_first().ok_or_else(|| io::Error::other("a command without a program"))?;
    let mut command = Command::new(program);
    let mut session = Session::start(command.args(args).envs(env).stdin(Stdio::piped()).stdout(Stdio::null()))?;
    let (_tether, _, _) = session.pipes();
    session.wait()
}

/// The same without the variables in which `cargo run` describes the package that it runs. A cargo that is run so would otherwise compile
/// every crate anew whose build script asks for that, ring among them, and again when it is run without.
pub fn output_outside_cargo<I, S>(program: impl AsRef<OsStr>, args: I) -> io::Result<Output>
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    collect(command.args(args))
}

/// Becomes another program, which has our streams, our environment and our process. Returns only if that fails.
pub fn become_program(program: impl AsRef<OsStr>, args: &[impl AsRef<OsStr>]) -> io::Error {
    Command::new(program).args(args).exec()
}

/// Becomes another program that sees nothing of our environment but `env`. Returns only if that fails.
pub fn become_isolated(argv: &[String], env: &BTreeMap<String, String>) -> io::Error {
    match argv.split_first() {
        Some((program, args)) => Command::new(program).args(args).env_clear().envs(env).exec(),
        None => io::Error::other("a command without a program"),
    }
}

/// A program with everything that it is to see.
#[derive(Debug, Clone)]
pub struct Isolated<'a> {
    /// The program and its arguments.
    pub argv: &'a [String],
    /// Where it runs.
    pub cwd: &'a Path,
    /// Its whole environment; `PATH` in it also finds the program.
    pub env: &'a BTreeMap<String, String>,
}

impl Isolated<'_> {
    /// Runs it to its end; both its output streams go to `log`.
    pub fn run(&self, log: &File) -> io::Result<ExitStatus> {
        let (program, args) = self.argv.split_first().ok_or_else(|| io::Error::other("a step without a program"))?;
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.cwd)
            .env_clear()
            .envs(self.env)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?);
        Session::start(&mut command)?.wait()
    }
}
