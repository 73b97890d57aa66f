//! The guard as a process of its own: it ends what is left when its pipe ends.

use std::io::Write as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, Stdio};

#[test]
fn the_guard_ends_a_group_and_removes_a_folder_when_its_pipe_ends() {
    let mut left = Command::new("sh").args(["-c", "sleep 60 & sleep 60"]).process_group(0).spawn().expect("it starts");
    let folder = tempfile::tempdir().expect("a folder");
    let temporary = folder.path().join("media-layers-smoke-x");
    std::fs::create_dir(&temporary).expect("a folder");
    std::fs::write(temporary.join("file"), "left").expect("a file");
    let mut guard = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let mut guard = guard.arg(xtask::process::guard::WORD).stdin(Stdio::piped()).spawn().expect("it starts");
    let mut pipe = guard.stdin.take().expect("a pipe");
    writeln!(pipe, "+group {}\n+folder {}", left.id(), temporary.display()).expect("it listens");
    assert!(left.try_wait().expect("a state").is_none(), "nothing happens while the tool runs");
    drop(pipe);
    assert!(guard.wait().expect("its end").success());
    assert_eq!(left.wait().expect("its end").signal(), Some(9));
    assert!(!temporary.exists());
}
