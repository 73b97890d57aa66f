//! Bumps against a server on the loopback: what works, and everything that must not be pinned.

use std::fs;
use std::time::Duration;

use super::*;
use crate::fresh::{Asker, python};
use crate::model::Sha256;
use crate::source::proxy::Proxies;
use crate::source::tests::server::{Asked, Reply, Server};
use crate::source::{Client, Context, MirrorArgs, Mirrors, Network, Store};
use crate::ui::Ui;

/// What a server has: files by path.
type Files = Vec<(String, Vec<u8>)>;

fn tarball(root: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("{root}/{name}"), text.as_bytes()).expect("an entry");
    }
    tar.into_inner().and_then(|gz| gz.finish()).expect("an archive")
}

fn packed(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(text.as_bytes()).expect("packed");
    encoder.finish().expect("packed")
}

const OLD: &[(&str, &str)] = &[("LICENSE", "terms\n"), ("configure", "--enable-x\n"), ("main.c", "one\ntwo\nthree\n")];
const NEW: &[(&str, &str)] =
    &[("LICENSE", "terms\n"), ("configure", "--enable-x\n"), ("main.c", "one\ntwo\nthree\nfour\n")];

const PATCH: &str = "Why.\n\nBecause.\n\n--- a/main.c\n+++ b/main.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";

/// Both origins with version 1.3 beside 1.2. The index of Debian and that of Python state `stated` as its digest.
fn files(debian: &[u8], python_file: &[u8], stated: Option<Sha256>, yanked: bool) -> Files {
    let digest = |bytes: &[u8]| stated.unwrap_or_else(|| Sha256::of(bytes));
    let sources = format!(
        "Package: tool\nVersion: 1.3-1\nDirectory: pool/main/t/tool\nChecksums-Sha256:\n {} {} tool_1.3.orig.tar.gz\n",
        digest(debian),
        debian.len()
    );
    let page = format!(
        r#"{{"files": [{{"filename": "tool-1.2.tar.gz", "url": "../../files/tool-1.2.tar.gz", "hashes": {{}}}},
            {{"filename": "tool-1.3.tar.gz", "url": "../../files/tool-1.3.tar.gz", "hashes": {{"sha256": "{}"}}, "yanked": {yanked}}}]}}"#,
        digest(python_file)
    );
    let old = tarball("tool-1.2", OLD);
    vec![
        ("/debian/dists/sid/main/source/Sources.xz".to_owned(), packed(&sources)),
        ("/debian/pool/main/t/tool/tool_1.3.orig.tar.gz".to_owned(), debian.to_vec()),
        ("/simple/tool/".to_owned(), page.into_bytes()),
        ("/files/tool-1.3.tar.gz".to_owned(), python_file.to_vec()),
        ("/debian/pool/main/t/tool/tool_1.2.orig.tar.gz".to_owned(), old),
    ]
}

fn serve(files: Files) -> Server {
    Server::start(move |asked: &Asked| match files.iter().find(|(path, _)| *path == asked.path) {
        Some((_, bytes)) if asked.path.starts_with("/simple/") => {
            Reply::whole(bytes).header(&format!("Content-Type: {}", python::ACCEPT))
        }
        Some((_, bytes)) => Reply::whole(bytes),
        None => Reply::status(404),
    })
}

/// A checkout with one recipe that pins 1.2 from both origins.
fn checkout(folder: &Path) {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    let old = tarball("tool-1.2", OLD);
    let recipe = format!(
        r#"name = "tool"
summary = "for tests"
homepage = "https://example.org"
license = {{ spdx = "MIT", files = ["LICENSE"] }}
platform = "builder"

[[versions]]
version = "1.2" # a remark
patches = ["0001-a.patch"]

[[versions.sources]]
[[versions.sources.archives]]
root = "tool-1.2"
size = {}
sha256 = "{}"
origins = ["pypi:tool/tool-1.2.tar.gz", "debian:pool/main/t/tool/tool_1.2.orig.tar.gz"]
"#,
        old.len(),
        Sha256::of(&old)
    );
    write("recipes/tool/recipe.toml", &recipe);
    write("recipes/tool/patches/0001-a.patch", PATCH);
    write("recipes/toolchain.toml", "compiler = \"tool\"\npip = \"tool\"\n[wrappers]\n[files]\n[env]\n");
    write(
        "docker/targets.toml",
        "floor = \"2.17\"\n[libraries]\nany = []\nx86_64 = []\narm64 = []\n[[target]]\nname = \"t\"\ntitle = \"T\"\ncloud = \"aws\"\nglibc = \"2.26\"\narchitectures = [\"x86_64\"]\nruntimes = []\n",
    );
    fs::create_dir_all(folder.join("layers")).expect("a folder");
}

/// Bumps to `to` with what the server has: the one change, or the error.
fn bumped(files: Files, to: &str, downgrade: bool) -> Result<Bump, String> {
    let folder = tempfile::tempdir().expect("a folder");
    checkout(folder.path());
    let server = serve(files);
    let args = MirrorArgs {
        debian_mirror: vec![server.url("debian")],
        pypi_index: vec![server.url("simple")],
        mirror_dir: vec![],
    };
    let (mirrors, store, ui) =
        (Mirrors::new(&args).expect("mirrors"), Store::new(folder.path().join("cache")), Ui::silent());
    let client = || Client::new(Asker::patience(), Proxies::default());
    let network = Network::Online(Box::new(client()));
    let context = Context { mirrors: &mirrors, store: &store, network: &network, ui: &ui };
    let asker = Asker::new(&mirrors, Some(client()), &folder.path().join("cache"), Duration::from_secs(20));
    let tools = Tools { context: &context, asker: &asker, client: &client(), fetched: std::sync::Mutex::default() };
    let catalog = Catalog::load(folder.path()).expect("a catalog");
    let (recipe, from) = ("tool".parse().expect("a name"), "1.2".parse().expect("a version"));
    let order = Order { recipe, from, to: to.parse().expect("a version"), place: Place::Instead, downgrade };
    let bumps = prepare(&tools, &catalog, &order).map_err(|error| format!("{error:#}"))?;
    let [bump] = <[Bump; 1]>::try_from(bumps).expect("one recipe");
    Ok(bump)
}

