//! Trying a patch on a source that it was not written for: how far each hunk is off, and which fits nowhere.
//!
//! A build moves a hunk to the one place that has its text, or applies nothing ([`crate::compile::patch`]). Here patches
//! are applied as far as they can be, so that those after them can be tried as well, and a person is told what to rewrite.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use diffy::patch_set::{FileOperation, ParseOptions, PatchKind, PatchSet};
use diffy::{Hunk, Line};

use crate::compile::patch::{expected_lines, inside, named_start, places};
use crate::fresh::printable;

/// What came of trying a patch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// What a hunk or a file has against it, in words. None: a build applies it.
    pub problems: Vec<String>,
    /// By how many lines hunks were moved, one after the other.
    pub moved: Vec<usize>,
}

/// Applies a patch as far as it can be.
pub fn try_on(patch: &Path, tree: &Path) -> Result<Tried> {
    let text = fs::read(patch).with_context(|| format!("cannot read the patch {}", patch.display()))?;
    let mut tried = Tried::default();
    for file in PatchSet::parse_bytes(&text, ParseOptions::unidiff()) {
        let file = file.context("it is not a unified diff")?;
        let PatchKind::Text(patch) = file.patch() else { continue };
        let operation = file.operation().strip_prefix(1);
        let (FileOperation::Create(name) | FileOperation::Delete(name) | FileOperation::Modify { modified: name, .. }) =
            &operation
        else {
            tried.problems.push("it renames or copies a file".to_owned());
            continue;
        };
        let path = inside(tree, name)?;
        let shown = format!("`{}`", printable(&String::from_utf8_lossy(name)));
        if matches!(operation, FileOperation::Create(_)) {
            if path.exists() {
                tried.problems.push(format!("it creates {shown}, which upstream has now"));
            }
            fs::create_dir_all(path.parent().unwrap_or(tree)).context("cannot make a folder of the source")?;
            fs::write(&path, placed(b"", patch.hunks(), &shown, &mut tried)).context("cannot write the source")?;
            continue;
        }
        let Ok(old) = fs::read(&path) else {
            tried.problems.push(format!("{shown} is not there any more"));
            continue;
        };
        let new = placed(&old, patch.hunks(), &shown, &mut tried);
        match operation {
            FileOperation::Delete(_) => fs::remove_file(&path).context("cannot remove a file of the source")?,
            _ => fs::write(&path, new).context("cannot write the source")?,
        }
    }
    Ok(tried)
}

/// `old` with the hunks applied wherever they fit, nearest first.
fn placed(old: &[u8], hunks: &[Hunk<'_, [u8]>], name: &str, tried: &mut Tried) -> Vec<u8> {
    let lines: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
    let mut new = Vec::with_capacity(old.len());
    let mut next = 0;
    for (number, hunk) in hunks.iter().enumerate() {
        let (wanted, meant) = (expected_lines(hunk), named_start(hunk));
        let fitting = places(hunk, &lines, next);
        let Some(start) = fitting.iter().copied().min_by_key(|start| start.abs_diff(meant)) else {
            let found = lines.get(meant..).unwrap_or_default();
            let at = wanted
                .iter()
                .zip(found)
                .position(|(wanted, found)| wanted != found)
                .unwrap_or(found.len().min(wanted.len()));
            let line = |line: Option<&&[u8]>| {
                line.map_or("nothing".to_owned(), |line| {
                    format!("`{}`", printable(String::from_utf8_lossy(line).trim_end()))
                })
            };
            tried.problems.push(format!(
                "hunk {} of {name} fits nowhere: line {} should be {} and is {}",
                number + 1,
                meant + at + 1,
                line(wanted.get(at)),
                line(found.get(at)),
            ));
            continue;
        };
        if let [first, second, ..] = fitting[..] {
            tried.problems.push(format!(
                "hunk {} of {name} is not at line {} and fits in several places, such as lines {} and {}",
                number + 1,
                meant + 1,
                first + 1,
                second + 1
            ));
        } else if start != meant {
            tried.moved.push(start.abs_diff(meant));
        }
        new.extend(lines[next..start].iter().copied().flatten());
        for line in hunk.lines() {
            if let Line::Context(text) | Line::Insert(text) = *line {
                new.extend_from_slice(text);
            }
        }
        next = start + wanted.len();
    }
    new.extend(lines[next..].iter().copied().flatten());
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(old: &str, diff: &str) -> (Tried, String) {
        let tree = tempfile::tempdir().expect("a folder");
        fs::write(tree.path().join("file.c"), old).expect("a file");
        let patch = tree.path().join("x.patch");
        fs::write(&patch, diff).expect("a patch");
        let tried = try_on(&patch, tree.path()).expect("tried");
        (tried, fs::read_to_string(tree.path().join("file.c")).unwrap_or_default())
    }

    const DIFF: &str = "why\n\n--- a/file.c\n+++ b/file.c\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n@@ -5,2 +5,3 @@\n five\n+more\n six\n";

    #[test]
    fn offsets_and_failing_hunks_are_shown() {
        let same = "one\ntwo\nthree\nfour\nfive\nsix\n";
        assert_eq!(tried(same, DIFF), (Tried::default(), "one\n2\nthree\nfour\nfive\nmore\nsix\n".to_owned()));
        let (found, new) = tried(&format!("zero\n{same}"), DIFF);
        assert_eq!(found, Tried { problems: vec![], moved: vec![1, 1] }, "a build moves them as well");
        assert_eq!(new, "zero\none\n2\nthree\nfour\nfive\nmore\nsix\n");
        let (Tried { problems, .. }, new) = tried("one\n\u{1b}[2J\nthree\nfour\nfive\nsix\n", DIFF);
        assert_eq!(problems, ["hunk 1 of `file.c` fits nowhere: line 2 should be `two` and is `\\u{1b}[2J`"]);
        assert!(new.contains("more"), "the second hunk is tried all the same");
        let (Tried { problems, .. }, _) = tried("one\n", DIFF);
        assert!(problems[0].ends_with("line 2 should be `two` and is nothing"), "{problems:?}");
        let twice = "five\nsix\nzero\none\ntwo\nthree\none\ntwo\nthree\nfive\nsix\n";
        let (Tried { problems, .. }, _) = tried(twice, DIFF);
        let several = "hunk 1 of `file.c` is not at line 1 and fits in several places, such as lines 4 and 7";
        assert_eq!(problems, [several], "a build would not guess");
    }

    #[test]
    fn files_that_came_or_went_are_named() {
        let gone = DIFF.replace("file.c", "gone.c");
        assert_eq!(tried("one\n", &gone).0.problems, ["`gone.c` is not there any more"]);
        let new = "why\n\n--- /dev/null\n+++ b/file.c\n@@ -0,0 +1 @@\n+new\n";
        assert_eq!(tried("one\n", new).0.problems, ["it creates `file.c`, which upstream has now"]);
    }
}
