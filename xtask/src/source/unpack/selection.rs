//! Which entries of an archive become part of the tree, and which of them are executable.

use anyhow::{Context as _, bail};
use glob::MatchOptions;

use crate::model::recipe::Source;

/// The patterns of one source, and the folder of the archive they apply to.
#[derive(Debug)]
pub struct Selection {
    root: String,
    keep: Vec<Pattern>,
    omit: Vec<Pattern>,
    executable: Vec<Pattern>,
}

/// A glob, and whether it has matched anything yet.
#[derive(Debug)]
struct Pattern {
    text: String,
    itself: glob::Pattern,
    below: glob::Pattern,
    used: bool,
}

/// `*` stays within one part of a path.
const WITHIN_A_PART: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

impl Pattern {
    fn new(text: &str) -> anyhow::Result<Pattern> {
        let trimmed = text.trim_end_matches('/');
        let glob = |pattern: &str| glob::Pattern::new(pattern).with_context(|| format!("`{text}` is not a glob"));
        let below = glob(&format!("{trimmed}/**"))?;
        Ok(Pattern { text: text.to_owned(), itself: glob(trimmed)?, below, used: false })
    }

    fn matches(&mut self, path: &str) -> bool {
        let matches = [&self.itself, &self.below].iter().any(|glob| glob.matches_with(path, WITHIN_A_PART));
        self.used |= matches;
        matches
    }
}

impl Selection {
    /// The patterns of `source` below `root`; `.` is the whole archive. A pattern matches a path or a folder above
    /// it; `*` stays within one part of a path. Fails if a pattern is not a glob or the root not a plain path.
    pub fn new(root: &str, source: &Source) -> anyhow::Result<Selection> {
        let root = match crate::archive::name::clean(root.as_bytes()) {
            Ok(root) => root,
            Err(why) => bail!("`root = \"{root}\"` {why}"),
        };
        let compile =
            |patterns: &[String]| patterns.iter().map(|text| Pattern::new(text)).collect::<anyhow::Result<Vec<_>>>();
        Ok(Selection {
            root,
            keep: compile(&source.keep)?,
            omit: compile(&source.omit)?,
            executable: compile(&source.executable)?,
        })
    }

    /// The folder of the archive that becomes the tree; empty for the whole archive.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The path in the tree of an archive's entry; `None` if it lies outside the root or is not wanted.
    pub fn path_in_tree(&mut self, entry: &str) -> Option<String> {
        let path = match entry.strip_prefix(self.root.as_str())? {
            rest if self.root.is_empty() => rest,
            rest => rest.strip_prefix('/')?,
        };
        let kept = self.keep.is_empty() || any(&mut self.keep, path);
        (!path.is_empty() && kept && !any(&mut self.omit, path)).then(|| path.to_owned())
    }

    /// Whether a pattern makes this file of the tree executable.
    pub fn makes_executable(&mut self, path: &str) -> bool {
        any(&mut self.executable, path)
    }

    /// The first pattern that should have matched something and did not, with the key it stands under.
    pub fn unused(&self) -> Option<(&'static str, &str)> {
        // `omit` may well name what only another archive of the same source holds.
        let first = |list: &[Pattern]| list.iter().position(|pattern| !pattern.used);
        match (first(&self.keep), first(&self.executable)) {
            (Some(at), _) => Some(("keep", &self.keep[at].text)),
            (None, Some(at)) => Some(("executable", &self.executable[at].text)),
            (None, None) => None,
        }
    }
}

/// Whether any pattern matches. All are asked, so that each one's use is known.
fn any(patterns: &mut [Pattern], path: &str) -> bool {
    let mut matched = false;
    for pattern in patterns {
        matched |= pattern.matches(path);
    }
    matched
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(root: &str, keep: &[&str], omit: &[&str], executable: &[&str]) -> Selection {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let source = Source {
            builder: None,
            tree: None,
            keep: owned(keep),
            omit: owned(omit),
            executable: owned(executable),
            archives: Vec::new(),
        };
        Selection::new(root, &source).expect("good patterns")
    }

    #[test]
    fn takes_what_lies_below_the_root() {
        let mut all = selection("a/b", &[], &[], &[]);
        assert_eq!(all.path_in_tree("a/b/c/d").as_deref(), Some("c/d"));
        for outside in ["a", "a/b", "a/bc", "x/a/b/c"] {
            assert_eq!(all.path_in_tree(outside), None, "{outside}");
        }
        assert_eq!(selection(".", &[], &[], &[]).path_in_tree("a/b").as_deref(), Some("a/b"));
    }

    #[test]
    fn patterns_match_paths_and_folders() {
        let mut some = selection("r", &["lib", "src/*.c", "**/LICENSE"], &["lib/test/", "lib/*.dll"], &["lib/run"]);
        for (path, taken) in [
            ("r/lib/a/b.h", true),
            ("r/lib", true),
            ("r/library", false),
            ("r/src/a.c", true),
            ("r/src/deep/a.c", false),
            ("r/doc/x/LICENSE", true),
            ("r/LICENSE", true),
            ("r/lib/test/a.c", false),
            ("r/lib/a.dll", false),
            ("r/lib/deep/a.dll", true),
        ] {
            assert_eq!(some.path_in_tree(path).is_some(), taken, "{path}");
        }
        assert_eq!(some.unused(), Some(("executable", "lib/run")));
        assert!(some.makes_executable("lib/run") && !some.makes_executable("lib/other"));
        assert_eq!(some.unused(), None);
    }

    #[test]
    fn bad_patterns_are_named() {
        let source = |keep: &str| Source {
            builder: None,
            tree: None,
            keep: vec![keep.to_owned()],
            omit: Vec::new(),
            executable: Vec::new(),
            archives: Vec::new(),
        };
        let error = Selection::new(".", &source("a[")).expect_err("an open class");
        assert_eq!(error.to_string(), "`a[` is not a glob");
        let error = Selection::new("../a", &source("a")).expect_err("outside");
        assert_eq!(error.to_string(), "`root = \"../a\"` has `..` in its path");
    }
}
