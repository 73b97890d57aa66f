//! The suite on layers that are not as they should be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::model::Arch;
use crate::smoke::Options;
use crate::smoke::report::{Failure, Outcome, Report};
use crate::smoke::sandbox::isolation::Isolation;
use crate::smoke::sandbox::machine::Machine;
use crate::smoke::sandbox::python::Python;
use crate::ui::Ui;

/// A program that pretends: right about itself, wrong about everything else, and never with a bad exit code.
const PRETENDER: &str = r#"#!/bin/sh
case "$1" in
--version) echo "MediaInfo Command line,"; echo "MediaInfoLib - v23.04" ;;
--Info_CanHandleUrls) echo 0 ;;
*) echo "default ca info path: /etc/ssl"; echo '{"media":null}' ;;
esac
"#;

fn run_pretender(isolations: &[Isolation]) -> anyhow::Result<Report> {
    let layer = tempfile::tempdir().expect("a folder");
    let program = layer.path().join(PROGRAM);
    fs::create_dir_all(program.parent().expect("a folder")).expect("folders");
    fs::write(&program, PRETENDER).expect("writes");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("mode");
    let options = Options { isolations: isolations.to_vec(), ..Options::default() };
    let arch = Arch::of_this_machine().expect("a known architecture");
    SUITE.run(layer.path(), arch, &options, &Ui::silent())
}

fn failure<'a>(report: &'a Report, name: &str) -> &'a Failure {
    let check = report.checks.iter().find(|check| check.name == name).expect(name);
    match &check.outcome {
        Outcome::Failed(failure) => failure,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_layer_that_pretends_is_found_out() {
    let report = run_pretender(&[Isolation::None]).expect("runs");
    assert!(!report.passed());
    assert!(report.place.contains("NO isolation"), "{}", report.place);
    assert!(matches!(report.checks[0].outcome, Outcome::Skipped { .. }), "weak isolation is said");
    assert_eq!(report.checks[1].name, "/opt: --version");
    assert_eq!(report.checks[1].outcome, Outcome::Passed);
    let urls = failure(&report, "/opt: --Info_CanHandleUrls");
    insta::assert_snapshot!(urls.actual, @r"
    exit code 0
    stdout: 0
    stderr: (nothing)
    ");
    let file = failure(&report, "/opt: file clip.mkv");
    assert_eq!(file.expected, "a report that agrees with the expected report of clip.mkv");
    insta::assert_snapshot!(file.actual, @r#"
    stdout is not JSON: expected value at line 1 column 1
    exit code 0
    stdout: default ca info path: /etc/ssl
    {"media":null}
    stderr: (nothing)
    "#);
    assert!(file.command.starts_with("env -i /") && file.command.ends_with("/tmp/media/clip.mkv"), "{}", file.command);
    let forbidden = failure(&report, "/opt: status 403 is an error");
    insta::assert_snapshot!(forbidden.expected, @"an error that says `403`, a failure as exit code, and no report");
    // A module that is not there is said once per question, with Python's own words.
    if Python::find(&Machine::find(report.arch, None).expect("this machine")).is_ok() {
        let python = failure(&report, "/opt: Python: file clip.mkv");
        assert!(python.actual.contains("No module named 'pymediainfo'"), "{}", python.actual);
    }
    assert!(report.to_string().contains("  FAIL  /opt: file clip.mkv\n          expected: a report"));
}

#[test]
fn a_program_that_cannot_start_fails_every_check() {
    // Its shell is not in the sandbox, as a library might not be.
    let Ok(report) = run_pretender(&[Isolation::UserNamespace, Isolation::Chroot]) else {
        eprintln!("skipped: neither user namespaces nor chroot work here");
        return;
    };
    let failed = |check: &&crate::smoke::report::Check| matches!(check.outcome, Outcome::Failed(_));
    let program =
        report.checks.iter().filter(|check| check.name.starts_with("/opt: ") && !check.name.contains("Python"));
    let fine: Vec<&str> = program.filter(|check| !failed(check)).map(|check| check.name.as_str()).collect();
    assert_eq!(fine, ["/opt: nothing is written outside /tmp"]);
}

#[test]
fn an_architecture_that_cannot_be_run_is_skipped_with_a_hint() {
    let other = Arch::ALL.into_iter().find(|arch| Some(*arch) != Arch::of_this_machine()).expect("another");
    let options = Options { emulated_root: Some("/nonexistent".into()), ..Options::default() };
    let report = SUITE.run(Path::new("/nonexistent"), other, &options, &Ui::silent()).expect("a report");
    assert_eq!((report.passed(), report.skipped(), report.checks.len()), (true, 1, 1));
    assert!(report.to_string().contains("hint:"), "{report}");
}
