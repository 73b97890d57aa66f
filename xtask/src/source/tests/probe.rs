//! Asking servers whether they have a source, without fetching it.

use std::time::Instant;

use super::server::{Reply, Server};
use super::*;
use crate::source::Probe;

/// What `wanted` were tried in vain at, each; `None` for what can be fetched.
fn probe(cache: &Path, mirrors: &Mirrors, network: &Network, wanted: &[Source]) -> Vec<Option<Vec<String>>> {
    let (store, ui) = (Store::new(cache), Ui::silent());
    let context = Context { mirrors, store: &store, network, ui: &ui };
    let requests: Vec<_> = wanted.iter().map(|source| Request { what: "tool 1.0".to_owned(), source }).collect();
    let requests: Vec<_> = requests.iter().collect();
    let mut probe = Probe::start(&context, &requests);
    let texts = |tried: Vec<crate::source::FailedPlace>| tried.iter().map(ToString::to_string).collect();
    (0..requests.len()).map(|at| probe.in_vain(at).map(texts)).collect()
}

#[test]
fn one_place_that_has_it_is_enough_and_nothing_is_stored() {
    let body = bytes(3000);
    let served = body.clone();
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/good" => Reply::whole(&served),
        "/page/" => Reply::whole(b"<a href='../a-1.whl'>a-1.whl</a>"),
        "/a-1.whl" => Reply::whole(b"wheel"),
        "/short" => Reply::whole(b"short"),
        _ => Reply::status(404),
    });
    let url = |path: &str| server.url(path);
    let sources = [
        source(vec![archive(&body, &[&url("gone"), &url("short"), &url("good")])]),
        source(vec![archive(&body, &[&url("gone")]), archive(&body, &[&url("short")])]),
        source(vec![archive(b"wheel", &["pypi:page/a-1.whl"]), archive(&body, &[&url("gone")])]),
        source(vec![archive(b"wheel", &["pypi:page/a-2.whl"])]),
        source(vec![archive(b"source", &["debian:pool/main/a/a.tar.gz"])]),
    ];
    let cache = tempfile::tempdir().expect("a folder");
    let found = probe(cache.path(), &mirrors("/", &url(""), &[]), &online(), &sources);
    assert_eq!(
        found,
        [
            None,
            Some(vec![
                "127.0.0.1: expected 3000 bytes, got 5".to_owned(),
                "127.0.0.1: it answers with status 404 (not found)".to_owned(),
            ]),
            None,
            Some(vec!["127.0.0.1: its page does not list the file".to_owned()]),
            Some(vec!["debian:pool/main/a/a.tar.gz: only folders are configured, and none of them has it".to_owned()]),
        ]
    );
    assert_eq!(std::fs::read_dir(cache.path()).expect("a folder").count(), 0);
}

#[test]
fn a_slow_place_does_not_hold_up_a_quick_one() {
    let server = Server::start(|_| Reply::whole(b"one"));
    // A port that accepts and never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = format!("http://{}/a", listener.local_addr().expect("its address"));
    let sources = [source(vec![archive(b"one", &[&silent, &server.url("quick")])])];
    let cache = tempfile::tempdir().expect("a folder");
    // With as much patience as a user's client has.
    let network = Network::Online(Box::new(Client::new(Patience::default(), Proxies::default())));
    let began = Instant::now();
    assert_eq!(probe(cache.path(), &mirrors("/", "/", &[]), &network, &sources), [None]);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}
