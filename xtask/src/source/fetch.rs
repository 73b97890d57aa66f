//! Fetching: every archive of a run into the store, from whatever place has its bytes.
//!
//! For one source any of its archives will do. What the store has wins, then what a folder of this machine
//! has, then the network: archive by archive, origin by origin, in the recipe's order.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::bail;
use url::Url;

use super::download::{copy, download};
use super::failure::Failure;
use super::folder;
use super::http::{Client, shown};
use super::index;
use super::mirror::Place;
use super::report::{self, Attempt, UnfetchedSource};
use super::request::{Content, Context, Fetched, Network, Request};
use super::store::WriteLock;
use super::unpack::file_name;
use crate::model::recipe::Archive;
use crate::model::{Origin, Sha256};

/// How many downloads run at once unless somebody says otherwise.
pub const DOWNLOADS: NonZeroUsize = NonZeroUsize::new(4).expect("4 is not zero");

/// Brings an archive of every source into the store, several at once, and gives them in the order of `wanted`.
/// Bytes that were not the pinned ones are warned about even where another place had the right ones. Fails with one
/// error that names everything that could not be fetched, and why at each place; at once if this machine's disk fails.
pub fn fetch_all<'a>(
    context: &Context<'_>,
    wanted: &[Request<'a>],
    downloads: NonZeroUsize,
) -> anyhow::Result<Vec<Fetched<'a>>> {
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let results: Mutex<Vec<Option<Outcome<'a>>>> = Mutex::new(wanted.iter().map(|_| None).collect());
    let work = || {
        while !stopped.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = wanted.get(at) else { return };
            let outcome = fetch_one(context, request, &[]);
            stopped.fetch_or(outcome.result.is_err(), Ordering::Relaxed);
            if let Some(slot) = results.lock().unwrap_or_else(PoisonError::into_inner).get_mut(at) {
                *slot = Some(outcome);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..downloads.get().min(wanted.len()) {
            scope.spawn(work);
        }
    });
    let outcomes = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (mut fetched, mut missed) = (Vec::new(), Vec::new());
    // An outcome is absent only where another one stopped the work with an error.
    for (request, outcome) in wanted.iter().zip(outcomes).filter_map(|(request, outcome)| Some((request, outcome?))) {
        match outcome.result? {
            Some(found) => {
                report::warn(context.ui, &request.what, &outcome.attempts);
                fetched.push(found);
            }
            None => missed.push(UnfetchedSource { request, attempts: outcome.attempts }),
        }
    }
    if !missed.is_empty() {
        bail!(report::cannot_fetch(context, &missed));
    }
    Ok(fetched)
}

/// What came of one source. An error is trouble of this machine; `None` means that no place had it.
pub(super) struct Outcome<'a> {
    pub result: anyhow::Result<Option<Fetched<'a>>>,
    pub attempts: Vec<Attempt>,
}

/// Brings one archive of a source into the store, none of the `refused` ones.
pub(super) fn fetch_one<'a>(context: &Context<'_>, request: &Request<'a>, refused: &[Sha256]) -> Outcome<'a> {
    let mut attempts = Vec::new();
    let result = find(context, request, refused, &mut attempts);
    Outcome { result, attempts }
}

