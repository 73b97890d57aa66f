//! Nothing that this process started goes on without it, however it ends.
//!
//! Beside the tool runs a copy of it, the guard, which reads from a pipe what is under way: process groups and temporary
//! folders. The pipe ends when the tool does, be it by `kill -9`. The guard then kills those groups and removes those
//! folders. It is in a group of its own, where no signal for the tool's reaches it.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

/// The word that makes this program a guard.
pub const WORD: &str = "guard";

/// The pipe to the guard; none in tests, and where it could not be started.
static PIPE: OnceLock<Mutex<ChildStdin>> = OnceLock::new();

/// Starts the guard of this process. Without one, children end with us only if we end by ourselves.
///
/// # Errors
/// Where no process can be started.
pub fn start() -> io::Result<()> {
    // Not the path of the program: that may have been replaced since.
    let mut command = Command::new("/proc/self/exe");
    command.arg(WORD).process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(pipe) = command.spawn()?.stdin {
        let _ = PIPE.set(Mutex::new(pipe));
    }
    Ok(())
}

/// What is under way, in the words of the pipe, until it is dropped.
#[derive(Debug)]
pub struct Guarded(String);

/// Has the group of a child killed, if we end before it. The child must lead a group of its own.
#[must_use]
pub fn group(child: &Child) -> Guarded {
    Guarded::new(format!("group {}", child.id()))
}

/// A folder for temporary files. It goes when this is dropped, or when we end.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    guarded: Guarded,
}

impl TemporaryFolder {
    /// Makes one whose name begins with `media-layers-` and this.
    ///
    /// # Errors
    /// Where the folder for temporary files cannot be written to.
    pub fn new(what: &str) -> io::Result<TemporaryFolder> {
        let folder = tempfile::Builder::new().prefix(&format!("media-layers-{what}-")).tempdir()?;
        // A path with a line break could not be told; nobody has such a folder for temporary files.
        let guarded = Guarded::new(format!("folder {}", folder.path().display()).replace('\n', "?"));
        Ok(TemporaryFolder { folder, guarded })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves it where it is, for the user to look into.
    pub fn keep(self) -> PathBuf {
        drop(self.guarded);
        self.folder.keep()
    }
}

impl Guarded {
    fn new(what: String) -> Guarded {
        say(&format!("+{what}\n"));
        Guarded(what)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        say(&format!("-{}\n", self.0));
    }
}

fn say(line: &str) {
    if let Some(pipe) = PIPE.get() {
        // A guard that was killed cannot be told anything.
        let _ = pipe.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

/// Is the guard: waits for the end of the tool, then ends what was under way.
pub fn run(pipe: impl BufRead) {
    let mut under_way = BTreeSet::new();
    for line in pipe.lines().map_while(Result::ok) {
        match line.split_at_checked(1) {
            Some(("+", what)) => drop(under_way.insert(what.to_owned())),
            Some(("-", what)) => drop(under_way.remove(what)),
            _ => {}
        }
    }
    let of = |kind: &str| -> Vec<String> {
        under_way.iter().filter_map(|what| what.strip_prefix(kind)).map(str::to_owned).collect()
    };
    for pid in of("group ").iter().filter_map(|text| text.parse().ok()).filter_map(Pid::from_raw) {
        // It may have ended by itself.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    for folder in of("folder ").iter().map(PathBuf::from) {
        remove(&folder);
    }
}

/// Removes a folder in which something may still be written for a moment.
fn remove(folder: &Path) {
    for _ in 0..10 {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    #[test]
    fn ends_what_was_under_way_and_nothing_else() {
        let start = || Command::new("sleep").arg("60").process_group(0).spawn().expect("starts");
        let (mut lost, mut done) = (start(), start());
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("a b")).expect("a folder");
        std::fs::create_dir(folder.path().join("kept")).expect("a folder");
        let at = folder.path().display();
        let said = format!(
            "+group {}\n+group {}\n-group {}\n+folder {at}/a b\n+folder {at}/kept\n-folder {at}/kept\n+folder {at}/none\n",
            lost.id(),
            done.id(),
            done.id(),
        );
        run(said.as_bytes());
        assert_eq!(lost.wait().expect("ends").signal(), Some(9));
        assert!(done.try_wait().expect("runs").is_none());
        assert!(!folder.path().join("a b").exists());
        assert!(folder.path().join("kept").exists());
        done.kill().expect("ends");
        done.wait().expect("ends");
    }
}
