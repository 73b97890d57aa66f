//! Publishing to Function Compute, as a fake of ours plays it that verifies every signature.

use crate::support::checkout::Checkout;
use crate::support::fc::Fake;
use crate::support::{SECRET, TOKEN, command, run};

const PUBLISH: [&str; 6] = ["publish", "mediainfo", "--cloud", "aliyun", "--region", "cn-hangzhou"];

#[test]
fn versions_are_made_once_shared_and_deleted() {
    let fake = Fake::start();
    let checkout = Checkout::with(&["mediainfo"]);
    let publish = |more: &[&str]| run(checkout.root(), &fake.url, &[&PUBLISH[..], more].concat()).done();
    publish(&["--public"]);
    publish(&["--public"]);
    assert_eq!(fake.versions("mediainfo-x86_64"), [1]);
    assert_eq!(fake.with(|state| state.public.clone()), ["mediainfo-x86_64"], "shared once");
    let version = fake.with(|state| state.layers["mediainfo-x86_64"][0].clone());
    assert_eq!(
        version["compatibleRuntime"],
        serde_json::json!([
            "custom",
            "custom.debian10",
            "custom.debian11",
            "custom.debian12",
            "python3.10",
            "python3.12",
            "python3.9"
        ])
    );
    for content in ["b", "c", "d", "e"] {
        checkout.rebuild("mediainfo", content.as_bytes());
        publish(&[]);
    }
    // Over three pages.
    checkout.rebuild("mediainfo", b"b");
    let ran = publish(&["--format", "json"]);
    assert_eq!(ran.json()["regions"][0]["work"]["layers"][0]["result"]["Ok"]["number"], 2);
    checkout.rebuild("mediainfo", b"e");
    publish(&["--keep", "2"]);
    assert_eq!(fake.versions("mediainfo-x86_64"), [4, 5]);
    let index = std::fs::read_to_string(checkout.root().join("layers/published.json")).expect("the index");
    assert_eq!(index.matches("\"cloud\": \"aliyun\"").count(), 2);
}

#[test]
fn throttling_and_lost_answers() {
    let fake = Fake::start();
    let checkout = Checkout::with(&["mediainfo"]);
    fake.with(|state| (state.throttle, state.lose) = (3, 1));
    let ran = run(checkout.root(), &fake.url, &PUBLISH).done();
    assert!(ran.stderr.contains("though the answer was lost"), "{}", ran.stderr);
    assert_eq!(fake.versions("mediainfo-x86_64"), [1]);
    assert_eq!(fake.with(|state| state.log.iter().filter(|action| *action == "CreateLayerVersion").count()), 1);
}

#[test]
fn a_bucket_is_used_where_one_is_named() {
    let fake = Fake::start();
    let checkout = Checkout::with(&["mediainfo"]);
    fake.with(|state| state.token = Some(TOKEN.to_owned()));
    let arguments = [&PUBLISH[..], &["--bucket", "zips-{region}"]].concat();
    let output = command(checkout.root(), &fake.url, &arguments).env("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN).output();
    crate::support::Ran::of(output.expect("started")).done();
    assert_eq!(fake.versions("mediainfo-x86_64"), [1]);
    let objects = fake.with(|state| state.objects.keys().cloned().collect::<Vec<_>>());
    assert!(objects[0].starts_with("/zips-cn-hangzhou/media-layers/"), "{objects:?}");
}

#[test]
fn a_wrong_key_is_said_and_no_secret_is() {
    let fake = Fake::start();
    let checkout = Checkout::with(&["mediainfo"]);
    let wrong = format!("{SECRET}WRONG");
    for (name, value) in [
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", wrong.as_str()),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIother"),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN),
    ] {
        let mut command = command(checkout.root(), &fake.url, &[&PUBLISH[..], &["--bucket", "zips"]].concat());
        command.env(name, value).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        let ran = crate::support::Ran::of(command.output().expect("started"));
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("the request signature we calculated does not match (request 1-2-3)"),
            "{}",
            ran.stderr
        );
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(SECRET) && !text.contains(TOKEN), "{text}");
        }
    }
    assert_eq!(fake.versions("mediainfo-x86_64"), [0; 0]);
}

#[test]
fn what_function_compute_does_not_know_is_refused_before_anything_is_sent() {
    let fake = Fake::start();
    let checkout = Checkout::with(&["mediainfo"]);
    let refused = |more: &[&str], message: &str| {
        let ran = run(checkout.root(), &fake.url, &[&PUBLISH[..], more].concat());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
    };
    refused(&["--org", "o-a1b2c3d4e5"], "a layer of Function Compute is private or public");
    refused(&["--arch", "arm64"], "that cloud has no functions for arm64");
    refused(&["--region", "eu-west-3"], "there is no region `eu-west-3` in that cloud");
    assert!(fake.with(|state| state.log.is_empty()));
}