/// Looks in the store, then in folders, then behind the network; archives first, and the tree itself after them.
fn find<'a>(
    context: &Context<'_>,
    request: &Request<'a>,
    refused: &[Sha256],
    attempts: &mut Vec<Attempt>,
) -> anyhow::Result<Option<Fetched<'a>>> {
    let wanted: Vec<&'a Archive> =
        request.source.archives.iter().filter(|archive| !refused.contains(&archive.sha256)).collect();
    let tree = request.source.tree.filter(|tree| !refused.contains(tree));
    type Way = (fn(&Context<'_>, &Archive, &mut Vec<Attempt>) -> Found, Option<TreeWay>);
    type TreeWay = fn(&Context<'_>, &Request<'_>, Sha256, &mut Vec<Attempt>) -> Found;
    let ways: [Way; 3] =
        [(from_store, Some(tree_from_store)), (from_folders, Some(tree_from_folders)), (from_network, None)];
    for (way, tree_way) in ways {
        for archive in &wanted {
            if let Some(file) = way(context, archive, attempts)? {
                return Ok(Some(Fetched { content: Content::Archive(archive), file }));
            }
        }
        if let (Some(tree), Some(tree_way)) = (tree, tree_way)
            && let Some(file) = tree_way(context, request, tree, attempts)?
        {
            return Ok(Some(Fetched { content: Content::Tree(tree), file }));
        }
    }
    Ok(None)
}

type Found = anyhow::Result<Option<PathBuf>>;

fn from_store(context: &Context<'_>, archive: &Archive, _: &mut Vec<Attempt>) -> Found {
    let found = context.store.get(archive)?;
    if found.is_some() || !context.store.path(&archive.sha256).exists() {
        return Ok(found);
    }
    let claim = context.store.claim(archive.sha256, file_name(archive), context.ui)?;
    // Another run may have put the right bytes there meanwhile.
    if let Some(file) = context.store.get(archive)? {
        return Ok(Some(file));
    }
    let path = context.store.path(&archive.sha256);
    context.ui.warn(format!("`{}` has changed since it was stored; it was discarded", path.display()));
    claim.discard()?;
    Ok(None)
}

fn from_folders(context: &Context<'_>, archive: &Archive, attempts: &mut Vec<Attempt>) -> Found {
    let files = context.mirrors.local(archive);
    if files.is_empty() {
        return Ok(None);
    }
    let claim = context.store.claim(archive.sha256, file_name(archive), context.ui)?;
    if let Some(file) = context.store.get(archive)? {
        return Ok(Some(file));
    }
    for file in files {
        let place = file.display().to_string();
        let partial = claim.partial(&place);
        let progress = context.ui.transfer(&format!("copy {place}"), archive.most());
        if let Some(found) = settle(&claim, place, &partial, copy(&file, archive, &partial, &progress), attempts)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn tree_from_store(context: &Context<'_>, _: &Request<'_>, tree: Sha256, _: &mut Vec<Attempt>) -> Found {
    // Its bytes are looked at when it is unpacked.
    Ok(Some(context.store.path(&tree)).filter(|file| file.is_file()))
}

fn tree_from_folders(
    context: &Context<'_>,
    request: &Request<'_>,
    expected: Sha256,
    attempts: &mut Vec<Attempt>,
) -> Found {
    for path in context.mirrors.local_trees(&request.what, request.source) {
        let place = path.display().to_string();
        let tree = match folder::read(&path, request.source) {
            Ok(tree) if tree.digest() == expected => tree,
            Ok(tree) => {
                attempts.push(Attempt { place, failure: Failure::Tree { expected, actual: tree.digest() } });
                continue;
            }
            Err(error) => {
                attempts.push(Attempt { place, failure: Failure::Unreadable(format!("{error:#}")) });
                continue;
            }
        };
        let _progress = context.ui.busy(&format!("copy {place}"));
        let claim = context.store.claim(expected, &request.what, context.ui)?;
        if let Some(file) = tree_from_store(context, request, expected, attempts)? {
            return Ok(Some(file));
        }
        let partial = claim.partial(&place);
        folder::pack(&path, &tree, &partial)?;
        return Ok(Some(claim.land(&partial)?));
    }
    Ok(None)
}

fn from_network(context: &Context<'_>, archive: &Archive, attempts: &mut Vec<Attempt>) -> Found {
    let Network::Online(client) = &context.network else { return Ok(None) };
    let claim = context.store.claim(archive.sha256, file_name(archive), context.ui)?;
    if let Some(file) = context.store.get(archive)? {
        return Ok(Some(file));
    }
    for origin in &archive.origins {
        let places = match context.mirrors.remote(origin) {
            Ok(places) => places,
            Err(error) => {
                let failure = Failure::NoPlace(format!("{error:#}"));
                attempts.push(Attempt { place: origin.to_string(), failure });
                continue;
            }
        };
        for place in places {
            let url = match locate(client, origin, &place) {
                Ok(url) => url,
                Err(attempt) => {
                    attempts.push(attempt);
                    continue;
                }
            };
            let place = shown(&url);
            let partial = claim.partial(&place);
            let progress = context.ui.transfer(&format!("fetch {place}"), archive.most());
            let result = download(client, &url, archive, &partial, &progress);
            if let Some(found) = settle(&claim, place, &partial, result, attempts)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// Where the archive itself is: on an index it has to be looked up.
pub(super) fn locate(client: &Client, origin: &Origin, place: &Place) -> Result<Url, Attempt> {
    let page = match place {
        Place::File(url) => return Ok(url.clone()),
        Place::Page(page) => page,
    };
    let failed = |failure| Attempt { place: format!("{} ({origin})", shown(page)), failure };
    let (text, base) = client.page(page).map_err(failed)?;
    index::find(&text, &base, origin.file_name()).ok_or_else(|| failed(Failure::NotListed))
}

/// Lands what came whole. Trouble with the disk ends everything; any other failure is noted.
fn settle(
    claim: &WriteLock<'_>,
    place: String,
    partial: &std::path::Path,
    result: Result<(), Failure>,
    attempts: &mut Vec<Attempt>,
) -> Found {
    match result {
        Ok(()) => Ok(Some(claim.land(partial)?)),
        Err(Failure::Disk(error)) => Err(error.into()),
        Err(failure) => {
            attempts.push(Attempt { place, failure });
            Ok(None)
        }
    }
}
