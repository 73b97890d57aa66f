//! Whole questions against a server on the loopback that answers well, badly, or not at all.

use std::time::{Duration, Instant};

use super::recipes::{RecipeNews, look};
use super::{Asker, python};
use crate::model::{Origin, Recipe, Version};
use crate::source::http::Patience;
use crate::source::proxy::Proxies;
use crate::source::tests::server::{Asked, Reply, Server};
use crate::source::{Client, MirrorArgs, Mirrors};
use crate::ui::Ui;

/// A recipe whose origins are of every kind, all at that server.
fn recipe(server: &Server, more: &str) -> Recipe {
    let digest = "a".repeat(64);
    let text = format!(
        r#"name = "tool"
summary = "for tests"
homepage = "https://example.org"
license = {{ spdx = "MIT", files = ["LICENSE"] }}
platform = "target"
{more}
[[versions]]
version = "1.2"
[[versions.sources]]
[[versions.sources.archives]]
root = "tool-1.2"
size = 1
sha256 = "{digest}"
origins = ["pypi:tool/tool-1.2.tar.gz", "debian:pool/main/t/tool/tool_1.2.orig.tar.gz", "https://server/pub/tool-1.2.tar.gz"]
"#
    );
    let mut recipe: Recipe = toml::from_str(&text).expect("a recipe");
    // Recipes cannot name a server without TLS.
    recipe.versions[0].sources[0].archives[0].origins[2] = Origin::Https(server.url("pub/tool-1.2.tar.gz"));
    recipe
}

/// What the places of [`recipe`] answer, by the beginning of the path.
fn good(asked: &Asked) -> Reply {
    let digest = "a".repeat(64);
    match asked.path.as_str() {
        "/debian/dists/sid/main/source/Sources.xz" => Reply::whole(&packed(
            "Package: tool\nVersion: 1:1.3+dfsg-2\nDirectory: pool/main/t/tool\n\nPackage: tool\nVersion: 9999~rc1-1\nDirectory: x\n",
        )),
        "/debian/dists/experimental/main/source/Sources.xz" => Reply::whole(&packed("Package: other\nVersion: 1\n")),
        "/simple/tool/" => json(&format!(
            r#"{{"files": [{{"filename": "tool-1.2.tar.gz", "url": "x", "hashes": {{"sha256": "{digest}"}}, "yanked": "bad"}},
                {{"filename": "tool-1.4.tar.gz", "url": "x", "hashes": {{}}}}, {{"filename": "tool-1.5.tar.gz", "url": "x", "yanked": true}}]}}"#
        )),
        "/pub/" => Reply::whole(
            br#"<a href="tool-1.1.tar.gz">x</a><a href="tool-1.10.tar.gz">x</a><a href="tool-9999rc1.tar.gz">"#,
        ),
        "/osv" => Reply::whole(br#"{"results": [{"vulns": [{"id": "CVE-2026-1"}]}]}"#),
        _ => Reply::status(404),
    }
}

fn json(text: &str) -> Reply {
    Reply::whole(text.as_bytes()).header(&format!("Content-Type: {}", python::ACCEPT))
}

fn packed(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(text.as_bytes()).expect("packed");
    encoder.finish().expect("packed")
}

struct Run {
    news: RecipeNews,
    took: Duration,
}

impl Run {
    fn of(server: &Server, recipe: &Recipe, cache: &std::path::Path, within: Duration) -> Run {
        let args = MirrorArgs {
            debian_mirror: vec![server.url("debian")],
            pypi_index: vec![server.url("simple")],
            mirror_dir: vec![],
        };
        let mirrors = Mirrors::new(&args).expect("mirrors");
        let patience = Patience {
            attempts: 1,
            connect: Duration::from_secs(2),
            silence: Duration::from_secs(2),
            ..Asker::patience()
        };
        let asker = Asker::new(&mirrors, Some(Client::new(patience, Proxies::default())), cache, within);
        let began = Instant::now();
        let mut news = look(&asker, &[recipe], &server.url("osv"), &Ui::silent().busy("asking"));
        Run { news: news.pop().expect("one recipe"), took: began.elapsed() }
    }

