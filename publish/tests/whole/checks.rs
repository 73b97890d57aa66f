//! What is refused before anything is sent. The address leads nowhere: a request would fail otherwise than expected.

use std::fs;

use crate::support::checkout::Checkout;
use crate::support::fc::Fake;
use crate::support::{Ran, run};
use xtask::model::Arch;

fn publish(checkout: &Checkout, more: &[&str]) -> Ran {
    let arguments = ["publish", "mediainfo", "--arch", "arm64", "--region", "us-east-1", "--offline"];
    run(checkout.root(), "http://127.0.0.1:1", &[&arguments, more].concat())
}

/// The findings; nothing may have been sent.
#[track_caller]
fn refused(checkout: &Checkout, more: &[&str]) -> String {
    let ran = publish(checkout, more);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing was sent, because of these problems"), "{}", ran.stderr);
    ran.stdout
}

/// It got as far as asking AWS.
#[track_caller]
fn accepted(checkout: &Checkout, more: &[&str]) {
    let ran = publish(checkout, more);
    assert!(ran.stderr.contains("1 region: 0 to create, 0 to share, 0 to delete; 1 failed"), "{}", ran.stderr);
}

#[test]
fn a_zip_that_is_not_there() {
    let found = refused(&Checkout::new(), &[]);
    assert!(found.starts_with("mediainfo-26.05-arm64.zip: cannot read "), "{found}");
    assert!(found.ends_with("; `cargo xtask build-layer mediainfo@26.05 --arch arm64` makes it\n"), "{found}");
}

#[test]
fn bytes_that_are_not_what_they_should_be() {
    let checkout = Checkout::with(&["mediainfo"]);
    accepted(&checkout, &[]);
    let zip = checkout.dist(&checkout.build("mediainfo", Arch::Arm64, b"first"));
    let good = fs::read(&zip).expect("the zip");
    let mut bytes = good.clone();
    bytes.extend_from_slice(b"x");
    fs::write(&zip, &bytes).expect("written");
    let longer = refused(&checkout, &[]);
    assert!(longer.contains("there is something behind its end"), "{longer}");
    fs::write(&zip, &good[..good.len() / 2]).expect("written");
    assert!(refused(&checkout, &[]).contains("cannot inspect"), "half");

    fs::write(&zip, &good).expect("written");
    let record = zip.with_extension("json");
    let text = fs::read_to_string(&record).expect("the record");
    fs::write(&record, text.replacen("\"homepage\": \"https://", "\"homepage\": \"https://not-", 1)).expect("written");
    assert!(refused(&checkout, &[]).contains("its record describes another zip"), "another record");

    let zip = checkout.dist(&checkout.build("mediainfo", Arch::Arm64, b"second"));
    fs::write(&zip, &good).expect("written");
    let other = refused(&checkout, &[]);
    assert!(other.contains("and its record says"), "{other}");
}

#[test]
fn what_nobody_can_make_again_needs_a_word() {
    let checkout = Checkout::new();
    checkout.build("mediainfo", Arch::Arm64, b"first");
    assert!(refused(&checkout, &[]).contains("`--allow-unlocked` publishes it without"));
    accepted(&checkout, &["--allow-unlocked"]);
    let locked = checkout.build("mediainfo", Arch::Arm64, b"second");
    checkout.lock(&locked);
    accepted(&checkout, &[]);
    checkout.build("mediainfo", Arch::Arm64, b"third");
    assert!(refused(&checkout, &["--allow-unlocked", "--allow-unpinned"]).contains("and layers/digests.toml says"));
    checkout.build_with("mediainfo", Arch::Arm64, b"third", false);
    assert!(refused(&checkout, &["--allow-unlocked"]).contains("`--allow-unpinned` publishes it anyway"));
    accepted(&checkout, &["--allow-unpinned"]);
}

#[test]
fn what_was_not_audited_or_run_is_refused() {
    let checkout = Checkout::with(&["mediainfo"]);
    let record = checkout.root().join("dist/mediainfo-26.05-arm64.json");
    let text = fs::read_to_string(&record).expect("the record");
    let changed = |change: fn(&mut serde_json::Value)| {
        let mut value = serde_json::from_str(&text).expect("JSON");
        change(&mut value);
        fs::write(&record, value.to_string()).expect("written");
        refused(&checkout, &[])
    };
    let found = changed(|value| value["checks"] = serde_json::Value::Null);
    assert!(found.contains("has no audit and no smoke test; build it again"), "{found}");
    let found = changed(|value| value["checks"]["audited"] = serde_json::json!(["al2"]));
    assert!(found.contains("it was not audited for Amazon Linux 2023; build it again"), "{found}");
    let found = changed(|value| value["checks"]["smoke-passed"] = serde_json::json!(0));
    assert!(found.contains("it has never run"), "{found}");
}

