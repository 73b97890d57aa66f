//! Names of entries: which are refused, and what each names.

use std::collections::HashMap;

/// What an entry is, as far as names care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A folder, named by an entry or only by what lies in it.
    Folder,
    /// A file, also one that is a hard link to another.
    File,
    /// A symbolic link.
    Link,
}

/// Longer parts fit no usual file system.
const LONGEST_PART: usize = 255;
/// Longer paths leave too little room below 4,096 for the folder they are unpacked into.
const LONGEST_PATH: usize = 1024;

/// The name of an entry as a relative path without empty and `.` parts; empty for the archive's top.
/// Otherwise why it is refused, to follow "entry `…`".
pub(super) fn clean(raw: &[u8]) -> Result<String, &'static str> {
    let Ok(text) = std::str::from_utf8(raw) else {
        return Err("has a name that is not UTF-8");
    };
    if text.starts_with('/') {
        return Err("has an absolute path");
    }
    if text.len() > LONGEST_PATH {
        return Err("has a name that is too long");
    }
    // A line break could forge lines in the listing of a tree, and the others garble a terminal.
    if text.chars().any(char::is_control) {
        return Err("has a control character in its name");
    }
    let mut path = String::with_capacity(text.len());
    for part in text.split('/') {
        match part {
            "" | "." => continue,
            ".." => return Err("has `..` in its path"),
            _ if part.len() > LONGEST_PART => return Err("has a name that is too long"),
            _ if path.is_empty() => {}
            _ => path.push('/'),
        }
        path.push_str(part);
    }
    Ok(path)
}

/// The parents of a path, the topmost first.
pub(super) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// Every name of an archive, with what it names, so that no name is used twice or through a link.
#[derive(Debug, Default)]
pub(super) struct Names {
    kinds: HashMap<String, Kind>,
}

impl Names {
    /// Takes in a cleaned name, or says why it cannot stand beside the others.
    pub fn add(&mut self, path: &str, kind: Kind) -> Result<(), String> {
        for parent in parents(path) {
            match self.kinds.get(parent) {
                Some(Kind::Folder) => {}
                Some(Kind::File) => return Err(format!("lies below `{parent}`, which is a file")),
                Some(Kind::Link) => return Err(format!("goes through the symbolic link `{parent}`")),
                None => {
                    self.kinds.insert(parent.to_owned(), Kind::Folder);
                }
            }
        }
        match self.kinds.get(path) {
            // Folders are often named again, by archives that were appended to.
            Some(Kind::Folder) if kind == Kind::Folder => {}
            Some(_) => return Err("is there twice".to_owned()),
            None => {
                self.kinds.insert(path.to_owned(), kind);
            }
        }
        Ok(())
    }

    /// What a name is.
    pub fn get(&self, path: &str) -> Option<Kind> {
        self.kinds.get(path).copied()
    }

    /// The names at the archive's top, sorted.
    pub fn top(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.kinds.keys().map(String::as_str).filter(|path| !path.is_empty() && !path.contains('/')).collect();
        names.sort_unstable();
        names
    }
}

/// Where a link at `path` leads if it says `target`, as a path from the same top; otherwise why it is refused.
/// It only looks at texts: that no part of the way is itself a link, the caller has to see to.
pub(super) fn resolve(path: &str, target: &str) -> Result<Vec<String>, String> {
    if target.starts_with('/') {
        return Err(format!("is a link to the absolute path `{target}`"));
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    let mut passed = Vec::new();
    for part in target.split('/') {
        match part {
            "" | "." => continue,
            ".." if parts.pop().is_none() => return Err(format!("is a link that leaves the tree, to `{target}`")),
            ".." => {}
            _ => parts.push(part),
        }
        passed.push(parts.join("/"));
    }
    Ok(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_or_refused() {
        for (raw, expected) in [("./a//b/./c/", "a/b/c"), ("./", ""), ("a..b/...", "a..b/..."), ("a\\b", "a\\b")] {
            assert_eq!(clean(raw.as_bytes()).expect(raw), expected);
        }
        for (raw, why) in [
            ("/etc/passwd", "has an absolute path"),
            ("a/../../b", "has `..` in its path"),
            ("..", "has `..` in its path"),
            ("a\nb", "has a control character in its name"),
            (&"a".repeat(256), "has a name that is too long"),
            (&"a/".repeat(600), "has a name that is too long"),
        ] {
            assert_eq!(clean(raw.as_bytes()).expect_err(raw), why);
        }
        assert_eq!(clean(b"caf\xe9").expect_err("Latin-1"), "has a name that is not UTF-8");
    }

    #[test]
    fn names_cannot_stand_for_two_things() {
        let mut names = Names::default();
        let mut add = |path: &str, kind| names.add(path, kind);
        assert_eq!(add("a", Kind::Folder), Ok(()));
        assert_eq!(add("a/b/c", Kind::File), Ok(()));
        assert_eq!(add("a/b", Kind::Folder), Ok(()));
        assert_eq!(add("a/b", Kind::File), Err("is there twice".to_owned()));
        assert_eq!(add("a/b/c/d", Kind::File), Err("lies below `a/b/c`, which is a file".to_owned()));
        assert_eq!(add("a/link", Kind::Link), Ok(()));
        assert_eq!(add("a/link/d", Kind::File), Err("goes through the symbolic link `a/link`".to_owned()));
        assert_eq!(add("a/link", Kind::Link), Err("is there twice".to_owned()));
    }

    #[test]
    fn links_are_followed_on_paper() {
        assert_eq!(resolve("a/b", "../c/./d"), Ok(vec![String::new(), "c".to_owned(), "c/d".to_owned()]));
        assert_eq!(resolve("a", "b"), Ok(vec!["b".to_owned()]));
        assert_eq!(resolve("a/b", "../../c"), Err("is a link that leaves the tree, to `../../c`".to_owned()));
        assert_eq!(resolve("a/b", "/c"), Err("is a link to the absolute path `/c`".to_owned()));
    }
}