    fn fresh(server: &Server, recipe: &Recipe) -> Run {
        let cache = tempfile::tempdir().expect("a folder");
        Run::of(server, recipe, cache.path(), Duration::from_secs(20))
    }

    /// The newest of a place, or why it gave no answer.
    fn place(&self, name: &str) -> Result<Option<&str>, &str> {
        let place = self.news.places.iter().find(|place| place.place.contains(name)).expect(name);
        place.failure.as_deref().map_or(Ok(place.newest.as_ref().map(Version::as_str)), Err)
    }
}

#[test]
fn every_place_is_compared() {
    let server = Server::start(good);
    let recipe = recipe(&server, "[upstream]\npurl = \"pkg:github/org/tool@{version}\"");
    let run = Run::fresh(&server, &recipe);
    assert_eq!(run.place("Python"), Ok(Some("1.4")), "1.5 was taken back");
    assert_eq!(run.place("in sid"), Ok(Some("1.3")), "9999~rc1 is no release");
    assert_eq!(run.place("in experimental"), Ok(None));
    assert_eq!(run.place("/pub/"), Ok(Some("1.10")));
    assert_eq!(run.news.newest.as_ref().map(Version::as_str), Some("1.10"));
    assert!(run.news.outdated);
    assert_eq!(run.news.vulnerabilities[&"1.2".parse::<Version>().expect("one")], ["CVE-2026-1"]);
    let python = run.news.places.iter().find(|place| place.place.contains("Python")).expect("the index");
    assert_eq!(python.yanked.iter().map(Version::as_str).collect::<Vec<_>>(), ["1.2"]);
    assert_eq!(python.asked.as_deref(), Some(server.url("simple/tool/").as_str()));
}

#[test]
fn a_release_line_is_kept() {
    let server = Server::start(good);
    let run = Run::fresh(&server, &recipe(&server, "[upstream]\nseries = \"1.3\""));
    assert_eq!(run.news.newest.as_ref().map(Version::as_str), Some("1.3"));
    assert_eq!(run.news.beyond.as_ref().map(Version::as_str), Some("1.10"));
}

#[test]
fn answers_are_kept_for_the_next_run() {
    let server = Server::start(good);
    let recipe = recipe(&server, "[upstream]\npurl = \"pkg:pypi/tool@{version}\"");
    let cache = tempfile::tempdir().expect("a folder");
    let first = Run::of(&server, &recipe, cache.path(), Duration::from_secs(20));
    let asked = server.asked().len();
    assert_eq!(asked, 5, "{:?}", server.asked());
    let second = Run::of(&server, &recipe, cache.path(), Duration::from_secs(20));
    assert_eq!(server.asked().len(), asked, "nobody is asked again");
    let text = |run: &Run| serde_json::to_string(&run.news).expect("JSON");
    assert_eq!(text(&first), text(&second));
}

