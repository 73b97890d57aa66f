//! Fetching against a real server on this machine's loopback, with everything that servers do wrong.

pub(super) mod archives;
mod download;
mod fetch;
mod obtain;
mod probe;
mod processes;
pub(crate) mod server;
mod trust;

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use super::fetch::fetch_all;
use super::http::{Client, Patience};
use super::mirror::{MirrorArgs, Mirrors};
use super::proxy::Proxies;
use super::request::{Context, Fetched, Network, Request};
use super::store::Store;
use crate::model::recipe::{Archive, Source};
use crate::model::{Origin, Sha256};
use crate::ui::Ui;

/// A client that loses patience soon enough for a test.
fn client() -> Client {
    client_behind(Proxies::default())
}

fn client_behind(proxies: Proxies) -> Client {
    let patience = Patience {
        resolve: Duration::from_secs(5),
        connect: Duration::from_secs(5),
        silence: Duration::from_millis(300),
        attempts: 3,
        pause: Duration::from_millis(10),
    };
    Client::new(patience, proxies)
}

/// Bytes that differ at every place, so that a wrongly resumed file is noticed.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

/// An archive with these bytes and origins, as a recipe would pin it.
fn archive(bytes: &[u8], origins: &[&str]) -> Archive {
    // The server of the tests speaks plain http, which recipes cannot say.
    let origin = |text: &&str| match text.strip_prefix("http://") {
        Some(_) => Origin::Https((*text).to_owned()),
        None => text.parse().expect(text),
    };
    Archive {
        root: ".".to_owned(),
        size: Some(bytes.len() as u64),
        note: None,
        sha256: Sha256::of(bytes),
        origins: origins.iter().map(origin).collect(),
    }
}

/// A source that takes its archives whole.
fn source(archives: Vec<Archive>) -> Source {
    Source { builder: None, tree: None, keep: Vec::new(), omit: Vec::new(), executable: Vec::new(), archives }
}

/// Mirrors that know nothing of this machine.
fn mirrors(debian: &str, pypi: &str, folders: &[&Path]) -> Mirrors {
    let mirror_dir = folders.iter().map(|&folder| folder.to_owned()).collect();
    let args = MirrorArgs { debian_mirror: vec![debian.to_owned()], pypi_index: vec![pypi.to_owned()], mirror_dir };
    Mirrors::new(&args).expect("usable mirrors")
}

/// Fetches one source into a store in `cache`, and gives the file's bytes or the error's text.
fn fetch(cache: &Path, mirrors: &Mirrors, network: Network, source: &Source) -> Result<Vec<u8>, String> {
    let (store, ui) = (Store::new(cache), Ui::silent());
    let context = Context { mirrors, store: &store, network: &network, ui: &ui };
    let request = Request { what: "tool@1.0".to_owned(), source };
    let fetched = fetch_all(&context, &[request], NonZeroUsize::MIN).map_err(|error| format!("{error:#}"))?;
    let [Fetched { file, .. }] = fetched.as_slice() else { panic!("one source is one archive") };
    Ok(std::fs::read(file).expect("a stored file"))
}

fn online() -> Network {
    Network::Online(Box::new(client()))
}
