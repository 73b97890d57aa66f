//! Nothing that this process started goes on without it, however it ends.
//!
//! A copy of the tool, the guard, runs beside it. The tool tells the guard what is under way: process groups, folders for
//! temporary files, control groups. When the tool ends, even by `kill -9`, the connection between them ends, and the guard
//! kills those groups and removes those folders ([`super::watch`]). The guard is in a process group of its own, where no
//! signal for the tool's group reaches it.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{SendFlags, send};

pub use super::temporary::TemporaryFolder;
pub use super::watch::run;
use crate::ui::Ui;

/// The word that makes this program a guard.
pub const WORD: &str = "guard";

/// What the guard is told when the tool ends by itself: then it may take its time.
pub(super) const END: &str = "end";

/// How long the guard may take at the end before the user is told why the tool has not ended yet.
const PATIENCE: Duration = Duration::from_secs(2);

/// The connection to the guard; none in tests, and where it could not be started.
static GUARD: OnceLock<UnixStream> = OnceLock::new();

/// Numbers what is under way.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The guard of this process.
#[derive(Debug)]
pub struct Guard(Child);

/// Starts the guard of this process. Without one, children end with us only if we end by ourselves.
///
/// # Errors
/// Where no process can be started.
pub fn start() -> io::Result<Guard> {
    let (ours, its) = UnixStream::pair()?;
    // Not the path of the program: that may have been replaced since.
    let mut command = Command::new("/proc/self/exe");
    command.arg(WORD).process_group(0).stdin(OwnedFd::from(its)).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn()?;
    let _ = GUARD.set(ours);
    Ok(Guard(child))
}

impl Guard {
    /// Waits until what killed runs have left is removed.
    pub fn finish(mut self, ui: &Ui) {
        say(&format!("{END}\n"));
        if let Some(guard) = GUARD.get() {
            // It fails where the guard has ended already.
            let _ = guard.shutdown(std::net::Shutdown::Both);
        }
        let began = Instant::now();
        let mut progress = None;
        // An error means that there is nothing to wait for.
        while let Ok(None) = self.0.try_wait() {
            if progress.is_none() && began.elapsed() > PATIENCE {
                progress = Some(ui.busy("removing what a killed run has left in the folder for temporary files"));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Something that the guard knows to be under way, until this is dropped.
#[derive(Debug)]
pub struct Guarded(u64);

impl Guarded {
    /// Has a folder removed if we end before this is dropped.
    #[must_use]
    pub fn folder(path: &Path) -> Guarded {
        Guarded::new("folder", path)
    }

    /// Has an empty folder removed, which is how a control group ends. The guard waits until nobody is in the group.
    #[must_use]
    pub fn control_group(path: &Path) -> Guarded {
        Guarded::new("control-group", path)
    }

    /// Makes the process of `command` the leader of a group of its own, and has the group killed if we end before this is
    /// dropped. The process tells the guard of itself before it becomes the program, so there is no moment at which it
    /// runs unknown to the guard.
    #[must_use]
    pub fn group(command: &mut Command) -> Guarded {
        let guarded = Guarded::number();
        let number = guarded.0;
        let announce = move || {
            let mut line = [0_u8; 64];
            let mut rest = &mut line[..];
            writeln!(rest, "+{number} group {}", std::process::id())?;
            let length = 64 - rest.len();
            tell(&line[..length]);
            Ok(())
        };
        command.process_group(0);
        before_exec(command, announce);
        guarded
    }

    fn new(kind: &str, path: &Path) -> Guarded {
        let guarded = Guarded::number();
        // A path with a line break could not be told; nobody has such a folder for temporary files.
        say(&format!("+{} {}\n", guarded.0, format!("{kind} {}", path.display()).replace('\n', "?")));
        guarded
    }

    fn number() -> Guarded {
        Guarded(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        say(&format!("-{}\n", self.0));
    }
}

/// Has the new process of `command` do something between fork and exec.
#[expect(unsafe_code, reason = "only the new process itself can tell the guard of itself before it runs anything else")]
fn before_exec(command: &mut Command, act: impl Fn() -> io::Result<()> + Send + Sync + 'static) {
    // SAFETY: between fork and exec only what is safe in a signal handler may be called. The one closure that is given
    // to this function formats two numbers into an array, reads a lock that is already initialised, and calls `getpid`
    // and `send`. It neither allocates nor takes a lock.
    unsafe { command.pre_exec(act) };
}

fn say(line: &str) {
    tell(line.as_bytes());
}

/// Sends a line as a whole, which the kernel does not mix with another process's.
fn tell(line: &[u8]) {
    if let Some(guard) = GUARD.get() {
        // A guard that was killed cannot be told anything. Nor may its end kill the sender, as a pipe's would.
        let _ = send(guard, line, SendFlags::NOSIGNAL);
    }
}
