//! The sources of a new version: every origin asked, the bytes measured, the trees compared.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::edit::{NewArchive, NewSource};
use super::origins::{Found, Got, Tools, find};
use super::renamed::renamed;
use crate::model::recipe::{Archive, Source};
use crate::model::{Origin, Sha256, Version};
use crate::source::measure::Measured;
use crate::source::{Tree, unpack};

/// One source of a new version.
#[derive(Debug)]
pub struct Renewed {
    /// What goes into the recipe.
    pub source: NewSource,
    /// Its tree, unpacked.
    pub folder: PathBuf,
    /// What was found, for the report.
    pub said: Vec<String>,
    /// What a person must do.
    pub todo: Vec<String>,
}

/// An archive whose bytes came.
struct Candidate {
    at: usize,
    new: NewArchive,
    file: PathBuf,
    tree: Option<Tree>,
    folder: PathBuf,
}

/// Finds the source of version `to` that `old` is of version `from`, and unpacks it below `below`.
pub fn renew(tools: &Tools<'_>, old: &Source, from: &Version, to: &Version, below: &Path) -> Result<Renewed> {
    let (mut said, mut todo, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    let mut candidates = Vec::new();
    for (at, archive) in old.archives.iter().enumerate() {
        let found: Vec<Found> =
            archive.origins.iter().map(|origin| find(tools, origin, from, to)).collect::<Result<_>>()?;
        let Some(measured) = agreed(&found)? else {
            missing.extend(found.iter().filter_map(reason));
            continue;
        };
        for one in &found {
            match &one.got {
                Got::Bytes(_) => {
                    said.push(format!("{}: {} bytes, sha256 {}", one.origin, measured.size, measured.sha256))
                }
                Got::Silent(why) => {
                    said.push(format!("no answer: {why}; the address is kept, as other bytes are refused"))
                }
                Got::Gone(why) => todo.push(format!("an origin is left out: {why}")),
            }
        }
        let origins: Vec<Origin> = found.iter().filter_map(|one| kept(one, from, to)).collect();
        let new = NewArchive {
            root: renamed(&archive.root, from, to),
            size: measured.size,
            sha256: measured.sha256,
            origins,
        };
        candidates.push(Candidate { at, new, file: measured.file, tree: None, folder: below.join(at.to_string()) });
    }
    if candidates.is_empty() {
        bail!(
            "no place gave {to}:\n  {}\n\nhint: `cargo xtask outdated` says which versions the places know",
            missing.join("\n  ")
        );
    }
    todo.extend(missing.iter().map(|why| format!("an archive is left out, as it could not be measured: {why}")));
    let source = names_of(old, from, to);
    for candidate in &mut candidates {
        open(candidate, &source, &mut said)?;
    }
    let tree = same_tree(&candidates)?;
    let (folder, several) = (candidates[0].folder.clone(), candidates.len() > 1);
    let mut archives: Vec<Option<NewArchive>> = old.archives.iter().map(|_| None).collect();
    for candidate in candidates {
        archives[candidate.at] = Some(candidate.new);
    }
    let pinned = (old.tree.is_some() || several).then_some(tree);
    if let Some(tree) = pinned {
        said.push(format!("tree {tree}{}", if several { ", the same of every archive" } else { "" }));
    }
    Ok(Renewed { source: NewSource { tree: pinned, archives }, folder, said, todo })
}

/// The bytes that all origins of one archive serve, if any serves bytes.
fn agreed(found: &[Found]) -> Result<Option<Measured>> {
    let mut all = found.iter().filter_map(|one| match &one.got {
        Got::Bytes(measured) => Some((&one.origin, measured)),
        _ => None,
    });
    let Some((first, measured)) = all.next() else { return Ok(None) };
    if let Some((other, differing)) = all.find(|(_, other)| other.sha256 != measured.sha256) {
        bail!(
            "the origins of one archive have different bytes\n  {first}: {} bytes, sha256 {}\n  {other}: {} bytes, sha256 {}\n\n\
             hint: find out why; if both are good, pin each as an archive of its own, with the tree that proves them equal",
            measured.size,
            measured.sha256,
            differing.size,
            differing.sha256
        );
    }
    Ok(Some(measured.clone()))
}

fn reason(found: &Found) -> Option<String> {
    match &found.got {
        Got::Bytes(_) => None,
        Got::Gone(why) | Got::Silent(why) => Some(why.clone()),
    }
}

/// The origin as the recipe will have it: one that gave no answer may still have the bytes.
fn kept(found: &Found, from: &Version, to: &Version) -> Option<Origin> {
    match (&found.got, &found.origin) {
        (Got::Bytes(_), origin) => Some(origin.clone()),
        // Its address is known only to an index that gave no answer, or it is already that of the new version.
        (Got::Silent(_), Origin::Https(text)) => renamed(text, from, to).parse().ok(),
        _ => None,
    }
}

/// The source with its globs for the new version, and no archives.
fn names_of(old: &Source, from: &Version, to: &Version) -> Source {
    let all = |globs: &[String]| globs.iter().map(|glob| renamed(glob, from, to)).collect();
    Source {
        builder: old.builder,
        tree: None,
        keep: all(&old.keep),
        omit: all(&old.omit),
        executable: all(&old.executable),
        archives: Vec::new(),
    }
}

fn open(candidate: &mut Candidate, source: &Source, said: &mut Vec<String>) -> Result<()> {
    let archive = |root: &str| Archive {
        root: root.to_owned(),
        size: Some(candidate.new.size),
        sha256: candidate.new.sha256,
        origins: candidate.new.origins.clone(),
        note: None,
    };
    let first = unpack(&candidate.file, &archive(&candidate.new.root), source, &candidate.folder);
    if let Err(error) = first {
        // Upstream may have renamed the folder in it.
        let whole = candidate.folder.with_extension("whole");
        let everything = Source { keep: vec![], omit: vec![], executable: vec![], ..source.clone() };
        let root = unpack(&candidate.file, &archive("."), &everything, &whole).ok().and_then(|()| only_folder(&whole));
        let Some(root) = root.filter(|root| *root != candidate.new.root) else { return Err(error) };
        if candidate.folder.exists() {
            std::fs::remove_dir_all(&candidate.folder).context("cannot clear a temporary folder")?;
        }
        unpack(&candidate.file, &archive(&root), source, &candidate.folder)?;
        said.push(format!("the folder in the archive is `{root}` now"));
        candidate.new.root = root;
    }
    candidate.tree = Some(Tree::read(&candidate.folder)?);
    Ok(())
}

fn only_folder(whole: &Path) -> Option<String> {
    let mut entries = std::fs::read_dir(whole).ok()?;
    let only = entries.next()?.ok()?;
    let is_only = entries.next().is_none() && only.file_type().ok()?.is_dir();
    if is_only { only.file_name().into_string().ok() } else { None }
}

/// The digest of the tree that every archive holds.
fn same_tree(candidates: &[Candidate]) -> Result<Sha256> {
    let mut trees = candidates.iter().filter_map(|candidate| Some((&candidate.new, candidate.tree.as_ref()?)));
    let (first, tree) = trees.next().context("there is no tree")?;
    for (new, other) in trees {
        let differences = tree.differences(other);
        if !differences.is_empty() {
            let name = |archive: &NewArchive| archive.origins.first().map(Origin::to_string).unwrap_or_default();
            bail!(
                "the archives hold different trees; compared with {}, {} has\n  {}{}\n\n\
                 hint: if what differs is not compiled, name it in `omit` of the recipe first",
                name(first),
                name(new),
                differences.iter().take(10).cloned().collect::<Vec<_>>().join("\n  "),
                if differences.len() > 10 { format!("\n  and {} more", differences.len() - 10) } else { String::new() }
            );
        }
    }
    Ok(tree.digest())
}
