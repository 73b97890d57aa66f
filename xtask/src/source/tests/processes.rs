//! Several processes and one cache: killed in the middle, and at the same time.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use super::archives::{file, gzip, tar};
use super::server::{Reply, Server};
use super::*;
use crate::source::obtain;

const LENGTH: usize = 400_000;

/// Not a test but the program that the tests below run: it fetches what its variables say.
#[test]
#[ignore = "run by other tests as a process of its own"]
fn child() {
    let (Ok(cache), Ok(url)) = (env::var("TEST_CACHE"), env::var("TEST_URL")) else { return };
    let result = fetch(Path::new(&cache), &mirrors("/", "/", &[]), online(), &wanted(&url));
    assert_eq!(result.as_ref(), Ok(&bytes(LENGTH)));
}

/// Not a test either: it obtains what its variables say and prints the error.
#[test]
#[ignore = "run by another test as a process of its own"]
fn child_without_room() {
    let (Ok(work), Ok(mirror)) = (env::var("TEST_CACHE"), env::var("TEST_URL")) else { return };
    let (store, ui, mirrors) = (Store::new(&work), Ui::silent(), mirrors("/", "/", &[Path::new(&mirror)]));
    let context = Context { mirrors: &mirrors, store: &store, network: &Network::Offline, ui: &ui };
    for body in ["small", "large"] {
        let source = source(vec![pinned(body)]);
        let request = Request { what: body.to_owned(), source: &source };
        let error = obtain(&context, &request, &Path::new(&work).join("tree").join(body)).expect_err("no room");
        println!("{body}: {error:#}");
    }
}

/// The small archive fits where its tree does not, the large one does not fit itself.
fn pinned(which: &str) -> Archive {
    let archive = |bytes: &[u8], name: &str| archive(bytes, &[&format!("debian:pool/{name}")]);
    match which {
        "small" => archive(&small(), "small.tar.gz"),
        _ => archive(&bytes(LENGTH), "large.tar.gz"),
    }
}

fn small() -> Vec<u8> {
    gzip(&tar(&[file("first", "fits"), file("second", &"x".repeat(LENGTH))]))
}

/// The size of files is limited instead of that of a disk, as a small disk takes more rights than tests have. The
/// error is another number that is treated the same; `/dev/full` gives the real one where a download is tested.
#[test]
fn no_room_leaves_nothing_that_is_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (work, mirror) = (folder.path().join("work"), folder.path().join("mirror"));
    fs::create_dir(&mirror).expect("a folder");
    fs::write(mirror.join("small.tar.gz"), small()).expect("a file");
    fs::write(mirror.join("large.tar.gz"), bytes(LENGTH)).expect("a file");
    let output = Command::new("sh")
        // The signal that would kill the process has to be ignored to get an error instead.
        .args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""])
        .arg(env::current_exe().expect("this test's program"))
        .args(["--exact", "source::tests::processes::child_without_room", "--ignored", "--nocapture"])
        .env("TEST_CACHE", &work)
        .env("TEST_URL", &mirror)
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    let small = lines.iter().position(|line| line.starts_with("small: ")).expect("the small one's error");
    assert!(lines[small].starts_with("small: cannot unpack `small.tar.gz`: cannot write `"), "{said}");
    assert!(lines[small].ends_with("/second`: the limit on the size of files is reached"), "{said}");
    assert!(lines[small + 2].starts_with("hint: 400000 more bytes are needed in `"), "{said}");
    let large = lines.iter().position(|line| line.starts_with("large: ")).expect("the large one's error");
    assert!(lines[large].ends_with("`: the limit on the size of files is reached"), "{said}");
    assert!(lines[large + 2].starts_with("hint: "), "{said}");

    assert_eq!(fs::read_dir(work.join("tree")).expect("a folder").count(), 0, "no tree is left");
    assert_eq!(fs::read_dir(work.join("partial")).expect("a folder").count(), 0, "no partial file is left");
    let store = Store::new(&work);
    assert!(store.has(&pinned("small")) && !store.path(&pinned("large").sha256).exists());
}

fn wanted(url: &str) -> Source {
    source(vec![archive(&bytes(LENGTH), &[url])])
}

fn spawn(cache: &Path, url: &str) -> Child {
    let program = env::current_exe().expect("this test's program");
    let mut command = Command::new(program);
    command.args(["--exact", "source::tests::processes::child", "--ignored"]);
    command.env("TEST_CACHE", cache).env("TEST_URL", url);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process")
}

/// Serves the archive so slowly that it takes about a second.
fn slow_server() -> Server {
    let body = bytes(LENGTH);
    Server::start(move |asked| Reply::ranged(&body, asked).pace(LENGTH / 20, Duration::from_millis(50)))
}

fn partial_length(cache: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(cache.join("partial")) else { return 0 };
    entries.flatten().filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
}

#[test]
fn after_a_kill_the_next_run_goes_on() {
    let cache = tempfile::tempdir().expect("a folder");
    let server = slow_server();
    let url = server.url("a.tar.gz");
    let mut killed = spawn(cache.path(), &url);
    let began = Instant::now();
    while partial_length(cache.path()) < LENGTH as u64 / 4 {
        assert!(began.elapsed() < Duration::from_secs(20), "the child never got on");
        thread::sleep(Duration::from_millis(5));
    }
    // This is SIGKILL: nothing of the child's runs after it.
    killed.kill().expect("a running child");
    killed.wait().expect("its end");
    let store = Store::new(cache.path());
    assert!(!store.path(&Sha256::of(bytes(LENGTH))).exists(), "nothing half is in the store");

    let result = fetch(cache.path(), &mirrors("/", "/", &[]), online(), &wanted(&url));
    assert_eq!(result.as_ref(), Ok(&bytes(LENGTH)));
    let ranges = server.ranges();
    assert_eq!((ranges.len(), ranges[0]), (2, None));
    assert!(ranges[1].is_some_and(|from| from >= LENGTH / 4), "{ranges:?}");
    assert_eq!(partial_length(cache.path()), 0);
}

#[test]
fn two_runs_share_one_download() {
    let cache = tempfile::tempdir().expect("a folder");
    let server = slow_server();
    let url = server.url("a.tar.gz");
    let mut others = [spawn(cache.path(), &url), spawn(cache.path(), &url)];
    let result = fetch(cache.path(), &mirrors("/", "/", &[]), online(), &wanted(&url));
    assert_eq!(result.as_ref(), Ok(&bytes(LENGTH)));
    for other in &mut others {
        assert!(other.wait().expect("its end").success());
    }
    assert_eq!(server.ranges(), [None], "one downloads, the others wait");
    assert_eq!(fs::read_dir(cache.path().join("partial")).expect("a folder").count(), 0, "no lock is left");
}

#[test]
fn a_lock_that_nobody_holds_does_not_matter() {
    let cache = tempfile::tempdir().expect("a folder");
    let server = slow_server();
    let lock = cache.path().join("partial").join(format!("{}.lock", Sha256::of(bytes(LENGTH))));
    fs::create_dir_all(cache.path().join("partial")).expect("a folder");
    fs::write(&lock, "").expect("a file");
    let result = fetch(cache.path(), &mirrors("/", "/", &[]), online(), &wanted(&server.url("a.tar.gz")));
    assert_eq!(result.as_ref(), Ok(&bytes(LENGTH)));
}
