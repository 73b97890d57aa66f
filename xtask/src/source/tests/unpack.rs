//! Trees that come out of archives, and mistakes of recipes.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use tar::EntryType;

use super::super::tests::archives::{Entry, bzip2, file, folder, gzip, hard_link, link, tar, xz, zip};
use super::*;
use crate::model::Sha256;
use crate::source::Tree;

/// An archive on disk and the folder for its tree.
pub(super) struct Bench {
    pub folder: tempfile::TempDir,
    pub archive: Archive,
    pub source: Source,
}

impl Bench {
    pub fn new(name: &str, bytes: &[u8], root: &str) -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("stored"), bytes).expect("a file");
        let origin = format!("debian:pool/{name}").parse().expect("an origin");
        let (size, sha256) = (bytes.len() as u64, Sha256::of(bytes));
        let archive = Archive { root: root.to_owned(), size: Some(size), sha256, origins: vec![origin], note: None };
        let (keep, omit, executable) = (Vec::new(), Vec::new(), Vec::new());
        let source = Source { builder: None, tree: None, keep, omit, executable, archives: Vec::new() };
        Bench { folder, archive, source }
    }

    pub fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    pub fn run_within(&self, limits: Limits) -> Result<(), String> {
        let stored = self.folder.path().join("stored");
        let result = unpack_within(limits, &stored, &self.archive, &self.source, &self.tree());
        result.map_err(|error| format!("{error:#}"))
    }

    pub fn run(&self) -> Result<(), String> {
        self.run_within(LIMITS)
    }

    /// The paths of the tree with their modes or targets.
    fn listing(&self) -> Vec<String> {
        self.run().expect("a good archive");
        let tree = Tree::read(&self.tree()).expect("a tree");
        let describe = |path: &str| {
            let full = self.tree().join(path);
            match full.read_link() {
                Ok(target) => format!("{path} -> {}", target.display()),
                Err(_) => format!("{path} {:o}", fs::metadata(&full).expect("a file").permissions().mode() & 0o7777),
            }
        };
        tree.leaves().iter().map(|leaf| describe(&leaf.path)).collect()
    }
}

fn usual() -> Vec<Entry<'static>> {
    vec![
        folder("./tool-1/"),
        Entry { mode: 0o4777, ..file("./tool-1/configure", "#!/bin/sh\n") },
        Entry { mode: 0o600, ..file("./tool-1/src/main.c", "int main;\n") },
        link("./tool-1/src/link.c", "../src/main.c"),
        folder("./tool-1/empty/"),
        file("./other/file", ""),
    ]
}

#[test]
fn every_format_gives_the_same_tree() {
    let plain = tar(&usual());
    let (front, back) = plain.split_at(1000);
    let mut digests = Vec::new();
    for (name, bytes) in [
        ("a.tar", plain.clone()),
        ("a.tar.gz", gzip(&plain)),
        // Several members after each other are one stream.
        ("a.tgz", [gzip(front), gzip(back)].concat()),
        ("a.tar.xz", [xz(front), xz(back)].concat()),
        ("a.tar.bz2", [bzip2(front), bzip2(back)].concat()),
        ("a.zip", zip(&usual())),
        ("A-1-py3-none-any.WHL", zip(&usual())),
    ] {
        let bench = Bench::new(name, &bytes, "tool-1");
        assert_eq!(bench.listing(), ["configure 755", "src/link.c -> ../src/main.c", "src/main.c 644"], "{name}");
        digests.push(Tree::read(&bench.tree()).expect("a tree").digest().to_string());
    }
    digests.dedup();
    assert_eq!(digests, ["c7f4e235c761aa83334804c28a4d564accd2e3faecdf8b1060c6368d415028a9"]);
}