/// Everything that a place can do wrong is its own failure: the others are right all the same.
#[test]
fn a_bad_answer_is_named_and_harms_no_other() {
    let long = |size: u64| Reply::whole(&vec![b' '; usize::try_from(size).expect("a size") + 1]);
    let cases: Vec<(&str, Reply, &str)> = vec![
        ("/simple/tool/", json(&" ".repeat(10)), "its page cannot be read: EOF"),
        ("/simple/tool/", json(r#"{"files": {"filename": "\u001b[2J"}}"#), "invalid type"),
        ("/simple/tool/", Reply::whole(b"<html>").header("Content-Type: text/html"), "not the JSON of PEP 691"),
        ("/simple/tool/", long(python::LONGEST), "longer than"),
        ("/simple/tool/", Reply::status(500), "status 500"),
        ("/simple/tool/", Reply::whole(b"{}").cut(1), ""),
        ("/simple/tool/", Reply::status(302).header("Location: /simple/tool/"), "ever other places"),
        ("/simple/tool/", Reply::status(302).header("Location: file:///etc/passwd"), "it redirects to file"),
        ("/debian/dists/sid/main/source/Sources.xz", Reply::whole(b"\x1b[2J"), "it is not a packed index"),
        ("/debian/dists/sid/main/source/Sources.xz", Reply::whole(&packed("<html>")), "it is not an index"),
        ("/pub/", Reply::whole(b"\x1b]0;owned\x07"), "its page links to no version"),
        ("/pub/", Reply::status(403), "status 403"),
        ("/osv", Reply::whole(b"no JSON"), "its answer cannot be read"),
        ("/osv", Reply::whole(br#"{"results": [{"vulns": [{"id": "\u001b[31m"}]}]}"#), "identifier that is none"),
        ("/osv", Reply::whole(br#"{"results": [{}, {}]}"#), "1 questions and has 2 answers"),
    ];
    for (path, reply, expected) in cases {
        let server = Server::start(move |asked| if asked.path == path { reply.clone() } else { good(asked) });
        let run = Run::fresh(&server, &recipe(&server, "[upstream]\npurl = \"pkg:pypi/tool@{version}\""));
        let failures: Vec<&str> = run
            .news
            .places
            .iter()
            .filter_map(|place| place.failure.as_deref())
            .chain(run.news.not_asked.iter().map(String::as_str))
            .collect();
        let [failure] = failures.as_slice() else { panic!("{path}: {failures:?}") };
        assert!(failure.contains(expected), "{failure}");
        let shown = serde_json::to_value(&run.news).expect("JSON").to_string();
        assert!(!failure.chars().any(char::is_control) && !shown.contains("\\u001b"), "{failure:?}");
        let newest = run.news.newest.as_ref().map(Version::as_str);
        assert_eq!(newest, Some(if path == "/pub/" { "1.4" } else { "1.10" }), "{path}");
    }
}

/// Places that never end, one byte after the other, cost no more than the run may take.
#[test]
fn slow_places_are_given_up() {
    let drip = || Reply::whole(&vec![b' '; 1 << 20]).unsized_body().pace(1, Duration::from_millis(20));
    let server = Server::start(move |asked| if asked.path == "/pub/" { good(asked) } else { drip() });
    let recipe = recipe(&server, "[upstream]\npurl = \"pkg:pypi/tool@{version}\"");
    let cache = tempfile::tempdir().expect("a folder");
    let run = Run::of(&server, &recipe, cache.path(), Duration::from_millis(1500));
    assert!(run.took < Duration::from_secs(6), "{:?}", run.took);
    assert_eq!(run.place("/pub/"), Ok(Some("1.10")));
    for name in ["Python", "in sid", "in experimental"] {
        assert!(run.place(name).is_err(), "{name}");
    }
    assert_eq!(run.news.not_asked.len(), 1);
}

#[test]
fn without_the_network_only_kept_answers_count() {
    let mirrors =
        Mirrors::new(&MirrorArgs { pypi_index: vec!["http://127.0.0.1:9/simple".to_owned()], ..MirrorArgs::default() })
            .expect("mirrors");
    let cache = tempfile::tempdir().expect("a folder");
    let asker = Asker::new(&mirrors, None, cache.path(), Duration::from_secs(1));
    let why = asker.python("tool").expect_err("nothing was kept");
    assert!(why.contains("not asked, as `--offline` says"), "{why}");
}

#[test]
fn what_strangers_say_is_shown_harmlessly() {
    assert_eq!(super::printable("a\u{1b}[2J\u{202e}b\n"), "a\\u{1b}[2J\\u{202e}b\\u{a}");
    assert_eq!(super::printable(&"x".repeat(1000)).chars().count(), 301);
}
