//! MediaInfo, built and run in the stand-ins.

use std::fs;

use xtask::model::Sha256;

use super::*;

/// The host's zip, which `cargo xtask build-layer mediainfo@23.04` must have made.
const ZIP: &str = "dist/mediainfo-23.04-x86_64.zip";

// `verify` does the same in the other stand-in, where Python is: see ci/test.
#[test]
#[ignore = "needs a container engine, stand-ins and the host's zip, and compiles for minutes"]
fn the_zip_is_that_of_the_host() {
    let zip = root().join(ZIP);
    // Whatever is in dist/ may be another container's work.
    tool(&["build-layer", "mediainfo@23.04", "--arch", "x86_64", "--offline"]);
    let expected = fs::read(&zip).expect("the host's zip");
    fs::remove_file(&zip).expect("the zip goes");
    let line = ["build-layer", "mediainfo@23.04", "--arch", "x86_64", "--builder", "al2", "--base-image", BULLSEYE];
    let output = tool(&line);
    let actual = fs::read(&zip).expect("a zip");
    let same = actual == expected;
    if !same {
        fs::rename(&zip, zip.with_extension("al2.zip")).expect("it is kept");
        fs::write(&zip, &expected).expect("the host's is back");
    }
    assert!(same, "in {BULLSEYE} it is {}, on the host {}", Sha256::of(actual), Sha256::of(&expected));
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    let place = format!("container of {BULLSEYE} for al2, read-only, as user 993:993");
    assert!(summary.contains(" 0 failed") && summary.contains(&place), "{summary}");
    eprintln!("{BULLSEYE}: {} as on the host", Sha256::of(&expected));
}

#[test]
#[ignore = "needs a container engine, stand-ins and the host's zip"]
fn nothing_is_skipped_where_python_is() {
    let zip = root().join(ZIP);
    let line = ["smoke", &zip.to_string_lossy(), "--in", "al2023", "--base-image", BOOKWORM, "--format", "json"];
    let report: serde_json::Value = serde_json::from_slice(&tool(&line).stdout).expect("JSON");
    let checks = report["checks"].as_array().expect("checks");
    assert!(checks.len() > 200 && checks.iter().all(|check| check["outcome"] == "passed"), "{report}");
}

#[test]
#[ignore = "needs a container engine, stand-ins and the host's zip"]
fn a_layer_runs_in_a_minimal_root() {
    let zip = root().join(ZIP);
    let line = ["smoke", &zip.to_string_lossy(), "--in", "al2", "--base-image", BULLSEYE, "--format", "json"];
    let report: serde_json::Value = serde_json::from_slice(&tool(&line).stdout).expect("JSON");
    let checks = report["checks"].as_array().expect("checks");
    let named = |name: &str| checks.iter().find(|check| check["name"].as_str().expect("a name").contains(name));
    let hidden = named("no libcurl, libssl or certificates can be found").expect("the check");
    assert_eq!(hidden["outcome"], "passed");
    // Debian's apt needs one that knows TLS, so there is something to hide.
    let engine = engine();
    let list = ["run", "--rm", "--network", "none", BULLSEYE, "sh", "-c", "ls /usr/lib/*/libgnutls.so.*"];
    assert!(ask(&engine, &list).contains("libgnutls"));
    let passed = checks.iter().filter(|check| check["outcome"] == "passed").count();
    assert!(passed > 100, "only {passed} checks");
    let skipped: Vec<_> = checks.iter().filter(|check| check["outcome"] != "passed").collect();
    for check in &skipped {
        let reason = check["outcome"]["skipped"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("has no python3"), "{check}");
    }
    assert_eq!(skipped.len(), 2, "Python, in both places of the layer");
}
