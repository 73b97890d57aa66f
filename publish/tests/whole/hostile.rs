//! What a cloud, or somebody between us and it, could answer.

use std::sync::{Arc, Mutex};

use crate::support::checkout::Checkout;
use crate::support::fc::Fake;
use crate::support::http::{Reply, serve};
use crate::support::{Ran, SECRET, TOKEN, command, run};
use serde_json::json;
use xtask::smoke::server::Server;

const FC: [&str; 6] = ["publish", "mediainfo", "--cloud", "aliyun", "--region", "cn-hangzhou"];
const AWS: [&str; 6] = ["publish", "mediainfo", "--arch", "arm64", "--region", "us-east-1"];

/// Title, colours, a cleared screen, a line that covers another, and a text from right to left.
const ESCAPES: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\rall is well\u{202e}\0";

/// Neither a secret nor anything that a terminal obeys is in what was said.
#[track_caller]
fn harmless(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        let steers = |c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{202e}';
        assert!(!text.contains(steers), "{text:?}");
        for secret in [SECRET, TOKEN] {
            // Nor a part of one, where a message was cut.
            assert!(!text.to_lowercase().contains(&secret[..12].to_lowercase()), "{text}");
        }
        assert!(text.len() < 5000, "{} bytes", text.len());
    }
}

#[test]
fn a_quoted_token_and_escape_codes_of_function_compute_are_not_shown() {
    let fake = Fake::start();
    let checkout = Checkout::with(&["mediainfo"]);
    fake.with(|state| {
        (state.token, state.quote) = (Some(TOKEN.to_owned()), Some(["server string to sign:\n", ESCAPES]))
    });
    for format in ["text", "json"] {
        let mut command = command(checkout.root(), &fake.url, &[&FC[..], &["--format", format]].concat());
        let ran = Ran::of(command.env("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN).output().expect("started"));
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.contains("x-acs-security-token:***"), "{}", ran.stderr);
        assert!(ran.stderr.contains(r"\u001b]0;owned\u0007"), "{}", ran.stderr);
        harmless(&ran);
    }
}

#[test]
fn a_quoted_token_and_escape_codes_of_aws_are_not_shown() {
    let checkout = Checkout::with(&["mediainfo"]);
    let quoted = format!("the canonical string is\nx-amz-security-token:{TOKEN}\n%{ESCAPES}{}", "x".repeat(9_000_000));
    let message = Mutex::new(quoted);
    let url = serve(move |_| {
        let body = json!({"message": &*message.lock().expect("the message")});
        let Reply::Answer { body, mut headers, .. } = Reply::json(403, &body) else { return Reply::Hangup };
        headers.push(("x-amzn-errortype".to_owned(), "InvalidSignatureException".to_owned()));
        Reply::Answer { status: 403, headers, body }
    });
    for format in ["text", "json"] {
        let mut command = command(checkout.root(), &url, &[&AWS[..], &["--format", format]].concat());
        let ran = Ran::of(command.env("AWS_SESSION_TOKEN", TOKEN).output().expect("started"));
        assert_eq!(ran.code, 1);
        assert!(
            ran.stderr.contains("InvalidSignatureException: the canonical string is x-amz-security-token:***"),
            "{}",
            ran.stderr
        );
        harmless(&ran);
    }
}

#[test]
fn a_version_with_a_name_that_is_none_is_not_recorded() {
    for name in
        ["<script>alert(1)</script>", "acs:fc:x:1:layers/a/versions/1\n| forged |", "\u{1b}[2J", "", &"a".repeat(301)]
    {
        let fake = Fake::start();
        let checkout = Checkout::with(&["mediainfo"]);
        fake.with(|state| state.arn = Some(name.to_owned()));
        let ran = run(checkout.root(), &fake.url, &FC);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(ran.stderr.contains("the cloud answered with a version that is named `"), "{}", ran.stderr);
        harmless(&ran);
        assert!(!checkout.root().join("layers/published.json").exists());
    }
}

#[test]
fn lists_of_function_compute_that_go_in_a_circle_end() {
    for circle in [vec![5, 7], vec![7], vec![3, 2, 1]] {
        let fake = Fake::start();
        let checkout = Checkout::with(&["mediainfo"]);
        fake.with(|state| state.circle = circle);
        let ran = run(checkout.root(), &fake.url, &FC);
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.contains("the cloud's list goes in a circle: a page comes a second time"), "{}", ran.stderr);
        // Asking again would be in vain.
        assert!(!ran.stderr.contains("tried") && fake.with(|state| state.log.len()) <= 5, "{}", ran.stderr);
    }
}

#[test]
fn lists_of_aws_that_do_not_end_are_left() {
    let circle: fn(usize) -> String = |number| format!("marker-{}", number % 2);
    let endless: fn(usize) -> String = |number| format!("marker-{number}");
    for (marker, message) in [(circle, "goes in a circle"), (endless, "has more than 500 pages")] {
        let (checkout, asked) = (Checkout::with(&["mediainfo"]), Arc::new(Mutex::new(0)));
        let counted = Arc::clone(&asked);
        let url = serve(move |_| {
            let mut asked = counted.lock().expect("a number");
            *asked += 1;
            Reply::json(200, &json!({"LayerVersions": [], "NextMarker": marker(*asked)}))
        });
        let ran = run(checkout.root(), &url, &AWS);
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.contains(message) && !ran.stderr.contains("tried"), "{}", ran.stderr);
        assert!(*asked.lock().expect("a number") <= 500);
    }
}

#[test]
fn a_certificate_that_nobody_trusts_is_not_tried_again() {
    let server = Server::start().expect("a server");
    let url = server.https("");
    for arguments in [&FC[..], &AWS[..], &[&FC[..], &["--bucket", "zips"]].concat()] {
        let checkout = Checkout::with(&["mediainfo"]);
        let ran = run(checkout.root(), &url, arguments);
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.to_lowercase().contains("certificate"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("tried"), "{}", ran.stderr);
    }
}

#[test]
fn a_bucket_is_a_name_and_no_part_of_an_address() {
    let fake = Fake::start();
    let checkout = Checkout::with(&["mediainfo"]);
    let own = fake.url.strip_prefix("http://").expect("a URL");
    for (cloud, bucket) in
        [(FC, format!("{own}#")), (FC, "evil.test/x?".to_owned()), (FC, "a.b".to_owned()), (AWS, format!("{own}#"))]
    {
        let ran = run(checkout.root(), &fake.url, &[&cloud[..], &["--bucket", &bucket]].concat());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("is not the name of a bucket"), "{}", ran.stderr);
    }
    for name in ["MEDIA_LAYERS_FC_ENDPOINT", "MEDIA_LAYERS_OSS_ENDPOINT"] {
        let mut command = command(checkout.root(), &fake.url, &FC);
        let ran = Ran::of(command.env(name, format!("{}#", fake.url)).output().expect("started"));
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(&format!("`{name}` is not an address")), "{}", ran.stderr);
    }
    assert!(fake.with(|state| state.log.is_empty() && state.objects.is_empty()), "something was sent");
}
