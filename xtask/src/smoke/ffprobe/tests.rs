//! The suite on a layer that is not as it should be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::model::Arch;
use crate::smoke::Options;
use crate::smoke::report::{Failure, Outcome};
use crate::smoke::sandbox::isolation::Isolation;
use crate::ui::Ui;

/// A program that pretends: with the right banner, from a builder that left its traces, and the same report on all.
const PRETENDER: &str = r#"#!/bin/sh
case "$1" in
-version) echo "ffprobe version 9.0.2"; echo "  configuration: --enable-gpl --prefix=/home/builder/out" ;;
-buildconf) echo "  configuration:"; echo "    --enable-gpl" ;;
-L) echo "under the terms of the GNU General Public License" ;;
*) echo '{"streams":[],"format":{"format_name":"wav","duration":"1.0","size":"32044"}}' ;;
esac
"#;

#[test]
fn a_layer_that_pretends_is_found_out() {
    let layer = tempfile::tempdir().expect("a folder");
    let program = layer.path().join(PROGRAM);
    fs::create_dir_all(program.parent().expect("a folder")).expect("folders");
    fs::write(&program, PRETENDER).expect("writes");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("mode");
    let options = Options { isolations: vec![Isolation::None], ..Options::default() };
    let arch = Arch::of_this_machine().expect("a known architecture");
    let report = SUITE.run(layer.path(), arch, &options, &Ui::silent()).expect("runs");

    let failure = |name: &str| -> &Failure {
        let check = report.checks.iter().find(|check| check.name == name).expect(name);
        match &check.outcome {
            Outcome::Failed(failure) => failure,
            other => panic!("{name}: {other:?}"),
        }
    };
    failure("/opt: ffprobe says nothing about the machine that built it");
    failure("/opt: ffprobe is under the LGPL");
    failure("/opt: ffprobe has no parts under another licence");
    insta::assert_snapshot!(failure("/opt: file tone.wav").actual, @r"
    format_long_name is missing
    0 audio streams and not 1
    ");
    let refused = failure("/opt: status 403 is an error");
    assert_eq!(refused.expected, "an error that says `403`, a failure as exit code, and no report");
    assert_eq!(refused.actual, "a report, as if all were well");
    failure("/opt: https with an authority that nobody trusts is refused");
    failure("/opt: http server that stalls half-way is an error in time");
    let passed = report.checks.iter().filter(|check| check.outcome == Outcome::Passed);
    let passed: Vec<&str> = passed.map(|check| check.name.as_str()).filter(|name| name.starts_with("/opt")).collect();
    // A damaged file may be answered with any report, if only in time.
    assert_eq!(
        passed,
        [
            "/opt: ffprobe -version",
            "/opt: an MP4 file whose tables have four billion entries",
            "/opt: a fragment of four billion samples",
            "/opt: a TIFF file whose folder is followed by itself",
            "/opt: an FLV file with an array of four billion values",
            "/opt: a WAV file with four billion cue points",
            "/opt: chapters in chapters, 500 deep",
            "/opt: an AAC file with sections behind their table",
            "/opt: XML that ends in CDATA",
            "/opt: XML that ends in a tag",
            "/opt: XML that ends with a declaration",
            "/opt: XML with CDATA that is cut, in an attribute",
            "/opt: XML with a block of sound of no known type",
            "/opt: a GXF file whose frames have no fields",
            "/opt: a WAV file of 256 channels",
            "/opt: a Vorbis codebook of no dimensions",
            "/opt: a Vorbis codebook of no entries",
            "/opt: a time code of 2^32 frames per second",
            "/opt: an AVI file with two unknown fields of one name",
            "/opt: a playlist without an end",
            "/opt: AAC of a kind that is not decoded",
            "/opt: nothing is written outside /tmp",
        ]
    );
}