#[test]
fn times_and_modes_are_fixed() {
    let bench = Bench::new("a.tar", &tar(&usual()), ".");
    bench.run().expect("a good archive");
    for path in ["", "tool-1", "tool-1/src", "tool-1/src/main.c", "tool-1/src/link.c", "other"] {
        let metadata = bench.tree().join(path).symlink_metadata().expect(path);
        assert_eq!((metadata.mtime(), metadata.mtime_nsec()), (315_619_200, 0), "{path}");
        if metadata.is_dir() {
            assert_eq!(metadata.permissions().mode() & 0o7777, 0o755, "{path}");
        }
    }
    assert!(!bench.tree().join("tool-1/empty").exists(), "empty folders do not count");
}

#[test]
fn patterns_choose_and_make_executable() {
    let mut bench = Bench::new("a.zip", &zip(&usual()), "tool-1");
    bench.source.keep = vec!["src".to_owned()];
    bench.source.omit = vec!["src/link.c".to_owned(), "debian".to_owned()];
    bench.source.executable = vec!["src/*.c".to_owned()];
    assert_eq!(bench.listing(), ["src/main.c 755"]);
}

#[test]
fn a_file_that_is_no_archive_gets_the_name_of_the_root() {
    let mut bench = Bench::new("cacert-2026.pem", b"certificates", "etc/cacert.pem");
    assert_eq!(bench.listing(), ["etc/cacert.pem 644"]);
    bench = Bench::new("tool", b"\x7fELF", "bin/tool");
    bench.source.executable = vec!["bin/tool".to_owned()];
    assert_eq!(bench.listing(), ["bin/tool 755"]);
    bench = Bench::new("tool", b"\x7fELF", "../tool");
    assert_eq!(bench.run(), Err("cannot unpack `tool`: entry `../tool` has `..` in its path".to_owned()));
}

#[test]
fn long_names_and_gits_comment_are_understood() {
    let long = format!("tool/{}/{}.c", "a".repeat(120), "b".repeat(120));
    let comment = Entry {
        kind: EntryType::XGlobalHeader,
        body: b"52 comment=0123456789012345678901234567890123456789\n",
        ..file("pax_global_header", "")
    };
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o644);
    builder.append_data(&mut header.clone(), &long, &b""[..]).expect("memory");
    builder.append_pax_extensions([("path", "tool/from pax".as_bytes())]).expect("memory");
    header.set_path("tool/short").expect("it fits");
    header.set_cksum();
    builder.append(&header, &b""[..]).expect("memory");
    // Two tar files after each other, the first without its end.
    let first = tar(&[comment]);
    let bytes = [&first[..first.len() - 1024], &builder.into_inner().expect("memory")].concat();
    let bench = Bench::new("a.tar", &bytes, "tool");
    assert_eq!(bench.listing(), [format!("{} 644", &long[5..]), "from pax 644".to_owned()]);
}

#[test]
fn hard_links_become_files() {
    let entries = [Entry { mode: 0o755, ..file("tool/a", "a") }, hard_link("tool/b", "./tool/a")];
    assert_eq!(Bench::new("a.tar", &tar(&entries), "tool").listing(), ["a 755", "b 755"]);
}

#[test]
fn mistakes_of_a_recipe_are_named() {
    let mut bench = Bench::new("a.tar", &tar(&usual()), "tool-2");
    let error = "cannot unpack `a.tar`: it has no folder `tool-2`; at its top there is `other`, `tool-1`";
    assert_eq!(bench.run(), Err(error.to_owned()));
    bench = Bench::new("a.tar", &tar(&usual()), "tool-1");
    bench.source.keep = vec!["src".to_owned(), "lib".to_owned()];
    let error = "cannot unpack `a.tar`: `keep` names `lib`, which matches nothing in it";
    assert_eq!(bench.run(), Err(error.to_owned()));
    bench = Bench::new("a.tar", &tar(&usual()), "tool-1");
    bench.source.executable = vec!["a[".to_owned()];
    let error = bench.run().expect_err("no glob");
    assert!(error.starts_with("cannot unpack `a.tar`: `a[` is not a glob: "), "{error}");
    fs::create_dir_all(bench.tree().join("something")).expect("a folder");
    let error = format!("cannot unpack `a.tar` into `{}`: the folder is not empty", bench.tree().display());
    assert_eq!(bench.run(), Err(error));
}
