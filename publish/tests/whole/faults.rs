//! Publishing to an AWS that fails in every way that a network can. Needs `ci/test-publish`.

use std::time::Duration;

use crate::support::checkout::Checkout;
use crate::support::moto::Moto;
use crate::support::proxy::{Act, Proxy, Rule};
use crate::support::{Ran, SECRET, TOKEN, run};

const REGIONS: &str = "us-east-1,eu-west-1,ap-south-1";

/// Publishes one zip to three regions through a proxy with `rules`, and tells how many versions each has afterwards.
#[track_caller]
fn publish(rules: &[Rule]) -> (Ran, Vec<usize>) {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, Duration::ZERO, rules);
    let checkout = Checkout::with(&["mediainfo"]);
    let arguments = ["publish", "mediainfo", "--arch", "arm64", "--region", REGIONS, "--public"];
    let ran = run(checkout.root(), &proxy.url, &arguments);
    assert!(proxy.is_through(), "not all of the script has happened\n{}", ran.stderr);
    let count = |region: &str| moto.versions(region, "mediainfo-arm64").len();
    (ran, REGIONS.split(',').map(count).collect())
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn what_was_refused_for_now_is_sent_again() {
    let (ran, versions) = publish(&[
        Rule::create("us-east-1", 3, Act::Refuse(429, "TooManyRequestsException")),
        Rule::list("eu-west-1", 3, Act::Refuse(429, "TooManyRequestsException")),
        Rule {
            method: "POST",
            path: "/policy",
            region: "ap-south-1",
            times: 2,
            act: Act::Refuse(500, "ServiceException"),
        },
        Rule::list("ap-south-1", 1, Act::HangUp),
        Rule::list("us-east-1", 1, Act::Stutter),
    ]);
    ran.done();
    assert_eq!(versions, [1, 1, 1]);
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn a_version_whose_answer_was_lost_is_not_made_twice() {
    let (ran, versions) = publish(&[
        Rule::create("us-east-1", 1, Act::LateHangUp),
        Rule::create("eu-west-1", 1, Act::Stutter),
        Rule::create("ap-south-1", 1, Act::LateRefusal(500, "ServiceException")),
    ]);
    let ran = ran.done();
    assert_eq!(versions, [1, 1, 1]);
    assert_eq!(ran.stderr.matches("was published, though the answer was lost").count(), 3, "{}", ran.stderr);
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn a_version_that_was_not_made_or_is_late_is_made_once() {
    let (ran, versions) = publish(&[
        Rule::create("us-east-1", 2, Act::HangUp),
        Rule::create("eu-west-1", 2, Act::Refuse(500, "ServiceException")),
        Rule::create("ap-south-1", 1, Act::Later(Duration::from_millis(200))),
    ]);
    ran.done();
    assert_eq!(versions, [1, 1, 1]);
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn slow_answers_are_waited_for() {
    let (ran, versions) = publish(&[
        Rule::create("us-east-1", 1, Act::Delay(Duration::from_millis(2500))),
        Rule::list("eu-west-1", 1, Act::Delay(Duration::from_millis(1500))),
    ]);
    ran.done();
    assert_eq!(versions, [1, 1, 1]);
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn one_region_that_refuses_does_not_stop_the_others() {
    let (ran, versions) = publish(&[
        Rule::create("us-east-1", 1, Act::Refuse(403, "AccessDeniedException")),
        Rule::list("eu-west-1", 7, Act::Refuse(500, "ServiceException")),
    ]);
    assert_eq!((ran.code, versions), (1, vec![0, 0, 1]));
    let summary = ran.stderr.split("\n\n").last().expect("a summary");
    assert_eq!(
        summary,
        "3 regions: 1 version created, 0 were there, 1 shared, 0 deleted; 2 failed\n  \
         us-east-1: mediainfo-arm64: AccessDeniedException: as the script says\n  \
         eu-west-1: ServiceException: as the script says (tried 7 times)\n"
    );
    assert!(ran.stdout.starts_with("arn:aws:lambda:ap-south-1:"), "{}", ran.stdout);
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn regions_that_are_not_enabled_are_passed_over_unless_they_were_named() {
    let moto = Moto::start();
    let refused = Rule::list("af-south-1", usize::MAX, Act::Refuse(403, "UnrecognizedClientException"));
    let proxy = Proxy::start(&moto.url, Duration::ZERO, &[refused]);
    let checkout = Checkout::with(&["mediainfo"]);
    let publish = |place: &[&str]| {
        run(checkout.root(), &proxy.url, &[&["publish", "mediainfo", "--arch", "x86_64"], place].concat())
    };
    let ran = publish(&["--all-regions"]).done();
    assert!(ran.stderr.contains("; 1 passed over (not enabled for this account)"), "{}", ran.stderr);
    let ran = publish(&["--region", "af-south-1,us-east-1"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("\n  af-south-1: UnrecognizedClientException: "), "{}", ran.stderr);
    let plan = publish(&["--all-regions", "--dry-run", "--format", "json"]).done().json();
    assert!(plan["regions"][0]["work"]["not-enabled"].is_string(), "{plan:#}");
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn lists_are_read_to_their_last_page() {
    let moto = Moto::start();
    let proxy = Proxy::start(&moto.url, Duration::ZERO, &[]);
    let checkout = Checkout::with(&["mediainfo"]);
    let publish = |more: &[&str]| {
        let arguments = ["publish", "mediainfo", "--arch", "arm64", "--region", "us-east-1"];
        run(checkout.root(), &proxy.url, &[&arguments, more].concat()).done()
    };
    for content in ["first", "two", "three", "four", "five", "six", "seven"] {
        checkout.rebuild("mediainfo", content.as_bytes());
        publish(&[]);
    }
    checkout.rebuild("mediainfo", b"two");
    let ran = publish(&[]);
    assert!(ran.stdout.trim_end().ends_with(":mediainfo-arm64:2"), "{}", ran.stdout);
    checkout.rebuild("mediainfo", b"eight");
    let ran = publish(&["--keep", "3"]);
    assert!(ran.stderr.contains("1 version created, 0 were there, 0 shared, 5 deleted"), "{}", ran.stderr);
    assert_eq!(moto.versions("us-east-1", "mediainfo-arm64"), [8, 7, 6]);
}

#[test]
#[ignore = "needs moto: ci/test-publish"]
fn no_secret_is_shown_whatever_happens() {
    let moto = Moto::start();
    let rules = [
        Rule::list("us-east-1", 1, Act::Refuse(403, "AccessDeniedException")),
        Rule::create("eu-west-1", 1, Act::Refuse(403, "InvalidSignatureException")),
        Rule::create("ap-south-1", 1, Act::Stutter),
    ];
    let proxy = Proxy::start(&moto.url, Duration::ZERO, &rules);
    let checkout = Checkout::with(&["mediainfo"]);
    for format in ["text", "json"] {
        let arguments = ["publish", "mediainfo", "--region", REGIONS, "--format", format, "--public"];
        let mut command = crate::support::command(checkout.root(), &proxy.url, &arguments);
        command.env("AWS_SESSION_TOKEN", TOKEN).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        let ran = Ran::of(command.output().expect("started"));
        assert!(!ran.stderr.is_empty());
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(SECRET) && !text.contains(TOKEN), "{text}");
        }
    }
    // A profile that is broken in the middle of a secret.
    std::fs::create_dir_all(checkout.root().join(".aws")).expect("a folder");
    let profile = format!("[default]\naws_access_key_id = A\naws_secret_access_key = {SECRET}\n{SECRET}\n");
    std::fs::write(checkout.root().join(".aws/credentials"), profile).expect("written");
    let mut command =
        crate::support::command(checkout.root(), &proxy.url, &["publish", "mediainfo", "--region", REGIONS]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env("RUST_BACKTRACE", "full");
    let ran = Ran::of(command.output().expect("started"));
    assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{}", ran.stderr);
}
