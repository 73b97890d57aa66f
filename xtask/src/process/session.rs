//! A process with all that it starts: they end together.
//!
//! All that a process starts stays in its session, unless it asks for another one, which compilers and what runs them do
//! not. Its process group is not enough: ninja gives each of its jobs one of its own.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

use super::guarded::Guarded;

/// A process that leads a session of its own. When it ends, so does what it has left behind in its process group; when
/// this is dropped or the tool ends, so does the whole session.
#[derive(Debug)]
pub struct Session {
    child: Child,
    /// Until it is known how the process ended.
    guarded: Option<Guarded>,
}

impl Session {
    /// Starts a process with a session of its own.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Session> {
        let guarded = Some(Guarded::session(command));
        Ok(Session { child: command.spawn()?, guarded })
    }

    /// The number of the process and of its session.
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
        self.end(kill_group).map(Some)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// None that can happen.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        if self.guarded.is_some() {
            self.wait_for(WaitIdOptions::empty())?;
        }
        self.end(kill_group)
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
                return Ok((self.end(kill_session)?, true));
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

    /// Kills what is left.
    fn end(&mut self, kill: impl Fn(Pid)) -> io::Result<ExitStatus> {
        if self.guarded.is_some() {
            kill(Pid::from_child(&self.child));
            self.guarded = None;
        }
        self.child.wait()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // There is nothing to do about a process that cannot be waited for.
        let _ = self.end(kill_session);
    }
}

/// Kills what is left of a process group.
fn kill_group(leader: Pid) {
    // It fails where nobody is left.
    let _ = kill_process_group(leader, Signal::KILL);
}

/// Kills a session: the group of its leader at once, and then whoever else is in it.
pub(super) fn kill_session(leader: Pid) {
    kill_group(leader);
    let mut killed = BTreeSet::new();
    loop {
        let members = members(leader);
        // What is killed stays there for a moment, and while the others are looked for one may start another.
        let new: Vec<Pid> = members.into_iter().filter(|pid| killed.insert(pid.as_raw_pid())).collect();
        if new.is_empty() {
            return;
        }
        for pid in new {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The processes of a session; none where there is no /proc.
fn members(leader: Pid) -> Vec<Pid> {
    let names = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.file_name());
    let pids = names.filter_map(|name| name.to_str()?.parse().ok()).filter_map(Pid::from_raw);
    pids.filter(|pid| session_of(*pid) == Some(leader.as_raw_pid())).collect()
}

/// The session of a process, which is 0 for those of the kernel.
fn session_of(pid: Pid) -> Option<i32> {
    let stat = fs::read(format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
    // Behind the name, which may hold anything: state, parent, group, session.
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    std::str::from_utf8(&stat[name_end + 1..]).ok()?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;
    use std::path::Path;

    fn start(script: &str) -> Session {
        Session::start(Command::new("sh").args(["-c", script])).expect("it starts")
    }

    /// The number in a file, once it is there.
    fn number(file: &Path) -> Option<Pid> {
        fs::read_to_string(file).ok()?.trim().parse().ok().and_then(Pid::from_raw)
    }

    /// Waits until a process has ended. One that nobody has asked for yet has, too.
    #[track_caller]
    fn ends(pid: Pid) {
        let end = Instant::now() + Duration::from_secs(10);
        let status = || fs::read_to_string(format!("/proc/{}/status", pid.as_raw_pid())).unwrap_or_default();
        while !status().is_empty() && !status().contains("State:\tZ") {
            assert!(Instant::now() < end, "it still runs");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_a_program_leaves_behind_ends_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pid");
        let mut session = start(&format!("sleep 60 & echo $! >{}; exit 3", file.display()));
        assert_eq!(session.wait().expect("its end").code(), Some(3));
        assert_eq!(session.wait().expect("asked again").code(), Some(3));
        assert_eq!(session.ended().expect("asked again").and_then(|status| status.code()), Some(3));
        ends(number(&file).expect("a number"));
    }

    #[test]
    fn it_is_killed_when_its_time_is_up() {
        let mut session = start("sleep 60");
        assert_eq!(session.ended().expect("a state"), None);
        let (status, killed) = session.wait_until(Instant::now() + Duration::from_millis(50)).expect("its end");
        assert_eq!((status.signal(), killed), (Some(9), true));
    }

    #[test]
    fn a_session_ends_with_the_groups_in_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pid");
        // With -m each job has a process group of its own, as ninja's have. Other shells want a terminal for it.
        let script = format!("set -m; sleep 60 & echo $! >{}; wait", file.display());
        let session = Session::start(Command::new("bash").args(["-c", &script])).expect("it starts");
        let end = Instant::now() + Duration::from_secs(10);
        let job = loop {
            match number(&file) {
                Some(job) => break job,
                None => assert!(Instant::now() < end, "there is no job"),
            }
            thread::sleep(Duration::from_millis(5));
        };
        assert_ne!(rustix::process::getpgid(Some(job)), Ok(Pid::from_child(&session.child)));
        drop(session);
        ends(job);
    }

    #[test]
    fn a_program_that_is_not_there_is_said() {
        assert_eq!(Session::start(&mut Command::new("/nowhere")).expect_err("none").kind(), io::ErrorKind::NotFound);
    }
}
