//! A process with all that it starts: they end together.

use std::io;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::guarded::Guarded;

/// A process that leads a group of its own. When it ends, so does what it has started and left behind; when this is
/// dropped or the tool ends, so does the whole group.
#[derive(Debug)]
pub struct Group {
    child: Child,
    /// Until it is known how the process ended.
    guarded: Option<Guarded>,
}

impl Group {
    /// Starts a process with a group of its own.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Group> {
        let guarded = Some(Guarded::group(command));
        Ok(Group { child: command.spawn()?, guarded })
    }

    /// The number of the process and of its group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The ends of its pipes, once.
    pub fn pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdin.take(), self.child.stdout.take(), self.child.stderr.take())
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// None that can happen.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.guarded.is_some() && !self.wait_for(WaitIdOptions::NOHANG)? {
            return Ok(None);
        }
        self.end().map(Some)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// None that can happen.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        if self.guarded.is_some() {
            self.wait_for(WaitIdOptions::empty())?;
        }
        self.end()
    }

    /// Waits for its end, or kills it when its time is up; whether it was killed is told too.
    ///
    /// # Errors
    /// None that can happen.
    pub fn wait_until(&mut self, end: Instant) -> io::Result<(ExitStatus, bool)> {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = self.ended()? {
                return Ok((status, false));
            }
            if Instant::now() >= end {
                return Ok((self.end()?, true));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    /// Whether it ends. It is only looked at, and not reaped: until then nobody else can get its number, so that the
    /// group that is killed is its own.
    fn wait_for(&self, how: WaitIdOptions) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | how;
        loop {
            match waitid(WaitId::Pid(Pid::from_child(&self.child)), options) {
                Err(rustix::io::Errno::INTR) => {}
                ended => return Ok(ended?.is_some()),
            }
        }
    }

    /// Kills what is left of the group.
    fn end(&mut self) -> io::Result<ExitStatus> {
        if self.guarded.is_some() {
            // It fails where nobody is left.
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            self.guarded = None;
        }
        self.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // There is nothing to do about a process that cannot be waited for.
        let _ = self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;
    use std::path::Path;

    fn start(script: &str) -> Group {
        Group::start(Command::new("sh").args(["-c", script])).expect("it starts")
    }

    #[test]
    fn what_a_program_leaves_behind_ends_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pid");
        let mut group = start(&format!("sleep 60 & echo $! >{}; exit 3", file.display()));
        assert_eq!(group.wait().expect("its end").code(), Some(3));
        assert_eq!(group.wait().expect("asked again").code(), Some(3));
        assert_eq!(group.ended().expect("asked again").and_then(|status| status.code()), Some(3));
        let left = std::fs::read_to_string(file).expect("a number");
        let runs = || {
            let status =
                std::fs::read_to_string(Path::new("/proc").join(left.trim()).join("status")).unwrap_or_default();
            !status.is_empty() && !status.contains("State:\tZ")
        };
        let end = Instant::now() + Duration::from_secs(10);
        while runs() {
            assert!(Instant::now() < end, "what was left behind still runs");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn it_is_killed_when_its_time_is_up() {
        let mut group = start("sleep 60");
        assert_eq!(group.ended().expect("a state"), None);
        let (status, killed) = group.wait_until(Instant::now() + Duration::from_millis(50)).expect("its end");
        assert_eq!((status.signal(), killed), (Some(9), true));
    }

    #[test]
    fn a_program_that_is_not_there_is_said() {
        assert_eq!(Group::start(&mut Command::new("/nowhere")).expect_err("none").kind(), io::ErrorKind::NotFound);
    }
}
