//! The suite on a layer that is not as it should be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::model::Arch;
use crate::smoke::Options;
use crate::smoke::report::{Failure, Outcome};
use crate::smoke::sandbox::isolation::Isolation;
use crate::ui::Ui;

/// A program that says that all went well, whatever it is asked for, and both of whose names are ffmpeg.
const PRETENDER: &str = r#"#!/bin/sh
for last; do :; done
case "$last" in
-version) echo "ffmpeg version 9.0.2"; echo "  configuration: --cc=cc" ;;
-) head -c 19200 /dev/zero ;;
*.jpg) printf '\377\330\377\300\000\013\010\000\170\000\240\003' > "$last" ;;
*.vtt) echo "WEBVTT" > "$last" ;;
esac
"#;

#[test]
fn a_layer_that_pretends_is_found_out() {
    let layer = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(layer.path().join("bin")).expect("folders");
    for name in [PROGRAM, crate::smoke::ffprobe::PROGRAM] {
        let program = layer.path().join(name);
        fs::write(&program, PRETENDER).expect("writes");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("mode");
    }
    let options = Options { isolations: vec![Isolation::None], ..Options::default() };
    let arch = Arch::of_this_machine().expect("a known architecture");
    let report = SUITE.run(layer.path(), arch, &options, &Ui::silent()).expect("runs");

    let outcome = |name: &str| &report.checks.iter().find(|check| check.name == name).expect(name).outcome;
    let failure = |name: &str| -> &Failure {
        match outcome(name) {
            Outcome::Failed(failure) => failure,
            other => panic!("{name}: {other:?}"),
        }
    };
    assert_eq!(*outcome("/opt: ffmpeg -version"), Outcome::Passed);
    failure("/opt: ffprobe -version");
    let blank = failure("/opt: JPEG at 2 s over https");
    assert_eq!(
        (blank.expected.as_str(), blank.actual.as_str()),
        ("a picture with something on it", "grey values spread by 0.0")
    );
    let size = failure("/opt: filters fps, scale and tile");
    assert_eq!((size.expected.as_str(), size.actual.as_str()), ("a Jpeg of 320 by 60", "a Jpeg of 160 by 120"));
    assert!(failure("/opt: PNG at 2 s of a file").actual.contains("No such file"));
    assert_eq!(failure("/opt: srt to webvtt").actual, "WEBVTT");
    assert!(failure("/opt: ffmpeg: status 403 is an error").actual.starts_with("exit code 0"));
    failure("/opt: mp4 to wav");
    assert!(matches!(outcome("/opt: WebP at 2 s of a file"), Outcome::Skipped { .. }), "no such encoder is no failure");
}
