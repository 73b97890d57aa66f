//! Sources with several archives, origins and mirrors: which is taken, and what is said of the others.

use std::fs;

use super::server::{Reply, Server};
use super::*;
use crate::source::probe::missing;

const NOWHERE: &str = "/";

/// A source whose one archive is on Debian's mirror and on the index.
fn tool(body: &[u8]) -> Source {
    source(vec![archive(body, &["debian:pool/main/t/tool_1.orig.tar.gz", "pypi:tool/tool-1.tar.gz"])])
}

fn cache() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// What the cache holds, sorted.
fn listing(cache: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for folder in ["archives", "partial"] {
        let Ok(entries) = fs::read_dir(cache.join(folder)) else { continue };
        files.extend(entries.map(|entry| format!("{folder}/{}", entry.expect("an entry").file_name().display())));
    }
    files.sort();
    files
}

#[test]
fn an_archive_is_fetched_once() {
    let body = bytes(3000);
    let (cache, served) = (cache(), body.clone());
    let server = Server::start(move |_| Reply::whole(&served));
    let mirrors = mirrors(&server.url("debian"), NOWHERE, &[]);
    for network in [online(), online(), Network::Offline] {
        assert_eq!(fetch(cache.path(), &mirrors, network, &tool(&body)).as_ref(), Ok(&body));
    }
    let paths: Vec<String> = server.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/debian/pool/main/t/tool_1.orig.tar.gz"]);
    assert_eq!(listing(cache.path()), ["archives/12"]);
}

#[test]
fn a_changed_archive_is_fetched_anew() {
    let body = bytes(3000);
    let (cache, served) = (cache(), body.clone());
    let server = Server::start(move |_| Reply::whole(&served));
    let mirrors = mirrors(&server.url("debian"), NOWHERE, &[]);
    let file = Store::new(cache.path()).path(&Sha256::of(&body));
    fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
    fs::write(&file, [7; 3000]).expect("a file");
    assert_eq!(fetch(cache.path(), &mirrors, online(), &tool(&body)).as_ref(), Ok(&body));
    assert_eq!(fs::read(&file).expect("a file"), body);
}

#[test]
fn an_index_is_asked_for_the_file() {
    let body = bytes(3000);
    let (cache, served) = (cache(), body.clone());
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/pypi/simple/tool/" => Reply::whole(
            b"<a href=\"../../files/tool-1.tar.gz#sha256=0\">tool-1.tar.gz</a> <a href=x>tool-2.tar.gz</a>",
        ),
        "/pypi/files/tool-1.tar.gz" => Reply::whole(&served),
        _ => Reply::status(404),
    });
    let mirrors = mirrors(NOWHERE, &server.url("pypi/simple"), &[]);
    assert_eq!(fetch(cache.path(), &mirrors, online(), &tool(&body)).as_ref(), Ok(&body));

    let other = source(vec![archive(b"x", &["pypi:tool/tool-3.tar.gz"])]);
    let error = fetch(cache.path(), &mirrors, online(), &other).expect_err("not listed");
    let page = server.url("pypi/simple/tool/");
    let expected = format!("  {page} (pypi:tool/tool-3.tar.gz): its page does not list the file");
    assert_eq!(error.lines().nth(1), Some(expected.as_str()));
}

#[test]
fn a_page_that_fails_for_a_moment_is_asked_again() {
    let body = bytes(3000);
    let (cache, served) = (cache(), body.clone());
    let server = Server::start(move |asked| match asked.number {
        0 => Reply::status(502),
        1 => Reply::whole(b"<a href=\"/f\">tool-1.tar.gz</a>"),
        _ => Reply::whole(&served),
    });
    let mirrors = mirrors(NOWHERE, &server.url("simple"), &[]);
    assert_eq!(fetch(cache.path(), &mirrors, online(), &tool(&body)).as_ref(), Ok(&body));
}

#[test]
fn the_next_origin_is_tried_and_the_next_archive() {
    let body = bytes(3000);
    let (cache, served) = (cache(), body.clone());
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/gone" => Reply::status(404),
        "/wrong" => Reply::whole(&vec![7; 3000]),
        "/good" => Reply::whole(&served),
        _ => Reply::status(410),
    });
    let urls = [server.url("gone"), server.url("wrong"), server.url("good")];
    let first = archive(b"another archive", &[&urls[0]]);
    let second = archive(&body, &[&urls[0], &urls[1], &urls[2]]);
    let mirrors = mirrors(NOWHERE, NOWHERE, &[]);
    assert_eq!(fetch(cache.path(), &mirrors, online(), &source(vec![first, second])).as_ref(), Ok(&body));
    let paths: Vec<String> = server.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/gone", "/gone", "/wrong", "/good"]);
    assert_eq!(listing(cache.path()), ["archives/12"], "nothing partial is left");
}

#[test]
fn an_archive_in_the_store_wins_over_one_to_fetch() {
    let (body, preferred) = (bytes(3000), b"the preferred archive");
    let cache = cache();
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("tool_1.orig.tar.gz"), &body).expect("a file");
    let server = Server::start(move |_| Reply::whole(preferred));
    let both = source(vec![archive(preferred, &[&server.url("a")]), tool(&body).archives[0].clone()]);
    // From a folder first, and then from the store alone.
    for folders in [&[folder.path()][..], &[]] {
        let mirrors = mirrors(NOWHERE, NOWHERE, folders);
        assert_eq!(fetch(cache.path(), &mirrors, online(), &both).as_ref(), Ok(&body));
    }
    assert_eq!(server.asked(), []);
}

