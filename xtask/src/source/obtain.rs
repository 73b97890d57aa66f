//! Obtaining one source: fetched, unpacked, and checked to be the pinned tree.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::disk::DiskError;
use super::fetch::fetch_one;
use super::report::{self, UnfetchedSource};
use super::request::{Content, Context, Fetched, Request};
use super::tree::Tree;
use super::unpack::{unpack, unpack_tree};

/// A source's tree on this machine.
#[derive(Debug, Clone)]
pub struct Obtained<'a> {
    /// What it came from.
    pub content: Content<'a>,
    /// Its listing and digest.
    pub tree: Tree,
}

/// An archive whose bytes are the pinned ones but whose tree is not, or that cannot be unpacked.
struct Rejected<'a> {
    content: Content<'a>,
    why: String,
    tree: Option<Tree>,
}

/// Puts the tree of a source into the folder `into`, which must be empty or not exist; it appears there whole or not
/// at all. If the source pins a tree, an archive with another one is passed over with a warning where a further
/// archive has the right one; where none has, the error gives the expected and the actual digest of each.
pub fn obtain<'a>(context: &Context<'_>, request: &Request<'a>, into: &Path) -> anyhow::Result<Obtained<'a>> {
    if fs::read_dir(into).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("cannot put the source of {} into `{}`: the folder is not empty", request.what, into.display());
    }
    let parent = into.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|error| DiskError::writing(parent, 0, error))?;
    let mut rejected: Vec<Rejected<'a>> = Vec::new();
    loop {
        // A stored tree that was discarded may come again from a folder, once.
        let trees = rejected.iter().filter(|rejected| matches!(rejected.content, Content::Tree(_))).count();
        let is_refused = |rejected: &&Rejected<'_>| trees > 1 || matches!(rejected.content, Content::Archive(_));
        let refused: Vec<_> = rejected.iter().filter(is_refused).map(|rejected| rejected.content.digest()).collect();
        let outcome = fetch_one(context, request, &refused);
        let Some(fetched) = outcome.result? else {
            return Err(nothing_left(context, &rejected, UnfetchedSource { request, attempts: outcome.attempts }));
        };
        report::warn(context.ui, &request.what, &outcome.attempts);
        // Beside its final place, so that the finished tree can be renamed to it.
        let staging = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(parent);
        let staging = staging.map_err(|error| DiskError::writing(parent, 0, error))?;
        let content = fetched.content;
        let unpacked = match content {
            Content::Archive(archive) => unpack(&fetched.file, archive, request.source, staging.path()),
            Content::Tree(_) => unpack_tree(&fetched.file, staging.path()),
        };
        let tree = unpacked.and_then(|()| Tree::read(staging.path()));
        let tree = match tree {
            Ok(tree) => tree,
            Err(error) if error.chain().any(|cause| cause.is::<DiskError>()) => return Err(error),
            Err(error) => {
                discard_tree(&fetched);
                rejected.push(Rejected { content, why: format!("{error:#}"), tree: None });
                continue;
            }
        };
        if let Some(expected) = request.source.tree.filter(|expected| *expected != tree.digest()) {
            discard_tree(&fetched);
            let (name, actual) = (content.name(), tree.digest());
            let why = format!("`{name}` does not hold the pinned tree: expected {expected}, got {actual}");
            rejected.push(Rejected { content, why, tree: Some(tree) });
            continue;
        }
        fs::rename(staging.path(), into)
            .with_context(|| format!("cannot rename `{}` to `{}`", staging.path().display(), into.display()))?;
        // It is no longer there to be removed.
        let _ = staging.keep();
        for rejected in &rejected {
            context.ui.warn(about(&request.what, rejected, &tree, content));
        }
        return Ok(Obtained { content, tree });
    }
}

/// Removes a tree from the store whose bytes have changed there, so that a folder can bring it again. Archives are
/// checked before they are used.
fn discard_tree(fetched: &Fetched<'_>) {
    if matches!(fetched.content, Content::Tree(_)) {
        let _ = fs::remove_file(&fetched.file);
    }
}

/// What to say of an archive that was passed over, now that the right tree is known.
fn about(what: &str, rejected: &Rejected<'_>, right: &Tree, from: Content<'_>) -> String {
    let Some(tree) = &rejected.tree else { return format!("{what}: {}", rejected.why) };
    let differences = right.differences(tree);
    let mut text = format!("{what}: {}; compared with `{}` it has", rejected.why, from.name());
    for difference in differences.iter().take(5) {
        text.push_str("\n  ");
        text.push_str(difference);
    }
    if differences.len() > 5 {
        text.push_str(&format!("\n  and {} more", differences.len() - 5));
    }
    text
}

fn nothing_left(context: &Context<'_>, rejected: &[Rejected<'_>], missed: UnfetchedSource<'_, '_>) -> anyhow::Error {
    let what = &missed.request.what;
    let mut text: Vec<String> = rejected.iter().map(|rejected| format!("{what}: {}", rejected.why)).collect();
    // Where every archive was there, the places that did not give one hardly matter.
    if rejected.len() < missed.request.source.archives.len() {
        text.push(report::cannot_fetch(context, &[missed]));
    } else {
        text.push("hint: check `root`, `keep`, `omit`, `executable` and `tree` in its recipe".to_owned());
    }
    anyhow::anyhow!(text.join("\n\n"))
}
