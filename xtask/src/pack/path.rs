//! Paths inside a layer, and the rule that no two of them may meet on any file system.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::string_conversions;

/// A file's path in the zip, which is its path below `/opt`: relative, `/` between the parts, and
/// safe to join to any folder on any system that unpacks zips.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerPath(String);

impl LayerPath {
    /// The text itself. Its order is the order of entries in a zip: that of the UTF-8 bytes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This path and one more part, or several with `/` between them.
    pub fn join(&self, rest: &str) -> Result<LayerPath, InvalidPath> {
        format!("{}/{rest}", self.0).parse()
    }
}

impl fmt::Display for LayerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The text cannot be a path in a layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be a path in a layer: {why}", text.escape_debug())]
pub struct InvalidPath {
    text: String,
    why: &'static str,
}

/// Why `text` is refused, if it is.
fn objection(text: &str) -> Option<&'static str> {
    let mut parts = text.split('/');
    if text.is_empty() {
        Some("it is empty")
    } else if text.len() > 1024 {
        Some("it is longer than 1024 bytes")
    } else if text.starts_with('/') {
        Some("it is absolute; write it relative to the layer's root")
    } else if text.as_bytes().get(1) == Some(&b':') {
        Some("it begins with a drive letter; write it relative to the layer's root")
    } else if text.contains('\\') {
        Some("it has a `\\`; separate folders with `/`")
    } else if text.chars().any(char::is_control) {
        Some("it has a control character")
    } else if parts.clone().any(|part| part == "..") {
        Some("it has a `..` part, which could leave the layer")
    } else if parts.any(|part| matches!(part, "" | ".")) {
        Some("it has an empty or `.` part")
    } else {
        None
    }
}

impl FromStr for LayerPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<LayerPath, InvalidPath> {
        match objection(text) {
            Some(why) => Err(InvalidPath { text: text.to_owned(), why }),
            None => Ok(LayerPath(text.to_owned())),
        }
    }
}

string_conversions!(LayerPath);

/// Two paths that cannot both be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// The same path twice.
    #[error("two files want the path `{0}`: keep one of them")]
    Same(LayerPath),
    /// Paths that are one file where case does not count, as on macOS and Windows.
    #[error("`{path}` and `{other}` differ only in case, so they overwrite each other on some systems: rename one")]
    Case {
        /// The later one.
        path: String,
        /// The earlier one.
        other: String,
    },
    /// A file where a folder has to be.
    #[error("`{file}` is a file, so `{inside}` cannot be inside it: rename one")]
    Folder {
        /// The file.
        file: String,
        /// The path that needs it to be a folder.
        inside: String,
    },
}

/// A set of files that can be unpacked together.
#[derive(Debug, Clone, Default)]
pub struct PathSet {
    /// Every file and every folder above it, by its path in lower case.
    taken: BTreeMap<String, Taken>,
}

#[derive(Debug, Clone)]
enum Taken {
    File(LayerPath),
    /// A folder, and the first file that needed it.
    Folder(String, LayerPath),
}

impl PathSet {
    /// Takes `path` for a file. After an error the set is not to be used further.
    pub fn insert(&mut self, path: &LayerPath) -> Result<(), Clash> {
        for (slash, _) in path.as_str().match_indices('/') {
            let folder = &path.as_str()[..slash];
            match self.taken.get(&folder.to_lowercase()) {
                None => {
                    let taken = Taken::Folder(folder.to_owned(), path.clone());
                    self.taken.insert(folder.to_lowercase(), taken);
                }
                Some(Taken::Folder(other, _)) if other == folder => {}
                Some(Taken::Folder(other, _)) => {
                    return Err(Clash::Case { path: folder.to_owned(), other: other.clone() });
                }
                Some(Taken::File(file)) => {
                    return Err(Clash::Folder { file: file.to_string(), inside: path.to_string() });
                }
            }
        }
        match self.taken.insert(path.as_str().to_lowercase(), Taken::File(path.clone())) {
            None => Ok(()),
            Some(Taken::File(other)) if other == *path => Err(Clash::Same(other)),
            Some(Taken::File(other)) => Err(Clash::Case { path: path.to_string(), other: other.to_string() }),
            Some(Taken::Folder(_, inside)) => Err(Clash::Folder { file: path.to_string(), inside: inside.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inserted(paths: &[&str]) -> Result<(), Clash> {
        let mut set = PathSet::default();
        paths.iter().try_for_each(|path| set.insert(&path.parse().expect("a good path")))
    }

    #[test]
    fn good_paths_stay_as_they_are() {
        for text in ["a", "bin/mediainfo", "lib/libmediainfo.so.0", "python/..a/b..", "share/été", ".hidden", "a b+%"]
        {
            assert_eq!(text.parse::<LayerPath>().expect(text).as_str(), text);
        }
    }

    #[test]
    fn hostile_paths_are_refused_with_the_reason() {
        let long = "a/".repeat(600);
        for (text, why) in [
            ("", "it is empty"),
            (long.as_str(), "longer"),
            ("/etc/passwd", "absolute"),
            ("C:/x", "drive letter"),
            ("a\\b", "`\\`"),
            ("a\nb", "control"),
            ("a\0", "control"),
            ("a\u{85}b", "control"),
            ("..", "`..`"),
            ("a/../../b", "`..`"),
            ("a//b", "empty"),
            ("a/", "empty"),
            ("./a", "`.`"),
        ] {
            let error = text.parse::<LayerPath>().expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
            assert!(!error.contains(char::is_control), "{error:?}");
        }
    }

    #[test]
    fn paths_of_different_places_live_together() {
        assert_eq!(inserted(&["lib/a", "lib/b", "lib64/a", "lib/c/a", "a"]), Ok(()));
    }

    #[test]
    fn clashes_are_named() {
        for (paths, message) in [
            (vec!["lib/a", "lib/a"], "two files want the path `lib/a`: keep one of them"),
            (
                vec!["lib/a", "lib/A"],
                "`lib/A` and `lib/a` differ only in case, so they overwrite each other on some systems: rename one",
            ),
            (
                vec!["Lib/a", "lib/b"],
                "`lib` and `Lib` differ only in case, so they overwrite each other on some systems: rename one",
            ),
            (vec!["lib", "lib/a"], "`lib` is a file, so `lib/a` cannot be inside it: rename one"),
            (vec!["lib/x/a", "LIB"], "`LIB` is a file, so `lib/x/a` cannot be inside it: rename one"),
        ] {
            assert_eq!(inserted(&paths).expect_err(message).to_string(), message);
        }
    }
}
