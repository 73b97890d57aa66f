//! From a recipe's pins to a tree in its folder.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::archives::{file, gzip, tar, zip};
use super::*;
use crate::source::obtain;

/// Two archives of the same tree in a folder, and the folder for the tree.
struct Bench {
    folder: tempfile::TempDir,
    source: Source,
}

const ONE: &str = "one.tar.gz";
const TWO: &str = "two.zip";

impl Bench {
    fn new(one: &[u8], two: &[u8]) -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("mirror")).expect("a folder");
        let put = |name: &str, bytes: &[u8]| {
            fs::write(folder.path().join("mirror").join(name), bytes).expect("a file");
            archive(bytes, &[&format!("debian:pool/{name}")])
        };
        let archives = vec![put(ONE, one), put(TWO, two)];
        Bench { source: source(archives), folder }
    }

    fn run(&self) -> Result<(String, String), String> {
        let mirrors = mirrors("/", "/", &[&self.folder.path().join("mirror")]);
        let (store, ui) = (Store::new(self.folder.path().join("cache")), Ui::silent());
        let context = Context { mirrors: &mirrors, store: &store, network: &Network::Offline, ui: &ui };
        let request = Request { what: "tool 1.0".to_owned(), source: &self.source };
        let obtained = obtain(&context, &request, &self.folder.path().join("work/tree"));
        obtained
            .map(|obtained| (obtained.content.name().to_owned(), obtained.tree.digest().to_string()))
            .map_err(|error| format!("{error:#}"))
    }

    fn work(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("work")).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().display().to_string()).collect()
    }
}

/// `f <digest of "text">  a` and a line break, hashed.
const RIGHT: &str = "96cd7a66d128e0b562c37a39e0169688cb9dc6bf8687135322129d51d3c6a924";

fn right() -> Vec<u8> {
    gzip(&tar(&[file("a", "text")]))
}

#[test]
fn a_tree_appears_whole() {
    let mut bench = Bench::new(&right(), b"not needed");
    assert_eq!(bench.run(), Ok((ONE.to_owned(), RIGHT.to_owned())));
    assert_eq!(bench.work(), ["tree"]);
    let tree = fs::metadata(bench.folder.path().join("work/tree")).expect("a folder");
    assert_eq!(tree.mode() & 0o7777, 0o755);

    let error = bench.run().expect_err("it is there");
    let into = bench.folder.path().join("work/tree");
    let expected = format!("cannot put the source of tool 1.0 into `{}`: the folder is not empty", into.display());
    assert_eq!(error, expected);

    // An empty folder may be there already.
    fs::remove_dir_all(&into).expect("a folder");
    fs::create_dir(&into).expect("a folder");
    bench.source.tree = Some(RIGHT.parse().expect("a digest"));
    assert_eq!(bench.run(), Ok((ONE.to_owned(), RIGHT.to_owned())));
}

#[test]
fn the_next_archive_is_tried_if_a_tree_is_wrong() {
    let mut bench = Bench::new(&gzip(&tar(&[file("a", "other"), file("b", "")])), &zip(&[file("a", "text")]));
    bench.source.tree = Some(RIGHT.parse().expect("a digest"));
    assert_eq!(bench.run(), Ok((TWO.to_owned(), RIGHT.to_owned())));
    assert_eq!(bench.work(), ["tree"]);

    let mut bench = Bench::new(&gzip(&tar(&[file("../a", "text")])), &zip(&[file("a", "text")]));
    bench.source.tree = Some(RIGHT.parse().expect("a digest"));
    assert_eq!(bench.run(), Ok((TWO.to_owned(), RIGHT.to_owned())));
}

#[test]
fn no_archive_with_the_right_tree_is_an_error() {
    let mut bench = Bench::new(&gzip(&tar(&[file("a", "other")])), &zip(&[file("../a", "text")]));
    bench.source.tree = Some(RIGHT.parse().expect("a digest"));
    let wrong = "daaff6086338c3e8db9c629f36f92ea889ce9798baf6cba995a9468cefde265e";
    assert_eq!(
        bench.run(),
        Err(format!(
            "\
tool 1.0: `one.tar.gz` does not hold the pinned tree: expected {RIGHT}, got {wrong}

tool 1.0: cannot unpack `two.zip`: entry `../a` has `..` in its path

hint: check `root`, `keep`, `omit`, `executable` and `tree` in its recipe"
        ))
    );
    assert_eq!(bench.work(), [""; 0]);

    // The other archive cannot be fetched, and that may be the remedy.
    fs::remove_dir_all(bench.folder.path().join("cache")).expect("a folder");
    fs::remove_file(bench.folder.path().join("mirror").join(TWO)).expect("a file");
    let error = bench.run().expect_err("one wrong, one missing");
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(
        lines[0],
        format!("tool 1.0: `one.tar.gz` does not hold the pinned tree: expected {RIGHT}, got {wrong}")
    );
    assert_eq!(lines[2], "tool 1.0: not on this machine, and `--offline` forbids fetching one of");
}

