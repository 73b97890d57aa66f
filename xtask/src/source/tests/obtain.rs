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
        let request = Request { what: "tool@1.0".to_owned(), source: &self.source };
        let obtained = obtain(&context, &request, &self.folder.path().join("work/tree"));
        let name = |archive: &Archive| archive.origins[0].file_name().to_owned();
        obtained
            .map(|obtained| (name(obtained.archive), obtained.tree.digest().to_string()))
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
    let expected = format!("cannot put the source of tool@1.0 into `{}`: the folder is not empty", into.display());
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
tool@1.0: `one.tar.gz` does not hold the pinned tree: expected {RIGHT}, got {wrong}

tool@1.0: cannot unpack `two.zip`: entry `../a` has `..` in its path

hint: check `root`, `keep`, `omit`, `executable` and `tree` in its recipe"
        ))
    );
    assert_eq!(bench.work(), [""; 0]);

    // The other archive cannot be had, and that may be the remedy.
    fs::remove_dir_all(bench.folder.path().join("cache")).expect("a folder");
    fs::remove_file(bench.folder.path().join("mirror").join(TWO)).expect("a file");
    let error = bench.run().expect_err("one wrong, one missing");
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(
        lines[0],
        format!("tool@1.0: `one.tar.gz` does not hold the pinned tree: expected {RIGHT}, got {wrong}")
    );
    assert_eq!(lines[2], "tool@1.0: not on this machine, and `--offline` forbids to fetch one of");
}
