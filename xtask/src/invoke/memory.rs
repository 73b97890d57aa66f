//! How much memory a function has used: the sum of what each of its processes had at most, as the kernel counts it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How often it is looked. What a shorter process had is missed.
const INTERVAL: Duration = Duration::from_millis(5);

/// Watches the processes below one until dropped.
#[derive(Debug)]
pub struct Watch {
    peak: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
}

impl Watch {
    /// Starts to watch what process `id` has started.
    pub fn start(id: u32) -> Watch {
        let watch = Watch { peak: Arc::default(), done: Arc::default() };
        let (peak, done) = (Arc::clone(&watch.peak), Arc::clone(&watch.done));
        thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(children(id).into_iter().map(with_children).sum(), Ordering::Relaxed);
                thread::sleep(INTERVAL);
            }
        });
        watch
    }

    /// The most that was seen so far, in bytes.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
    }
}

fn with_children(id: u32) -> u64 {
    peak_of(id) + children(id).into_iter().map(with_children).sum::<u64>()
}

/// The processes that a process has started and that have not ended. Those that end meanwhile are simply missing.
fn children(id: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<u32>>()).collect()
}

/// The most memory that a process has had, in bytes.
fn peak_of(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::process::background::Background;

    #[test]
    fn what_children_have_is_counted() {
        let log = tempfile::tempfile().expect("a file");
        // With something behind it, the shell does not become `cat` but starts it.
        let script = "cat; true".to_owned();
        let shell = Background::start(&["/bin/sh".to_owned(), "-c".to_owned(), script], &log).expect("starts");
        let watch = Watch::start(shell.id());
        let end = Instant::now() + Duration::from_secs(20);
        while watch.peak() < 200_000 {
            assert!(Instant::now() < end, "only {} bytes", watch.peak());
            thread::sleep(INTERVAL);
        }
    }
}
