//! What the tool tells its guard to be under way: sessions, folders for temporary files, control groups.
//!
//! [`super::watch`] reads these lines on the guard's side.

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::net::{SendFlags, send};

/// What the guard is told when the tool ends by itself: then it may take its time.
pub(super) const END: &str = "end";

/// The connection to the guard; none in tests, and where it could not be started.
static GUARD: OnceLock<UnixStream> = OnceLock::new();

/// Numbers what is under way.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// From now on `guard` is told what is under way.
pub(super) fn connect(guard: UnixStream) {
    let _ = GUARD.set(guard);
}

/// Tells the guard that the tool ends by itself, and ends the connection.
pub(super) fn disconnect() {
    say(&format!("{END}\n"));
    if let Some(guard) = GUARD.get() {
        // It fails where the guard has ended already.
        let _ = guard.shutdown(std::net::Shutdown::Both);
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

    /// Makes the process of `command` the leader of a session of its own, and has all of the session killed if we end
    /// before this is dropped. The process tells the guard of itself before it becomes the program, so there is no moment
    /// at which it runs unknown to the guard.
    #[must_use]
    pub fn session(command: &mut Command) -> Guarded {
        let guarded = Guarded::number();
        let number = guarded.0;
        let announce = move || {
            rustix::process::setsid()?;
            let mut line = [0_u8; 64];
            let mut rest = &mut line[..];
            writeln!(rest, "+{number} session {}", std::process::id())?;
            let length = 64 - rest.len();
            tell(&line[..length]);
            Ok(())
        };
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

/// Makes the process of `command` the leader of a session of its own.
pub(super) fn own_session(command: &mut Command) {
    before_exec(command, || Ok(rustix::process::setsid().map(drop)?));
}

/// Has the new process of `command` do something between fork and exec.
#[expect(unsafe_code, reason = "only the new process itself can tell the guard of itself before it runs anything else")]
fn before_exec(command: &mut Command, act: impl Fn() -> io::Result<()> + Send + Sync + 'static) {
    // SAFETY: between fork and exec only what is safe in a signal handler may be called. The closures that are
    // given to this function format two numbers into an array, read a lock that is already initialised, and call
    // `setsid`, `getpid` and `send`. They neither allocate nor take a lock.
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