#[test]
fn every_finding_is_told() {
    let checkout = Checkout::new();
    checkout.build("mediainfo", Arch::X86_64, b"first");
    let name = "n".repeat(141);
    let arguments = ["publish", "mediainfo", "ffprobe", "--region", "us-east-1", "--name-template", &name];
    let ran = run(checkout.root(), "http://127.0.0.1:1", &arguments);
    assert_eq!(ran.code, 1);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 5, "{}", ran.stdout);
    assert!(
        lines[1].ends_with("the length of its name is 141, and the cloud takes at most 140; see `--name-template`")
    );
}

#[test]
fn names_that_clash_and_other_wrong_usage() {
    let checkout = Checkout::with(&["mediainfo", "ffprobe"]);
    for (arguments, message) in [
        (&["mediainfo", "--region", "us-east-1", "--name-template", "x"][..], "would both be published as `x`"),
        (&["mediainfo", "--region", "useast1"], "did you mean `us-east-1`?"),
        (&["mediainfo"], "--region <REGION>"),
        (&["nothing", "--all-regions"], "there is no layer `nothing`"),
        (
            &["mediainfo@1.0", "--all-regions"],
            "layer `mediainfo` has no version 1.0\n\nhint: its versions are 26.05, 23.04",
        ),
        (&["mediainfo", "--all-regions", "--keep", "0"], "invalid value '0' for '--keep <N>'"),
        (&["mediainfo", "--all-regions", "--public", "--org", "o-a1b2c3d4e5"], "cannot be used with"),
        (&["mediainfo", "--all-regions", "--name-template", "a.b"], "`a.b` is not a name template"),
        (&["mediainfo", "--all-regions", "--account", "12"], "`12` is not an AWS account: expected 12 digits"),
    ] {
        let ran = run(checkout.root(), "http://127.0.0.1:1", &[&["publish"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(message), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn what_could_not_be_recorded_is_not_published() {
    let fake = Fake::start();
    let publish = |checkout: &Checkout, more: &[&str]| {
        let arguments = ["publish", "mediainfo", "--cloud", "aliyun", "--region", "cn-hangzhou"];
        run(checkout.root(), &fake.url, &[&arguments, more].concat())
    };
    let conflict = "{\n<<<<<<< ours\n  \"format\": 1,\n=======\n";
    for (text, message) in [
        (conflict, "layers/published.json: key must be a string"),
        ("{\"format\": 2, \"layers\": []}", "its format is 2, and this tool knows 1"),
        ("", "layers/published.json: EOF"),
    ] {
        let checkout = Checkout::with(&["mediainfo"]);
        fs::write(checkout.root().join("layers/published.json"), text).expect("written");
        for more in [&[][..], &["--dry-run"]] {
            let ran = publish(&checkout, more);
            assert_eq!(ran.code, 2, "{}", ran.stderr);
            assert!(ran.stderr.contains(message), "{}", ran.stderr);
        }
    }
    let checkout = Checkout::with(&["mediainfo"]);
    fs::create_dir(checkout.root().join("layers/published.json")).expect("a folder");
    let ran = publish(&checkout, &[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("published.json"), "{}", ran.stderr);
    assert!(fake.with(|state| state.log.is_empty()), "something was sent");
    assert!(publish(&Checkout::with(&["mediainfo"]), &[]).code == 0);
}

#[test]
fn no_credentials_is_said_at_once() {
    let checkout = Checkout::with(&["mediainfo"]);
    for (cloud, region, message) in [
        ("aws", "us-east-1", "there are no credentials for AWS"),
        ("aliyun", "cn-hangzhou", "there are no credentials for Alibaba Cloud"),
    ] {
        let arguments = ["publish", "mediainfo", "--cloud", cloud, "--region", region];
        let mut command = crate::support::command(checkout.root(), "http://127.0.0.1:1", &arguments);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("ALIBABA_CLOUD_ACCESS_KEY_ID");
        let ran = Ran::of(command.output().expect("started"));
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(message) && ran.stderr.contains("docs/publishing.md"), "{}", ran.stderr);
    }
}
