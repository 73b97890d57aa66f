//! Applies a recipe's patches: exactly or not at all.
//!
//! One patch serves several versions of a project, whose lines are not where the hunks say. A hunk is moved to where its
//! whole text is, if that is one place only: it is the same change then. A hunk that fits in several places, or only with
//! its context ignored, was written for another source: guessing would compile something nobody has read. `diffy` reads
//! the patch; it would guess, so placing hunks is ours.

use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use diffy::patch_set::{FileOperation, ParseOptions, PatchKind, PatchSet};
use diffy::{Hunk, Line};

/// A hunk that was found at other lines than it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedHunk {
    /// The file it changes.
    pub file: String,
    /// Which of the file's hunks it is, from 1.
    pub hunk: usize,
    /// How many lines further down the file has it; negative where it is further up.
    pub lines: isize,
}

impl fmt::Display for MovedHunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hunk {} of `{}` moved by {:+} lines", self.hunk, self.file, self.lines)
    }
}

/// Applies the unified diff at `patch` (paths as `a/…` and `b/…`) to the tree at `tree`, and gives the hunks that had to
/// be moved.
///
/// On an error the tree may be half patched; it belongs to a build that ends there.
pub fn apply(patch: &Path, tree: &Path) -> Result<Vec<MovedHunk>> {
    let text = fs::read(patch).with_context(|| format!("cannot read the patch {}", patch.display()))?;
    apply_text(&text, tree).with_context(|| format!("the patch {} does not apply", patch.display()))
}

fn apply_text(text: &[u8], tree: &Path) -> Result<Vec<MovedHunk>> {
    let mut moved = Vec::new();
    for file in PatchSet::parse_bytes(text, ParseOptions::unidiff()) {
        let file = file.context("it is not a unified diff")?;
        let PatchKind::Text(patch) = file.patch() else {
            bail!("it holds a binary change");
        };
        match file.operation().strip_prefix(1) {
            FileOperation::Create(name) => {
                let path = inside(tree, &name)?;
                if path.exists() {
                    bail!("it creates {}, which is already there", shown(&name));
                }
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
                }
                write(&path, &rewritten(b"", patch.hunks(), &name, &mut moved)?)?;
            }
            FileOperation::Modify { original, modified } if original == modified => {
                let path = inside(tree, &modified)?;
                let old = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                write(&path, &rewritten(&old, patch.hunks(), &modified, &mut moved)?)?;
            }
            FileOperation::Delete(name) => {
                let path = inside(tree, &name)?;
                let old = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                if !rewritten(&old, patch.hunks(), &name, &mut moved)?.is_empty() {
                    bail!("it deletes {}, which holds more than the patch says", shown(&name));
                }
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
            _ => bail!("it renames or copies a file; write it as a deletion and a creation"),
        }
    }
    Ok(moved)
}

fn shown(name: &[u8]) -> String {
    format!("`{}`", String::from_utf8_lossy(name))
}

/// The file that a patch means; it must be in the tree.
pub(crate) fn inside(tree: &Path, name: &[u8]) -> Result<PathBuf> {
    let name = std::str::from_utf8(name).with_context(|| format!("{} is not a path in UTF-8", shown(name)))?;
    let relative = Path::new(name);
    if name.is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        bail!("`{name}` is not a path inside the source tree");
    }
    // A link on the way could lead out of the tree.
    let mut path = tree.to_owned();
    for part in relative.components() {
        path.push(part);
        if path.is_symlink() {
            bail!("`{name}` goes through a symbolic link");
        }
    }
    Ok(path)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// `old` with every hunk applied. Hunks that had to be moved are added to `moved`.
