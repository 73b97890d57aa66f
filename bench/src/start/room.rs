//! The closed room: a disk that reads nothing ahead, a program, and a server that stops it at its first byte.

use std::fs::{self, File};
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use xtask::pack::landing::land_text;
use xtask::process::background::Background;

use super::{Touched, pages};
use crate::{page_cache, room};

/// The word that makes this program the one in the room.
pub const WORD: &str = "bench-start-room";

/// How long a program may take until its first byte.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is to be measured, as the process in the room reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// The unpacked layer.
    pub layer: PathBuf,
    /// The program in it.
    pub program: String,
    /// Where everything of this run may be written.
    pub folder: PathBuf,
}

/// The work of the process in the room.
///
/// # Errors
/// Where there can be no such disk, or the program sends nothing.
pub fn main(job: &Path) -> Result<()> {
    let text = fs::read(job).with_context(|| format!("cannot read `{}`", job.display()))?;
    let job: Job = serde_json::from_slice(&text).context("the job is broken")?;
    room::run(&["ip", "link", "set", "lo", "up"])?;
    let disk = mount(&job)?;
    // What is found out while the disk is made must not help.
    page_cache::forget(&page_cache::files_below(std::slice::from_ref(&disk))?)?;
    let touched = start(&job, &disk)?;
    land_text(&job.folder.join("findings.json"), &serde_json::to_string(&touched)?)
}

/// Puts the layer on a disk of its own; where it is then.
fn mount(job: &Job) -> Result<PathBuf> {
    let (image, disk) = (job.folder.join("disk"), job.folder.join("opt"));
    fs::create_dir_all(&disk).with_context(|| format!("cannot make `{}`", disk.display()))?;
    let files = page_cache::files_below(std::slice::from_ref(&job.layer))?;
    let bytes: u64 = files.iter().filter_map(|path| Some(path.metadata().ok()?.len())).sum();
    let file = File::create(&image).with_context(|| format!("cannot write `{}`", image.display()))?;
    file.set_len(bytes + bytes / 4 + (16 << 20)).with_context(|| format!("cannot write `{}`", image.display()))?;
    let text = |path: &Path| path.display().to_string();
    let layer = text(&job.layer);
    room::run(&["mkfs.ext4", "-q", "-F", "-b", "4096", "-O", "^has_journal", "-d", &layer, &text(&image)])?;
    room::run(&["mount", "-o", "loop,ro", &text(&image), &text(&disk)])?;
    let device = fs::metadata(&disk).with_context(|| format!("cannot read `{}`", disk.display()))?.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let setting = format!("/sys/dev/block/{major}:{minor}/queue/read_ahead_kb");
    fs::write(&setting, "0").with_context(|| format!("cannot write `{setting}`"))?;
    Ok(disk)
}

/// Starts the program on that disk, and stops it at its first byte.
fn start(job: &Job, disk: &Path) -> Result<Touched> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("this network has no loopback")?;
    listener.set_nonblocking(true)?;
    let url = format!("https://127.0.0.1:{}/film.mp4", listener.local_addr()?.port());
    let log = File::create(job.folder.join("said")).context("cannot write what the program says")?;
    let mut running = Background::start(&[disk.join(&job.program).display().to_string(), url], &log)
        .with_context(|| format!("cannot start `{}`", job.program))?;
    let until = Instant::now() + PATIENCE;
    let mut stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(_) if Instant::now() < until && running.runs() => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => {
                let said = fs::read_to_string(job.folder.join("said")).unwrap_or_default();
                bail!("`{}` does not connect ({error}): {}", job.program, said.trim());
            }
        }
    };
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.read_exact(&mut [0]).with_context(|| format!("`{}` sends nothing", job.program))?;
    stop(running.id())?;
    let (pages, relocations) = pages::of_process(running.id(), disk)?;
    Ok(Touched { relocations, pages, major_faults: major_faults(running.id())? })
}

/// Stops a process, and waits until it has stopped.
fn stop(process: u32) -> Result<()> {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw).context("a process without a number")?;
    kill_process(pid, Signal::STOP).context("the program has ended already")?;
    let until = Instant::now() + PATIENCE;
    while stat(process)?.first().is_none_or(|state| state != "T") {
        ensure!(Instant::now() < until, "the program cannot be stopped");
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The fields of a process's `stat` from its state on.
fn stat(process: u32) -> Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).context("the program has ended already")?;
    // Its name, in parentheses, may hold anything.
    let (_, fields) = text.rsplit_once(')').context("the kernel's `stat` has no name")?;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

fn major_faults(process: u32) -> Result<u64> {
    let fields = stat(process)?;
    fields.get(9).and_then(|field| field.parse().ok()).context("the kernel's `stat` has no count of faults")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_what_a_process_does() {
        let log = tempfile::tempfile().expect("a file");
        let sleeping = Background::start(&["sleep", "60"].map(str::to_owned), &log).expect("started");
        stop(sleeping.id()).expect("stopped");
        assert_eq!(stat(sleeping.id()).expect("a process")[0], "T");
        assert!(major_faults(sleeping.id()).is_ok());
    }
}
