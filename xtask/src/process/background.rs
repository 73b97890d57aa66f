//! Programs that run beside our own work until they are no longer wanted.

use std::fs::File;
use std::io::{self, Write as _};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};

use super::session::Session;

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Background {
    session: Session,
    /// A program that reads its stdin runs until this is closed.
    stdin: Option<ChildStdin>,
}

impl Background {
    /// Starts a program in an environment with `PATH` alone; what it says goes to `log`.
    pub fn start(argv: &[String], log: &File) -> io::Result<Background> {
        let (program, args) = argv.split_first().ok_or_else(|| io::Error::other("a command without a program"))?;
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log.try_clone()?);
        let mut session = Session::start(&mut command)?;
        let (stdin, _, _) = session.pipes();
        Ok(Background { session, stdin })
    }

    /// Writes to its stdin, which stays open.
    pub fn tell(&mut self, text: &str) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or_else(|| io::Error::other("it has no stdin"))?;
        stdin.write_all(text.as_bytes())
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.session.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.session.ended().ok().flatten()
    }

    /// Whether it has not ended by itself.
    pub fn runs(&mut self) -> bool {
        matches!(self.session.ended(), Ok(None))
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