fn rewritten(old: &[u8], hunks: &[Hunk<'_, [u8]>], name: &[u8], moved: &mut Vec<MovedHunk>) -> Result<Vec<u8>> {
    let lines: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
    let mut new = Vec::with_capacity(old.len());
    let mut next = 0;
    for (number, hunk) in hunks.iter().enumerate() {
        let named = named_start(hunk);
        let start =
            place(hunk, &lines, next, named).with_context(|| format!("hunk {} of {}", number + 1, shown(name)))?;
        if start != named {
            let file = String::from_utf8_lossy(name).into_owned();
            moved.push(MovedHunk { file, hunk: number + 1, lines: start.cast_signed() - named.cast_signed() });
        }
        new.extend(lines[next..start].iter().copied().flatten());
        next = start;
        for line in hunk.lines() {
            match *line {
                Line::Insert(text) => new.extend_from_slice(text),
                Line::Context(text) => {
                    new.extend_from_slice(text);
                    next += 1;
                }
                Line::Delete(_) => next += 1,
            }
        }
    }
    new.extend(lines[next..].iter().copied().flatten());
    Ok(new)
}

/// The line, from 0, at which a hunk says that it begins.
pub fn named_start(hunk: &Hunk<'_, [u8]>) -> usize {
    // A hunk that only inserts names the line after which it does.
    let range = hunk.old_range();
    if range.is_empty() { range.start() } else { range.start().saturating_sub(1) }
}

/// The lines that a hunk expects to find.
pub fn expected_lines<'a>(hunk: &Hunk<'a, [u8]>) -> Vec<&'a [u8]> {
    hunk.lines()
        .iter()
        .filter_map(|line| match *line {
            Line::Context(text) | Line::Delete(text) => Some(text),
            Line::Insert(_) => None,
        })
        .collect()
}

/// Where all of the text that a hunk expects is, as lines from 0 and not before `next`: where the hunk says, or else
/// everywhere.
pub fn places(hunk: &Hunk<'_, [u8]>, lines: &[&[u8]], next: usize) -> Vec<usize> {
    let (expected, named) = (expected_lines(hunk), named_start(hunk));
    let fits = |start: usize| lines.get(start..start + expected.len()) == Some(&expected[..]);
    if named >= next && fits(named) {
        return vec![named];
    }
    // Nothing is everywhere, so a hunk that only inserts fits only where it says.
    (next..lines.len()).filter(|start| !expected.is_empty() && fits(*start)).collect()
}

