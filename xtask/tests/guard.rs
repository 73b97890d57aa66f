//! The guard as a process of its own: it ends what is left when its connection ends.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

#[test]
fn the_guard_ends_a_session_and_removes_folders_when_its_pipe_ends() {
    let mut left = Command::new("setsid").args(["sh", "-c", "sleep 60 & sleep 60"]).spawn().expect("it starts");
    let folder = tempfile::tempdir().expect("a folder");
    let [temporary, earlier] = ["elsewhere", "media-layers.smoke.x"].map(|name| folder.path().join(name));
    for folder in [&temporary, &earlier] {
        std::fs::create_dir(folder).expect("a folder");
        std::fs::write(folder.join("file"), "left").expect("a file");
    }
    let mut guard = Command::new(env!("CARGO_BIN_EXE_xtask"));
    guard.arg(xtask::process::guard::WORD).env("TMPDIR", folder.path()).stdin(Stdio::piped());
    let mut guard = guard.spawn().expect("it starts");
    let mut pipe = guard.stdin.take().expect("a pipe");
    writeln!(pipe, "+1 session {}\n+2 folder {}", left.id(), temporary.display()).expect("it listens");
    assert!(left.try_wait().expect("a state").is_none(), "nothing happens while the tool runs");
    drop(pipe);
    assert!(guard.wait().expect("its end").success());
    assert_eq!(left.wait().expect("its end").signal(), Some(9));
    assert!(!temporary.exists(), "what was told");
    assert!(!earlier.exists(), "what an earlier run has left");
}
