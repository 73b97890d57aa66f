//! The guard's own side: it waits for the end of the tool, then ends what was under way.
//!
//! It reads lines: `+NUMBER session PID`, `+NUMBER folder PATH`, `+NUMBER control-group PATH`, `-NUMBER` for what is done,
//! and `end` before the tool ends by itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::guarded::END;
use super::session::kill_session;
use super::temporary;

/// How long a guard goes on after a tool that was killed. What it cannot remove in that time the next run does.
const HASTE: Duration = Duration::from_millis(400);

/// How long to wait before something is tried again that somebody may still be using.
const PAUSE: Duration = Duration::from_millis(20);

/// Is the guard. Meanwhile it removes what killed runs have left.
pub fn run(tool: impl BufRead) {
    let (sweeping, swept) = mpsc::channel::<()>();
    thread::spawn(move || {
        temporary::sweep(&std::env::temp_dir());
        drop(sweeping);
    });
    let (mut under_way, mut ended) = (BTreeMap::new(), false);
    for line in tool.lines().map_while(Result::ok) {
        match line.split_at_checked(1) {
            _ if line == END => ended = true,
            Some(("+", text)) => {
                under_way.extend(text.split_once(' ').map(|(key, what)| (key.to_owned(), what.to_owned())))
            }
            Some(("-", key)) => drop(under_way.remove(key)),
            _ => {}
        }
    }
    let until = Instant::now() + HASTE;
    let leaders = under_way.values().filter_map(|what| what.strip_prefix("session ")?.parse().ok());
    leaders.filter_map(Pid::from_raw).for_each(kill_session);
    let (cleaning, cleaned) = mpsc::channel::<()>();
    thread::spawn(move || {
        for what in under_way.values() {
            match what.split_once(' ') {
                Some(("folder", path)) => remove(until, || fs::remove_dir_all(path)),
                Some(("control-group", path)) => remove(until, || fs::remove_dir(path)),
                _ => {}
            }
        }
        drop(cleaning);
    });
    // The channels end with the threads; what is not done in time ends with this process.
    for done in [cleaned, swept] {
        let _ = match ended {
            true => done.recv().map_err(|_| ()),
            false => done.recv_timeout(until.saturating_duration_since(Instant::now())).map_err(|_| ()),
        };
    }
}

/// Removes something that somebody may still be using for a moment.
fn remove(until: Instant, remove: impl Fn() -> io::Result<()>) {
    while remove().is_err_and(|error| error.kind() != io::ErrorKind::NotFound) && Instant::now() < until {
        thread::sleep(PAUSE);
    }
}

/// Removes a control group that processes may still be leaving. Gives up after a while.
pub fn remove_control_group(path: &Path) {
    remove(Instant::now() + HASTE, || fs::remove_dir(path));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::Command;

    #[test]
    fn ends_what_was_under_way_and_nothing_else() {
        let start = || Command::new("sleep").arg("60").process_group(0).spawn().expect("starts");
        let (mut lost, mut done) = (start(), start());
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a b", "a b/full", "kept", "group", "used", "used/by somebody"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let at = folder.path().display();
        let said = format!(
            "+1 session {}\n+2 session {}\n-2\n+3 folder {at}/a b\n+4 folder {at}/kept\n-4\n+5 folder {at}/none\n\
             +6 control-group {at}/group\n+7 control-group {at}/used\nnonsense\n\n",
            lost.id(),
            done.id(),
        );
        let began = Instant::now();
        run(said.as_bytes());
        assert!(began.elapsed() < HASTE + Duration::from_millis(500), "{:?}", began.elapsed());
        assert_eq!(lost.wait().expect("ends").signal(), Some(9));
        assert!(done.try_wait().expect("runs").is_none());
        let left = |name: &str| folder.path().join(name).exists();
        assert_eq!(["a b", "kept", "group", "used/by somebody"].map(left), [false, true, false, true]);
        done.kill().expect("ends");
        done.wait().expect("ends");
    }
}
