//! Applies a recipe's patches: exactly or not at all.
//!
//! A hunk that only fits somewhere else, or only with its context ignored, was
//! written for another source: guessing would compile something nobody has
//! read. `diffy` reads the patch; it would move hunks, so placing them is ours.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use diffy::patch_set::{FileOperation, ParseOptions, PatchKind, PatchSet};
use diffy::{Hunk, Line};

/// Applies the unified diff at `patch` (paths as `a/…` and `b/…`) to the tree at `tree`.
///
/// On an error the tree may be half patched; it belongs to a build that ends there.
pub fn apply(patch: &Path, tree: &Path) -> Result<()> {
    let text = fs::read(patch).with_context(|| format!("cannot read the patch {}", patch.display()))?;
    apply_text(&text, tree).with_context(|| format!("the patch {} does not apply", patch.display()))
}

fn apply_text(text: &[u8], tree: &Path) -> Result<()> {
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
                write(&path, &rewritten(b"", patch.hunks(), &name)?)?;
            }
            FileOperation::Modify { original, modified } if original == modified => {
                let path = inside(tree, &modified)?;
                let old = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                write(&path, &rewritten(&old, patch.hunks(), &modified)?)?;
            }
            FileOperation::Delete(name) => {
                let path = inside(tree, &name)?;
                let old = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                if !rewritten(&old, patch.hunks(), &name)?.is_empty() {
                    bail!("it deletes {}, which holds more than the patch says", shown(&name));
                }
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
            _ => bail!("it renames or copies a file; write it as a deletion and a creation"),
        }
    }
    Ok(())
}

fn shown(name: &[u8]) -> String {
    format!("`{}`", String::from_utf8_lossy(name))
}

/// The file that a patch means; it must be in the tree.
fn inside(tree: &Path, name: &[u8]) -> Result<PathBuf> {
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

/// `old` with every hunk applied at exactly the line it names.
fn rewritten(old: &[u8], hunks: &[Hunk<'_, [u8]>], name: &[u8]) -> Result<Vec<u8>> {
    let lines: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
    let mut new = Vec::with_capacity(old.len());
    let mut next = 0;
    for (number, hunk) in hunks.iter().enumerate() {
        // A hunk that only inserts names the line after which it does.
        let range = hunk.old_range();
        let start = if range.is_empty() { range.start() } else { range.start().saturating_sub(1) };
        let Some(before) = lines.get(next..start) else {
            bail!("hunk {} of {} begins after the end of the file", number + 1, shown(name));
        };
        new.extend(before.iter().copied().flatten());
        next = start;
        for line in hunk.lines() {
            match *line {
                Line::Insert(text) => new.extend_from_slice(text),
                Line::Context(text) | Line::Delete(text) => {
                    if lines.get(next) != Some(&text) {
                        bail!(
                            "hunk {} of {}: line {} is not what the patch was written for",
                            number + 1,
                            shown(name),
                            next + 1
                        );
                    }
                    if matches!(line, Line::Context(_)) {
                        new.extend_from_slice(text);
                    }
                    next += 1;
                }
            }
        }
    }
    new.extend(lines[next..].iter().copied().flatten());
    Ok(new)
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
        apply(&patch, tree.path()).map_err(|error| error.root_cause().to_string())?;
        Ok(fs::read_to_string(tree.path().join("file.c")).unwrap_or_default())
    }

    #[test]
    fn changes_what_it_was_written_for() {
        let diff =
            "why\n\n--- a/file.c\n+++ b/file.c\n@@ -1,3 +1,3 @@\n one\n-two\r\n+2\r\n three\n@@ -4,0 +5 @@\n+five\n";
        assert_eq!(patched(diff).as_deref(), Ok("one\n2\r\nthree\nfour\nfive\n"));
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
    fn refuses_fuzz_offsets_and_line_endings() {
        let moved = "--- a/file.c\n+++ b/file.c\n@@ -2,2 +2,2 @@\n-one\n+1\n two\r\n";
        assert_eq!(patched(moved), Err("hunk 1 of `file.c`: line 2 is not what the patch was written for".to_owned()));
        let ending = "--- a/file.c\n+++ b/file.c\n@@ -2 +2 @@\n-two\n+2\n";
        assert_eq!(patched(ending), Err("hunk 1 of `file.c`: line 2 is not what the patch was written for".to_owned()));
        let beyond = "--- a/file.c\n+++ b/file.c\n@@ -9 +9 @@\n-two\n+2\n";
        assert_eq!(patched(beyond), Err("hunk 1 of `file.c` begins after the end of the file".to_owned()));
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