#[test]
fn everything_that_failed_is_in_one_error() {
    let body = bytes(3000);
    let cache = cache();
    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("a.tar.gz");
    fs::write(&bad, "short").expect("a file");
    let server = Server::start(|asked| match asked.path.as_str() {
        "/a.tar.gz" => Reply::whole(&vec![7; 3000]),
        _ => Reply::status(404),
    });
    let url = server.url("a.tar.gz");
    let mirrors = mirrors(&server.url("debian"), NOWHERE, &[folder.path()]);
    let archives = vec![
        archive(&body, &[&url, "debian:pool/main/a/a_1.tar.gz"]),
        archive(b"another archive", &["pypi:a/a-1.whl"]),
    ];
    let error = fetch(cache.path(), &mirrors, online(), &source(archives)).expect_err("nothing is good");
    assert_eq!(
        error,
        format!(
            "\
tool@1.0: no place gave `a.tar.gz` or `a-1.whl`
  {}: expected 3000 bytes, got 5
  {url}: expected sha256 12722e06930f5221e058bd0d1d7e3d34c0dd08dd7818a74be17d737e86b5d0a2, \
got 48c187767dddb44e5b7af78dabdec2b14f0f983e86e1fe695c65bc6a2a3cb42f
  {}: it answers with status 404 (not found)
  pypi:a/a-1.whl: only folders are configured, and none of them has it

hint: before you change `size` or `sha256` in a recipe, compare the archive with what its project publishes

hint: name another mirror with `--debian-mirror`, `--pypi-index` or `--mirror-dir`; \
a folder that has the files makes `--offline` possible",
            bad.display(),
            server.url("debian/pool/main/a/a_1.tar.gz"),
        )
    );
    assert_eq!(listing(cache.path()), ["partial"; 0]);
}

#[test]
fn offline_says_all_that_is_missing_at_once() {
    let (first, second) =
        (tool(b"one"), source(vec![archive(b"three", &["pypi:b/b-1.whl"]), archive(b"four", &["pypi:c/c.zip"])]));
    let (cache, ui) = (cache(), Ui::silent());
    let store = Store::new(cache.path());
    let mirrors = mirrors(NOWHERE, NOWHERE, &[]);
    let context = Context { mirrors: &mirrors, store: &store, network: &Network::Offline, ui: &ui };
    let requests = [
        Request { what: "tool@1.0".to_owned(), source: &first },
        Request { what: "other@2".to_owned(), source: &second },
    ];
    let names = |requests: Vec<&Request<'_>>| requests.iter().map(|request| request.what.clone()).collect::<Vec<_>>();
    assert_eq!(names(missing(&context, &requests)), ["tool@1.0", "other@2"]);
    let error = fetch_all(&context, &requests, NonZeroUsize::MIN).expect_err("an empty store");
    assert_eq!(
        error.to_string(),
        "\
tool@1.0: not on this machine, and `--offline` forbids fetching
  tool_1.orig.tar.gz, 3 bytes, sha256 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed

other@2: not on this machine, and `--offline` forbids fetching one of
  b-1.whl, 5 bytes, sha256 8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f
  c.zip, 4 bytes, sha256 04efaf080f5a3e74e1c29d1ca6a48569382cbbcd324e8d59d2b83ef21c039f00

hint: run once without `--offline`, or name a folder that has the files with `--mirror-dir`"
    );

    let file = store.path(&Sha256::of("three"));
    fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
    fs::write(file, "three").expect("a file");
    assert_eq!(names(missing(&context, &requests)), ["tool@1.0"]);
}

#[test]
fn several_are_fetched_at_once() {
    let bodies: Vec<Vec<u8>> = (0..8).map(|number| format!("body {number}").into_bytes()).collect();
    let served = bodies.clone();
    let server = Server::start(move |asked| {
        let number: usize = asked.path.trim_start_matches('/').parse().expect("a number");
        Reply::whole(&served[number]).pace(1, std::time::Duration::from_millis(20))
    });
    let sources: Vec<Source> = (0..8)
        // The last two are the same archive, which only one of them may fetch.
        .map(|number: usize| source(vec![archive(&bodies[number.min(6)], &[&server.url(&number.min(6).to_string())])]))
        .collect();
    let requests: Vec<Request<'_>> = sources.iter().map(|source| Request { what: "tool".to_owned(), source }).collect();
    let (cache, ui, mirrors) = (cache(), Ui::silent(), mirrors(NOWHERE, NOWHERE, &[]));
    let store = Store::new(cache.path());
    let context = Context { mirrors: &mirrors, store: &store, network: &online(), ui: &ui };
    let began = std::time::Instant::now();
    let fetched = fetch_all(&context, &requests, crate::source::DOWNLOADS).expect("all are served");
    assert!(began.elapsed() < std::time::Duration::from_millis(7 * 6 * 20), "one after the other takes longer");
    for (number, fetched) in fetched.iter().enumerate() {
        assert_eq!(fs::read(&fetched.file).expect("a file"), bodies[number.min(6)]);
    }
    assert_eq!(server.asked().len(), 7);
}

#[test]
fn a_cache_that_cannot_be_written_ends_everything() {
    let server = Server::start(|_| Reply::whole(b"one"));
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("file");
    fs::write(&cache, "").expect("a file");
    let mirrors = mirrors(&server.url(""), NOWHERE, &[]);
    let error = fetch(&cache, &mirrors, online(), &tool(b"one")).expect_err("a file for a folder");
    assert_eq!(
        error,
        format!(
            "cannot read `{}`: Not a directory (os error 20)",
            Store::new(&cache).path(&Sha256::of("one")).display()
        )
    );
    assert_eq!(server.asked(), []);
}
