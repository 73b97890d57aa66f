//! Nothing that this process started goes on without it, however it ends.
//!
//! A copy of the tool, the guard, runs beside it. The tool tells the guard what is under way ([`Guarded`]). When the
//! tool ends, even by `kill -9`, the connection between them ends, and the guard kills those sessions and removes those
//! folders ([`super::watch`]). The guard is in a session of its own: no signal for the tool's group reaches it, and where
//! the tool was started by another run of it, whose guard kills that session, this guard still does its work.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::guarded;
pub use super::guarded::Guarded;
pub use super::temporary::TemporaryFolder;
pub use super::watch::run;
use crate::ui::Ui;

/// The word that makes this program a guard.
pub const WORD: &str = "guard";

/// How long the guard may take at the end before the user is told why the tool has not ended yet.
const PATIENCE: Duration = Duration::from_secs(2);

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
    guarded::own_session(&mut command);
    command.arg(WORD).stdin(OwnedFd::from(its)).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn()?;
    guarded::connect(ours);
    Ok(Guard(child))
}

impl Guard {
    /// Waits until what killed runs have left is removed.
    pub fn finish(mut self, ui: &Ui) {
        guarded::disconnect();
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