/// A folder `name` in the mirror with the right tree, and with what a checkout has besides.
fn checkout(bench: &Bench, name: &str) -> std::path::PathBuf {
    let folder = bench.folder.path().join("mirror").join(name);
    fs::create_dir_all(folder.join(".git/objects")).expect("folders");
    fs::write(folder.join(".git/HEAD"), "ref: refs/heads/main").expect("a file");
    fs::create_dir(folder.join("empty")).expect("a folder");
    fs::write(folder.join("a"), "text").expect("a file");
    folder
}

fn without_archives() -> Bench {
    let mut bench = Bench::new(b"one", b"two");
    for name in [ONE, TWO] {
        fs::remove_file(bench.folder.path().join("mirror").join(name)).expect("a file");
    }
    bench.source.tree = Some(RIGHT.parse().expect("a digest"));
    bench
}

#[test]
fn a_folder_with_the_pinned_tree_is_as_good_as_an_archive() {
    // By the name of the recipe, the root of an archive, or the digest.
    for name in ["tool-1.0", "tool", "unpacked", RIGHT] {
        let mut bench = without_archives();
        bench.source.archives[1].root = "some/unpacked".to_owned();
        let folder = checkout(&bench, name);
        assert_eq!(bench.run(), Ok(("the tree in the store".to_owned(), RIGHT.to_owned())), "{name}");
        let tree = bench.folder.path().join("work/tree");
        assert_eq!(fs::read_dir(&tree).expect("a folder").count(), 1, "no .git, no empty folder");
        assert_eq!(fs::metadata(tree.join("a")).expect("a file").mode() & 0o7777, 0o644);

        // The store has it from now on.
        fs::remove_dir_all(&folder).expect("a folder");
        fs::remove_dir_all(&tree).expect("a folder");
        assert_eq!(bench.run(), Ok(("the tree in the store".to_owned(), RIGHT.to_owned())));
    }
}

#[test]
fn a_part_of_a_folder_is_enough() {
    let mut bench = without_archives();
    bench.source.keep = vec!["a".to_owned()];
    let folder = checkout(&bench, "tool");
    fs::write(folder.join("large"), "not wanted").expect("a file");
    assert_eq!(bench.run().map(|(_, tree)| tree), Ok(RIGHT.to_owned()));
}

#[test]
fn a_folder_with_another_tree_is_named() {
    let bench = without_archives();
    let folder = checkout(&bench, "tool");
    fs::write(folder.join("built.o"), "left by a build").expect("a file");
    let error = bench.run().expect_err("another tree");
    let line = error.lines().find(|line| line.contains("mirror/tool")).expect("it is named");
    let expected = format!("  {}: its tree has the digest ", folder.display());
    assert!(line.starts_with(&expected), "{error}");
    assert!(line.ends_with(&format!(", expected {RIGHT}: it is of another version, or was changed")), "{error}");
    assert!(error.ends_with("or name a folder that has the files with `--mirror-dir`"), "{error}");
}

#[test]
fn a_stored_tree_whose_bytes_changed_is_brought_again() {
    let bench = without_archives();
    checkout(&bench, "tool");
    bench.run().expect("the tree");
    let stored = Store::new(bench.folder.path().join("cache")).path(&RIGHT.parse().expect("a digest"));
    let good = fs::read(&stored).expect("a file");
    for bad in [&good[..512], &gzip(&good)[..], &tar(&[file("a", "other")])[..]] {
        fs::write(&stored, bad).expect("a file");
        fs::remove_dir_all(bench.folder.path().join("work/tree")).expect("a folder");
        assert_eq!(bench.run().map(|(_, tree)| tree), Ok(RIGHT.to_owned()));
    }
}
