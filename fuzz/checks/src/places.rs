//! Folders to work in, and how to see that nothing was written beside them.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use xtask::source::Tree;

/// What lies beside the folder that is written to.
const SENTINEL: &str = "must not change\n";

/// A folder with an input, a folder to write to, and a file that nobody may touch.
#[derive(Debug)]
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// A place with these bytes as its input.
    pub fn with(input: &[u8]) -> Place {
        let place = Place { folder: folder() };
        fs::write(place.input(), input).expect("an input");
        fs::write(place.path("outside"), SENTINEL).expect("a sentinel");
        place
    }

    /// The file with the input.
    pub fn input(&self) -> PathBuf {
        self.path("input")
    }

    /// The folder to write to. It is not there yet.
    pub fn destination(&self) -> PathBuf {
        self.path("into")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes sure that nothing was written outside of the folder, and that no link in it leads out of it.
    pub fn check(&self) {
        let mut names: Vec<_> = fs::read_dir(self.folder.path())
            .expect("the place")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name of ours"))
            .collect();
        names.sort();
        let expected: &[&str] =
            if self.destination().exists() { &["input", "into", "outside"] } else { &["input", "outside"] };
        assert_eq!(names, expected, "something was written beside the folder");
        assert_eq!(fs::read_to_string(self.path("outside")).expect("the sentinel"), SENTINEL);
        if self.destination().exists() {
            let root = self.destination().canonicalize().expect("the folder");
            links_stay_inside(&root, &root);
        }
    }
}

fn links_stay_inside(folder: &Path, root: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_symlink() {
            // One that leads nowhere leads nowhere.
            if let Ok(end) = path.canonicalize() {
                assert!(end.starts_with(root), "{} leads out, to {}", path.display(), end.display());
            }
        } else if path.is_dir() {
            links_stay_inside(&path, root);
        }
    }
}

/// A new temporary folder.
pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// The digest of what is in a folder.
pub fn digest(folder: &Path) -> String {
    Tree::read(folder).expect("what was unpacked is a tree").digest().to_string()
}
