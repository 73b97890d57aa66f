//! Names of entries: which ones are refused, and which path each one means.

use std::collections::HashMap;

/// What an entry is, as far as names care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder, named by an entry or only by what lies in it.
    Folder,
    /// A file, also one that is a hard link to another.
    File,
    /// A symbolic link.
    Link,
    /// A device, a socket, a pipe.
    Special,
}

/// Longer parts fit no usual file system.
const LONGEST_PART: usize = 255;
/// Longer paths leave too little room below 4,096 for the folder they are unpacked into.
const LONGEST_PATH: usize = 1024;
/// What anybody packs is at most some twenty folders deep. Every level costs a look at its folder.
const MOST_PARTS: usize = 100;
/// Characters of a name that a message shows.
const LONGEST_SHOWN: usize = 120;

/// The name of an entry as a relative path without empty and `.` parts; empty for the archive's top.
/// Otherwise why it is refused, to follow "entry `…`".
pub fn clean(raw: &[u8]) -> Result<String, &'static str> {
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
    let (mut path, mut count) = (String::with_capacity(text.len()), 0);
    for part in text.split('/') {
        match part {
            "" | "." => continue,
            ".." => return Err("has `..` in its path"),
            _ if part.len() > LONGEST_PART => return Err("has a name that is too long"),
            _ if count == MOST_PARTS => return Err("lies too deep"),
            _ if path.is_empty() => {}
            _ => path.push('/'),
        }
        path.push_str(part);
        count += 1;
    }
    Ok(path)
}

/// Whether a link's target can be one: a path, short enough that following it costs little.
pub fn is_target(target: &str) -> bool {
    !target.is_empty()
        && target.len() <= LONGEST_PATH
        && target.split('/').count() <= MOST_PARTS
        && !target.contains(char::is_control)
}

/// A name for a message: readable on any terminal and not endless.
pub fn shown(raw: &[u8]) -> String {
    // No character has more than four bytes.
    let raw = &raw[..raw.len().min(4 * LONGEST_SHOWN)];
    let text: String = String::from_utf8_lossy(raw).chars().take(LONGEST_SHOWN).collect();
    text.escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\"")
}

/// The parents of a path, the topmost first.
pub fn parents(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// How many names are remembered, and of how many bytes altogether. The folders that names lie in count as names.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Names.
    pub names: usize,
    /// Bytes of all of them.
    pub bytes: usize,
}

/// Every name of an archive, with what it names, so that no name is used twice or through a link.
#[derive(Debug)]
pub struct Names {
    kinds: HashMap<String, Kind>,
    room: Room,
}

impl Names {
    /// No names yet, and room for so many.
    pub fn new(room: Room) -> Names {
        Names { kinds: HashMap::new(), room }
    }

    /// Takes in a cleaned name, or says why it cannot stand beside the others.
    pub fn add(&mut self, path: &str, kind: Kind) -> Result<(), String> {
        // The nearest first: where a folder is known, all above it are, so that most names cost one look.
        for parent in parents(path).rev() {
            match self.kinds.get(parent) {
                Some(Kind::Folder) => break,
                Some(Kind::Link) => return Err(format!("goes through the symbolic link `{parent}`")),
                Some(Kind::File | Kind::Special) => return Err(format!("lies below `{parent}`, which is a file")),
                None => self.remember(parent, Kind::Folder)?,
            }
        }
        match self.kinds.get(path) {
            // Folders are often named again, by archives that were appended to.
            Some(Kind::Folder) if kind == Kind::Folder => Ok(()),
            Some(_) => Err("is there twice".to_owned()),
            None => self.remember(path, kind),
        }
    }

    fn remember(&mut self, path: &str, kind: Kind) -> Result<(), String> {
        if self.kinds.len() >= self.room.names {
            return Err(format!("and its parent folders make more than {} names", self.room.names));
        }
        self.charge(path.len())?;
        self.kinds.insert(path.to_owned(), kind);
        Ok(())
    }

    /// Counts other texts that are remembered besides the names.
    pub fn charge(&mut self, bytes: usize) -> Result<(), String> {
        match self.room.bytes.checked_sub(bytes) {
            Some(left) => self.room.bytes = left,
            None => return Err("comes when names have used all the memory that they may".to_owned()),
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

/// Follows a link at `path` that says `target`, on paper: shows every place it passes before its end to `pass`, as a
/// path from the same top, until that gives an error. Otherwise it says why the link is refused.
/// It only looks at texts: that no place on the way is itself a link, `pass` has to see to.
pub fn follow(path: &str, target: &str, pass: &mut dyn FnMut(&str) -> Result<(), String>) -> Result<(), String> {
    if target.starts_with('/') {
        return Err(format!("is a link to the absolute path `{target}`"));
    }
    let mut place = parents(path).next_back().unwrap_or_default().to_owned();
    let mut parts = target.split('/').filter(|part| !matches!(*part, "" | ".")).peekable();
    while let Some(part) = parts.next() {
        match part {
            ".." if place.is_empty() => return Err(format!("is a link that leaves the tree, to `{target}`")),
            ".." => place.truncate(place.rfind('/').unwrap_or(0)),
            _ if place.is_empty() => place.push_str(part),
            _ => {
                place.push('/');
                place.push_str(part);
            }
        }
        if parts.peek().is_some() {
            pass(&place)?;
        }
    }
    Ok(())
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
            (&"a/".repeat(101), "lies too deep"),
        ] {
            assert_eq!(clean(raw.as_bytes()).expect_err(raw), why);
        }
        assert_eq!(clean(b"caf\xe9").expect_err("Latin-1"), "has a name that is not UTF-8");
    }

    #[test]
    fn names_cannot_stand_for_two_things() {
        let mut names = Names::new(Room { names: 100, bytes: 1000 });
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
    fn folders_that_are_only_implied_are_counted() {
        let mut names = Names::new(Room { names: 4, bytes: 1000 });
        assert_eq!(names.add("a/b/c", Kind::File), Ok(()));
        assert_eq!(names.add("a/b/d", Kind::File), Ok(()));
        assert_eq!(names.add("a/b/e", Kind::File), Err("and its parent folders make more than 4 names".to_owned()));
        let mut names = Names::new(Room { names: 100, bytes: 4 });
        assert_eq!(names.add("a/b", Kind::File), Ok(()), "three bytes and one");
        let error = "comes when names have used all the memory that they may";
        assert_eq!(names.add("c", Kind::File), Err(error.to_owned()));
    }

    #[test]
    fn links_are_followed_on_paper() {
        let follow = |path: &str, target: &str| {
            let mut passed = Vec::new();
            let mut note = |place: &str| {
                passed.push(place.to_owned());
                Ok(())
            };
            super::follow(path, target, &mut note).map(|()| passed.join(" "))
        };
        assert_eq!(follow("a/b", "../c/./d/e"), Ok(" c c/d".to_owned()));
        assert_eq!(follow("a", "b"), Ok(String::new()));
        assert_eq!(follow("a/b", "../../c"), Err("is a link that leaves the tree, to `../../c`".to_owned()));
        assert_eq!(follow("a/b", "/c"), Err("is a link to the absolute path `/c`".to_owned()));
        assert!(is_target("../a") && !is_target("") && !is_target("a\nb") && !is_target(&"a/".repeat(100)));
    }
}
