//! Finds out quickly, before anything is fetched, whether sources can be fetched here.
//!
//! The store and folders are looked into first. Every place behind the network is then asked at once, and only the
//! head of its answer is read, so what is decided may still turn out wrong: fetching checks every byte.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::header;

use super::failure::Failure;
use super::fetch::locate;
use super::folder;
use super::http::Client;
use super::mirror::Place;
use super::request::{Context, Network, Request};
use crate::model::Origin;
use crate::model::recipe::{Archive, Source};

/// How long all places together are waited for. Names that do not resolve take less: see [`Client::in_a_hurry`].
const DEADLINE: Duration = Duration::from_secs(5);

/// A place that does not have a source, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailedPlace {
    /// The host or the origin.
    pub place: String,
    /// Why not.
    pub why: String,
}

impl fmt::Display for FailedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Trouble with a connection names its host by itself.
        if self.why.contains(&self.place) { f.write_str(&self.why) } else { write!(f, "{}: {}", self.place, self.why) }
    }
}

/// The sources that a run would have to download. Quick, and asks no host.
pub fn missing<'r, 'a>(context: &Context<'_>, wanted: &'r [Request<'a>]) -> Vec<&'r Request<'a>> {
    wanted.iter().filter(|request| !is_here(context, request)).collect()
}

/// Whether the store or a folder has what is wanted: an archive, going by its name and size, or the tree, which is read.
pub fn is_here(context: &Context<'_>, request: &Request<'_>) -> bool {
    look_here(context, request).is_ok()
}

/// Looks into the store and folders; the folders that have another tree.
fn look_here(context: &Context<'_>, request: &Request<'_>) -> Result<(), Vec<FailedPlace>> {
    let has_archive = |archive: &Archive| {
        let fits = |file: &PathBuf| fs::metadata(file).is_ok_and(|metadata| archive.may_have(metadata.len()));
        context.store.has(archive) || context.mirrors.local(archive).iter().any(fits)
    };
    let stored = request.source.tree.is_some_and(|tree| context.store.path(&tree).is_file());
    if stored || request.source.archives.iter().any(has_archive) {
        return Ok(());
    }
    let mut others = Vec::new();
    let Some(expected) = request.source.tree else { return Err(others) };
    for path in context.mirrors.local_trees(&request.what, request.source) {
        let why = match folder::read(&path, request.source) {
            Ok(tree) if tree.digest() == expected => return Ok(()),
            Ok(tree) => Failure::Tree { expected, actual: tree.digest() },
            Err(error) => Failure::Unreadable(format!("{error:#}")),
        };
        others.push(FailedPlace { place: path.display().to_string(), why: why.to_string() });
    }
    Err(others)
}

/// Sources that are being asked for.
#[derive(Debug)]
pub struct Probe {
    sources: Vec<State>,
    answers: Receiver<(usize, Result<(), FailedPlace>)>,
    until: Instant,
}

/// What is known of one source.
#[derive(Debug, Default)]
struct State {
    found: bool,
    /// Places that have not answered, each as often as it was asked.
    open: Vec<String>,
    tried: BTreeSet<FailedPlace>,
}

impl Probe {
    /// Looks for all of `wanted` here, and asks the network for those that are not.
    pub fn start(context: &Context<'_>, wanted: &[&Request<'_>]) -> Probe {
        let (sender, answers) = channel();
        let mut sources = Vec::new();
        let client = match context.network {
            Network::Online(client) => Some(Arc::new(client.in_a_hurry())),
            Network::Offline => None,
        };
        for (at, request) in wanted.iter().enumerate() {
            let here = look_here(context, request);
            let mut state = State { found: here.is_ok(), ..State::default() };
            state.tried.extend(here.err().into_iter().flatten());
            match &client {
                _ if state.found => {}
                None => {
                    let place = "`--offline`".to_owned();
                    let why = format!("{place} forbids fetching what is neither in the store nor in a folder");
                    state.tried.insert(FailedPlace { place, why });
                }
                Some(client) => {
                    for (name, question) in questions(context, request.source, &mut state.tried) {
                        state.open.push(name.clone());
                        let (sender, client) = (sender.clone(), Arc::clone(client));
                        // Nobody waits for those that take too long.
                        thread::spawn(move || {
                            let answer = question.ask(&client);
                            let answer = answer.map_err(|why| FailedPlace { place: name, why: why.to_string() });
                            let _ = sender.send((at, answer));
                        });
                    }
                }
            }
            sources.push(state);
        }
        Probe { sources, answers, until: Instant::now() + DEADLINE }
    }

    /// Waits until it is known whether the source at that place of the list can be fetched. The places that were tried in
    /// vain, or nothing if it can be fetched.
    pub fn in_vain(&mut self, at: usize) -> Option<Vec<FailedPlace>> {
        loop {
            let state = self.sources.get_mut(at)?;
            if state.found {
                return None;
            }
            if state.open.is_empty() {
                return Some(state.tried.iter().cloned().collect());
            }
            match self.answers.recv_timeout(self.until.saturating_duration_since(Instant::now())) {
                Ok((of, answer)) => self.note(of, answer),
                Err(_) => {
                    let late = std::mem::take(&mut state.open).into_iter();
                    let why = format!("no answer within {} seconds", DEADLINE.as_secs());
                    state.tried.extend(late.map(|place| FailedPlace { place, why: why.clone() }));
                }
            }
        }
    }

    fn note(&mut self, of: usize, answer: Result<(), FailedPlace>) {
        let Some(state) = self.sources.get_mut(of) else { return };
        match answer {
            Ok(()) => state.found = true,
            Err(tried) => {
                if let Some(asked) = state.open.iter().position(|place| *place == tried.place) {
                    state.open.swap_remove(asked);
                }
                state.tried.insert(tried);
            }
        }
    }
}

/// What one thread finds out.
struct Question {
    archive: Archive,
    origin: Origin,
    place: Place,
}

impl Question {
    fn ask(&self, client: &Client) -> Result<(), Failure> {
        let url = locate(client, &self.origin, &self.place).map_err(|attempt| attempt.failure)?;
        let answer = client.get(&url, 0, "*/*")?;
        if answer.status != 200 {
            return Err(answer.failure());
        }
        match answer.number(header::CONTENT_LENGTH).filter(|actual| !self.archive.may_have(*actual)) {
            Some(actual) => Err(Failure::Size { expected: self.archive.most(), actual }),
            None => Ok(()),
        }
    }
}

/// What there is to ask about a source, by a short name of the place. Origins for which this machine knows no place are
/// tried in vain already.
fn questions(context: &Context<'_>, source: &Source, tried: &mut BTreeSet<FailedPlace>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for archive in &source.archives {
        for origin in &archive.origins {
            let places = context.mirrors.remote(origin).unwrap_or_else(|error| {
                tried.insert(FailedPlace { place: origin.to_string(), why: format!("{error:#}") });
                Vec::new()
            });
            for place in places {
                let (Place::File(url) | Place::Page(url)) = &place;
                let name = url.host_str().unwrap_or(url.as_str()).to_owned();
                questions.push((name, Question { archive: archive.clone(), origin: origin.clone(), place }));
            }
        }
    }
    questions
}
