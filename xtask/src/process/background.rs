//! Programs that run beside our own work until they are no longer wanted.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

use super::guard::{self, Guarded};

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Background {
    child: Child,
    _guarded: Guarded,
    /// A program that reads its stdin runs until this is closed.
    stdin: Option<ChildStdin>,
}

impl Background {
    /// Starts a program in an environment with `PATH` alone; what it says goes to `log`.
    pub fn start(argv: &[String], log: &File) -> io::Result<Background> {
        let (program, args) = argv.split_first().ok_or_else(|| io::Error::other("a command without a program"))?;
        let mut child = Command::new(program)
            .args(args)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take();
        Ok(Background { _guarded: guard::group(&child), child, stdin })
    }

    /// Writes to its stdin, which stays open.
    pub fn tell(&mut self, text: &str) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or_else(|| io::Error::other("it has no stdin"))?;
        stdin.write_all(text.as_bytes())
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Whether it has not ended by itself.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

/// A program that tidies up when this process has ended, however it ended: its stdin is a pipe that ends then. It is in
/// a process group of its own, where no signal for ours reaches it.
#[derive(Debug)]
pub struct Sweeper {
    child: Child,
}

impl Sweeper {
    /// Starts it, in an empty environment.
    pub fn start(argv: &[String]) -> io::Result<Sweeper> {
        let (program, args) = argv.split_first().ok_or_else(|| io::Error::other("a command without a program"))?;
        let mut command = Command::new(program);
        command.args(args).env_clear().process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Sweeper { child: command.spawn()? })
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        // `wait` closes the pipe first. There is nothing to do about a sweeper that has gone already.
        let _ = self.child.wait();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_with_its_owner() {
        let log = tempfile::tempfile().expect("a file");
        let mut background = Background::start(&["/bin/cat".to_owned()], &log).expect("starts");
        assert!(background.runs());
        let status = format!("/proc/{}/status", background.id());
        drop(background);
        assert!(!std::path::Path::new(&status).exists());
    }
}
