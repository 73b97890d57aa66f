//! The tool as a process that is killed, and what is left of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long something of a killed tool may still run, on a machine that has a core to spare.
pub const LIMIT: Duration = Duration::from_secs(1);

/// The same on one that is busy with other tests.
pub const BUSY_LIMIT: Duration = Duration::from_secs(20);

/// How a tool can be ended: by which signal, and whether its whole process group gets it, as from a terminal.
pub const KILLS: [(&str, bool); 8] = [
    ("KILL", false),
    ("INT", false),
    ("TERM", false),
    ("HUP", false),
    ("KILL", true),
    ("INT", true),
    ("TERM", true),
    ("HUP", true),
];

/// Marks what inherits our environment.
const MARK: &str = "MEDIA_LAYERS_KILL_TEST";

/// A place for runs of the tool: folders for its cache and for temporary files, in which nobody else works.
pub struct Place {
    folder: TempDir,
}

/// A run that has begun.
pub struct Run<'p> {
    place: &'p Place,
    /// It leads a session and a process group.
    child: Child,
}

/// A process that is still there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    pub id: u32,
    pub argv: String,
}

impl Place {
    pub fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(place.temporary()).expect("a folder");
        place
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn cache(&self) -> PathBuf {
        self.path().join("cache")
    }

    /// What is TMPDIR for runs.
    pub fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        // This process may have been told to ignore signals, as what a shell starts in the background is.
        let mut command = Command::new("env");
        command.args(["--default-signal", "setsid", env!("CARGO_BIN_EXE_xtask")]).args(arguments);
        command.env("TMPDIR", self.temporary()).env("MEDIA_LAYERS_CACHE", self.cache()).env(MARK, self.path());
        command.stdin(Stdio::null());
        command
    }

    /// Begins a run; what it says goes to a file.
    pub fn begin(&self, arguments: &[&str]) -> Run<'_> {
        let log = fs::File::create(self.path().join("log")).expect("a file");
        let mut command = self.command(arguments);
        let child = command.stdout(log.try_clone().expect("a file")).stderr(log).spawn().expect("it starts");
        // `setsid` does not start another process, as the one that it is in leads no group.
        wait("it has a session of its own", || session_of(child.id()) == Some(child.id()));
        Run { place: self, child }
    }

    /// A run that nobody disturbs.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it starts")
    }

    /// Whatever runs on this machine and comes from runs here.
    pub fn left(&self, session: Option<u32>) -> Vec<Left> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            if is_of(id, session, self.path()) {
                let argv = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push(Left { id, argv: String::from_utf8_lossy(&argv).replace('\0', " ") });
            }
        }
        found.sort();
        found
    }

    /// The names of what is in the folder for temporary files, of builds, and of files that are not whole.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        let list = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        list(self.temporary()).chain(list(self.cache().join("work"))).collect()
    }
}

impl Run<'_> {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended by itself.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a state").is_none()
    }

    /// Kills it and all that belongs to it, the guard first, as if the machine went down.
    pub fn crash(mut self) {
        let id = self.id();
        wait("all have ended", || {
            let mut all = self.place.left(Some(id));
            all.sort_by_key(|left| !left.argv.ends_with(" guard "));
            let ids = all.iter().map(|left| left.id.to_string());
            // Some may have ended meanwhile, and others begun.
            let _ = Command::new("kill").args(["-s", "KILL", "--"]).args(ids).stderr(Stdio::null()).status();
            all.is_empty()
        });
        self.child.wait().expect("its end");
    }

    /// Whether it ended well.
    pub fn succeeded(&mut self) -> bool {
        self.child.wait().expect("its end").success()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("log")).unwrap_or_default()
    }

    /// Kills it, and gives how long anything of it went on. Panics if that is longer than `limit`.
    #[track_caller]
    pub fn kill(mut self, (signal, group): (&str, bool), limit: Duration) -> Duration {
        let id = self.id();
        let target = if group { format!("-{id}") } else { id.to_string() };
        let killed = Command::new("kill").args(["-s", signal, "--", &target]).status().expect("kill");
        assert!(killed.success(), "it has ended by itself");
        let began = Instant::now();
        let reaped = thread::spawn(move || self.child.wait());
        loop {
            let left = self.place.left(Some(id));
            if left.is_empty() {
                break;
            }
            assert!(began.elapsed() < limit, "after {signal} there still are {left:#?}");
            thread::sleep(Duration::from_millis(5));
        }
        let took = began.elapsed();
        reaped.join().expect("a thread").expect("its end");
        took
    }
}

/// The session of a process that has not ended. One that has and that nobody has asked for yet does not count.
fn session_of(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Behind the name, which may hold anything: state, parent, group, session.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    if matches!(fields.first(), Some(&"Z" | &"X")) { None } else { fields.get(3)?.parse().ok() }
}

/// Whether a process belongs to a session, inherited our mark, or works in our folder.
fn is_of(id: u32, session: Option<u32>, folder: &Path) -> bool {
    let (process, Some(own)) = (PathBuf::from(format!("/proc/{id}")), session_of(id)) else { return false };
    let mark = format!("{MARK}={}", folder.display());
    let marked = fs::read(process.join("environ"))
        .is_ok_and(|text| text.split(|byte| *byte == 0).any(|it| it == mark.as_bytes()));
    let inside = ["cwd", "exe", "root"]
        .iter()
        .any(|link| fs::read_link(process.join(link)).is_ok_and(|path| path.starts_with(folder)));
    session == Some(own) || marked || inside
}

/// Waits until something holds.
#[track_caller]
pub fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "still waiting until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
