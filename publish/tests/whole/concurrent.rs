//! Several publishes at once: nothing that one of them has recorded is lost.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::checkout::Checkout;
use crate::support::fc::Fake;
use crate::support::{Ran, command};
use publish::index::published::Index;

/// How often six begin together.
const ROUNDS: usize = 4;

#[test]
fn six_at_once_with_any_cache_lose_nothing() {
    let fake = Fake::start();
    let (one, other) = (Checkout::with(&["mediainfo"]), Checkout::with(&["mediainfo"]));
    let caches = tempfile::tempdir().expect("a folder");
    // Two share a checkout and a cache, three a checkout, and two a cache that is in no checkout.
    let runs = [(&one, "a"), (&one, "a"), (&one, "b"), (&one, "c"), (&other, "c"), (&other, "d")];
    let mut expected = [BTreeSet::new(), BTreeSet::new()];
    for round in 0..ROUNDS {
        let start = |(number, (checkout, cache)): (usize, &(&Checkout, &str))| {
            let template = format!("r{round}-{number}-{{layer}}-{{arch}}");
            let arguments = ["publish", "mediainfo", "--cloud", "aliyun", "--region", "cn-hangzhou"];
            let mut command =
                command(checkout.root(), &fake.url, &[&arguments[..], &["--name-template", &template]].concat());
            command.env("PUBLISH_TEST_CACHE", caches.path().join(cache)).stdout(std::process::Stdio::piped());
            command.stderr(std::process::Stdio::piped()).spawn().expect("started")
        };
        let children: Vec<_> = runs.iter().enumerate().map(start).collect();
        for (child, (checkout, _)) in children.into_iter().zip(&runs) {
            let ran = Ran::of(child.wait_with_output().expect("its end")).done();
            let place = usize::from(checkout.root() == other.root());
            expected[place].extend(ran.stdout.lines().map(str::to_owned));
        }
    }
    let recorded = |root: &Path| -> BTreeSet<String> {
        Index::load(root).expect("an index").entries().iter().map(|entry| entry.arn.clone()).collect()
    };
    assert_eq!(expected.each_ref().map(BTreeSet::len), [4 * ROUNDS, 2 * ROUNDS]);
    assert_eq!([recorded(one.root()), recorded(other.root())], expected);
}
