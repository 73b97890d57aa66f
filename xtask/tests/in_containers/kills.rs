//! What is left when the tool, the container or the engine is killed in the middle of a step.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use xtask::container::remove_leftovers;

use super::small::{build, checkout};
use super::*;

/// A step that says when it has begun and would go on for an hour.
const SLOW: &str = "lib:\n\ttouch begun\n\tsleep 3612\n";

/// The same library at once.
const QUICK: &str =
    "lib:\n\tmkdir -p $(OUT)\n\techo lib >$(OUT)/lib\napp:\n\tmkdir -p $(OUT)/bin\n\tcp $(LIB)/lib $(OUT)/bin/app\n";

/// Names the checkout to the process that builds in it.
const CHECKOUT: &str = "MEDIA_LAYERS_TEST_CHECKOUT";

/// Not a test of its own: the process that [`killed`] starts and that is killed.
#[test]
#[ignore = "started by other tests"]
fn build_slowly() {
    let Some(checkout) = std::env::var_os(CHECKOUT) else { return };
    let engine = engine();
    let image = image(&engine, "al2", BULLSEYE);
    if let Err(error) = build(Path::new(&checkout), &engine, &image, SLOW) {
        // For whoever reads its output.
        println!("{error:#}");
    }
}

/// Builds in a process of its own, does `kill` to it while the step runs, and checks that nothing stays. Gives what the
/// process has said.
fn killed(kill: impl FnOnce(&Engine, &Path, &mut Child)) -> String {
    let (engine, checkout) = (engine(), checkout());
    let image = image(&engine, "al2", BULLSEYE);
    let before = names(checkout.path(), "cache");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["kills::build_slowly", "--exact", "--ignored", "--nocapture"])
        .env(CHECKOUT, checkout.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let work = checkout.cache().join("work");
    let begun = || fs::read_dir(&work).into_iter().flatten().flatten().any(|it| it.path().join("src/begun").exists());
    wait("the step begins", begun);
    assert_eq!(containers(&engine, checkout.path()).len(), 1);
    kill(&engine, checkout.path(), &mut child);
    let output = child.wait_with_output().expect("its end");
    wait("nothing of the step runs", || !is_running("3612"));
    wait("no container is left", || containers(&engine, checkout.path()).is_empty());
    assert_eq!(names(checkout.path(), "cache"), before, "steps write into the cache only");
    // What was killed is in nobody's way.
    build(checkout.path(), &engine, &image, QUICK).expect("the next build");
    assert!(fs::read_dir(&work).expect("the folder").next().is_none(), "work is left");
    assert!(containers(&engine, checkout.path()).is_empty());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[ignore = "needs a container engine and stand-ins"]
fn a_killed_tool_leaves_no_container() {
    killed(|_, _, child| child.kill().expect("it dies"));
}

#[test]
#[ignore = "needs a container engine and stand-ins"]
fn a_killed_container_ends_the_build_with_the_reason() {
    let said = killed(|engine, checkout, _| {
        for id in containers(engine, checkout) {
            ask(engine, &["kill", &id]);
        }
    });
    assert!(said.contains("ended while `make` ran in it: it was killed, or its engine was"), "{said}");
}

#[test]
#[ignore = "needs an engine that ci/engine has started, and kills it"]
fn a_killed_engine_leaves_nothing_that_runs() {
    // An engine that others may be using is not killed.
    let Ok(id) = fs::read_to_string("/run/media-layers-dockerd.pid") else {
        eprintln!("SKIPPED: this machine's engine was not started by ci/engine, and it is left alone");
        return;
    };
    let said = killed(|_, _, _| {
        let status = Command::new("kill").args(["-9", id.trim()]).status().expect("kill");
        assert!(status.success());
        wait("the engine is dead", || !Path::new("/proc").join(id.trim()).exists());
        wait("nothing of the step runs without the engine", || !is_running("3612"));
        let status = Command::new(root().join("ci/engine")).stdout(Stdio::null()).status().expect("ci/engine");
        assert!(status.success(), "the engine starts again");
    });
    assert!(said.contains("hint: "), "{said}");
}

#[test]
#[ignore = "needs a container engine and stand-ins"]
fn what_nobody_wants_any_more_is_removed_and_nothing_else() {
    let (engine, folder) = (engine(), tempfile::tempdir().expect("a folder"));
    let create = |owner: &Path| {
        let label = format!("media-layers.owner={}", owner.display());
        ask(&engine, &["create", "--label", &label, BULLSEYE, "sh"]).trim().to_owned()
    };
    let [wanted, left] = ["wanted", "left"].map(|name| folder.path().join(name));
    let lock = fs::File::create(&wanted).expect("a file");
    lock.lock().expect("a lock");
    fs::write(&left, "").expect("a file");
    let kept = [create(&wanted), create(Path::new("/elsewhere/owner"))];
    let gone = [create(&left), create(&folder.path().join("removed"))];
    remove_leftovers(&engine, &[folder.path()]).expect("an answer");
    let there = ask(&engine, &["ps", "--all", "--quiet", "--no-trunc"]);
    for id in &kept {
        assert!(there.contains(id), "removed though it may be wanted");
        ask(&engine, &["rm", id]);
    }
    assert!(!gone.iter().any(|id| there.contains(id)), "left though nobody wants it");
}

/// Whether a program with this argument runs anywhere on this machine, containers included.
fn is_running(argument: &str) -> bool {
    fs::read_dir("/proc").expect("/proc").flatten().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
    })
}

/// Waits until something holds.
fn wait(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(90);
    while !holds() {
        assert!(Instant::now() < end, "still waiting until {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// What a folder holds, without one of its folders.
fn names(folder: &Path, without: &str) -> Vec<PathBuf> {
    let (mut found, mut todo) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(current) = todo.pop() {
        for path in fs::read_dir(&current).expect("a folder").flatten().map(|entry| entry.path()) {
            if path == folder.join(without) {
                continue;
            }
            if path.is_dir() {
                todo.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}