#[test]
fn a_new_version_is_measured_and_written() {
    let new = tarball("tool-1.3", NEW);
    let bump = bumped(files(&new, &new, None, false), "1.3", false).expect("bumped");
    assert_eq!(bump.todo, [""; 0]);
    let expected = bump
        .before
        .replace("1.2", "1.3")
        .replace(&tarball("tool-1.2", OLD).len().to_string(), &new.len().to_string())
        .replace(&Sha256::of(tarball("tool-1.2", OLD)).to_string(), &Sha256::of(&new).to_string());
    assert_eq!(bump.after, expected);
    assert!(bump.said.contains(&"1 of 1 patches apply".to_owned()), "{:?}", bump.said);
}

#[test]
fn a_renamed_folder_is_found() {
    let new = tarball("renamed", NEW);
    let bump = bumped(files(&new, &new, None, false), "1.3", false).expect("bumped");
    assert!(bump.after.contains("root = \"renamed\""), "{}", bump.after);
}

#[test]
fn origins_with_different_bytes_are_refused() {
    let (one, other) = (tarball("tool-1.3", NEW), tarball("tool-1.3", OLD));
    let error = bumped(files(&one, &other, None, false), "1.3", false).expect_err("different");
    assert!(error.contains("the origins of one archive have different bytes"), "{error}");
    assert!(
        error.contains(&Sha256::of(&one).to_string()) && error.contains(&Sha256::of(&other).to_string()),
        "{error}"
    );
}

#[test]
fn bytes_that_the_index_does_not_state_are_refused() {
    let new = tarball("tool-1.3", NEW);
    let error = bumped(files(&new, &new, Some(Sha256::of("others")), false), "1.3", false).expect_err("others");
    assert!(error.contains("its index states sha256"), "{error}");
}

#[test]
fn a_patch_that_no_longer_applies_is_left_to_a_person() {
    let new =
        tarball("tool-1.3", &[("LICENSE", "terms\n"), ("configure", "--enable-x\n"), ("main.c", "one\nzwei\nthree\n")]);
    let bump = bumped(files(&new, &new, None, false), "1.3", false).expect("bumped");
    let [todo] = bump.todo.as_slice() else { panic!("{:?}", bump.todo) };
    assert_eq!(
        todo,
        "rewrite the patch 0001-a.patch:\n    hunk 1 of `main.c` fits nowhere: line 2 should be `two` and is `zwei`"
    );
    assert!(bump.after.contains("patches = [\"0001-a.patch\"]"));
}

#[test]
fn licences_and_options_that_changed_are_left_to_a_person() {
    let new = tarball(
        "tool-1.3",
        &[("LICENSE", "other terms\n"), ("configure", "--enable-x\n--enable-y\n"), ("main.c", "one\ntwo\nthree\n")],
    );
    let bump = bumped(files(&new, &new, None, false), "1.3", false).expect("bumped");
    let [licence, options] = bump.todo.as_slice() else { panic!("{:?}", bump.todo) };
    assert!(licence.starts_with("the licence text `LICENSE` changed") && licence.contains("+other terms"), "{licence}");
    assert!(options.ends_with("--enable-y"), "{options}");
}

#[test]
fn an_origin_that_is_gone_is_left_out() {
    let new = tarball("tool-1.3", NEW);
    let mut all = files(&new, &new, None, false);
    all.retain(|(path, _)| path != "/debian/pool/main/t/tool/tool_1.3.orig.tar.gz");
    let bump = bumped(all, "1.3", false).expect("bumped");
    let [todo] = bump.todo.as_slice() else { panic!("{:?}", bump.todo) };
    assert!(todo.starts_with("an origin is left out: ") && todo.contains("404"), "{todo}");
    assert!(bump.after.contains("origins = [\"pypi:tool/tool-1.3.tar.gz\"]"), "{}", bump.after);
}

#[test]
fn a_version_that_nobody_has_is_an_error() {
    let new = tarball("tool-1.3", NEW);
    let error = bumped(files(&new, &new, None, false), "9.9", false).expect_err("nobody has it");
    assert!(
        error.contains("no place gave 9.9") && error.contains("has no 9.9") && error.contains("no 9.9 of `tool`"),
        "{error}"
    );
}

#[test]
fn a_downgrade_must_be_asked_for() {
    let new = tarball("tool-1.3", NEW);
    let error = bumped(files(&new, &new, None, false), "1.1", false).expect_err("older");
    assert!(error.starts_with("1.1 is older than 1.2") && error.contains("hint: `--allow-downgrade`"), "{error}");
    let error = bumped(files(&new, &new, None, false), "1.1", true).expect_err("nobody has it");
    assert!(error.contains("no place gave 1.1"), "{error}");
}

#[test]
fn a_yanked_release_is_refused() {
    let new = tarball("tool-1.3", NEW);
    let error = bumped(files(&new, &new, None, true), "1.3", false).expect_err("yanked");
    assert!(error.contains("1.3 of Python project `tool` was taken back (yanked)"), "{error}");
}

#[test]
fn what_is_pinned_is_no_news() {
    let new = tarball("tool-1.3", NEW);
    assert_eq!(bumped(files(&new, &new, None, false), "1.2", false).expect_err("pinned"), "tool already pins 1.2");
}
