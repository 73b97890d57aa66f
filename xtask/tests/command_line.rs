//! The program as a user calls it: exit codes, where output goes, and the answers to bad input.

use std::fs;
use std::process::{Command, Output};

/// Runs the program with an empty cache of its own.
fn run(arguments: &[&str]) -> Output {
    let cache = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).env("MEDIA_LAYERS_CACHE", cache.path()).env("RUST_BACKTRACE", "0");
    command.output().expect("it starts")
}

/// What a failed run said; nothing of that on stdout.
fn failure(arguments: &[&str], code: i32) -> String {
    let output = run(arguments);
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?} wrote to stdout");
    said
}

#[test]
fn wrong_usage_ends_with_2() {
    assert!(failure(&[], 2).contains("Usage: cargo xtask"));
    assert!(failure(&["build-layer"], 2).contains("<LAYER[@VERSION]>"));
    assert!(
        failure(&["build-layer", "mediainfo", "--arch", "riscv"], 2).contains("[possible values: x86_64, arm64, all]")
    );
    assert!(failure(&["build-layer", "../x"], 2).contains("`../x` is not a layer name"));
    assert!(failure(&["build-layer", "mediainfo", "--override", "zlib"], 2).contains("expected RECIPE=DIR"));
    assert!(failure(&["build-layer", "mediainfo", "--jobs", "0"], 2).contains("--jobs"));
}

#[test]
fn unknown_names_are_answered_with_the_known_ones() {
    let said = failure(&["build-layer", "medianfo"], 2);
    assert!(
        said.starts_with("error: there is no layer `medianfo`\n\nhint: did you mean `mediainfo`? known layers are "),
        "{said}"
    );
    let said = failure(&["plan", "mediainfo@1.0"], 2);
    assert!(
        said.starts_with("error: recipe `mediainfo` has no version 1.0\n\nhint: it has `26.05`, `23.04`"),
        "{said}"
    );
    let said = failure(&["audit", "/bin/sh", "--target", "al3"], 2);
    assert!(said.starts_with("error: there is no target `al3`\n\nhint: the targets are alinux2, "), "{said}");
}

#[test]
fn broken_files_end_with_2_and_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("broken.zip");
    fs::write(&path, b"PK\x03\x04 and no more").expect("a file");
    let path = path.to_string_lossy();
    for command in ["audit", "smoke"] {
        let said = failure(&[command, &path], 2);
        assert!(said.starts_with("error: ") && said.contains(&*path), "{command}: {said}");
    }
    let said = failure(&["audit", "/nowhere/at-all"], 2);
    assert!(said.starts_with("error: cannot audit `/nowhere/at-all`: No such file"), "{said}");
    let said = failure(&["build-layer", "mediainfo", "--override", "zlib=/nowhere"], 2);
    assert_eq!(said, "error: `--override`: /nowhere is not a folder\n");
}

#[test]
fn what_cannot_be_had_ends_with_1_all_at_once() {
    let said = failure(&["fetch", "mediainfo", "--offline"], 1);
    for name in ["curl-8.21.0.tar.gz", "mbedtls-3.6.7.tar.bz2", "ziglang-0.15.2", "certifi-2026.10.18"] {
        assert!(said.contains(name), "{name} is not named in: {said}");
    }
    // One line about the versions comes first, and what to do comes last.
    let first = "warning: the sources of mediainfo 26.05 and 23.04 cannot be fetched here (`--offline` forbids fetching what \
                 is neither in the store nor in a folder); going on with the newest, 26.05\n";
    assert!(said.starts_with(first), "{said}");
    let last = "hint: run once without `--offline`, or name a folder that has the files with `--mirror-dir`\n";
    assert!(said.ends_with(last), "{said}");
}

#[test]
fn findings_end_with_1_and_are_data() {
    // A program of this machine is linked for a newer glibc than the oldest target has, or is not hardened as a
    // layer's must be; the report says which, on stdout.
    let output = run(&["audit", env!("CARGO_BIN_EXE_xtask"), "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(!report["findings"].as_array().expect("findings").is_empty());
}

#[test]
fn data_goes_to_stdout() {
    for arguments in
        [&["list", "--format", "json"][..], &["plan", "mediainfo@26.05", "--arch", "all", "--format", "json"]]
    {
        let output = run(arguments);
        assert!(output.status.success());
        assert!(output.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON");
    }
}

#[test]
fn a_cache_whose_name_build_systems_cannot_use_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["plan", "mediainfo", "--cache-dir", "/tmp/with space"])
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the cache folder `/tmp/with space` cannot be used"), "{said}");
}