/// The one place of a hunk.
fn place(hunk: &Hunk<'_, [u8]>, lines: &[&[u8]], next: usize, named: usize) -> Result<usize> {
    let expected = expected_lines(hunk);
    match places(hunk, lines, next)[..] {
        [only] => Ok(only),
        [] if expected.is_empty() => bail!("it begins after the end of the file"),
        [] => {
            let same = expected.iter().zip(lines.iter().skip(named)).take_while(|(want, is)| want == is).count();
            bail!("line {} is not what the patch was written for", named + same + 1)
        }
        [first, second, ..] => bail!(
            "its text is not at line {} but in several other places, such as lines {} and {}",
            named + 1,
            first + 1,
            second + 1
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "one\ntwo\r\nthree\nfour\n";

    fn patched(diff: &str) -> Result<String, String> {
        let tree = tempfile::tempdir().expect("a folder");
        fs::write(tree.path().join("file.c"), OLD).expect("a file");
        std::os::unix::fs::symlink("/etc", tree.path().join("link")).expect("a link");
        let patch = tree.path().join("x.patch");
        fs::write(&patch, diff).expect("a patch");
        apply(&patch, tree.path())
            .map_err(|error| error.chain().skip(1).map(ToString::to_string).collect::<Vec<_>>().join(": "))?;
        Ok(fs::read_to_string(tree.path().join("file.c")).unwrap_or_default())
    }

    #[test]
    fn changes_what_it_was_written_for() {
        let diff =
            "why\n\n--- a/file.c\n+++ b/file.c\n@@ -1,3 +1,3 @@\n one\n-two\r\n+2\r\n three\n@@ -4,0 +5 @@\n+five\n";
        assert_eq!(patched(diff).as_deref(), Ok("one\n2\r\nthree\nfour\nfive\n"));
        let inserted = "--- a/file.c\n+++ b/file.c\n@@ -3,0 +4 @@\n+3a\n";
        assert_eq!(patched(inserted).as_deref(), Ok("one\ntwo\r\nthree\n3a\nfour\n"));
    }

    #[test]
    fn creates_and_deletes_files() {
        assert_eq!(patched("--- /dev/null\n+++ b/dir/new.c\n@@ -0,0 +1 @@\n+new\n").as_deref(), Ok(OLD));
        let whole = "--- a/file.c\n+++ /dev/null\n@@ -1,4 +0,0 @@\n-one\n-two\r\n-three\n-four\n";
        assert_eq!(patched(whole).as_deref(), Ok(""));
        let part = "--- a/file.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n";
        assert_eq!(patched(part), Err("it deletes `file.c`, which holds more than the patch says".to_owned()));
    }

    #[test]
    fn refuses_fuzz_and_line_endings() {
        let (not, first) = ("is not what the patch was written for", "hunk 1 of `file.c`");
        let fuzz = "--- a/file.c\n+++ b/file.c\n@@ -1,3 +1,3 @@\n one\n-two\r\n+2\r\n tree\n";
        assert_eq!(patched(fuzz), Err(format!("{first}: line 3 {not}")));
        let ending = "--- a/file.c\n+++ b/file.c\n@@ -2 +2 @@\n-two\n+2\n";
        assert_eq!(patched(ending), Err(format!("{first}: line 2 {not}")));
        let beyond = "--- a/file.c\n+++ b/file.c\n@@ -9 +9 @@\n-two\n+2\n";
        assert_eq!(patched(beyond), Err(format!("{first}: line 9 {not}")));
        let inserted = "--- a/file.c\n+++ b/file.c\n@@ -9,0 +10 @@\n+ten\n";
        assert_eq!(patched(inserted), Err(format!("{first}: it begins after the end of the file")));
    }

    #[test]
    fn a_hunk_moves_to_the_one_place_that_has_its_text() {
        let two = "@@ -4 +5 @@\n-three\n+3\n@@ -5 +6 @@\n-four\n+4\n";
        let diff = format!("--- a/file.c\n+++ b/file.c\n{two}");
        assert_eq!(patched(&diff).as_deref(), Ok("one\ntwo\r\n3\n4\n"));
        // Hunks keep their order: what lies before the last one is not looked at.
        let back = "--- a/file.c\n+++ b/file.c\n@@ -4 +4 @@\n-four\n+4\n@@ -5 +5 @@\n-one\n+1\n";
        assert_eq!(patched(back), Err("hunk 2 of `file.c`: line 5 is not what the patch was written for".to_owned()));
    }

    #[test]
    fn a_hunk_that_fits_twice_is_refused_but_where_it_says() {
        let tree = tempfile::tempdir().expect("a folder");
        let file = tree.path().join("file.c");
        let apply_at = |line: usize| {
            fs::write(&file, "{\n}\n{\n}\n").expect("a file");
            let diff = format!("--- a/file.c\n+++ b/file.c\n@@ -{line},2 +{line},3 @@\n {{\n+x\n }}\n");
            apply_text(diff.as_bytes(), tree.path()).map_err(|error| format!("{error:#}"))
        };
        assert_eq!(apply_at(3), Ok(vec![]));
        assert_eq!(fs::read_to_string(&file).expect("a file"), "{\n}\n{\nx\n}\n");
        assert_eq!(
            apply_at(2),
            Err("hunk 1 of `file.c`: its text is not at line 2 but in several other places, such as lines 1 and 3"
                .to_owned())
        );
        fs::write(&file, "a\nb\n").expect("a file");
        let diff = "--- a/file.c\n+++ b/file.c\n@@ -9 +9 @@\n-b\n+c\n";
        let moved = apply_text(diff.as_bytes(), tree.path()).expect("it fits");
        assert_eq!(moved[0].to_string(), "hunk 1 of `file.c` moved by -7 lines");
    }

    #[test]
    fn stays_in_the_tree() {
        for (name, message) in [
            ("../x", "`../x` is not a path inside the source tree"),
            ("link/x", "`link/x` goes through a symbolic link"),
        ] {
            let diff = format!("--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+new\n");
            assert_eq!(patched(&diff), Err(message.to_owned()));
        }
        assert!(patched("nothing\n").is_err());
    }
}
