//! Obtaining one source: fetched, unpacked, and checked to be the pinned tree.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::disk::DiskError;
use super::fetch::{Context, Request, fetch_one};
use super::report::{self, Missed};
use super::tree::Tree;
use super::unpack::{file_name, unpack};
use crate::model::recipe::Archive;

/// A source's tree on this machine.
#[derive(Debug, Clone)]
pub struct Obtained<'a> {
    /// The archive it came from.
    pub archive: &'a Archive,
    /// Its listing and digest.
    pub tree: Tree,
}

/// An archive whose bytes are the pinned ones but whose tree is not, or that cannot be unpacked.
struct Rejected<'a> {
    archive: &'a Archive,
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
        let refused: Vec<_> = rejected.iter().map(|rejected| rejected.archive.sha256).collect();
        let outcome = fetch_one(context, request, &refused);
        let Some(fetched) = outcome.result? else {
            return Err(nothing_left(context, &rejected, Missed { request, attempts: outcome.attempts }));
        };
        report::warn(context.ui, &request.what, &outcome.attempts);
        // Beside its final place, so that the finished tree can be renamed to it.
        let staging = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(parent);
        let staging = staging.map_err(|error| DiskError::writing(parent, 0, error))?;
        let tree = unpack(&fetched.file, fetched.archive, request.source, staging.path())
            .and_then(|()| Tree::read(staging.path()));
        let tree = match tree {
            Ok(tree) => tree,
            Err(error) if error.chain().any(|cause| cause.is::<DiskError>()) => return Err(error),
            Err(error) => {
                rejected.push(Rejected { archive: fetched.archive, why: format!("{error:#}"), tree: None });
                continue;
            }
        };
        if let Some(expected) = request.source.tree.filter(|expected| *expected != tree.digest()) {
            let (name, actual) = (file_name(fetched.archive), tree.digest());
            let why = format!("`{name}` does not hold the pinned tree: expected {expected}, got {actual}");
            rejected.push(Rejected { archive: fetched.archive, why, tree: Some(tree) });
            continue;
        }
        fs::rename(staging.path(), into)
            .with_context(|| format!("cannot rename `{}` to `{}`", staging.path().display(), into.display()))?;
        // It is no longer there to be removed.
        let _ = staging.keep();
        for rejected in &rejected {
            context.ui.warn(about(&request.what, rejected, &tree, fetched.archive));
        }
        return Ok(Obtained { archive: fetched.archive, tree });
    }
}

/// What to say of an archive that was passed over, now that the right tree is known.
fn about(what: &str, rejected: &Rejected<'_>, right: &Tree, from: &Archive) -> String {
    let Some(tree) = &rejected.tree else { return format!("{what}: {}", rejected.why) };
    let differences = right.differences(tree);
    let mut text = format!("{what}: {}; compared with `{}` it has", rejected.why, file_name(from));
    for difference in differences.iter().take(5) {
        text.push_str("\n  ");
        text.push_str(difference);
    }
    if differences.len() > 5 {
        text.push_str(&format!("\n  and {} more", differences.len() - 5));
    }
    text
}

fn nothing_left(context: &Context<'_>, rejected: &[Rejected<'_>], missed: Missed<'_, '_>) -> anyhow::Error {
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
