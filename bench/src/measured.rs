//! What a program costs: the time it takes, the processor time it uses and the most memory it has.
//!
//! The kernel's own account is read (`wait4`), which misses nothing, however short the program. It has one flaw: the
//! peak of memory also counts what the child had before it became the program. So this must be called in a small
//! process, and [`launch`](crate::launch) is one.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::mem::MaybeUninit;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use serde::{Deserialize, Serialize};

/// A program to measure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Program {
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(String, OsString)>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// The file its stdout goes to.
    pub stdout: PathBuf,
    /// The file its stderr goes to.
    pub stderr: PathBuf,
    /// When it is killed.
    pub timeout: Duration,
    /// The control groups that it enters before it becomes the program.
    pub groups: Vec<PathBuf>,
}

/// What a program cost, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cost {
    /// From the start to the end, in microseconds.
    pub wall_us: u64,
    /// Processor time in user mode, in microseconds.
    pub user_us: u64,
    /// Processor time in the kernel, in microseconds.
    pub system_us: u64,
    /// The most memory it had at once (`ru_maxrss`), in KiB.
    pub peak_kib: u64,
    /// How often it waited for the disk, as what it wanted of a file was not in memory.
    pub major_faults: u64,
    /// How it ended.
    pub end: End,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// By itself, with this exit code.
    Exit(i32),
    /// By this signal: it crashed.
    Signal(i32),
    /// It was killed as its time was up.
    Timeout,
}

impl Program {
    /// Runs the program to its end.
    ///
    /// # Errors
    /// Where it cannot be started or waited for.
    pub fn run(&self) -> io::Result<Cost> {
        let (program, args) = self.argv.split_first().ok_or_else(|| io::Error::other("a command without a program"))?;
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(self.env.iter().map(|(name, value)| (name, value))).current_dir(&self.cwd);
        command.stdin(Stdio::null()).stdout(File::create(&self.stdout)?).stderr(File::create(&self.stderr)?);
        // With a group to set, even if it is the same, the standard library forks. It would otherwise start the child in
        // our own memory, all of which would count as the child's; a fork has only what we have written to.
        command.process_group(0).gid(rustix::process::getegid().as_raw());
        enter(&mut command, &self.groups)?;
        let begin = Instant::now();
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let ended = wait_until_ended(pid, self.timeout)?;
        let wall = begin.elapsed();
        if !ended {
            kill_process_group(pid, Signal::KILL)?;
        }
        let (status, usage) = reap(pid)?;
        let micros = |time: libc::timeval| time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_usec.unsigned_abs();
        let end = match (ended, status.code(), status.signal()) {
            (false, _, _) => End::Timeout,
            (true, Some(code), _) => End::Exit(code),
            (true, None, signal) => End::Signal(signal.unwrap_or(0)),
        };
        Ok(Cost {
            wall_us: u64::try_from(wall.as_micros()).unwrap_or(u64::MAX),
            user_us: micros(usage.ru_utime),
            system_us: micros(usage.ru_stime),
            peak_kib: usage.ru_maxrss.unsigned_abs(),
            major_faults: usage.ru_majflt.unsigned_abs(),
            end,
        })
    }
}

/// Has the new process of `command` enter control groups: this process stays where it is, and keeps its own time.
#[expect(unsafe_code, reason = "only the new process itself can enter the groups before it runs anything else")]
fn enter(command: &mut Command, groups: &[PathBuf]) -> io::Result<()> {
    let open = |group: &PathBuf| File::options().write(true).open(group.join("cgroup.procs"));
    let files = groups.iter().map(open).collect::<io::Result<Vec<_>>>()?;
    // SAFETY: between fork and exec only what is safe in a signal handler may be called. The closure calls `write` on
    // files that are open already. It neither allocates nor takes a lock.
    unsafe { command.pre_exec(move || files.iter().try_for_each(|mut file| file.write_all(b"0"))) };
    Ok(())
}

/// Sleeps until the process ends; false if it has not after `timeout`.
fn wait_until_ended(pid: Pid, timeout: Duration) -> io::Result<bool> {
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let until = Instant::now() + timeout;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reaps a child of ours that nobody else waits for, with the kernel's account of it.
#[expect(unsafe_code, reason = "neither std nor rustix has `wait4`, the only exact account of one child")]
fn reap(pid: Pid) -> io::Result<(ExitStatus, libc::rusage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are valid for writes for the time of the call, and every bit pattern is a valid
        // `rusage`, so that the zeroed one may be read even where the kernel leaves parts of it alone.
        let (reaped, usage) = unsafe {
            let reaped = libc::wait4(pid.as_raw_nonzero().get(), &raw mut status, 0, usage.as_mut_ptr());
            (reaped, usage.assume_init())
        };
        if reaped >= 0 {
            return Ok((ExitStatus::from_raw(status), usage));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, timeout: Duration) -> (Cost, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let program = Program {
            argv: ["/bin/sh", "-c", script].map(OsString::from).to_vec(),
            env: vec![("WORD".to_owned(), "here".into())],
            cwd: folder.path().to_owned(),
            stdout: folder.path().join("stdout"),
            stderr: folder.path().join("stderr"),
            timeout,
            groups: Vec::new(),
        };
        let cost = program.run().expect("runs");
        (cost, std::fs::read_to_string(program.stdout).expect("read"))
    }

    #[test]
    fn counts_time_and_tells_how_it_ended() {
        let (cost, said) = run("echo $WORD; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done", Duration::from_secs(60));
        assert_eq!((cost.end, said.as_str()), (End::Exit(0), "here\n"));
        assert!(cost.user_us + cost.system_us > 1000, "{cost:?}");
        assert!(cost.wall_us > 1000 && cost.peak_kib > 500, "{cost:?}");
        assert_eq!(run("exit 3", Duration::from_secs(60)).0.end, End::Exit(3));
        assert_eq!(run("kill -SEGV $$", Duration::from_secs(60)).0.end, End::Signal(11));
    }

    #[test]
    fn sleeping_costs_no_processor_time() {
        let (cost, _) = run("exec sleep 0.2", Duration::from_secs(60));
        assert!(cost.wall_us >= 200_000 && cost.user_us + cost.system_us < 100_000, "{cost:?}");
    }

    #[test]
    fn our_own_memory_is_not_the_programs() {
        let ours = std::fs::read_to_string("/proc/self/status").expect("our status");
        let ours = ours.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        let ours: u64 = ours.trim().trim_end_matches(" kB").parse().expect("a number");
        let (cost, _) = run("exec true", Duration::from_secs(60));
        assert!(cost.peak_kib < ours, "{cost:?} of {ours}");
    }

    #[test]
    fn kills_what_takes_too_long() {
        let (cost, _) = run("exec sleep 60", Duration::from_millis(100));
        assert_eq!(cost.end, End::Timeout);
        assert!(cost.wall_us < 20_000_000, "{cost:?}");
    }
}
