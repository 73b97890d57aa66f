//! Patches: refused, or applied to a small tree as another program would.

use std::fs;
use std::os::unix::fs::symlink;

use diffy::patch_set::{FileOperation, ParseOptions, PatchKind, PatchSet};
use xtask::compile::patch;

use crate::places::Place;

const FILE: &str = "one\ntwo\r\nthree\n{\n}\nfour\n{\n}\nfive";

/// Applies the bytes to a tree of three files and a link that leads out of it.
pub fn patched(bytes: &[u8]) {
    let place = Place::with(bytes);
    let tree = place.destination();
    fs::create_dir_all(tree.join("sub/deep")).expect("folders");
    for name in ["file.c", "sub/deep/file.c"] {
        fs::write(tree.join(name), FILE).expect("a file");
    }
    symlink("..", tree.join("up")).expect("a link");
    let applied = patch::apply(&place.input(), &tree);
    // Ours leads out by design.
    fs::remove_file(tree.join("up")).expect("the link is still there");
    place.check();
    if applied.is_ok_and(|moved| moved.is_empty())
        && let Some(expected) = by_another(bytes)
    {
        assert_eq!(fs::read(tree.join("file.c")).expect("the file"), expected, "diffy does something else");
    }
}

/// What diffy makes of `file.c`, if the patch changes that and nothing else, once.
fn by_another(bytes: &[u8]) -> Option<Vec<u8>> {
    let files: Vec<_> = PatchSet::parse_bytes(bytes, ParseOptions::unidiff()).collect::<Result<_, _>>().ok()?;
    let [file] = &files[..] else { return None };
    let PatchKind::Text(patch) = file.patch() else { return None };
    // It puts lines that come after no other one line too low, and goes by the new number where old and new ones do not
    // agree; GNU patch and ours go by the old number.
    let mut added = 0;
    for hunk in patch.hunks() {
        let (old, new) = (hunk.old_range(), hunk.new_range());
        if old.is_empty() || new.start().wrapping_sub(old.start()) != added {
            return None;
        }
        added = added.wrapping_add(new.len()).wrapping_sub(old.len());
    }
    match file.operation().strip_prefix(1) {
        FileOperation::Modify { modified, .. } if *modified == *b"file.c" => {
            Some(diffy::apply_bytes(FILE.as_bytes(), patch).expect("diffy applies what we apply"))
        }
        _ => None,
    }
}
